package registry

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/intact-dev/intact/pkg/fact"
	"github.com/intact-dev/intact/pkg/image"
	"github.com/intact-dev/intact/pkg/internal/limits"
	"github.com/intact-dev/intact/pkg/internal/testregistry"
	"github.com/intact-dev/intact/pkg/ref"
)

// steps are what a scan asks of a Source.
var steps = map[string]func(ctx context.Context, s *Source, p pushed, layer ref.Descriptor) error{
	"tag": func(ctx context.Context, s *Source, p pushed, _ ref.Descriptor) error {
		_, err := s.Manifest(ctx, p.tag)
		return err
	},
	"digest": func(ctx context.Context, s *Source, p pushed, _ ref.Descriptor) error {
		_, err := s.Manifest(ctx, p.pinned)
		return err
	},
	"head": func(ctx context.Context, s *Source, p pushed, _ ref.Descriptor) error {
		_, err := s.Head(ctx, p.tag)
		return err
	},
	"blob": func(ctx context.Context, s *Source, p pushed, layer ref.Descriptor) error {
		b, err := s.Blob(ctx, p.pinned, layer)
		if err != nil {
			return err
		}
		_, err = io.CopyN(io.Discard, b, 1<<20)
		if errors.Is(err, io.EOF) {
			err = nil
		}
		return errors.Join(err, b.Close())
	},
	"has": func(ctx context.Context, s *Source, p pushed, layer ref.Descriptor) error {
		ok, err := s.HasBlob(ctx, p.pinned, layer)
		if err == nil && !ok {
			return &image.Error{Cause: fact.NotFound}
		}
		return err
	},
	"referrers": func(ctx context.Context, s *Source, p pushed, _ ref.Descriptor) error {
		_, _, err := s.Referrers(ctx, p.pinned, p.digest)
		return err
	},
}

const fine fact.Cause = "fine"

