package serve

import (
	"context"
	"errors"
	"log/slog"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/intact-dev/intact/pkg/fact"
	"github.com/intact-dev/intact/pkg/gather/signatures"
	"github.com/intact-dev/intact/pkg/image"
	"github.com/intact-dev/intact/pkg/ref"
	"github.com/intact-dev/intact/pkg/serve/webhook"
	"github.com/intact-dev/intact/pkg/store"
	"github.com/intact-dev/intact/pkg/store/inbox"
)

var noon = time.Date(2026, 11, 26, 12, 0, 0, 0, time.UTC)

// A shelf is listings with a clock of their own, and a place that counts.
type shelf struct {
	t *testing.T
	*listings
	now   time.Time
	asked int
	says  signatures.Listed
	err   error
}

func newShelf(t *testing.T) *shelf {
	t.Helper()
	st, err := store.Open(t.Context(), filepath.Join(t.TempDir(), "store.db"), store.Options{Create: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = st.Close() })
	s := &shelf{t: t, now: noon}
	s.listings = newListings(st, func() time.Time { return s.now }, slog.New(slog.DiscardHandler))
	return s
}

var question = signatures.Question{Repository: "docker.io/acme/app", Digest: ref.Digest("sha256:" + strings.Repeat("1", 64)), Form: fact.FormSigTag}

func (s *shelf) ask(context.Context) (signatures.Listed, error) {
	s.asked++
	got := s.says
	got.At = s.now
	return got, s.err
}

// want lists, and says how often the place was asked in all and of when the answer is.
func (s *shelf) want(asked int, at time.Time) signatures.Listed {
	s.t.Helper()
	got, err := s.List(s.t.Context(), question, s.ask)
	if err != nil || s.asked != asked || !got.At.Equal(at) {
		s.t.Errorf("asked %d times, want %d: %+v %v", s.asked, asked, got, err)
	}
	return got
}

func TestHowLongAListIsKept(t *testing.T) {
	t.Parallel()
	s := newShelf(t)
	s.want(1, noon)
	s.now = noon.Add(29 * time.Second)
	s.want(1, noon) // and says when it was asked
	s.now = noon.Add(30 * time.Second)
	s.says = signatures.Listed{Tag: &image.Answer{Body: []byte("{}"), MediaType: "x", DigestClaim: question.Digest}}
	first := s.want(2, s.now)
	asked := s.now
	s.now = asked.Add(299 * time.Second)
	if d := cmp.Diff(first, s.want(2, asked)); d != "" {
		t.Error(d)
	}
	s.now = asked.Add(300 * time.Second)
	s.want(3, s.now)
	other := question
	other.Form = fact.FormReferrers
	s.says = signatures.Listed{Form: fact.FormReferrers, Referrers: []ref.Descriptor{{Digest: question.Digest, Size: 2}}}
	for range 2 {
		if got, err := s.List(t.Context(), other, s.ask); err != nil || len(got.Referrers) != 1 || got.Form != fact.FormReferrers || s.asked != 4 {
			t.Errorf("asked %d times: %+v %v", s.asked, got, err)
		}
	}
	// What another snapshot was shown is nothing to go by.
	next := newListings(s.store, s.clock, s.log)
	if _, err := next.List(t.Context(), question, s.ask); err != nil || s.asked != 5 {
		t.Errorf("asked %d times: %v", s.asked, err)
	}
	if _, err := signatures.Anew(s.listings).List(t.Context(), question, s.ask); err != nil || s.asked != 6 {
		t.Errorf("asked %d times: %v", s.asked, err)
	}
	s.want(6, s.now)
}

func TestWhatIsNotKept(t *testing.T) {
	t.Parallel()
	s := newShelf(t)
	s.err = errors.New("503")
	for n := range 2 {
		if _, err := s.List(t.Context(), question, s.ask); err == nil || s.asked != n+1 {
			t.Errorf("asked %d times: %v", s.asked, err)
		}
	}
	s.err, s.says = nil, signatures.Listed{Doubtful: true, Tag: &image.Answer{Body: []byte("{")}}
	s.want(3, noon)
	s.says = signatures.Listed{Tag: &image.Answer{Body: make([]byte, maxListing)}}
	s.want(4, noon)
	s.says = signatures.Listed{}
	s.want(5, noon)
	s.want(5, noon)
}

