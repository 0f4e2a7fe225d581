package policy_test

import (
	"encoding/json"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/intact-dev/intact/pkg/check"
	"github.com/intact-dev/intact/pkg/fact"
	"github.com/intact-dev/intact/pkg/policy"
)

var now = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)

const threeLevels = `schema: intact.policy/v1
name: three
extends: audit@1
checks: {DIG001: deny, DIG005: warn, DIG007: off}
`

func result(id string, o check.Outcome) check.Result {
	r := check.Result{Check: id, Outcome: o}
	if o == check.Fail {
		r.Findings = []check.Finding{{Message: "wrong"}}
	}
	return r
}

// The whole table of one result: three levels, all outcomes and one that does
// not exist, undecided denied and warned about.
func TestDecideOne(t *testing.T) {
	t.Parallel()
	rows := []struct {
		outcome                check.Outcome
		deny, warn, off, relax policy.Decision
	}{
		{check.Undecided, policy.Undecided, policy.Warn, policy.Undecided, policy.Warn},
		{check.Pass, policy.Allow, policy.Allow, policy.Undecided, policy.Allow},
		{check.Fail, policy.Deny, policy.Warn, policy.Undecided, policy.Deny},
		{check.NotApplicable, policy.Allow, policy.Allow, policy.Undecided, policy.Allow},
		// Alone, not-asked means that nothing at all was examined.
		{check.NotAsked, policy.Undecided, policy.Undecided, policy.Undecided, policy.Undecided},
		{check.Outcome(77), policy.Undecided, policy.Warn, policy.Undecided, policy.Warn},
	}
	strictly, relaxed := load(t, threeLevels), load(t, threeLevels+"undecided: warn\n")
	for _, row := range rows {
		decide := func(p *policy.Policy, id string, with ...check.Result) policy.Decision {
			return p.Decide(policy.Subject{}, now, append(with, result(id, row.outcome)), policy.Run{}).Decision
		}
		got := []policy.Decision{decide(strictly, "DIG001"), decide(strictly, "DIG005"), decide(strictly, "DIG007"), decide(relaxed, "DIG001")}
		if diff := cmp.Diff([]policy.Decision{row.deny, row.warn, row.off, row.relax}, got); diff != "" {
			t.Errorf("%s: %s", row.outcome, diff)
		}
		// Beside something that passes, off and not-asked lead to nothing.
		if got := decide(strictly, "DIG007", result("REF001", check.Pass)); got != policy.Allow {
			t.Errorf("%s of a check that is off: %s", row.outcome, got)
		}
		if row.outcome == check.NotAsked {
			if got := decide(strictly, "DIG001", result("REF001", check.Pass)); got != policy.Allow {
				t.Errorf("not-asked beside a pass: %s", got)
			}
		}
	}
}

// Every combination of two outcomes of a denied and a warned check, against the
// words of the algebra.
func TestDecideTwo(t *testing.T) {
	t.Parallel()
	for _, relax := range []bool{false, true} {
		text := threeLevels
		if relax {
			text += "undecided: warn\n"
		}
		p := load(t, text)
		for _, denied := range check.Outcomes() {
			for _, warned := range check.Outcomes() {
				v := p.Decide(policy.Subject{}, now, []check.Result{
					result("REF001", check.Pass), result("DIG001", denied), result("DIG005", warned),
				}, policy.Run{})
				want := policy.Allow
				switch {
				case denied == check.Fail:
					want = policy.Deny
				case denied == check.Undecided && !relax:
					want = policy.Undecided
				case denied == check.Undecided, warned == check.Fail, warned == check.Undecided:
					want = policy.Warn
				}
				if v.Decision != want {
					t.Errorf("relaxed %t, denied %s, warned %s: %s, want %s", relax, denied, warned, v.Decision, want)
				}
				if accepted := relax && denied == check.Undecided; accepted != (v.AcceptedUndecided == 1) {
					t.Errorf("relaxed %t, denied %s: accepted undecided %d", relax, denied, v.AcceptedUndecided)
				}
			}
		}
	}
}

