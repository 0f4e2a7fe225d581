package overlay

import (
	"os"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"

	"github.com/intact-dev/intact/pkg/fact"
)

func TestTypesAndOrder(t *testing.T) {
	t.Parallel()
	needRoot(t)
	up := newTree(t)
	up.dir("a")
	up.file("a/z", "z")
	up.file("a-b", "")
	up.file("a b\n\xff", "odd")
	up.must(os.Symlink("../../etc/passwd", up.path("link")))
	up.must(unix.Mkfifo(up.path("pipe"), 0o600))
	up.node("socket", unix.S_IFSOCK|0o600, 0, 0)
	up.node("null", unix.S_IFCHR|0o600, 1, 3)
	up.node("disk", unix.S_IFBLK|0o600, 8, 1)
	up.file("suid", "x")
	up.must(os.Chown(up.path("suid"), 100, 200))
	up.must(os.Chmod(up.path("suid"), 0o755|os.ModeSetuid))
	up.whiteout("gone")
	want := []string{
		"/a, dir 755",
		"/a/z, file 644 =z",
		"/a b\n\xff, file 644 =odd",
		"/a-b, file 644 =",
		"/disk, block 600 8,1",
		"/gone, removed",
		"/link, symlink 777 -> ../../etc/passwd",
		"/null, char 600 1,3",
		"/pipe, fifo 600",
		"/socket, socket 600",
		"/suid, file 4755 100:200 =x",
	}
	for _, form := range []Form{FormUnknown, FormKernel, FormKernelUser, FormFuse} {
		if d := cmp.Diff(want, lines(t, up.root, Options{Form: form})); d != "" {
			t.Errorf("form %d (-want +got):\n%s", form, d)
		}
	}
}

// The same upper directory means different things by what made the mount: what a
// container may set itself must not count where it means nothing.
func TestMarksCountByForm(t *testing.T) {
	t.Parallel()
	needRoot(t)
	up := newTree(t)
	up.dir("d")
	up.xattr("d", "user.overlay.opaque", "y")
	up.dir("e")
	up.xattr("e", "trusted.overlay.opaque", "y")
	up.dir("f")
	up.file("f/.wh..wh..opq", "")
	up.file("f/.wh.x", "")
	up.file("f/.wh.y", "#!/bin/sh")
	up.file("m", "evil")
	up.xattr("m", "user.overlay.metacopy", "")
	up.xattr("m", "user.overlay.redirect", "/bin/good")
	up.file("n", "zeros")
	up.xattr("n", "trusted.overlay.metacopy", "")
	up.file("s", "x")
	up.xattr("s", "user.containers.override_stat", "0:0:4755")
	up.dir("x")
	up.xattr("x", "trusted.overlay.opaque", "x")
	up.file("x/gone", "")
	up.xattr("x/gone", "trusted.overlay.whiteout", "")
	up.file("x/user", "")
	up.xattr("x/user", "user.overlay.whiteout", "")
	for form, want := range map[Form][]string{
		FormKernel: {
			"/d, dir 755", "/e, opaque, dir 755", "/f, dir 755",
			"/f/.wh..wh..opq, file 644 =", "/f/.wh.x, file 644 =", "/f/.wh.y, file 644 =#!/bin/sh",
			"/m, file 644 =evil", "/n, from /n, metadata only, file 644", "/s, file 644 =x",
			"/x, dir 755", "/x/gone, removed", "/x/user, file 644 =",
		},
		FormKernelUser: {
			"/d, opaque, dir 755", "/e, dir 755", "/f, dir 755",
			"/f/.wh..wh..opq, file 644 =", "/f/.wh.x, file 644 =", "/f/.wh.y, file 644 =#!/bin/sh",
			"/m, file 644 =evil", "/n, file 644 =zeros", "/s, file 644 =x",
			"/x, dir 755", "/x/gone, file 644 =", "/x/user, file 644 =",
		},
		FormFuse: {
			"/d, opaque, dir 755", "/e, opaque, dir 755", "/f, opaque, dir 755", "/f/x, removed", "/f/y, removed",
			"/m, file 644 =evil", "/n, file 644 =zeros", "/s, file 4755 =x",
			"/x, dir 755", "/x/gone, file 644 =", "/x/user, file 644 =",
		},
		FormUnknown: {
			"/d, opaque, dir 755", "/e, opaque, dir 755", "/f, opaque, dir 755",
			"/f/.wh..wh..opq, file 644 =", "/f/.wh.x, file 644 =", "/f/.wh.y, file 644 =#!/bin/sh", "/f/x, removed",
			"/m, file 644 =evil", "/n, from /n, metadata only, file 644",
			`/s, file 644 =x, error: read "/s": an attribute states another owner or mode: "0:0:4755"`,
			"/x, dir 755", "/x/gone, removed", "/x/user, file 644 =",
		},
	} {
		if d := cmp.Diff(want, lines(t, up.root, Options{Form: form})); d != "" {
			t.Errorf("form %d (-want +got):\n%s", form, d)
		}
	}
}

func TestWhiteoutsOfAUserMount(t *testing.T) {
	t.Parallel()
	up := newTree(t)
	up.dir("x")
	up.xattr("x", "user.overlay.opaque", "x")
	up.file("x/gone", "")
	up.xattr("x/gone", "user.overlay.whiteout", "y")
	up.file("x/full", "not empty, so none")
	up.xattr("x/full", "user.overlay.whiteout", "y")
	up.file("out", "")
	up.xattr("out", "user.overlay.whiteout", "y")
	got := lines(t, up.root, Options{Form: FormKernelUser, UIDs: IDMap{{0, uint32(os.Getuid()), 1}}, GIDs: IDMap{{0, uint32(os.Getgid()), 1}}})
	want := []string{"/out, file 644 =", "/x, dir 755", "/x/full, file 644 =not empty, so none", "/x/gone, removed"}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("-want +got:\n%s", d)
	}
}

