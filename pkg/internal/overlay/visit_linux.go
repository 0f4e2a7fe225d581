package overlay

import (
	"errors"
	"fmt"
	"os"
	"path"

	"golang.org/x/sys/unix"

	"github.com/intact-dev/intact/pkg/fact"
	"github.com/intact-dev/intact/pkg/internal/limits"
	"github.com/intact-dev/intact/pkg/observe"
)

// errMoved says that another file has taken the place of the one that was looked
// at.
var errMoved = errors.New("it changes between two looks at it")

// visit tells of one name of a directory and of all below it.
func (w *walker) visit(in place, it item) error {
	p := in.path + "/" + it.name
	if w.o.Skip != nil && w.o.Skip(fact.Bytes(p)) {
		return nil
	}
	if err := w.alive(); err != nil {
		return err
	}
	switch {
	case len(p) > limits.PathName:
		return w.problem(p, &limits.ExceededError{What: "length of a path", Limit: limits.PathName, Got: int64(len(p))})
	case in.depth >= w.o.Limits.Depth:
		return w.problem(p, &limits.ExceededError{What: "depth of a path", Limit: int64(w.o.Limits.Depth), Got: int64(in.depth) + 1})
	}
	at := place{path: p, origin: path.Join(in.origin, it.name), depth: in.depth + 1}
	for range limits.Retries {
		err := w.look(in, it, at)
		switch {
		case errors.Is(err, unix.ENOENT):
			return nil // it vanished
		case errors.Is(err, errMoved):
			continue
		case err == nil || errors.As(err, new(*stopError)):
			return err
		}
		return w.problem(p, err)
	}
	return w.problem(p, errMoved)
}

// look examines one name. Errors but a stopError are those of this path.
func (w *walker) look(in place, it item, at place) error {
	dir := int(in.file.Fd())
	var st unix.Stat_t
	if it.marker != "" {
		if err := fstatat(dir, it.marker, &st); err != nil {
			return err
		}
		if w.marks.doubtful && (st.Mode&unix.S_IFMT != unix.S_IFREG || st.Size > 0) {
			return nil // told as what it is
		}
		return w.tell(observe.Written{Path: fact.Bytes(at.path), Removed: true})
	}
	if err := fstatat(dir, it.name, &st); err != nil {
		return err
	}
	switch st.Mode & unix.S_IFMT {
	case unix.S_IFDIR:
		fd, err := openat(dir, it.name, unix.O_DIRECTORY)
		if err != nil {
			return moved(err)
		}
		at.file = os.NewFile(uintptr(fd), it.name)
		defer func() { _ = at.file.Close() }()
		if err := unix.Fstat(fd, &st); err != nil {
			return err
		}
		return w.directory(at.file, &st, at)
	case unix.S_IFREG:
		return w.file(in, it.name, at)
	case unix.S_IFLNK:
		return w.symlink(dir, it.name, &st, at)
	case unix.S_IFCHR:
		if st.Rdev == 0 {
			return w.tell(observe.Written{Path: fact.Bytes(at.path), Removed: true})
		}
	}
	return w.tell(observe.Written{Path: fact.Bytes(at.path), Entry: w.entry(&st)})
}

// moved turns the errors of an open that found another type into errMoved.
func moved(err error) error {
	if errors.Is(err, unix.ENOTDIR) || errors.Is(err, unix.ELOOP) {
		return errMoved
	}
	return err
}

func (w *walker) symlink(dir int, name string, st *unix.Stat_t, at place) error {
	buf := make([]byte, limits.PathName+1)
	n, err := unix.Readlinkat(dir, name, buf)
	switch {
	case errors.Is(err, unix.EINVAL):
		return errMoved
	case err != nil:
		return err
	case n > limits.PathName:
		return &limits.ExceededError{What: "length of a link's target", Limit: limits.PathName}
	}
	e := w.entry(st)
	e.Link = fact.Bytes(buf[:n])
	return w.tell(observe.Written{Path: fact.Bytes(at.path), Entry: e})
}

// entry holds what stat says.
func (w *walker) entry(st *unix.Stat_t) observe.Entry {
	e := observe.Entry{Mode: st.Mode & 0o7777, UID: w.o.UIDs.inside(st.Uid), GID: w.o.GIDs.inside(st.Gid)}
	switch st.Mode & unix.S_IFMT {
	case unix.S_IFREG:
		e.Type, e.Size = typeFile, st.Size
	case unix.S_IFDIR:
		e.Type = typeDir
	case unix.S_IFLNK:
		e.Type = typeSymlink
	case unix.S_IFIFO:
		e.Type = typeFIFO
	case unix.S_IFSOCK:
		e.Type = typeSocket
	case unix.S_IFCHR, unix.S_IFBLK:
		e.Type = typeChar
		if st.Mode&unix.S_IFMT == unix.S_IFBLK {
			e.Type = typeBlock
		}
		e.Major, e.Minor = unix.Major(st.Rdev), unix.Minor(st.Rdev)
	}
	return e
}

// override applies what fuse-overlayfs keeps of owner, mode and type.
func (w *walker) override(fd int, e *observe.Entry) error {
	value, err := firstXattr(fd, w.marks.overrides)
	if err != nil || value == nil {
		return err
	}
	o, err := parseOverride(string(value))
	if err != nil {
		return err
	}
	if w.marks.doubtful {
		if o.uid == e.UID && o.gid == e.GID && o.mode == e.Mode && (o.typ == "" || o.typ == e.Type) {
			return nil
		}
		return fmt.Errorf("an attribute states another owner or mode: %q", value)
	}
	e.UID, e.GID, e.Mode = o.uid, o.gid, o.mode
	switch o.typ {
	case "", e.Type:
		return nil
	case typeChar, typeBlock, typeFIFO, typeSocket:
		if e.Type == typeFile && e.Size == 0 {
			e.Type, e.Major, e.Minor = o.typ, o.major, o.minor
			return nil
		}
	}
	return fmt.Errorf("an attribute says that a %s is a %s", e.Type, o.typ)
}
