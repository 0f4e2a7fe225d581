package archive

import (
	"archive/tar"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"strings"

	"github.com/klauspost/compress/gzip"

	"github.com/intact-dev/intact/pkg/fact"
	"github.com/intact-dev/intact/pkg/image"
	"github.com/intact-dev/intact/pkg/internal/limits"
	"github.com/intact-dev/intact/pkg/internal/ocilayout"
)

// Limits of the outer archive. An image has a few files per layer; its own
// files are in the layers.
const (
	maxEntries = 100_000
	maxName    = 512      // longer names are in no format of image archives
	keptBytes  = 32 << 20 // documents kept of a gzip stream
)

// A malformedError counts as ocilayout.ErrMalformed under another name.
type malformedError string

func (e malformedError) Error() string { return "malformed archive: " + string(e) }
func (e malformedError) Unwrap() error { return ocilayout.ErrMalformed }

func malformed(format string, args ...any) error {
	return malformedError(fmt.Sprintf(format, args...))
}

// A tree knows where each file of an archive is. It implements ocilayout.Files.
type tree struct {
	file    *os.File
	size    int64             // of the file
	entries map[string]*entry // by clean name
	stream  *streams          // nil for a plain archive
	export  bool              // looks like the files of a container
}

type entry struct {
	offset, size int64
	magic        [4]byte // the first bytes of a regular file
	link         string  // clean name of what it links to
	unusable     string  // why it cannot be read
	kept         []byte
}

// scan reads the headers of the archive in f.
func scan(ctx context.Context, f *os.File) (*tree, error) {
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	t := &tree{file: f, size: info.Size(), entries: map[string]*entry{}}
	var magic [4]byte
	n, err := f.ReadAt(magic[:], 0)
	if err != nil && err != io.EOF {
		return nil, err
	}
	switch {
	case n == 0:
		return nil, malformed("the file is empty")
	case isZstd(magic):
		return nil, malformed("compressed with zstd; expand it first (zstd -d)")
	case isGzip(magic):
		t.stream = &streams{open: t.section}
		return t, t.scanGzip(ctx)
	}
	return t, t.scanPlain(ctx)
}

func (t *tree) section() *io.SectionReader { return io.NewSectionReader(t.file, 0, t.size) }

func isGzip(m [4]byte) bool { return m[0] == 0x1f && m[1] == 0x8b }
func isZstd(m [4]byte) bool {
	// A skippable frame may come first.
	return m == [4]byte{0x28, 0xb5, 0x2f, 0xfd} || m[0]&0xf0 == 0x50 && m[1] == 0x2a && m[2] == 0x4d && m[3] == 0x18
}

func (t *tree) scanPlain(ctx context.Context) error {
	r := t.section()
	return t.headers(ctx, tar.NewReader(r), func() int64 {
		at, _ := r.Seek(0, io.SeekCurrent) // a section reader's position is arithmetic
		return at
	}, 0)
}

// scanGzip also reads what follows the archive's end, so that a stream that is
// cut short or damaged is known before its content is used.
func (t *tree) scanGzip(ctx context.Context) error {
	zr, err := gzip.NewReader(t.section())
	if err != nil {
		return malformed("%v", err)
	}
	r := &counter{ctx: ctx, r: zr, max: limits.ImageExpanded}
	if err := t.headers(ctx, tar.NewReader(r), func() int64 { return r.n }, keptBytes); err != nil {
		return err
	}
	if _, err := io.Copy(io.Discard, r); err != nil {
		return damaged(err)
	}
	return nil
}

// headers notes all entries. Up to keep bytes of documents are kept.
func (t *tree) headers(ctx context.Context, tr *tar.Reader, position func() int64, keep int64) error {
	for n := 0; ; n++ {
		if err := ctx.Err(); err != nil {
			return err
		}
		h, err := tr.Next()
		if errors.Is(err, io.EOF) {
			if n == 0 {
				return malformed("it has no entries")
			}
			return t.belowLinks()
		}
		if err != nil {
			return damaged(err)
		}
		if n >= maxEntries {
			return &limits.ExceededError{What: "number of files in the archive", Limit: maxEntries}
		}
		// However it is written: who unpacks the archive cleans names like that.
		name := path.Clean("/" + h.Name)[1:]
		if len(name) > maxName {
			continue
		}
		e := newEntry(h, name, position())
		if e == nil {
			continue
		}
		if err := e.look(tr, &keep); err != nil {
			return damaged(err)
		}
		t.add(name, e)
	}
}

