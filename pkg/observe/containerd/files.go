package containerd

import (
	"context"
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/opencontainers/runtime-spec/specs-go"

	"github.com/intact-dev/intact/pkg/fact"
	"github.com/intact-dev/intact/pkg/image"
	"github.com/intact-dev/intact/pkg/internal/containerdclient"
	"github.com/intact-dev/intact/pkg/internal/overlay"
	"github.com/intact-dev/intact/pkg/observe"
)

// walk is overlay.Walk.
type walk func(ctx context.Context, upper string, o overlay.Options, yield func(observe.Written) error) error

// Written implements [observe.Files]. c may come from another observer: then its
// ID decides. Its files must be on this machine under the path that containerd
// has for them.
//
// Left out is what lies below a mount, all of which the runtime specification
// names: without a mount, /etc/hosts or /run/secrets is the container's own.
// Left out as well are empty files and plain directories that the runtime made to
// mount on.
func (o *Observer) Written(ctx context.Context, c observe.Container, yield func(observe.Written)) error {
	fail := func(cause fact.Cause, err error) error {
		return &image.Error{Op: "read", Object: fmt.Sprintf("the files of container %q", c.ID), Cause: cause, Err: err}
	}
	switch {
	case o.client == nil:
		return fail(fact.Unsupported, fmt.Errorf("the CRI does not say where %s keeps them", o.runtime()))
	case c.ID == "":
		return fail(fact.Unsupported, errors.New("it has not started"))
	}
	namespace, record, err := o.locate(ctx, c.Namespace, c.ID)
	if err != nil {
		return err
	}
	spec, err := parseSpec(record.Spec)
	if err != nil {
		return fail(image.CauseOf(err), err) // what is mounted would look as if it were written
	}
	if record.SnapshotKey == "" {
		return fail(fact.Unsupported, fmt.Errorf("its root is no snapshot of containerd; another program made it at %q", spec.Root.Path))
	}
	snapshot, err := o.client.Snapshot(ctx, namespace, record.Snapshotter, record.SnapshotKey)
	if err != nil {
		return err
	}
	mounts, err := o.client.Mounts(ctx, namespace, record.Snapshotter, record.SnapshotKey)
	if err != nil {
		return err
	}
	upper, form, err := upperOf(mounts, snapshot)
	if err != nil {
		return fail(fact.Unsupported, fmt.Errorf("snapshotter %q: %w", record.Snapshotter, err))
	}
	if upper == "" {
		return nil // nothing can be written
	}
	over := newMounted(spec.Mounts)
	opts := overlay.Options{Form: form, Skip: over.covers}
	if l := spec.Linux; l != nil {
		opts.UIDs, opts.GIDs = idMap(l.UIDMappings), idMap(l.GIDMappings)
	}
	return o.walk(ctx, upper, opts, func(w observe.Written) error {
		if !over.made(w) {
			yield(w)
		}
		return nil
	})
}

// upperOf returns the directory that holds what was written to a snapshot, and
// nothing else; "" if nothing can be.
//
// https://github.com/containerd/containerd/blob/v2.2.0/plugins/snapshots/overlay/overlay.go
func upperOf(mounts []containerdclient.Mount, s containerdclient.Snapshot) (string, overlay.Form, error) {
	if !s.Active {
		return "", overlay.FormUnknown, nil
	}
	if len(mounts) == 0 {
		return "", overlay.FormUnknown, errors.New("it does not say how the snapshot is mounted")
	}
	m := mounts[len(mounts)-1] // the one that is seen
	upper, form := "", overlay.FormKernel
	switch m.Type {
	case "overlay", "fuse3.fuse-overlayfs", "fuse.fuse-overlayfs":
		for _, o := range m.Options {
			if dir, ok := strings.CutPrefix(o, "upperdir="); ok {
				if upper != "" {
					return "", form, errors.New("the mount has two upper directories")
				}
				upper = dir
			}
		}
		if m.Type != "overlay" {
			form = overlay.FormFuse
		} else if slices.Contains(m.Options, "userxattr") {
			form = overlay.FormKernelUser
		}
	case "bind":
		// Without a parent all that is there was written. With one it is a copy of the
		// parent's files as well.
		if s.Parent != "" || len(mounts) > 1 {
			return "", form, errors.New("what was written and what the image holds are in one directory")
		}
		upper = m.Source
	default:
		return "", form, fmt.Errorf("its mounts are of type %q: what was written is in no directory of its own", m.Type)
	}
	// A path may hold a template that only a mount fills in.
	if !path.IsAbs(upper) || path.Clean(upper) != upper || strings.Contains(upper, "{{") || upper == "/" {
		return "", form, fmt.Errorf("%q is no directory for what is written", upper)
	}
	return upper, form, nil
}

func idMap(mappings []specs.LinuxIDMapping) overlay.IDMap {
	var out overlay.IDMap
	for _, m := range mappings {
		out = append(out, overlay.IDRange{Inside: m.ContainerID, Outside: m.HostID, Size: m.Size})
	}
	return out
}

// mounted is where something is mounted, and what the runtime made for that.
type mounted struct {
	over  map[string]bool // where
	mount map[string]bool // the same as it is in images in which /var/run leads to /run
	above map[string]bool // directories above either
}

func newMounted(mounts []specs.Mount) mounted {
	m := mounted{map[string]bool{}, map[string]bool{}, map[string]bool{}}
	for _, x := range mounts {
		p := destination(x)
		if p == "/" {
			continue // it would hide everything
		}
		m.over[p] = true
		m.note(p)
		if rest, ok := strings.CutPrefix(p, "/var/run/"); ok {
			m.note("/run/" + rest)
		}
	}
	return m
}

func (m mounted) note(p string) {
	m.mount[p] = true
	for p = path.Dir(p); p != "/"; p = path.Dir(p) {
		m.above[p] = true
	}
}

// covers reports whether something is mounted at p or above it.
func (m mounted) covers(p fact.Bytes) bool {
	for q := string(p); q != "/" && q != "." && q != ""; q = path.Dir(q) {
		if m.over[q] {
			return true
		}
	}
	return false
}

// made reports whether w is what a runtime makes to mount on: an empty file or
// directory, and the directories above it, of root and with the mode 0755. That
// is nothing that anybody could run or read.
//
// https://github.com/opencontainers/runc/blob/v1.1.5/libcontainer/rootfs_linux.go
func (m mounted) made(w observe.Written) bool {
	e := w.Entry
	if w.Err != nil || w.Removed || w.Opaque || w.Renamed != "" || e.UID != 0 || e.GID != 0 || e.Mode != 0o755 || e.Capabilities != "" {
		return false
	}
	p := string(w.Path)
	return e.Type == "dir" && (m.mount[p] || m.above[p]) || e.Type == "file" && e.Size == 0 && m.mount[p]
}
