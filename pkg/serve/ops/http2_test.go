package ops_test

import (
	"bufio"
	"crypto/tls"
	"io"
	"log/slog"
	"net"
	"net/http"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/intact-dev/intact/pkg/serve/ops"
)

// preface is how a client begins HTTP/2, and an empty SETTINGS frame.
//
// https://www.rfc-editor.org/rfc/rfc9113#section-3.4
const preface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + "\x00\x00\x00\x04\x00\x00\x00\x00\x00"

// TestHTTP2IsNotSpoken: neither by ALPN, nor to who begins with it, nor by an
// upgrade. What a client sends in it reaches no handler. NET-10.
func TestHTTP2IsNotSpoken(t *testing.T) {
	t.Parallel()
	for name, secure := range map[string]bool{"plain": false, "TLS": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var handled atomic.Int64
			s := &ops.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				handled.Add(1)
				_, _ = io.WriteString(w, r.Proto)
			})}
			if secure {
				dir := t.TempDir()
				certFile, keyFile := filepath.Join(dir, "tls.crt"), filepath.Join(dir, "tls.key")
				issue(t, certFile, keyFile, 1)
				c, err := ops.NewCertificate(certFile, keyFile, slog.New(slog.DiscardHandler), nil)
				if err != nil {
					t.Fatal(err)
				}
				s.Certificate = c
			}
			address, _ := running(t, s)
			connect := func(protocols ...string) (net.Conn, error) {
				conn, err := net.Dial("tcp", address)
				if err != nil {
					t.Fatal(err)
				}
				t.Cleanup(func() { _ = conn.Close() })
				_ = conn.SetDeadline(time.Now().Add(5 * time.Second))
				if !secure {
					return conn, nil
				}
				over := tls.Client(conn, &tls.Config{InsecureSkipVerify: true, NextProtos: protocols}) //nolint:gosec // a test
				return over, over.HandshakeContext(t.Context())
			}
			if secure {
				if conn, err := connect("h2"); err == nil && conn.(*tls.Conn).ConnectionState().NegotiatedProtocol != "" {
					t.Error("h2 alone was agreed on")
				}
				conn, err := connect("h2", "http/1.1")
				if err != nil || conn.(*tls.Conn).ConnectionState().NegotiatedProtocol == "h2" {
					t.Errorf("h2 was preferred: %v", err)
				}
			}
			conn, err := connect()
			if err != nil {
				t.Fatal(err)
			}
			if _, err := io.WriteString(conn, preface); err != nil {
				t.Fatal(err)
			}
			said, err := io.ReadAll(conn) // the connection is closed
			if err != nil && !strings.Contains(err.Error(), "reset") || !strings.HasPrefix(string(said), "HTTP/1.1 505 ") {
				t.Errorf("to the preface of HTTP/2: %q, %v", said, err)
			}
			if n := handled.Load(); n != 0 {
				t.Errorf("%d requests in HTTP/2 reached the handler", n)
			}
			if conn, err = connect(); err != nil {
				t.Fatal(err)
			}
			_, _ = io.WriteString(conn, "GET / HTTP/1.1\r\nHost: x\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAoAAAAAIAAAAA\r\n\r\n")
			resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
			if err != nil {
				t.Fatal(err)
			}
			defer resp.Body.Close()
			if b, err := io.ReadAll(resp.Body); err != nil || resp.StatusCode != http.StatusOK || string(b) != "HTTP/1.1" {
				t.Errorf("to an upgrade: %d %q, %v", resp.StatusCode, b, err)
			}
		})
	}
}
