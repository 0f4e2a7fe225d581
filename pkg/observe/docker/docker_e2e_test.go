//go:build e2e && linux

package docker_test

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/intact-dev/intact/pkg/fact"
	"github.com/intact-dev/intact/pkg/image"
	"github.com/intact-dev/intact/pkg/internal/dockerengine"
	"github.com/intact-dev/intact/pkg/internal/testground"
	"github.com/intact-dev/intact/pkg/observe"
	"github.com/intact-dev/intact/pkg/observe/docker"
)

// An engine is a real one with the image acme/app:1.0.0.
type engine struct {
	*testground.Docker
	t *testing.T
}

func start(t *testing.T, start func() (*testground.Docker, error)) engine {
	t.Helper()
	d, err := start()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := d.Close(); err != nil {
			t.Error(err)
		}
	})
	e := engine{d, t}
	var files bytes.Buffer
	if err := testground.WriteApp(&files); err != nil {
		t.Fatal(err)
	}
	if _, err := d.Run(t.Context(), &files, "import", "-c", `CMD ["/opt/app/run.sh"]`, "-", "registry.example/acme/app:1.0.0"); err != nil {
		t.Fatal(err)
	}
	return e
}

func (e engine) do(args ...string) string {
	e.t.Helper()
	out, err := e.Run(e.t.Context(), nil, args...)
	if err != nil {
		e.t.Fatal(err)
	}
	return out
}

// run starts a container of the image.
func (e engine) run(name string, flags ...string) {
	e.t.Helper()
	e.do(append(append([]string{"run", "--detach", "--network=none", "--name=" + name}, flags...), "registry.example/acme/app:1.0.0")...)
}

func (e engine) sh(name, script string) {
	e.t.Helper()
	e.do("exec", name, "/bin/sh", "-ec", script)
}

func (e engine) observer(o docker.Options) *docker.Observer {
	e.t.Helper()
	o.Engine, o.Timeout = dockerengine.Options{Host: e.Host}, 10*time.Minute // a busy machine is slow
	obs, err := docker.New(o)
	if err != nil {
		e.t.Fatal(err)
	}
	e.t.Cleanup(func() { _ = obs.Close() })
	obs.On(e.Proc, e.Mounts)
	return obs
}

func (e engine) container(o *docker.Observer, name string) observe.Container {
	e.t.Helper()
	all, inv, err := observed(e.t, o)
	if err != nil || len(inv.Gaps) > 0 {
		e.t.Fatalf("gaps %+v, %v", inv.Gaps, err)
	}
	for _, c := range all {
		if c.Pod == name {
			return c
		}
	}
	e.t.Fatalf("no container %q among %d", name, len(all))
	return observe.Container{}
}

// written is what a container has written, a line each.
func (e engine) written(o *docker.Observer, name string) []string {
	e.t.Helper()
	c := e.container(o, name)
	var lines []string
	if err := o.Written(e.t.Context(), c, func(w observe.Written) { lines = append(lines, line(w)) }); err != nil {
		e.t.Error(err)
	}
	return lines
}

func line(w observe.Written) string {
	s := string(w.Path)
	if w.Claimed != "" {
		return s + " " + w.Claimed
	}
	if w.Removed {
		s += " removed"
	}
	if w.Opaque {
		s += " opaque"
	}
	if e := w.Entry; e.Type != "" {
		s += fmt.Sprintf(" %s %o", e.Type, e.Mode)
		if e.Type == "file" {
			s += " " + string(e.Digest)[:15]
		}
	}
	if w.Err != nil {
		s += " error: " + w.Err.Error()
	}
	return s
}

func sum(content string) string { return fmt.Sprintf("sha256:%x", sha256.Sum256([]byte(content)))[:15] }

const library = "\x7fELF of libapp"

// changeFiles changes what a run can change, and hides what it can.
func (e engine) changeFiles(name string) {
	e.sh(name, `
		umask 022
		echo dropped > /usr/bin/miner; chmod 755 /usr/bin/miner
		cp /usr/lib/libcut.so.1 /tmp/ref
		echo evil > /usr/lib/libcut.so.1; touch -r /usr/lib/libapp.so.1 /usr/lib/libcut.so.1
		touch /usr/lib/libapp.so.1
		rm /etc/app.conf
		rm -r /opt/app/data; mkdir /opt/app/data; echo 3 > /opt/app/data/three
		chmod 4755 /usr/bin/tool
		rm /tmp/ref`)
}

