package registry

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/pem"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"

	"github.com/intact-dev/intact/pkg/fact"
	"github.com/intact-dev/intact/pkg/image"
	"github.com/intact-dev/intact/pkg/ref"
)

// A flooder is a registry that speaks HTTP/2 as frames are given to it.
type flooder struct {
	host   string
	ca     []byte
	asked  atomic.Int64 // requests
	sent   atomic.Int64 // bytes
	writes sync.WaitGroup
}

// newFlooder answers each request by flood, which returns when a frame could not
// be written or no more is to come.
func newFlooder(t *testing.T, flood func(w *frames)) *flooder {
	t.Helper()
	f := &flooder{}
	srv := httptest.NewUnstartedServer(http.NotFoundHandler())
	srv.Config.ErrorLog = log.New(io.Discard, "", 0)
	srv.TLS = &tls.Config{MinVersion: tls.VersionTLS12, NextProtos: []string{"h2"}}
	srv.Config.TLSNextProto = map[string]func(*http.Server, *tls.Conn, http.Handler){
		"h2": func(_ *http.Server, conn *tls.Conn, _ http.Handler) { f.serve(conn, flood) },
	}
	srv.StartTLS()
	t.Cleanup(func() {
		srv.CloseClientConnections()
		srv.Close()
	})
	f.host = srv.Listener.Addr().String()
	f.ca = pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: srv.Certificate().Raw})
	return f
}

func (f *flooder) serve(conn net.Conn, flood func(w *frames)) {
	f.writes.Add(1)
	defer f.writes.Done()
	defer conn.Close()
	if _, err := io.CopyN(io.Discard, conn, int64(len(http2.ClientPreface))); err != nil {
		return
	}
	out := &counted{w: conn, n: &f.sent}
	in := http2.NewFramer(io.Discard, conn)
	w := &frames{Framer: http2.NewFramer(out, nil)}
	w.AllowIllegalWrites = true
	w.WriteSettings()
	answers := make(chan uint32, 64)
	go func() { // what the client says to the flood has to be taken from it
		defer close(answers)
		for {
			frame, err := in.ReadFrame()
			if err != nil {
				return
			}
			if h, ok := frame.(*http2.HeadersFrame); ok {
				answers <- h.StreamID
			}
		}
	}()
	for w.stream = range answers {
		f.asked.Add(1)
		flood(w)
	}
}

type counted struct {
	w io.Writer
	n *atomic.Int64
}

func (c *counted) Write(p []byte) (int, error) {
	n, err := c.w.Write(p)
	c.n.Add(int64(n))
	return n, err
}

// frames writes the frames of one answer.
type frames struct {
	*http2.Framer
	stream uint32
}

// forever calls write until it fails.
func forever(write func() error) {
	for write() == nil {
	}
}

// head encodes header fields, ":status" first.
func head(fields ...string) []byte {
	var b bytes.Buffer
	e := hpack.NewEncoder(&b)
	for i := 0; i < len(fields); i += 2 {
		_ = e.WriteField(hpack.HeaderField{Name: fields[i], Value: fields[i+1]})
	}
	return b.Bytes()
}

func (w *frames) headers(block []byte, last bool) error {
	return w.WriteHeaders(http2.HeadersFrameParam{StreamID: w.stream, BlockFragment: block, EndHeaders: last})
}

