package main

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestWriteDiff(t *testing.T) {
	t.Parallel()
	many := strings.Repeat("x\n", 20)
	for name, row := range map[string]struct {
		file, from, to string
		shown          bool
		want           string
	}{
		"a_line":         {"a.yaml", "a\nb\nc\n", "a\nB\nc\n", false, "--- a/a.yaml\n+++ b/a.yaml\n@@ -1,3 +1,3 @@\n a\n-b\n+B\n c\n"},
		"three_around":   {"d/a.yaml", many + "b\n" + many, many + "B\n" + many, false, "--- a/d/a.yaml\n+++ b/d/a.yaml\n@@ -18,7 +18,7 @@\n x\n x\n x\n-b\n+B\n x\n x\n x\n"},
		"no_line_end":    {"a", "a\nb", "a\nB", false, "--- a/a\n+++ b/a\n@@ -1,2 +1,2 @@\n a\n-b\n\\ No newline at end of file\n+B\n\\ No newline at end of file\n"},
		"line_end_comes": {"a", "b", "b\n", false, "--- a/a\n+++ b/a\n@@ -1 +1 @@\n-b\n\\ No newline at end of file\n+b\n"},
		"two_characters": {"a", "a\r\nb\r\n", "a\r\nB\r\n", false, "--- a/a\n+++ b/a\n@@ -1,2 +1,2 @@\n a\r\n-b\r\n+B\r\n"},
		"on_a_terminal":  {"a", "\x1b[31mb\n", "\x1b[31mB\n", true, "--- a/a\n+++ b/a\n@@ -1 +1 @@\n-\\x1b[31mb\n+\\x1b[31mB\n"},
		"odd_name":       {"a\n b", "a\n", "b\n", false, "--- \"a/a\\n b\"\n+++ \"b/a\\n b\"\n@@ -1 +1 @@\n-a\n+b\n"},
		"utf16":          {"a", "a\x00\n\x00", "b\x00\n\x00", false, "Binary files a/a and b/a differ\n"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var b strings.Builder
			if err := writeDiff(&b, row.file, []byte(row.from), []byte(row.to), row.shown); err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(row.want, b.String()); d != "" {
				t.Error(d)
			}
		})
	}
}
