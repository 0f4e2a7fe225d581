package pin_test

import (
	"context"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/intact-dev/intact/pkg/pin"
	"github.com/intact-dev/intact/pkg/ref"
)

// anything resolves every tag.
type anything struct{}

func (anything) Resolve(_ context.Context, r ref.Ref) (ref.Digest, error) {
	return ref.DigestOf([]byte(r.String()), ""), nil
}

// FuzzMake pins what the text says and takes it out again: what was changed is
// then as it was.
func FuzzMake(f *testing.F) {
	for _, s := range []string{
		"image: nginx:1.2.3\r\nlet X=redis:7\nuse X\nrepo a\n  tag: 1\n", "inline {repo: a, tag: 1}\ntags T=1\nof a T\nof b T\n", "lie: a:1\nimage: b:2\naction a/b@v1\nproblem x\n",
		"image: a@sha256:" + strings.Repeat("a", 64) + "\nunresolved $x\n", "repo a\n  tag: 1\n  digest: sha256:" + strings.Repeat("a", 64) + "\n",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if !inlineIsRight(text) {
			return
		}
		make := func(mode pin.Mode, text string) (string, *pin.Plan) {
			fsys := fstest.MapFS{"a.txt": &fstest.MapFile{Data: []byte(text)}}
			tree, err := walk(t.Context(), fsys)
			if err != nil {
				t.Fatal(err)
			}
			p, err := pin.Make(t.Context(), fsys, tree, pin.Options{Mode: mode, Resolver: anything{}, Walk: walk})
			if err != nil {
				t.Fatal(err)
			}
			changed := 0
			for _, f := range p.Files {
				text = string(f.New)
				for _, c := range f.Changes {
					changed += len(c.Found)
				}
			}
			if changed+p.Kept+len(p.Left) != len(tree.Found) {
				t.Errorf("%d changed, %d kept, %d left of %d", changed, p.Kept, len(p.Left), len(tree.Found))
			}
			return text, p
		}
		pinned, p := make(pin.Add, text)
		again, q := make(pin.Add, pinned)
		if again != pinned || len(q.Files) > 0 {
			t.Errorf("pinned twice it is another: %q, then %q", pinned, again)
		}
		for _, f := range p.Files {
			for _, c := range f.Changes {
				if c.From.Digest != "" || c.To.Digest == "" || c.From.Name != c.To.Name {
					t.Errorf("from %s to %s", c.From, c.To)
				}
				if c.From.Tag == "" {
					return // :latest stays
				}
			}
		}
		if strings.Contains(text, "sha") {
			return // a digest that was there is taken out, too
		}
		if back, r := make(pin.Remove, pinned); trimmed(back) != trimmed(text) && len(r.Left) == len(q.Left) {
			t.Errorf("%q was pinned as %q and is %q without", text, pinned, back)
		}
	})
}

// trimmed is text without blanks at the ends of lines: a key that is written
// before them goes with them.
func trimmed(text string) string {
	lines := strings.Split(text, "\n")
	for i, line := range lines {
		lines[i] = strings.TrimRight(line, " \r")
	}
	return strings.Join(lines, "\n")
}

// inlineIsRight keeps the extractor of these tests from what it cannot read.
func inlineIsRight(text string) bool {
	for _, line := range strings.Split(text, "\n") {
		if rest, ok := strings.CutPrefix(strings.TrimSuffix(line, "\r"), "inline"); ok && !inlinePattern.MatchString(strings.TrimPrefix(strings.TrimPrefix(rest, ":"), " ")) {
			return false
		}
		if strings.HasPrefix(line, "action") && !strings.Contains(line, "@") {
			return false
		}
	}
	return true
}
