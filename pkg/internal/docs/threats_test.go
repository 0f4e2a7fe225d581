package docs

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

var (
	attack = regexp.MustCompile(`^\| adv-([A-Z0-9]+-\d+) \|`)
	proof  = regexp.MustCompile("`(?:([a-z0-9/]+): ((?:[tT]est|Fuzz)[A-Za-z0-9_]+)|(script/[a-z-]+\\.txtar))`")
)

// Every test that the table of attacks names exists, and a row that names none
// says so.
func TestAttacksHaveTests(t *testing.T) {
	t.Parallel()
	rows := map[string]bool{}
	for _, l := range strings.Split(page(t, "threat-model.md"), "\n") {
		m := attack.FindStringSubmatch(l)
		if m == nil || strings.Count(l, " | ") != 3 {
			continue // a row of the section on what is later
		}
		id := m[1]
		if rows[id] {
			t.Errorf("adv-%s is there twice", id)
		}
		rows[id] = true
		cells := strings.Split(strings.Trim(l, "| "), " | ")
		last := cells[len(cells)-1]
		if last == "not yet" || last == "later" {
			continue
		}
		if rest := strings.Trim(proof.ReplaceAllString(last, ""), ", "); rest != "" {
			t.Errorf("adv-%s: %q names no test", id, rest)
		}
		for _, p := range proof.FindAllStringSubmatch(last, -1) {
			if p[3] != "" {
				if _, err := os.Stat(filepath.Join(root, "cmd/intact/testdata", p[3])); err != nil {
					t.Errorf("adv-%s: %v", id, err)
				}
			} else if !declares(t, p[1], p[2]) {
				t.Errorf("adv-%s: there is no %s in %s", id, p[2], p[1])
			}
		}
	}
	if len(rows) < 110 {
		t.Errorf("%d attacks were found in the table", len(rows))
	}
}

// declares reports whether a test file of the folder pkg/dir declares name.
func declares(t *testing.T, dir, name string) bool {
	t.Helper()
	if !strings.HasPrefix(dir, "cmd/") {
		dir = "pkg/" + dir
	}
	files, err := filepath.Glob(filepath.Join(root, filepath.FromSlash(dir), "*_test.go"))
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		b, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(string(b), "\nfunc "+name+"(") {
			return true
		}
	}
	return false
}
