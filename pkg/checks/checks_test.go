package checks_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/intact-dev/intact/pkg/check"
	"github.com/intact-dev/intact/pkg/check/checktest"
	"github.com/intact-dev/intact/pkg/checks"
)

var update = flag.Bool("update", false, "rewrite the wanted results, examples and pages")

func TestMain(m *testing.M) {
	flag.Parse()
	os.Exit(m.Run())
}

func TestValid(t *testing.T) {
	t.Parallel()
	if err := check.Validate(checks.All()); err != nil {
		t.Error(err)
	}
}

func TestCases(t *testing.T) {
	checktest.Cases(t, "testdata", checks.All(), *update)
}

// The examples of the pages are what the checks report on their first fail case.
func TestExamples(t *testing.T) {
	examples := map[string]string{}
	for _, c := range checks.All() {
		examples[c.ID] = checktest.Example(t, "testdata", c)
	}
	var want bytes.Buffer
	e := json.NewEncoder(&want)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	if err := e.Encode(examples); err != nil {
		t.Fatal(err)
	}
	if *update {
		if err := os.WriteFile("examples.json", want.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
		return // what is compiled in is the old one
	}
	got, err := os.ReadFile("examples.json")
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(want.String(), string(got)); d != "" {
		t.Errorf("examples.json is stale; run go generate (-want +got):\n%s", d)
	}
	for _, c := range checks.All() {
		if checks.Example(c) != examples[c.ID] {
			t.Errorf("%s: the compiled-in example differs", c.ID)
		}
	}
}

func TestPages(t *testing.T) {
	example := func(c check.Check) string { return checktest.Example(t, "testdata", c) }
	checktest.Pages(t, "../../docs/checks", checks.All(), example, *update)
}
