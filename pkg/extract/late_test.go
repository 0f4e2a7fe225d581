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
