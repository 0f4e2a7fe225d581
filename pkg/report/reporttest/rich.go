package report_test

import (
	"strings"
	"time"

	"github.com/intact-dev/intact/pkg/check"
	"github.com/intact-dev/intact/pkg/fact"
	"github.com/intact-dev/intact/pkg/policy"
	"github.com/intact-dev/intact/pkg/ref"
	"github.com/intact-dev/intact/pkg/report"
)

const (
	idA = ref.Digest("sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa")
	idB = ref.Digest("sha256:bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb")
)

func titles() map[string]string {
	return map[string]string{
		"DIG001": "bytes do not hash to the digest they were asked for by",
		"LAY002": "code the image's user can change",
		"LAY003": "setuid, setgid or file capabilities",
		"REF001": "no digest", "REF004": "a fixed tag and the digest beside it disagree",
		"DIG003": "layer does not hash to its digest", "SIG001": "image is not signed as required",
		"LAY001": "world-writable path", "DIG005": "content can be read in two ways",
	}
}

func result(id string, o check.Outcome, l policy.Level, d policy.Decision, more func(*report.Result)) report.Result {
	r := report.Result{Result: check.Result{Check: id, Outcome: o}, Level: l, Decision: d}
	if more != nil {
		more(&r)
	}
	return r
}

func findings(fs ...check.Finding) func(*report.Result) {
	return func(r *report.Result) { r.Findings = fs }
}

func because(c fact.Cause, why string) func(*report.Result) {
	return func(r *report.Result) { r.Cause, r.Why = c, why }
}

func on(platform string, more func(*report.Result)) func(*report.Result) {
	return func(r *report.Result) {
		r.Platform = platform
		if more != nil {
			more(r)
		}
	}
}

