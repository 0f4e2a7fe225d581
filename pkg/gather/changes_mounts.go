package gather

import (
	"path"
	"slices"
	"strings"

	"github.com/intact-dev/intact/pkg/observe"
)

// mounts are the places where something else than the image's files is seen.
type mounts struct {
	at  map[string]bool
	way map[string]bool // directories that runtimes make: above them
}

func newMounts(o Original) mounts {
	m := mounts{at: map[string]bool{}, way: map[string]bool{}}
	lead := func(p string) {
		for ; p != "/"; p = path.Dir(p) {
			m.way[p] = true
		}
	}
	add := func(p string) {
		if p != "" && p != "/" {
			m.at[p] = true
			lead(path.Dir(p))
		}
	}
	lead(path.Clean("/" + o.Config.WorkingDir)) // runc makes it
	for _, p := range slices.Concat(runtimeFiles, runtimeTrees) {
		lead(path.Dir(p))
	}
	for _, p := range o.Mounts {
		add(path.Clean("/" + string(p)))
		add(o.Tree.Resolve(string(p))) // "/var/run/x" is at "/run/x"
	}
	return m
}

// covers reports whether p is at or below a mount.
func (m mounts) covers(p string) bool {
	for ; p != "/"; p = path.Dir(p) {
		if m.at[p] {
			return true
		}
	}
	return false
}

// leads reports whether runtimes make p if it is missing.
func (m mounts) leads(p string) bool { return m.way[p] }

// What runtimes make in a container's tree, mostly to mount something over it.
var (
	runtimeFiles = []string{"/etc/hosts", "/etc/hostname", "/etc/resolv.conf", "/.dockerenv", "/run/.containerenv"}
	// Always mounts of the kernel's own file systems.
	kernelTrees  = []string{"/dev", "/proc", "/sys"}
	runtimeTrees = append(slices.Clone(kernelTrees), "/run/secrets")
	mountTables  = []string{"/proc/mounts", "/proc/self/mounts", "../proc/mounts", "../proc/self/mounts"}
)

// runtimeMade reports whether w at p is what runtimes make there, and cannot be
// anything else: a file that holds something is never left out in a place that is
// only usually a mount.
func runtimeMade(p string, w observe.Written) bool {
	e := w.Entry
	switch {
	case slices.Contains(runtimeFiles, p):
		// runc makes the files that it mounts on with the mode 0755.
		return e.Type == "file" && (e.Size == 0 || e.Mode&0o111 == 0 && !program(e.Head) && !strings.HasPrefix(string(e.Head), "#!"))
	case p == "/etc/mtab":
		return e.Type == "symlink" && slices.Contains(mountTables, string(e.Link))
	case within(p, kernelTrees):
		return e.Type != "file" || e.Size == 0
	case within(p, runtimeTrees):
		return w.Err == nil && !w.Opaque && w.Renamed == "" && (e.Type == "dir" || e.Type == "file" && e.Size == 0)
	}
	return false
}

func within(p string, trees []string) bool {
	return slices.ContainsFunc(trees, func(t string) bool { return p == t || strings.HasPrefix(p, t+"/") })
}
