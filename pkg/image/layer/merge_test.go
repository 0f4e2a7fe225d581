package layer

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/intact-dev/intact/pkg/fact"
	"github.com/intact-dev/intact/pkg/internal/limits"
)

// show lists a tree: path, type, mode, layer and the first bytes of the sum.
func show(tree *Tree) []string {
	var out []string
	tree.Walk(func(e *Entry, layer int) bool {
		s := fmt.Sprintf("%s %s %o @%d", e.Path, e.Type, e.Mode, layer)
		if e.Type == TypeFile {
			s += fmt.Sprintf(" %x", e.Sum[:2])
		}
		out = append(out, s)
		return true
	})
	return out
}

func sum(s string) string {
	d := describe([]byte(s), "").Digest.Hex()
	return d[:4]
}

func wh(name string) member { return file(name, "", 0o600) }

func TestMerge(t *testing.T) {
	t.Parallel()
	f := func(path, body string, layer int) string {
		return fmt.Sprintf("%s file 644 @%d %s", path, layer, sum(body))
	}
	d := func(path string, mode, layer int) string {
		return fmt.Sprintf("%s directory %o @%d", path, mode, layer)
	}
	lower := []member{dir("d/", 0o750), file("d/a", "a", 0o644), file("d/b", "b", 0o644), dir("d/s", 0o755), file("d/s/x", "x", 0o644), file("f", "f", 0o644)}
	base := []string{d("/d", 0o750, 0), f("/d/a", "a", 0), f("/d/b", "b", 0), d("/d/s", 0o755, 0), f("/d/s/x", "x", 0), f("/f", "f", 0)}
	for _, tt := range []struct {
		name   string
		layers [][]member
		want   []string
	}{
		{"nothing", nil, nil},
		{"one layer", [][]member{lower}, base},
		{"implicit parents", [][]member{{file("p/q/r", "r", 0o644)}}, []string{d("/p", 0o755, 0), d("/p/q", 0o755, 0), f("/p/q/r", "r", 0)}},
		{"last duplicate", [][]member{{file("f", "first", 0o644), file("./f", "last", 0o644)}}, []string{f("/f", "last", 0)}},
		{"whiteout of a file", [][]member{lower, {wh("d/.wh.a"), wh(".wh.f")}}, []string{d("/d", 0o750, 0), f("/d/b", "b", 0), d("/d/s", 0o755, 0), f("/d/s/x", "x", 0)}},
		{"whiteout of a directory", [][]member{lower, {wh(".wh.d")}}, []string{f("/f", "f", 0)}},
		{"whiteout, then made anew", [][]member{lower, {wh(".wh.d")}, {dir("d", 0o700), file("d/new", "n", 0o644)}},
			[]string{d("/d", 0o700, 2), f("/d/new", "n", 2), f("/f", "f", 0)}},
		{"opaque first", [][]member{lower, {wh("d/.wh..wh..opq"), file("d/new", "n", 0o644)}}, []string{d("/d", 0o750, 0), f("/d/new", "n", 1), f("/f", "f", 0)}},
		{"opaque last", [][]member{lower, {dir("d", 0o711), file("d/new", "n", 0o644), wh("d/.wh..wh..opq")}}, []string{d("/d", 0o711, 1), f("/d/new", "n", 1), f("/f", "f", 0)}},
		{"opaque keeps what its layer states below", [][]member{lower, {wh("d/.wh..wh..opq"), dir("d/s", 0o700), file("d/s/y", "y", 0o644)}},
			[]string{d("/d", 0o750, 0), d("/d/s", 0o700, 1), f("/d/s/y", "y", 1), f("/f", "f", 0)}},
		{"opaque root", [][]member{lower, {wh(".wh..wh..opq"), file("g", "g", 0o644)}}, []string{f("/g", "g", 1)}},
		{"whiteout before the entry", [][]member{lower, {wh(".wh.f"), file("f", "new", 0o644)}}, append(base[:5:5], f("/f", "new", 1))},
		{"whiteout after the entry", [][]member{lower, {file("f", "new", 0o644), wh(".wh.f")}}, append(base[:5:5], f("/f", "new", 1))},
		{"whiteout in the lowest layer", [][]member{{wh(".wh.f"), file("f", "f", 0o644)}}, []string{f("/f", "f", 0)}},
		{"AUFS metadata", [][]member{lower, {wh(".wh..wh.plnk"), wh(".wh..wh.aufs")}}, base},
		{"file over a directory", [][]member{lower, {file("d", "now a file", 0o644)}}, []string{f("/d", "now a file", 1), f("/f", "f", 0)}},
		{"directory over a file", [][]member{lower, {dir("f", 0o755), file("f/x", "x", 0o644)}}, append(base[:5:5], d("/f", 0o755, 1), f("/f/x", "x", 1))},
		{"directory over a directory", [][]member{lower, {dir("d", 0o777)}}, append([]string{d("/d", 0o777, 1)}, base[1:]...)},
		{"directory twice", [][]member{{dir("d", 0o755), file("d/a", "a", 0o644), dir("d", 0o777)}}, []string{d("/d", 0o777, 0), f("/d/a", "a", 0)}},
		{"hard link", [][]member{{file("a", "a", 0o644), hard("b", "a"), file("a", "other", 0o644)}}, []string{f("/a", "other", 0), f("/b", "a", 0)}},
		{"hard link to a lower layer", [][]member{{file("a", "a", 0o644)}, {hard("b", "/a")}}, []string{f("/a", "a", 0), f("/b", "a", 1)}},
		{"hard link to nothing", [][]member{{hard("b", "a"), file("a", "a", 0o644)}}, []string{f("/a", "a", 0)}},
		{"hard link to itself", [][]member{{hard("a", "a")}}, nil},
		{"below a link of the layer", [][]member{{dir("etc", 0o755), link("d", "/etc"), file("d/passwd", "p", 0o644)}},
			[]string{"/d symbolic link 777 @0", d("/etc", 0o755, 0), f("/etc/passwd", "p", 0)}},
		{"below a link that leads out", [][]member{{link("d", "../../../etc"), file("d/passwd", "p", 0o644)}},
			[]string{"/d symbolic link 777 @0", d("/etc", 0o755, 0), f("/etc/passwd", "p", 0)}},
		{"below a link of a lower layer", [][]member{{dir("etc", 0o755), link("d", "etc")}, {file("d/passwd", "p", 0o644)}},
			[]string{d("/d", 0o755, 1), f("/d/passwd", "p", 1), d("/etc", 0o755, 0)}},
		{"link loop", [][]member{{link("a", "b"), link("b", "a"), file("a/x", "x", 0o644)}},
			[]string{"/a symbolic link 777 @0", "/b symbolic link 777 @0"}},
		{"names that leave", [][]member{{file("../x", "x", 0o644), file("/y", "y", 0o644), file("a/../../z", "z", 0o644)}},
			[]string{f("/x", "x", 0), f("/y", "y", 0), f("/z", "z", 0)}},
		{"file where a parent should be", [][]member{{file("a", "a", 0o644)}, {file("a/b", "b", 0o644)}}, []string{d("/a", 0o755, 1), f("/a/b", "b", 1)}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			tree := merged(t, tt.layers...)
			if diff := cmp.Diff(tt.want, show(tree)); diff != "" {
				t.Errorf("tree (-want +got):\n%s", diff)
			}
			if n, _ := tree.Len(); n != len(tt.want) {
				t.Errorf("Len = %d, want %d", n, len(tt.want))
			}
		})
	}
}

