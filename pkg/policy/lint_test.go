package policy_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/intact-dev/intact/pkg/policy"
)

func TestLint(t *testing.T) {
	t.Parallel()
	const base = "schema: intact.policy/v1\nname: p\nextends: baseline@1\n"
	const exception = "exceptions:\n  - {check: DIG005, images: [ghcr.io/acme/legacy], reason: r, expires: "
	rows := []struct{ name, text, want string }{
		{"nothing", base, ""},
		{"undecided", base + "undecided: warn\n", "4:12: what could not be examined is let through"},
		{"newer checks", base + "since: \"2026-12\"\nchecks: {LAY: deny}\ndepth: layers\n", "4:8: these checks are newer and count as warn: LAY010 (2027-02)"},
		{"too shallow", base + "checks: {LAY002: deny}\n", "4:9: the depth manifest does not reach what these denied checks need: LAY002"},
		{"shadowed scope", base + "scopes:\n  - {clusters: [a], checks: {REF001: deny}}\n  - {clusters: [a, b], checks: {REF: off}}\n", "5:5: scopes[1] comes later"},
		{"scope that adds", base + "scopes:\n  - {clusters: [a], checks: {REF: off}}\n  - {clusters: [a], checks: {REF001: deny}}\n", ""},
		{"no rule for all", base + "signatures: [{images: [nginx], none: true}]\n", "4:13: images that no rule names need no signature"},
		{"required and off", base + "checks: {SIG: off}\nsignatures: [{images: ['**'], anyOf: [{key: cosign.pub}]}]\n", "5:14: a signature is required and SIG001 is off (p: SIG off)"},
		{"attestation and off", base + "checks: {SIG: off, SIG001: deny, SIG003: deny}\nsignatures: [{images: ['**'], attestations: [{predicateType: x, anyOf: [{key: cosign.pub}]}]}]\n", "5:14: an attestation is required and SIG005 is off"},
		{"mirror inside a prefix", base + "mirrors: [{prefix: m.acme.internal/hub, of: docker.io}]\nsignatures: [{images: ['m.acme.internal/**', '**'], none: true}]\n", "5:24: images of the mirror m.acme.internal/hub are not among these"},
		{"expired", base + exception + "2026-11-22}\n", "5:5: the exception expired on 2026-11-22"},
		{"expires soon", base + exception + "2026-12-07}\n", "5:5: the exception expires on 2026-12-07"},
		{"expires later", base + exception + "2026-12-08}\n", ""},
		{"long", base + exception + "2028-01-01}\n", "5:5: the exception holds for more than a year"},
		{"from what is off", base + "checks: {DIG005: off}\n" + exception + "2027-01-01}\n", "6:5: DIG005 is off (p: DIG005 off)"},
		{"from everything", base + strings.Replace(exception, "ghcr.io/acme/legacy", "'**'", 1) + "2027-01-01}\n", "5:5: all findings in all images"},
	}
	for _, row := range rows {
		var got []string
		for _, p := range load(t, row.text).Lint(now) {
			got = append(got, strings.TrimPrefix(p.String(), "p.yaml:"))
		}
		if row.want == "" && got != nil || row.want != "" && (len(got) != 1 || !strings.Contains(got[0], row.want)) {
			t.Errorf("%s: %q, want %q", row.name, got, row.want)
		}
	}
	// All there is to say about the embedded policies is which checks came later.
	for _, name := range []string{"baseline", "strict", "audit"} {
		p, err := policy.Load(loader(nil), name)
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, problem := range p.Lint(now) {
			got = append(got, problem.Text)
		}
		if diff := cmp.Diff([]string{"these checks are newer and count as warn: LAY010 (2027-02)"}, got); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
}
