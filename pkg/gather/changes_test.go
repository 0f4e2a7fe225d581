package gather

import (
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/intact-dev/intact/pkg/fact"
	"github.com/intact-dev/intact/pkg/image"
	"github.com/intact-dev/intact/pkg/internal/limits"
	"github.com/intact-dev/intact/pkg/observe"
	"github.com/intact-dev/intact/pkg/ref"
)

// A change is written PATH WHAT KIND, then - and + for the image's digest and the
// one that is there now.
type changeCase struct {
	written []observe.Written
	want    []string
}

func runCases(t *testing.T, tests map[string]changeCase) {
	t.Helper()
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if d := cmp.Diff(tt.want, changes(t, original(t), tt.written...)); d != "" {
				t.Errorf("-want +got:\n%s", d)
			}
		})
	}
}

func TestChangesOfFiles(t *testing.T) {
	t.Parallel()
	null := func(minor uint32) observe.Written {
		w := entry("/data/null", "char", 0o644, nil)
		w.Entry.Major, w.Entry.Minor = 1, minor
		return w
	}
	runCases(t, map[string]changeCase{
		"nothing": {},
		"copied up or touched, but equal": {written: []observe.Written{
			wDir("/bin"), wFile("/bin/ls", elf+"ls", mode(0o755)), wFile("/bin/ping", elf, mode(0o755), caps(netRaw)),
			wDir("/data"), wDir("/data/cache"), wFile("/data/cache/a", "a", owner(33, 33)), null(3),
			wDir("/lib"), wLink("/lib/libc.so", "libc.so.6"), wDir("/tmp", mode(0o1777)),
		}},
		"other content": {
			written: []observe.Written{wDir("/bin"), wFile("/bin/ls", elf+"xx", mode(0o755)), wFile("/bin/which", "#!/bin/sh\nx", mode(0o755)),
				wFile("/data/cache/b", "B"), null(5), wFile("/etc/passwd", "root::0:0::/:/bin/sh\n"), wFile("/lib/libc.so.6", "short")},
			want: []string{"/bin/ls changed executable - +", "/bin/which changed script - +", "/data/cache/b changed data - +",
				"/data/null changed data: character device 1:5, was 1:3", "/etc/passwd changed configuration - +", "/lib/libc.so.6 changed library - +"},
		},
		"a program that became something else is still a program that changed": {
			written: []observe.Written{wFile("/bin/ls", "text", mode(0o644)), wFile("/data/cache/b", elf)},
			want:    []string{"/bin/ls changed executable - +: 0644, was 0755", "/data/cache/b changed executable - +"},
		},
		"mode, owner, capabilities": {
			written: []observe.Written{wFile("/bin/ls", elf+"ls", mode(0o4755)), wFile("/bin/ping", elf, mode(0o755), caps(sysAdmin)),
				wFile("/bin/sh", elf+"sh", mode(0o755), owner(1000, 0)), wFile("/data/cache/a", "a", mode(0o600), owner(0, 0)), wDir("/etc", mode(0o777))},
			want: []string{"/bin/ls mode executable: 4755, was 0755", "/bin/ping mode executable: capabilities cap_sys_admin, had capabilities cap_net_raw",
				"/bin/sh owner executable: 1000:0, was 0:0", "/data/cache/a mode data: 0600, was 0644; 0:0, was 33:33", "/etc mode configuration: directory; 0777, was 0755"},
		},
		"capabilities for the container's user namespace are the same": {written: []observe.Written{wFile("/bin/ping", elf, mode(0o755), caps(netRawNS))}},
		"capabilities taken away":                                      {written: []observe.Written{wFile("/bin/ping", elf, mode(0o755))}, want: []string{"/bin/ping mode executable: no capabilities, had capabilities cap_net_raw"}},
		"content and mode are one change":                              {written: []observe.Written{wFile("/bin/sh", "#!/bin/evil", mode(0o6755))}, want: []string{"/bin/sh changed executable - +: 6755, was 0755"}},
		"added": {
			written: []observe.Written{wDir("/opt"), wFile("/opt/.wh.sh", elf), wFile("/opt/notes", "x"), wFile("/opt/su", elf, mode(0o4755), caps(netRaw)),
				wDir("/usr"), wDir("/usr/bin"), wLink("/usr/bin/python", "/tmp/evil")},
			want: []string{"/opt/.wh.sh added executable +", "/opt/notes added data +", "/opt/su added executable +: 4755; capabilities cap_net_raw",
				`/usr/bin/python added executable: link to "/tmp/evil"`},
		},
		"added links, pipes and directories": {
			written: []observe.Written{wLink("/bin/python", "/tmp/evil"), wLink("/data/x", "a\x1bb"), wDir("/opt"), wDir("/opt/empty"), entry("/opt/pipe", "fifo", 0o600, nil), entry("/opt/sock", "socket", 0o600, nil), wDir("/srv")},
			want: []string{`/bin/python added executable: link to "/tmp/evil"`, `/data/x added data: link to "a\x1bb"`, "/opt/empty added data: directory",
				"/opt/pipe added data: named pipe", "/opt/sock added data: socket", "/srv added data: directory"},
		},
		"removed": {
			written: []observe.Written{gone("/app/none"), gone("/bin/ls"), gone("/etc/passwd"), gone("/none")},
			want:    []string{"/bin/ls removed executable -", "/etc/passwd removed configuration -"},
		},
		"links": {
			written: []observe.Written{wLink("/lib/libc.so", "/tmp/evil.so"), wLink("/var/run", "/run", owner(5, 0))},
			want:    []string{`/lib/libc.so changed library: link to "/tmp/evil.so", was to "libc.so.6"`, "/var/run owner data: 5:0, was 0:0"},
		},
		"another type": {
			written: []observe.Written{wLink("/bin/ls", "/tmp/ls"), wDir("/etc/passwd"), wFile("/lib/libc.so", elf)},
			want: []string{`/bin/ls replaced executable -: link to "/tmp/ls", was a file`, "/etc/passwd replaced configuration -: directory, was a file",
				"/lib/libc.so replaced library +: file, was a symbolic link"},
		},
	})
}

