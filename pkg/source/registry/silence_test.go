package registry

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/intact-dev/intact/pkg/fact"
	"github.com/intact-dev/intact/pkg/image"
	"github.com/intact-dev/intact/pkg/ref"
)

// A gone registry takes connections while it is up.
type gone struct {
	up    atomic.Bool
	dials atomic.Int64
	clock atomic.Int64 // nanoseconds that have passed
}

var errDial = errors.New("connection timed out")

func (g *gone) dial(ctx context.Context, network, address string) (net.Conn, error) {
	g.dials.Add(1)
	if !g.up.Load() {
		return nil, errDial
	}
	var d net.Dialer
	return d.DialContext(ctx, network, address)
}

func (g *gone) now() time.Time {
	return time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC).Add(time.Duration(g.clock.Load()))
}

func TestARegistryThatIsGoneIsNotWaitedForAgainAndAgain(t *testing.T) {
	srv := httptest.NewServer(http.NotFoundHandler())
	defer srv.Close()
	host := srv.Listener.Addr().String()
	g := &gone{}
	s, _ := testSource(t, Options{PlainHTTP: []string{host}, dial: g.dial, now: g.now})
	ask := func(want fact.Cause, dials int64) {
		t.Helper()
		before := g.dials.Load()
		_, err := s.Manifest(t.Context(), ref.Ref{Name: host + "/acme/app", Tag: "1"})
		if cause := image.CauseOf(err); cause != want {
			t.Errorf("cause %q: %v", cause, err)
		}
		if n := g.dials.Load() - before; n != dials {
			t.Errorf("%d connections, want %d: %v", n, dials, err)
		}
		if want == fact.Network && dials == 0 && !strings.Contains(err.Error(), "asked again every 10s") {
			t.Errorf("it does not say why nobody was asked: %v", err)
		}
	}
	ask(fact.Network, 4) // as often as any other
	for range 100 {
		ask(fact.Network, 0)
	}
	g.clock.Add(int64(hold))
	ask(fact.Network, 1) // is it back?
	ask(fact.Network, 0)
	g.clock.Add(int64(hold))
	g.up.Store(true)
	ask(fact.NotFound, 1)
	ask(fact.NotFound, 0)
	g.up.Store(false)
	srv.CloseClientConnections()
	ask(fact.Network, 4)
}

// What a registry leads to is somebody else: that it is gone says nothing of the
// registry.
func TestWhereARegistryLeadsMayBeGoneAlone(t *testing.T) {
	away := httptest.NewServer(http.NotFoundHandler())
	awayHost := away.Listener.Addr().String()
	away.Close()
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.Contains(r.URL.Path, "/blobs/") {
			http.Redirect(w, r, "http://"+awayHost+"/blob", http.StatusTemporaryRedirect)
			return
		}
		http.NotFound(w, r)
	}))
	defer srv.Close()
	host := srv.Listener.Addr().String()
	s, _ := testSource(t, Options{PlainHTTP: []string{host, awayHost}, AllowRedirect: []string{awayHost}})
	r := ref.Ref{Name: host + "/acme/app", Tag: "1"}
	for range 2 {
		if _, err := s.Blob(t.Context(), r, ref.Descriptor{Digest: ref.DigestOf(nil, "")}); image.CauseOf(err) != fact.Network {
			t.Errorf("blob: %q %v", image.CauseOf(err), err)
		}
		if _, err := s.Manifest(t.Context(), r); image.CauseOf(err) != fact.NotFound {
			t.Errorf("manifest: %v", err)
		}
	}
}

// Whoever waits to try again when another request has given up gives up, too.
func TestRequestsAtTheSameTimeGiveUpTogether(t *testing.T) {
	var s *Source
	r, dials := ref.Ref{Name: "127.0.0.1:1/acme/app", Tag: "1"}, 0
	s, _ = testSource(t, Options{PlainHTTP: []string{"127.0.0.1:1"}, dial: func(context.Context, string, string) (net.Conn, error) {
		dials++
		e, err := s.endpoint(r)
		if err != nil {
			t.Error(err)
		}
		e.silence.begin(time.Now(), time.Now(), errDial) // as another request does
		return nil, errDial
	}})
	if _, err := s.Manifest(t.Context(), r); image.CauseOf(err) != fact.Network || dials != 1 {
		t.Errorf("%d connections: %v", dials, err)
	}
}

// That it keeps still about one blob says nothing of the rest.
func TestARegistryThatAnswersOthersIsNotGone(t *testing.T) {
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.Contains(r.URL.Path, "/blobs/") {
			<-r.Context().Done()
			return
		}
		http.NotFound(w, r)
	}))
	defer srv.Close()
	host := srv.Listener.Addr().String()
	r := ref.Ref{Name: host + "/acme/app", Tag: "1"}
	var s *Source
	manifest := func() {
		if _, err := s.Manifest(t.Context(), r); image.CauseOf(err) != fact.NotFound {
			t.Errorf("manifest: %v", err)
		}
	}
	s, _ = testSource(t, Options{PlainHTTP: []string{host}, header: 30 * time.Millisecond, Retries: 1, sleep: func(context.Context, time.Duration) error {
		manifest() // another request, between two tries
		return nil
	}})
	if _, err := s.Blob(t.Context(), r, ref.Descriptor{Digest: ref.DigestOf(nil, "")}); image.CauseOf(err) != fact.Network {
		t.Errorf("blob: %v", err)
	}
	manifest()
}
