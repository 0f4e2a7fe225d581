package overlay

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"hash"
	"io"
	"os"
	"slices"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/intact-dev/intact/pkg/fact"
	"github.com/intact-dev/intact/pkg/image"
	"github.com/intact-dev/intact/pkg/internal/limits"
	"github.com/intact-dev/intact/pkg/observe"
)

func walk(ctx context.Context, upper string, o Options, yield func(observe.Written) error) error {
	fail := func(err error, hint string) error {
		return &image.Error{Op: "read the upper directory", Object: upper, Cause: causeOf(err), Err: err, Hint: hint}
	}
	fd, err := openat(unix.AT_FDCWD, upper, unix.O_DIRECTORY)
	if err != nil {
		hint := ""
		switch causeOf(err) {
		case fact.Forbidden:
			hint = "run as root on the node"
		case fact.NotFound:
			hint = "the container may have ended, or its files are on another machine"
		}
		return fail(err, hint)
	}
	root := os.NewFile(uintptr(fd), upper)
	defer func() { _ = root.Close() }()
	w := &walker{ctx: ctx, o: o, yield: yield, marks: marksOf(o.Form), buf: make([]byte, 256<<10), hash: sha256.New()}
	if err := w.root(root); err != nil {
		var stop *stopError
		switch {
		case !errors.As(err, &stop):
			return fail(err, "")
		case stop.ours:
			return fail(stop.err, "")
		default:
			return stop.err
		}
	}
	// Of a container that was removed meanwhile most of it was not seen.
	var st unix.Stat_t
	if err := unix.Fstat(int(root.Fd()), &st); err != nil || st.Nlink == 0 {
		return &image.Error{Op: "read the upper directory", Object: upper, Cause: fact.NotFound,
			Err: errors.New("it was removed while it was read: what was seen is incomplete"), Hint: "the container has ended"}
	}
	if why := w.blind(); why != "" {
		return &image.Error{Op: "read the upper directory", Object: upper, Cause: fact.Forbidden,
			Err:  fmt.Errorf("incomplete: %s, so that a directory that was replaced looks as if it had been added to", why),
			Hint: "run as root on the node, in its user namespace"}
	}
	return nil
}

// A walker is one walk.
type walker struct {
	ctx   context.Context
	o     Options
	yield func(observe.Written) error
	marks marks

	entries   int
	pathBytes int64
	hashed    int64
	marked    bool // something was seen that marks may be about
	fuseRoot  bool // root's own file system: fuse-overlayfs may have used trusted.*

	buf  []byte
	hash hash.Hash
}

// A stopError ends the walk: ours is a limit or the end of ctx, other ones are
// the caller's.
type stopError struct {
	err  error
	ours bool
}

func (e *stopError) Error() string { return e.err.Error() }

func (w *walker) tell(written observe.Written) error {
	if err := w.yield(written); err != nil {
		return &stopError{err: err}
	}
	return nil
}

// problem tells of a path that cannot be read.
func (w *walker) problem(path string, err error) error {
	return w.tell(observe.Written{Path: fact.Bytes(path), Err: w.fail(path, err)})
}

func (w *walker) fail(path string, err error) error {
	return &image.Error{Op: "read", Object: fmt.Sprintf("%q", path), Cause: causeOf(err), Err: err}
}

// A place is a directory that is being walked.
type place struct {
	file   *os.File
	path   string // of the container; "" is the root
	origin string // of the image: where its content comes from
	depth  int
	// whiteouts says that empty files in it may be marked as whiteouts.
	whiteouts bool
}

func (w *walker) root(f *os.File) error {
	var st unix.Stat_t
	if err := unix.Fstat(int(f.Fd()), &st); err != nil {
		return err
	}
	w.fuseRoot = st.Uid == 0
	return w.directory(f, &st, place{file: f, origin: "/"})
}

