package layer

import (
	"bytes"
	"crypto/sha256"
	"slices"
)

// A Type is what an archive entry or a node of the tree is.
type Type uint8

// Types of entries.
const (
	TypeFile Type = iota
	TypeDir
	TypeSymlink
	TypeHardlink // in layers only; in the tree it is what it links to
	TypeChar
	TypeBlock
	TypeFIFO
	TypeOther // a type flag that runtimes refuse to unpack
)

// String returns the type in words.
func (t Type) String() string {
	names := [...]string{"file", "directory", "symbolic link", "hard link", "character device", "block device", "named pipe", "unknown type"}
	if int(t) < len(names) {
		return names[t]
	}
	return "unknown type"
}

// Mode bits beyond the permissions.
const (
	modeSetuid = 0o4000
	modeSetgid = 0o2000
	modeSticky = 0o1000
)

// Flags of an entry's name and of what its record holds.
const (
	flagDigest    = 1 << iota // the record holds a content digest
	flagLink                  // … a link target
	flagXattrs                // … extended attributes
	flagHead                  // … captured content
	flagDevice                // … device numbers
	flagAbsolute              // the name in the archive was absolute
	flagEscapes               // the name in the archive led out of the root
	flagTruncated             // the content was to be captured and is too long
)

// emptyDigest is the content digest of all empty files.
var emptyDigest = sha256.Sum256(nil)

// An Entry is one entry of a layer's archive. Its slices are valid until the
// next step of the iteration that yielded it.
type Entry struct {
	// Path is clean, relative to the root and without a leading slash; empty is
	// the root itself. It may hold any byte but NUL.
	Path  []byte
	Type  Type
	Mode  uint16 // permissions, setuid, setgid, sticky: 07777
	UID   uint32
	GID   uint32
	Size  int64    // of a regular file, holes included
	Sum   [32]byte // sha256 of a regular file's content, holes included
	Link  []byte   // target, as written
	Major uint32
	Minor uint32

	// Xattrs holds the extended attributes that bear on change: capabilities,
	// access lists, overlayfs's own.
	Xattrs []Xattr
	// Head is captured content: the account files whole, of scripts the first
	// line.
	Head []byte

	flags uint8
}

// An Xattr is one extended attribute.
type Xattr struct {
	Name  []byte
	Value []byte
}

// xattr returns the value of the attribute name.
func (e *Entry) xattr(name string) ([]byte, bool) {
	for _, x := range e.Xattrs {
		if string(x.Name) == name {
			return x.Value, true
		}
	}
	return nil, false
}

// charge is what e costs of the budget of path bytes.
func (e *Entry) charge() int {
	n := len(e.Path) + len(e.Link) + len(e.Head)
	for _, x := range e.Xattrs {
		n += len(x.Name) + len(x.Value)
	}
	return n
}

// base returns the last component of the path.
func (e *Entry) base() []byte { return e.Path[bytes.LastIndexByte(e.Path, '/')+1:] }

// dir returns the path without its last component.
func (e *Entry) dir() []byte { return e.Path[:max(0, bytes.LastIndexByte(e.Path, '/'))] }

// sameContent reports whether e and f are files, links or devices that cannot
// be told apart by what they hold.
func (e *Entry) sameContent(f *Entry) bool {
	return e.Type == f.Type && e.Size == f.Size && e.Sum == f.Sum && bytes.Equal(e.Link, f.Link) &&
		e.Major == f.Major && e.Minor == f.Minor
}

// same reports whether e and f are equal but for their names.
func (e *Entry) same(f *Entry) bool {
	return e.sameContent(f) && e.Mode == f.Mode && e.UID == f.UID && e.GID == f.GID &&
		slices.EqualFunc(e.Xattrs, f.Xattrs, func(x, y Xattr) bool {
			return bytes.Equal(x.Name, y.Name) && bytes.Equal(x.Value, y.Value)
		})
}

// Whiteout names: a layer removes what lower layers hold.
//
// https://github.com/opencontainers/image-spec/blob/v1.1.1/layer.md#whiteouts
const (
	whiteoutPrefix = ".wh."
	whiteoutOpaque = ".wh..wh..opq"
	whiteoutMeta   = ".wh..wh." // AUFS's own; runtimes ignore them
)

// A whiteout is what an entry's name says about lower layers.
type whiteout uint8

const (
	noWhiteout      whiteout = iota
	whiteoutPath             // removes one path
	whiteoutDir              // removes all in its directory
	whiteoutIgnored          // AUFS metadata
	whiteoutInvalid          // of nothing, "." or "..": runtimes refuse it or do harm
)

func whiteoutOf(base []byte) (whiteout, []byte) {
	if !bytes.HasPrefix(base, []byte(whiteoutPrefix)) {
		return noWhiteout, nil
	}
	name := base[len(whiteoutPrefix):]
	switch {
	case string(base) == whiteoutOpaque:
		return whiteoutDir, nil
	case bytes.HasPrefix(base, []byte(whiteoutMeta)):
		return whiteoutIgnored, nil
	case len(name) == 0, string(name) == ".", string(name) == "..":
		return whiteoutInvalid, nil
	}
	return whiteoutPath, name
}
