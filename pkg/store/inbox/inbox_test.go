package inbox_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"runtime"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/intact-dev/intact/pkg/store/database"
	"github.com/intact-dev/intact/pkg/store/inbox"
	"github.com/intact-dev/intact/pkg/store/jobs"
)

func TestEveryDeliveryIsHandedOnOnceAndRecognised(t *testing.T) {
	each(t, func(t *testing.T, open func(*testing.T) *database.DB) {
		db := open(t)
		b, q := box(t, db, inbox.Options{}), queue(t, db)
		const n = 100
		var all sync.WaitGroup
		for i := range n {
			for range 2 {
				all.Go(func() {
					if _, err := b.Accept(t.Context(), delivery(i)); err != nil {
						t.Error(err)
					}
				})
			}
		}
		all.Wait()
		if fresh, err := b.Accept(t.Context(), delivery(7)); fresh || err != nil {
			t.Errorf("a known delivery: fresh %v, %v", fresh, err)
		}
		if lag, err := b.Lag(t.Context()); err != nil || lag.Waiting != n || lag.Oldest <= 0 {
			t.Errorf("lag %+v, %v", lag, err)
		}
		handed := map[string]int{}
		move(t, b, q, func(d inbox.Delivery) ([]jobs.Task, error) {
			handed[d.Key]++
			return []jobs.Task{{Kind: "judge", Key: string(d.Events), Payload: d.Events}}, nil
		})
		if len(handed) != n || handed["7"] != 1 {
			t.Errorf("%d keys handed on, key 7 %d times", len(handed), handed["7"])
		}
		if fresh, err := b.Accept(t.Context(), delivery(7)); fresh || err != nil {
			t.Errorf("a moved delivery: fresh %v, %v", fresh, err)
		}
		lag, err := q.Lag(t.Context())
		if diff := cmp.Diff([]jobs.Lag{{Kind: "judge", Waiting: 10}}, lag, ignoreOldest); diff != "" || err != nil {
			t.Error(diff, err)
		}
	})
}

func TestAFullInboxRefuses(t *testing.T) {
	each(t, func(t *testing.T, open func(*testing.T) *database.DB) {
		db := open(t)
		b, q := box(t, db, inbox.Options{Limit: 3}), queue(t, db)
		for i := range 5 {
			if fresh, err := b.Accept(t.Context(), delivery(i)); errors.Is(err, inbox.ErrFull) != (i >= 3) || fresh != (i < 3) {
				t.Errorf("delivery %d: %v, %v", i, fresh, err)
			}
		}
		move(t, b, q, none)
		if fresh, err := b.Accept(t.Context(), delivery(4)); !fresh || err != nil {
			t.Errorf("after it was emptied: %v, %v", fresh, err)
		}
	})
}

func TestTryingLeavesNothingBehind(t *testing.T) {
	each(t, func(t *testing.T, open func(*testing.T) *database.DB) {
		db := open(t)
		b, q := box(t, db, inbox.Options{}), queue(t, db)
		for range 2 {
			b.Fail()
			if err := b.Try(t.Context()); err != nil {
				t.Error(err)
			}
		}
		if lag, err := b.Lag(t.Context()); err != nil || lag != (inbox.Lag{}) {
			t.Errorf("%+v, %v", lag, err)
		}
		if _, err := b.Accept(t.Context(), delivery(1)); err != nil {
			t.Error(err)
		}
		var handed []string
		move(t, b, q, func(d inbox.Delivery) ([]jobs.Task, error) {
			handed = append(handed, d.Key)
			return nil, nil
		})
		if diff := cmp.Diff([]string{"1"}, handed); diff != "" {
			t.Error(diff)
		}
		b.Fail()
		ended, end := context.WithCancel(t.Context())
		end()
		if err := b.Try(ended); err == nil {
			t.Error("nothing was tried")
		}
	})
}

func TestWhatCannotBeTranslatedIsRefusedAndHoldsNothingUp(t *testing.T) {
	each(t, func(t *testing.T, open func(*testing.T) *database.DB) {
		db := open(t)
		b, q := box(t, db, inbox.Options{}), queue(t, db)
		for i := range 4 {
			if _, err := b.Accept(t.Context(), delivery(i)); err != nil {
				t.Fatal(err)
			}
		}
		move(t, b, q, func(d inbox.Delivery) ([]jobs.Task, error) {
			switch d.Key {
			case "0":
				return nil, errors.New("no")
			case "1":
				panic("oh")
			case "2":
				return []jobs.Task{{Kind: "judge"}}, nil // without a key
			}
			return []jobs.Task{{Kind: "judge", Key: "a"}}, nil
		})
		lag, err := b.Lag(t.Context())
		if diff := cmp.Diff(inbox.Lag{Refused: 3}, lag); diff != "" || err != nil {
			t.Error(diff, err)
		}
		if lag, err := q.Lag(t.Context()); err != nil || len(lag) != 1 || lag[0].Waiting != 1 {
			t.Errorf("%+v, %v", lag, err)
		}
	})
}

func TestBadDeliveriesAreErrors(t *testing.T) {
	t.Parallel()
	b := box(t, sqlite(t)(t), inbox.Options{})
	for _, d := range []inbox.Delivery{
		{}, {Endpoint: "a", Events: []byte("1")}, {Key: "a", Events: []byte("1")}, {Endpoint: "a", Key: "b"}, {Endpoint: "a", Key: "b", Events: []byte("{")},
		{Endpoint: "a", Key: "b\x00", Events: []byte("1")}, {Endpoint: "a", Key: "b\xff", Events: []byte("1")}, {Endpoint: "a", Key: "b", Events: []byte("\"\xff\"")},
		{Endpoint: "a", Key: string(make([]byte, 2000)), Events: []byte("1")},
	} {
		if fresh, err := b.Accept(t.Context(), d); fresh || err == nil {
			t.Errorf("%+v: %v, %v", d, fresh, err)
		}
	}
}

