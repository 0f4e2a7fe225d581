package inflate

import (
	"bytes"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// suites is the folder of other projects' test data beside the repository.
func suites(t *testing.T) string {
	t.Helper()
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for ; ; dir = filepath.Dir(dir) {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			break
		}
		if dir == filepath.Dir(dir) {
			t.Skip("no source here")
		}
	}
	found := filepath.Join(dir, "..", "shared", "suites")
	if _, err := os.Stat(found); err != nil {
		t.Skip("no test suites of other projects beside the repository: ", err)
	}
	return found
}

// TestSuites reads the gzip streams in other projects' test data as they are
// and compresses their archives at every level.
func TestSuites(t *testing.T) {
	t.Parallel()
	var streams, archives int
	d := new(Decoder)
	root := suites(t)
	for _, part := range []string{"go-containerregistry", "tar-split", "safearchive"} {
		err := filepath.WalkDir(filepath.Join(root, part), func(name string, e fs.DirEntry, err error) error {
			if err != nil || !e.Type().IsRegular() {
				return err
			}
			b, err := os.ReadFile(name)
			if err != nil {
				return err
			}
			name, err = filepath.Rel(root, name)
			switch {
			case bytes.HasPrefix(b, []byte{0x1f, 0x8b}):
				streams++
				checkGzip(t, d, name, b, pieceSizes...)
			case strings.HasSuffix(name, ".tar"):
				archives++
				for _, level := range levels {
					checkGzip(t, d, name, gz(t, b, level), 0, 1<<20)
				}
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	if streams == 0 || archives < 40 {
		t.Errorf("%d gzip streams and %d archives are there, want more", streams, archives)
	}
	t.Logf("%d gzip streams, %d archives", streams, archives)
}