func TestChangesOfDirectories(t *testing.T) {
	t.Parallel()
	runCases(t, map[string]changeCase{
		"removed, told once for each kind": {
			written: []observe.Written{gone("/app"), gone("/bin"), gone("/run")},
			want: []string{"/app removed configuration: directory with 1 configuration file", "/app removed data: directory with 1 data file",
				"/app removed executable: directory with 1 executable", "/bin removed executable: directory with 3 executables", "/bin removed script: directory with 1 script", "/run removed data: directory"},
		},
		"opaque: what is not there any more is gone": {
			written: []observe.Written{wDir("/bin", opaque()), wFile("/bin/ls", elf+"ls", mode(0o755)), wFile("/bin/new", "x"), wDir("/data"), wDir("/data/cache", opaque())},
			want: []string{"/bin/new added data +", "/bin/ping removed executable -", "/bin/sh removed executable -", "/bin/which removed script -",
				"/data/cache/a removed data -", "/data/cache/b removed data -", "/data/cache/c removed data -"},
		},
		"opaque with all of it there again is no change": {
			written: []observe.Written{wDir("/data", opaque()), wDir("/data/cache"), wFile("/data/cache/a", "a", owner(33, 33)), wFile("/data/cache/b", "b"), wFile("/data/cache/c", "c"),
				entry("/data/null", "char", 0o644, []option{func(w *observe.Written) { w.Entry.Major, w.Entry.Minor = 1, 3 }})},
		},
		"opaque above: what is below is not merged either": {
			written: []observe.Written{wDir("/data", opaque()), wDir("/data/cache"), wFile("/data/cache/b", "b")},
			want:    []string{"/data/cache/a removed data -", "/data/cache/c removed data -", "/data/null removed data"},
		},
		"opaque root": {
			written: []observe.Written{wDir("/", opaque()), wDir("/bin"), wFile("/bin/sh", elf+"sh", mode(0o755))},
			want: []string{"/app removed configuration: directory with 1 configuration file", "/app removed data: directory with 1 data file", "/app removed executable: directory with 1 executable",
				"/bin/ls removed executable -", "/bin/ping removed executable -", "/bin/which removed script -", "/data removed data: directory with 4 data files",
				"/etc removed configuration: directory with 3 configuration files", "/lib removed library: directory with 2 libraries", "/run removed data: directory",
				"/tmp removed data: directory", "/var removed data: directory with 1 data file"},
		},
		"opaque over nothing": {written: []observe.Written{wDir("/opt", opaque()), wFile("/opt/x", "x")}, want: []string{"/opt/x added data +"}},
		"a file in the place of a directory": {
			written: []observe.Written{wFile("/bin", elf)},
			want:    []string{"/bin replaced executable: file, was a directory with 3 executables", "/bin replaced script: file, was a directory with 1 script"},
		},
		"a file of a kind that the directory did not have": {
			written: []observe.Written{wFile("/data/cache", elf)},
			want:    []string{"/data/cache replaced data: file, was a directory with 3 data files", "/data/cache replaced executable +: file, was a directory"},
		},
		"renamed": {
			written: []observe.Written{gone("/bin"), wDir("/data"), wDir("/data/tools", renamed("/bin")), wFile("/data/tools/ls", elf+"ls", mode(0o755)), gone("/data/tools/ping"), wFile("/data/tools/sh", "evil", mode(0o755))},
			want: []string{"/bin removed executable: directory with 3 executables", "/bin removed script: directory with 1 script",
				`/data/tools added executable: renamed from "/bin", directory with 3 executables`, `/data/tools added script: renamed from "/bin", directory with 1 script`,
				"/data/tools/sh changed executable - +"},
		},
		"renamed over another one": {
			written: []observe.Written{wDir("/bin", renamed("/data/cache")), gone("/data/cache")},
			want: []string{`/bin added data: renamed from "/data/cache", directory with 3 data files`, "/bin replaced executable: directory with 3 executables", "/bin replaced script: directory with 1 script",
				"/data/cache removed data: directory with 3 data files"},
		},
		"renamed and back":          {written: []observe.Written{wDir("/bin", renamed("/bin")), wFile("/bin/ls", elf+"ls", mode(0o755))}},
		"renamed from nowhere":      {written: []observe.Written{wDir("/opt", renamed("/nowhere"))}, want: []string{`unknown, dependency: "/opt": compare: it is said to be the directory "/nowhere" of the image, which has none`}},
		"below a renamed one":       {written: []observe.Written{wDir("/moved", renamed("/data")), wDir("/moved/cache", opaque()), wFile("/moved/cache/a", "a", owner(33, 33))}, want: []string{`/moved added data: renamed from "/data", directory with 4 data files`}},
		"only owner or mode":        {written: []observe.Written{wMeta("/bin/ls", "/bin/ls", mode(0o700)), wMeta("/bin/sh", "/bin/sh", mode(0o755))}, want: []string{"/bin/ls mode executable: 0700, was 0755"}},
		"content of another file":   {written: []observe.Written{wMeta("/bin/ls", "/bin/sh", mode(0o755)), wMeta("/opt", "/bin/which", mode(0o755))}, want: []string{"/bin/ls changed executable - +", "/opt added executable +"}},
		"content of no file":        {written: []observe.Written{wMeta("/bin/ls", "/none", mode(0o755))}, want: []string{`unknown, dependency: "/bin/ls": compare: its content is said to be that of "/none", which is no file of the image`}},
		"root's own mode":           {written: []observe.Written{wDir("/", mode(0o777))}, want: []string{"/ mode executable: directory; 0777, was 0755"}},
		"root as a runtime made it": {written: []observe.Written{wDir("/", mode(0o555), owner(unmappedID, unmappedID))}},
	})
}