func delivery(i int) inbox.Delivery {
	return inbox.Delivery{Endpoint: "hub", Key: fmt.Sprint(i), Received: time.Date(2026, 1, 2, 3, 4, 5, i, time.UTC), Events: fmt.Appendf(nil, "%d", i%10)}
}

func none(inbox.Delivery) ([]jobs.Task, error) { return nil, nil }

func box(t *testing.T, db *database.DB, o inbox.Options) *inbox.Inbox {
	t.Helper()
	o.Log = slog.New(slog.NewTextHandler(t.Output(), nil))
	b, err := inbox.Open(t.Context(), db, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := b.Close(); err != nil {
			t.Error(err)
		}
	})
	return b
}

func queue(t *testing.T, db *database.DB) *jobs.Queue {
	t.Helper()
	q, err := jobs.Open(t.Context(), db, jobs.Options{Log: slog.New(slog.NewTextHandler(t.Output(), nil))})
	if err != nil {
		t.Fatal(err)
	}
	return q
}

// move hands on until nothing waits.
func move(t *testing.T, b *inbox.Inbox, q *jobs.Queue, f func(inbox.Delivery) ([]jobs.Task, error)) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	var mover sync.WaitGroup
	mover.Go(func() { b.Move(ctx, q, f) })
	every := time.NewTicker(5 * time.Millisecond)
	defer every.Stop()
	for {
		lag, err := b.Lag(ctx)
		if err != nil {
			t.Fatal(err)
		}
		if lag.Waiting == 0 {
			break
		}
		<-every.C
	}
	cancel()
	mover.Wait()
}

func TestAFileThatWasPutBackGivesNoIDTwice(t *testing.T) {
	t.Parallel()
	open := sqlite(t)
	db := open(t)
	q := queue(t, db)
	use := func(first, n int) (handed []string) {
		b, err := inbox.Open(t.Context(), db, inbox.Options{})
		if err != nil {
			t.Fatal(err)
		}
		for i := range n {
			if fresh, err := b.Accept(t.Context(), delivery(first+i)); !fresh || err != nil {
				t.Errorf("delivery %d: %v, %v", first+i, fresh, err)
			}
		}
		move(t, b, q, func(d inbox.Delivery) ([]jobs.Task, error) {
			handed = append(handed, d.Key)
			return nil, nil
		})
		if err := b.Close(); err != nil {
			t.Fatal(err)
		}
		return handed
	}
	use(0, 1)
	copied, err := os.ReadFile(db.File + "-inbox")
	if err != nil {
		t.Fatal(err)
	}
	use(1, 5)
	if err := os.WriteFile(db.File+"-inbox", copied, 0o600); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"9"}, use(9, 1)); diff != "" {
		t.Error(diff)
	}
}

func TestOldDeliveriesGoOnceTheyAreHandedOn(t *testing.T) {
	each(t, func(t *testing.T, open func(*testing.T) *database.DB) {
		db := open(t)
		b, q := box(t, db, inbox.Options{Keep: time.Hour}), queue(t, db)
		old, young := delivery(0), delivery(1)
		old.Received, young.Received = time.Now().Add(-2*time.Hour), time.Now()
		for _, d := range []inbox.Delivery{old, young} {
			if _, err := b.Accept(t.Context(), d); err != nil {
				t.Fatal(err)
			}
		}
		again := func(want ...bool) {
			t.Helper()
			if err := inbox.Prune(b, t.Context()); err != nil {
				t.Fatal(err)
			}
			for i, d := range []inbox.Delivery{old, young} {
				if fresh, err := b.Accept(t.Context(), d); fresh != want[i] || err != nil {
					t.Errorf("delivery %d: fresh %v, %v", i, fresh, err)
				}
			}
		}
		again(false, false) // not handed on yet
		move(t, b, q, none)
		again(true, false)
	})
}

func TestAClosedInboxTakesNothing(t *testing.T) {
	each(t, func(t *testing.T, open func(*testing.T) *database.DB) {
		db := open(t)
		b := box(t, db, inbox.Options{})
		if _, err := b.Accept(t.Context(), delivery(0)); err != nil {
			t.Fatal(err)
		}
		if err := b.Close(); err != nil {
			t.Fatal(err)
		}
		if _, err := b.Accept(t.Context(), delivery(1)); !errors.Is(err, inbox.ErrClosed) {
			t.Errorf("got %v", err)
		}
		again := box(t, db, inbox.Options{})
		if lag, err := again.Lag(t.Context()); err != nil || lag.Waiting != 1 {
			t.Errorf("%+v, %v", lag, err)
		}
	})
}

// Not parallel: it looks at what all goroutines do.
func TestNothingGoesOnAfterClose(t *testing.T) {
	b := box(t, sqlite(t)(t), inbox.Options{})
	if _, err := b.Accept(t.Context(), delivery(0)); err != nil {
		t.Fatal(err)
	}
	if err := b.Close(); err != nil {
		t.Fatal(err)
	}
	stack := make([]byte, 1<<20)
	stack = stack[:runtime.Stack(stack, true)]
	if bytes.Contains(stack, []byte("inbox.(*")) {
		t.Error(string(stack))
	}
}
