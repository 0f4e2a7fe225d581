package api_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/intact-dev/intact/pkg/config"
	"github.com/intact-dev/intact/pkg/ref"
	"github.com/intact-dev/intact/pkg/serve/api"
	v1 "github.com/intact-dev/intact/pkg/serve/api/v1"
	"github.com/intact-dev/intact/pkg/store"
	"github.com/intact-dev/intact/pkg/store/jobs"
)

var now = time.Date(2026, 11, 26, 3, 0, 0, 0, time.UTC)

// Tokens of the service. None may ever be in a log, an answer or a label.
const (
	readToken  = "canary-read-0123456789abcdef0123456789"
	writeToken = "canary-write-0123456789abcdef0123456789"
	wrongToken = "canary-wrong-0123456789abcdef0123456789"
)

const (
	digestOne = ref.Digest("sha256:1111111111111111111111111111111111111111111111111111111111111111")
	digestTwo = ref.Digest("sha256:2222222222222222222222222222222222222222222222222222222222222222")
	app       = "ghcr.io/acme/app"
)

// A service is the API over a real store and queue.
type service struct {
	t      *testing.T
	store  *store.Store
	queue  *jobs.Queue
	server *httptest.Server
	log    *lockedBuffer

	mu     sync.Mutex
	counts map[string]int // "route status"
}

func (s *service) Answered(route string, status int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.counts[route+" "+http.StatusText(status)]++
}

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

var tokens = config.API{Tokens: []config.Token{
	{Name: "ci", Role: "writer", Token: config.Secret{Env: writeToken}},
	{Name: "board", Role: "reader", Token: config.Secret{Env: readToken}},
}}

// newService starts one. change may set options.
func newService(t *testing.T, a config.API, change func(*api.Options)) *service {
	t.Helper()
	s := &service{t: t, log: &lockedBuffer{}, counts: map[string]int{}}
	var err error
	if s.store, err = store.Open(t.Context(), filepath.Join(t.TempDir(), "store.db"), store.Options{Create: true}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.store.Close() })
	if s.queue, err = jobs.Open(t.Context(), s.store.Database(), jobs.Options{}); err != nil {
		t.Fatal(err)
	}
	o := api.Options{
		Store: s.store, Queue: s.queue, Counter: s, Now: func() time.Time { return now },
		Log:     slog.New(slog.NewJSONHandler(s.log, &slog.HandlerOptions{Level: slog.LevelDebug})),
		Watched: func(repository string) bool { return repository == app },
		Secret: func(where config.Secret) (string, error) {
			if where.File != "" {
				return "", errors.New("no such file")
			}
			return where.Env + "\n", nil
		},
	}
	if change != nil {
		change(&o)
	}
	h, err := api.New(a, o)
	if err != nil {
		t.Fatal(err)
	}
	s.server = httptest.NewServer(h)
	t.Cleanup(s.server.Close)
	return s
}

// An exchange is what came back.
type exchange struct {
	status int
	header http.Header
	body   []byte
}

func (s *service) do(method, path, token, body string, header ...string) exchange {
	s.t.Helper()
	r, err := http.NewRequestWithContext(s.t.Context(), method, s.server.URL+path, strings.NewReader(body))
	if err != nil {
		s.t.Fatal(err)
	}
	if token != "" {
		r.Header.Set("Authorization", "Bearer "+token)
	}
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	resp, err := s.server.Client().Do(r)
	if err != nil {
		s.t.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		s.t.Fatal(err)
	}
	if bytes.Contains(b, []byte("canary")) {
		s.t.Errorf("%s %s answers with a token: %s", method, path, b)
	}
	s.follows(r, body, resp, b)
	return exchange{resp.StatusCode, resp.Header, b}
}

// get reads an answer with status 200 into v.
func (s *service) get(path string, v any) exchange {
	s.t.Helper()
	e := s.do(http.MethodGet, path, readToken, "")
	if e.status != http.StatusOK {
		s.t.Fatalf("GET %s: %d %s", path, e.status, e.body)
	}
	if err := json.Unmarshal(e.body, v); err != nil {
		s.t.Fatalf("GET %s: %v", path, err)
	}
	return e
}

// refused expects a problem.
func (s *service) refused(e exchange, status int, says string) {
	s.t.Helper()
	var p v1.Problem
	if err := json.Unmarshal(e.body, &p); err != nil || e.header.Get("Content-Type") != "application/problem+json" {
		s.t.Fatalf("no problem: %d %s %v", e.status, e.body, err)
	}
	if e.status != status || p.Status != status || p.Title != http.StatusText(status) || !strings.Contains(p.Detail, says) {
		s.t.Errorf("got %d %+v, want %d with %q", e.status, p, status, says)
	}
}

func (s *service) observe(tag string, d ref.Digest, at time.Time) {
	s.t.Helper()
	o := store.Observation{Repository: app, Tag: tag, Digest: d, At: at, Source: "test"}
	if d != "" {
		o.Platforms = map[string]ref.Digest{"linux/amd64": d}
	}
	if _, _, err := s.store.Observe(s.t.Context(), o); err != nil {
		s.t.Fatal(err)
	}
}

const summaryDeny = `{"title":"ghcr.io/acme/app:1.0.0 moved: denied","lines":["is x\u001b[31m","deny TAG002: moved"],"before":"` + string(digestTwo) +
	`","moved":"2026-11-26T02:00:00Z","change":{"kind":"code","changes":[{"kind":"code","text":"/bin/app"}]},"decision":"deny","type":"image.judged"}`

func (s *service) record(v store.Verdict, hs ...store.Happening) int64 {
	s.t.Helper()
	if v.Repository == "" {
		v.Repository = app
	}
	if v.At.IsZero() {
		v.At = now.Add(-time.Minute)
	}
	v.Policy, v.Source = "sha256:policy", "webhook harbor"
	id, err := s.store.AddVerdict(context.WithoutCancel(s.t.Context()), v, hs...)
	if err != nil {
		s.t.Fatal(err)
	}
	return id
}