func TestRedirects(t *testing.T) {
	t.Parallel()
	needRoot(t)
	up := newTree(t)
	up.dir("moved")
	up.xattr("moved", "trusted.overlay.redirect", "/usr/lib")
	up.dir("moved/deep")
	up.dir("moved/deep/twin")
	up.xattr("moved/deep/twin", "trusted.overlay.redirect", "was")
	up.file("moved/deep/file", "")
	up.xattr("moved/deep/file", "trusted.overlay.metacopy", "")
	up.file("moved/deep/named", "")
	up.xattr("moved/deep/named", "trusted.overlay.metacopy", "")
	up.xattr("moved/deep/named", "trusted.overlay.redirect", "/bin/true")
	up.dir("bad")
	up.xattr("bad", "trusted.overlay.redirect", "/usr/../etc")
	// What a container itself calls trusted.overlay.redirect.
	up.dir("nested")
	up.xattr("nested", "trusted.overlay.overlay.redirect", "/bin")
	want := []string{
		`/bad, dir 755, error: read "/bad": redirect "/usr/../etc" has a part that is no name`,
		"/moved, from /usr/lib, dir 755",
		"/moved/deep, dir 755",
		"/moved/deep/file, from /usr/lib/deep/file, metadata only, file 644",
		"/moved/deep/named, from /bin/true, metadata only, file 644",
		"/moved/deep/twin, from /usr/lib/deep/was, dir 755",
		"/nested, dir 755",
	}
	if d := cmp.Diff(want, lines(t, up.root, Options{Form: FormKernel})); d != "" {
		t.Errorf("-want +got:\n%s", d)
	}
}

func TestStatOverride(t *testing.T) {
	t.Parallel()
	needRoot(t)
	up := newTree(t)
	up.file("dev", "")
	up.xattr("dev", "user.containers.override_stat", "0:6:0660:block-8-0")
	up.dir("dir")
	up.xattr("dir", "security.fuseoverlayfs.override_stat", "7:8:40700")
	up.file("full", "a device that holds something")
	up.xattr("full", "user.containers.override_stat", "0:6:0660:char-1-3")
	up.file("junk", "")
	up.xattr("junk", "user.fuseoverlayfs.override_stat", "0:0")
	want := []string{
		"/dev, block 660 0:6 8,0",
		"/dir, dir 700 7:8",
		`/full, file 660 0:6 =a device that holds something, error: read "/full": an attribute says that a file is a char`,
		`/junk, file 644 =, error: read "/junk": attribute "0:0": expected UID:GID:MODE or UID:GID:MODE:TYPE`,
	}
	if d := cmp.Diff(want, lines(t, up.root, Options{Form: FormFuse})); d != "" {
		t.Errorf("-want +got:\n%s", d)
	}
}

// A whiteout and what was made in its place in one directory: what is there is
// there.
func TestMarkBesideWhatItIsAbout(t *testing.T) {
	t.Parallel()
	needRoot(t)
	up := newTree(t)
	up.file("sh", "new")
	up.file(".wh.sh", "")
	up.file(".wh.", "")
	up.file(".wh...", "")
	if d := cmp.Diff([]string{"/sh, file 644 =new"}, lines(t, up.root, Options{Form: FormFuse})); d != "" {
		t.Errorf("-want +got:\n%s", d)
	}
}

func TestRootIsToldOnlyIfItSaysSomething(t *testing.T) {
	t.Parallel()
	needRoot(t)
	up := newTree(t)
	if got := lines(t, up.root, Options{}); len(got) != 0 {
		t.Errorf("an empty upper directory: %q", got)
	}
	up.must(os.Chmod(up.root, 0o777))
	if d := cmp.Diff([]string{"/, dir 777"}, lines(t, up.root, Options{})); d != "" {
		t.Errorf("-want +got:\n%s", d)
	}
}

func TestSkipAndOwners(t *testing.T) {
	t.Parallel()
	needRoot(t)
	up := newTree(t)
	up.dir("data")
	up.file("data/x", "x")
	up.file("mine", "")
	up.must(os.Chown(up.path("mine"), 100_005, 100_006))
	up.file("other", "")
	ids := IDMap{{0, 100_000, 65_536}}
	got := lines(t, up.root, Options{UIDs: ids, GIDs: ids, Skip: func(p fact.Bytes) bool { return p == "/data" }})
	want := []string{"/, dir 755 65534:65534", "/mine, file 644 5:6 =", "/other, file 644 65534:65534 ="}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("-want +got:\n%s", d)
	}
}

func TestCapabilities(t *testing.T) {
	t.Parallel()
	needRoot(t)
	up := newTree(t)
	up.file("ping", "x")
	// cap_net_raw, permitted and effective
	up.xattr("ping", "security.capability", "\x01\x00\x00\x02\x00\x20\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00")
	want := []string{"/ping, file 644 =x caps 0100000200200000000000000000000000000000"}
	if d := cmp.Diff(want, lines(t, up.root, Options{})); d != "" {
		t.Errorf("-want +got:\n%s", d)
	}
}
