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
	// hidden are covered by mounts, with all below them.
	hidden []string
	// files are the last elements of the targets of mounts. Where a link leads to
	// the target (/var/run), its place in the layer has another path.
	files map[string]bool
	// unmounts: the container may take mounts away, and then use what was below.
	unmounts bool
}

// kernelMounts are mounted in every container.
var kernelMounts = []string{"/dev", "/proc", "/sys"}

// enginesOwn are files and folders that engines make for themselves and that
// need not be covered by a mount.
var enginesOwn = []string{"/.dockerenv", "/dev", "/etc/hostname", "/etc/hosts", "/etc/resolv.conf", "/proc", "/run/.containerenv", "/run/secrets", "/sys"}

func masksOf(in container.InspectResponse) masks {
	h := in.HostConfig
	m := masks{hidden: slices.Clone(kernelMounts), files: map[string]bool{}, unmounts: h.Privileged}
	for _, name := range h.CapAdd {
		if c := capability(name); c == "SYS_ADMIN" || c == "ALL" {
			m.unmounts = true
		}
	}
	for own, source := range map[string]string{"/etc/hosts": in.HostsPath, "/etc/hostname": in.HostnamePath, "/etc/resolv.conf": in.ResolvConfPath} {
		if source != "" {
			m.hidden = append(m.hidden, own)
		}
	}
	for _, mount := range mountsOf(in) {
		if mount.Path != "/" {
			m.hidden = append(m.hidden, string(mount.Path))
			m.files[path.Base(string(mount.Path))] = true
		}
	}
	return m
}

// hides reports whether p is not seen in the container.
func (m masks) hides(p fact.Bytes) bool { return !m.unmounts && m.covers(string(p)) }

func (m masks) covers(p string) bool {
	return slices.ContainsFunc(m.hidden, func(top string) bool { return isUnder(p, top) })
}

// leftBehind reports what an engine makes so that it can mount something over
// it: empty files and directories. With any content it is told, wherever it is.
func (m masks) leftBehind(w observe.Written) bool {
	p := string(w.Path)
	if w.Err != nil || w.Removed || w.Opaque || w.Renamed != "" {
		return false
	}
	if p == "/etc/mtab" {
		return w.Entry.Type == "symlink" && w.Entry.Link == "/proc/mounts"
	}
	empty := w.Entry.Type == "file" && w.Entry.Size == 0 && !w.Entry.MetadataOnly && w.Entry.Capabilities == ""
	switch {
	case !empty && w.Entry.Type != "dir":
		return false
	case m.covers(p), slices.ContainsFunc(enginesOwn, func(own string) bool { return isUnder(p, own) }):
		return true
	}
	// runc and crun make a file to mount over root's, 0755 or 0700.
	made := w.Entry.UID == 0 && w.Entry.GID == 0 && (w.Entry.Mode == 0o755 || w.Entry.Mode == 0o700)
	return empty && made && m.files[path.Base(p)]
}

// linked are directories that most images replace by a link.
var linked = [][2]string{{"/var/run/", "/run/"}, {"/var/lock/", "/run/lock/"}, {"/bin/", "/usr/bin/"}, {"/sbin/", "/usr/sbin/"}, {"/lib/", "/usr/lib/"}, {"/lib64/", "/usr/lib64/"}}

// claimedHidden is hides for a path of which nothing but a claim is known: what
// is below the usual links counts as covered too, and so do the directories that
// lead to a mount, unless they are gone.
func (m masks) claimedHidden(p string, removed bool) bool {
	for _, top := range append(slices.Clone(m.hidden), enginesOwn...) {
		tops := []string{top}
		for _, l := range linked {
			if rest, ok := strings.CutPrefix(top, l[0]); ok {
				tops = append(tops, l[1]+rest)
			}
		}
		for _, top := range tops {
			if isUnder(p, top) || !removed && isUnder(top, p) {
				return true
			}
		}
	}
	return p == "/etc/mtab" && !removed
}

// isUnder reports whether p is top or below it.
func isUnder(p, top string) bool {
	return p == top || strings.HasPrefix(p, strings.TrimSuffix(top, "/")+"/")
}