// newEntry returns nil for what is no file and no link.
func newEntry(h *tar.Header, name string, offset int64) *entry {
	e := &entry{offset: offset, size: h.Size}
	switch h.Typeflag {
	case tar.TypeReg:
		for k := range h.PAXRecords {
			if strings.HasPrefix(k, "GNU.sparse.") {
				e.unusable = "it is a sparse file"
			}
		}
	case tar.TypeGNUSparse:
		e.unusable = "it is a sparse file"
	case tar.TypeSymlink:
		e.link = path.Join(path.Dir(name), h.Linkname)
		if path.IsAbs(h.Linkname) {
			e.link = h.Linkname
		}
	case tar.TypeLink:
		e.link = path.Clean(h.Linkname)
	default:
		return nil
	}
	return e
}

// look reads the start of a regular file, and all of it if it is a document
// that fits into what is left to keep.
func (e *entry) look(r io.Reader, keep *int64) error {
	if e.link != "" || e.unusable != "" || e.size == 0 {
		return nil
	}
	n, err := io.ReadFull(r, e.magic[:min(e.size, int64(len(e.magic)))])
	if err != nil {
		return err
	}
	if (e.magic[0] != '{' && e.magic[0] != '[') || e.size > limits.Config || e.size > *keep {
		return nil
	}
	*keep -= e.size
	e.kept = make([]byte, e.size)
	copy(e.kept, e.magic[:n])
	_, err = io.ReadFull(r, e.kept[n:])
	return err
}

// add notes e. Of two files of one name readers take different ones, so neither
// is used.
func (t *tree) add(name string, e *entry) {
	if _, twice := t.entries[name]; twice {
		e = &entry{unusable: "the archive has two files of this name"}
	}
	t.entries[name] = e
	switch name {
	case "etc/passwd", "etc/os-release", "bin/sh", "usr/bin/env":
		t.export = true
	}
}

// belowLinks refuses files below a link: who unpacks the archive puts them where
// the link leads, in the place of another one.
func (t *tree) belowLinks() error {
	for name := range t.entries {
		for dir := path.Dir(name); dir != "."; dir = path.Dir(dir) {
			if e := t.entries[dir]; e != nil && e.link != "" {
				return malformed("the file %.200q lies below the link %.200q", name, dir)
			}
		}
	}
	return nil
}

func (t *tree) has(name string) bool { return t.entries[name] != nil }

func (t *tree) noImage() error {
	e := &image.Error{Op: "open", Cause: fact.Unsupported, Err: malformed(
		"no image archive: it has neither oci-layout and index.json nor manifest.json")}
	if t.export {
		e.Hint = "docker export writes the files of a container; write the image with docker save"
	}
	return e
}

// find follows links within the archive.
func (t *tree) find(name string) (*entry, error) {
	at := name
	for range limits.SymlinkHops {
		if path.IsAbs(at) || at == ".." || strings.HasPrefix(at, "../") {
			return nil, malformed("%.200q leads outside of the archive, to %.200q", name, at)
		}
		e := t.entries[at]
		switch {
		case e == nil:
			return nil, fmt.Errorf("no file %.200q in the archive: %w", at, fs.ErrNotExist)
		case e.unusable != "":
			return nil, malformed("%.200q: %s", at, e.unusable)
		case e.link == "":
			return e, nil
		}
		at = e.link
	}
	return nil, malformed("%.200q is a link in a loop of links", name)
}

// Size implements ocilayout.Files.
func (t *tree) Size(ctx context.Context, name string) (int64, error) {
	if err := ctx.Err(); err != nil {
		return 0, err
	}
	e, err := t.find(name)
	if err != nil {
		return 0, err
	}
	return e.size, nil
}

// Open implements ocilayout.Files.
func (t *tree) Open(ctx context.Context, name string) (io.ReadCloser, int64, error) {
	if err := ctx.Err(); err != nil {
		return nil, 0, err
	}
	e, err := t.find(name)
	if err != nil {
		return nil, 0, err
	}
	rc, err := t.openEntry(ctx, e)
	return rc, e.size, err
}

func (t *tree) openEntry(ctx context.Context, e *entry) (io.ReadCloser, error) {
	switch {
	case e.kept != nil:
		return io.NopCloser(bytes.NewReader(e.kept)), nil
	case t.stream != nil:
		return t.stream.at(ctx, e.offset, e.size)
	}
	return io.NopCloser(io.NewSectionReader(t.file, e.offset, e.size)), nil
}

// damaged says what an error of the archive or compression format means.
func damaged(err error) error {
	var exceeded *limits.ExceededError
	switch {
	case errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, io.EOF):
		return fmt.Errorf("the archive is cut short: %w", io.ErrUnexpectedEOF)
	case errors.Is(err, tar.ErrHeader), errors.Is(err, gzip.ErrHeader), errors.Is(err, gzip.ErrChecksum):
		return malformed("%v", err)
	case errors.As(err, &exceeded), errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return err
	}
	var path *fs.PathError
	if errors.As(err, &path) {
		return err
	}
	return malformed("%v", err)
}

var _ ocilayout.Files = (*tree)(nil)
