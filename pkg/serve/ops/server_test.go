package ops_test

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"io"
	"log/slog"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/intact-dev/intact/pkg/serve/ops"
)

// lockedBuffer is a log.
type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// running is a server at address; stop ends it and returns what Serve did.
func running(t *testing.T, s *ops.Server) (address string, stop func() error) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	if s.Log == nil {
		s.Log = slog.New(slog.DiscardHandler)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- s.Serve(ctx, l) }()
	stop = sync.OnceValue(func() error { cancel(); return <-ended })
	t.Cleanup(func() { _ = stop() })
	return l.Addr().String(), stop
}

// issue writes a certificate with that serial number.
func issue(t *testing.T, certFile, keyFile string, serial int64) {
	t.Helper()
	cert, key := pair(t, serial)
	write(t, certFile, cert)
	write(t, keyFile, key)
}

func pair(t *testing.T, serial int64) (cert, key []byte) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(serial), Subject: pkix.Name{CommonName: "intact"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, private.Public(), private)
	if err != nil {
		t.Fatal(err)
	}
	k, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: k})
}

func write(t *testing.T, name string, b []byte) {
	t.Helper()
	if err := os.WriteFile(name, b, 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestTheCertificateIsReadAgain(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	certFile, keyFile := filepath.Join(dir, "tls.crt"), filepath.Join(dir, "tls.key")
	if _, err := ops.NewCertificate(certFile, keyFile, nil, nil); err == nil || !strings.Contains(err.Error(), certFile) {
		t.Fatalf("no file: %v", err)
	}
	issue(t, certFile, keyFile, 1)
	var clock atomic.Int64
	log := &lockedBuffer{}
	c, err := ops.NewCertificate(certFile, keyFile, slog.New(slog.NewTextHandler(log, nil)), func() time.Time { return time.Unix(clock.Add(2), 0) })
	if err != nil {
		t.Fatal(err)
	}
	address, _ := running(t, &ops.Server{Certificate: c, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { _, _ = io.WriteString(w, r.Proto) })})
	serial := func() int64 {
		t.Helper()
		d := tls.Dialer{Config: &tls.Config{InsecureSkipVerify: true}} //nolint:gosec // the serial number is what counts
		conn, err := d.DialContext(t.Context(), "tcp", address)
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		return conn.(*tls.Conn).ConnectionState().PeerCertificates[0].SerialNumber.Int64()
	}
	for _, step := range []struct {
		name   string
		change func()
		want   int64
		logged string
	}{
		{"as it was", func() {}, 1, ""},
		{"replaced", func() { issue(t, certFile, keyFile, 2) }, 2, "certificate changed"},
		{"only the key yet", func() { _, key := pair(t, 3); write(t, keyFile, key) }, 2, "the former one stays"},
		{"both", func() { issue(t, certFile, keyFile, 4) }, 4, "certificate changed"},
		{"no PEM", func() { write(t, certFile, []byte("-----BEGIN")) }, 4, "failed to find any PEM data"},
		{"gone", func() { _ = os.Remove(keyFile) }, 4, "no such file"},
		{"a folder", func() { _ = os.Mkdir(keyFile, 0o700) }, 4, "no file of at most"},
		{"back", func() { _ = os.Remove(keyFile); issue(t, certFile, keyFile, 5) }, 5, "certificate changed"},
	} {
		before := len(log.String())
		step.change()
		if got := serial(); got != step.want {
			t.Errorf("%s: certificate %d, want %d", step.name, got, step.want)
		}
		_ = serial() // what is wrong is said once
		if said := log.String()[before:]; strings.Count(said, "\n") > 1 || !strings.Contains(said, step.logged) || step.logged == "" && said != "" {
			t.Errorf("%s: logged %q", step.name, said)
		}
	}
}

// Every request that was handled is answered, whatever the server's end.
func TestShutdownUnderLoadLosesNoAnswer(t *testing.T) {
	t.Parallel()
	for name, secure := range map[string]bool{"plain": false, "TLS": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var handled, answered atomic.Int64
			health := ops.NewHealth(slog.New(slog.DiscardHandler), nil)
			s := &ops.Server{Drain: 50 * time.Millisecond, Health: health, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				handled.Add(1)
				b, _ := io.ReadAll(r.Body)
				_, _ = w.Write(b)
			})}
			transport := &http.Transport{MaxIdleConnsPerHost: 20}
			scheme := "http://"
			if secure {
				dir := t.TempDir()
				certFile, keyFile := filepath.Join(dir, "tls.crt"), filepath.Join(dir, "tls.key")
				issue(t, certFile, keyFile, 1)
				c, err := ops.NewCertificate(certFile, keyFile, slog.New(slog.DiscardHandler), nil)
				if err != nil {
					t.Fatal(err)
				}
				s.Certificate, scheme = c, "https://"
				transport.TLSClientConfig = &tls.Config{InsecureSkipVerify: true} //nolint:gosec // a test
				transport.ForceAttemptHTTP2 = true
			}
			address, stop := running(t, s)
			client := &http.Client{Transport: transport}
			t.Cleanup(transport.CloseIdleConnections)
			var all sync.WaitGroup
			enough := make(chan struct{})
			var once sync.Once
			for range 16 {
				all.Go(func() {
					for {
						// No GetBody: the client never sends it twice.
						r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, scheme+address, struct{ io.Reader }{strings.NewReader("event")})
						if err != nil {
							t.Error(err)
							return
						}
						resp, err := client.Do(r)
						if err != nil {
							return // the server is gone
						}
						b, err := io.ReadAll(resp.Body)
						_ = resp.Body.Close()
						if err != nil || string(b) != "event" {
							t.Errorf("a cut answer: %q %v", b, err)
							return
						}
						if answered.Add(1) >= 200 {
							once.Do(func() { close(enough) })
						}
					}
				})
			}
			<-enough
			if err := stop(); err != nil {
				t.Error(err)
			}
			all.Wait()
			if h, a := handled.Load(), answered.Load(); h != a {
				t.Errorf("%d requests were handled, and %d answers arrived", h, a)
			}
		})
	}
}

