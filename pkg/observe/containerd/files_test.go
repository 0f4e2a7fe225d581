package containerd

import (
	"context"
	"errors"
	"strings"
	"testing"

	containersapi "github.com/containerd/containerd/api/services/containers/v1"
	"github.com/containerd/containerd/api/types"
	"github.com/google/go-cmp/cmp"

	"github.com/intact-dev/intact/pkg/fact"
	"github.com/intact-dev/intact/pkg/image"
	"github.com/intact-dev/intact/pkg/internal/containerdclient"
	"github.com/intact-dev/intact/pkg/internal/containerdclient/containerdtest"
	"github.com/intact-dev/intact/pkg/internal/overlay"
	"github.com/intact-dev/intact/pkg/observe"
)

func TestUpperOf(t *testing.T) {
	t.Parallel()
	const none = overlay.FormUnknown
	type mounts = []containerdclient.Mount
	mount := func(kind, source string, options ...string) containerdclient.Mount {
		return containerdclient.Mount{Type: kind, Source: source, Options: options}
	}
	active := containerdclient.Snapshot{Active: true, Parent: "sha256:p"}
	tests := []struct {
		name   string
		mounts mounts
		of     containerdclient.Snapshot
		want   string
		form   overlay.Form
		err    string
	}{
		{"overlay", mounts{mount("overlay", "overlay", "index=off", "workdir=/s/1/work", "upperdir=/s/1/fs", "lowerdir=/s/0/fs")}, active, "/s/1/fs", overlay.FormKernel, ""},
		{"overlay_of_a_user", mounts{mount("overlay", "overlay", "upperdir=/s/1/fs", "userxattr")}, active, "/s/1/fs", overlay.FormKernelUser, ""},
		{"fuse", mounts{mount("fuse3.fuse-overlayfs", "overlay", "upperdir=/s/1/fs")}, active, "/s/1/fs", overlay.FormFuse, ""},
		{"over_mounted_layers", mounts{mount("erofs", "/s/0/layer.erofs", "ro"), mount("overlay", "overlay", "upperdir=/s/1/fs")}, active, "/s/1/fs", overlay.FormKernel, ""},
		{"no_parent", mounts{mount("bind", "/s/1/fs", "rw", "rbind")}, containerdclient.Snapshot{Active: true}, "/s/1/fs", overlay.FormKernel, ""},
		{"view", mounts{mount("overlay", "overlay", "lowerdir=/a:/b")}, containerdclient.Snapshot{Parent: "p"}, "", none, ""},
		{"view_of_one_layer", mounts{mount("bind", "/s/0/fs", "ro", "rbind")}, containerdclient.Snapshot{Parent: "p"}, "", none, ""},
		{"native", mounts{mount("bind", "/s/1", "rbind", "rw")}, active, "", none, "in one directory"},
		{"devmapper", mounts{mount("ext4", "/dev/mapper/x", "rw")}, active, "", none, `of type "ext4"`},
		{"block", mounts{mount("mkfs/ext4", "/s/1/rw.img"), mount("format/mkdir/bind", "{{ mount 0 }}/upper")}, active, "", none, `of type "format/mkdir/bind"`},
		{"template", mounts{mount("overlay", "overlay", "upperdir=/{{ mount 0 }}/upper")}, active, "", none, "is no directory"},
		{"no_upper", mounts{mount("overlay", "overlay", "lowerdir=/a")}, active, "", none, "is no directory"},
		{"two_uppers", mounts{mount("overlay", "overlay", "upperdir=/a", "upperdir=/b")}, active, "", none, "two upper directories"},
		{"relative", mounts{mount("overlay", "overlay", "upperdir=a")}, active, "", none, "is no directory"},
		{"dots", mounts{mount("overlay", "overlay", "upperdir=/a/../../etc")}, active, "", none, "is no directory"},
		{"root", mounts{mount("bind", "/")}, containerdclient.Snapshot{Active: true}, "", none, "is no directory"},
		{"no_mount", nil, active, "", none, "does not say how"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got, form, err := upperOf(tt.mounts, tt.of)
			if tt.err != "" {
				if err == nil || !strings.Contains(err.Error(), tt.err) || got != "" {
					t.Errorf("%q and %v, want an error with %q", got, err, tt.err)
				}
				return
			}
			if err != nil || got != tt.want || form != tt.form {
				t.Errorf("%q in form %d and %v, want %q in form %d", got, form, err, tt.want, tt.form)
			}
		})
	}
}

