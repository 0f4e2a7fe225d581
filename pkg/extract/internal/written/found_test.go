package written_test

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/intact-dev/intact/pkg/extract"
	"github.com/intact-dev/intact/pkg/extract/internal/written"
	"github.com/intact-dev/intact/pkg/extract/internal/yamlpos"
	"github.com/intact-dev/intact/pkg/ref"
)

// dollars is a grammar that calls for a library: the standard one's.
var dollars = written.Grammar{Run: func(word string, lookup func(string) (string, bool)) (string, error) {
	if strings.Contains(word, "${!") {
		return "", fmt.Errorf("expand: %w", errors.New("no such operator"))
	}
	return os.Expand(word, func(name string) string {
		name, word, ok := strings.Cut(name, ":-")
		v, set := lookup(name)
		if ok && (!set || v == "") {
			return word
		}
		return v
	}), nil
}}

func TestExpand(t *testing.T) {
	t.Parallel()
	vars := written.NewFile("v", []byte("V=1.2\nN=nginx\n"))
	lookup := func(name string) (written.Value, bool) {
		switch name {
		case "V":
			return written.Known(vars.Text(2, 5)), true
		case "N":
			return written.Known(vars.Text(8, 13)), true
		case "LONG":
			return written.Known(written.Made(strings.Repeat("x", 3000))), true
		case "P":
			return written.Unknown(written.Text{}, "P is the platform's"), true
		}
		return written.Unknown(written.Text{}, "%s is not set", name), false
	}
	for _, tt := range []struct{ in, text, places, unresolved string }{
		{"a:1", "a:1", "f0 f1 f2", ""},
		{"a:$V", "a:1.2", "f0 f1 v2 v3 v4", ""},
		{"${N}:${V}", "nginx:1.2", "v8 v9 v10 v11 v12 f4 v2 v3 v4", ""},
		{"a:${U:-3}", "a:3", "f0 f1 f7", ""},
		{"a:$U", "a:$U", "f0 f1 f2 f3", "U is not set"},
		{"a:$P", "a:${P}", "f0 f1 - - - -", "P is the platform's"},
		{"a:${P:-1}", "a:${P}", "f0 f1 - - - -", "P is the platform's"},
		{"${!}", "${!}", "f0 f1 f2 f3", "no such operator"},
		{"$LONG$LONG", "$LONG$LONG", "f0 f1 f2 f3 f4 f5 f6 f7 f8 f9", "with its variables it is too long for a reference"},
		{"\xff$V", "\xff$V", "f0 f1 f2", "it is not UTF-8"},
	} {
		f := written.NewFile("f", []byte(tt.in))
		v := dollars.Expand(f.Text(0, len(tt.in)), lookup)
		got := []string{v.Text.String(), places(v.Text), v.Unresolved}
		if d := cmp.Diff([]string{tt.text, tt.places, tt.unresolved}, got); d != "" {
			t.Errorf("%s: %s", tt.in, d)
		}
	}
	many := written.NewFile("f", []byte(strings.Repeat("$V", 300)))
	if v := dollars.Expand(many.Text(0, 600), lookup); v.Unresolved == "" {
		t.Error("300 variables are a reference")
	}
}

// A library that does more than it is known to do is believed, without places.
func TestExpandOtherwise(t *testing.T) {
	t.Parallel()
	g := written.Grammar{Run: func(word string, lookup func(string) (string, bool)) (string, error) {
		v, _ := lookup("V")
		return strings.ReplaceAll(strings.ReplaceAll(word, "$V", v), "a", "b"), nil
	}}
	f := written.NewFile("f", []byte("a:$V"))
	v := g.Expand(f.Text(0, 4), func(string) (written.Value, bool) { return written.Known(written.Made("a1")), true })
	if v.Text.String() != "b:b1" || places(v.Text) != "- - - -" || v.Unresolved != "" {
		t.Errorf("%q %s %q", v.Text, places(v.Text), v.Unresolved)
	}
}