func TestRequestsThatDoNotEndAreCutOffAndTold(t *testing.T) {
	t.Parallel()
	entered, leave := make(chan struct{}), make(chan struct{})
	address, stop := running(t, &ops.Server{Grace: 20 * time.Millisecond, Handler: http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
		close(entered)
		<-leave
	})})
	defer close(leave)
	go func() {
		r, _ := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+address, nil)
		if resp, err := http.DefaultClient.Do(r); err == nil {
			_ = resp.Body.Close()
		}
	}()
	<-entered
	if err := stop(); err == nil || !strings.Contains(err.Error(), "cut off") {
		t.Errorf("%v", err)
	}
}

// A client that sends one byte after the other is let go, and nobody waits for it.
func TestSlowClientsAreLetGo(t *testing.T) {
	t.Parallel()
	address, _ := running(t, &ops.Server{HeaderTime: 100 * time.Millisecond, ReadTime: 200 * time.Millisecond, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if _, err := io.Copy(io.Discard, r.Body); err != nil {
			http.Error(w, "slow", http.StatusRequestTimeout)
		}
	})})
	var slow sync.WaitGroup
	for _, begin := range []string{"GET / HTT", "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\nab", "GET / HTTP/1.1\r\nX: "} {
		for range 20 {
			conn, err := net.Dial("tcp", address)
			if err != nil {
				t.Fatal(err)
			}
			slow.Go(func() {
				defer conn.Close()
				_ = conn.SetReadDeadline(time.Now().Add(5 * time.Second))
				_, _ = io.WriteString(conn, begin)
				var b [4096]byte
				for {
					if _, err := conn.Read(b[:]); err != nil {
						if errors.Is(err, os.ErrDeadlineExceeded) {
							t.Error("a slow client is still connected")
						}
						return
					}
				}
			})
		}
	}
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+address, nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	_ = resp.Body.Close()
	slow.Wait()
}

func TestHeadersAreBounded(t *testing.T) {
	t.Parallel()
	address, _ := running(t, &ops.Server{Handler: http.NotFoundHandler()})
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+address, nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("X", strings.Repeat("x", 64<<10))
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	_ = resp.Body.Close()
	if resp.StatusCode != http.StatusRequestHeaderFieldsTooLarge {
		t.Errorf("status %d", resp.StatusCode)
	}
}