func TestDecideNothing(t *testing.T) {
	t.Parallel()
	pass := []check.Result{result("DIG001", check.Pass)}
	for name, v := range map[string]policy.Verdict{
		"no policy":       (*policy.Policy)(nil).Decide(policy.Subject{}, now, pass, policy.Run{}),
		"the zero policy": (&policy.Policy{}).Decide(policy.Subject{}, now, pass, policy.Run{}),
		"no results":      load(t, threeLevels).Decide(policy.Subject{}, now, nil, policy.Run{}),
		"the zero verdict": {
			Reasons: []policy.Reason{{}},
		},
	} {
		if v.Decision != policy.Undecided || !v.Decision.Refuses() || len(v.Reasons) != 1 {
			t.Errorf("%s: %+v", name, v)
		}
	}
}

// A check that nothing names is denied; Load refuses such policies if it knows
// the checks.
func TestDecideUnnamed(t *testing.T) {
	t.Parallel()
	l := loader(map[string]string{"p.yaml": "schema: intact.policy/v1\nname: x\nchecks: {REF: warn}\n"})
	l.Checks = nil
	p, err := policy.Load(l, "p.yaml")
	if err != nil {
		t.Fatal(err)
	}
	v := p.Decide(policy.Subject{}, now, []check.Result{result("DIG001", check.Fail)}, policy.Run{})
	if v.Decision != policy.Deny || v.Reasons[0].Rule != "x: nothing names DIG001: deny" {
		t.Errorf("%+v", v)
	}
}

func TestDecideTakenAway(t *testing.T) {
	t.Parallel()
	const needs = "schema: intact.policy/v1\nname: x\nextends: strict@1\n"
	const signed = needs + "signatures: [{images: [ghcr.io/acme/**], anyOf: [{key: cosign.pub}]}, {images: [quay.io/**], none: true}]\n"
	rows := []struct {
		name, text, check, image string
		run                      policy.Run
		want                     policy.Decision
	}{
		{"nothing", needs, "LAY002", "", policy.Run{}, policy.Allow},
		{"as deep as asked", needs, "LAY002", "", policy.Run{Depth: policy.DepthLayers}, policy.Allow},
		{"less deep", needs, "LAY002", "", policy.Run{Depth: policy.DepthManifest}, policy.Undecided},
		{"less deep, check does not need it", needs, "TAG006", "", policy.Run{Depth: policy.DepthManifest}, policy.Allow},
		{"less deep, what runs", needs, "REF005", "", policy.Run{Depth: policy.DepthManifest}, policy.Undecided},
		{"less deep, what runs, beyond what the policy asks", needs + "depth: manifest\n", "REF005", "", policy.Run{Depth: policy.DepthManifest}, policy.Allow},
		{"not deep at all", needs, "TAG006", "", policy.Run{Depth: policy.DepthReference}, policy.Undecided},
		{"less deep, only warned about", needs + "checks: {LAY: warn}\n", "LAY002", "", policy.Run{Depth: policy.DepthManifest}, policy.Warn},
		{"less deep, off", needs + "checks: {LAY: off}\n", "LAY002", "", policy.Run{Depth: policy.DepthManifest}, policy.Allow},
		{"deeper than asked", needs + "depth: reference\n", "LAY002", "", policy.Run{Depth: policy.DepthManifest}, policy.Allow},
		{"less deep, unknown check", needs, "LAY077", "", policy.Run{Depth: policy.DepthManifest}, policy.Undecided},
		{"less deep, beyond what the policy asks", needs + "depth: manifest\n", "LAY002", "", policy.Run{Depth: policy.DepthReference}, policy.Allow},
		{"switched off", needs, "REF005", "", policy.Run{Skipped: []string{"REF005"}}, policy.Undecided},
		{"family switched off", needs, "REF005", "", policy.Run{Skipped: []string{"REF"}}, policy.Undecided},
		{"a rule beside a policy that is not deep", signed + "depth: reference\n", "SIG001", "ghcr.io/acme/api", policy.Run{Depth: policy.DepthReference}, policy.Undecided},
		{"no rule beside a policy that is not deep", signed + "depth: reference\n", "SIG001", "docker.io/acme/api", policy.Run{Depth: policy.DepthReference}, policy.Allow},
		{"signatures off, no rules", needs, "SIG001", "ghcr.io/acme/api", policy.Run{Skipped: []string{"SIG"}}, policy.Allow},
		{"signatures off, rule", signed, "SIG001", "ghcr.io/acme/api", policy.Run{Skipped: []string{"SIG"}}, policy.Undecided},
		{"signatures off, none", signed, "SIG001", "quay.io/acme/api", policy.Run{Skipped: []string{"SIG"}}, policy.Allow},
		{"signatures off, other image", signed, "SIG001", "docker.io/acme/api", policy.Run{Skipped: []string{"SIG"}}, policy.Allow},
	}
	for _, row := range rows {
		notAsked := check.Result{Check: row.check, Outcome: check.NotAsked, Cause: fact.NotAsked}
		v := load(t, row.text).Decide(policy.Subject{Image: row.image}, now, []check.Result{result("REF001", check.Pass), notAsked}, row.run)
		if v.Decision != row.want {
			t.Errorf("%s: %s, want %s", row.name, v.Decision, row.want)
		}
		// What was found in the rest and is accepted does not make up for it.
		notAsked.Outcome, notAsked.Findings = check.Fail, []check.Finding{{Message: "found"}}
		run := row.run
		run.Accepts = func(string, check.Finding) string { return "an exception" }
		v = load(t, row.text).Decide(policy.Subject{Image: row.image}, now, []check.Result{result("REF001", check.Pass), notAsked}, run)
		if v.Decision != row.want {
			t.Errorf("%s, beside an accepted finding: %s, want %s", row.name, v.Decision, row.want)
		}
	}
}

