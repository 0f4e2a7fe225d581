package extract_test

import (
	"bytes"
	"io/fs"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/intact-dev/intact/pkg/extract"
)

// A services extractor knows its files by a word that may stand anywhere.
type services struct{ lines }

func (services) Match(_ string, head []byte) bool { return bytes.Contains(head, []byte("services")) }

func TestLate(t *testing.T) {
	long := strings.Repeat("x\n", extract.HeadSize/2)
	fsys := fstest.MapFS{}
	for _, p := range []string{"a.yaml", "b.YML", "c.json", "d.template", "e.go"} {
		fsys[p] = &fstest.MapFile{Mode: fs.ModePerm, Data: []byte(long + "services")}
	}
	tree := walk(t, fsys, extract.Options{Extractors: []extract.Extractor{services{}}})
	got := map[string]bool{}
	for _, f := range tree.Found {
		got[f.Origin.Where] = true
	}
	for p := range fsys {
		if want := p != "e.go"; got[p] != want {
			t.Errorf("%s is read: %v", p, got[p])
		}
	}
	if tree.Files != 4 || tree.Passed.Other != 1 {
		t.Errorf("%d files, %d others", tree.Files, tree.Passed.Other)
	}
}

// A greedy extractor reads whatever is long.
type greedy struct{ lines }

func (greedy) Match(_ string, head []byte) bool { return len(head) == extract.HeadSize }

// That somebody reads any long file does not mean that it is known.
func TestNamedLate(t *testing.T) {
	long := strings.Repeat("# x\n", extract.HeadSize)
	fsys := fstest.MapFS{
		"image.yaml": {Data: []byte(long + "app:\n  image: a:1\n")},
		"other.yaml": {Data: []byte(long + "app:\n")},
		"known.yaml": {Data: []byte(long + "services")},
	}
	o := extract.Options{Extractors: []extract.Extractor{greedy{"-"}, services{}}}
	tree := walk(t, fsys, o, "image.yaml", "other.yaml", "known.yaml")
	if len(tree.Problems) != 1 || tree.Problems[0].Origin.Where != "image.yaml" {
		t.Errorf("problems: %+v", tree.Problems)
	}
	if len(tree.Unread) != 1 || tree.Unread[0] != "other.yaml" || tree.Files != 1 || tree.Passed.Other != 2 {
		t.Errorf("unread %q, %d files, %+v", tree.Unread, tree.Files, tree.Passed)
	}
	if tree = walk(t, fsys, o); tree.Files != 3 || len(tree.Problems) != 0 {
		t.Errorf("%d files, problems %+v", tree.Files, tree.Problems)
	}
}