// TestHostileTransport: each lie about places, lengths, times and states ends as
// an error with its cause; none as an empty success.
func TestHostileTransport(t *testing.T) {
	t.Parallel()
	tests := []struct {
		mode string // the adversarial case it stands for
		want map[string]fact.Cause
		most int // requests in all
	}{
		{"redirect-loop", map[string]fact.Cause{"tag": fact.Limit, "blob": fact.Limit, "has": fact.Limit, "referrers": fact.Limit}, 24},   // NET-1
		{"redirect-circle", map[string]fact.Cause{"tag": fact.Limit, "blob": fact.Limit, "has": fact.Limit, "referrers": fact.Limit}, 24}, // NET-1
		{"redirect-metadata", map[string]fact.Cause{"tag": fact.Blocked, "blob": fact.Blocked, "has": fact.Blocked, "referrers": fact.Blocked}, 4},
		{"redirect-private", map[string]fact.Cause{"tag": fact.Blocked, "blob": fact.Blocked, "has": fact.Blocked, "referrers": fact.Blocked}, 4},
		{"redirect-odd", map[string]fact.Cause{"tag": fact.Blocked, "blob": fact.Blocked}, 2},
		{"redirect-file", map[string]fact.Cause{"tag": fact.Blocked, "blob": fact.Blocked}, 2},
		{"redirect-blob", map[string]fact.Cause{"tag": fine, "blob": fine, "has": fine}, 5},
		{"redirect-manifest", map[string]fact.Cause{"tag": fact.NotFound, "blob": fine}, 3},
		{"realm-elsewhere", map[string]fact.Cause{"tag": fact.Blocked, "blob": fact.Blocked}, 2}, // AUT-1
		{"realm-metadata", map[string]fact.Cause{"tag": fact.Blocked, "referrers": fact.Blocked}, 2},
		{"realm-file", map[string]fact.Cause{"tag": fact.Blocked}, 1},
		{"endless-manifest", map[string]fact.Cause{"tag": fact.Limit, "digest": fact.Limit}, 2},
		{"endless-blob", map[string]fact.Cause{"blob": fine}, 1}, // bounded by whoever knows the size
		{"oversize-manifest", map[string]fact.Cause{"tag": fact.Limit}, 1},
		{"cut-manifest", map[string]fact.Cause{"tag": fact.CutShort, "digest": fact.CutShort}, 8}, // NET-7
		{"cut-blob", map[string]fact.Cause{"blob": fact.CutShort, "tag": fine}, 2},
		{"cut-once", map[string]fact.Cause{"tag": fine}, 2},
		{"length-long", map[string]fact.Cause{"tag": fact.CutShort, "blob": fact.CutShort}, 5}, // REG-10
		{"length-short", map[string]fact.Cause{"tag": fine, "blob": fine}, 2},                  // the hash tells
		{"partial", map[string]fact.Cause{"tag": fact.ServerError, "blob": fact.ServerError}, 2},
		{"hang-up", map[string]fact.Cause{"tag": fact.Network}, 20},
		{"rate-limited", map[string]fact.Cause{"tag": fact.RateLimited, "referrers": fact.RateLimited}, 8}, // NET-6
		{"rate-limited-hour", map[string]fact.Cause{"tag": fact.RateLimited}, 1},
		{"rate-limited-twice", map[string]fact.Cause{"tag": fine}, 3},
		{"flaky", map[string]fact.Cause{"tag": fine}, 3},
		{"broken", map[string]fact.Cause{"tag": fact.ServerError, "head": fact.ServerError, "has": fact.ServerError, "referrers": fact.ServerError}, 16},
		{"unauthorized", map[string]fact.Cause{"tag": fact.Unauthenticated, "blob": fact.Unauthenticated, "has": fact.Unauthenticated}, 6},
		{"forbidden", map[string]fact.Cause{"tag": fact.Forbidden, "has": fact.Forbidden, "referrers": fact.Forbidden}, 3},
		{"missing", map[string]fact.Cause{"tag": fact.NotFound, "head": fact.NotFound, "has": fact.NotFound, "blob": fact.NotFound, "referrers": fine}, 6},
		{"no-head", map[string]fact.Cause{"head": fine, "has": fine}, 4},
		{"rude-error", map[string]fact.Cause{"tag": fact.NotFound}, 1}, // NET-12
	}
	for _, tt := range tests {
		t.Run(tt.mode, func(t *testing.T) {
			t.Parallel()
			p := push(t, testregistry.Options{})
			p.srv.MustMode(t, "", tt.mode)
			for step, want := range tt.want {
				if tt.mode == "cut-once" || tt.mode == "rate-limited-twice" {
					p.srv.MustMode(t, "", tt.mode)
				}
				s, _ := testSource(t, Options{Hosts: []Host{{Host: p.srv.Host, PlainHTTP: true, Credentials: &Credential{Username: "me", Password: canaryKey}}}})
				err := steps[step](t.Context(), s, p, p.layer(t))
				got := fine
				if err != nil {
					got = image.CauseOf(err)
				}
				if got != want {
					t.Errorf("%s: cause %q, want %q: %v", step, got, want, err)
				}
				noEscapes(t, err)
			}
			if n := len(p.srv.Requests()); n > tt.most {
				t.Errorf("%d requests, want at most %d", n, tt.most)
			}
			noCanary(t, p.srv, true)
		})
	}
}

func noEscapes(t *testing.T, err error) {
	t.Helper()
	if err != nil && strings.ContainsFunc(err.Error(), func(r rune) bool { return r < ' ' || r == 0x7f }) {
		t.Errorf("control characters in %q", err)
	}
}

// noCanary fails if the credential was shown where it is not for.
func noCanary(t *testing.T, srv *testregistry.Server, home bool) {
	t.Helper()
	shown := basic(Credential{Username: "me", Password: canaryKey})
	for _, q := range srv.Requests() {
		if home && q.Kind != testregistry.Elsewhere {
			continue
		}
		if q.Authorization() != "" || strings.Contains(q.Query, canaryKey) {
			t.Errorf("%s %s was shown %q (the credential: %v)", q.Method, q.Path, q.Authorization(), q.Authorization() == shown)
		}
	}
}

