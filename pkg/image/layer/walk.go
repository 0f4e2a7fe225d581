package layer

import (
	"archive/tar"
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"hash"
	"io"
	"math"
	"path"
	"strings"

	"github.com/intact-dev/intact/pkg/fact"
	"github.com/intact-dev/intact/pkg/internal/limits"
	"github.com/intact-dev/intact/pkg/internal/twosum"
	"github.com/intact-dev/intact/pkg/ref"
)

// shebangLine is how much of a script's first line Linux reads.
const shebangLine = 256

// A walker reads the archive of a layer. archive/tar decides what it says, as
// it does in the runtimes; rawHeader tells where it had to choose.
type walker struct {
	c        *Contents
	s        *stream
	tr       *tar.Reader
	budget   *Budget
	like     ref.Digest
	file     hash.Hash
	captured int // bytes kept of account files
	problems problemList
	corrupt  error // the archive is not one
	trailing int64
	entry    Entry
	pending  bool // entry is complete but for its content
	capture  capture
}

func newWalker(p *pipe, c *Contents, opts Options) *walker {
	s := &stream{pipe: p, diff: newHash(opts.DiffID)}
	if !opts.Reference {
		s.two = new(twosum.Writer)
	}
	return &walker{c: c, s: s, tr: tar.NewReader(s), budget: opts.Budget, like: opts.DiffID, file: sha256.New()}
}

// run reads to the end of the expanded bytes, whatever they are. Its error is
// one of our limits.
func (w *walker) run() error {
	err := w.entries()
	if w.s.err != nil {
		return w.s.err
	}
	if isFatal(err) {
		return err
	}
	w.corrupt = err
	n, zero := w.s.rest()
	if !zero {
		w.trailing = n
	}
	return nil
}

func (w *walker) entries() error {
	for n := 1; ; n++ {
		w.s.nextEntry()
		h, err := w.tr.Next() // reads past the content of the entry before
		end := errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF)
		if err == nil || end {
			if err := w.flush(); err != nil {
				return fmt.Errorf("archive entry %d: %w", n-1, err)
			}
		}
		if end {
			return nil
		}
		if err == nil {
			err = w.next(h)
		}
		if err != nil {
			return fmt.Errorf("archive entry %d: %w", n, err)
		}
	}
}

// next takes in one header. Its content is seen when the reader moves on.
func (w *walker) next(h *tar.Header) error {
	raw, err := parseRaw(w.s.headers)
	if err != nil {
		return fmt.Errorf("two readings of one header disagree: %w", err)
	}
	for _, p := range raw.problems {
		p.Path = fact.Bytes(h.Name)
		w.problems.add(p)
	}
	w.s.body, w.s.pad = 0, (tarBlock-raw.size%tarBlock)%tarBlock
	w.s.file, w.s.capture = nil, nil
	if h.Typeflag == tar.TypeXGlobalHeader { // its records were read with it
		return w.budget.entry(0)
	}
	if !raw.sparse && (raw.after != 0 || !raw.headerOnly() && h.Size != raw.size) {
		return fmt.Errorf("two readings of one header disagree: size %d and %d", h.Size, raw.size)
	}
	e := &w.entry
	*e = Entry{Path: e.Path[:0], Xattrs: e.Xattrs[:0]}
	w.pending = true
	if err := w.name(e, h); err != nil {
		return err
	}
	w.owner(e, h)
	if err := w.kind(e, h); err != nil {
		return err
	}
	return w.content(e, h, raw)
}

// flush records the entry whose content has passed.
func (w *walker) flush() error {
	if !w.pending {
		return nil
	}
	w.pending = false
	e := &w.entry
	if e.Type == TypeFile {
		w.file.Sum(e.Sum[:0])
		w.keep(e)
	}
	if err := w.budget.entry(e.charge()); err != nil {
		return err
	}
	if kind, _ := whiteoutOf(e.base()); kind != noWhiteout {
		w.c.whiteouts++
	}
	w.c.Entries.add(e)
	return nil
}

// name cleans the name as runtimes do: lexically, then below the root.
func (w *walker) name(e *Entry, h *tar.Header) error {
	if len(h.Name) > limits.PathName {
		return &limits.ExceededError{What: "length of a path in the archive", Limit: limits.PathName, Got: int64(len(h.Name))}
	}
	if strings.HasPrefix(h.Name, "/") {
		e.flags |= flagAbsolute
	}
	if c := path.Clean(h.Name); c == ".." || strings.HasPrefix(c, "../") {
		e.flags |= flagEscapes
	}
	e.Path = append(e.Path, path.Clean("/" + h.Name)[1:]...)
	if n := bytes.Count(e.Path, []byte("/")); n >= limits.PathDepth {
		return &limits.ExceededError{What: "depth of a path in the archive", Limit: limits.PathDepth, Got: int64(n) + 1}
	}
	return nil
}

