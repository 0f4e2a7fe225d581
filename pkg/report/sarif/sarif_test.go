package sarif_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode"

	"github.com/google/go-cmp/cmp"
	"github.com/intact-dev/intact/pkg/check"
	"github.com/intact-dev/intact/pkg/checks"
	"github.com/intact-dev/intact/pkg/fact"
	"github.com/intact-dev/intact/pkg/policy"
	"github.com/intact-dev/intact/pkg/report"
	"github.com/intact-dev/intact/pkg/report/reporttest"
	"github.com/intact-dev/intact/pkg/report/sarif"
	library "github.com/owenrumney/go-sarif/v3/pkg/report/v210/sarif"
)

var update = flag.Bool("update", false, "rewrite the golden files")

func written(t *testing.T, r *report.Report) ([]byte, *library.Report) {
	t.Helper()
	var b bytes.Buffer
	if err := sarif.Write(&b, r, checks.All()); err != nil {
		t.Fatal(err)
	}
	read, err := library.FromBytes(b.Bytes(), library.WithStrictValidation())
	if err != nil {
		t.Fatal(err)
	}
	if err := read.Validate(); err != nil {
		t.Fatalf("not valid by the schema: %v", err)
	}
	return b.Bytes(), read
}

// A row is what the tests look at in a result.
func row(r *library.Result) string {
	parts := []string{r.Kind, r.Level, *r.RuleID, *r.Message.Text}
	for _, l := range r.Locations {
		p := l.PhysicalLocation
		at := *p.ArtifactLocation.URI + ":" + itoa(p.Region.StartLine) + ":" + itoa(p.Region.StartColumn)
		for _, l := range l.LogicalLocations {
			at += " " + *l.FullyQualifiedName
		}
		parts = append(parts, at)
	}
	for _, l := range r.RelatedLocations {
		parts = append(parts, "+"+*l.PhysicalLocation.ArtifactLocation.URI)
	}
	for _, s := range r.Suppressions {
		parts = append(parts, *s.Kind+" "+*s.Justification)
	}
	return strings.Join(parts, " | ")
}

func itoa(n *int) string {
	if n == nil {
		return "-"
	}
	b, _ := json.Marshal(*n)
	return string(b)
}