// TestHostileTime: an answer that does not come, or comes too slowly, ends within
// the limits. NET-5.
func TestHostileTime(t *testing.T) {
	t.Parallel()
	tests := []struct {
		mode, step string
		want       fact.Cause
	}{
		{"silent", "tag", fact.Network},
		{"silent", "has", fact.Network},
		{"slow-manifest", "tag", fact.Limit},
		{"slow-blob", "blob", fact.Limit},
		{"stall-blob", "blob", fact.Limit},
	}
	for _, tt := range tests {
		t.Run(tt.mode+"/"+tt.step, func(t *testing.T) {
			t.Parallel()
			p := push(t, testregistry.Options{})
			p.srv.MustMode(t, "", tt.mode)
			s, _ := testSource(t, Options{PlainHTTP: []string{p.srv.Host}, Retries: -1, window: 60 * time.Millisecond, header: 60 * time.Millisecond})
			err := steps[tt.step](t.Context(), s, p, p.layer(t))
			if got := image.CauseOf(err); err == nil || got != tt.want {
				t.Errorf("cause %q, want %q: %v", got, tt.want, err)
			}
		})
	}
}

// TestCallersEnd: the caller's deadline and cancellation are told apart from a
// server that does not answer.
func TestCallersEnd(t *testing.T) {
	t.Parallel()
	p := push(t, testregistry.Options{})
	for mode, step := range map[string]string{"silent": "tag", "stall-blob": "blob"} {
		p.srv.MustMode(t, "", mode)
		s, _ := testSource(t, Options{PlainHTTP: []string{p.srv.Host}})
		ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
		err := steps[step](ctx, s, p, p.layer(t))
		cancel()
		if got := image.CauseOf(err); err == nil || got != fact.Deadline {
			t.Errorf("%s: cause %q: %v", step, got, err)
		}
		ctx, cancel = context.WithCancel(t.Context())
		time.AfterFunc(20*time.Millisecond, cancel)
		err = steps[step](ctx, s, p, p.layer(t))
		if got := image.CauseOf(err); err == nil || got != fact.Cancelled {
			t.Errorf("%s: cause %q: %v", step, got, err)
		}
		cancel()
	}
}

// TestClaimsAreOnlyRecorded: what headers say changes nothing about the bytes.
// REG-4, REG-5, REG-6.
func TestClaimsAreOnlyRecorded(t *testing.T) {
	t.Parallel()
	for mode, want := range map[string]image.Answer{
		"lying-digest": {MediaType: "application/vnd.docker.distribution.manifest.v2+json", DigestClaim: ref.Digest("sha256:" + strings.Repeat("0", 64))},
		"wrong-type":   {MediaType: "application/vnd.oci.image.index.v1+json", DigestClaim: "right"},
		"text-type":    {MediaType: "text/plain", DigestClaim: "right"},
		"no-type":      {MediaType: "", DigestClaim: "right"},
		"schema-1":     {MediaType: "application/vnd.docker.distribution.manifest.v1+prettyjws", DigestClaim: "right"},
	} {
		t.Run(mode, func(t *testing.T) {
			t.Parallel()
			p := push(t, testregistry.Options{})
			p.srv.MustMode(t, repo, mode)
			s, _ := testSource(t, Options{})
			a, err := s.Manifest(t.Context(), p.pinned)
			if err != nil {
				t.Fatal(err)
			}
			if want.DigestClaim == "right" {
				want.DigestClaim = p.digest
			}
			right := ref.DigestOf(a.Body, "") == p.digest
			a.Body = nil
			if d := cmp.Diff(&want, a); d != "" || right != (mode != "schema-1") {
				t.Errorf("bytes right: %v; (-want +got)\n%s", right, d)
			}
		})
	}
}

