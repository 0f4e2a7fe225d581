package pin_test

import (
	"context"
	"io/fs"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"

	"github.com/intact-dev/intact/pkg/extract"
	"github.com/intact-dev/intact/pkg/fact"
	"github.com/intact-dev/intact/pkg/pin"
	"github.com/intact-dev/intact/pkg/ref"
)

func TestWhatIsWritten(t *testing.T) {
	t.Parallel()
	for name, row := range map[string]struct {
		mode     pin.Mode
		in, want string
		left     []string // each a part of what is said
	}{
		"whole":             {pin.Add, "image: nginx:1.2.3\n", "image: nginx:1.2.3@A\n", nil},
		"quotes":            {pin.Add, "image: \"nginx:1.2.3\"\n", "image: \"nginx:1.2.3@A\"\n", nil},
		"line_ends":         {pin.Add, "# x\r\nimage: nginx:1.2.3\r\nimage: redis:7.0.0\r\n", "# x\r\nimage: nginx:1.2.3@A\r\nimage: redis:7.0.0@C\r\n", nil},
		"no_last_line_end":  {pin.Add, "image: nginx:1.2.3", "image: nginx:1.2.3@A", nil},
		"no_tag":            {pin.Add, "image: nginx\n", "image: nginx:latest@B\n", nil},
		"the_written_name":  {pin.Add, "image: docker.io/library/nginx:1.2.3\nimage: index.docker.io/library/nginx:1.2.3\n", "image: docker.io/library/nginx:1.2.3@A\nimage: index.docker.io/library/nginx:1.2.3@A\n", nil},
		"pinned_already":    {pin.Add, "image: nginx:1.2.3@F\n", "image: nginx:1.2.3@F\n", nil},
		"nothing":           {pin.Add, "hello\n", "hello\n", nil},
		"own_key":           {pin.Add, "repo nginx\n  tag: 1.2.3\n# x\n", "repo nginx\n  tag: 1.2.3\n  digest: $A\n# x\n", nil},
		"own_key_flow":      {pin.Add, "inline {repo: nginx, tag: 1.2.3}\n", "inline {repo: nginx, tag: 1.2.3, digest: \"$A\"}\n", nil},
		"a_tag_alone":       {pin.Add, "tags T=1.2.3\nof nginx T\n", "tags T=1.2.3@A\nof nginx T\n", nil},
		"used_twice":        {pin.Add, "let X=nginx:1.2.3\nuse X\nuse X\n", "let X=nginx:1.2.3@A\nuse X\nuse X\n", nil},
		"no_place":          {pin.Add, "repo nginx\n", "repo nginx\n", []string{"left nginx: no place in the files"}},
		"two_meanings":      {pin.Add, "tags T=1.2.3\nof nginx T\nof redis T\n", "tags T=1.2.3\nof nginx T\nof redis T\n", []string{"a.txt:2:4 would be nginx:1.2.3@sha256:aaaa", "a.txt:3:4 would be redis:1.2.3@sha256:eeee"}},
		"one_is_gone":       {pin.Add, "tags T=7.0.0\nof redis T\nof nginx T\n", "tags T=7.0.0\nof redis T\nof nginx T\n", []string{"left redis:7.0.0: the same text is used at a.txt:3:4, where it has to stay: get manifest", "left nginx:7.0.0: get manifest"}},
		"gone":              {pin.Add, "image: nginx:9\nimage: redis:7.0.0\n", "image: nginx:9\nimage: redis:7.0.0@C\n", []string{`left nginx:9: get manifest "docker.io/library/nginx:9": 404`}},
		"unresolved":        {pin.Add, "unresolved $x\nimage: nginx:1.2.3\n", "unresolved $x\nimage: nginx:1.2.3@A\n", []string{"left $x: it is not resolved: variable $x"}},
		"no_images":         {pin.Add, "action a/b@v1\nmachine ami\n", "action a/b@v1\nmachine ami\n", []string{"note a/b@v1: an action", "note ami: a machine image"}},
		"built_here":        {pin.Add, "built x:dev\nimage: nginx:1.2.3\n", "built x:dev\nimage: nginx:1.2.3@A\n", []string{"note x:dev: built here"}},
		"would_be_wrong":    {pin.Add, "lie: nginx:1.2.3\n", "lie: nginx:1.2.3\n", []string{`a.txt:1:6 would be read as "elsewhere:1.2.3@sha256:aaaa`}},
		"would_be_other":    {pin.Add, "odd: nginx:1.2.3\nimage: redis:7.0.0\n", "odd: nginx:1.2.3\nimage: redis:7.0.0\n", []string{"a.txt:1:6 would be read differently otherwise"}},
		"moved":             {pin.Update, "image: nginx:1.2.3@F\nimage: redis:7.0.0@C\nimage: ghcr.io/acme/api:main\n", "image: nginx:1.2.3@A\nimage: redis:7.0.0@C\nimage: ghcr.io/acme/api:main@D\n", nil},
		"moved_own_key":     {pin.Update, "repo nginx\n  tag: 1.2.3\n  digest: $F # why\n", "repo nginx\n  tag: 1.2.3\n  digest: $A # why\n", nil},
		"moved_tag":         {pin.Update, "tags T=1.2.3@F\nof nginx T\n", "tags T=1.2.3@A\nof nginx T\n", nil},
		"digest_alone":      {pin.Update, "image: nginx@F\n", "image: nginx@F\n", []string{"note nginx@sha256:ffff"}},
		"update_gone":       {pin.Update, "image: nginx:9@F\n", "image: nginx:9@F\n", []string{"left nginx:9@sha256:ffff"}},
		"taken_out":         {pin.Remove, "image: nginx:1.2.3@F\nimage: \"redis:7.0.0@A\"\nimage: redis:7.0.0\n", "image: nginx:1.2.3\nimage: \"redis:7.0.0\"\nimage: redis:7.0.0\n", nil},
		"taken_out_alone":   {pin.Remove, "image: nginx@F\n", "image: nginx@F\n", []string{"note nginx@sha256:ffff"}},
		"taken_out_tag":     {pin.Remove, "tags T=1.2.3@F\nof nginx T\n", "tags T=1.2.3\nof nginx T\n", nil},
		"taken_out_key":     {pin.Remove, "repo nginx\n  tag: 1.2.3\n  digest: $A\n# x\n", "repo nginx\n  tag: 1.2.3\n# x\n", nil},
		"taken_out_key_end": {pin.Remove, "repo nginx\n  tag: 1.2.3\n  digest: \"$A\"", "repo nginx\n  tag: 1.2.3", nil},
		"key_with_comment":  {pin.Remove, "repo nginx\n  tag: 1.2.3\n  digest: $A # why\n", "repo nginx\n  tag: 1.2.3\n  digest: $A # why\n", []string{"by hand"}},
		"taken_out_flow":    {pin.Remove, "inline {repo: nginx, tag: 1.2.3, digest: \"$A\"}\n", "inline {repo: nginx, tag: 1.2.3}\n", nil},
		"remove_no_images":  {pin.Remove, "action a/b@v1\nunresolved $x\n", "action a/b@v1\nunresolved $x\n", []string{"left $x"}},
		"remove_built":      {pin.Remove, "built x:dev\n", "built x:dev\n", nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, left := one(t, row.mode, row.in)
			if d := cmp.Diff(row.want, got); d != "" {
				t.Error(d)
			}
			all := strings.Join(left, "\n")
			for _, want := range row.left {
				if !strings.Contains(all, want) {
					t.Errorf("what stays is\n%s\nwithout %q", all, want)
				}
			}
			if len(row.left) == 0 && len(left) > 0 {
				t.Errorf("stays: %s", all)
			}
		})
	}
}

