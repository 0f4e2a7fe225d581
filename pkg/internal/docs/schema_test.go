package docs

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/intact-dev/intact/pkg/config"
	"github.com/intact-dev/intact/pkg/fact"
	"github.com/intact-dev/intact/pkg/policy"
	"github.com/intact-dev/intact/pkg/ref"
	"github.com/intact-dev/intact/pkg/report"
)

const root = "../../.."

var update = flag.Bool("update", false, "rewrite the schemas")

const site = "https://intact.dev/schemas/"

func TestSchemas(t *testing.T) {
	t.Parallel()
	comments, err := ReadComments(root, "pkg/report", "pkg/policy", "pkg/check", "pkg/fact", "pkg/ref")
	if err != nil {
		t.Fatal(err)
	}
	for name, generate := range map[string]func() ([]byte, error){
		"policy.v1.json": policy.JSONSchema,
		"config.v1.json": config.JSONSchema, "repository.v1.json": config.RepositoryJSONSchema,
		"report.v1.json": func() ([]byte, error) {
			return Schema(site+"intact.report.v1.json", "intact report: what one run found", report.Report{}, comments)
		},
		"facts.v1.json": func() ([]byte, error) {
			return Schema(site+"intact.facts.v1.json", "intact facts: what was learned about one subject", fact.Set{}, comments)
		},
	} {
		want, err := generate()
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		file := filepath.Join(root, "docs", "schemas", name)
		if *update {
			if err := os.WriteFile(file, want, 0o644); err != nil {
				t.Fatal(err)
			}
		}
		got, err := os.ReadFile(file)
		if err != nil {
			t.Errorf("%v; run go generate ./pkg/internal/docs", err)
			continue
		}
		if d := cmp.Diff(string(want), string(got)); d != "" {
			t.Errorf("%s is stale; run go generate ./pkg/internal/docs (-want +got):\n%s", file, d)
		}
	}
}

type shape struct {
	Name  string                     `json:"name"`
	State fact.State                 `json:"state"`
	Path  fact.Bytes                 `json:"path,omitempty"`
	At    time.Time                  `json:"at,omitzero"`
	List  []shape                    `json:"list"`
	Map   map[string]int             `json:"map,omitempty"`
	Value fact.Value[ref.Descriptor] `json:"value,omitzero"`
	Not   func()                     `json:"-"`
}

func TestSchemaAndValidate(t *testing.T) {
	t.Parallel()
	schema, err := Schema("x", "x", shape{}, Comments{"docs.shape.Name": "how it is called"})
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(schema), "how it is called") {
		t.Errorf("the comment is missing:\n%s", schema)
	}
	for doc, want := range map[string]string{
		`{"name": "a", "state": "known", "list": null}`:                                                               "",
		`{"name": "a", "state": "known", "list": [{"name": "b", "state": "absent", "list": []}]}`:                     "",
		`{"name": "a", "state": "known", "list": [], "path": {"b64": "AA=="}, "map": {"x": 1}}`:                       "",
		`{"name": "a", "state": "known", "list": [], "value": {"state": "unknown"}, "at": "2026-11-23T00:00:00Z"}`:    "",
		`{"name": "a", "state": "knwon", "list": []}`:                                                                 "knwon is none of",
		`{"name": 1, "state": "known", "list": []}`:                                                                   ".name: is no string",
		`{"state": "known", "list": []}`:                                                                              "name is missing",
		`{"name": "a", "state": "known", "list": [], "more": 1}`:                                                      `"more" is not in the schema`,
		`{"name": "a", "state": "known", "list": [{"name": "b", "state": "absent"}]}`:                                 ".list[0]: list is missing",
		`{"name": "a", "state": "known", "list": [], "path": {}}`:                                                     "b64 is missing",
		`{"name": "a", "state": "known", "list": [], "map": {"x": 1.5}}`:                                              ".map.x: is no integer",
		`{"name": "a", "state": "known", "list": [], "value": {"state": "known", "value": {"digest": 1, "size": 2}}}`: ".value.value.digest: is no string",
		`[]`: "is no object",
	} {
		problems, err := Validate(schema, []byte(doc))
		got := strings.Join(problems, "; ")
		if err != nil || (want == "") != (got == "") || !strings.Contains(got, want) {
			t.Errorf("%s: %q, %v; want %q", doc, got, err, want)
		}
	}
	if _, err := Schema("x", "x", struct {
		C chan int `json:"c"`
	}{}, nil); err == nil {
		t.Error("a type without JSON has a schema")
	}
}
