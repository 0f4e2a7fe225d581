package signing_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"

	"github.com/intact-dev/intact/pkg/check"
	"github.com/intact-dev/intact/pkg/check/checktest"
	"github.com/intact-dev/intact/pkg/fact"
	"github.com/intact-dev/intact/pkg/policy/signing"
	"github.com/intact-dev/intact/pkg/ref"
)

var update = flag.Bool("update", false, "rewrite the results wanted")

// A question is rule.json: the rule that matches, or none, and the options.
type question struct {
	Rule          *signing.Rule          `json:"rule"`
	NotApplicable string                 `json:"notApplicable"`
	Unavailable   map[string]fact.Status `json:"unavailable"`
	Platforms     []ref.Platform         `json:"platforms"`
}

func (q question) options() signing.Options {
	o := signing.Options{NotApplicable: q.NotApplicable, Unavailable: q.Unavailable}
	if q.Platforms != nil {
		o.OnlyPlatforms = func(c fact.Child) bool { return slices.ContainsFunc(q.Platforms, c.Platform.Matches) }
	}
	return o
}

var outcomes = map[string]check.Outcome{
	"pass": check.Pass, "fail": check.Fail, "undecided": check.Undecided,
	"na": check.NotApplicable, "notasked": check.NotAsked,
}

// TestCases reads testdata/ID/OUTCOME-name.txtar: a comment, facts.json,
// rule.json and the results wanted of all checks.
func TestCases(t *testing.T) {
	for _, c := range signing.Checks(nil, signing.Options{}) {
		t.Run(c.ID, func(t *testing.T) {
			files, err := filepath.Glob(filepath.Join("testdata", c.ID, "*.txtar"))
			if err != nil {
				t.Fatal(err)
			}
			for _, prefix := range []string{"pass-", "fail-", "undecided-"} {
				if !slices.ContainsFunc(files, func(f string) bool { return strings.HasPrefix(filepath.Base(f), prefix) }) {
					t.Errorf("testdata/%s has no case %s*.txtar", c.ID, prefix)
				}
			}
			for _, f := range files {
				t.Run(strings.TrimSuffix(filepath.Base(f), ".txtar"), func(t *testing.T) { runCase(t, f, c.ID) })
			}
		})
	}
}

func runCase(t *testing.T, file, id string) {
	archive, err := txtar.ParseFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if len(bytes.TrimSpace(archive.Comment)) == 0 {
		t.Error("no comment says why this case is there")
	}
	facts, q := decode[fact.Set](t, archive, "facts.json"), decode[question](t, archive, "rule.json")
	if q.Rule != nil {
		if errs := q.Rule.Validate(); errs != nil {
			t.Errorf("Validate: %v", errs)
		}
	}
	var results []check.Result
	for _, c := range signing.Checks(q.Rule, q.options()) {
		r := check.Evaluate(c, &facts)
		results = append(results, r)
		prefix, _, _ := strings.Cut(filepath.Base(file), "-")
		if want, ok := outcomes[prefix]; c.ID == id && (!ok || r.Outcome != want) {
			t.Errorf("outcome %s (%s) does not agree with the name of the file", r.Outcome, r.Why)
		}
		checktest.Properties(t, c, facts)
	}
	var text bytes.Buffer
	e := json.NewEncoder(&text)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	if err := e.Encode(results); err != nil {
		t.Fatal(err)
	}
	at := slices.IndexFunc(archive.Files, func(f txtar.File) bool { return f.Name == "want" })
	if at < 0 {
		archive.Files = append(archive.Files, txtar.File{Name: "want"})
		at = len(archive.Files) - 1
	}
	if *update {
		archive.Files[at].Data = text.Bytes()
		if err := os.WriteFile(file, txtar.Format(archive), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if d := cmp.Diff(string(archive.Files[at].Data), text.String()); d != "" {
		t.Errorf("results (-want +got):\n%s", d)
	}
}

func decode[T any](t *testing.T, archive *txtar.Archive, name string) T {
	t.Helper()
	var out T
	for _, f := range archive.Files {
		if f.Name == name {
			d := json.NewDecoder(bytes.NewReader(f.Data))
			d.DisallowUnknownFields()
			if err := d.Decode(&out); err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			return out
		}
	}
	t.Fatalf("there is no file %s", name)
	return out
}

func TestChecks_are_valid(t *testing.T) {
	t.Parallel()
	if err := check.Validate(signing.Checks(nil, signing.Options{})); err != nil {
		t.Error(err)
	}
}