// What is wrong in one file leaves the others alone.
func TestAFileThatWouldBeWrongIsLeft(t *testing.T) {
	t.Parallel()
	p := plan(t, pin.Add, tags, map[string]string{"bad.txt": "image: nginx:1.2.3\nlie: nginx:1.2.3\n", "good.txt": "image: redis:7.0.0\n", "same.txt": "image: redis:7.0.0@" + string(digest("f"))})
	if len(p.Files) != 1 || p.Files[0].Name != "good.txt" || len(p.Left) != 2 || p.Kept != 1 {
		t.Errorf("%d files, %d left, %d kept: %+v", len(p.Files), len(p.Left), p.Kept, p)
	}
	for _, l := range p.Left {
		if l.Found.Origin.Where != "bad.txt" || l.Note {
			t.Errorf("%+v", l)
		}
	}
}

func TestAChangeSaysFromWhatToWhat(t *testing.T) {
	t.Parallel()
	p := plan(t, pin.Update, tags, map[string]string{"a.txt": "let X=nginx:1.2.3@" + string(digest("f")) + "\nuse X\nuse X\n"})
	if len(p.Files) != 1 || len(p.Files[0].Changes) != 1 {
		t.Fatalf("%+v", p)
	}
	c := p.Files[0].Changes[0]
	want := ref.Ref{Name: "nginx", Tag: "1.2.3", Digest: digest("f")}
	if len(c.Found) != 2 || c.From != want || c.To.Digest != digest("a") || c.To.Tag != "1.2.3" {
		t.Errorf("%+v", c)
	}
}

