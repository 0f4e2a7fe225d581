package inflate

import (
	"archive/tar"
	"bytes"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// corpusSize is how much of the machine's files a corpus holds.
const corpusSize = 16 << 20

// A sample is one stream to measure.
type sample struct {
	name string
	gzip []byte
	size int64 // expanded
}

// corpus is what layers hold: an archive of this machine's Go distribution,
// half programs and half text, at the levels in use; bytes that hardly
// compress; and many small members.
func corpus(tb testing.TB) []sample {
	tb.Helper()
	a := machine(tb)
	samples := []sample{
		{"gzip -1", gz(tb, a, 1), int64(len(a))},
		{"gzip -6", gz(tb, a, 6), int64(len(a))},
		{"gzip -9", gz(tb, a, 9), int64(len(a))},
	}
	b := noise(8 << 20)
	for i := range b {
		b[i] = byte(int(b[i]) * 3 / 4) // 192 values, some twice as often
	}
	samples = append(samples, sample{"barely compressible", gz(tb, b, 6), int64(len(b))})
	var members []byte
	n := 0
	for n < 8<<20 {
		m := a[n : n+4096+n%8192]
		members = append(members, gz(tb, m, 6)...)
		n += len(m)
	}
	return append(samples, sample{"small members", members, int64(n)})
}

// machine is an archive of the Go distribution's programs and sources.
func machine(tb testing.TB) []byte {
	tb.Helper()
	out, err := exec.CommandContext(tb.Context(), "go", "env", "GOROOT").Output()
	if err != nil {
		tb.Skip("no files to make a corpus of: no go command: ", err)
	}
	root := strings.TrimSpace(string(out))
	var buf bytes.Buffer
	w := tar.NewWriter(&buf)
	for _, part := range []struct {
		dir string
		end int
	}{{"bin", corpusSize / 4}, {"pkg/tool", corpusSize / 2}, {"src", corpusSize}} {
		err := filepath.WalkDir(filepath.Join(root, part.dir), func(name string, e fs.DirEntry, err error) error {
			if err != nil || !e.Type().IsRegular() {
				return err
			}
			if buf.Len() > part.end {
				return fs.SkipAll
			}
			b, err := os.ReadFile(name)
			if err != nil {
				return err
			}
			if err := w.WriteHeader(&tar.Header{Name: name[1:], Typeflag: tar.TypeReg, Mode: 0o644, Size: int64(len(b))}); err != nil {
				return err
			}
			_, err = w.Write(b)
			return err
		})
		if err != nil {
			tb.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		tb.Fatal(err)
	}
	if buf.Len() < corpusSize/2 {
		tb.Skipf("no files to make a corpus of: %d bytes in %q", buf.Len(), root)
	}
	return buf.Bytes()[:min(buf.Len(), corpusSize)]
}
