package gather

import (
	"context"
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/intact-dev/intact/pkg/fact"
	"github.com/intact-dev/intact/pkg/internal/limits"
	"github.com/intact-dev/intact/pkg/observe"
)

// What runtimes make is left out, and nothing can hide behind its name.
func TestWhatTheRuntimeMakes(t *testing.T) {
	t.Parallel()
	made := []observe.Written{
		wFile("/.dockerenv", ""), wDir("/dev"), entry("/dev/console", "char", 0o600, nil), wLink("/dev/fd", "/proc/self/fd"), wFile("/dev/null", ""), wDir("/dev/shm"),
		wDir("/etc"), wFile("/etc/hostname", "x"), wFile("/etc/hosts", "10.0.0.1 x"), wLink("/etc/mtab", "/proc/mounts"), wFile("/etc/resolv.conf", "nameserver x"),
		wDir("/proc"), wDir("/run"), wFile("/run/.containerenv", "", mode(0o755)), wDir("/run/secrets"), wDir("/run/secrets/kubernetes.io"), wFile("/run/secrets/token", "", mode(0o755)), wDir("/sys"),
	}
	if got := changes(t, original(t), made...); len(got) != 0 {
		t.Errorf("left out should be %q", got)
	}
	empty := Original{Tree: treeOf(t)}
	if got := changes(t, empty, made...); len(got) != 0 {
		t.Errorf("left out of an empty image should be %q", got)
	}
	runCases(t, map[string]changeCase{
		"a program called like it": {
			written: []observe.Written{wFile("/dev/shm-x", elf), wDir("/etc"), wFile("/etc/hostname", elf), wFile("/etc/hosts", "x", mode(0o755)), wLink("/etc/mtab", "/tmp/x"), wLink("/etc/resolv.conf", "/tmp/x"),
				wDir("/run"), wDir("/run/secrets"), wFile("/run/secrets/x", "#!/bin/sh")},
			want: []string{"/dev/shm-x added executable +", "/etc/hostname added executable +", "/etc/hosts changed script - +: 0755, was 0644", `/etc/mtab changed configuration: link to "/tmp/x", was to "/proc/mounts"`,
				`/etc/resolv.conf added configuration: link to "/tmp/x"`, "/run/secrets/x added script +"},
		},
		"removed": {written: []observe.Written{gone("/etc/hosts"), gone("/etc/mtab"), gone("/proc/x")}, want: []string{"/etc/hosts removed configuration -", "/etc/mtab removed configuration"}},
	})
}

func TestMountsAreLeftOut(t *testing.T) {
	t.Parallel()
	o := original(t)
	o.Config.WorkingDir = "/work/dir"
	o.Mounts = []fact.Bytes{"/var/run/secrets/app", "/data/cache/", "/opt/a/b", "/", "/bin/sh"}
	got := changes(t, o,
		wDir("/bin", opaque()), wFile("/bin/ls", elf+"ls", mode(0o755)), // sh is under a mount
		wDir("/data"), wDir("/data/cache", opaque()), wFile("/data/cache/x", elf),
		wDir("/data/cachet"),
		wDir("/opt"), wDir("/opt/a"), wDir("/opt/a/b"),
		wDir("/run"), wDir("/run/secrets"), wDir("/run/secrets/app"), wFile("/run/secrets/app/token", "x"),
		wDir("/work"), wDir("/work/dir"),
	)
	want := []string{"/bin/ping removed executable -", "/bin/which removed script -", "/data/cachet added data: directory"}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("-want +got:\n%s", d)
	}
	// A directory that leads to a mount is told of if something else is in it.
	got = changes(t, o, wDir("/opt"), wDir("/opt/a"), wDir("/opt/a/b"), wFile("/opt/a/x", "x"), wDir("/work", mode(0o777)))
	if d := cmp.Diff([]string{"/opt/a/x added data +"}, got); d != "" {
		t.Errorf("-want +got:\n%s", d)
	}
}