// ofChanges is what changeFiles leaves. Directories are there for what is below
// them.
func ofChanges() []string {
	return []string{
		"/etc dir 755",
		"/etc/app.conf removed",
		"/opt dir 755",
		"/opt/app dir 755",
		"/opt/app/data opaque dir 755",
		"/opt/app/data/three file 644 " + sum("3\n"),
		"/tmp dir 755",
		"/usr dir 755",
		"/usr/bin dir 755",
		"/usr/bin/miner file 755 " + sum("dropped\n"),
		"/usr/bin/tool file 4755 " + sum("#!/bin/sh\necho tool\n"),
		"/usr/lib dir 755",
		"/usr/lib/libapp.so.1 file 644 " + sum(library), // touched, and the same
		"/usr/lib/libcut.so.1 file 644 " + sum("evil\n"),
	}
}

// mounts are of every kind, one through a link and one over a file of the image.
func (e engine) mounts() []string {
	return []string{"--volume=/etc/hostname:/var/run/docker.sock:ro", "--volume=/etc/hostname:/usr/bin/sidecar", "--volume=/etc/hostname:/opt/app/run.sh.orig",
		"--volume=/srv/anonymous", "--tmpfs=/scratch"}
}

func TestChangedFiles(t *testing.T) {
	t.Parallel()
	for name, begin := range engines(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			e := start(t, begin)
			o := e.observer(docker.Options{})
			if how, claims := o.Reads(); claims || how != "the overlay's upper directory" {
				t.Fatalf("reads %q, claims %v", how, claims)
			}
			e.run("idle", e.mounts()...)
			e.run("busy", e.mounts()...)
			e.run("locked", "--read-only", "--tmpfs=/tmp")
			e.changeFiles("busy")

			content := func(w string) bool { return !strings.Contains(w, " dir 755") || strings.Contains(w, "opaque") }
			var idle []string
			for _, w := range e.written(o, "idle") {
				if content(w) {
					idle = append(idle, w)
				}
			}
			if len(idle) > 0 {
				t.Errorf("a container that wrote nothing: %q", idle)
			}
			var want, got []string
			for _, w := range ofChanges() {
				if content(w) {
					want = append(want, w)
				}
			}
			for _, w := range e.written(o, "busy") {
				if content(w) {
					got = append(got, w)
				}
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("written (-want +got):\n%s", diff)
			}
			locked := e.container(o, "locked")
			if !locked.Spec.Settings.ReadOnlyRoot {
				t.Errorf("settings %+v of a container with a read-only root", locked.Spec.Settings)
			}
			for _, w := range e.written(o, "locked") {
				if content(w) {
					t.Errorf("a container with a read-only root wrote %q", w)
				}
			}
		})
	}
}

// Without root, or at a distance, the engine's own comparison has to do: it
// names what was touched, and it misses what restores its time.
func TestEnginesOwnComparison(t *testing.T) {
	t.Parallel()
	e := start(t, func() (*testground.Docker, error) { return testground.StartDocker(t.Context(), "") })
	o := e.observer(docker.Options{EngineDiff: true})
	if how, claims := o.Reads(); !claims || how != "the engine's own comparison" {
		t.Fatalf("reads %q, claims %v", how, claims)
	}
	e.run("idle", e.mounts()...)
	e.run("busy", e.mounts()...)
	e.sh("busy", `echo new > /usr/bin/miner; rm /etc/app.conf; touch /usr/lib/libapp.so.1; cp -p /etc/app.conf /tmp 2>/dev/null || true
		cp -p /usr/lib/libcut.so.1 /tmp/r; printf '\177ELF 0f libcut' > /usr/lib/libcut.so.1; touch -r /tmp/r /usr/lib/libcut.so.1; rm /tmp/r`)
	// What was made to mount over is named as well, by paths that links lead to.
	want := []string{"/opt changed", "/opt/app changed", "/run changed", "/run/docker.sock added", "/srv changed", "/usr changed", "/usr/bin changed"}
	if diff := cmp.Diff(want, e.written(o, "idle")); diff != "" {
		t.Errorf("a container that wrote nothing (-want +got):\n%s", diff)
	}
	got := e.written(o, "busy")
	for _, want := range []string{"/etc/app.conf removed", "/usr/bin/miner added", "/usr/lib/libapp.so.1 changed"} {
		if !slices.Contains(got, want) {
			t.Errorf("%q is missing in %q", want, got)
		}
	}
	if slices.ContainsFunc(got, func(s string) bool { return strings.HasPrefix(s, "/usr/lib/libcut") }) {
		t.Errorf("%q has the library whose time was restored: is the comparison no longer weaker?", got)
	}
}

