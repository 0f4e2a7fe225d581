package archive_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"github.com/intact-dev/intact/pkg/fact"
	"github.com/intact-dev/intact/pkg/image"
	"github.com/intact-dev/intact/pkg/ref"
	"github.com/intact-dev/intact/pkg/source/archive"
)

// Archives of other projects: what each is to be read as.
func TestSuites(t *testing.T) {
	t.Parallel()
	dir := suites(t, "go-containerregistry/pkg/v1/tarball/testdata")
	tests := []struct {
		file   string
		image  string     // must be named if not ""
		cause  fact.Cause // of Open; "" = it opens
		layers int
	}{
		{"test_image_1.tar", "", "", 1},
		{"test_image_2.tar", "", "", 1},
		{"test_load_manifest.tar", "", "", 1},
		{"test_link.tar", "bazel/v1/tarball:test_image_3", "", 2},
		{"test_bundle.tar", "test_image_1:latest", "", 1},
		{"hello-world-v25.tar", "", "", 1},
		{"null_manifest.tar", "", fact.Unsupported, 0},
		{"no_manifest.tar", "", fact.Unsupported, 0},
		{"content.tar", "", fact.Unsupported, 0},
	}
	for _, tt := range tests {
		t.Run(tt.file, func(t *testing.T) {
			t.Parallel()
			src, err := archive.Open(t.Context(), filepath.Join(dir, tt.file))
			if tt.cause != "" {
				wantError(t, err, tt.cause, "")
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = src.Close() }()
			if src.Proves().Manifest {
				t.Error("claims to prove the manifest of an archive of docker save")
			}
			r := ref.Ref{}
			if tt.image != "" {
				if r, err = ref.Parse(tt.image); err != nil {
					t.Fatal(err)
				}
				if _, err := src.Manifest(t.Context(), ref.Ref{}); err == nil {
					t.Error("one of several images is taken without being named")
				}
			}
			a, err := src.Manifest(t.Context(), r)
			if err != nil {
				t.Fatal(err)
			}
			m := decode(t, a.Body)
			if len(m.Layers) != tt.layers {
				t.Errorf("%d layers, want %d", len(m.Layers), tt.layers)
			}
			for _, d := range append(m.Layers, m.Config) {
				b, err := blob(t, src, d)
				if err != nil || ref.DigestOf(b, d.Digest) != d.Digest {
					t.Errorf("%s: %d bytes that hash to another digest, %v", d.Digest, len(b), err)
				}
			}
		})
	}
}

var _ image.Source = (*archive.Source)(nil)

// suites finds public test data beside the repository.
func suites(t *testing.T, name string) string {
	t.Helper()
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			break
		}
		if filepath.Dir(dir) == dir {
			t.Fatal("no go.mod above the test")
		}
		dir = filepath.Dir(dir)
	}
	dir = filepath.Join(dir, "..", "shared", "suites", filepath.FromSlash(name))
	if _, err := os.Stat(dir); errors.Is(err, fs.ErrNotExist) {
		t.Skip("the test data of other projects is not there: ../shared/suites/" + name)
	}
	return dir
}