// counting counts how often each tag is asked for.
type counting struct {
	resolver
	asked chan string
}

func (c counting) Resolve(ctx context.Context, r ref.Ref) (ref.Digest, error) {
	c.asked <- r.String()
	return c.resolver.Resolve(ctx, r)
}

func TestATagIsResolvedOnce(t *testing.T) {
	t.Parallel()
	files := map[string]string{}
	for _, name := range []string{"a", "b", "c", "d/e"} {
		files[name+".txt"] = "image: nginx:1.2.3\nimage: docker.io/library/nginx:1.2.3\nimage: docker.io/nginx:1.2.3\n"
	}
	c := counting{tags, make(chan string, 100)}
	p := plan(t, pin.Add, c, files)
	if len(c.asked) != 1 || len(p.Files) != 4 {
		t.Errorf("asked %d times for %d files", len(c.asked), len(p.Files))
	}
}

func TestUTF16IsWrittenAsUTF16(t *testing.T) {
	t.Parallel()
	for name, enc := range map[string]func(string) []byte{
		"little": func(s string) []byte {
			out := []byte{0xff, 0xfe}
			for _, c := range []byte(s) {
				out = append(out, c, 0)
			}
			return out
		},
		"big": func(s string) []byte {
			out := []byte{0xfe, 0xff}
			for _, c := range []byte(s) {
				out = append(out, 0, c)
			}
			return out
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			fsys := fstest.MapFS{"a.wide": &fstest.MapFile{Data: enc("x nginx:1.2.3\n")}}
			found := extract.Found{Raw: "nginx:1.2.3", Ref: ref.Ref{Name: "nginx", Tag: "1.2.3"}, Kind: ref.KindImage,
				Site: &extract.Site{File: "a.wide", Start: 2 + 2*2, End: 2 + 2*13, Style: extract.StyleReference}}
			after := found
			after.Ref.Digest = digest("a")
			p, err := pin.Make(t.Context(), fsys, &extract.Tree{Found: []extract.Found{found}}, pin.Options{Resolver: tags,
				Walk: func(context.Context, fs.FS) (*extract.Tree, error) {
					return &extract.Tree{Found: []extract.Found{after}}, nil
				}})
			if err != nil {
				t.Fatal(err)
			}
			if len(p.Files) != 1 {
				t.Fatalf("%+v", p)
			}
			if d := cmp.Diff(enc("x nginx:1.2.3@"+string(digest("a"))+"\n"), p.Files[0].New); d != "" {
				t.Error(d)
			}
		})
	}
}

// A place that does not hold what was found is not written to.
func TestAPlaceThatHoldsSomethingElseIsLeft(t *testing.T) {
	t.Parallel()
	fsys := fstest.MapFS{"a.yaml": &fstest.MapFile{Data: []byte("image: redis:7.0.0\n")}}
	for name, s := range map[string]extract.Site{
		"another":    {Start: 7, End: 18, Style: extract.StyleReference},
		"past_end":   {Start: 7, End: 99, Style: extract.StyleReference},
		"tag":        {Start: 7, End: 12, Style: extract.StyleTag},
		"digest":     {Start: 7, End: 12, Style: extract.StyleDigest},
		"no_style":   {Start: 7, End: 12},
		"no_file":    {File: "gone", Start: 7, End: 12, Style: extract.StyleTag},
		"upside":     {Start: 9, End: 8, Style: extract.StyleReference},
		"below_zero": {Start: -1, End: 8, Style: extract.StyleReference},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if s.File == "" {
				s.File = "a.yaml"
			}
			found := extract.Found{Raw: "nginx:1.2.3", Ref: ref.Ref{Name: "nginx", Tag: "1.2.3"}, Kind: ref.KindImage, Site: &s}
			p, err := pin.Make(t.Context(), fsys, &extract.Tree{Found: []extract.Found{found}}, pin.Options{Resolver: tags, Walk: walk})
			if err != nil || len(p.Files) != 0 || len(p.Left) != 1 || p.Left[0].Note || p.Left[0].Cause == fact.NotGathered || strings.Contains(p.Left[0].Why, "with the change") {
				t.Errorf("%+v, %v", p, err)
			}
		})
	}
}
