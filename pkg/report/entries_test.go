package report_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/intact-dev/intact/pkg/policy"
	"github.com/intact-dev/intact/pkg/report"
	"github.com/intact-dev/intact/pkg/report/reporttest"
)

func entryLine(e report.Entry) string {
	var places []string
	for _, p := range e.Places {
		places = append(places, fmt.Sprintf("%s×%d", p, p.Count))
	}
	s := fmt.Sprintf("%s %s %s | %s | %s", e.Decision, e.Check, e.Name, e.Message(), strings.Join(places, ", "))
	if e.Accepted != "" {
		s += " | accepted: " + e.Accepted
	}
	if e.Moot != "" {
		s += " | moot: " + e.Moot
	}
	return s
}

func TestEntriesTellTheWorstFirstAndWhereItStands(t *testing.T) {
	t.Parallel()
	var got []string
	for _, e := range report.Entries(reporttest.Files()) {
		got = append(got, entryLine(e))
	}
	dev, prod := "deploy/dev/api.yaml:17:16×1, deploy/dev/job.yaml:9:12×1", "deploy/prod/api.yaml:21:16×1"
	want := []string{
		// Denied in prod alone: the image's finding is.
		"deny LAY002 ghcr.io/acme/api | /app/run, layer 2: COPY . /app | " + dev + ", " + prod,
		"deny LAY002 ghcr.io/acme/api | /srv/run, layer 3: COPY . /srv | " + dev + ", " + prod,
		`deny REF001 ghcr.io/acme/api:1.4.2 | "ghcr.io/acme/api:1.4.2" has no digest | ` + prod,
		"undecided  ghcr.io/acme/none:1 | not examined (not gathered): nothing was examined | deploy/none.yaml:1:8×1",
		"undecided DIG001 deploy/broken.yaml:4 | not examined (unsupported): did not find expected node content | deploy/broken.yaml:4×1",
		"undecided REF001 deploy/broken.yaml:4 | not examined (unsupported): did not find expected node content | deploy/broken.yaml:4×1",
		"undecided SIG001 ghcr.io/acme/api | not examined (network): list signatures: connection refused | " + dev + ", " + prod,
		`undecided TAG001 $(params.image) | not examined (unsupported): "$(params.image)" is not resolved: a parameter | deploy/task.yaml:5:14×1`,
		`warn REF001 $(params.image) | not examined (unsupported): "$(params.image)" is not resolved: a parameter | deploy/task.yaml:5:14×1`,
		"warn RUN001 pods in namespace pay | not examined (forbidden): 403 Forbidden | ",
		"warn LAY005 ghcr.io/acme/api | the user is root | " + dev + ", " + prod + " | moot: it runs as 1000",
		`warn REF001 ghcr.io/acme/api:1.4.2 | "ghcr.io/acme/api:1.4.2" has no digest | ` + dev,
		"warn RUN002 ghcr.io/acme/web:2 | the tag now means " + string(reporttest.IDB) + " | prod/shop/Deployment/web [web]×2",
		`allow REF002 docker.io/library/busybox | "docker.io/library/busybox" has no tag | deploy/a b%2:c.yaml:3:10×1 | accepted: comment in the file: a toy`,
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
}

// Whatever the verdict on a target or image is, something in the entries says so.
func TestEntriesTellEveryVerdict(t *testing.T) {
	t.Parallel()
	for name, r := range map[string]*report.Report{"rich": reporttest.Rich(), "files": reporttest.Files()} {
		worst := policy.Allow
		results := 0
		for _, e := range report.Entries(r) {
			worst = policy.Worst(worst, e.Decision)
		}
		for _, target := range r.Targets {
			for _, res := range target.Results {
				if res.Open() {
					results++
				}
			}
		}
		for _, img := range r.Images {
			for _, res := range img.Results {
				if res.Open() {
					results++
				}
			}
		}
		if worst != r.Verdict {
			t.Errorf("%s: entries say %s, the report %s", name, worst, r.Verdict)
		}
		open := 0
		for _, e := range report.Entries(r) {
			if e.Open && e.Check != "" {
				open++
			}
		}
		if open != results {
			t.Errorf("%s: %d entries are open, %d results are", name, open, results)
		}
	}
}

func TestStoriesPutTheSameWordsTogether(t *testing.T) {
	t.Parallel()
	var got []string
	for _, s := range report.Stories(report.Entries(reporttest.Files())) {
		got = append(got, fmt.Sprintf("%s %s ×%d", s.Decision, strings.Join(s.Checks, " "), len(s.Places)))
	}
	want := []string{
		"deny LAY002 ×3", "deny LAY002 ×3", "deny REF001 ×1", "undecided  ×1", "undecided DIG001 REF001 ×1", "undecided SIG001 ×3",
		"undecided TAG001 ×1", "warn REF001 ×1", "warn RUN001 ×1", "warn LAY005 ×3", "warn REF001 ×2", "warn RUN002 ×1", "allow REF002 ×1",
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
}

// A fingerprint stays when the image is built anew and the file grows, and is
// another for another place.
func TestFingerprints(t *testing.T) {
	t.Parallel()
	all := func(r *report.Report) map[string]string {
		var f report.Fingerprinter
		out := map[string]string{}
		for _, e := range report.Entries(r) {
			for _, p := range append(e.Places, report.Place{}) {
				name := f.Of(e, p)
				if before, ok := out[name]; ok {
					t.Errorf("%s is also the name of %s", entryLine(e), before)
				}
				out[name] = e.Check
			}
		}
		return out
	}
	before := all(reporttest.Files())
	r := reporttest.Files()
	r.Images[0].ID, r.Images[0].Image = reporttest.IDB, "ghcr.io/acme/api@"+string(reporttest.IDB)
	for i := range r.Targets {
		if r.Targets[i].Image != "" {
			r.Targets[i].Image, r.Targets[i].ImageName = r.Images[0].ID, r.Images[0].Image
			r.Targets[i].Ref += "@" + string(reporttest.IDB)
		}
		reporttest.EditOrigins(&r.Targets[i].Origins, func(o *report.Origin) { o.Line += 40 })
		for n := range r.Targets[i].Results {
			for m := range r.Targets[i].Results[n].Findings {
				r.Targets[i].Results[n].Findings[m].Message += "!"
			}
		}
	}
	if d := cmp.Diff(before, all(r)); d != "" {
		t.Error(d)
	}
}
