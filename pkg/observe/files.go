package observe

import (
	"context"

	"github.com/intact-dev/intact/pkg/fact"
	"github.com/intact-dev/intact/pkg/ref"
)

// Files lists what a container has written over its image, without running or
// mounting anything.
type Files interface {
	// Written yields every path of c's writable layer that may differ from its
	// image, in the order of paths. Paths below mounts and the runtime's own files
	// are left out. The error carries its cause; what was yielded before it stays
	// true. Written may be called concurrently for different containers.
	Written(ctx context.Context, c Container, yield func(Written)) error
	// Reads says how it looks: "the overlay's upper directory", "the engine's own
	// diff". Claims is set if that is only what the engine says.
	Reads() (how string, claims bool)
}

// A Written is one path of a container's writable layer.
type Written struct {
	Path fact.Bytes // absolute in the container
	// Removed says that what the image has at Path, and below it, is gone. Opaque
	// says that Path is a directory and that nothing of the image is below it but
	// what is listed.
	Removed, Opaque bool
	// Renamed is the path in the image that a directory's content comes from, for a
	// directory that was renamed, and that of a file which is MetadataOnly; ""
	// otherwise.
	Renamed fact.Bytes
	Entry   Entry
	// Err is set if the path is there and could not be read, or not all of it. What
	// Entry holds is true beside it: with a Digest the file was changing while it
	// was read, and that is what was read of it.
	Err error
	// Claimed is what the engine says happened ("added", "changed", "removed"), for
	// Files that claim: then Entry is not known.
	Claimed string
}

// An Entry is what lies at a path. MetadataOnly says that the content is still
// the image's: only owner, mode or attributes were copied up.
type Entry struct {
	Type         string // "file", "dir", "symlink", "char", "block", "fifo", "socket"; "" = not known
	Mode         uint32 // the permission bits with setuid, setgid and sticky
	UID, GID     uint32
	Size         int64      // of a file
	Digest       ref.Digest // sha256 of a file's content
	Head         []byte     // its first bytes, at most 512, to tell what it is
	Link         fact.Bytes // of a symlink
	Major, Minor uint32     // of a device
	Capabilities fact.Bytes // file capabilities as they are stored (security.capability); "" = none
	MetadataOnly bool
}