// TestHTTP2Floods: whatever frames a registry sends, the answer is an error with
// its cause, what is read and kept is bounded, and after Close nothing is read any
// more. NET-10. It must not run beside other tests: it looks at the heap.
func TestHTTP2Floods(t *testing.T) {
	const mib = 1 << 20
	log.SetOutput(io.Discard) // as the program does: the library logs what it does not know
	t.Cleanup(func() { log.SetOutput(os.Stderr) })
	ok := head(":status", "200", "content-type", "application/json")
	tests := []struct {
		name  string
		flood func(w *frames)
		want  fact.Cause
		asked int64 // requests, at most
		most  int64 // bytes that are read; 0 = what comes until our patience ends
	}{
		{"headers that go on and on", func(w *frames) {
			_ = w.headers(ok, false)
			more := literal(1000)
			forever(func() error { return w.WriteContinuation(w.stream, false, more) })
		}, fact.Network, 2, 32 * mib},
		{"empty continuations", func(w *frames) {
			_ = w.headers(ok, false)
			forever(func() error { return w.WriteContinuation(w.stream, false, nil) })
		}, fact.Network, 2, 0},
		{"little that expands to much", func(w *frames) {
			// One field of 4000 bytes in the table, and then its index of one byte: a MiB.
			big := head(":status", "200", "x", strings.Repeat("v", 4000))
			_ = w.headers(append(big, bytes.Repeat([]byte{0xbe}, 250)...), true)
		}, fact.Network, 2, 32 * mib},
		{"informational answers", func(w *frames) {
			early := head(":status", "103", "link", strings.Repeat("l", 100))
			forever(func() error { return w.headers(early, true) })
		}, fact.Network, 2, 0},
		{"pings", func(w *frames) { forever(func() error { return w.WritePing(false, [8]byte{}) }) }, fact.Network, 2, 0},
		{"settings", func(w *frames) { forever(func() error { return w.WriteSettings() }) }, fact.Network, 2, 0},
		{"window updates", func(w *frames) { forever(func() error { return w.WriteWindowUpdate(0, 1) }) }, fact.Network, 2, 0},
		{"unknown frames", func(w *frames) {
			forever(func() error { return w.WriteRawFrame(0xee, 0, w.stream, make([]byte, 16<<10)) })
		}, fact.Network, 2, 0},
		{"no size for frames", func(w *frames) { _ = w.WriteSettings(http2.Setting{ID: http2.SettingMaxFrameSize}) }, fact.Network, 2, mib},
		{"a window beyond bounds", func(w *frames) { _ = w.WriteSettings(http2.Setting{ID: http2.SettingInitialWindowSize, Val: 1 << 31}) }, fact.Network, 2, mib},
		{"a frame beyond bounds", func(w *frames) { _ = w.WriteRawFrame(http2.FrameData, 0, w.stream, make([]byte, 2*mib)) }, fact.Network, 2, 32 * mib},
		// The library waits a second, then two, before it asks again.
		{"resets", func(w *frames) { _ = w.WriteRSTStream(w.stream, http2.ErrCodeRefusedStream) }, fact.Deadline, 2, mib},
		{"promises", func(w *frames) {
			_ = w.WritePushPromise(http2.PushPromiseParam{StreamID: w.stream, PromiseID: 2, BlockFragment: ok, EndHeaders: true})
		}, fact.Network, 2, mib},
		{"a goodbye each", func(w *frames) { _ = w.WriteGoAway(0, http2.ErrCodeNo, nil) }, fact.Limit, connections, mib},
		{"goodbyes", func(w *frames) { forever(func() error { return w.WriteGoAway(0, http2.ErrCodeNo, nil) }) }, fact.Limit, connections, 32 * mib},
		{"nothing", func(*frames) {}, fact.Network, 2, 0},
		{"a body of empty frames", func(w *frames) {
			_ = w.headers(ok, true)
			forever(func() error { return w.WriteData(w.stream, false, nil) })
		}, fact.Limit, 2, 0},
		{"a body without end", func(w *frames) {
			_ = w.headers(ok, true)
			forever(func() error { return w.WriteData(w.stream, false, make([]byte, 16<<10)) })
		}, fact.Limit, 2, 32 * mib},
		{"trailers that go on and on", func(w *frames) {
			_ = w.headers(ok, true)
			_ = w.headers(literal(100), false)
			more := literal(1000)
			forever(func() error { return w.WriteContinuation(w.stream, false, more) })
		}, fact.CutShort, 2, 32 * mib},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			f := newFlooder(t, tt.flood)
			patience := 20 * time.Second
			if tt.most == 0 {
				patience = 50 * time.Millisecond
			}
			s, _ := testSource(t, Options{Hosts: []Host{{Host: f.host, CA: f.ca}}, Retries: 1, window: patience, header: patience})
			asked := ref.Ref{Name: f.host + "/" + repo, Tag: "v1"}
			e, err := s.endpoint(asked)
			if err != nil {
				t.Fatal(err)
			}
			e.transport.TLSHandshakeTimeout = time.Minute
			if tt.want == fact.Limit {
				e.transport.ResponseHeaderTimeout = time.Minute // the head comes, or nothing
			}
			before := heap()
			deadline := 10 * time.Second // a flood that held us would end by it
			if tt.want == fact.Deadline {
				deadline = 100 * time.Millisecond
			}
			ctx, cancel := context.WithTimeout(t.Context(), deadline)
			defer cancel()
			_, err = s.Manifest(ctx, asked)
			if got := image.CauseOf(err); err == nil || got != tt.want {
				t.Errorf("cause %q, want %q: %v", got, tt.want, err)
			}
			if kept := heap() - before; kept > 16*mib {
				t.Errorf("%d bytes are kept", kept)
			}
			s.Close()
			ended := make(chan struct{})
			go func() { f.writes.Wait(); close(ended) }()
			select {
			case <-ended: // the connection is closed, and the flood with it
			case <-time.After(10 * time.Second):
				t.Fatal("the flood is still read after Close")
			}
			if n := f.sent.Load(); tt.most > 0 && n > tt.most {
				t.Errorf("%d bytes were read, want at most %d", n, tt.most)
			}
			if n := f.asked.Load(); n < 1 || n > tt.asked {
				t.Errorf("%d requests, want at most %d", n, tt.asked)
			}
		})
	}
}

// literal is a block of n header fields of 16 bytes that enter no table.
func literal(n int) []byte {
	return bytes.Repeat([]byte("\x00\x01x\x0dvvvvvvvvvvvvv"), n)
}

func heap() int64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}