func TestMergeRefusesWhatWasNotRead(t *testing.T) {
	t.Parallel()
	good, bad := read(t, archive(t), plainType), read(t, []byte("BZh9"), plainType)
	if _, err := Merge([]*Contents{good, bad}); err == nil || !strings.Contains(err.Error(), "layer 1") {
		t.Errorf("Merge of an unreadable layer: %v", err)
	}
	if _, err := Merge(make([]*Contents, 513)); err == nil {
		t.Error("Merge of 513 layers succeeds")
	}
}

func TestAmbiguities(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name string
		in   []member
		want []fact.Problem
	}{
		{"none", []member{dir("d", 0o755), file("d/a", "a", 0o644), wh("d/.wh.b")}, nil},
		{"files that differ", []member{file("f", "1", 0o644), file("f", "2", 0o644)}, ambiguity("/f", "more than once and differs", false)},
		{"files that are equal", []member{file("f", "1", 0o644), file("./f", "1", 0o644)}, ambiguity("/f", "always the same", true)},
		{"modes that differ", []member{dir("d", 0o755), dir("d/", 0o777)}, ambiguity("/d", "more than once and differs", false)},
		{"directory, then link", []member{dir("d", 0o755), link("d", "/etc")}, ambiguity("/d", "more than once and differs", false)},
		{"whiteout, then entry", []member{wh(".wh.f"), file("f", "1", 0o644)}, ambiguity("/f", "whiteout of a path that the same layer holds", false)},
		{"entry, then whiteout", []member{file("f", "1", 0o644), wh(".wh.f")}, ambiguity("/f", "whiteout of a path that the same layer holds", false)},
		{"whiteout of a parent", []member{wh(".wh.d"), file("d/x", "1", 0o644)}, ambiguity("/d", "whiteout of a path that the same layer holds", false)},
		{"opaque after siblings", []member{file("d/x", "1", 0o644), wh("d/.wh..wh..opq")}, ambiguity("/d", "opaque whiteout that stands after", true)},
		{"opaque before siblings", []member{wh("d/.wh..wh..opq"), file("d/x", "1", 0o644)}, nil},
		{"whiteout with content", []member{file("d/.wh.x", "1", 0o644)}, ambiguity("d/.wh.x", "no empty file", false)},
		{"case", []member{file("README", "1", 0o644), file("ReadMe", "2", 0o644)}, ambiguity("/ReadMe", "case or Unicode", true)},
		{"lower case", []member{file("README", "1", 0o644), file("readme", "2", 0o644)}, ambiguity("/README", "case or Unicode", true)},
		{"Unicode forms", []member{file("caf\u00e9", "1", 0o644), file("cafe\u0301", "2", 0o644)}, ambiguity("/cafe\u0301", "case or Unicode", true)},
		{"case in other directories", []member{file("a/README", "1", 0o644), file("b/readme", "2", 0o644)}, nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got := read(t, archive(t, tt.in...), plainType).Fact.Problems
			if len(got) != len(tt.want) {
				t.Fatalf("problems %v, want %v", got, tt.want)
			}
			for i, p := range got {
				w := tt.want[i]
				if p.Kind != w.Kind || p.Path != w.Path || p.Note != w.Note || !strings.Contains(p.Detail, w.Detail) {
					t.Errorf("problem %+v, want %+v", p, w)
				}
			}
		})
	}
}