func (w *walker) owner(e *Entry, h *tar.Header) {
	e.Mode = uint16(h.Mode & 0o7777)
	if h.Uid < 0 || h.Uid > math.MaxUint32 || h.Gid < 0 || h.Gid > math.MaxUint32 {
		w.problems.add(fact.Problem{Kind: fact.ProblemAmbiguous, Path: fact.Bytes(e.Path),
			Detail: fmt.Sprintf("owner %d:%d is out of range", h.Uid, h.Gid)})
	}
	e.UID, e.GID = uint32(h.Uid), uint32(h.Gid)
}

func (w *walker) kind(e *Entry, h *tar.Header) error {
	switch h.Typeflag {
	case tar.TypeReg:
		e.Type = TypeFile
		if strings.HasSuffix(h.Name, "/") {
			w.problems.add(fact.Problem{Kind: fact.ProblemAmbiguous, Path: fact.Bytes(e.Path),
				Detail: "the name of a regular file ends in a slash: some readers take it for a directory"})
		}
	case tar.TypeDir:
		e.Type = TypeDir
	case tar.TypeSymlink:
		e.Type = TypeSymlink
	case tar.TypeLink:
		e.Type = TypeHardlink
	case tar.TypeChar, tar.TypeBlock:
		e.Type = TypeChar
		if h.Typeflag == tar.TypeBlock {
			e.Type = TypeBlock
		}
		e.Major, e.Minor = uint32(h.Devmajor), uint32(h.Devminor)
	case tar.TypeFifo:
		e.Type = TypeFIFO
	default:
		e.Type = TypeOther
	}
	if e.Type == TypeSymlink || e.Type == TypeHardlink {
		if len(h.Linkname) > limits.PathName {
			return &limits.ExceededError{What: "length of a link target in the archive", Limit: limits.PathName, Got: int64(len(h.Linkname))}
		}
		e.Link = []byte(h.Linkname)
	}
	for key, value := range h.PAXRecords {
		if name, ok := strings.CutPrefix(key, "SCHILY.xattr."); ok && keepXattr(name) {
			e.Xattrs = append(e.Xattrs, Xattr{Name: []byte(name), Value: []byte(value)})
		}
	}
	sortXattrs(e.Xattrs)
	return nil
}

// content prepares for the content that follows the header.
func (w *walker) content(e *Entry, h *tar.Header, raw *rawHeader) error {
	s := w.s
	s.body = raw.size
	w.capture = capture{buf: w.capture.buf[:0]}
	if raw.sparse && raw.typeflag != 'S' {
		s.body -= int64(raw.after) // the map of version 1.0 stands before the content
	}
	if s.body < 0 {
		return fmt.Errorf("sparse map of %d bytes in content of %d", raw.after, raw.size)
	}
	if e.Type != TypeFile {
		return nil
	}
	e.Size = h.Size
	w.file.Reset()
	w.wanted(e)
	if !raw.sparse {
		s.file = w.file
		if w.capture.limit > 0 {
			s.capture = &w.capture
		}
		return nil
	}
	// Holes cost nothing in the archive and as much as bytes here.
	if err := w.budget.expand(h.Size, h.Size); err != nil {
		return err
	}
	dst := io.MultiWriter(w.file, &w.capture)
	n, err := io.CopyBuffer(dst, struct{ io.Reader }{w.tr}, make([]byte, 64<<10))
	if err == nil && n != h.Size {
		err = io.ErrUnexpectedEOF
	}
	if err != nil {
		return fmt.Errorf("sparse file of %d bytes: after %d: %w", h.Size, n, err)
	}
	return nil
}

// finish completes the Contents after both sides have ended. decode is set if
// the stream could not be expanded; then what the archive seemed to say means
// nothing. Its error is one of our limits.
func (w *walker) finish(decode error) error {
	c := w.c
	if decode != nil {
		*c.Entries, c.whiteouts = Entries{}, 0
		c.Fact.Problems = append(c.Fact.Problems, fact.Problem{Kind: fact.ProblemUnverifiable, Detail: decode.Error()})
		return nil
	}
	c.Fact.Expanded = w.s.pipe.total
	switch {
	case !w.s.pipe.same:
		c.Fact.DiffID = digestOf(w.s.diff, w.like)
	case c.Fact.Size == c.Fact.Expanded:
		c.Fact.DiffID = c.Fact.Digest
	default: // more bytes came than belong to the layer
		w.problems.add(fact.Problem{Kind: fact.ProblemUnverifiable, Detail: "the layer does not end where its descriptor says"})
	}
	if w.corrupt != nil {
		*c.Entries, c.whiteouts = Entries{}, 0
		w.problems.add(fact.Problem{Kind: fact.ProblemUnverifiable, Detail: w.corrupt.Error()})
		c.Fact.Problems = w.problems.into(c.Fact.Problems)
		return nil
	}
	if w.trailing > 0 {
		w.problems.add(fact.Problem{Kind: fact.ProblemTrailing,
			Detail: fmt.Sprintf("%d bytes after the end of the archive that are not all zero", w.trailing)})
	}
	c.readable = true
	c.Fact.Entries = c.Entries.Len()
	c.Entries.prev = nil
	if err := ambiguities(c, &w.problems); err != nil {
		return err
	}
	c.Fact.Problems = w.problems.into(c.Fact.Problems)
	return nil
}
