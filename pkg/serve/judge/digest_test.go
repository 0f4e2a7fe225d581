package judge_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/intact-dev/intact/pkg/internal/testimage"
	"github.com/intact-dev/intact/pkg/ref"
	"github.com/intact-dev/intact/pkg/serve/happening"
	"github.com/intact-dev/intact/pkg/serve/judge"
	"github.com/intact-dev/intact/pkg/store"
)

// asked wants r judged by somebody who waits for it, and returns the verdicts of
// the repository, newest first.
func (s *service) asked(r ref.Ref) []store.Verdict {
	s.t.Helper()
	// The clock of the test may stand ahead.
	task, err := judge.Ask(r, "api ci", time.Now().Add(time.Duration(s.clock.Load())*time.Second))
	if err != nil {
		s.t.Fatal(err)
	}
	if err := s.queue.Want(s.t.Context(), task); err != nil {
		s.t.Fatal(err)
	}
	s.settle()
	out, err := s.store.Verdicts(s.t.Context(), store.VerdictFilter{Repository: s.registry.Host + "/acme/app"})
	if err != nil {
		s.t.Fatal(err)
	}
	return out
}

func (s *service) untouched() {
	s.t.Helper()
	if head, err := s.store.Head(s.t.Context()); err != nil || head.N != 0 {
		s.t.Errorf("the ledger has %d transitions, %v", head.N, err)
	}
}

func TestAnImageByItsDigest(t *testing.T) {
	t.Parallel()
	s := newService(t, strictTags, 0)
	one := s.push("1.0.0", "one")
	two := s.push("1.0.0", "two") // nothing else names one any more
	v := s.asked(s.name("").WithDigest(one))
	if len(v) != 1 || v[0].Digest != one || v[0].Tag != "" || v[0].Source != "api ci" || v[0].Decision != "allow" && v[0].Decision != "warn" {
		t.Fatalf("%+v", v)
	}
	if v, err := s.store.Verdict(t.Context(), v[0].ID); err != nil || !strings.Contains(string(v.Report), string(one)) || strings.Contains(string(v.Report), string(two)) {
		t.Errorf("report: %s, %v", v.Report, err)
	}
	// Who asks gets a verdict of now, and people are told once.
	if v = s.asked(s.name("").WithDigest(one)); len(v) != 2 || len(s.happenings()) != 1 {
		t.Errorf("again: %+v, told %+v", v, s.happenings())
	}
	// With the tag beside it, it is looked where that points.
	named := s.name("1.0.0")
	named.Digest = one
	v = s.asked(named)
	if len(v) != 3 || v[0].Digest != one || v[0].Tag != "" || !strings.Contains(strings.Join(summary(t, v[0]).Lines, "\n"), "REF004") {
		t.Errorf("with its tag: %+v", summary(t, v[0]))
	}
	s.untouched()
}

func TestADigestThatIsNotThere(t *testing.T) {
	t.Parallel()
	s := newService(t, "", 0)
	s.push("1.0.0", "one")
	gone := ref.Digest("sha256:" + strings.Repeat("1", 64))
	v := s.asked(s.name("").WithDigest(gone))
	if len(v) != 1 || v[0].Decision != "deny" || v[0].Digest != gone || summary(t, v[0]).Type != happening.ImageJudged ||
		!strings.Contains(summary(t, v[0]).Title, "not in its repository") {
		t.Errorf("%+v", v)
	}
	s.registry.MustMode(t, "acme/app", "broken")
	if v = s.asked(s.name("").WithDigest(gone)); len(v) != 2 || v[0].Decision != "undecided" || v[0].Digest != gone {
		t.Errorf("a registry that is down: %+v", v)
	}
	s.untouched()
}

// A digest says nothing of when it was pushed: nobody waits for its signature.
func TestADigestWithoutASignature(t *testing.T) {
	t.Parallel()
	text, public, key := signed(t)
	s := newService(t, text, 10*time.Minute, public)
	digest := s.push("1.0.0", "one")
	if v := s.asked(s.name("").WithDigest(digest)); len(v) != 1 || v[0].Decision != "deny" || summary(t, v[0]).Awaiting {
		t.Fatalf("unsigned: %+v", v)
	}
	signature, err := testimage.CosignSignature(key, s.registry.Host+"/acme/app", digest)
	if err != nil {
		t.Fatal(err)
	}
	s.put(testimage.SigTag(digest), signature)
	if v := s.asked(s.name("").WithDigest(digest)); len(v) != 2 || v[0].Decision == "deny" {
		t.Errorf("signed: %+v", v)
	}
}

// Who asks gets a verdict of now, also while a signature is awaited, and what was
// decided before is not forgotten over it.
func TestWhoAsksGetsAVerdict(t *testing.T) {
	t.Parallel()
	text, public, _ := signed(t)
	s := newService(t, text, 10*time.Minute, public)
	s.clock.Store(-3600)
	s.push("1.0.0", "one")
	s.judged("1.0.0")
	s.clock.Store(-1800)
	if v := s.judged("1.0.0"); len(v) != 2 || v[0].Decision != "deny" {
		t.Fatalf("never signed: %+v", v)
	}
	s.push("1.0.0", "two")
	s.clock.Store(0)
	ask := func(n int) store.Verdict {
		t.Helper()
		s.clock.Store(int64(n))
		task, err := judge.Ask(s.name("1.0.0"), "api ci", time.Now().Add(time.Duration(n)*time.Second))
		if err != nil {
			t.Fatal(err)
		}
		if err := s.queue.Want(t.Context(), task); err != nil {
			t.Fatal(err)
		}
		s.wait()
		v := s.judged("1.0.0") // who does not ask adds none
		if len(v) != 3+n || !summary(t, v[0]).Awaiting || len(s.happenings()) != 1 {
			t.Fatalf("%d verdicts, %d told", len(v), len(s.happenings()))
		}
		return v[0]
	}
	ask(0)
	last := ask(1)
	for n := range 25 { // and so on
		last.Key, last.ID = fmt.Sprint(n), 0
		if _, err := s.store.AddVerdict(t.Context(), last); err != nil {
			t.Fatal(err)
		}
	}
	s.clock.Store(1800)
	s.judged("1.0.0")
	if h := s.happenings(); len(h) != 2 || h[1].Was != "deny" {
		t.Errorf("told: %+v", h)
	}
}