func TestResults(t *testing.T) {
	t.Parallel()
	_, doc := written(t, reporttest.Files())
	var got []string
	names := map[string]bool{}
	for _, r := range doc.Runs[0].Results {
		got = append(got, row(r))
		name := r.PartialFingerprints["primaryLocationLineHash"]
		if name == "" || names[name] {
			t.Errorf("%s: the fingerprint %q is missing or not its own", row(r), name)
		}
		names[name] = true
		rule := doc.Runs[0].Tool.Driver.Rules[r.RuleIndex]
		if *rule.ID != *r.RuleID {
			t.Errorf("%s: its index is of rule %s", row(r), *rule.ID)
		}
		if *rule.ShortDescription.Text == "" || *rule.FullDescription.Text == "" || *rule.Help.Text == "" {
			t.Errorf("rule %s has no help", *rule.ID)
		}
	}
	image := " ghcr.io/acme/api@" + string(reporttest.IDA) + " | +deploy/dev/job.yaml | +deploy/prod/api.yaml"
	member := " spec.containers[0].image"
	want := []string{
		"fail | error | LAY002 | /app/run, layer 2: COPY . /app (linux/amd64); fix: COPY --chown=root . /app | deploy/dev/api.yaml:17:16" + member + image,
		"fail | error | LAY002 | /srv/run, layer 3: COPY . /srv (linux/amd64); fix: COPY --chown=root . /srv | deploy/dev/api.yaml:17:16" + member + image,
		`fail | error | REF001 | "ghcr.io/acme/api:1.4.2" has no digest; so: what the tag means can change; fix: write ghcr.io/acme/api:1.4.2@` + string(reporttest.IDA) + " | deploy/prod/api.yaml:21:16" + member,
		"open | none | EXAMINED | not examined (not gathered): nothing was examined | deploy/none.yaml:1:8" + member,
		"open | none | DIG001 | not examined (unsupported): did not find expected node content | deploy/broken.yaml:4:-",
		"open | none | REF001 | not examined (unsupported): did not find expected node content | deploy/broken.yaml:4:-",
		"open | none | SIG001 | not examined (network): list signatures: connection refused | deploy/dev/api.yaml:17:16" + member + image,
		`open | none | TAG001 | not examined (unsupported): "$(params.image)" is not resolved: a parameter | deploy/task.yaml:5:14` + member,
		`open | none | REF001 | not examined (unsupported): "$(params.image)" is not resolved: a parameter | deploy/task.yaml:5:14` + member,
		"open | none | RUN001 | not examined (forbidden): 403 Forbidden | pods%20in%20namespace%20pay:1:- pods in namespace pay",
		"fail | note | LAY005 | the user is root; moot: it runs as 1000 | deploy/dev/api.yaml:17:16" + member + image,
		`fail | warning | REF001 | "ghcr.io/acme/api:1.4.2" has no digest; so: what the tag means can change; fix: write ghcr.io/acme/api:1.4.2@` + string(reporttest.IDA) + " | deploy/dev/api.yaml:17:16" + member,
		`fail | warning | REF001 | "ghcr.io/acme/api:1.4.2" has no digest; so: what the tag means can change; fix: write ghcr.io/acme/api:1.4.2@` + string(reporttest.IDA) + " | deploy/dev/job.yaml:9:12" + member,
		"fail | warning | RUN002 | the tag now means " + string(reporttest.IDB) + "; 2 pods run " + string(reporttest.IDA) + "; fix: deploy by digest | prod/shop/Deployment/web:1:- prod/shop/Deployment/web/web",
		`fail | note | REF002 | "docker.io/library/busybox" has no tag | deploy/a%20b%252%3Ac.yaml:3:10` + member + " | inSource comment in the file: a toy",
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
}

func TestTheInvocationFailsIfSomethingIsUndecided(t *testing.T) {
	t.Parallel()
	_, doc := written(t, reporttest.Files())
	invocation := doc.Runs[0].Invocations[0]
	levels := map[string]int{}
	for _, n := range invocation.ToolExecutionNotifications {
		levels[n.Level]++
	}
	if d := cmp.Diff(map[string]int{"error": 5, "warning": 2, "note": 1}, levels); d != "" || *invocation.ExecutionSuccessful {
		t.Errorf("succeeded %v: %s", *invocation.ExecutionSuccessful, d)
	}
	r := &report.Report{Verdict: policy.Allow, Tool: report.Tool{Name: "intact", Version: "1.2.3"}}
	b, doc := written(t, r)
	if invocation := doc.Runs[0].Invocations[0]; !*invocation.ExecutionSuccessful || len(invocation.ToolExecutionNotifications) > 0 {
		t.Error("nothing to tell, and the invocation did not succeed")
	}
	// Code scanning refuses null.
	if !bytes.Contains(b, []byte(`"results": []`)) {
		t.Errorf("no list of results:\n%s", b)
	}
}

func TestBaselineState(t *testing.T) {
	t.Parallel()
	r := reporttest.Files()
	r.Baseline = &report.Since{Known: 1}
	r.Targets[2].Results[0].Accepted[0].By = report.ByBaseline
	_, doc := written(t, r)
	states := map[string]int{}
	for _, res := range doc.Runs[0].Results {
		state := "none"
		if res.BaselineState != nil {
			state = *res.BaselineState
		}
		states[res.Kind+" "+state]++
	}
	if d := cmp.Diff(map[string]int{"fail new": 7, "fail unchanged": 1, "open none": 7}, states); d != "" {
		t.Error(d)
	}
}

// The golden file shows the form; -update rewrites it.
func TestGolden(t *testing.T) {
	t.Parallel()
	got, _ := written(t, reporttest.Rich())
	file := filepath.Join("testdata", "rich.sarif")
	if *update {
		if err := os.WriteFile(file, got, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(string(want), string(got)); d != "" {
		t.Errorf("%s (-update rewrites it): %s", file, d)
	}
}

func TestEveryStringIsEscaped(t *testing.T) {
	t.Parallel()
	for _, r := range []*report.Report{reporttest.Rich(), reporttest.Files()} {
		reporttest.Poison(r, "Kind", "Level")
		for i := range r.Targets {
			r.Targets[i].Ref += "[click](https://evil.example)"
		}
		b, doc := written(t, r)
		for _, c := range string(b) {
			if c != '\n' && (unicode.IsControl(c) || unicode.In(c, unicode.Cf, unicode.Zl, unicode.Zp)) {
				t.Fatalf("%U in the file", c)
			}
		}
		for _, n := range doc.Runs[0].Invocations[0].ToolExecutionNotifications {
			if strings.Contains(*n.Message.Text, "](") {
				t.Errorf("a link in a message: %q", *n.Message.Text)
			}
		}
		for _, res := range doc.Runs[0].Results {
			if strings.Contains(*res.Message.Text, "](") {
				t.Errorf("a link in a message: %q", *res.Message.Text)
			}
			for _, l := range res.Locations {
				u, err := url.Parse(*l.PhysicalLocation.ArtifactLocation.URI)
				if err != nil || u.Scheme != "" || u.Host != "" || u.RawQuery != "" || u.Fragment != "" {
					t.Errorf("%q is more than a path: %v", *l.PhysicalLocation.ArtifactLocation.URI, err)
				}
			}
		}
	}
}

type full struct{}

var errFull = errors.New("disk full")

func (full) Write([]byte) (int, error) { return 0, errFull }

func TestWriteErrors(t *testing.T) {
	t.Parallel()
	if err := sarif.Write(full{}, reporttest.Rich(), nil); !errors.Is(err, errFull) {
		t.Error(err)
	}
}

func FuzzWrite(f *testing.F) {
	f.Add("deploy/a b.yaml", "https://evil.example/x?y#z", "[a](https://b)", 3)
	f.Add("/abs/../x", "//host/x", reporttest.Evil, -1)
	f.Fuzz(func(t *testing.T, file, name, message string, line int) {
		r := reporttest.Files()
		origin := reporttest.At(file, line, line)
		r.Targets = []report.Target{{Kind: "image", Ref: name, Origins: report.OriginsOf(origin, report.Origin{}), Results: []*report.Result{
			reporttest.Result("REF001", check.Fail, policy.LevelDeny, policy.Deny, reporttest.Findings(check.Finding{Message: message, Paths: []fact.Bytes{fact.Bytes(file)}})),
			reporttest.Result("OWN001", check.Undecided, policy.LevelDeny, policy.Undecided, reporttest.Because(fact.Network, message)),
		}}}
		var b bytes.Buffer
		if err := sarif.Write(&b, r, nil); err != nil {
			t.Fatal(err)
		}
		doc, err := library.FromBytes(b.Bytes(), library.WithStrictValidation())
		if err != nil {
			t.Fatal(err)
		}
		for _, res := range doc.Runs[0].Results {
			for _, l := range res.Locations {
				u, err := url.Parse(*l.PhysicalLocation.ArtifactLocation.URI)
				if err != nil || u.Scheme != "" && u.Scheme != "file" || u.Host != "" || u.RawQuery != "" || u.Fragment != "" {
					t.Errorf("%q is more than a path: %v", *l.PhysicalLocation.ArtifactLocation.URI, err)
				}
				if *l.PhysicalLocation.Region.StartLine < 1 {
					t.Errorf("line %d", *l.PhysicalLocation.Region.StartLine)
				}
			}
		}
	})
}
