package extracttest

import (
	"bytes"
	"errors"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"unicode/utf16"

	"github.com/google/go-cmp/cmp"

	"github.com/intact-dev/intact/pkg/extract"
	"github.com/intact-dev/intact/pkg/fact"
	"github.com/intact-dev/intact/pkg/internal/limits"
)

// told are the references of a result, without their places in bytes.
func told(r extract.Result) []string {
	var out []string
	for _, f := range r.Found {
		out = append(out, f.Raw+" in "+f.Container)
	}
	slices.Sort(out)
	return out
}

// alike reads files that say the same in another way: nothing may be missing
// unless a problem or an error says so.
func (s Suite) alike(t *testing.T, files map[string]string) (extract.Result, bool) {
	t.Helper()
	r, err := s.Extractor.Extract(tree(files), s.Path)
	if err != nil {
		return r, false
	}
	if diff := cmp.Diff(told(s.read(t, tree(s.Files))), told(r)); diff != "" && len(r.Problems) == 0 {
		t.Errorf("without a problem (-was +is):\n%s", diff)
		return r, false
	}
	for _, f := range r.Found {
		if f.Site != nil && f.Site.End > len(files[f.Site.File]) {
			t.Errorf("%q: the site %+v is behind the end", f.Raw, *f.Site)
		}
	}
	return r, len(r.Problems) == len(s.read(t, tree(s.Files)).Problems)
}

func (s Suite) all(change func(string) string) map[string]string {
	files := maps.Clone(s.Files)
	for name, text := range files {
		files[name] = change(text)
	}
	return files
}

func crlf(t *testing.T, s Suite) {
	files := s.all(func(text string) string { return strings.ReplaceAll(text, "\n", "\r\n") })
	r, ok := s.alike(t, files)
	if !ok {
		return
	}
	was := s.read(t, tree(s.Files))
	for i, f := range was.Found {
		g := r.Found[i]
		if f.Origin != g.Origin {
			t.Errorf("%q is at %+v, with LF at %+v", g.Raw, g.Origin, f.Origin)
		}
		if f.Site != nil && g.Site != nil && f.Site.Before == "" &&
			s.Files[f.Site.File][f.Site.Start:f.Site.End] != files[g.Site.File][g.Site.Start:g.Site.End] {
			t.Errorf("%q has other bytes at its site", g.Raw)
		}
	}
	c := s
	c.Files = files
	pin(t, c)
}

func byteOrderMark(t *testing.T, s Suite) {
	const mark = "\xef\xbb\xbf"
	files := s.with(s.Path, mark+s.Files[s.Path])
	r, ok := s.alike(t, files)
	if !ok {
		return
	}
	for i, f := range s.read(t, tree(s.Files)).Found {
		g := r.Found[i]
		if f.Site == nil || f.Site.File != s.Path || g.Site == nil {
			continue
		}
		if g.Site.Start != f.Site.Start+len(mark) {
			t.Errorf("%q: the site starts at %d behind the mark, at %d without it", f.Raw, g.Site.Start, f.Site.Start)
		}
	}
}

func utf16le(t *testing.T, s Suite) {
	var b strings.Builder
	for _, u := range utf16.Encode([]rune("\ufeff" + s.Files[s.Path])) {
		b.Write([]byte{byte(u), byte(u >> 8)})
	}
	s.alike(t, s.with(s.Path, b.String()))
}

func truncated(t *testing.T, s Suite) {
	text := s.Files[s.Path]
	for n := range len(text) {
		r, _ := s.Extractor.Extract(tree(s.with(s.Path, text[:n])), s.Path)
		for _, f := range r.Found {
			if f.Site != nil && f.Site.File == s.Path && f.Site.End > n {
				t.Fatalf("cut at %d: %q has the site %+v", n, f.Raw, *f.Site)
			}
		}
	}
}

// An endless file is read from as long as somebody does.
type endless struct {
	fs.FS
	path string
	unit string // what it holds again and again
	read int
}

