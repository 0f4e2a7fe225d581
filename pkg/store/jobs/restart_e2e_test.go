//go:build e2e

package jobs_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/intact-dev/intact/pkg/internal/testground"
	"github.com/intact-dev/intact/pkg/store/jobs"
)

func TestThePostgreSQLThatRestartsIsWaitedFor(t *testing.T) {
	t.Parallel()
	server, err := testground.StartPostgres(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := server.Close(); err != nil {
			t.Error(err)
		}
	})
	where, err := server.Database(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	ran := make(chan string, 100)
	q := queue(t, openDB(t, where), jobs.Kind{Backoff: 100 * time.Millisecond}, func(ctx context.Context, r *jobs.Run) error {
		return r.Commit(ctx, func(*jobs.Tx) error { ran <- r.Key; return nil })
	})
	for i := range 20 {
		want(t, q, jobs.Task{Kind: "test", Key: fmt.Sprint(i)})
	}
	receive(t, ran)
	if err := server.Restart(t.Context()); err != nil {
		t.Fatal(err)
	}
	every := time.NewTicker(100 * time.Millisecond)
	defer every.Stop()
	for q.Want(t.Context(), jobs.Task{Kind: "test", Key: "after"}) != nil {
		<-every.C
	}
	for _, l := range settled(t, q) {
		if l.Failed > 0 {
			t.Errorf("%+v", l)
		}
	}
}
