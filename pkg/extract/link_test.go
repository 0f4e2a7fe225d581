package extract_test

import (
	"io/fs"
	"testing"
	"testing/fstest"

	"github.com/intact-dev/intact/pkg/extract"
)

// A link to a folder whose files are not read where they are leaves something out.
func TestLinksToFolders(t *testing.T) {
	t.Parallel()
	fsys := fstest.MapFS{
		"a/real/x.img": {Data: []byte("one")}, "a/vendor/dep/y.img": {Data: []byte("two")}, "b/z.img": {Data: []byte("three")}, "real/n.img": {Data: []byte("four")},
	}
	for name, to := range map[string]string{"a/in": "real", "a/self": ".", "a/dep": "vendor/dep", "a/b": "../b", "a/all": "../a"} {
		fsys[name] = &fstest.MapFile{Mode: fs.ModeSymlink, Data: []byte(to)}
	}
	o := extract.Options{Extractors: []extract.Extractor{lines(".img")}}
	for _, tt := range []struct {
		starts []string
		want   []string // that are left out
	}{
		{[]string{"."}, []string{"a/dep"}},
		{[]string{"a"}, []string{"a/b", "a/dep"}},
		{[]string{"a", "a/vendor"}, []string{"a/b"}},
		{[]string{"a", "b", "a/vendor/dep"}, nil},
	} {
		var got []string
		for _, p := range walk(t, fsys, o, tt.starts...).Problems {
			got = append(got, p.Origin.Where)
		}
		if len(got) != len(tt.want) {
			t.Errorf("%q: %q, want %q", tt.starts, got, tt.want)
			continue
		}
		for i := range got {
			if got[i] != tt.want[i] {
				t.Errorf("%q: %q, want %q", tt.starts, got, tt.want)
			}
		}
	}
}