func (e *endless) Open(name string) (fs.File, error) {
	f, err := e.FS.Open(name)
	if name != e.path || err != nil {
		return f, err
	}
	return &endlessFile{File: f, of: e}, nil
}

type endlessFile struct {
	fs.File
	of *endless
}

const hugeSize = 100 << 20

func (f *endlessFile) Stat() (fs.FileInfo, error) {
	info, err := f.File.Stat()
	return endlessInfo{info}, err
}

type endlessInfo struct{ fs.FileInfo }

func (endlessInfo) Size() int64 { return hugeSize }

func (f *endlessFile) Read(p []byte) (int, error) {
	if f.of.read >= hugeSize {
		return 0, io.EOF
	}
	n := copy(p, f.of.unit)
	for n < len(p) { // the text again, twice as much each time
		n += copy(p[n:], p[:n])
	}
	f.of.read += n
	return n, nil
}

func huge(t *testing.T, s Suite) {
	fsys := &endless{FS: tree(s.Files), path: s.Path, unit: "# a comment\n"}
	r, err := s.Extractor.Extract(fsys, s.Path)
	var limit *limits.ExceededError
	if !errors.As(err, &limit) && !slices.ContainsFunc(r.Problems, func(p extract.Problem) bool { return p.Cause == fact.Limit }) {
		t.Errorf("a file of 100 MB: error %v, problems %v; none says that it is too large", err, r.Problems)
	}
	if fsys.read > 4*limits.SourceFile {
		t.Errorf("%d bytes were read of a file that is too large", fsys.read)
	}
}

func binary(t *testing.T, s Suite) {
	data := make([]byte, 20_000)
	x := uint32(1)
	for i := range data {
		x = x*1664525 + 1013904223
		data[i] = byte(x >> 24)
	}
	for _, d := range [][]byte{data, bytes.Repeat([]byte{0}, 4096), append([]byte(s.Files[s.Path]), data...)} {
		r, err := s.Extractor.Extract(tree(s.with(s.Path, string(d))), s.Path)
		if err == nil && len(r.Problems) == 0 && len(r.Found) == 0 && s.Extractor.Match(s.Path, d[:min(len(d), extract.HeadSize)]) {
			t.Error("a binary file is read without a problem")
		}
	}
}

func missing(t *testing.T, s Suite) {
	files := maps.Clone(s.Files)
	delete(files, s.Path)
	if r, err := s.Extractor.Extract(tree(files), s.Path); err == nil && len(r.Problems) == 0 {
		t.Error("a file that is not there is read without a problem")
	}
}

// links puts, one at a time, each file outside of the tree and a link where it
// was: what it holds must not be in the result.
func links(t *testing.T, s Suite) {
	for name := range s.Files {
		top := t.TempDir()
		for file, text := range s.Files {
			at := filepath.Join(top, "tree", filepath.FromSlash(file))
			if err := os.MkdirAll(filepath.Dir(at), 0o755); err != nil {
				t.Fatal(err)
			}
			if file == name {
				if err := os.Symlink(filepath.Join(top, "outside"), at); err != nil {
					t.Fatal(err)
				}
				at = filepath.Join(top, "outside")
			}
			if err := os.WriteFile(at, []byte(text), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		root, err := os.OpenRoot(filepath.Join(top, "tree"))
		if err != nil {
			t.Fatal(err)
		}
		r, err := s.Extractor.Extract(root.FS(), s.Path)
		for _, f := range r.Found {
			if f.Origin.Where == name || f.Site != nil && f.Site.File == name {
				t.Errorf("%q is found in %s, a link out of the tree", f.Raw, name)
			}
		}
		unresolved := slices.ContainsFunc(r.Found, func(f extract.Found) bool { return f.Unresolved != "" })
		if err == nil && len(r.Problems) == 0 && !unresolved && slices.Contains(s.read(t, tree(s.Files)).Read, name) {
			t.Errorf("%s is a link out of the tree, and nothing says so", name)
		}
		if err := root.Close(); err != nil {
			t.Error(err)
		}
	}
}
