package policy_test

import (
	"testing"
	"time"

	"github.com/intact-dev/intact/pkg/check"
	"github.com/intact-dev/intact/pkg/policy"
)

func TestPlacesAreEqualWhereScopesCannotTellThemApart(t *testing.T) {
	t.Parallel()
	p := load(t, `schema: intact.policy/v1
name: test
extends: baseline@1
scopes:
  - {namespaces: [shop, pay], checks: {RUN008: deny}}
  - {clusters: [prod-*], checks: {RUN008: deny}}
  - {images: ["ghcr.io/acme/**"], checks: {RUN008: "off"}}
`)
	for _, tt := range []struct {
		a, b policy.Subject
		same bool
	}{
		{policy.Subject{Namespace: "shop"}, policy.Subject{Namespace: "pay"}, true},
		{policy.Subject{Namespace: "shop"}, policy.Subject{Namespace: "web"}, false},
		{policy.Subject{Namespace: "a"}, policy.Subject{Namespace: "b"}, true},
		{policy.Subject{Cluster: "prod-1"}, policy.Subject{Cluster: "prod-2"}, true},
		{policy.Subject{Cluster: "prod-1"}, policy.Subject{Cluster: "test"}, false},
		{policy.Subject{Image: "ghcr.io/acme/x"}, policy.Subject{Image: "docker.io/x"}, true},
	} {
		if got := p.PlaceOf(tt.a) == p.PlaceOf(tt.b); got != tt.same {
			t.Errorf("%+v and %+v: same place %v, want %v", tt.a, tt.b, got, tt.same)
		}
	}
}

func TestWhatIsAcceptedBesideThePolicyIsExceptedAndCounted(t *testing.T) {
	t.Parallel()
	p := load(t, "schema: intact.policy/v1\nname: test\nextends: strict@1\n")
	results := []check.Result{{Check: "REF001", Outcome: check.Fail, Findings: []check.Finding{{Message: "a"}, {Message: "b"}}}}
	accept := func(messages ...string) policy.Run {
		return policy.Run{Accepts: func(id string, f check.Finding) string {
			for _, m := range messages {
				if id == "REF001" && f.Message == m {
					return "an earlier report"
				}
			}
			return ""
		}}
	}
	if v := p.Decide(policy.Subject{}, time.Time{}, results, accept("a")); v.Decision != policy.Deny || v.Judgements[0].Excepted != 1 {
		t.Errorf("one of two: %+v", v)
	}
	if v := p.Decide(policy.Subject{}, time.Time{}, results, accept("a", "b")); v.Decision != policy.Allow || v.Judgements[0].Excepted != 2 {
		t.Errorf("both: %+v", v)
	}
	results[0].Cause, results[0].Why = "network", "a part was not seen"
	if v := p.Decide(policy.Subject{}, time.Time{}, results, accept("a", "b")); v.Decision != policy.Undecided {
		t.Errorf("both, but not all was seen: %+v", v)
	}
}