func ambiguity(path, detail string, note bool) []fact.Problem {
	return []fact.Problem{{Kind: fact.ProblemAmbiguous, Path: fact.Bytes(path), Detail: detail, Note: note}}
}

func TestUnsafe(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name string
		in   []member
		want string
	}{
		{"dot dot", []member{file("../x", "", 0o644)}, "/x"},
		{"absolute", []member{file("/x", "", 0o644)}, "absolute name"},
		{"device", []member{device("dev/sda", 8, 0)}, "device: character device"},
		{"device that hides", []member{device("x", 0, 0)}, "takes for a whiteout"},
		{"below a link", []member{link("d", "/etc"), file("d/x", "", 0o644)}, "below a symbolic link"},
		{"hard link to nothing", []member{hard("a", "b")}, "hard link to nothing"},
		{"absolute hard link", []member{file("b", "", 0o644), hard("a", "/b")}, "not relative to the root"},
		{"hard link out", []member{file("b", "", 0o644), hard("a", "../b")}, "not relative to the root"},
		{"link out", []member{link("a/b", "../../x")}, "goes above the root"},
		{"whiteout of nothing", []member{wh(".wh.")}, "whiteout of no name"},
		{"whiteout of dot dot", []member{wh("d/.wh...")}, "whiteout of no name"},
		{"root replaced", []member{link(".", "/etc")}, "replace the root"},
		{"overlay attribute", []member{xattrs("d", "trusted.overlay.opaque", "y")}, "overlayfs"},
		{"owner of a hard link", []member{file("a", "", 0o644), hard("b", "a").owner(7, 7)}, "another owner"},
		{"mode of a hard link", []member{file("a", "", 0o644), hard("b", "a").mode(0o4755)}, "another owner, mode"},
		{"capabilities of a hard link", []member{file("a", "", 0o644), hard("b", "a").xattr(xattrCapability, netRaw)}, "another owner, mode or attribute"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			fs := Analyse(merged(t, tt.in), fact.Config{}, fact.Value[fact.User]{})
			if !strings.Contains(fmt.Sprint(fs.Unsafe), tt.want) {
				t.Errorf("unsafe: %v, want %q", fs.Unsafe, tt.want)
			}
		})
	}
	clean := merged(t, []member{dir("./", 0o755), link("a/b", "../x"), link("c", "/etc"), file("./x", "", 0o644), hard("y", "x")})
	if fs := Analyse(clean, fact.Config{}, fact.Value[fact.User]{}); len(fs.Unsafe) != 0 {
		t.Errorf("clean layer: %v", fs.Unsafe)
	}
}

