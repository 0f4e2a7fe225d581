package checktest

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/intact-dev/intact/pkg/check"
)

// Example renders what c reports on its case fail-example-*.txtar below dir, or
// else on its first fail case, made by running it.
func Example(t *testing.T, dir string, c check.Check) string {
	t.Helper()
	files := caseFiles(t, dir, c.ID)
	for _, prefix := range []string{"fail-example-", "fail-"} {
		for _, file := range files {
			if strings.HasPrefix(filepath.Base(file), prefix) {
				_, facts := load(t, file)
				return Render(c, check.Evaluate(c, &facts))
			}
		}
	}
	t.Errorf("%s has no fail case to make an example of", c.ID)
	return ""
}

// Render writes a result as the examples of pages show it.
func Render(c check.Check, r check.Result) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s %s  %s\n", strings.ToUpper(r.Outcome.String()), c.ID, c.Title)
	for _, f := range r.Findings {
		if f.Note {
			fmt.Fprintf(&b, "   note: %s\n", f.Message)
			continue
		}
		fmt.Fprintf(&b, "   %s\n", f.Message)
		for _, l := range f.Lines {
			fmt.Fprintf(&b, "     %s\n", l)
		}
		for _, q := range f.Consequences {
			fmt.Fprintf(&b, "   so: %s\n", q)
		}
		if f.Fix != "" {
			fmt.Fprintf(&b, "   fix: %s\n", f.Fix)
		}
	}
	return b.String()
}

// Pages fails if a page in dir differs from what [check.Pages] renders, is
// missing, or belongs to no check: checks must be all that have a page there.
// With update it writes them, but removes none.
func Pages(t *testing.T, dir string, checks []check.Check, example func(check.Check) string, update bool) {
	t.Helper()
	pages := check.Pages(checks, example)
	if update {
		if err := os.MkdirAll(dir, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	for name, want := range pages {
		file := filepath.Join(dir, name)
		if update {
			if err := os.WriteFile(file, want, 0o644); err != nil {
				t.Fatal(err)
			}
		}
		got, err := os.ReadFile(file)
		if err != nil {
			t.Errorf("%v; run the test with -update", err)
			continue
		}
		if d := cmp.Diff(string(want), string(got)); d != "" {
			t.Errorf("%s is stale; run the test with -update (-want +got):\n%s", file, d)
		}
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if _, ok := pages[e.Name()]; ok {
			continue
		}
		t.Errorf("%s belongs to no check", filepath.Join(dir, e.Name()))
	}
}
