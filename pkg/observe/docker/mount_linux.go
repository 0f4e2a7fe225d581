package docker

import (
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"

	"github.com/moby/sys/mountinfo"

	"github.com/intact-dev/intact/pkg/internal/lazy"
	"github.com/intact-dev/intact/pkg/internal/overlay"
)

// An overlayMount is what the kernel says of one mount of an overlay.
type overlayMount struct {
	upper string
	form  overlay.Form
}

// overlayAt looks up the overlay that is mounted at a path, in the mount
// namespace of this process.
func (m machine) overlayAt(at string) (overlayMount, error) {
	f, err := os.Open(m.mounts)
	if err != nil {
		return overlayMount{}, err
	}
	defer func() { _ = f.Close() }()
	found, err := mountinfo.GetMountsFromReader(f, func(i *mountinfo.Info) (skip, stop bool) { return i.Mountpoint != at, false })
	if err != nil {
		return overlayMount{}, fmt.Errorf("read the mounts: %w", err)
	}
	if len(found) == 0 {
		return overlayMount{}, fmt.Errorf("nothing is mounted at %q here", at)
	}
	top := found[len(found)-1] // it covers the others
	switch top.FSType {
	case "overlay":
		return parseOverlay(top.VFSOptions)
	case "fuse.fuse-overlayfs":
		return overlayMount{form: overlay.FormFuse}, errors.New("a fuse mount does not tell its upper directory")
	}
	return overlayMount{}, fmt.Errorf("what is mounted at %q is a %q and keeps no upper directory", at, top.FSType)
}

var octal = lazy.Regexp(`\\[0-3][0-7]{2}`)

// parseOverlay reads the options of an overlay as the kernel prints them: commas
// and spaces in paths are escaped.
func parseOverlay(options string) (overlayMount, error) {
	m := overlayMount{form: overlay.FormKernel}
	for o := range strings.SplitSeq(options, ",") {
		key, value, _ := strings.Cut(o, "=")
		switch key {
		case "userxattr":
			m.form = overlay.FormKernelUser
		case "upperdir":
			m.upper = octal().ReplaceAllStringFunc(value, func(s string) string {
				n, _ := strconv.ParseUint(s[1:], 8, 8) // the pattern allows no other
				return string([]byte{byte(n)})
			})
		}
	}
	if m.upper == "" {
		return m, errors.New("the overlay has no upper directory")
	}
	return m, nil
}
