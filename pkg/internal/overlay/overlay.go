// Package overlay reads the upper directory of a running container's overlay
// mount: what was written over its image. It mounts nothing, runs nothing,
// follows no link and changes nothing. It works on Linux alone.
//
// What a name means depends on what made the mount, and a container can give its
// own files names and attributes that mean something elsewhere: a program called
// ".wh.sh", a user.overlay.metacopy on a file that was replaced. So the [Form]
// decides what counts; where it is not known, both readings are told.
//
// https://docs.kernel.org/filesystems/overlayfs.html
package overlay

import (
	"context"

	"github.com/intact-dev/intact/pkg/fact"
	"github.com/intact-dev/intact/pkg/internal/limits"
	"github.com/intact-dev/intact/pkg/observe"
)

// A Form is what made the mount, and so how removals are marked. The zero value
// is not known: then too much is told rather than too little.
type Form uint8

// Forms.
const (
	FormUnknown Form = iota
	// FormKernel is overlayfs as root mounts it: 0:0 devices, trusted.overlay.*.
	FormKernel
	// FormKernelUser is overlayfs with the mount option userxattr: user.overlay.*.
	// The kernel follows neither metacopy nor redirects there.
	FormKernelUser
	// FormFuse is fuse-overlayfs: also files called .wh.NAME and .wh..wh..opq, and
	// owners and modes in an attribute.
	FormFuse
)

// Options say how to read an upper directory. The zero value reads all of it, in
// whatever form it is.
type Options struct {
	Form Form
	// Skip, if set, leaves out a path of the container and all below it. What is
	// left out is not seen at all, and in an opaque directory looks removed.
	Skip func(path fact.Bytes) bool
	// UIDs and GIDs say whom the container takes the owners on the disk for. Empty
	// is the same numbers; see [ParseIDMap].
	UIDs, GIDs IDMap
	Limits     Limits
}

// Limits bound one walk. A zero is the limit of package limits.
type Limits struct {
	Entries   int   // names listed
	PathBytes int64 // of all their paths
	Hashed    int64 // bytes of content
	Depth     int   // directories above an entry
}

func (l Limits) orDefault() Limits {
	if l.Entries == 0 {
		l.Entries = limits.Entries
	}
	if l.PathBytes == 0 {
		l.PathBytes = limits.PathBytes
	}
	if l.Hashed == 0 {
		l.Hashed = limits.ImageExpanded
	}
	if l.Depth == 0 {
		l.Depth = limits.PathDepth
	}
	return l
}

// headBytes is how much of a file is kept to tell what it is.
const headBytes = 512

// Walk yields every path of the upper directory, in the order of paths with
// parents first, as [observe.Files] wants it. The directory may be in use:
// entries that vanish on the way are left out, of a file that changes while it is
// read what was read is told. The root is yielded only if it is more than a plain
// directory, since what makes the mount chooses its owner and mode.
//
// What cannot be read is yielded with an error of its own and is no error of
// Walk. Walk's error carries its cause (image.CauseOf): the directory cannot be
// opened or is gone, a limit, the end of ctx, or marks that this process cannot
// see (trusted.* attributes need CAP_SYS_ADMIN in the initial user namespace), so
// that what it saw is incomplete. What was yielded before it stays true. An error
// of yield ends the walk and is returned as it is.
func Walk(ctx context.Context, upper string, o Options, yield func(observe.Written) error) error {
	o.Limits = o.Limits.orDefault()
	return walk(ctx, upper, o, yield)
}