func TestIdentityOfARealEngine(t *testing.T) {
	t.Parallel()
	for name, begin := range engines(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			e := start(t, begin)
			o := e.observer(docker.Options{})
			e.run("before")
			first := e.container(o, "before")
			if first.NodeTag == "" || !strings.HasSuffix(first.Reported, first.NodeTag.Hex()) {
				t.Errorf("reported %q, and the tag points to %q", first.Reported, first.NodeTag)
			}
			// The tag moves under it.
			e.do("tag", "registry.example/acme/app:1.0.0", "registry.example/acme/app:old")
			var files bytes.Buffer
			if err := testground.WriteApp(&files); err != nil {
				t.Fatal(err)
			}
			if _, err := e.Run(t.Context(), &files, "import", "-c", `CMD ["/opt/app/run.sh"]`, "-c", "ENV NEW=1", "-", "registry.example/acme/app:1.0.0"); err != nil {
				t.Fatal(err)
			}
			e.run("after")
			before, after := e.container(o, "before"), e.container(o, "after")
			if before.Reported != first.Reported || before.NodeTag == first.NodeTag || after.Reported == before.Reported || after.NodeTag != before.NodeTag {
				t.Errorf("before the tag moved %q -> %q, then %q -> %q and %q -> %q", first.Reported, first.NodeTag, before.Reported, before.NodeTag, after.Reported, after.NodeTag)
			}
			if d := before.Spec.Container; d.Image != "registry.example/acme/app:1.0.0" || d.Ref.Tag != "1.0.0" {
				t.Errorf("declared %q, %+v", d.Image, d.Ref)
			}
			e.do("stop", "-t", "0", "after")
			if c := e.container(o, "after"); c.Spec.Container.Phase != fact.PhaseFinished || c.Reported != "" {
				t.Errorf("a stopped container is %q and reports %q", c.Spec.Container.Phase, c.Reported)
			}
		})
	}
}

// A mount over a file of the image is no change that any layer shows; it stays
// visible in the settings.
func TestMountOverAFile(t *testing.T) {
	t.Parallel()
	e := start(t, func() (*testground.Docker, error) { return testground.StartDocker(t.Context(), "") })
	o := e.observer(docker.Options{})
	e.run("covered", "--volume=/bin/busybox:/usr/bin/tool")
	want := []fact.Mount{{Path: "/usr/bin/tool", Kind: "bind", Source: "/bin/busybox"}}
	if diff := cmp.Diff(want, e.container(o, "covered").Spec.Settings.Mounts); diff != "" {
		t.Errorf("mounts (-want +got):\n%s", diff)
	}
	for _, w := range e.written(o, "covered") {
		if strings.Contains(w, "tool") {
			t.Errorf("written: %q", w)
		}
	}
}

// An engine that dies is lost, for what runs and for files, and its containers
// are not gone.
func TestEngineThatDies(t *testing.T) {
	t.Parallel()
	e := start(t, func() (*testground.Docker, error) { return testground.StartDocker(t.Context(), "") })
	o := e.observer(docker.Options{})
	e.run("orphan")
	c := e.container(o, "orphan")
	if err := e.Kill(); err != nil {
		t.Fatal(err)
	}
	all, inv, err := observed(t, o)
	if image.CauseOf(err) != fact.Network || len(all) > 0 || inv.Name == "" {
		t.Errorf("%d containers, %+v, %v", len(all), inv, err)
	}
	if err := o.Written(t.Context(), c, func(observe.Written) {}); image.CauseOf(err) != fact.Network {
		t.Errorf("files: %v", err)
	}
}
