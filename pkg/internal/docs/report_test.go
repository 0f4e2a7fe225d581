package docs

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/intact-dev/intact/pkg/check"
	"github.com/intact-dev/intact/pkg/checks"
	"github.com/intact-dev/intact/pkg/gather"
	"github.com/intact-dev/intact/pkg/image"
	"github.com/intact-dev/intact/pkg/policy"
	"github.com/intact-dev/intact/pkg/policy/signing"
	"github.com/intact-dev/intact/pkg/ref"
	"github.com/intact-dev/intact/pkg/report"
	"github.com/intact-dev/intact/pkg/scan"
	"github.com/intact-dev/intact/pkg/source/layout"
	"github.com/intact-dev/intact/policies"
)

// allChecks are those that the command has.
func allChecks() []check.Check {
	return slices.Concat(checks.All(), signing.Checks(nil, signing.Options{}))
}

func loader() policy.Loader {
	return policy.Loader{Embedded: policies.Files, ReadFile: os.ReadFile, Checks: allChecks()}
}

// scanDemo scans the demo layout by the policy name, as the command does.
func scanDemo(t *testing.T, name, inside string, all, facts bool) []byte {
	t.Helper()
	pol, err := policy.Load(loader(), name)
	if err != nil {
		t.Fatal(err)
	}
	src, err := layout.Open(filepath.Join(root, "testdata", "layouts", "demo"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = src.Close() }()
	target := scan.Target{
		Text: "oci:testdata/layouts/demo" + inside, Kind: ref.KindImage, Origin: ref.Origin{Kind: "argument"},
		Ref: ref.Ref{Digest: ref.Digest(strings.TrimPrefix(inside, "@"))}, Place: scan.Place{Source: src, Prober: src, Referrer: src},
	}
	now := time.Date(2026, 11, 23, 0, 0, 0, 0, time.UTC)
	clock := func() time.Time { return now }
	r := scan.Run(t.Context(), []scan.Target{target}, scan.Options{
		Policy: pol, Checks: checks.All(), Now: now, Clock: clock, Depth: policy.DepthLayers,
		Select: image.Selection{All: all, Host: ref.Platform{OS: "linux", Architecture: "amd64"}},
		Jobs:   2, Timeout: time.Minute, Layers: gather.NewLayers(2, nil, nil), Facts: facts,
		Tool:       report.Tool{Name: "intact", Version: "test"},
		Signatures: scan.NewSigner(pol, scan.SignerOptions{Clock: clock}),
	})
	var b bytes.Buffer
	if err := report.WriteJSON(&b, r); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// What is written is as the published schema says, down to the facts.
func TestReportsAgreeWithTheSchema(t *testing.T) {
	t.Parallel()
	schema, err := os.ReadFile(filepath.Join(root, "docs", "schemas", "report.v1.json"))
	if err != nil {
		t.Fatal(err)
	}
	for name, doc := range map[string][]byte{
		"baseline":  scanDemo(t, "baseline", "", false, false),
		"facts":     scanDemo(t, "baseline", "", true, true),
		"strict":    scanDemo(t, "strict", "", true, false),
		"not there": scanDemo(t, "audit", "@sha256:"+strings.Repeat("a", 64), false, true),
	} {
		problems, err := Validate(schema, doc)
		if err != nil || problems != nil {
			t.Errorf("%s: %v\n%s", name, err, strings.Join(problems, "\n"))
		}
		if name == "facts" && !bytes.Contains(doc, []byte(`"filesystem"`)) {
			t.Error("the report holds no facts")
		}
	}
}

// So are the facts by themselves, as policy tests hold them.
func TestFactsAgreeWithTheSchema(t *testing.T) {
	t.Parallel()
	schema, err := os.ReadFile(filepath.Join(root, "docs", "schemas", "facts.v1.json"))
	if err != nil {
		t.Fatal(err)
	}
	sets := factsInReport(t, scanDemo(t, "baseline", "", true, true))
	if len(sets) < 3 {
		t.Fatalf("%d sets of facts in the report; want those of the reference, the image and its platforms", len(sets))
	}
	for i, set := range sets {
		if problems, err := Validate(schema, set); err != nil || problems != nil {
			t.Errorf("set %d: %v\n%s", i, err, strings.Join(problems, "\n"))
		}
	}
}

func factsInReport(t *testing.T, doc []byte) []json.RawMessage {
	t.Helper()
	type facts struct {
		Facts []struct {
			Set json.RawMessage `json:"set"`
		} `json:"facts"`
	}
	var r struct{ Images, Targets []facts }
	if err := json.Unmarshal(doc, &r); err != nil {
		t.Fatal(err)
	}
	var out []json.RawMessage
	for _, x := range slices.Concat(r.Images, r.Targets) {
		for _, f := range x.Facts {
			out = append(out, f.Set)
		}
	}
	return out
}
