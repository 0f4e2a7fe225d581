package containerdclient

import (
	"context"
	"errors"
	"io"
	"testing"
	"testing/synctest"
	"time"

	"github.com/intact-dev/intact/pkg/fact"
	"github.com/intact-dev/intact/pkg/image"
)

// SetTimes changes the bounds of a client that is open.
func (c *Conn) SetTimes(call, idle time.Duration) { c.call, c.idle = call, idle }

// parts is a server that takes its time for each part.
type parts struct {
	ctx  context.Context
	take []time.Duration
}

func (p *parts) Recv() (*int, error) {
	if len(p.take) == 0 {
		return nil, io.EOF
	}
	select {
	case <-time.After(p.take[0]):
	case <-p.ctx.Done():
		return nil, p.ctx.Err()
	}
	p.take = p.take[1:]
	return new(int), nil
}

// What bounds a stream is the time that the server takes for one part: not the
// caller's time between two, not that of all together.
func TestTimeOfAStream(t *testing.T) {
	t.Parallel()
	const idle = 30 * time.Second
	tests := []struct {
		name   string
		take   []time.Duration
		caller time.Duration
		parts  int
		cause  fact.Cause
	}{
		{"slow_all_together", []time.Duration{idle - 1, idle - 1, idle - 1}, 0, 3, ""},
		{"slow_caller", []time.Duration{1, 1, 1}, 10 * idle, 3, ""},
		{"slow_part", []time.Duration{1, idle + 1, 1}, 0, 1, fact.Network},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := &Conn{path: "test", idle: idle}
				n := 0
				err := Each(t.Context(), c, "list", "parts",
					func(ctx context.Context) (*parts, error) { return &parts{ctx, tt.take}, nil },
					func(*int) error { n++; time.Sleep(tt.caller); return nil })
				if n != tt.parts || (err == nil) != (tt.cause == "") || err != nil && image.CauseOf(err) != tt.cause {
					t.Errorf("%d parts and %v", n, err)
				}
			})
		})
	}
}

// A stream that is opened late is bounded as well.
func TestTimeToOpenAStream(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := &Conn{path: "test", idle: time.Second}
		err := Each(t.Context(), c, "list", "parts",
			func(ctx context.Context) (*parts, error) { <-ctx.Done(); return nil, ctx.Err() },
			func(*int) error { return nil })
		if image.CauseOf(err) != fact.Network {
			t.Errorf("error %v", err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(time.Second/2, cancel)
		err = Each(ctx, c, "list", "parts",
			func(ctx context.Context) (*parts, error) { <-ctx.Done(); return nil, ctx.Err() },
			func(*int) error { return nil })
		if image.CauseOf(err) != fact.Cancelled || !errors.Is(err, context.Canceled) {
			t.Errorf("error %v", err)
		}
	})
}
