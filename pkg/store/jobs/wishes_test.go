package jobs_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/intact-dev/intact/pkg/store/database"
	"github.com/intact-dev/intact/pkg/store/jobs"
)

func TestAWishForLaterDuringARunWaits(t *testing.T) {
	each(t, func(t *testing.T, open func(*testing.T) *database.DB) {
		entered, leave := make(chan string, 10), make(chan bool)
		q := queue(t, open(t), jobs.Kind{}, func(_ context.Context, r *jobs.Run) error {
			entered <- string(r.Payload)
			<-leave
			return nil
		})
		a := jobs.Task{Kind: "test", Key: "a", Payload: []byte("1")}
		later := a
		later.Payload, later.NotBefore = []byte("2"), time.Now().Add(time.Hour)
		want(t, q, a)
		receive(t, entered)
		want(t, q, later)
		leave <- true
		if diff := cmp.Diff([]jobs.Lag{{Kind: "test", Later: 1}}, settled(t, q)); diff != "" {
			t.Error(diff)
		}
		// Of two wishes during a run the earlier one counts.
		a.Payload = []byte("3")
		want(t, q, a)
		if got := receive(t, entered); got != "3" {
			t.Errorf("ran with %s", got)
		}
		want(t, q, later)
		want(t, q, a)
		leave <- true
		if got := receive(t, entered); got != "3" {
			t.Errorf("ran with %s", got)
		}
		leave <- true
		if diff := cmp.Diff([]jobs.Lag{{Kind: "test"}}, settled(t, q)); diff != "" {
			t.Error(diff)
		}
	})
}

func TestAWishForLaterDoesNotHoldUpOneDuringTheSameRun(t *testing.T) {
	each(t, func(t *testing.T, open func(*testing.T) *database.DB) {
		entered, leave := make(chan string, 10), make(chan bool)
		q := queue(t, open(t), jobs.Kind{}, func(_ context.Context, r *jobs.Run) error {
			entered <- string(r.Payload)
			<-leave
			return nil
		})
		now, later := jobs.Task{Kind: "test", Key: "a"}, jobs.Task{Kind: "test", Key: "a", NotBefore: time.Now().Add(time.Hour)}
		task := func(of jobs.Task, payload string) jobs.Task { of.Payload = []byte(payload); return of }
		want(t, q, task(now, "1"))
		receive(t, entered)
		want(t, q, task(now, "2"))
		want(t, q, task(later, "3"))
		want(t, q, task(later, "4"))
		leave <- true
		if got := receive(t, entered); got != "4" {
			t.Errorf("ran with %s", got)
		}
		// What that run answers makes no wish begin earlier.
		want(t, q, task(later, "5"))
		leave <- true
		if diff := cmp.Diff([]jobs.Lag{{Kind: "test", Later: 1}}, settled(t, q)); diff != "" {
			t.Error(diff)
		}
	})
}

// A wish for soon, while the task waits for much later, is for soon: neither for then
// nor for now. That is how what follows a push is looked at once, after it.
func TestAWishForSoonIsForSoon(t *testing.T) {
	each(t, func(t *testing.T, open func(*testing.T) *database.DB) {
		began := make(chan time.Time, 10)
		q := queue(t, open(t), jobs.Kind{}, func(_ context.Context, r *jobs.Run) error { began <- time.Now(); return nil })
		task := jobs.Task{Kind: "test", Key: "a"}
		at := func(d time.Duration) jobs.Task { task.NotBefore = time.Now().Add(d); return task }
		want(t, q, at(time.Hour))
		soon := at(2 * time.Second)
		want(t, q, soon)
		if s, ok, err := q.State(t.Context(), "test", "a"); err != nil || !ok || s.Due.Sub(soon.NotBefore).Abs() > 100*time.Millisecond {
			t.Errorf("due %s and not %s, %v", s.Due, soon.NotBefore, err)
		}
		for range 5 { // none of them moves it
			want(t, q, at(2*time.Second))
		}
		want(t, q, at(time.Hour))
		if got := receive(t, began); got.Before(soon.NotBefore) {
			t.Errorf("it began %s before its time", soon.NotBefore.Sub(got))
		}
		if diff := cmp.Diff([]jobs.Lag{{Kind: "test"}}, settled(t, q)); diff != "" || len(began) > 0 {
			t.Errorf("%s; it began %d times more", diff, len(began))
		}
		// And one for now is for now.
		want(t, q, at(time.Hour))
		want(t, q, at(10*time.Minute))
		want(t, q, jobs.Task{Kind: "test", Key: "a"})
		receive(t, began)
		if diff := cmp.Diff([]jobs.Lag{{Kind: "test"}}, settled(t, q)); diff != "" {
			t.Error(diff)
		}
	})
}

