package layer

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/intact-dev/intact/pkg/fact"
)

func TestNodes(t *testing.T) {
	t.Parallel()
	tree := merged(t, []member{
		dir("a", 0o700), file("a/b", "b", 0o644), file("a/c", "c", 0o755), link("l", "a"), xattrs("ping", xattrCapability, "caps"),
	}, []member{wh("a/.wh.c")})
	var names []string
	for _, n := range tree.Root().Children() {
		names = append(names, string(n.Name())+" "+n.Type().String()+" "+string(n.Path()))
	}
	if d := cmp.Diff([]string{"a directory /a", "l symbolic link /l", "ping file /ping"}, names); d != "" {
		t.Errorf("-want +got:\n%s", d)
	}
	var e Entry
	if n, ok := tree.At("//a/b/"); !ok || n.Path() != "/a/b" {
		t.Errorf("/a/b: %v", ok)
	} else if n.Entry(&e); e.Size != 1 || e.Capabilities() != "" {
		t.Errorf("/a/b: %+v", e)
	}
	if n, ok := tree.At("/ping"); !ok {
		t.Error("no /ping")
	} else if n.Entry(&e); e.Capabilities() != "caps" {
		t.Errorf("/ping: capabilities %q", e.Capabilities())
	}
	if root, ok := tree.At("/"); !ok || root.Path() != "/" {
		t.Errorf("the root: %v", ok)
	}
	for _, none := range []string{"/a/c", "/l/b", "/a/b/x", "/x", "/.."} {
		if n, ok := tree.At(none); ok {
			t.Errorf("%q is %q", none, n.Path())
		}
	}
	if n, _ := tree.At("/a/b"); len(n.Children()) != 0 {
		t.Error("a file has children")
	}
}

func TestResolve(t *testing.T) {
	t.Parallel()
	tree := merged(t, []member{
		dir("run", 0o755), dir("var", 0o755), link("var/run", "/run"), link("var/lib", "../srv"), link("loop", "loop"), file("file", "", 0o644), link("up", "../../run"), link("dangling", "/nowhere"),
	})
	for name, want := range map[string]string{
		"/": "/", "/run": "/run", "/var/run": "/run", "/var/run/secrets/kubernetes.io": "/run/secrets/kubernetes.io", "var/run//x/": "/run/x",
		"/new/dir": "/new/dir", "/up/x": "/run/x", "/file": "/file",
		"/var/lib": "", "/var/lib/x": "", "/loop": "", "/loop/x": "", "/file/x": "", "/dangling/x": "", "/var/../run": "/run",
	} {
		if got := tree.Resolve(name); got != want {
			t.Errorf("%q leads to %q; want %q", name, got, want)
		}
	}
}

func TestCodePaths(t *testing.T) {
	t.Parallel()
	tree := merged(t, []member{
		file("app/server", "x", 0o755), file("app/public/x", "x", 0o644), file("usr/bin/x", "x", 0o755), file("usr/bin/sub/x", "x", 0o644), file("data/x", "x", 0o644), file("usr/lib/x", "", 0o644),
	})
	c := NewCodePaths(tree, fact.Config{Entrypoint: []string{"server"}, Env: []string{"PATH=/app:/usr/bin:tools", "PYTHONPATH=lib:/py"}, WorkingDir: "/work"})
	for path, want := range map[string]bool{
		"/app": true, "/app/server": true, "/app/public/x": true, "/usr/bin": true, "/usr/bin/x": true, "/usr/bin/sub/x": false,
		"/usr/lib/x": true, "/data": false, "/data/x": false, "/": false,
	} {
		n, ok := tree.At(path)
		if !ok || c.Has(n) != want {
			t.Errorf("%s: there %v, has %v; want %v", path, ok, c.Has(n), want)
		}
	}
	for dir, want := range map[string]bool{
		"/work/tools": true, "/work/tools/x": false, "/work/lib": true, "/work/lib/x/y": true, "/py/x": true, "/lib64": true, "/usr/lib32/x": true, "/usr/local/lib": true,
		"/etc/cron.d": true, "/etc/cron.d/x": true, "/etc": false, "/usr/local/bin": false, "/work": false, "/": false, "/app/new": true,
	} {
		if got := c.Would(dir); got != want {
			t.Errorf("%s: %v; want %v", dir, got, want)
		}
	}
}

func TestDescribeCapabilities(t *testing.T) {
	t.Parallel()
	const netRaw = "\x01\x00\x00\x02\x00\x20\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00"
	if got := DescribeCapabilities(netRaw); got != "capabilities cap_net_raw" {
		t.Errorf("%q", got)
	}
}
