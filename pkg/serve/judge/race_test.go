package judge_test

import (
	"context"
	"testing"

	"github.com/intact-dev/intact/pkg/ref"
	"github.com/intact-dev/intact/pkg/store"
)

// What was recorded when a run could not end is told by the run after it.
func TestWhatIsRecordedIsTold(t *testing.T) {
	t.Parallel()
	s := newService(t, "", 0)
	s.push("1.0.0", "one")
	s.deaf.Store(1)
	task := s.task("1.0.0")
	if err := s.queue.Want(t.Context(), task); err != nil {
		t.Fatal(err)
	}
	s.settle()
	if n := s.told.Load(); n != 1 {
		t.Errorf("told %d times; expected 1", n)
	}
	if h := s.happenings(); len(h) != 1 {
		t.Errorf("happenings: %+v", h)
	}
}

// What a run recorded that could not end does not hide what the tag is when it runs
// again.
func TestATagThatMovesBeforeItsRunIsRepeated(t *testing.T) {
	t.Parallel()
	s := newService(t, strictTags, 0)
	s.push("1.0.0", "one")
	var two ref.Digest
	s.refused = func() { two = s.push("1.0.0", "two") }
	s.deaf.Store(1)
	if err := s.queue.Want(t.Context(), s.task("1.0.0")); err != nil {
		t.Fatal(err)
	}
	s.settle()
	v, err := s.store.Verdicts(t.Context(), store.VerdictFilter{Tag: "1.0.0"})
	if err != nil || len(v) != 2 || v[0].Digest != two || v[0].Decision != "deny" {
		t.Errorf("verdicts: %+v, %v", v, err)
	}
	if h := s.happenings(); len(h) != 2 || h[1].Digest != two || s.told.Load() == 0 {
		t.Errorf("told %d times: %+v", s.told.Load(), h)
	}
}

// A tag moves while it is judged: whatever is recorded is what one answer of the
// registry said, and in the end it is what the tag is.
func TestATagThatMovesBackAndForthWhileItIsJudged(t *testing.T) {
	t.Parallel()
	s := newService(t, strictTags, 0)
	digests := map[ref.Digest]bool{s.push("1.0.0", "one"): true, s.push("1.0.0", "two"): true}
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() {
		defer close(done)
		for i := 0; ctx.Err() == nil; i++ {
			s.push("1.0.0", []string{"one", "two"}[i%2])
		}
	}()
	for range 8 {
		s.judged("1.0.0")
	}
	stop()
	<-done
	last := s.push("1.0.0", "two")
	verdicts := s.judged("1.0.0")
	entries, err := s.store.History(t.Context(), s.name("1.0.0"), store.Newest, 0)
	if err != nil {
		t.Fatal(err)
	}
	for i, e := range entries {
		if !digests[e.To] || i > 0 && entries[i-1].From != e.To || e.From == e.To {
			t.Errorf("transition %d: %q to %q", e.Seq, e.From, e.To)
		}
	}
	first := entries[len(entries)-1]
	for _, v := range verdicts {
		if !digests[v.Digest] {
			t.Errorf("verdict %d is about %q", v.ID, v.Digest)
		}
		if v.Decision == "deny" || v.Decision == "undecided" {
			continue
		}
		// Only what the tag was at first is allowed, and only until it moved.
		if v.Digest != first.To || len(entries) > 1 && !v.At.Before(entries[len(entries)-2].At) {
			t.Errorf("verdict %d (%s of %s) allows a tag that has moved", v.ID, v.Decision, v.Digest)
		}
	}
	if verdicts[0].Digest != last || entries[0].To != last {
		t.Errorf("at last %q by the verdict, %q by the ledger; it is %q", verdicts[0].Digest, entries[0].To, last)
	}
}