// TestRetryAfter: what a server asks for is honoured up to the cap. NET-6.
func TestRetryAfter(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)
	tests := []struct {
		header string
		naps   []time.Duration // of three retries; none if it gives up
	}{
		{"", []time.Duration{500 * time.Millisecond, time.Second, 2 * time.Second}},
		{"1", []time.Duration{time.Second, time.Second, 2 * time.Second}},
		{"30", []time.Duration{30 * time.Second, 30 * time.Second, 30 * time.Second}},
		{"31", nil},
		{"1000000000", nil},
		{"9223372036854775807", nil},
		{"-1", []time.Duration{500 * time.Millisecond, time.Second, 2 * time.Second}},
		{"abc", []time.Duration{500 * time.Millisecond, time.Second, 2 * time.Second}},
		{"Thu, 01 Jan 1970 00:00:00 GMT", []time.Duration{500 * time.Millisecond, time.Second, 2 * time.Second}},
		{now.Add(5 * time.Second).Format(http.TimeFormat), []time.Duration{5 * time.Second, 5 * time.Second, 5 * time.Second}},
		{now.Add(time.Hour).Format(http.TimeFormat), nil},
	}
	for _, tt := range tests {
		e, n := lonelyEndpoint(t, Options{now: func() time.Time { return now }})
		calls := 0
		_, err := retry(t.Context(), e, func(context.Context) (int, error) {
			calls++
			return 0, &statusError{status: http.StatusTooManyRequests, after: tt.header}
		})
		if d := cmp.Diff(tt.naps, n.list()); d != "" || calls != len(tt.naps)+1 {
			t.Errorf("%q: %d calls, naps (-want +got)\n%s", tt.header, calls, d)
		}
		if c, _ := e.explain(t.Context(), err); c != fact.RateLimited {
			t.Errorf("%q: cause %q", tt.header, c)
		}
	}
	e, n := lonelyEndpoint(t, Options{})
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	_, err := retry(ctx, e, func(context.Context) (int, error) { return 0, &statusError{status: 503, after: "20"} })
	if len(n.list()) != 0 || err == nil || !strings.Contains(err.Error(), "deadline") {
		t.Errorf("waiting beyond the deadline: %v, %v", n.list(), err)
	}
}

func lonelyEndpoint(t *testing.T, o Options) (*endpoint, *naps) {
	t.Helper()
	s, n := testSource(t, o)
	e, err := s.endpoint(ref.Ref{Name: "registry.example.com/x"})
	if err != nil {
		t.Fatal(err)
	}
	return e, n
}

// TestLimitsNameThemselves: a limit that was hit names itself and its value.
func TestLimitsNameThemselves(t *testing.T) {
	t.Parallel()
	p := push(t, testregistry.Options{})
	p.srv.MustMode(t, "", "oversize-manifest")
	s, _ := testSource(t, Options{})
	_, err := s.Manifest(t.Context(), p.tag)
	var limit *limits.ExceededError
	if !errors.As(err, &limit) || limit.Limit != limits.Manifest || !strings.Contains(err.Error(), "4194304") || !strings.Contains(err.Error(), p.srv.Host) {
		t.Errorf("got %v", err)
	}
}

// TestPlainLoopback: a registry on this machine that does not speak TLS is found
// without a flag, once, and what goes wrong there is told as it is.
func TestPlainLoopback(t *testing.T) {
	t.Parallel()
	for mode, want := range map[string]fact.Cause{
		"": fine, "broken": fact.ServerError, "redirect-metadata": fact.Blocked, "hang-up": fact.Network, "missing": fact.NotFound,
	} {
		p := push(t, testregistry.Options{})
		p.srv.MustMode(t, "", mode)
		s, _ := testSource(t, Options{})
		for range 2 {
			err := steps["tag"](t.Context(), s, p, ref.Descriptor{})
			got := fine
			if err != nil {
				got = image.CauseOf(err)
			}
			if got != want {
				t.Errorf("%q: cause %q, want %q: %v", mode, got, want, err)
			}
		}
	}
}

func TestOffline(t *testing.T) {
	t.Parallel()
	p := push(t, testregistry.Options{})
	s, _ := testSource(t, Options{Offline: true})
	for name, step := range steps {
		err := step(t.Context(), s, p, p.layer(t))
		if image.CauseOf(err) != fact.Blocked || !strings.Contains(err.Error(), "--offline") {
			t.Errorf("%s: %v", name, err)
		}
	}
	if n := len(p.srv.Requests()); n != 0 {
		t.Errorf("%d requests", n)
	}
}
