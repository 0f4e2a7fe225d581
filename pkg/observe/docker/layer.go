package docker

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/moby/moby/api/types/container"

	"github.com/intact-dev/intact/pkg/fact"
	"github.com/intact-dev/intact/pkg/internal/dockerengine"
	"github.com/intact-dev/intact/pkg/internal/overlay"
)

// A layerError says why a container's writable layer cannot be read.
type layerError struct {
	cause fact.Cause
	why   string
	hint  string
}

// Error says why.
func (e *layerError) Error() string { return e.why }

// A layer is where a container's writes are and how to read them.
type layer struct {
	upper      string
	form       overlay.Form
	uids, gids overlay.IDMap
}

// layerOf finds the upper directory of a container. With a graph driver the
// engine says where it is; with containerd's store only the engine's own mount
// does, which is looked up under the container's ID: nothing that a container
// mounts for itself comes into it.
func (m machine) layerOf(info dockerengine.Info, in container.InspectResponse) (layer, *layerError) {
	var l layer
	var err *layerError
	if g := in.GraphDriver; info.Store != dockerengine.StoreContainerd && g != nil {
		l, err = m.ofGraphDriver(info, g.Name, g.Data)
	} else {
		l, err = m.ofSnapshot(info, in)
	}
	if err != nil {
		return layer{}, err
	}
	switch there, lerr := os.Lstat(l.upper); {
	case errors.Is(lerr, fs.ErrNotExist):
		return layer{}, unreadable(fact.NotFound, "run intact where the engine runs", "its upper directory %q is not on this machine: the engine is elsewhere", l.upper)
	case lerr != nil:
		return layer{}, unreadable(fact.Forbidden, "", "its upper directory: %v", lerr)
	case !there.IsDir():
		return layer{}, unreadable(fact.Unsupported, "", "its upper directory %q is none", l.upper)
	}
	l.uids, l.gids, err = m.owners(info, in)
	return l, err
}

func unreadable(cause fact.Cause, hint, format string, args ...any) *layerError {
	return &layerError{cause: cause, hint: hint, why: fmt.Sprintf(format, args...)}
}

func (m machine) ofGraphDriver(info dockerengine.Info, driver string, data map[string]string) (layer, *layerError) {
	l := layer{upper: data["UpperDir"]}
	switch driver {
	case "overlay", "overlay2", "fuse-overlayfs":
	default:
		return l, unreadable(fact.Unsupported, "", "the storage driver %q keeps no upper directory", driver)
	}
	// A path out of an answer: it names a directory of the engine's own, or none.
	if root := filepath.Clean(info.RootDir); l.upper == "" || !filepath.IsAbs(root) || filepath.Clean(l.upper) != l.upper || !within(l.upper, []string{root}) {
		return l, unreadable(fact.ServerError, "", "the upper directory %q is not below the engine's %q", l.upper, info.RootDir)
	}
	if driver == "fuse-overlayfs" {
		l.form = overlay.FormFuse
	} else if info.UserXattr != nil {
		l.form = kernelForm(*info.UserXattr)
	} else if mount, err := m.overlayAt(data["MergedDir"]); err == nil && mount.upper == l.upper {
		l.form = mount.form
	}
	return l, nil
}

// ofSnapshot looks at the mount that the engine made for the container.
//
// https://github.com/moby/moby/blob/v28.0.0/daemon/snapshotter/mount.go#L141
func (m machine) ofSnapshot(info dockerengine.Info, in container.InspectResponse) (layer, *layerError) {
	if in.State.Pid == 0 {
		return layer{}, unreadable(fact.Unsupported, "", "it does not run, and with containerd's image store only mounts say where its upper directory is")
	}
	snapshotter := info.Driver
	if s := in.Storage; s != nil && s.RootFS != nil && s.RootFS.Snapshot != nil && s.RootFS.Snapshot.Name != "" {
		snapshotter = s.RootFS.Snapshot.Name
	}
	at := filepath.Join(info.RootDir, "rootfs", snapshotter, in.ID)
	mount, err := m.overlayAt(at)
	if err != nil {
		return layer{}, unreadable(fact.Unsupported, "run intact where the engine runs, in the host's mount namespace", "%v", err)
	}
	if filepath.Clean(mount.upper) != mount.upper || !filepath.IsAbs(mount.upper) {
		return layer{}, unreadable(fact.Unsupported, "", "the mount at %q has the upper directory %q, which is no absolute path", at, mount.upper)
	}
	return layer{upper: mount.upper, form: mount.form}, nil
}

func kernelForm(userXattr bool) overlay.Form {
	if userXattr {
		return overlay.FormKernelUser
	}
	return overlay.FormKernel
}

// owners returns how the container numbers users and groups. Where it may do so
// in its own way, a process of it tells; that the process is the container's, its
// control group tells: the engine may count processes in another way than this
// machine.
func (m machine) owners(info dockerengine.Info, in container.InspectResponse) (uids, gids overlay.IDMap, _ *layerError) {
	mode := in.HostConfig.UsernsMode
	if !info.UserNamespaces && !info.Rootless && (mode == "" || mode.IsHost()) {
		return nil, nil, nil
	}
	if in.State.Pid == 0 {
		return nil, nil, unreadable(fact.Unsupported, "", "it has its own numbers for users, and only a process of it could tell which: it does not run")
	}
	dir := filepath.Join(m.proc, strconv.Itoa(in.State.Pid))
	group, err := os.ReadFile(filepath.Join(dir, "cgroup"))
	if err != nil || !strings.Contains(string(group), in.ID) {
		return nil, nil, unreadable(fact.Unsupported, "run intact where the engine runs, in the host's process namespace",
			"it has its own numbers for users, and process %d, which could tell which, is not its own here", in.State.Pid)
	}
	uids, err = readIDMap(filepath.Join(dir, "uid_map"))
	if err == nil {
		gids, err = readIDMap(filepath.Join(dir, "gid_map"))
	}
	if err != nil {
		return nil, nil, unreadable(fact.Unsupported, "", "its own numbers for users: %v", err)
	}
	return uids, gids, nil
}

func readIDMap(name string) (overlay.IDMap, error) {
	b, err := os.ReadFile(name)
	if err != nil {
		return nil, err
	}
	return overlay.ParseIDMap(b)
}
