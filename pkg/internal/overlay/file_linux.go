package overlay

import (
	"errors"
	"fmt"
	"io"
	"os"

	"golang.org/x/sys/unix"

	"github.com/intact-dev/intact/pkg/fact"
	"github.com/intact-dev/intact/pkg/internal/limits"
	"github.com/intact-dev/intact/pkg/observe"
	"github.com/intact-dev/intact/pkg/ref"
)

// errChanging says that a file was written while it was read.
var errChanging = errors.New("it was written to while it was read")

// file tells of a regular file. It is opened for reading only once it is certain
// that it is one: to open a device can do things, to open a pipe can wait.
func (w *walker) file(in place, name string, at place) error {
	held, err := openat(int(in.file.Fd()), name, unix.O_PATH)
	if err != nil {
		return err
	}
	defer func() { _ = unix.Close(held) }()
	var st unix.Stat_t
	if err := unix.Fstat(held, &st); err != nil {
		return err
	}
	if st.Mode&unix.S_IFMT != unix.S_IFREG {
		return errMoved
	}
	w.marked = true
	written := observe.Written{Path: fact.Bytes(at.path), Entry: w.entry(&st)}
	fd, err := reopen(held)
	if err != nil {
		written.Err = w.fail(at.path, err)
		return w.tell(written)
	}
	f := os.NewFile(uintptr(fd), name)
	defer func() { _ = f.Close() }()
	m, err := w.marks.ofFile(fd, in.whiteouts && st.Size == 0)
	if m.whiteout {
		return w.tell(observe.Written{Path: fact.Bytes(at.path), Removed: true})
	}
	problems := []error{err}
	e := &written.Entry
	e.Capabilities = fact.Bytes(m.capabilities)
	problems = append(problems, w.override(fd, e))
	switch {
	case m.metacopy:
		e.MetadataOnly = true
		written.Renamed = fact.Bytes(at.origin)
		if m.redirect != "" {
			to, err := redirect(m.redirect, parentOrigin(at))
			problems = append(problems, err)
			written.Renamed = fact.Bytes(to)
		}
	case e.Type == typeFile:
		err := w.content(f, &st, e)
		if errors.As(err, new(*stopError)) {
			return err
		}
		problems = append(problems, err)
	}
	if err := errors.Join(problems...); err != nil {
		written.Err = w.fail(at.path, err)
	}
	return w.tell(written)
}

// content hashes what the file holds, as much of it as it held when it was
// opened. It fails if the file changed meanwhile.
func (w *walker) content(f *os.File, st *unix.Stat_t, e *observe.Entry) error {
	left := w.o.Limits.Hashed - w.hashed
	tooMuch := st.Size > left
	w.hash.Reset()
	var n int64
	for n < st.Size {
		if err := w.alive(); err != nil {
			return err
		}
		buf := w.buf[:min(int64(len(w.buf)), st.Size-n)]
		if tooMuch {
			buf = buf[:min(len(buf), headBytes)]
		}
		m, err := f.Read(buf)
		if n < headBytes {
			e.Head = append(e.Head, buf[:min(int64(m), headBytes-n)]...)
		}
		_, _ = w.hash.Write(buf[:m]) // never fails
		n += int64(m)
		if tooMuch {
			return &limits.ExceededError{What: "bytes of files of the container's writable layer", Limit: w.o.Limits.Hashed, Got: w.hashed + st.Size}
		}
		w.hashed += int64(m)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return err
		}
	}
	e.Digest = ref.Digest(fmt.Sprintf("sha256:%x", w.hash.Sum(nil)))
	var after unix.Stat_t
	if err := unix.Fstat(int(f.Fd()), &after); err != nil {
		return err
	}
	if n != st.Size || after.Size != st.Size || after.Mtim != st.Mtim || after.Ctim != st.Ctim {
		return errChanging
	}
	return nil
}