// writable is a server with one container that can be written to.
func writable(spec string) *containerdtest.Server {
	c := record("c", "x")
	c.Spec = specAny(spec)
	return &containerdtest.Server{Namespaces: map[string]*containerdtest.Namespace{"default": {Containers: []*containersapi.Container{c},
		Snapshots: map[string]containerdtest.Snapshot{"overlayfs/c": {Parent: "sha256:p", Mounts: []*types.Mount{
			{Type: "overlay", Source: "overlay", Options: []string{"upperdir=/s/1/fs", "lowerdir=/s/0/fs"}}}}}}}}
}

// walked replaces the walk by one that yields all.
func (o *Observer) walked(t *testing.T, all []observe.Written, err error) *overlay.Options {
	var asked overlay.Options
	o.walk = func(_ context.Context, upper string, opts overlay.Options, yield func(observe.Written) error) error {
		if upper != "/s/1/fs" {
			t.Errorf("walked %q", upper)
		}
		asked = opts
		for _, w := range all {
			if opts.Skip(w.Path) {
				continue
			}
			if err := yield(w); err != nil {
				return err
			}
		}
		return err
	}
	return &asked
}

// What a mount covers, and what the runtime made for it, is left out; anything
// that could be run or read is not.
func TestWritten(t *testing.T) {
	t.Parallel()
	o := start(t, writable(`{"root":{},"mounts":[{"destination":"/proc","type":"proc"},{"destination":"/etc/hosts","type":"bind","source":"/x"},
		{"destination":"/srv/data","type":"bind","source":"/y"},{"destination":"/var/run/secrets/kubernetes.io/serviceaccount","type":"bind","source":"/z"},{"destination":"/","type":"bind","source":"/odd"}],
		"linux":{"uidMappings":[{"containerID":0,"hostID":100000,"size":65536}],"gidMappings":[{"containerID":0,"hostID":200000,"size":10}]}}`), Options{})
	dir, empty := observe.Entry{Type: "dir", Mode: 0o755}, observe.Entry{Type: "file", Mode: 0o755}
	file := observe.Entry{Type: "file", Mode: 0o755, Size: 1}
	all := []observe.Written{
		{Path: "/etc", Entry: dir}, {Path: "/etc/hosts", Entry: empty}, {Path: "/etc/hostname", Entry: file}, {Path: "/proc", Entry: dir}, {Path: "/proc/x", Entry: file},
		{Path: "/run", Entry: dir}, {Path: "/run/secrets", Entry: dir}, {Path: "/run/secrets/kubernetes.io/serviceaccount", Entry: dir}, {Path: "/run/secrets/evil", Entry: file},
		{Path: "/srv", Entry: observe.Entry{Type: "dir", Mode: 0o777}}, {Path: "/srv/data", Entry: dir}, {Path: "/srv/data/below", Entry: file}, {Path: "/srv/database", Entry: file},
		{Path: "/usr", Entry: dir}, {Path: "/var", Entry: dir, Opaque: true}, {Path: "/var/run", Removed: true},
		{Path: "/run/secrets/kubernetes.io", Err: errors.New("unreadable"), Entry: dir},
		{Path: "/var/run/secrets", Entry: observe.Entry{Type: "dir", Mode: 0o755, UID: 1000}},
	}
	asked := o.walked(t, all, nil)
	var got []string
	if err := o.Written(t.Context(), observe.Container{ID: "c", Namespace: "default"}, func(w observe.Written) { got = append(got, string(w.Path)) }); err != nil {
		t.Fatal(err)
	}
	want := []string{"/etc/hostname", "/run/secrets/evil", "/srv", "/srv/database", "/usr", "/var", "/var/run", "/run/secrets/kubernetes.io", "/var/run/secrets"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(overlay.IDMap{{Inside: 0, Outside: 100000, Size: 65536}}, asked.UIDs); diff != "" || len(asked.GIDs) != 1 || asked.GIDs[0].Outside != 200000 || asked.Form != overlay.FormKernel {
		t.Errorf("options %+v", asked)
	}
}

// Why files cannot be read is said with its cause.
func TestNotWritten(t *testing.T) {
	t.Parallel()
	forbidden := &image.Error{Op: "read", Cause: fact.Forbidden, Err: errors.New("permission denied")}
	tests := []struct {
		name   string
		change func(n *containerdtest.Namespace)
		c      observe.Container
		walk   error
		cause  fact.Cause
		err    string
	}{
		{"another_snapshotter", func(n *containerdtest.Namespace) {
			n.Containers[0].Snapshotter = "devmapper"
			n.Snapshots = map[string]containerdtest.Snapshot{"devmapper/c": {Mounts: []*types.Mount{{Type: "ext4", Source: "/dev/x"}}}}
		}, observe.Container{ID: "c"}, nil, fact.Unsupported, `snapshotter "devmapper"`},
		{"no_snapshot", func(n *containerdtest.Namespace) { n.Containers[0].SnapshotKey = "" }, observe.Container{ID: "c"}, nil, fact.Unsupported, "no snapshot of containerd"},
		{"snapshot_is_gone", func(n *containerdtest.Namespace) { n.Snapshots = nil }, observe.Container{ID: "c"}, nil, fact.NotFound, "snapshot"},
		{"no_such_container", nil, observe.Container{ID: "d"}, nil, fact.NotFound, `none of the namespaces "default"`},
		{"not_started", nil, observe.Container{}, nil, fact.Unsupported, "has not started"},
		{"mounts_are_not_known", func(n *containerdtest.Namespace) { n.Containers[0].Spec = nil }, observe.Container{ID: "c"}, nil, fact.Unsupported, "runtime specification"},
		{"not_root", nil, observe.Container{ID: "c"}, forbidden, fact.Forbidden, "permission denied"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s := writable(plainSpec)
			if tt.change != nil {
				tt.change(s.Namespaces["default"])
			}
			o := start(t, s, Options{})
			o.walked(t, nil, tt.walk)
			err := o.Written(t.Context(), tt.c, func(observe.Written) {})
			if err == nil || image.CauseOf(err) != tt.cause || !strings.Contains(err.Error(), tt.err) {
				t.Errorf("error %v with the cause %q, want %q with %q", err, image.CauseOf(err), tt.cause, tt.err)
			}
		})
	}
}

