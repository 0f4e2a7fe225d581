package judge_test

import (
	"testing"
	"time"

	"github.com/intact-dev/intact/pkg/ref"
	"github.com/intact-dev/intact/pkg/serve/judge"
	"github.com/intact-dev/intact/pkg/store"
)

// hears wants the tag judged as an event that was heard now says.
func (s *service) hears(tag string, digest ref.Digest) {
	s.t.Helper()
	task, err := judge.Pushed(s.name(tag), "webhook test", time.Now(), digest)
	if err == nil {
		err = s.queue.Want(s.t.Context(), task)
	}
	if err != nil {
		s.t.Fatal(err)
	}
}

// verdicts are those of a tag once there are n; after twenty seconds the test fails.
func (s *service) verdicts(tag string, n int) []store.Verdict {
	s.t.Helper()
	for end := time.Now().Add(20 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		out, err := s.store.Verdicts(s.t.Context(), store.VerdictFilter{Repository: s.registry.Host + "/acme/app", Tag: tag})
		if err != nil {
			s.t.Fatal(err)
		}
		if len(out) >= n {
			return out
		}
		if time.Now().After(end) {
			s.t.Fatalf("%s has %d verdicts, not %d", tag, len(out), n)
		}
	}
}

// Distribution tells of a push before it writes the tag: what is not there yet is
// looked for a little longer, and what is pushed meanwhile is judged.
func TestAnEventThatComesBeforeItsTag(t *testing.T) {
	t.Parallel()
	s := newService(t, "schema: intact.policy/v1\nname: p\nextends: baseline@1\n", 0)
	one := s.push("other", "one")
	two := s.push("another", "two")
	for _, said := range []ref.Digest{one, ""} { // not all say which digest
		tag := "new-" + string(said[min(7, len(said)):min(11, len(said))])
		s.hears(tag, said)
		time.Sleep(70 * time.Millisecond)
		s.push(tag, "one")
		if v := s.verdicts(tag, 1); v[0].Digest != one {
			t.Errorf("%s is %s, want %s", tag, v[0].Digest, one)
		}
	}
	s.push("moves", "one")
	s.hears("moves", one)
	s.verdicts("moves", 1)
	s.wait()
	s.hears("moves", two)
	time.Sleep(300 * time.Millisecond)
	s.push("moves", "two")
	if v := s.verdicts("moves", 2); v[0].Digest != two {
		t.Errorf("it is %s, want %s", v[0].Digest, two)
	}
	s.wait()
	// What never comes is not waited for.
	s.hears("moves", one)
	s.hears("none", one)
	s.settle()
	if v := s.verdicts("moves", 2); len(v) != 2 {
		t.Errorf("got %d verdicts", len(v))
	}
}
