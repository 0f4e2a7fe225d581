package written_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/intact-dev/intact/pkg/extract/internal/written"
)

// places says for each byte of t where it is written.
func places(t written.Text) string {
	var out []string
	for i := range t.Len() {
		f, at := t.Place(i)
		if f == nil {
			out = append(out, "-")
			continue
		}
		out = append(out, fmt.Sprintf("%s%d", f.Path, at))
	}
	return strings.Join(out, " ")
}

func TestText(t *testing.T) {
	t.Parallel()
	a, b := written.NewFile("a", []byte("0123456789")), written.NewFile("b", []byte("abc\\x64e"))
	var build written.Builder
	build.AddFile(a, 2, 4)
	build.AddFile(a, 4, 5) // goes on
	build.Add(written.Made("--"))
	build.Add(written.At(b, 3, "dd")) // an escape
	build.AddFile(a, 9, 10)
	text := build.Text()
	if got := text.String(); got != "234--dd9" {
		t.Fatal(got)
	}
	if d := cmp.Diff("a2 a3 a4 - - b3 b3 a9", places(text)); d != "" {
		t.Error(d)
	}
	if d := cmp.Diff("a4 - - b3", places(text.Slice(2, 6))); d != "" {
		t.Error(d)
	}
	if d := cmp.Diff("b3", places(text.Slice(6, 7))); d != "" {
		t.Error(d)
	}
	if n := len(text.Places()); n != 3 {
		t.Errorf("%d places", n)
	}
	for _, tt := range []struct {
		name       string
		text       written.Text
		file       string
		start, end int
	}{
		{"one piece", text.Slice(0, 3), "a", 2, 5},
		{"several", text.Slice(0, 4), "", 0, 0},
		{"of no file", text.Slice(3, 5), "", 0, 0},
		{"an escape", text.Slice(5, 7), "", 0, 0},
		{"part of an escape, that looks like the bytes there", written.At(b, 0, "xabc").Slice(1, 4), "", 0, 0},
		{"bytes as they are", written.At(b, 0, "abc"), "b", 0, 3},
		{"an expression that begins there", written.At(b, 0, "abc").Loose(), "", 0, 0},
		{"behind the file", written.At(b, 100, "abc"), "", 0, 0},
		{"empty", written.Text{}, "", 0, 0},
	} {
		f, start, end := tt.text.Span()
		name := ""
		if f != nil {
			name = f.Path
		}
		if name != tt.file || start != tt.start || end != tt.end {
			t.Errorf("%s: %q %d %d", tt.name, name, start, end)
		}
	}
	if got := a.Text(3, 3); got.Len() != 0 {
		t.Error(got)
	}
	if got := written.NewFile("c", []byte(" \ta \n")).Text(0, 5).Trim(); got.String() != "a" || places(got) != "c2" {
		t.Error(got, places(got))
	}
}

func TestFile(t *testing.T) {
	t.Parallel()
	f := written.NewFile("a", []byte("ab\nc\n\nd"))
	for offset, want := range []string{"1:1", "1:2", "1:3", "2:1", "2:2", "3:1", "4:1", "4:2"} {
		line, column := f.Position(offset)
		if got := fmt.Sprintf("%d:%d", line, column); got != want {
			t.Errorf("%d is at %s, not %s", offset, got, want)
		}
		if back := f.Offset(line, column); back != offset {
			t.Errorf("%s is %d, not %d", want, back, offset)
		}
	}
	if f.Lines() != 4 || f.Offset(9, 1) != 7 || f.Offset(0, 1) != 7 || f.Offset(4, 99) != 7 {
		t.Error(f.Lines(), f.Offset(9, 1), f.Offset(4, 99))
	}
	if start, end := f.Line(4); start != 6 || end != 7 {
		t.Error(start, end)
	}
}

func TestInside(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ dir, path, want string }{
		{"a/b", "c", "a/b/c"},
		{"a/b", "../c/./d", "a/c/d"},
		{".", ".", "."},
		{"a", "..", "."},
		{"a", `x\y`, "a/x/y"},
		{"a", "../..", `"../.." leads out of the tree`},
		{".", "../x", `"../x" leads out of the tree`},
		{"a", "/etc/passwd", `"/etc/passwd" is a path of one machine, not of the tree`},
		{"a", `C:\x`, `"C:\\x" is a path of one machine, not of the tree`},
		{"a", "~/x", `"~/x" is a path of one machine, not of the tree`},
	} {
		got, err := written.Inside(tt.dir, tt.path)
		if err != nil {
			got = err.Error()
		}
		if got != tt.want {
			t.Errorf("%s %s: %s, not %s", tt.dir, tt.path, got, tt.want)
		}
	}
}

func TestPlatform(t *testing.T) {
	t.Parallel()
	for s, want := range map[string]string{"": "", "linux": "", "arm64": "linux/arm64", "linux/arm/v7": "linux/arm/v7", "local": ""} {
		p, err := written.Platform(s)
		if err != nil || p.String() != want {
			t.Errorf("%q: %s %v", s, p, err)
		}
	}
	if _, err := written.Platform("a/"); err == nil {
		t.Error("a/ is a platform")
	}
}

func TestIgnores(t *testing.T) {
	t.Parallel()
	f := written.NewFile("a", []byte("# intact:ignore A1 far\n\n# intact:ignore B1 the reason \n; other\n// intact:ignore\nx # no # intact:ignore C1\ny#intact:ignore D1\n"))
	show := func(line int, marks ...string) string {
		var out []string
		for _, i := range append(f.IgnoresAbove(line, marks...), f.IgnoresBeside(line, marks...)...) {
			out = append(out, fmt.Sprintf("%d %s %q", i.Line, i.Check, i.Reason))
		}
		return strings.Join(out, ", ")
	}
	for _, tt := range []struct {
		line int
		want string
	}{
		{6, `3 B1 "the reason", 6 C1 ""`}, {7, ""}, {3, ""}, {2, `1 A1 "far"`},
	} {
		if got := show(tt.line, "#", ";", "//"); got != tt.want {
			t.Errorf("line %d: %s, not %s", tt.line, got, tt.want)
		}
	}
	if got := show(6, "#"); got != `6 C1 ""` {
		t.Error(got)
	}
}