// Of a snapshot that is only read nothing is walked.
func TestNothingToWrite(t *testing.T) {
	t.Parallel()
	s := writable(plainSpec)
	s.Namespaces["default"].Snapshots["overlayfs/c"] = containerdtest.Snapshot{View: true, Mounts: []*types.Mount{{Type: "bind", Source: "/s/1/fs"}}}
	o := start(t, s, Options{})
	o.walked(t, []observe.Written{{Path: "/x"}}, nil)
	if err := o.Written(t.Context(), observe.Container{ID: "c"}, func(observe.Written) { t.Error("a view was written to") }); err != nil {
		t.Error(err)
	}
}

func TestWrittenByTheCRIAlone(t *testing.T) {
	t.Parallel()
	o := start(t, &containerdtest.Server{OnlyCRI: true, CRI: &containerdtest.CRI{Name: "cri-o"}}, Options{})
	err := o.Written(t.Context(), observe.Container{ID: "c"}, func(observe.Written) {})
	if image.CauseOf(err) != fact.Unsupported || !strings.Contains(err.Error(), "cri-o") {
		t.Errorf("error %v", err)
	}
}

// Whoever may use containerd can make a container of any ID: a decoy of a pod's
// container is not read in its place.
func TestDecoys(t *testing.T) {
	t.Parallel()
	plain := func() *containerdtest.Namespace { return writable(plainSpec).Namespaces["default"] }
	pod := plain()
	ofPod(t, pod.Containers[0], podRecord{namespace: "shop", pod: "cart", name: "app"})
	tests := []struct {
		name       string
		namespaces map[string]*containerdtest.Namespace
		c          observe.Container
		err        string
	}{
		{"a_pod", map[string]*containerdtest.Namespace{"k8s.io": pod, "default": {}}, observe.Container{ID: "c", Namespace: "shop"}, ""},
		{"a_decoy", map[string]*containerdtest.Namespace{"k8s.io": pod, "default": plain()}, observe.Container{ID: "c", Namespace: "default"}, "several of this ID"},
		{"a_decoy_in_the_pods_namespace", map[string]*containerdtest.Namespace{"k8s.io": pod, "shop": plain()}, observe.Container{ID: "c", Namespace: "shop"}, "several of this ID"},
		{"equal_names", map[string]*containerdtest.Namespace{"a": plain(), "b": plain()}, observe.Container{ID: "c", Namespace: "b"}, ""},
		{"equal_names_and_no_namespace", map[string]*containerdtest.Namespace{"a": plain(), "b": plain()}, observe.Container{ID: "c"}, `namespaces "a", "b"`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			o := start(t, &containerdtest.Server{Namespaces: tt.namespaces}, Options{})
			o.walked(t, nil, nil)
			err := o.Written(t.Context(), tt.c, func(observe.Written) {})
			if (err == nil) != (tt.err == "") || err != nil && !strings.Contains(err.Error(), tt.err) {
				t.Errorf("error %v, want %q", err, tt.err)
			}
		})
	}
}
