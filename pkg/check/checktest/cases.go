// Package checktest tests checks by cases: facts in, expected result out. It is
// imported by tests alone.
//
// A case is a txtar file DIR/ID/PREFIX-name.txtar with a comment that says why
// it is there, a file facts.json (intact.facts/v1, what is left out is Unknown)
// and a file want (the result). The prefix is pass, fail, undecided, na or
// notasked and must agree with the outcome.
package checktest

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"

	"github.com/intact-dev/intact/pkg/check"
	"github.com/intact-dev/intact/pkg/fact"
)

var prefixes = map[string]check.Outcome{
	"pass": check.Pass, "fail": check.Fail, "undecided": check.Undecided,
	"na": check.NotApplicable, "notasked": check.NotAsked,
}

// Cases runs all cases below dir and the properties that hold for every check
// on each of them. It fails if a check lacks a pass, a fail or an undecided case
// and if a folder belongs to no check. With update it rewrites what is wanted.
func Cases(t *testing.T, dir string, checks []check.Check, update bool) {
	t.Helper()
	folders, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range folders {
		if !slices.ContainsFunc(checks, func(c check.Check) bool { return c.ID == f.Name() }) {
			t.Errorf("%s belongs to no check", filepath.Join(dir, f.Name()))
		}
	}
	for _, c := range checks {
		t.Run(c.ID, func(t *testing.T) {
			files := caseFiles(t, dir, c.ID)
			for _, prefix := range []string{"pass", "fail", "undecided"} {
				if !slices.ContainsFunc(files, func(f string) bool { return prefixOf(f) == prefix }) {
					t.Errorf("%s has no case %s-*.txtar", filepath.Join(dir, c.ID), prefix)
				}
			}
			for _, file := range files {
				t.Run(strings.TrimSuffix(filepath.Base(file), ".txtar"), func(t *testing.T) {
					runCase(t, file, c, update)
				})
			}
		})
	}
}

func caseFiles(t *testing.T, dir, id string) []string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, id, "*.txtar"))
	if err != nil {
		t.Fatal(err)
	}
	return files // sorted
}

func prefixOf(file string) string {
	p, _, _ := strings.Cut(filepath.Base(file), "-")
	return p
}

func runCase(t *testing.T, file string, c check.Check, update bool) {
	archive, facts := load(t, file)
	got := check.Evaluate(c, &facts)
	if want, ok := prefixes[prefixOf(file)]; !ok || got.Outcome != want {
		t.Errorf("outcome %s (%s) does not agree with the name of the file", got.Outcome, got.Why)
	}
	text := encode(t, got)
	switch at := slices.IndexFunc(archive.Files, func(f txtar.File) bool { return f.Name == "want" }); {
	case at < 0 && !update:
		t.Error("no file want")
	case at < 0:
		archive.Files = append(archive.Files, txtar.File{Name: "want", Data: text})
	default:
		if d := cmp.Diff(string(archive.Files[at].Data), string(text)); d != "" && !update {
			t.Errorf("result (-want +got):\n%s", d)
		}
		archive.Files[at].Data = text
	}
	if update {
		if err := os.WriteFile(file, txtar.Format(archive), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	Properties(t, c, facts)
}

// load reads a case strictly: a misspelt fact would be an Unknown one.
func load(t *testing.T, file string) (*txtar.Archive, fact.Set) {
	t.Helper()
	archive, err := txtar.ParseFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if len(bytes.TrimSpace(archive.Comment)) == 0 {
		t.Errorf("%s: no comment says why this case is there", file)
	}
	var facts fact.Set
	for _, f := range archive.Files {
		switch f.Name {
		case "facts.json":
			d := json.NewDecoder(bytes.NewReader(f.Data))
			d.DisallowUnknownFields()
			if err := d.Decode(&facts); err != nil {
				t.Fatalf("%s: facts.json: %v", file, err)
			}
		case "want":
		default:
			t.Errorf("%s: there should be no file %q", file, f.Name)
		}
	}
	return archive, facts
}

func encode(t *testing.T, v any) []byte {
	t.Helper()
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	if err := e.Encode(v); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}
