// Package reporttest has reports in which everything occurs that a report can
// hold, for the tests of what writes them.
package reporttest

import (
	"strings"
	"time"

	"github.com/intact-dev/intact/pkg/check"
	"github.com/intact-dev/intact/pkg/fact"
	"github.com/intact-dev/intact/pkg/policy"
	"github.com/intact-dev/intact/pkg/ref"
	"github.com/intact-dev/intact/pkg/report"
)

// Digests of the images in the reports.
const (
	IDA = ref.Digest("sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa")
	IDB = ref.Digest("sha256:bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb")
)

// Titles are the titles of the checks in the reports.
func Titles() map[string]string {
	return map[string]string{
		"DIG001": "bytes do not hash to the digest they were asked for by",
		"LAY002": "code the image's user can change",
		"LAY003": "setuid, setgid or file capabilities",
		"REF001": "no digest", "REF004": "a fixed tag and the digest beside it disagree",
		"DIG003": "layer does not hash to its digest", "SIG001": "image is not signed as required",
		"LAY001": "world-writable path", "DIG005": "content can be read in two ways",
	}
}

// Result is a result of the check id and what the policy made of it.
func Result(id string, o check.Outcome, l policy.Level, d policy.Decision, more func(*report.Result)) *report.Result {
	r := &report.Result{Result: check.Result{Check: id, Outcome: o}, Level: l, Decision: d}
	if more != nil {
		more(r)
	}
	return r
}

// Findings gives a result its findings.
func Findings(fs ...check.Finding) func(*report.Result) {
	return func(r *report.Result) { r.Findings = fs }
}

// Because gives a result its cause.
func Because(c fact.Cause, why string) func(*report.Result) {
	return func(r *report.Result) { r.Cause, r.Why = c, why }
}

// On gives a result its platform, and more.
func On(platform string, more func(*report.Result)) func(*report.Result) {
	return func(r *report.Result) {
		r.Platform = platform
		if more != nil {
			more(r)
		}
	}
}

