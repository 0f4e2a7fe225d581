package judge_test

import (
	"strings"
	"testing"

	"github.com/intact-dev/intact/pkg/policy"
	"github.com/intact-dev/intact/pkg/report"
)

// A tag that cannot be judged for reasons of our own is undecided, which is told,
// and judged when that is over.
func TestATagThatCannotBeJudged(t *testing.T) {
	t.Parallel()
	s := newService(t, strictTags, 0)
	s.push("1.0.0", "one")
	s.judged("1.0.0")
	sql := func(statement string) {
		t.Helper()
		if _, err := s.store.Database().Write.ExecContext(t.Context(), statement); err != nil {
			t.Fatal(err)
		}
	}
	sql(`UPDATE tags SET platforms = 'x'`)
	two := s.push("1.0.0", "two")
	s.attempts.Store(7)
	v := s.judged("1.0.0")
	if len(v) != 2 || v[0].Decision != "undecided" || v[0].Digest != "" || !strings.Contains(strings.Join(summary(t, v[0]).Lines, "\n"), "platforms of") {
		t.Fatalf("the ledger is damaged: %+v", v)
	}
	whole, err := s.store.Verdict(t.Context(), v[0].ID)
	if err != nil {
		t.Fatal(err)
	}
	if r, err := report.Read(whole.Report); err != nil || r.Verdict != policy.Undecided || r.Policy.Digest != v[1].Policy {
		t.Errorf("its report: %+v, %v", r, err)
	}
	if h := s.happenings(); len(h) != 2 || h[1].Verdict != policy.Undecided || s.told.Load() != 2 {
		t.Errorf("told %d times: %+v", s.told.Load(), h)
	}
	sql(`UPDATE tags SET platforms = ''`)
	if v = s.judged("1.0.0"); len(v) != 3 || v[0].Decision != "deny" || v[0].Digest != two {
		t.Errorf("mended: %+v", v)
	}
	if st, err := s.store.Verify(t.Context(), nil); err != nil || !st.OK() && st.Faults[0].Leaf >= 0 {
		t.Errorf("the log: %+v, %v", st, err)
	}
}
