package client_test

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/intact-dev/intact/pkg/client"
	"github.com/intact-dev/intact/pkg/config"
	"github.com/intact-dev/intact/pkg/policy"
	"github.com/intact-dev/intact/pkg/ref"
	"github.com/intact-dev/intact/pkg/serve/api"
	v1 "github.com/intact-dev/intact/pkg/serve/api/v1"
	"github.com/intact-dev/intact/pkg/serve/judge"
	"github.com/intact-dev/intact/pkg/store"
	"github.com/intact-dev/intact/pkg/store/jobs"
)

const (
	token  = "canary-0123456789abcdef0123456789abcdef"
	digest = ref.Digest("sha256:1111111111111111111111111111111111111111111111111111111111111111")
)

var tag = ref.Ref{Name: "ghcr.io/acme/app", Tag: "1.0.0"}

// newServer is a real API, with a task that judges by adding a verdict.
func newServer(t *testing.T, fails bool) (*client.Client, *store.Store) {
	t.Helper()
	s, err := store.Open(t.Context(), filepath.Join(t.TempDir(), "store.db"), store.Options{Create: true})
	if err != nil {
		t.Fatal(err)
	}
	q, err := jobs.Open(t.Context(), s.Database(), jobs.Options{})
	if err != nil {
		t.Fatal(err)
	}
	at := time.Now()
	err = q.Handle(judge.Kind, jobs.Kind{Attempts: 1}, func(ctx context.Context, r *jobs.Run) error {
		if fails {
			return errors.New("no luck")
		}
		if _, _, err := s.Observe(ctx, store.Observation{Repository: tag.Name, Tag: tag.Tag, Digest: digest, At: at, Source: "test"}); err != nil {
			return err
		}
		_, err := s.AddVerdict(ctx, store.Verdict{Repository: tag.Name, Tag: tag.Tag, Digest: digest, Decision: "deny", At: at, Summary: []byte(`{"title":"no","decision":"deny","type":"image.judged"}`)},
			store.Happening{Type: "image.judged", Subject: tag.String(), At: at})
		return err
	})
	if err == nil {
		err = q.Start(t.Context())
	}
	if err != nil {
		t.Fatal(err)
	}
	h, err := api.New(config.API{Tokens: []config.Token{{Name: "ci", Role: "writer", Token: config.Secret{Env: "T"}}}}, api.Options{
		Store: s, Queue: q, Watched: func(name string) bool { return name == tag.Name }, Log: slog.New(slog.DiscardHandler),
		Secret: func(config.Secret) (string, error) { return token, nil },
	})
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(http.StripPrefix("/intact", h))
	t.Cleanup(func() {
		server.Close()
		ctx, cancel := context.WithTimeout(context.WithoutCancel(t.Context()), 10*time.Second)
		defer cancel()
		if err := errors.Join(q.Stop(ctx), s.Close()); err != nil {
			t.Error(err)
		}
	})
	c, err := client.New(server.URL+"/intact/", token, client.Options{UserAgent: "intact/test"})
	if err != nil {
		t.Fatal(err)
	}
	return c, s
}

func TestAScanAndWhatCameOfIt(t *testing.T) {
	t.Parallel()
	c, _ := newServer(t, false)
	ctx := t.Context()
	if _, err := c.Latest(ctx, tag); !client.NotFound(err) {
		t.Fatalf("nothing is judged: %v", err)
	}
	scan, err := c.Scan(ctx, tag)
	if err != nil {
		t.Fatal(err)
	}
	if scan, err = c.Wait(ctx, scan, 5*time.Millisecond); err != nil || scan.State != v1.Done {
		t.Fatalf("%+v %v", scan, err)
	}
	latest, err := c.Latest(ctx, tag)
	if err != nil || latest.Verdict.Decision != policy.Deny || !latest.Current {
		t.Errorf("latest %+v %v", latest, err)
	}
	if v, err := c.Verdict(ctx, latest.Verdict.ID); err != nil || v.Digest != digest {
		t.Errorf("verdict %+v %v", v, err)
	}
	if w, err := c.Why(ctx, latest.Verdict.ID); err != nil || w.Summary.Title != "no" {
		t.Errorf("why %+v %v", w, err)
	}
	if h, err := c.History(ctx, tag, 0, 1); err != nil || len(h.Transitions) != 1 || h.Transitions[0].To != digest {
		t.Errorf("history %+v %v", h, err)
	}
	if tags, err := c.Tags(ctx, tag.Name, "0"); err != nil || len(tags.Tags) != 1 {
		t.Errorf("tags %+v %v", tags, err)
	}
	if e, err := c.Events(ctx, 0, "image.judged"); err != nil || len(e.Events) != 1 || e.After != e.Events[0].ID {
		t.Errorf("events %+v %v", e, err)
	}
	if i, err := c.Inventory(ctx, ""); err != nil || len(i.Places) != 0 {
		t.Errorf("inventory %+v %v", i, err)
	}
	if p, err := c.Checkpoint(ctx); err != nil || p.Size != 1 {
		t.Errorf("checkpoint %+v %v", p, err)
	}
	if _, err := c.Scan(ctx, ref.Ref{Name: "ghcr.io/acme/other", Tag: "1"}); err == nil || !strings.Contains(err.Error(), "no repository that this service watches") {
		t.Errorf("not watched: %v", err)
	}
}

