// Package containerdclient asks containerd over its socket, through the
// generated packages of its API. It has no call that changes anything: no lease,
// no snapshot, no mount, no diff.
//
// https://github.com/containerd/containerd/tree/api/v1.12.0/api/services
package containerdclient

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"

	"github.com/intact-dev/intact/pkg/internal/limits"
)

// Options say how to reach a runtime.
type Options struct {
	// Address is the path of its socket, or unix:// and the path.
	Address string
	// Call bounds one request, Idle the wait for the next part of an answer that
	// comes in parts; 0 means limits.RequestHeader and limits.IdleBody.
	Call, Idle time.Duration
}

// A Conn is a connection to a runtime's socket, of whatever service. It may be
// used concurrently.
type Conn struct {
	grpc.ClientConnInterface
	close      func() error
	path       string
	call, idle time.Duration
}

// Connect connects to a socket. The error says why there is nobody to talk to;
// what speaks there turns out with the first call.
func Connect(ctx context.Context, o Options) (*Conn, error) {
	path, err := socketPath(o.Address)
	if err != nil {
		return nil, err
	}
	c := &Conn{path: path, call: o.Call, idle: o.Idle}
	if c.call == 0 {
		c.call = limits.RequestHeader
	}
	if c.idle == 0 {
		c.idle = limits.IdleBody
	}
	if err := c.probe(ctx); err != nil {
		return nil, err
	}
	cc, err := grpc.NewClient("passthrough:///localhost",
		grpc.WithContextDialer(func(ctx context.Context, _ string) (net.Conn, error) {
			var d net.Dialer
			return d.DialContext(ctx, "unix", path)
		}),
		grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithDefaultCallOptions(grpc.MaxCallRecvMsgSize(limits.RuntimeMessage)),
		// A layer is one stream: with gRPC's windows of 64 KiB it would mostly wait.
		grpc.WithInitialWindowSize(1<<20), grpc.WithInitialConnWindowSize(1<<20),
		grpc.WithDisableServiceConfig(), grpc.WithNoProxy(), grpc.WithUserAgent("intact"))
	if err != nil {
		return nil, c.fail(ctx, ctx, "connect to", "", err)
	}
	c.ClientConnInterface, c.close = cc, cc.Close
	return c, nil
}

// Close ends the connection and what still runs on it.
func (c *Conn) Close() error { return c.close() }

// Path is the socket's.
func (c *Conn) Path() string { return c.path }

// Call runs one request within its time. op and object name it in the error,
// which is an *image.Error: "list", `containers of namespace "k8s.io"`.
func (c *Conn) Call(ctx context.Context, op, object string, f func(context.Context) error) error {
	b := bounded(ctx, c.call)
	defer b.stop()
	if err := f(b.ctx); err != nil {
		return c.fail(ctx, b.ctx, op, object, err)
	}
	return nil
}

// A bound is a context that ends with the caller's, or when its timer fires. It
// has no deadline of its own: gRPC would tell the server, and the server's word
// that time is up may come before our clock says so.
type bound struct {
	ctx   context.Context
	timer *time.Timer
	stop  func()
}

func bounded(ctx context.Context, d time.Duration) bound {
	inner, cancel := context.WithCancelCause(context.WithoutCancel(ctx))
	timer := time.AfterFunc(d, func() { cancel(&silenceError{d}) })
	detach := context.AfterFunc(ctx, func() { cancel(context.Cause(ctx)) })
	return bound{inner, timer, func() {
		timer.Stop()
		detach()
		cancel(nil)
	}}
}

// A silenceError is a server that does not answer.
type silenceError struct{ after time.Duration }

func (e *silenceError) Error() string { return fmt.Sprintf("no answer within %s", e.after) }

// Each runs a request that is answered in parts and hands each to yield, whose
// error ends it and is returned as it is.
func Each[T any, S interface{ Recv() (*T, error) }](ctx context.Context, c *Conn, op, object string,
	open func(context.Context) (S, error), yield func(*T) error) error {
	s, err := start(ctx, c, op, object, open)
	if err != nil {
		return err
	}
	defer s.bound.stop()
	for {
		m, err := s.next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if err := yield(m); err != nil {
			return err
		}
	}
}

// A stream is an answer that comes in parts. The time between them is bounded
// while one is waited for, not while it is worked on.
type stream[T any] struct {
	recv       func() (*T, error)
	conn       *Conn
	op, object string
	outer      context.Context
	bound      bound
}

func start[T any, S interface{ Recv() (*T, error) }](ctx context.Context, c *Conn, op, object string,
	open func(context.Context) (S, error)) (*stream[T], error) {
	s := &stream[T]{conn: c, op: op, object: object, outer: ctx, bound: bounded(ctx, c.idle)}
	from, err := open(s.bound.ctx)
	s.bound.timer.Stop()
	if err != nil {
		err = c.fail(ctx, s.bound.ctx, op, object, err)
		s.bound.stop()
		return nil, err
	}
	s.recv = from.Recv
	return s, nil
}

// next returns io.EOF, unwrapped, after the last part.
func (s *stream[T]) next() (*T, error) {
	s.bound.timer.Reset(s.conn.idle)
	m, err := s.recv()
	s.bound.timer.Stop()
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, s.conn.fail(s.outer, s.bound.ctx, s.op, s.object, err)
	}
	return m, err
}
