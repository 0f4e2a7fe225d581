package overlay

import (
	"errors"
	"fmt"
	"path"
	"strconv"
	"strings"
)

// Names that fuse-overlayfs and AUFS give to marks.
const (
	whiteoutPrefix = ".wh."
	whiteoutOpaque = ".wh..wh..opq"
)

// redirect returns the path in the image that a redirect attribute leads to: an
// absolute one as it stands, the name of a sibling in the directory from which
// the parent's content comes.
func redirect(value, parent string) (string, error) {
	name, absolute := strings.CutPrefix(value, "/")
	if !absolute && strings.Contains(name, "/") {
		return "", fmt.Errorf("redirect %q is neither an absolute path nor a name", value)
	}
	for part := range strings.SplitSeq(name, "/") {
		if part == "" || part == "." || part == ".." || strings.ContainsRune(part, 0) {
			return "", fmt.Errorf("redirect %q has a part that is no name", value)
		}
	}
	if absolute {
		return value, nil
	}
	return path.Join(parent, name), nil
}

// A statOverride is owner, mode and type as fuse-overlayfs keeps them beside a
// file that it may not give them.
type statOverride struct {
	uid, gid, mode uint32
	typ            string // "" = that of the file itself
	major, minor   uint32 // of a device
}

var errOverride = errors.New("expected UID:GID:MODE or UID:GID:MODE:TYPE")

// parseOverride reads "0:0:755", "0:0:0755:file" or "0:0:0600:block-8-0".
//
// https://github.com/containers/fuse-overlayfs/blob/v1.14/utils.c
// https://github.com/containers/storage/blob/v1.57.2/pkg/idtools/idtools.go
func parseOverride(s string) (statOverride, error) {
	var o statOverride
	fields := strings.Split(s, ":")
	if len(fields) != 3 && len(fields) != 4 {
		return o, fmt.Errorf("attribute %q: %w", s, errOverride)
	}
	for i, f := range []struct {
		to   *uint32
		base int
	}{{&o.uid, 10}, {&o.gid, 10}, {&o.mode, 8}} {
		n, err := strconv.ParseUint(fields[i], f.base, 32)
		if err != nil {
			return o, fmt.Errorf("attribute %q: %w", s, errOverride)
		}
		*f.to = uint32(n)
	}
	o.mode &= 0o7777 // older ones state the type too
	if len(fields) == 4 {
		return o, o.parseType(fields[3])
	}
	return o, nil
}

func (o *statOverride) parseType(s string) error {
	kind, device, _ := strings.Cut(s, "-")
	switch s {
	case "file", "dir", "symlink", "socket":
		o.typ = s
		return nil
	case "pipe":
		o.typ = typeFIFO
		return nil
	}
	major, minor, ok := strings.Cut(device, "-")
	ma, err1 := strconv.ParseUint(major, 10, 32)
	mi, err2 := strconv.ParseUint(minor, 10, 32)
	if kind != typeChar && kind != typeBlock || !ok || err1 != nil || err2 != nil {
		return fmt.Errorf("type %q of an attribute is not known", s)
	}
	o.typ, o.major, o.minor = kind, uint32(ma), uint32(mi)
	return nil
}

// Types of entries, as [observe.Entry] calls them.
const (
	typeFile    = "file"
	typeDir     = "dir"
	typeSymlink = "symlink"
	typeChar    = "char"
	typeBlock   = "block"
	typeFIFO    = "fifo"
	typeSocket  = "socket"
)