// Random sets of results: what refuses keeps refusing when evidence is taken
// away (an outcome becomes undecided) or when a denied check fails besides.
func TestDecideMonotone(t *testing.T) {
	t.Parallel()
	p := load(t, threeLevels)
	rnd := rand.New(rand.NewPCG(1, 2))
	ids := []string{"DIG001", "DIG005", "DIG007", "REF001", "SIG001"}
	decide := func(rs []check.Result) policy.Decision {
		return p.Decide(policy.Subject{}, now, rs, policy.Run{}).Decision
	}
	for range 5000 {
		var rs []check.Result
		for range rnd.IntN(6) {
			rs = append(rs, result(ids[rnd.IntN(len(ids))], check.Outcome(rnd.IntN(5))))
		}
		before := decide(rs)
		for i := range rs {
			less := append([]check.Result(nil), rs...)
			if less[i].Outcome == check.Fail || less[i].Outcome == check.Pass || less[i].Outcome == check.NotApplicable {
				less[i] = result(less[i].Check, check.Undecided)
			}
			if after := decide(less); before.Refuses() && !after.Refuses() || before == policy.Warn && after == policy.Allow {
				t.Fatalf("%v: %s; with %s undecided: %s", rs, before, rs[i].Check, after)
			}
		}
		if after := decide(append(rs, result("DIG001", check.Fail))); after != policy.Deny {
			t.Fatalf("%v and a denied failure: %s", rs, after)
		}
	}
}

func TestVerdictJSON(t *testing.T) {
	t.Parallel()
	p := load(t, threeLevels)
	v := p.Decide(policy.Subject{}, now, []check.Result{
		result("DIG005", check.Fail), result("DIG001", check.Fail), {Check: "DIG002", Why: "no answer", Platform: "linux/amd64"},
	}, policy.Run{})
	got, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	want := `{"decision":"deny","reasons":[` +
		`{"check":"DIG001","decision":"deny","rule":"three: DIG001 deny"},` +
		`{"check":"DIG002","platform":"linux/amd64","decision":"warn","rule":"audit@1: DIG warn","why":"no answer"},` +
		`{"check":"DIG005","decision":"warn","rule":"three: DIG005 warn"}]}`
	if string(got) != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	var back policy.Verdict
	if err := json.Unmarshal(got, &back); err != nil || back.Decision != policy.Deny {
		t.Errorf("%v, %s", err, back.Decision)
	}
	if err := json.Unmarshal([]byte(`{"decision":"allowed"}`), &back); err == nil {
		t.Error("a decision that does not exist was read")
	}
}

func TestWorst(t *testing.T) {
	t.Parallel()
	order := []policy.Decision{policy.Deny, policy.Undecided, policy.Warn, policy.Allow}
	for i, a := range order {
		for j, b := range order {
			if got := policy.Worst(a, b); got != order[min(i, j)] {
				t.Errorf("worst of %s and %s: %s", a, b, got)
			}
		}
	}
	if policy.Worst() != policy.Undecided {
		t.Error("the worst of nothing allows")
	}
}