// Rich is a report in which everything occurs that a report can hold.
func Rich() *report.Report {
	wrong := check.Finding{
		Message: "manifest " + string(IDA) + ": the 1,234 bytes received hash to " + string(IDB), Fix: "do not deploy it; fetch it from the upstream registry, or push it again from its build",
		Consequences: []string{"nothing that these bytes say about the image can be relied on"},
	}
	var paths []check.Finding
	for i, dir := range []string{"/app/dist", "/app/lib", "/app/plugins", "/srv/www", "/usr/local/bin", "/opt/a-directory-with-a-name-so-long-that-it-does-not-fit-on-one-line-of-a-terminal/bin", "/var/lib"} {
		paths = append(paths, check.Finding{
			Message: dir + "/x and 11 more paths below " + dir + ", layer 7: COPY --chown=app . /app", Fix: "COPY --chown=root . /app, or run with readOnlyRootFilesystem: true",
			Paths: []fact.Bytes{fact.Bytes(dir + "/x"), fact.Bytes(dir + "/y\xff")}, Dir: fact.Bytes(dir), Count: 12, Detail: "owned by app", Layer: 7 + i, CreatedBy: "COPY --chown=app . /app",
		})
	}
	a := report.Image{
		ID: IDA, Image: "ghcr.io/acme/api@" + string(IDA), Class: fact.ClassIndex,
		Platforms: []report.Platform{{Platform: "linux/amd64", Index: IDA, Manifest: IDB, Config: IDB, Examined: true}, {Platform: "linux/arm64", Index: IDA, Manifest: IDB}},
		Verdict:   policy.Verdict{Decision: policy.Deny, Reasons: []policy.Reason{{Check: "DIG001", Decision: policy.Deny, Rule: "DIG"}}},
		Results: []*report.Result{
			Result("DIG001", check.Fail, policy.LevelDeny, policy.Deny, On("linux/amd64", Findings(wrong))),
			Result("DIG001", check.Fail, policy.LevelDeny, policy.Deny, On("linux/arm64", Findings(wrong))),
			Result("DIG003", check.Undecided, policy.LevelDeny, policy.Undecided, On("linux/amd64", Because(fact.Network, "2 of 9 layers: get blob \"ghcr.io/acme/api\": connection reset by peer"))),
			Result("DIG003", check.NotAsked, policy.LevelDeny, policy.Allow, On("linux/arm64", Because(fact.NotAsked, "linux/arm64 layers (--platform all)"))),
			Result("DIG004", check.Undecided, policy.LevelDeny, policy.Undecided, On("linux/amd64", Because(fact.Network, "2 of 9 layers: get blob \"ghcr.io/acme/api\": connection reset by peer"))),
			Result("DIG005", check.Pass, policy.LevelWarn, policy.Allow, Findings(check.Finding{Message: "2 paths that differ only in case: /A, /a", Note: true})),
			Result("DIG006", check.Undecided, policy.LevelWarn, policy.Warn, Because(fact.Limit, "entries of the image exceeds the limit of 2000000")),
			Result("DIG007", check.Fail, policy.LevelDeny, policy.Undecided, func(r *report.Result) {
				r.Excepted, r.Cause, r.Why = 1, fact.Deadline, "layer 9: deadline exceeded"
				r.Findings = []check.Finding{{Message: "media type \"x\", layer 2", Fix: "push it"}}
			}),
			Result("LAY001", check.Fail, policy.LevelOff, policy.Allow, Findings(check.Finding{Message: "/tmp/x, layer 3", Fix: "chmod o-w /tmp/x"})),
			Result("LAY002", check.Fail, policy.LevelWarn, policy.Warn, On("linux/amd64", Findings(paths...))),
			Result("LAY003", check.Fail, policy.LevelDeny, policy.Allow, func(r *report.Result) {
				r.Excepted, r.Findings = 1, []check.Finding{{Message: "/bin/ping: setuid", Paths: []fact.Bytes{"/bin/ping"}}}
			}),
			Result("LAY005", check.NotApplicable, policy.LevelWarn, policy.Allow, Because("", "class index")),
			Result("SIG001", check.NotAsked, policy.LevelDeny, policy.Undecided, Because(fact.NotAsked, "it was switched off")),
		},
		Summary: report.Summary{
			Published: report.Line{State: "deny", Text: []string{"index of 2 platforms; resolved once, bytes hash to this digest"}},
			Signed:    report.Line{State: "undecided", Text: []string{"2 places could not be asked", "verified: https://github.com/acme/api/.github/workflows/release.yml@refs/tags/v1.4.2, keyless, on the root, proven 2026-11-20"}},
			Content:   report.Line{State: "warn", Text: []string{"linux/amd64: 7 of 9 layers read"}},
			NotAsked:  []string{"linux/arm64 layers (--platform all)", "signatures (not pushed yet)"},
		},
	}
	b := report.Image{
		ID: IDB, Image: "OCI layout@" + string(IDB), Source: "oci:out", Class: fact.ClassImage, Platforms: []report.Platform{},
		Results: []*report.Result{Result("DIG001", check.Pass, policy.LevelDeny, policy.Allow, nil)},
		Verdict: policy.Verdict{Decision: policy.Allow},
		Summary: report.Summary{
			Published: report.Line{State: "ok", Text: []string{"image manifest; resolved once, bytes hash to this digest"}},
			Signed:    report.Line{State: "", Text: []string{"no signature found in 3 places", "no rule requires one"}},
			Content:   report.Line{State: "ok", Text: []string{"linux/amd64: 1 layer, 121 MB, every byte hashed; bytes seen 2026-11-20 (--no-cache reads again)"}},
		},
	}
	reference := Result("REF001", check.Fail, policy.LevelWarn, policy.Warn, Findings(check.Finding{
		Message: "\"ghcr.io/acme/api:1.4.2\" has no digest", Fix: "write ghcr.io/acme/api:1.4.2@" + string(IDA),
		Origin: &ref.Origin{Kind: "file", Where: "deploy/prod/api.yaml", Line: 17, Column: 16, Path: "spec.template.spec.containers[0].image"},
	}))
	return &report.Report{
		Schema: report.Schema, Tool: report.Tool{Name: "intact", Version: "1.2.3"},
		Policy: report.Policy{Name: "prod", Digest: string(IDB)}, Evaluated: time.Date(2026, 11, 23, 0, 0, 0, 0, time.UTC),
		Verdict: policy.Deny,
		Counts: report.Counts{
			Pass: 2, Fail: 7, Undecided: 3, NotApplicable: 1, NotAsked: 2, Excepted: 2, Deny: 2, Warn: 3, Open: 5, AcceptedUndecided: 1, Off: 1,
		},
		Images: []report.Image{a, b},
		Targets: []report.Target{
			{Kind: ref.KindImage, Ref: "ghcr.io/acme/api:1.4.2", Image: IDA, ImageName: a.Image, Origins: report.OriginsOf(report.Origin{Origin: ref.Origin{Kind: "argument"}}),
				Results: []*report.Result{reference}, Verdict: policy.Verdict{Decision: policy.Deny}},
			{Kind: ref.KindImage, Ref: "ghcr.io/acme/api@" + string(IDA), Image: IDA, ImageName: a.Image, Origins: report.OriginsOf(),
				Results: []*report.Result{}, Verdict: policy.Verdict{Decision: policy.Deny}},
			{Kind: ref.KindImage, Ref: "mirror.example.com/acme/api:1", Image: IDA, ImageName: "mirror.example.com/acme/api@" + string(IDA), Error: "there is no such image in this report", Origins: report.OriginsOf(),
				Results: []*report.Result{Result("LAY002", check.Fail, policy.LevelDeny, policy.Deny, func(r *report.Result) {
					r.Excepted, r.Findings = 1, []check.Finding{{Message: "/a"}, {Message: "/b"}}
				})}, Verdict: policy.Verdict{Decision: policy.Deny}},
			{Kind: ref.KindImage, Ref: "oci:out", Image: IDB, ImageName: b.Image, Origins: report.OriginsOf(), Results: []*report.Result{}, Verdict: policy.Verdict{Decision: policy.Allow}},
			{Kind: ref.KindImage, Ref: "registry.example.com/" + strings.Repeat("a-very-long-team-name/", 4) + "app:2026-11-23", Origins: report.OriginsOf(),
				Error: "get manifest \"registry.example.com/app:2026-11-23\": 429 Too Many Requests (log in: an anonymous user has fewer requests)",
				Results: []*report.Result{
					Result("REF005", check.Undecided, policy.LevelDeny, policy.Undecided, Because(fact.RateLimited, "get manifest: 429 Too Many Requests")),
					Result("TAG001", check.Undecided, policy.LevelDeny, policy.Undecided, Because(fact.RateLimited, "get manifest: 429 Too Many Requests")),
					Result("TAG006", check.Undecided, policy.LevelDeny, policy.Undecided, Because("", "")),
				}, Verdict: policy.Verdict{Decision: policy.Undecided}},
		},
		Notices: []string{
			"exception expires on 2026-11-30: LAY003 until 2026-11-30: setuid ping (net-team)",
			"the trust root is 40 days old and could not be refreshed: dial tcp: lookup tuf-repo-cdn.sigstore.dev: no such host",
		},
		Elapsed: 1900 * time.Millisecond,
	}
}