// An event that arrives while the place is asked makes its answer old.
func TestAListThatIsDropped(t *testing.T) {
	t.Parallel()
	for _, subject := range []ref.Digest{question.Digest, ""} {
		s := newShelf(t)
		s.want(1, noon)
		drop := func() {
			if err := s.store.DropListings(t.Context(), "docker.io/acme/app", subject, s.now); err != nil {
				t.Fatal(err)
			}
		}
		s.now = noon.Add(time.Second)
		drop()
		s.now = noon.Add(2 * time.Second)
		s.want(2, s.now)
		s.now = noon.Add(40 * time.Second)
		got, err := s.List(t.Context(), question, func(ctx context.Context) (signatures.Listed, error) {
			out, err := s.ask(ctx)
			s.now = s.now.Add(time.Second)
			drop()
			return out, err
		})
		if err != nil || s.asked != 3 || !got.At.Equal(noon.Add(40*time.Second)) {
			t.Fatalf("asked %d times: %+v %v", s.asked, got, err)
		}
		s.want(4, s.now)
	}
}

// Who asks at the same time shares the answer, and not the trouble of others.
func TestOneQuestionOfMany(t *testing.T) {
	t.Parallel()
	s := newShelf(t)
	begun, end := make(chan struct{}), make(chan struct{})
	var mu sync.Mutex
	n := 0
	ask := func(ctx context.Context) (signatures.Listed, error) {
		mu.Lock()
		n++
		first := n == 1
		mu.Unlock()
		if first {
			close(begun)
			<-end
			return signatures.Listed{}, ctx.Err()
		}
		return signatures.Listed{At: noon}, nil
	}
	short, cancel := context.WithCancel(t.Context())
	var group sync.WaitGroup
	group.Go(func() {
		if _, err := s.List(short, question, ask); !errors.Is(err, context.Canceled) {
			t.Errorf("whose time ran out: %v", err)
		}
	})
	<-begun
	for range 3 {
		group.Go(func() {
			if _, err := s.List(t.Context(), question, ask); err != nil {
				t.Errorf("who had time: %v", err)
			}
		})
	}
	cancel()
	close(end)
	group.Wait()
}

// Once a signature's event is taken nothing counts that was listed before it; if
// that cannot be had, the event is not taken.
func TestASignaturesEvent(t *testing.T) {
	t.Parallel()
	s := newShelf(t)
	in, err := inbox.Open(t.Context(), s.store.Database(), inbox.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = in.Close() })
	var dropped []string
	var fail error
	a := accepting{in, func(_ context.Context, repository string, subject ref.Digest) error {
		dropped = append(dropped, repository+"@"+string(subject))
		return fail
	}}
	d := webhook.Delivery{Endpoint: "e", Key: "1", Received: noon, Events: []webhook.Event{
		{Action: webhook.Push, Registry: "ghcr.io:443", Repository: "acme/app", Tag: "1"},
		{Action: webhook.Signature, Registry: "ghcr.io:443", Repository: "acme/app", Tag: "sha256-1.sig", Subject: question.Digest},
		{Action: webhook.Signature, Registry: "ghcr.io:443", Repository: "acme/app", Tag: "sha256-1.sig"},
	}}
	fail = errors.New("disk full")
	if fresh, err := a.Accept(t.Context(), d); err == nil || fresh {
		t.Errorf("taken: %v %v", fresh, err)
	}
	fail, dropped = nil, nil
	if fresh, err := a.Accept(t.Context(), d); err != nil || !fresh {
		t.Errorf("not taken: %v %v", fresh, err)
	}
	if diff := cmp.Diff([]string{"ghcr.io/acme/app@" + string(question.Digest), "ghcr.io/acme/app@"}, dropped); diff != "" {
		t.Error(diff)
	}
}

// Who begins to ask after an event shares no answer with who asked before it.
func TestAnAnswerThatIsOldIsNotShared(t *testing.T) {
	t.Parallel()
	s := newShelf(t)
	begun, end := make(chan struct{}), make(chan struct{})
	there := signatures.Listed{Tag: &image.Answer{Body: []byte("{}"), MediaType: "x", DigestClaim: question.Digest}, At: noon}
	var group sync.WaitGroup
	group.Go(func() {
		got, err := s.List(t.Context(), question, func(context.Context) (signatures.Listed, error) {
			close(begun)
			<-end
			return there, nil
		})
		if err != nil || !got.Found() {
			t.Errorf("who asked before: %+v %v", got, err)
		}
	})
	<-begun
	if err := s.store.DropListings(t.Context(), "docker.io/acme/app", question.Digest, noon.Add(time.Second)); err != nil {
		t.Fatal(err)
	}
	looks := make(chan struct{})
	s.clock = func() time.Time { close(looks); return noon.Add(2 * time.Second) }
	group.Go(func() {
		got, err := s.List(t.Context(), question, func(context.Context) (signatures.Listed, error) {
			return signatures.Listed{At: noon.Add(2 * time.Second)}, nil
		})
		if err != nil || got.Found() {
			t.Errorf("who asked after it: %+v %v", got, err)
		}
	})
	<-looks
	time.Sleep(20 * time.Millisecond) // until it shares the question, or it asks itself
	close(end)
	group.Wait()
}