// directory tells of an open directory and walks it. at is where it is.
func (w *walker) directory(f *os.File, st *unix.Stat_t, at place) error {
	written := observe.Written{Path: fact.Bytes(at.path), Entry: w.entry(st)}
	if at.path == "" {
		written.Path = "/"
	} else {
		w.marked = true
	}
	var problems []error
	items, opaqueName, err := w.list(f, at)
	switch {
	case errors.Is(err, unix.ENOENT):
		return nil // removed after it was opened
	case errors.As(err, new(*stopError)):
		return err
	case err != nil:
		problems = append(problems, fmt.Errorf("not listed to its end: %w", err))
	}
	d, err := w.marks.ofDirectory(int(f.Fd()))
	if err != nil {
		problems = append(problems, err)
	}
	written.Opaque = d.opaque || opaqueName
	at.whiteouts = d.whiteouts
	if d.redirect != "" {
		to, err := redirect(d.redirect, parentOrigin(at))
		if err != nil {
			problems = append(problems, err)
		} else {
			written.Renamed, at.origin = fact.Bytes(to), to
		}
	}
	if err := w.override(int(f.Fd()), &written.Entry); err != nil {
		problems = append(problems, err)
	}
	if err := errors.Join(problems...); err != nil {
		written.Err = w.fail(string(written.Path), err)
	}
	if at.path != "" || written.Opaque || written.Renamed != "" || written.Err != nil || written.Entry.Mode != 0o755 || written.Entry.UID != 0 || written.Entry.GID != 0 {
		if err := w.tell(written); err != nil {
			return err
		}
	}
	for _, it := range items {
		if err := w.visit(at, it); err != nil {
			return err
		}
	}
	return nil
}

func parentOrigin(at place) string {
	return at.origin[:max(1, strings.LastIndexByte(at.origin, '/'))]
}

// An item is a name of a directory.
type item struct {
	name   string // as the container sees it
	marker string // set if a file of this name says that name is gone
}

const listBatch = 1024

// list returns the names of a directory, sorted, and whether one of them says
// that it is opaque.
func (w *walker) list(f *os.File, at place) (items []item, opaque bool, err error) {
	for {
		if err := w.alive(); err != nil {
			return nil, false, err
		}
		names, err := f.Readdirnames(listBatch)
		for _, name := range names {
			w.entries++
			w.pathBytes += int64(len(at.path) + 1 + len(name))
			rest, isMark := strings.CutPrefix(name, whiteoutPrefix)
			switch {
			case !isMark || !w.marks.names:
				items = append(items, item{name: name})
			case name == whiteoutOpaque:
				opaque = true
			case rest != "" && rest != "." && rest != "..":
				items = append(items, item{name: rest, marker: name})
			}
			if isMark && w.marks.doubtful {
				items = append(items, item{name: name})
			}
		}
		if err := w.within(); err != nil {
			return nil, false, err
		}
		if err != nil || len(names) == 0 {
			slices.SortFunc(items, compareItems)
			if errors.Is(err, io.EOF) {
				err = nil
			}
			return dropMarked(items), opaque, err
		}
	}
}

func (w *walker) alive() error {
	if err := w.ctx.Err(); err != nil {
		return &stopError{err: err, ours: true}
	}
	return nil
}

func (w *walker) within() error {
	switch l := w.o.Limits; {
	case w.entries > l.Entries:
		return &stopError{ours: true, err: &limits.ExceededError{What: "number of files of the container's writable layer", Limit: int64(l.Entries)}}
	case w.pathBytes > l.PathBytes:
		return &stopError{ours: true, err: &limits.ExceededError{What: "bytes of paths of the container's writable layer", Limit: l.PathBytes}}
	}
	return nil
}

// compareItems puts a mark behind what it is about.
func compareItems(a, b item) int {
	if c := strings.Compare(a.name, b.name); c != 0 {
		return c
	}
	return strings.Compare(a.marker, b.marker)
}

// dropMarked drops the marks of names that are there: what is there wins over
// what says that it is gone from below.
func dropMarked(items []item) []item {
	last := ""
	return slices.DeleteFunc(items, func(it item) bool {
		if it.marker == "" {
			last = it.name
		}
		return it.marker != "" && it.name == last
	})
}
