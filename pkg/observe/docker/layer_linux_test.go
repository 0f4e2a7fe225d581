package docker

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/moby/moby/api/types/container"
	"github.com/moby/moby/api/types/storage"

	"github.com/intact-dev/intact/pkg/fact"
	"github.com/intact-dev/intact/pkg/internal/dockerengine"
	"github.com/intact-dev/intact/pkg/internal/overlay"
)

// A host is a machine with an engine's folder, mounts and processes.
type host struct {
	t    *testing.T
	root string // of the engine
	machine
}

func newHost(t *testing.T) host {
	t.Helper()
	dir := t.TempDir()
	h := host{t, filepath.Join(dir, "docker"), machine{proc: filepath.Join(dir, "proc"), mounts: filepath.Join(dir, "mountinfo"), root: true}}
	h.mount()
	return h
}

func (h host) mkdir(elem ...string) string {
	h.t.Helper()
	dir := filepath.Join(append([]string{h.root}, elem...)...)
	if err := os.MkdirAll(dir, 0o755); err != nil {
		h.t.Fatal(err)
	}
	return dir
}

func (h host) write(name, content string) {
	h.t.Helper()
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		h.t.Fatal(err)
	}
	if err := os.WriteFile(name, []byte(content), 0o600); err != nil {
		h.t.Fatal(err)
	}
}

// mount lists lines of "point type options".
func (h host) mount(lines ...string) {
	h.t.Helper()
	var b strings.Builder
	for i, l := range append([]string{"/ ext4 rw"}, lines...) {
		f := strings.Fields(l)
		fmt.Fprintf(&b, "%d 1 0:%d / %s rw,relatime shared:1 - %s none %s\n", i+20, i, f[0], f[1], f[2])
	}
	h.write(h.mounts, b.String())
}

func id() string { return strings.Repeat("ab", 32) }

func described() container.InspectResponse {
	return container.InspectResponse{ID: id(), State: &container.State{Running: true, Pid: 77}, HostConfig: &container.HostConfig{}, Config: &container.Config{}}
}

func TestLayerOfAGraphDriver(t *testing.T) {
	t.Parallel()
	h := newHost(t)
	upper, merged := h.mkdir("overlay2", "x", "diff"), filepath.Join(h.root, "overlay2", "x", "merged")
	h.write(filepath.Join(h.root, "file"), "")
	h.mount(merged + " overlay rw,lowerdir=/a,upperdir=" + upper + ",workdir=/w,userxattr")
	no, yes := false, true
	tests := []struct {
		name          string
		driver, upper string
		xattr         *bool
		form          overlay.Form
		cause         fact.Cause
		why           string
	}{
		{"overlay2", "overlay2", upper, &no, overlay.FormKernel, "", ""},
		{"overlay2_with_user_attributes", "overlay2", upper, &yes, overlay.FormKernelUser, "", ""},
		{"what_the_mount_says", "overlay", upper, nil, overlay.FormKernelUser, "", ""},
		{"fuse", "fuse-overlayfs", upper, nil, overlay.FormFuse, "", ""},
		{"vfs", "vfs", "", nil, 0, fact.Unsupported, `storage driver "vfs" keeps no upper directory`},
		{"no_directory_told", "overlay2", "", nil, 0, fact.ServerError, `upper directory "" is not below`},
		{"elsewhere", "overlay2", "/etc", nil, 0, fact.ServerError, `"/etc" is not below the engine's`},
		{"out_of_its_own", "overlay2", h.root + "/../../etc", nil, 0, fact.ServerError, "is not below the engine's"},
		{"beside_its_own", "overlay2", h.root + "-other", nil, 0, fact.ServerError, "is not below the engine's"},
		{"not_here", "overlay2", filepath.Join(h.root, "overlay2", "y", "diff"), nil, 0, fact.NotFound, "the engine is elsewhere"},
		{"a_file", "overlay2", filepath.Join(h.root, "file"), nil, 0, fact.Unsupported, "is none"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			in := described()
			in.GraphDriver = &storage.DriverData{Name: tt.driver, Data: map[string]string{"UpperDir": tt.upper, "MergedDir": merged}}
			got, err := h.layerOf(dockerengine.Info{Store: dockerengine.StoreGraph, RootDir: h.root, UserXattr: tt.xattr}, in)
			if tt.why != "" {
				wantUnreadable(t, err, tt.cause, tt.why)
				return
			}
			if err != nil || got.upper != tt.upper || got.form != tt.form {
				t.Errorf("%+v, %v; want %q in form %v", got, err, tt.upper, tt.form)
			}
		})
	}
}

