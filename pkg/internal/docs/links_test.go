package docs

import (
	"io/fs"
	"net/url"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"
)

// written returns the Markdown files of the repository by name.
func written(t *testing.T) map[string]string {
	t.Helper()
	out := map[string]string{}
	add := func(name string) {
		b, err := os.ReadFile(filepath.Join(root, name))
		if err != nil {
			t.Fatal(err)
		}
		out[filepath.ToSlash(name)] = string(b)
	}
	for _, name := range []string{"README.md", "CHANGELOG.md", "CONTRIBUTING.md", "SECURITY.md"} {
		add(name)
	}
	err := filepath.WalkDir(filepath.Join(root, "docs"), func(name string, d fs.DirEntry, err error) error {
		if err != nil || filepath.Ext(name) != ".md" {
			return err
		}
		rel, err := filepath.Rel(root, name)
		add(rel)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(out) < 20 {
		t.Fatalf("%d Markdown files", len(out))
	}
	return out
}

var (
	code = regexp.MustCompile("(?s)```.*?```|`[^`\n]*`")
	link = regexp.MustCompile(`\]\(([^)\s]+)\)`)
)

// Every relative link leads to a file, and to a heading if it names one.
func TestLinks(t *testing.T) {
	t.Parallel()
	pages := written(t)
	for name, text := range pages {
		for _, m := range link.FindAllStringSubmatch(code.ReplaceAllString(text, ""), -1) {
			u, err := url.Parse(m[1])
			if err != nil || u.IsAbs() {
				if err != nil || u.Scheme != "https" {
					t.Errorf("%s: link %q", name, m[1])
				}
				continue
			}
			target := name
			if u.Path != "" {
				target = path.Join(path.Dir(name), u.Path)
			}
			if _, err := os.Stat(filepath.Join(root, filepath.FromSlash(target))); err != nil {
				t.Errorf("%s: link %q: %v", name, m[1], err)
			}
			if u.Fragment != "" && !strings.Contains(anchors(pages[target]), "#"+u.Fragment+"\n") {
				t.Errorf("%s: link %q: there is no such heading", name, m[1])
			}
		}
	}
}

// anchors lists the headings of a page as forges name them, each in a line.
func anchors(text string) string {
	var b strings.Builder
	for _, l := range strings.Split(code.ReplaceAllString(text, ""), "\n") {
		if !strings.HasPrefix(l, "#") {
			continue
		}
		b.WriteByte('#')
		for _, r := range strings.ToLower(strings.TrimLeft(l, "# ")) {
			switch {
			case r == ' ':
				b.WriteByte('-')
			case unicode.IsLetter(r), unicode.IsDigit(r), r == '-', r == '_':
				b.WriteRune(r)
			}
		}
		b.WriteByte('\n')
	}
	return b.String()
}

// Text that people write has at most 120 columns; tables and code cannot be
// wrapped, and pages of checks are generated.
func TestColumns(t *testing.T) {
	t.Parallel()
	for name, text := range written(t) {
		if strings.HasPrefix(name, "docs/checks/") || name == "CONTRIBUTING.md" || name == "SECURITY.md" {
			continue
		}
		fenced := false
		for i, l := range strings.Split(text, "\n") {
			if strings.HasPrefix(l, "```") {
				fenced = !fenced
			}
			if n := utf8.RuneCountInString(l); n > 120 && !fenced && !strings.HasPrefix(l, "|") && !strings.HasPrefix(l, "    ") {
				t.Errorf("%s:%d has %d columns", name, i+1, n)
			}
		}
	}
}
