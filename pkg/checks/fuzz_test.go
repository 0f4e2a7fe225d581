package checks_test

import (
	"encoding/json"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"

	"github.com/intact-dev/intact/pkg/check"
	"github.com/intact-dev/intact/pkg/check/checktest"
	"github.com/intact-dev/intact/pkg/checks"
	"github.com/intact-dev/intact/pkg/fact"
)

// FuzzChecks runs all checks over whatever facts can be: none panics, and the
// properties of the cases hold for them too.
func FuzzChecks(f *testing.F) {
	files, err := filepath.Glob("testdata/*/fail-*.txtar")
	if err != nil || len(files) == 0 {
		f.Fatalf("no cases: %v", err)
	}
	seen := map[string]bool{}
	for _, file := range files {
		if seen[filepath.Dir(file)] {
			continue // one for each check: the cases are tested as they are elsewhere
		}
		seen[filepath.Dir(file)] = true
		archive, err := txtar.ParseFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(archive.Files[0].Data)
	}
	all := checks.All()
	f.Fuzz(func(t *testing.T, data []byte) {
		var facts fact.Set
		if json.Unmarshal(data, &facts) != nil {
			return
		}
		for _, c := range all {
			r := check.Evaluate(c, &facts)
			if strings.Contains(r.Why, "panicked") {
				t.Errorf("%s: %s", c.ID, r.Why)
				continue
			}
			checktest.Properties(t, c, facts)
		}
	})
}