// Runtimes give a hard link the owner, mode and attributes that its own entry
// states, and with it the file that it shares.
func TestRightsOfAHardLink(t *testing.T) {
	t.Parallel()
	program := file("bin/a", "program", 0o755)
	for _, tt := range []struct {
		name string
		in   []member
		want string
	}{
		{"setuid", []member{program, hard("bin/b", "bin/a").mode(0o4755)}, "setuid [/bin/b]"},
		{"setgid", []member{program, hard("bin/b", "bin/a").mode(0o2755)}, "setgid [/bin/b]"},
		{"capabilities", []member{program, hard("bin/b", "bin/a").mode(0o755).xattr(xattrCapability, netRaw)}, "capabilities cap_net_raw [/bin/b]"},
		{"the target's", []member{program.mode(0o4755), hard("bin/b", "bin/a").mode(0o755)}, "setuid [/bin/a]"},
		{"the target's capabilities", []member{program.xattr(xattrCapability, netRaw), hard("bin/b", "bin/a").mode(0o755).owner(7, 7)}, "capabilities cap_net_raw [/bin/a /bin/b]"},
		{"a link to the link", []member{program, hard("bin/b", "bin/a").mode(0o4755), hard("bin/c", "bin/b").mode(0o4755)}, "setuid [/bin/b /bin/c]"},
		{"none", []member{program, hard("bin/b", "bin/a").mode(0o700)}, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			tree := merged(t, tt.in)
			var got []string
			for _, g := range Analyse(tree, fact.Config{}, fact.Value[fact.User]{}).Privileged {
				got = append(got, fmt.Sprint(g.Detail, " ", g.Paths))
			}
			if strings.Join(got, "; ") != tt.want {
				t.Errorf("privileged: %q, want %q", got, tt.want)
			}
			n, ok := tree.At("/bin/b")
			var b, a Entry
			if !ok {
				t.Fatal("the link is not there")
			}
			n.Entry(&b)
			n, _ = tree.At("/bin/a")
			n.Entry(&a)
			if !b.sameContent(&a) || b.Size != int64(len("program")) {
				t.Errorf("the link holds %d bytes, %x; its target %d, %x", b.Size, b.Sum, a.Size, a.Sum)
			}
		})
	}
}

func TestHardLinksThatCopyTooMuch(t *testing.T) {
	t.Parallel()
	m := newMerger([]*Contents{read(t, archive(t, file("etc/passwd", strings.Repeat("x", 4000), 0o644), hard("b", "etc/passwd").owner(7, 7), hard("c", "etc/passwd").owner(8, 8)), plainType)})
	m.maxStated = 4500
	if err := m.layer(0); !errors.As(err, new(*limits.ExceededError)) {
		t.Errorf("error %v, want a limit", err)
	}
}

func TestEncode(t *testing.T) {
	t.Parallel()
	c := read(t, gz(t, archive(t, dir("d", 0o755), file("d/run", "#!/bin/sh\n", 0o755), link("l", "d"), device("x", 1, 3),
		xattrs("cap", "security.capability", "\x01\x00\x00\x02\x00\x04\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00"),
		file("etc/passwd", "root:x:0:0::/:\n", 0o644), wh(".wh.gone"))), gzipType)
	var buf bytes.Buffer
	if err := c.Encode(&buf); err != nil {
		t.Fatal(err)
	}
	got, err := Decode(bytes.NewReader(buf.Bytes()), NewBudget())
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(c.Fact, got.Fact); diff != "" {
		t.Errorf("Fact (-want +got):\n%s", diff)
	}
	if !got.Readable() || got.whiteouts != 1 || !cmp.Equal(c.Entries.chunks, got.Entries.chunks) {
		t.Errorf("entries differ: %d and %d", c.Entries.Len(), got.Entries.Len())
	}
	for i := range buf.Len() {
		if _, err := Decode(bytes.NewReader(buf.Bytes()[:i]), nil); err == nil {
			t.Fatalf("Decode of the first %d bytes of %d succeeds", i, buf.Len())
		}
	}
}
