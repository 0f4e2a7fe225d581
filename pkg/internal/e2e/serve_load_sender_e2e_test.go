//go:build e2e && long && linux

package e2e_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"sync"
	"time"
)

// A sender posts deliveries over connections that it keeps, each request by one
// goroutine from the first byte to the last: what is measured is the service, and
// not how a client's goroutines wake each other on the processors that both share.
type sender struct {
	mu   sync.Mutex
	idle map[string][]*line // by address
}

type line struct {
	net.Conn
	r *bufio.Reader
}

// patience with one request.
const requestTime = 10 * time.Second

func (s *sender) line(ctx context.Context, address string) (*line, error) {
	s.mu.Lock()
	if n := len(s.idle[address]); n > 0 {
		l := s.idle[address][n-1]
		s.idle[address] = s.idle[address][:n-1]
		s.mu.Unlock()
		return l, nil
	}
	s.mu.Unlock()
	d := net.Dialer{Timeout: requestTime}
	c, err := d.DialContext(ctx, "tcp", address)
	if err != nil {
		return nil, err
	}
	return &line{c, bufio.NewReader(c)}, nil
}

func (s *sender) keep(address string, l *line) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.idle == nil {
		s.idle = map[string][]*line{}
	}
	s.idle[address] = append(s.idle[address], l)
}

// post sends one delivery and returns nil if it is acknowledged.
func (s *sender) post(ctx context.Context, address string, body []byte) error {
	l, err := s.line(ctx, address)
	if err != nil {
		return err
	}
	request := fmt.Appendf(nil, "POST /hooks/local HTTP/1.1\r\nHost: %s\r\nAuthorization: Bearer %s\r\n"+
		"Content-Type: application/vnd.docker.distribution.events.v1+json\r\nContent-Length: %d\r\n\r\n", address, hookSecret, len(body))
	resp, err := l.do(append(request, body...))
	if err != nil || resp.Close {
		_ = l.Close()
	} else {
		s.keep(address, l)
	}
	switch {
	case err != nil:
		return err
	case resp.StatusCode/100 != 2:
		return fmt.Errorf("%s", resp.Status)
	}
	return nil
}

func (l *line) do(request []byte) (*http.Response, error) {
	if err := l.SetDeadline(time.Now().Add(requestTime)); err != nil {
		return nil, err
	}
	if _, err := l.Write(request); err != nil {
		return nil, err
	}
	resp, err := http.ReadResponse(l.r, nil)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	_, err = io.Copy(io.Discard, resp.Body)
	return resp, err
}

func (s *sender) close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, all := range s.idle {
		for _, l := range all {
			_ = l.Close()
		}
	}
	s.idle = nil
}