// What could not be read is not taken for unchanged.
func TestChangesThatAreNotKnown(t *testing.T) {
	t.Parallel()
	denied := &image.Error{Op: "read", Cause: fact.Forbidden, Err: errors.New("permission denied")}
	large := &image.Error{Op: "read", Cause: fact.Limit, Err: &limits.ExceededError{What: "bytes of files", Limit: 5}}
	changing := &image.Error{Op: "read", Cause: fact.CutShort, Err: observe.ErrChanging}
	without := func(o option) option { // a digest
		return func(w *observe.Written) { w.Entry.Digest = ""; o(w) }
	}
	unread := func(o option) option {
		return without(func(w *observe.Written) { w.Entry.Head = nil; o(w) })
	}
	runCases(t, map[string]changeCase{
		"not even its type":    {written: []observe.Written{{Path: "/bin/ls", Err: denied}}, want: []string{`unknown, forbidden: "/bin/ls": read: permission denied`}},
		"not its content":      {written: []observe.Written{wFile("/bin/ls", elf+"xx", mode(0o755), unread(failed(denied)))}, want: []string{`unknown, forbidden: "/bin/ls": read: permission denied`}},
		"but its mode":         {written: []observe.Written{wFile("/bin/ls", elf+"xx", mode(0o777), unread(failed(denied)))}, want: []string{"/bin/ls mode executable: 0777, was 0755", `unknown, forbidden: "/bin/ls": read: permission denied`}},
		"but its size":         {written: []observe.Written{wFile("/bin/ls", "other size", mode(0o755), unread(failed(denied)))}, want: []string{"/bin/ls changed executable -: read: permission denied"}},
		"an added one":         {written: []observe.Written{wFile("/opt", elf, unread(failed(denied)))}, want: []string{"/opt added data: read: permission denied", `unknown, forbidden: "/opt": read: permission denied`}},
		"an added large one":   {written: []observe.Written{wFile("/opt", elf, without(failed(large)))}, want: []string{"/opt added executable: read: bytes of files exceeds the limit of 5"}},
		"a log":                {written: []observe.Written{wFile("/data/log", "x", failed(changing))}, want: []string{"/data/log added data +: was being written to"}},
		"a changing one":       {written: []observe.Written{wFile("/data/cache/b", "X", failed(changing))}, want: []string{"/data/cache/b changed data - +: was being written to"}},
		"a changing equal one": {written: []observe.Written{wFile("/data/cache/b", "b", failed(changing))}, want: []string{`unknown, cut-short: "/data/cache/b": read: it was written to while it was read`}},
		"a directory": {
			written: []observe.Written{wDir("/bin", opaque(), failed(denied)), wFile("/bin/ls", "evil", mode(0o755))},
			want:    []string{"/bin/ls changed executable - +", `unknown, forbidden: "/bin": read: permission denied`},
		},
		"without a word":    {written: []observe.Written{wFile("/bin/ls", elf+"ls", mode(0o755), without(failed(nil)))}, want: []string{`unknown, internal: "/bin/ls": its content was not read`}},
		"a link's error":    {written: []observe.Written{wLink("/lib/libc.so", "libc.so.6", failed(denied))}, want: []string{`unknown, forbidden: "/lib/libc.so": read: permission denied`}},
		"the root":          {written: []observe.Written{wDir("/", opaque(), failed(denied))}, want: []string{`unknown, forbidden: "/": read: permission denied`}},
		"a replaced one":    {written: []observe.Written{wFile("/lib/libc.so", elf, unread(failed(denied)))}, want: []string{"/lib/libc.so replaced library: file, was a symbolic link; read: permission denied", `unknown, forbidden: "/lib/libc.so": read: permission denied`}},
		"told out of order": {written: []observe.Written{wFile("/b", "b"), wFile("/a", elf)}, want: []string{"/b added data +", `unknown, internal: "/a": compare: it was told after "/b"`}},
	})
}

func TestChangesEndWithTheWalk(t *testing.T) {
	t.Parallel()
	failure := &image.Error{Op: "walk", Cause: fact.Forbidden, Err: errors.New("incomplete"), Hint: "run as root"}
	got := show(Changes(t.Context(), telling(failure, wFile("/bin/ls", "evil")), original(t)))
	want := []string{"/bin/ls changed executable - +: 0644, was 0755", "unknown, forbidden: walk: incomplete: run as root"}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("-want +got:\n%s", d)
	}
	if l := Changes(t.Context(), telling(nil), original(t)); l.State != fact.Known || len(l.Parts) != 0 {
		t.Errorf("nothing written gives %+v", l)
	}
}

func TestChangesHoldBothDigests(t *testing.T) {
	t.Parallel()
	got := Changes(t.Context(), telling(nil, wFile("/data/cache/b", "BB")), original(t)).Parts[0].V
	want := fact.FileChange{Path: "/data/cache/b", What: "changed", Kind: fact.FileData, Size: 2,
		Digest: ref.DigestOf([]byte("BB"), ""), Was: ref.DigestOf([]byte("b"), "")}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("-want +got:\n%s", d)
	}
}