func TestAScanThatIsGivenUp(t *testing.T) {
	t.Parallel()
	c, _ := newServer(t, true)
	scan, err := c.Scan(t.Context(), tag)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.Wait(t.Context(), scan, 5*time.Millisecond); err == nil || !strings.Contains(err.Error(), "no luck") {
		t.Errorf("%v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	scan.State = v1.Waiting
	if _, err := c.Wait(ctx, scan, time.Hour); !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
}

func TestServersThatAreRefused(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ address, token, says string }{
		{"intact.acme.example", token, "expected a URL"},
		{"ftp://x", token, "expected a URL"},
		{"https://", token, "expected a URL"},
		{"https://user:canary@x", token, "without a user"},
		{"https://x?token=canary", token, "without a user"},
		{"http://intact.acme.example", token, "plain HTTP"},
		{"http://10.0.0.1", token, "plain HTTP"},
		{"https://x", "", "INTACT_SERVER_TOKEN"},
		{"https://x", token + "\n", "line ends"},
	} {
		_, err := client.New(tt.address, tt.token, client.Options{})
		if err == nil || !strings.Contains(err.Error(), tt.says) || strings.Contains(err.Error(), "canary") {
			t.Errorf("%s: %v", tt.address, err)
		}
	}
	for _, address := range []string{"https://x", "http://127.0.0.1:8080", "http://localhost", "http://[::1]:1"} {
		if _, err := client.New(address, token, client.Options{}); err != nil {
			t.Errorf("%s: %v", address, err)
		}
	}
}

// What stands in the place of the API never gets past the client, and nobody else
// gets the token.
func TestAnswersThatAreNone(t *testing.T) {
	t.Parallel()
	var asked atomic.Int64
	other := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { asked.Add(1) }))
	t.Cleanup(other.Close)
	for _, tt := range []struct {
		name   string
		answer func(w http.ResponseWriter)
		says   string
	}{
		{"a redirect", func(w http.ResponseWriter) {
			w.Header().Set("Location", other.URL)
			w.WriteHeader(http.StatusTemporaryRedirect)
		}, "it redirects to"},
		{"a page", func(w http.ResponseWriter) { _, _ = w.Write([]byte("<html>")) }, "not what this version reads"},
		{"an error page", func(w http.ResponseWriter) { w.WriteHeader(http.StatusBadGateway) }, "no answer of the API"},
		{"another type", func(w http.ResponseWriter) { _, _ = w.Write([]byte(`{"verdict":{"decision":7}}`)) }, "not what this version reads"},
		{"another decision", func(w http.ResponseWriter) { _, _ = w.Write([]byte(`{"verdict":{"decision":"fine"}}`)) }, "not what this version reads"},
		{"cut off", func(w http.ResponseWriter) { w.Header().Set("Content-Length", "9"); _, _ = w.Write([]byte("{")) }, "read the answer"},
		{"too long", func(w http.ResponseWriter) {
			_, _ = w.Write(make([]byte, 1<<10+1))
		}, "longer than"},
		{"a problem that lies", func(w http.ResponseWriter) {
			w.Header().Set("Content-Type", "application/problem+json")
			w.WriteHeader(http.StatusForbidden)
			_, _ = w.Write([]byte(`{"status":404}`))
		}, "403 Forbidden"},
	} {
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { tt.answer(w) }))
		c, err := client.New(server.URL, token, client.Options{MaxAnswer: 1 << 10})
		if err != nil {
			t.Fatal(err)
		}
		_, err = c.Latest(t.Context(), tag)
		if err == nil || !strings.Contains(err.Error(), tt.says) || strings.Contains(err.Error(), "canary") {
			t.Errorf("%s: %v", tt.name, err)
		}
		server.Close()
	}
	if asked.Load() != 0 {
		t.Error("the other server was asked")
	}
}

// A server that is started again goes on with what it was asked for.
func TestWaitingThroughARestart(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		answers []int // status of one question after the other
		done    bool
		asked   int64
	}{
		"restarted":       {[]int{503, 502, 200}, true, 3},
		"slow":            {[]int{429, 503, 503, 503, 200}, true, 5},
		"gone":            {[]int{503, 503, 503, 503, 503, 200}, false, 5},
		"it is forgotten": {[]int{503, 404, 200}, false, 2},
		"no more allowed": {[]int{401, 200}, false, 1},
	} {
		var asked atomic.Int64
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(tt.answers[asked.Add(1)-1])
			_, _ = w.Write([]byte(`{"state":"done","verdictId":7}`))
		}))
		c, err := client.New(server.URL, token, client.Options{})
		if err != nil {
			t.Fatal(err)
		}
		s, err := c.Wait(t.Context(), v1.Scan{State: v1.Waiting}, time.Millisecond)
		if (err == nil) != tt.done || tt.done && s.VerdictID != 7 || asked.Load() != tt.asked {
			t.Errorf("%s: asked %d times: %+v %v", name, asked.Load(), s, err)
		}
		server.Close()
	}
}
