package reporttest

import (
	"time"

	"github.com/intact-dev/intact/pkg/check"
	"github.com/intact-dev/intact/pkg/fact"
	"github.com/intact-dev/intact/pkg/policy"
	"github.com/intact-dev/intact/pkg/ref"
	"github.com/intact-dev/intact/pkg/report"
)

// At is a place in a file.
func At(file string, line, column int) report.Origin {
	return report.Origin{Origin: ref.Origin{Kind: "file", Where: file, Line: line, Column: column, Path: "spec.containers[0].image"}}
}

// Denied is the reason of a verdict.
func Denied(check string) policy.Reason { return policy.Reason{Check: check, Decision: policy.Deny} }

// Files is a report on files and on what runs: one image that two files name and
// that is denied in one of them alone, a reference that is not resolved, a part
// that could not be read, a comment that silences a finding, a workload that
// runs, an image of which a finding does not matter.
func Files() *report.Report {
	noDigest := check.Finding{Message: `"ghcr.io/acme/api:1.4.2" has no digest`, Fix: "write ghcr.io/acme/api:1.4.2@" + string(IDA), Consequences: []string{"what the tag means can change"}}
	api := report.Image{
		ID: IDA, Image: "ghcr.io/acme/api@" + string(IDA), Class: fact.ClassImage, Platforms: []report.Platform{}, Verdict: policy.Verdict{Decision: policy.Warn},
		Results: []*report.Result{
			Result("DIG001", check.Pass, policy.LevelDeny, policy.Allow, nil),
			Result("LAY002", check.Fail, policy.LevelWarn, policy.Warn, On("linux/amd64", Findings(
				check.Finding{Message: "/app/run, layer 2: COPY . /app", Paths: []fact.Bytes{"/app/run"}, Layer: 2, Fix: "COPY --chown=root . /app"},
				check.Finding{Message: "/srv/run, layer 3: COPY . /srv", Paths: []fact.Bytes{"/srv/run"}, Layer: 3, Fix: "COPY --chown=root . /srv"}))),
			Result("LAY005", check.Fail, policy.LevelWarn, policy.Warn, Findings(check.Finding{Message: "the user is root"})),
			Result("SIG001", check.Undecided, policy.LevelDeny, policy.Undecided, Because(fact.Network, "list signatures: connection refused")),
		},
	}
	target := func(written string, decision policy.Decision, origins []report.Origin, results ...*report.Result) report.Target {
		return report.Target{Kind: ref.KindImage, Ref: written, Origins: report.OriginsOf(origins...), Results: results, Verdict: policy.Verdict{Decision: decision}, Inventory: "deploy"}
	}
	warned := target("ghcr.io/acme/api:1.4.2", policy.Undecided, []report.Origin{At("deploy/dev/api.yaml", 17, 16), At("deploy/dev/job.yaml", 9, 12)},
		Result("REF001", check.Fail, policy.LevelWarn, policy.Warn, Findings(noDigest)),
		Result("TAG001", check.Pass, policy.LevelDeny, policy.Allow, nil))
	warned.Image, warned.ImageName, warned.Container = IDA, api.Image, "api"
	warned.Verdict.Reasons = []policy.Reason{{Check: "SIG001", Decision: policy.Undecided}, {Check: "LAY002", Platform: "linux/amd64", Decision: policy.Warn}, {Check: "REF001", Decision: policy.Warn}}
	denied := target("ghcr.io/acme/api:1.4.2", policy.Deny, []report.Origin{At("deploy/prod/api.yaml", 21, 16)}, Result("REF001", check.Fail, policy.LevelDeny, policy.Deny, Findings(noDigest)))
	denied.Image, denied.ImageName, denied.Container = IDA, api.Image, "api"
	denied.Verdict.Reasons = []policy.Reason{Denied("REF001"), {Check: "LAY002", Platform: "linux/amd64", Decision: policy.Deny}, {Check: "SIG001", Decision: policy.Undecided}}
	denied.Moot = []report.Moot{{Check: "LAY005", Why: "it runs as 1000"}}
	warned.Moot = denied.Moot
	silenced := target("docker.io/library/busybox", policy.Allow, []report.Origin{At("deploy/a b%2:c.yaml", 3, 10)},
		Result("REF002", check.Fail, policy.LevelWarn, policy.Allow, func(r *report.Result) {
			r.Excepted, r.Findings = 1, []check.Finding{{Message: `"docker.io/library/busybox" has no tag`}}
			r.Accepted = []report.Accepted{{Finding: 0, By: report.ByComment + "a toy"}}
		}))
	unresolved := target("$(params.image)", policy.Undecided, []report.Origin{At("deploy/task.yaml", 5, 14)},
		Result("REF001", check.Undecided, policy.LevelWarn, policy.Warn, Because(fact.Unsupported, `"$(params.image)" is not resolved: a parameter`)),
		Result("TAG001", check.Undecided, policy.LevelDeny, policy.Undecided, Because(fact.Unsupported, `"$(params.image)" is not resolved: a parameter`)))
	unresolved.Error = "it is not resolved"
	gap := report.Target{Kind: report.KindGap, Ref: "deploy/broken.yaml:4", Inventory: "deploy", Origins: report.OriginsOf(report.Origin{Origin: ref.Origin{Kind: "file", Where: "deploy/broken.yaml", Line: 4}}),
		Results: []*report.Result{
			Result("DIG001", check.Undecided, policy.LevelDeny, policy.Undecided, Because(fact.Unsupported, "did not find expected node content")),
			Result("REF001", check.Undecided, policy.LevelDeny, policy.Undecided, Because(fact.Unsupported, "did not find expected node content")),
		}, Verdict: policy.Verdict{Decision: policy.Undecided}, Error: "did not find expected node content"}
	unseen := report.Target{Kind: report.KindGap, Ref: "pods in namespace pay", Inventory: "prod", Origins: report.OriginsOf(report.Origin{Origin: ref.Origin{Kind: "kubernetes", Where: "prod"}}),
		Results: []*report.Result{Result("RUN001", check.Undecided, policy.LevelWarn, policy.Warn, Because(fact.Forbidden, "403 Forbidden"))},
		Verdict: policy.Verdict{Decision: policy.Warn}, Error: "403 Forbidden"}
	nothing := target("ghcr.io/acme/none:1", policy.Undecided, []report.Origin{At("deploy/none.yaml", 1, 8)})
	nothing.Verdict.Reasons = []policy.Reason{{Decision: policy.Undecided, Why: "nothing was examined"}}
	runs := report.Target{Kind: ref.KindImage, Ref: "ghcr.io/acme/web:2", Container: "web", Inventory: "prod",
		Origins: report.OriginsOf(
			report.Origin{Origin: ref.Origin{Kind: "kubernetes", Where: "prod/shop/Deployment/web", Path: "web-1"}, Node: "a"},
			report.Origin{Origin: ref.Origin{Kind: "kubernetes", Where: "prod/shop/Deployment/web", Path: "web-2"}, Node: "b"},
		),
		Results: []*report.Result{Result("RUN002", check.Fail, policy.LevelWarn, policy.Warn, Findings(check.Finding{Message: "the tag now means " + string(IDB), Lines: []string{"2 pods run " + string(IDA)}, Fix: "deploy by digest"}))},
		Verdict: policy.Verdict{Decision: policy.Warn}}
	return &report.Report{
		Schema: report.Schema, Tool: report.Tool{Name: "intact", Version: "1.2.3"}, Policy: report.Policy{Name: "prod", Digest: string(IDB)},
		Evaluated: time.Date(2026, 11, 23, 0, 0, 0, 0, time.UTC), Verdict: policy.Deny,
		Counts:  report.Counts{Pass: 2, Fail: 6, Undecided: 7, Excepted: 1, Deny: 1, Warn: 4, Open: 7},
		Images:  []report.Image{api},
		Targets: []report.Target{unresolved, gap, silenced, warned, denied, nothing, runs, unseen},
		Inventories: []report.Inventory{
			{Kind: "files", Name: "deploy", Counts: []report.Count{{What: "files", N: 7}}, Gaps: []report.Gap{{What: "deploy/broken.yaml:4", Cause: fact.Unsupported, Why: "did not find expected node content"}}},
			{Kind: "kubernetes", Name: "prod", Counts: []report.Count{{What: "pods", N: 2}}},
		},
		Notices: []string{"exception was not used: LAY003"},
	}
}
