package judge_test

import (
	"context"
	"sync/atomic"
	"testing"
	"time"

	"github.com/intact-dev/intact/pkg/gather/signatures"
	"github.com/intact-dev/intact/pkg/serve/judge"
)

// lists keep nothing, and count who would take what was kept and who would not.
type lists struct{ kept, anew atomic.Int64 }

func (l *lists) List(ctx context.Context, _ signatures.Question, ask signatures.Ask) (signatures.Listed, error) {
	l.kept.Add(1)
	return ask(ctx)
}

func (l *lists) Renew(ctx context.Context, _ signatures.Question, ask signatures.Ask) (signatures.Listed, error) {
	l.anew.Add(1)
	return ask(ctx)
}

// took says which of both was used since the last call.
func (l *lists) took() string {
	switch kept, anew := l.kept.Swap(0), l.anew.Swap(0); {
	case kept > 0 && anew > 0:
		return "both"
	case kept > 0:
		return "kept"
	case anew > 0:
		return "anew"
	}
	return ""
}

// What a signature that is awaited may have made old is not used.
func TestWhatWasListedBefore(t *testing.T) {
	t.Parallel()
	text, public, _ := signed(t)
	s := newService(t, text, 10*time.Minute, public)
	s.push("1.0.0", "one")
	for _, want := range []string{"kept", "anew", "anew"} { // it awaits its signature from the first on
		if s.judged("1.0.0"); s.lists.took() != want {
			t.Errorf("want %s", want)
		}
	}
	s.clock.Store(3600)
	if s.judged("1.0.0"); s.lists.took() != "anew" {
		t.Error("the last look is at what was kept")
	}
	if s.judged("1.0.0"); s.lists.took() != "kept" {
		t.Error("nothing is awaited, and it is looked anew")
	}
	task, err := judge.Ask(s.name("1.0.0"), "api ci", time.Now().Add(time.Hour))
	if err != nil {
		t.Fatal(err)
	}
	if err := s.queue.Want(t.Context(), task); err != nil {
		t.Fatal(err)
	}
	if s.wait(); s.lists.took() != "anew" {
		t.Error("who asks is shown what was kept")
	}
}

// Without a time to wait in, the first look is the last.
func TestWhatWasListedBeforeWithoutAGraceTime(t *testing.T) {
	t.Parallel()
	text, public, _ := signed(t)
	s := newService(t, text, 0, public)
	s.push("1.0.0", "one")
	if s.judged("1.0.0"); s.lists.took() != "" {
		t.Error("it is judged by what was kept, or that is kept for others")
	}
}
