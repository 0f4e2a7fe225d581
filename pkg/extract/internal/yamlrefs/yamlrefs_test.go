package yamlrefs_test

import (
	"errors"
	"fmt"
	"io/fs"
	"regexp"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/intact-dev/intact/pkg/extract"
	"github.com/intact-dev/intact/pkg/extract/internal/written"
	"github.com/intact-dev/intact/pkg/extract/internal/yamlrefs"
	"github.com/intact-dev/intact/pkg/fact"
	"github.com/intact-dev/intact/pkg/ref"
)

func open(t *testing.T, files map[string]string) (*yamlrefs.Reader, *yamlrefs.File) {
	t.Helper()
	fsys := fstest.MapFS{}
	for name, text := range files {
		fsys[name] = &fstest.MapFile{Data: []byte(text)}
	}
	r := yamlrefs.NewReader(fsys)
	f, err := r.Open("a.yml")
	if err != nil {
		t.Fatal(err)
	}
	return r, f
}

func TestWhatIsPutIntoATextKeepsItsPlace(t *testing.T) {
	t.Parallel()
	r, f := open(t, map[string]string{"a.yml": "image: 'a:<v>'\nv: '1'\n"})
	v := yamlrefs.Substitute(r.Text(f.Root().Get("image")), regexp.MustCompile(`<(\w+)>`), func(m []string) written.Value {
		return written.Known(r.Text(f.Root().Get(m[1])))
	})
	r.Add(f.Root().Get("image"), "image", ref.KindImage, v, "v")
	found := r.Result("a.yml").Found
	if len(found) != 1 || found[0].Raw != "a:1" || found[0].Site == nil || *found[0].Site != (extract.Site{File: "a.yml", Start: 19, End: 20, Style: extract.StyleTag}) {
		t.Errorf("%+v", found)
	}
}

func TestTextsThatGrowTooLong(t *testing.T) {
	t.Parallel()
	for _, text := range []string{strings.Repeat("x", 5000), strings.Repeat("<", 2000)} {
		v := yamlrefs.Substitute(written.Made(text), regexp.MustCompile("<"), func([]string) written.Value { return written.Known(written.Made("12345")) })
		if v.Unresolved == "" {
			t.Errorf("%d bytes are known", v.Text.Len())
		}
	}
}

// A tag is of nothing but images only if nothing else names its variable.
func TestTagsOfVariables(t *testing.T) {
	t.Parallel()
	for rest, want := range map[string]bool{
		"": true, "b: v": false, "b: $v": false, "b: ${v}-x": false, "b: vv": true, "b: x_v": true, "v: '2'": true, "# v": false,
	} {
		r, f := open(t, map[string]string{"a.yml": "image: 'a:<v>'\nvars: {v: '1'}\n" + rest + "\n"})
		root := f.Root()
		v := yamlrefs.Substitute(r.Text(root.Get("image")), regexp.MustCompile(`<(\w+)>`), func([]string) written.Value {
			return written.Known(r.Text(root.Get("vars", "v")))
		})
		r.Add(root.Get("image"), "image", ref.KindImage, v, "v")
		if got := r.Result("a.yml").Found[0].Site != nil; got != want {
			t.Errorf("with %q the tag can be changed: %v", rest, got)
		}
	}
}

func TestWhatIsTold(t *testing.T) {
	t.Parallel()
	r, f := open(t, map[string]string{"a.yml": "a: 1\na: 2\n---\nb: [\n", "b.yml": ""})
	f.Root().Get("a")
	r.Limit(f.Root(), "", "things", 3)
	r.Limit(f.Root(), "", "things", 3)
	r.Unread("gone.yml", fs.ErrPermission)
	r.Claim("b.yml")
	r.Claim("b.yml")
	if _, err := r.Open("b.yml"); err != nil {
		t.Error(err)
	}
	if _, err := r.Open("c.yml"); !errors.Is(err, fs.ErrNotExist) {
		t.Error(err)
	}
	out := r.Result("a.yml")
	var got []string
	for _, p := range out.Problems {
		got = append(got, fmt.Sprint(p.Origin.Where, ":", p.Origin.Line, " ", p.Cause))
	}
	want := []string{"a.yml:5 " + string(fact.Unsupported), "a.yml:1 " + string(fact.Limit), "gone.yml:0 " + string(fact.Unsupported), "a.yml:2 " + string(fact.Unsupported)}
	if s := strings.Join(got, ", "); s != strings.Join(want, ", ") || fmt.Sprint(out.Claims, out.Read) != "[b.yml] [b.yml]" {
		t.Errorf("%s; %v %v", s, out.Claims, out.Read)
	}
}