// rich is a report in which everything occurs that a report can hold.
func rich() *report.Report {
	wrong := check.Finding{
		Message: "manifest " + string(idA) + ": the 1,234 bytes received hash to " + string(idB), Fix: "do not deploy it; fetch it from the upstream registry, or push it again from its build",
		Consequences: []string{"nothing that these bytes say about the image can be relied on"},
	}
	var paths []check.Finding
	for i, dir := range []string{"/app/dist", "/app/lib", "/app/plugins", "/srv/www", "/usr/local/bin", "/opt/a-directory-with-a-name-so-long-that-it-does-not-fit-on-one-line-of-a-terminal/bin", "/var/lib"} {
		paths = append(paths, check.Finding{
			Message: dir + "/x and 11 more paths below " + dir + ", layer 7: COPY --chown=app . /app", Fix: "COPY --chown=root . /app, or run with readOnlyRootFilesystem: true",
			Paths: []fact.Bytes{fact.Bytes(dir + "/x"), fact.Bytes(dir + "/y\xff")}, Dir: fact.Bytes(dir), Count: 12, Layer: 7 + i, CreatedBy: "COPY --chown=app . /app",
		})
	}
	a := report.Image{
		ID: idA, Image: "ghcr.io/acme/api@" + string(idA), Class: fact.ClassIndex,
		Platforms: []report.Platform{{Platform: "linux/amd64", Index: idA, Manifest: idB, Config: idB, Examined: true}, {Platform: "linux/arm64", Index: idA, Manifest: idB}},
		Verdict:   policy.Verdict{Decision: policy.Deny, Reasons: []policy.Reason{{Check: "DIG001", Decision: policy.Deny, Rule: "DIG"}}},
		Results: []report.Result{
			result("DIG001", check.Fail, policy.LevelDeny, policy.Deny, on("linux/amd64", findings(wrong))),
			result("DIG001", check.Fail, policy.LevelDeny, policy.Deny, on("linux/arm64", findings(wrong))),
			result("DIG003", check.Undecided, policy.LevelDeny, policy.Undecided, on("linux/amd64", because(fact.Network, "2 of 9 layers: get blob \"ghcr.io/acme/api\": connection reset by peer"))),
			result("DIG003", check.NotAsked, policy.LevelDeny, policy.Allow, on("linux/arm64", because(fact.NotAsked, "linux/arm64 layers (--platform all)"))),
			result("DIG004", check.Undecided, policy.LevelDeny, policy.Undecided, on("linux/amd64", because(fact.Network, "2 of 9 layers: get blob \"ghcr.io/acme/api\": connection reset by peer"))),
			result("DIG005", check.Pass, policy.LevelWarn, policy.Allow, findings(check.Finding{Message: "2 paths that differ only in case: /A, /a", Note: true})),
			result("DIG006", check.Undecided, policy.LevelWarn, policy.Warn, because(fact.Limit, "entries of the image exceeds the limit of 2000000")),
			result("DIG007", check.Fail, policy.LevelDeny, policy.Undecided, func(r *report.Result) {
				r.Excepted, r.Cause, r.Why = 1, fact.Deadline, "layer 9: deadline exceeded"
				r.Findings = []check.Finding{{Message: "media type \"x\", layer 2", Fix: "push it"}}
			}),
			result("LAY001", check.Fail, policy.LevelOff, policy.Allow, findings(check.Finding{Message: "/tmp/x, layer 3", Fix: "chmod o-w /tmp/x"})),
			result("LAY002", check.Fail, policy.LevelWarn, policy.Warn, on("linux/amd64", findings(paths...))),
			result("LAY003", check.Fail, policy.LevelDeny, policy.Allow, func(r *report.Result) {
				r.Excepted, r.Findings = 1, []check.Finding{{Message: "/bin/ping: setuid", Paths: []fact.Bytes{"/bin/ping"}}}
			}),
			result("LAY005", check.NotApplicable, policy.LevelWarn, policy.Allow, because("", "class index")),
			result("SIG001", check.NotAsked, policy.LevelDeny, policy.Undecided, because(fact.NotAsked, "it was switched off")),
		},
		Summary: report.Summary{
			Published: report.Line{State: "deny", Text: []string{"index of 2 platforms; resolved once, bytes hash to this digest"}},
			Signed:    report.Line{State: "undecided", Text: []string{"2 places could not be asked", "verified: https://github.com/acme/api/.github/workflows/release.yml@refs/tags/v1.4.2, keyless, on the root, proven 2026-11-20"}},
			Content:   report.Line{State: "warn", Text: []string{"linux/amd64: 7 of 9 layers read"}},
			NotAsked:  []string{"linux/arm64 layers (--platform all)", "signatures (not pushed yet)"},
		},
	}
	b := report.Image{
		ID: idB, Image: "OCI layout@" + string(idB), Source: "oci:out", Class: fact.ClassImage, Platforms: []report.Platform{},
		Results: []report.Result{result("DIG001", check.Pass, policy.LevelDeny, policy.Allow, nil)},
		Verdict: policy.Verdict{Decision: policy.Allow},
		Summary: report.Summary{
			Published: report.Line{State: "ok", Text: []string{"image manifest; resolved once, bytes hash to this digest"}},
			Signed:    report.Line{State: "", Text: []string{"no signature found in 3 places", "no rule requires one"}},
			Content:   report.Line{State: "ok", Text: []string{"linux/amd64: 1 layer, 121 MB, every byte hashed; bytes seen 2026-11-20 (--no-cache reads again)"}},
		},
	}
	reference := result("REF001", check.Fail, policy.LevelWarn, policy.Warn, findings(check.Finding{
		Message: "\"ghcr.io/acme/api:1.4.2\" has no digest", Fix: "write ghcr.io/acme/api:1.4.2@" + string(idA),
		Origin: &ref.Origin{Kind: "file", Where: "deploy/prod/api.yaml", Line: 17, Column: 16, Path: "spec.template.spec.containers[0].image"},
	}))
	return &report.Report{
		Schema: report.Schema, Tool: report.Tool{Name: "intact", Version: "1.2.3"},
		Policy: report.Policy{Name: "prod", Digest: string(idB)}, Evaluated: time.Date(2026, 11, 23, 0, 0, 0, 0, time.UTC),
		Verdict: policy.Deny,
		Counts: report.Counts{
			Pass: 2, Fail: 7, Undecided: 3, NotApplicable: 1, NotAsked: 2, Excepted: 2, Deny: 2, Warn: 3, Open: 5, AcceptedUndecided: 1, Off: 1,
		},
		Images: []report.Image{a, b},
		Targets: []report.Target{
			{Kind: ref.KindImage, Ref: "ghcr.io/acme/api:1.4.2", Image: idA, ImageName: a.Image, Origins: []report.Origin{{Origin: ref.Origin{Kind: "argument"}}},
				Results: []report.Result{reference}, Verdict: policy.Verdict{Decision: policy.Deny}},
			{Kind: ref.KindImage, Ref: "ghcr.io/acme/api@" + string(idA), Image: idA, ImageName: a.Image, Origins: []report.Origin{},
				Results: []report.Result{}, Verdict: policy.Verdict{Decision: policy.Deny}},
			{Kind: ref.KindImage, Ref: "mirror.example.com/acme/api:1", Image: idA, ImageName: "mirror.example.com/acme/api@" + string(idA), Error: "there is no such image in this report", Origins: []report.Origin{},
				Results: []report.Result{result("LAY002", check.Fail, policy.LevelDeny, policy.Deny, func(r *report.Result) {
					r.Excepted, r.Findings = 1, []check.Finding{{Message: "/a"}, {Message: "/b"}}
				})}, Verdict: policy.Verdict{Decision: policy.Deny}},
			{Kind: ref.KindImage, Ref: "oci:out", Image: idB, ImageName: b.Image, Origins: []report.Origin{}, Results: []report.Result{}, Verdict: policy.Verdict{Decision: policy.Allow}},
			{Kind: ref.KindImage, Ref: "registry.example.com/" + strings.Repeat("a-very-long-team-name/", 4) + "app:2026-11-23", Origins: []report.Origin{},
				Error: "get manifest \"registry.example.com/app:2026-11-23\": 429 Too Many Requests (log in: an anonymous user has fewer requests)",
				Results: []report.Result{
					result("REF005", check.Undecided, policy.LevelDeny, policy.Undecided, because(fact.RateLimited, "get manifest: 429 Too Many Requests")),
					result("TAG001", check.Undecided, policy.LevelDeny, policy.Undecided, because(fact.RateLimited, "get manifest: 429 Too Many Requests")),
					result("TAG006", check.Undecided, policy.LevelDeny, policy.Undecided, because("", "")),
				}, Verdict: policy.Verdict{Decision: policy.Undecided}},
		},
		Notices: []string{
			"exception expires on 2026-11-30: LAY003 until 2026-11-30: setuid ping (net-team)",
			"the trust root is 40 days old and could not be refreshed: dial tcp: lookup tuf-repo-cdn.sigstore.dev: no such host",
		},
		Elapsed: 1900 * time.Millisecond,
	}
}