// What an engine says is told as such, and is never taken for all there is.
func TestClaims(t *testing.T) {
	t.Parallel()
	const never = "unknown, unsupported: only what the engine says was seen: it looks at times and sizes, which can be set back, and nothing was hashed"
	o := original(t)
	o.Claims = true
	o.Mounts = []fact.Bytes{"/data/cache"}
	if d := cmp.Diff([]string{never}, changes(t, o)); d != "" {
		t.Errorf("nothing claimed (-want +got):\n%s", d)
	}
	got := changes(t, o,
		claimed("/usr/bin/new", "added"), claimed("/usr/bin", "added"), claimed("/usr", "changed"), claimed("/bin", "changed"), claimed("/bin/ls", "changed"), claimed("/bin/which", "removed"),
		claimed("/etc/passwd", "changed"), claimed("/lib", "removed"), claimed("/etc/hosts", "changed"), claimed("/dev/x", "added"), claimed("/data/cache/a", "removed"),
		claimed("/data", "changed"), claimed("/none", "removed"), claimed("/srv/x.so", "added"), claimed("/tmp", "changed"), claimed("/run", "sold"))
	want := []string{
		"/bin/ls changed executable - (claimed)", "/bin/which removed script - (claimed)", "/etc/passwd changed configuration - (claimed)",
		"/lib removed library: directory with 2 libraries (claimed)", "/srv/x.so added library (claimed)",
		"/tmp changed data: directory (claimed)", "/usr/bin/new added data (claimed)",
		`unknown, unsupported: "/run": compare: the engine says "sold", which is not known`, never,
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("-want +got:\n%s", d)
	}
	o.Claims = false // whoever says so, it is a claim
	if d := cmp.Diff([]string{"/bin/ls changed executable - (claimed)", never}, changes(t, o, claimed("/bin/ls", "changed"))); d != "" {
		t.Errorf("-want +got:\n%s", d)
	}
}

func TestLimitOfChanges(t *testing.T) {
	t.Parallel()
	o := original(t)
	told := 0
	endless := func(ctx context.Context, yield func(observe.Written)) error {
		for ; ctx.Err() == nil && told < 2*limits.Changes; told++ {
			yield(wFile(fmt.Sprintf("/x%06d", told), "x"))
		}
		return ctx.Err()
	}
	l := Changes(t.Context(), endless, o)
	if n := len(l.Parts); n != limits.Changes+1 || told != limits.Changes+1 {
		t.Errorf("%d parts of %d paths", n, told)
	}
	last := l.Parts[len(l.Parts)-1]
	if last.State != fact.Unknown || last.Cause != fact.Limit || last.Why != "number of files that were changed in the container exceeds the limit of 50000" {
		t.Errorf("last part %+v", last)
	}
	var claims []observe.Written
	for i := range limits.Changes + 2 {
		claims = append(claims, claimed(fmt.Sprintf("/x%06d", i), "added"))
	}
	l = Changes(t.Context(), telling(nil, claims...), o)
	if last := l.Parts[len(l.Parts)-1]; last.Cause != fact.Limit {
		t.Errorf("last part of claims: %+v", last)
	}
}

// Thousands of paths that could not be read are counted.
func TestProblemsAreBounded(t *testing.T) {
	t.Parallel()
	var all []observe.Written
	for i := range 1000 {
		all = append(all, observe.Written{Path: fact.Bytes(fmt.Sprintf("/x%04d", i)), Err: context.DeadlineExceeded})
	}
	l := Changes(t.Context(), telling(nil, all...), original(t))
	last := l.Parts[len(l.Parts)-1]
	if len(l.Parts) != maxProblems+1 || last.State != fact.Unknown || last.Cause != fact.Deadline || last.Why != "936 more paths that could not be read" {
		t.Errorf("%d parts, the last %+v", len(l.Parts), last)
	}
}
