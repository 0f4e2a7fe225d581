package ops

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"sync/atomic"
	"time"
)

// A Server serves the service's handler until it is told to end.
type Server struct {
	Handler     http.Handler
	Certificate *Certificate // nil = plain HTTP
	Health      *Health      // told when the server is about to end; nil = nobody is
	Log         *slog.Logger
	// Drain is how long requests are still taken after [Health] says that the
	// service is about to end, so that whoever distributes them hears of it.
	Drain time.Duration
	// Grace is how long requests that are under way may take to end; 0 = 30 s.
	Grace time.Duration
	// Times of requests; 0 = the defaults.
	HeaderTime, ReadTime, WriteTime, IdleTime time.Duration
}

// What a client may take. Handlers have shorter limits for bodies; these hold for
// all of them.
const (
	headerTime = 10 * time.Second
	readTime   = 60 * time.Second
	writeTime  = 60 * time.Second
	idleTime   = 2 * time.Minute
	maxHeader  = 32 << 10
	graceTime  = 30 * time.Second
)

func or(d, otherwise time.Duration) time.Duration {
	if d > 0 {
		return d
	}
	return otherwise
}

// Serve serves l until ctx is done, then ends without losing an answer: it takes
// nothing new and waits for what is under way. It closes l. The error is nil after
// such an end.
func (s *Server) Serve(ctx context.Context, l net.Listener) error {
	var ending atomic.Bool
	// HTTP/1.1 alone: senders of webhooks need no more, and the library's shutdown of
	// HTTP/2 may wait for a client that goes on asking.
	protocols := new(http.Protocols)
	protocols.SetHTTP1(true)
	server := &http.Server{
		Protocols: protocols,
		Handler:   http1(closing(s.Handler, &ending)), MaxHeaderBytes: maxHeader,
		ReadHeaderTimeout: or(s.HeaderTime, headerTime), ReadTimeout: or(s.ReadTime, readTime),
		WriteTimeout: or(s.WriteTime, writeTime), IdleTimeout: or(s.IdleTime, idleTime),
		ErrorLog: slog.NewLogLogger(s.Log.Handler(), slog.LevelDebug), // what clients do wrong
		// A request that is under way outlives ctx.
		BaseContext: func(net.Listener) context.Context { return context.WithoutCancel(ctx) },
	}
	if s.Certificate != nil {
		server.TLSConfig = &tls.Config{MinVersion: tls.VersionTLS12, GetCertificate: s.Certificate.Get}
	}
	ended := make(chan error, 1)
	go func() {
		if s.Certificate != nil {
			ended <- server.ServeTLS(l, "", "")
			return
		}
		ended <- server.Serve(l)
	}()
	select {
	case err := <-ended:
		return fmt.Errorf("serve %s: %w", l.Addr(), err)
	case <-ctx.Done():
	}
	ending.Store(true)
	return s.end(context.WithoutCancel(ctx), server, l, ended)
}

// closing tells clients with their answer not to use the connection again, once
// the server is about to end: none should send into one that is being closed.
func closing(next http.Handler, ending *atomic.Bool) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if ending.Load() {
			w.Header().Set("Connection", "close")
		}
		next.ServeHTTP(w, r)
	})
}

// http1 refuses what begins HTTP/2. The library hands it on as a request, PRI *, for
// handlers that would go on in HTTP/2 themselves; it closes the connection.
func http1(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.ProtoMajor != 1 {
			http.Error(w, "expected HTTP/1.1", http.StatusHTTPVersionNotSupported)
			return
		}
		next.ServeHTTP(w, r)
	})
}

func (s *Server) end(ctx context.Context, server *http.Server, l net.Listener, ended <-chan error) error {
	if s.Health != nil {
		s.Health.Stop()
	}
	if s.Drain > 0 {
		drained := time.NewTimer(s.Drain)
		defer drained.Stop()
		select {
		case err := <-ended:
			return fmt.Errorf("serve %s: %w", l.Addr(), err)
		case <-drained.C:
		}
	}
	grace := or(s.Grace, graceTime)
	ctx, cancel := context.WithTimeout(ctx, grace)
	defer cancel()
	err := server.Shutdown(ctx)
	if errors.Is(err, context.DeadlineExceeded) {
		err = errors.Join(fmt.Errorf("requests were under way after %s and were cut off", grace), server.Close())
	}
	if e := <-ended; !errors.Is(e, http.ErrServerClosed) {
		err = errors.Join(err, e)
	}
	if err != nil {
		return fmt.Errorf("end serving %s: %w", l.Addr(), err)
	}
	return nil
}