func wantUnreadable(t *testing.T, err *layerError, cause fact.Cause, why string) {
	t.Helper()
	if err == nil || err.cause != cause || !strings.Contains(err.why, why) {
		t.Errorf("error %+v, want one with %q and cause %q", err, why, cause)
	}
}

func TestLayerOfASnapshot(t *testing.T) {
	t.Parallel()
	const options = "rw,lowerdir=/l,upperdir=%s,workdir=/w"
	tests := []struct {
		name   string
		change func(h host, in *container.InspectResponse, at, upper string)
		form   overlay.Form
		why    string
	}{
		{"mounted", func(h host, _ *container.InspectResponse, at, upper string) {
			h.mount(at + " overlay " + fmt.Sprintf(options, upper))
		}, overlay.FormKernel, ""},
		{"mounted_twice", func(h host, _ *container.InspectResponse, at, upper string) {
			h.mount(at+" overlay "+fmt.Sprintf(options, "/etc"), at+" overlay "+fmt.Sprintf(options, upper)+",userxattr")
		}, overlay.FormKernelUser, ""},
		{"of_another_container", func(h host, _ *container.InspectResponse, at, upper string) {
			h.mount(filepath.Dir(at) + "/" + strings.Repeat("cd", 32) + " overlay " + fmt.Sprintf(options, upper))
		}, 0, "nothing is mounted at"},
		{"not_running", func(h host, in *container.InspectResponse, at, upper string) {
			h.mount(at + " overlay " + fmt.Sprintf(options, upper))
			in.State.Pid = 0
		}, 0, "it does not run"},
		{"a_bind_mount", func(h host, _ *container.InspectResponse, at, _ string) { h.mount(at + " ext4 rw") }, 0, `is a "ext4"`},
		{"a_fuse_mount", func(h host, _ *container.InspectResponse, at, _ string) { h.mount(at + " fuse.fuse-overlayfs rw") }, 0, "does not tell its upper directory"},
		{"a_view", func(h host, _ *container.InspectResponse, at, _ string) { h.mount(at + " overlay ro,lowerdir=/a:/b") }, 0, "no upper directory"},
		{"relative", func(h host, _ *container.InspectResponse, at, _ string) {
			h.mount(at + " overlay " + fmt.Sprintf(options, "x/fs"))
		}, 0, "no absolute path"},
		{"not_clean", func(h host, _ *container.InspectResponse, at, _ string) {
			h.mount(at + " overlay " + fmt.Sprintf(options, "/x/../etc"))
		}, 0, "no absolute path"},
		{"no_list_of_mounts", func(h host, _ *container.InspectResponse, _, _ string) {
			if err := os.Remove(h.mounts); err != nil {
				h.t.Fatal(err)
			}
		}, 0, "mountinfo"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			h := newHost(t)
			upper, in := h.mkdir("snapshots", "36", "fs"), described()
			in.Storage = &storage.Storage{RootFS: &storage.RootFSStorage{Snapshot: &storage.RootFSStorageSnapshot{Name: "overlayfs"}}}
			tt.change(h, &in, filepath.Join(h.root, "rootfs", "overlayfs", in.ID), upper)
			got, err := h.layerOf(dockerengine.Info{Store: dockerengine.StoreContainerd, Driver: "another", RootDir: h.root}, in)
			if tt.why != "" {
				wantUnreadable(t, err, fact.Unsupported, tt.why)
				return
			}
			if err != nil || got.upper != upper || got.form != tt.form {
				t.Errorf("%+v, %v; want %q in form %v", got, err, upper, tt.form)
			}
		})
	}
}

