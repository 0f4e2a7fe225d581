package ops_test

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/intact-dev/intact/pkg/serve/ops"
	"github.com/intact-dev/intact/pkg/store/inbox"
	"github.com/intact-dev/intact/pkg/store/jobs"
)

func TestEachPartDecides(t *testing.T) {
	t.Parallel()
	at := time.Unix(1_000_000, 0)
	clock := func() time.Time { return at }
	log := &lockedBuffer{}
	type state struct {
		store, tasks, inbox, kept error
		oldest                    time.Duration
		waiting                   int
		trust                     ops.Trust
	}
	for _, tt := range []struct {
		name   string
		state  state
		part   string // that is not ready; "" = all are
		says   string
		logged string
	}{
		{"all is well", state{oldest: time.Minute, waiting: 9}, "", "", ""},
		{"no store", state{store: errors.New("dial canary-host")}, "store", "does not answer", "canary-host"},
		{"a task waits", state{oldest: time.Minute + 1}, "queue", `kind "judge" waits since 1m0s`, ""},
		{"no queue", state{tasks: errors.New("canary-a")}, "queue", "not known", "canary-a"},
		{"a full inbox", state{waiting: 10}, "inbox", "full: 10", ""},
		{"no inbox", state{inbox: errors.New("canary-b")}, "inbox", "not known", "canary-b"},
		{"nothing is kept", state{kept: errors.New("canary-c")}, "inbox", "cannot be kept", "canary-c"},
		{"a full disk", state{kept: &pgconn.PgError{Code: "53100", Message: "canary-d"}}, "inbox", "kept: the disk is full", "canary-d"},
		{"an expired trust root", state{trust: ops.Trust{Needed: true, At: at.Add(-48 * time.Hour), Expires: at}}, "trust root", "and expired on", ""},
		{"no trust root", state{trust: ops.Trust{Needed: true}}, "trust root", "not had yet", ""},
		{"a trust root that cannot be had", state{trust: ops.Trust{Needed: true, Failed: "its metadata has expired"}}, "trust root", "cannot be had: its metadata", ""},
		{"an old trust root", state{trust: ops.Trust{Needed: true, At: at.Add(-48 * time.Hour), Expires: at.Add(1), Why: "the network is away", Notes: []string{"own.json ended"}}}, "", "the network is away; own.json ended", ""},
		{"no trust root is needed", state{trust: ops.Trust{Notes: []string{"own.json ended"}}}, "", "no rule of the policy needs the public one; own.json ended", ""},
	} {
		h := ops.NewHealth(slog.New(slog.NewTextHandler(log, nil)), clock,
			ops.StorePart(func(context.Context) error { return tt.state.store }),
			ops.QueuePart(func(context.Context) ([]jobs.Lag, error) {
				return []jobs.Lag{{Kind: "judge", Oldest: tt.state.oldest}}, tt.state.tasks
			}, time.Minute),
			ops.InboxPart(func(context.Context) (inbox.Lag, error) { return inbox.Lag{Waiting: tt.state.waiting}, tt.state.inbox },
				func(context.Context) error { return tt.state.kept }, 10),
			ops.TrustPart(func() ops.Trust { return tt.state.trust }, clock))
		w := httptest.NewRecorder()
		h.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodGet, ops.ReadyPath, nil))
		var got struct {
			Status string
			Parts  []ops.PartState
		}
		if err := json.Unmarshal(w.Body.Bytes(), &got); err != nil || len(got.Parts) != 4 {
			t.Fatalf("%s: %s %v", tt.name, w.Body, err)
		}
		var bad []string
		for _, p := range got.Parts {
			if !p.Ready {
				bad = append(bad, p.Name)
				if !strings.Contains(p.Why, tt.says) {
					t.Errorf("%s: %+v", tt.name, p)
				}
			} else if p.Name == "trust root" && tt.part == "" && !strings.Contains(p.Note, tt.says) {
				t.Errorf("%s: %+v", tt.name, p)
			}
		}
		status, want := http.StatusOK, []string(nil)
		if tt.part != "" {
			status, want = http.StatusServiceUnavailable, []string{tt.part}
		}
		if d := cmp.Diff(want, bad); d != "" || w.Code != status {
			t.Errorf("%s: %d %s", tt.name, w.Code, d)
		}
		if strings.Contains(w.Body.String(), "canary") || !strings.Contains(log.String(), tt.logged) {
			t.Errorf("%s: told %s, logged %s", tt.name, w.Body, log)
		}
	}
}

func TestPartsAreAskedOnceASecond(t *testing.T) {
	t.Parallel()
	var clock, asked atomic.Int64
	h := ops.NewHealth(slog.New(slog.DiscardHandler), func() time.Time { return time.Unix(0, clock.Load()) }, ops.Part{Name: "x", Look: func(context.Context) (string, error) {
		asked.Add(1)
		return "", nil
	}})
	for _, step := range []struct{ at, want int64 }{{0, 1}, {int64(time.Second) - 1, 1}, {int64(time.Second), 2}, {0, 3}} { // the clock may step back
		clock.Store(step.at)
		h.Look(t.Context())
		if asked.Load() != step.want {
			t.Errorf("at %d: asked %d times, want %d", step.at, asked.Load(), step.want)
		}
	}
	h.Stop()
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodGet, ops.ReadyPath, nil))
	if w.Code != http.StatusServiceUnavailable || !strings.Contains(w.Body.String(), "stopping") {
		t.Errorf("%d %s", w.Code, w.Body)
	}
	w = httptest.NewRecorder()
	ops.Alive().ServeHTTP(w, nil)
	if w.Code != http.StatusOK {
		t.Errorf("alive: %d", w.Code)
	}
}

// One that does not answer does not make the others wait for ever, and is not
// ready.
func TestAPartThatDoesNotAnswer(t *testing.T) {
	t.Parallel()
	h := ops.NewHealth(slog.New(slog.DiscardHandler), nil, ops.Part{Name: "x", Look: func(ctx context.Context) (string, error) {
		_, bounded := ctx.Deadline()
		if !bounded {
			return "", nil
		}
		return "", context.DeadlineExceeded
	}})
	if got := h.Look(t.Context()); len(got) != 1 || got[0].Ready || got[0].Why == "" {
		t.Errorf("%+v", got)
	}
}
