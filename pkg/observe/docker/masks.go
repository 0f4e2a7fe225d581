package docker

import (
	"path"
	"slices"
	"strings"

	"github.com/moby/moby/api/types/container"

	"github.com/intact-dev/intact/pkg/fact"
	"github.com/intact-dev/intact/pkg/observe"
)

// masks say which paths of a writable layer nobody in the container sees, and
// which are the engine's own.
type masks struct {
	// mounts cover what is at their targets and below.
	mounts []string
	// files are the last elements of their targets. Where a link leads to a target
	// (/var/run), its place in the layer has another path.
	files map[string]bool
	// unmounts: the container may take mounts away, and then use what was below.
	unmounts bool
}

// kernelMounts are mounted in every container.
var kernelMounts = []string{"/dev", "/proc", "/sys"}

// enginesOwn are files and folders that engines make for themselves, mostly to
// mount something over them.
var enginesOwn = append([]string{"/.dockerenv", "/etc/hostname", "/etc/hosts", "/etc/resolv.conf", "/run/.containerenv", "/run/secrets"}, kernelMounts...)

func masksOf(in container.InspectResponse) masks {
	m := masks{files: map[string]bool{}, unmounts: in.HostConfig.Privileged}
	for _, name := range in.HostConfig.CapAdd {
		if c := capability(name); c == "SYS_ADMIN" || c == "ALL" {
			m.unmounts = true
		}
	}
	for _, mount := range mountsOf(in) {
		if mount.Path != "/" {
			m.mounts = append(m.mounts, string(mount.Path))
			m.files[path.Base(string(mount.Path))] = true
		}
	}
	return m
}

// hides reports whether p is not seen in the container.
func (m masks) hides(p fact.Bytes) bool { return !m.unmounts && within(string(p), m.mounts) }

// leftBehind reports what engines make so that they can mount something over it:
// directories and empty files. With any content it is told, wherever it is.
func (m masks) leftBehind(w observe.Written) bool {
	p, e := string(w.Path), w.Entry
	if w.Err != nil || w.Removed || w.Opaque || w.Renamed != "" {
		return false
	}
	empty := e.Type == "file" && e.Size == 0 && !e.MetadataOnly && e.Capabilities == ""
	switch {
	case p == "/": // containers/storage makes it so
		return e.Type == "dir" && e.Mode == 0o555
	case p == "/etc/mtab":
		return e.Type == "symlink" && e.Link == "/proc/mounts"
	case within(p, enginesOwn), within(p, m.mounts):
		return empty || e.Type == "dir"
	}
	// runc and crun make a file to mount over root's, 0755 or 0700.
	made := e.UID == 0 && e.GID == 0 && (e.Mode == 0o755 || e.Mode == 0o700)
	return empty && made && m.files[path.Base(p)]
}

// claimedHidden is what to make of a path of which nothing but a claim is known:
// the engine lists what is covered as removed.
func (m masks) claimedHidden(p string) bool {
	return within(p, m.mounts) || within(p, kernelMounts) || slices.Contains(enginesOwn, p) || p == "/etc/mtab"
}

// within reports whether p is one of tops or below one.
func within(p string, tops []string) bool {
	return slices.ContainsFunc(tops, func(top string) bool { return p == top || strings.HasPrefix(p, strings.TrimSuffix(top, "/")+"/") })
}