// Users and groups are counted as the container counts them, or not at all.
func TestOwners(t *testing.T) {
	t.Parallel()
	shifted := overlay.IDMap{{Inside: 0, Outside: 100_000, Size: 65_536}}
	tests := []struct {
		name   string
		info   dockerengine.Info
		mode   container.UsernsMode
		cgroup string
		pid    int
		want   overlay.IDMap
		why    string
	}{
		{"as_the_machine", dockerengine.Info{}, "", "", 77, nil, ""},
		{"as_the_machine_when_asked", dockerengine.Info{}, "host", "", 77, nil, ""},
		{"in_a_namespace", dockerengine.Info{UserNamespaces: true}, "", "0::/system.slice/docker-" + id() + ".scope\n", 77, shifted, ""},
		{"of_podman", dockerengine.Info{}, "auto", "1:x:/libpod-" + id() + "\n", 77, shifted, ""},
		{"of_a_rootless_engine", dockerengine.Info{Rootless: true}, "host", "0::/" + id() + "\n", 77, shifted, ""},
		{"of_another_process", dockerengine.Info{UserNamespaces: true}, "", "0::/" + strings.Repeat("cd", 32) + "\n", 77, nil, "process 77, which could tell which, is not its own here"},
		{"of_no_process_here", dockerengine.Info{UserNamespaces: true}, "", "", 78, nil, "process 78"},
		{"not_running", dockerengine.Info{UserNamespaces: true}, "", "", 0, nil, "it does not run"},
		{"garbage", dockerengine.Info{UserNamespaces: true}, "", "0::/" + id() + "\n", 79, nil, "its own numbers for users"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			h := newHost(t)
			h.write(filepath.Join(h.proc, "77", "cgroup"), tt.cgroup)
			h.write(filepath.Join(h.proc, "77", "uid_map"), "         0     100000      65536\n")
			h.write(filepath.Join(h.proc, "77", "gid_map"), "         0     100000      65536\n")
			h.write(filepath.Join(h.proc, "79", "cgroup"), tt.cgroup)
			h.write(filepath.Join(h.proc, "79", "uid_map"), "all\n")
			in := described()
			in.State.Pid, in.HostConfig.UsernsMode = tt.pid, tt.mode
			uids, gids, err := h.owners(tt.info, in)
			if tt.why != "" {
				wantUnreadable(t, err, fact.Unsupported, tt.why)
				return
			}
			if err != nil || cmp.Diff(tt.want, uids) != "" || cmp.Diff(tt.want, gids) != "" {
				t.Errorf("users %v, groups %v, %v; want %v", uids, gids, err, tt.want)
			}
		})
	}
}

func TestOptionsOfAnOverlay(t *testing.T) {
	t.Parallel()
	got, err := parseOverlay(`rw,lowerdir=/l\054upperdir=/evil:/m,upperdir=/a\040b\054c\134d,workdir=/w`)
	if err != nil || got.upper != `/a b,c\d` || got.form != overlay.FormKernel {
		t.Errorf("%+v, %v", got, err)
	}
}

func FuzzOptionsOfAnOverlay(f *testing.F) {
	for _, s := range []string{"rw,upperdir=/a", `upperdir=/a\040\777`, "userxattr,upperdir=", "upperdir=/a,upperdir=/b", `upperdir=\`} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		got, err := parseOverlay(s)
		if (err == nil) != (got.upper != "") {
			t.Errorf("%q is %+v, %v", s, got, err)
		}
		if len(got.upper) > len(s) {
			t.Errorf("%q grew to %q", s, got.upper)
		}
	})
}