func TestFound(t *testing.T) {
	t.Parallel()
	const digest = "sha256:9f2c41d0a7be55c3d1e8f0a64b7792ce3c05d8814fa6b1e2907d3358c61fe0ab"
	vars := written.NewFile("v", []byte("1.2\nalpine:3\n"+digest))
	file := written.NewFile("f", []byte("image: a:\n"))
	join := func(parts ...written.Text) written.Value {
		var b written.Builder
		for _, p := range parts {
			b.Add(p)
		}
		return written.Known(b.Text())
	}
	for name, tt := range map[string]struct {
		value written.Value
		want  string
	}{
		"whole":      {written.Known(vars.Text(4, 12)), "v:2:1 alpine:3 reference 4-12 +f:1"},
		"tag":        {join(file.Text(7, 9), vars.Text(0, 3)), "f:1:8 a:1.2 tag 0-3 +v:1"},
		"digest":     {join(file.Text(7, 8), written.Made("@"), vars.Text(13, 13+len(digest))), "f:1:8 a@" + digest + " digest 13-84 +v:3"},
		"half a tag": {join(file.Text(7, 9), vars.Text(0, 3), written.Made("-x")), "f:1:8 a:1.2-x +v:1"},
		"no tag":     {join(file.Text(7, 8), written.Made("b")), "f:1:8 ab"},
		"made":       {written.Known(written.Made("a:1")), "f:1:8 a:1"},
		"no name":    {written.Known(written.Made("A:1")), "f:1:8 A:1 ! the repository must be lower case"},
		"unknown":    {written.Unknown(file.Text(7, 9), "why"), "f:1:8 a: ! why"},
	} {
		f := tt.value.Found(ref.KindImage, written.Use{File: file, Offset: 7, Path: "image"})
		got := fmt.Sprintf("%s:%d:%d %s", f.Origin.Where, f.Origin.Line, f.Origin.Column, f.Raw)
		if f.Site != nil {
			got += fmt.Sprintf(" %s %d-%d", f.Site.Style, f.Site.Start, f.Site.End)
		}
		for _, o := range f.Related {
			got += fmt.Sprintf(" +%s:%d", o.Where, o.Line)
		}
		if f.Unresolved != "" {
			got += " ! " + f.Unresolved
		}
		if got != tt.want {
			t.Errorf("%s: %s, not %s", name, got, tt.want)
		}
		if f.Origin.Path != "image" || (f.Unresolved == "") != (f.Ref.Name != "") {
			t.Errorf("%s: %+v", name, f)
		}
	}
}

// What two references are made of is no place to change, unless it means the
// same to both.
func TestSettle(t *testing.T) {
	t.Parallel()
	f := written.NewFile("f", []byte("a:1 b:1"))
	reference := func(parts ...written.Text) written.Reference {
		var b written.Builder
		for _, p := range parts {
			b.Add(p)
		}
		v := written.Known(b.Text())
		return written.Reference{Found: v.Found(ref.KindImage, written.Use{File: f}), Text: v.Text}
	}
	sites := func(refs ...written.Reference) (out []bool) {
		for _, r := range written.Settle(refs) {
			out = append(out, r.Site != nil)
		}
		return out
	}
	whole, tag, name := f.Text(0, 3), f.Text(2, 3), f.Text(4, 6)
	if d := cmp.Diff([]bool{true, true}, sites(reference(whole), reference(f.Text(4, 7)))); d != "" {
		t.Errorf("apart: %s", d)
	}
	if d := cmp.Diff([]bool{true, true}, sites(reference(whole), reference(whole))); d != "" {
		t.Errorf("twice the same: %s", d)
	}
	if d := cmp.Diff([]bool{false, false}, sites(reference(whole), reference(name, tag))); d != "" {
		t.Errorf("one tag for two: %s", d)
	}
}

func TestYAML(t *testing.T) {
	t.Parallel()
	text := "a: 'x:1'\nb: \"x\\u003a1\"\nc: 1.10\nd: []\ne: ''\n"
	read := func(path string) map[string]string {
		open, err := yamlpos.Open([]byte(text))
		if err != nil {
			t.Fatal(err)
		}
		f := written.NewFile(path, []byte(text))
		out := map[string]string{}
		for doc := range open.Docs(nil) {
			for k, v := range doc.Root().Fields() {
				value := f.YAML(v)
				_, start, end := value.Span()
				out[k.String()] = fmt.Sprintf("%s %d-%d", value, start, end)
			}
		}
		return out
	}
	if d := cmp.Diff(map[string]string{"a": "x:1 4-7", "b": "x:1 0-0", "c": "1.10 26-30", "d": " 0-0", "e": " 0-0"}, read("f.yaml")); d != "" {
		t.Error(d)
	}
	if got := read("f.json")["c"]; got != "1.10 0-0" {
		t.Error(got)
	}
}

// Whatever a text with variables says: its bytes come from where it says that
// they do.
func FuzzExpand(f *testing.F) {
	for _, s := range []string{"a:$V", "${V:-x${W}}", "$$", "${", "${V-$W}y", "${!}"} {
		f.Add(s, "1.2", "\u00e4$")
	}
	f.Fuzz(func(t *testing.T, word, v, w string) {
		file, vars := written.NewFile("f", []byte(word)), written.NewFile("v", []byte(v+w))
		value := dollars.Expand(file.Text(0, len(word)), func(name string) (written.Value, bool) {
			switch name {
			case "V":
				return written.Known(vars.Text(0, len(v))), true
			case "W":
				return written.Known(vars.Text(len(v), len(v)+len(w))), true
			}
			return written.Unknown(written.Text{}, "%s is not set", name), false
		})
		s := value.Text.String()
		for i := range len(s) {
			if f, at := value.Text.Place(i); f != nil && (at >= len(f.Data) || f.Data[at] != s[i]) {
				t.Fatalf("byte %d of %q is not at %s:%d", i, s, f.Path, at)
			}
		}
		found := value.Found(ref.KindImage, written.Use{File: file})
		if site := found.Site; site != nil && site.Style == extract.StyleReference {
			data := map[string][]byte{"f": file.Data, "v": vars.Data}[site.File]
			if string(data[site.Start:site.End]) != found.Raw {
				t.Errorf("%q is not %q", data[site.Start:site.End], found.Raw)
			}
		}
	})
}
