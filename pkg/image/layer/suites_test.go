package layer

import (
	"archive/tar"
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/intact-dev/intact/pkg/fact"
	"github.com/intact-dev/intact/pkg/internal/limits"
	"github.com/intact-dev/intact/pkg/ref"
)

// TestTarSuites compares the walker with what archive/tar alone says about
// public odd archives (tar-baseline-go1.26.8.tsv).
func TestTarSuites(t *testing.T) {
	t.Parallel()
	golden, err := os.Open(suite(t, "tar-baseline-go1.26.8.tsv"))
	if err != nil {
		t.Fatal(err)
	}
	defer golden.Close()
	files := suiteTars(t)
	seen := 0
	lines := bufio.NewScanner(golden)
	for lines.Scan() {
		parts := strings.Split(lines.Text(), "\t")
		if len(parts) < 8 || parts[0] == "dir" {
			continue
		}
		for _, path := range files[parts[0]+"/"+parts[1]] {
			seen++
			t.Run(filepath.Base(filepath.Dir(filepath.Dir(path)))+"/"+parts[1], func(t *testing.T) {
				blob, err := os.ReadFile(path)
				if err != nil {
					t.Fatal(err)
				}
				compareWithTar(t, blob)
			})
		}
	}
	if seen < 60 {
		t.Errorf("only %d archives of the golden file were found", seen)
	}
}

func suiteTars(t *testing.T) map[string][]string {
	t.Helper()
	files := make(map[string][]string)
	for _, name := range []string{"tar-split", "safearchive", "go-containerregistry"} {
		err := filepath.WalkDir(suite(t, name), func(path string, d fs.DirEntry, err error) error {
			if err == nil && strings.HasSuffix(path, ".tar") {
				key := filepath.Base(filepath.Dir(path)) + "/" + d.Name()
				files[key] = append(files[key], path)
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return files
}

// compareWithTar reads blob with archive/tar alone and with Read.
func compareWithTar(t *testing.T, blob []byte) {
	t.Helper()
	type member struct {
		name, digest string
		size         int64
	}
	var want []member
	tr := tar.NewReader(bytes.NewReader(blob))
	var wantErr error
	for {
		h, err := tr.Next()
		if err != nil {
			if !errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
				wantErr = err
			}
			break
		}
		if h.Typeflag == tar.TypeXGlobalHeader {
			continue
		}
		m := member{name: h.Name}
		if h.Typeflag == tar.TypeReg && h.Size > limits.LayerExpanded {
			wantErr = tar.ErrFieldTooLong // holes count as bytes
			break
		}
		if h.Typeflag == tar.TypeReg {
			hash := newHash("")
			if m.size, wantErr = io.Copy(hash, tr); wantErr != nil {
				break
			}
			m.digest = string(digestOf(hash, ""))
		}
		want = append(want, m)
	}
	budget := NewBudget()
	c, err := Read(context.Background(), bytes.NewReader(blob), describe(blob, plainType), Options{Budget: budget})
	var exceeded *limits.ExceededError
	if errors.As(err, &exceeded) && wantErr != nil {
		return
	}
	if err != nil {
		t.Fatal(err)
	}
	if c.Readable() != (wantErr == nil) {
		t.Fatalf("readable %v with problems %v; archive/tar says %v", c.Readable(), c.Fact.Problems, wantErr)
	}
	if wantErr != nil {
		return
	}
	var got []member
	for e := range c.Entries.All() {
		m := member{name: string(e.Path)}
		if e.Type == TypeFile {
			m.size, m.digest = e.Size, fmt.Sprintf("sha256:%x", e.Sum)
		}
		got = append(got, m)
	}
	if len(got) != len(want) {
		t.Fatalf("%d entries, want %d", len(got), len(want))
	}
	for i, g := range got {
		w := want[i]
		w.name = strings.TrimPrefix(filepath.Clean("/"+w.name), "/")
		if g != w {
			t.Errorf("entry %d: %+v, want %+v", i, g, w)
		}
	}
}

func TestSafearchiveIsUnsafe(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"traverse.tar", "traverse-via-links.tar", "traverse-slash-at-the-end.tar", "specialfiles.tar"} {
		matches, err := filepath.Glob(filepath.Join(suite(t, "safearchive"), "*", name))
		if err != nil || len(matches) == 0 {
			matches, _ = filepath.Glob(filepath.Join(suite(t, "safearchive"), "*", "*", name))
		}
		if len(matches) == 0 {
			t.Errorf("%s is not in the suite", name)
			continue
		}
		blob, err := os.ReadFile(matches[0])
		if err != nil {
			t.Fatal(err)
		}
		tree, err := Merge([]*Contents{read(t, blob, plainType)})
		if err != nil {
			t.Fatal(err)
		}
		if f := Analyse(tree, fact.Config{}, fact.Value[fact.User]{}); len(f.Unsafe) == 0 {
			t.Errorf("%s: nothing unsafe", name)
		}
	}
}

func TestZstdSuite(t *testing.T) {
	t.Parallel()
	root := suite(t, "zstd")
	n := 0
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil || !strings.HasSuffix(path, ".zst") {
			return err
		}
		n++
		blob, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		c, err := Read(t.Context(), bytes.NewReader(blob), describe(blob, zstdType), Options{})
		if err != nil {
			t.Errorf("%s: %v", d.Name(), err)
			return nil
		}
		// The decoder that runtimes use takes an offset of 0, which the reference
		// refuses; both read the rest alike.
		bad := strings.Contains(path, "errors") && d.Name() != "off0.bin.zst"
		if (c.Fact.DiffID == "") != bad {
			t.Errorf("%s: diffID %q, problems %v", d.Name(), c.Fact.DiffID, c.Fact.Problems)
		}
		if c.Fact.Digest != ref.DigestOf(blob, "") {
			t.Errorf("%s: not hashed in full", d.Name())
		}
		return nil
	})
	if err != nil || n < 7 {
		t.Errorf("%d frames, error %v", n, err)
	}
}