func TestATaskThatLostItsJobRunsWhenItIsWantedAgain(t *testing.T) {
	each(t, func(t *testing.T, open func(*testing.T) *database.DB) {
		db := open(t)
		runs := make(chan string, 10)
		q := queue(t, db, jobs.Kind{}, func(_ context.Context, r *jobs.Run) error { runs <- string(r.Payload); return nil })
		past := database.Micros(time.Now().Add(-2 * time.Minute))
		if _, err := db.Write.ExecContext(t.Context(), `INSERT INTO tasks (kind, key, payload, wanted, done, due, changed) VALUES ('test', 'a', '1', $1, $2, $3, $3)`,
			past, past-1, past); err != nil {
			t.Fatal(err)
		}
		want(t, q, jobs.Task{Kind: "test", Key: "a", Payload: []byte("2")})
		if got := receive(t, runs); got != "2" {
			t.Errorf("ran with %s", got)
		}
		settled(t, q)
	})
}

// Many wishes in a statement: each is of its own task, with what it says.
func TestManyWishesAtOnce(t *testing.T) {
	each(t, func(t *testing.T, open func(*testing.T) *database.DB) {
		const n = 300
		got := make(chan jobs.Task, 2*n)
		q := idle(t, open(t))
		if err := q.Handle("test", jobs.Kind{Concurrency: 16}, func(_ context.Context, r *jobs.Run) error { got <- r.Task; return nil }); err != nil {
			t.Fatal(err)
		}
		var tasks []jobs.Task
		wanted := map[string]string{}
		for i := range n {
			key := fmt.Sprintf("%d \"'<\u2028é\\ %c", i, rune(0x4e00+i))
			wanted[key] = fmt.Sprintf(`{"n": %d, "s": "<\u0001\"é"}`, i)
			tasks = append(tasks, jobs.Task{Kind: "test", Key: key, Payload: []byte(wanted[key])})
		}
		for range 3 { // new ones, then ones that wait
			want(t, q, tasks...)
		}
		start(t, q)
		for range n {
			r := receive(t, got)
			if wanted[r.Key] != string(r.Payload) {
				t.Errorf("%q ran with %s", r.Key, r.Payload)
			}
			delete(wanted, r.Key)
		}
		settled(t, q)
		if len(wanted)+len(got) > 0 {
			t.Errorf("%d did not run, %d ran twice", len(wanted), len(got))
		}
	})
}

// Wishes for tasks that wait, as a busy service has them: a batch of 16 of 200.
func BenchmarkWishes(b *testing.B) {
	db, err := database.Open(b.Context(), b.TempDir()+"/store.db")
	if err != nil {
		b.Fatal(err)
	}
	defer db.Close()
	if err := db.Migrate(b.Context()); err != nil {
		b.Fatal(err)
	}
	q, err := jobs.Open(b.Context(), db, jobs.Options{})
	if err != nil {
		b.Fatal(err)
	}
	n := 0
	for b.Loop() {
		var tasks []jobs.Task
		for range 16 {
			tasks = append(tasks, jobs.Task{Kind: "test", Key: fmt.Sprint(n % 200), Payload: []byte(`{"cause":"webhook"}`)})
			n++
		}
		if err := q.Want(b.Context(), tasks...); err != nil {
			b.Fatal(err)
		}
	}
}
