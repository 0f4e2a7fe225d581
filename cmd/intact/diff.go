package main

import (
	"bytes"
	"fmt"
	"io"
	"path"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/pmezard/go-difflib/difflib"
)

// writeDiff writes what changes in a file as a unified diff that patch and git
// apply take. shown is set for people: then what would change a terminal is
// escaped.
func writeDiff(w io.Writer, name string, from, to []byte, shown bool) error {
	before, after := quoteName("a/"+name), quoteName("b/"+name)
	if bytes.IndexByte(from, 0) >= 0 {
		_, err := fmt.Fprintf(w, "Binary files %s and %s differ\n", before, after)
		return err
	}
	text, err := difflib.GetUnifiedDiffString(difflib.UnifiedDiff{A: diffLines(from), B: diffLines(to), FromFile: before, ToFile: after, Context: 3})
	if err != nil {
		return fmt.Errorf("make a patch of %q: %w", name, err)
	}
	if shown {
		lines := strings.SplitAfter(text, "\n")
		for i, line := range lines {
			cut, ok := strings.CutSuffix(line, "\n")
			if lines[i] = escape(strings.TrimSuffix(cut, "\r")); ok {
				lines[i] += "\n"
			}
		}
		text = strings.Join(lines, "")
	}
	_, err = io.WriteString(w, text)
	return err
}

// diffLines are the lines of b with their ends. A last line without one says so,
// as diff does.
func diffLines(b []byte) []string {
	lines := strings.SplitAfter(string(b), "\n")
	last := len(lines) - 1
	if lines[last] == "" {
		return lines[:last]
	}
	lines[last] += "\n\\ No newline at end of file\n"
	return lines
}

// diffName is how a patch names a file of t: from the current folder, where git
// apply and patch look for it. For a file that is not below that it is the name
// from the root of the repository, where the patch is to be applied then.
func (t *fileTree) diffName(name string) string {
	if shown := t.display(name); !path.IsAbs(shown) && !filepath.IsAbs(shown) {
		return shown
	}
	return name
}

// quoteName quotes a name as git does where it has to.
func quoteName(s string) string {
	if q := strconv.Quote(s); q != `"`+s+`"` || strings.ContainsAny(s, "\t") {
		return q
	}
	return s
}
