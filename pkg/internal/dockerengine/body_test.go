package dockerengine

import (
	"context"
	"io"
	"testing"
	"time"

	"github.com/intact-dev/intact/pkg/fact"
)

// A trickle blocks until the request ends, as a body of HTTP does.
type trickle struct {
	ctx context.Context
	n   int
}

func (r *trickle) Read(p []byte) (int, error) {
	if r.n > 0 {
		r.n--
		p[0] = 'x'
		return 1, nil
	}
	<-r.ctx.Done()
	return 0, r.ctx.Err()
}

func (r *trickle) Close() error { return nil }

func TestAnswerThatStops(t *testing.T) {
	t.Parallel()
	ctx, stop := context.WithCancelCause(t.Context())
	b := &body{ctx: ctx, outer: t.Context(), stop: stop, rc: &trickle{ctx, 3}, credit: 10 * time.Millisecond}
	got, err := io.ReadAll(b)
	f, ok := err.(*failure) //nolint:errorlint // it does not unwrap
	if len(got) != 3 || !ok || f.cause != fact.Limit || f.text != errSlow.Error() {
		t.Errorf("%d bytes, %v; want 3 and %v", len(got), err, errSlow)
	}
	if err := b.Close(); err != nil {
		t.Error(err)
	}
}

// A caller who stops waiting is told so, whatever else went wrong.
func TestAnswerThatNobodyWaitsFor(t *testing.T) {
	t.Parallel()
	outer, cancel := context.WithCancel(t.Context())
	ctx, stop := context.WithCancelCause(outer)
	b := &body{ctx: ctx, outer: outer, stop: stop, rc: &trickle{ctx: ctx}, credit: time.Minute}
	cancel()
	if _, err := io.ReadAll(b); err != context.Canceled { //nolint:errorlint // as it is
		t.Errorf("error %v, want %v", err, context.Canceled)
	}
}
