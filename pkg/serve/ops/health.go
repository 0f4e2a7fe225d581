package ops

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/intact-dev/intact/pkg/store/database"
	"github.com/intact-dev/intact/pkg/store/inbox"
	"github.com/intact-dev/intact/pkg/store/jobs"
)

// Alive answers that the process is there, and nothing else: a store that is gone
// for a while is no reason to be killed.
func Alive() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		writeHealth(w, http.StatusOK, map[string]any{"status": "ok"})
	})
}

// A Part is one thing that must be well for the service to be ready.
type Part struct {
	Name string
	// Look returns what is wrong, in words that everybody may read, or "". An error
	// is for the log, in which case why says in short what it is.
	Look func(ctx context.Context) (why string, err error)
	// Note returns what is worth knowing though the part is ready, or ""; nil = there
	// is never anything.
	Note func() string
}

// Health says whether the service is ready. It may be used concurrently; whoever
// asks often gets the same answer for a second.
type Health struct {
	parts    []Part
	now      func() time.Time
	log      *slog.Logger
	stopping atomic.Bool

	mu   sync.Mutex
	at   time.Time // of last
	last []PartState
}

// A PartState is how a Part is.
type PartState struct {
	Name  string `json:"name"`
	Ready bool   `json:"ready"`
	Why   string `json:"why,omitempty"`
	Note  string `json:"note,omitempty"`
}

// NewHealth returns the Health of parts. now is the clock, nil is time.Now.
func NewHealth(log *slog.Logger, now func() time.Time, parts ...Part) *Health {
	if now == nil {
		now = time.Now
	}
	return &Health{parts: parts, now: now, log: log}
}

// Stop makes the service not ready for good: it is about to end.
func (h *Health) Stop() { h.stopping.Store(true) }

// Of looking at parts.
const (
	keepHealth = time.Second
	lookTime   = 3 * time.Second // for all of them, at the same time
)

// Look asks all parts, or returns what they said just now.
func (h *Health) Look(ctx context.Context) []PartState {
	h.mu.Lock()
	defer h.mu.Unlock()
	if since := h.now().Sub(h.at); h.last != nil && since >= 0 && since < keepHealth {
		return h.last
	}
	// Others wait for this answer: it must not end with one request.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), lookTime)
	defer cancel()
	out := make([]PartState, len(h.parts))
	var all sync.WaitGroup
	for i, p := range h.parts {
		all.Go(func() {
			why, err := p.Look(ctx)
			if err != nil {
				h.log.ErrorContext(ctx, "a part of the service is not ready", "part", p.Name, "error", err.Error())
				if why == "" {
					why = "it cannot be asked; see the log"
				}
			}
			out[i] = PartState{Name: p.Name, Ready: why == "", Why: why}
			if p.Note != nil && why == "" {
				out[i].Note = p.Note()
			}
		})
	}
	all.Wait()
	h.last, h.at = out, h.now()
	return out
}

// ServeHTTP answers 200 if all parts are ready, and else 503, with each part.
func (h *Health) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	parts := h.Look(r.Context())
	status, word := http.StatusOK, "ready"
	for _, p := range parts {
		if !p.Ready {
			status, word = http.StatusServiceUnavailable, "not ready"
		}
	}
	if h.stopping.Load() {
		status, word = http.StatusServiceUnavailable, "stopping"
	}
	writeHealth(w, status, map[string]any{"status": word, "parts": parts})
}

func writeHealth(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v) // an error is that the caller is gone
}

// StorePart is ready if the store answers.
func StorePart(ask func(ctx context.Context) error) Part {
	return Part{Name: "store", Look: func(ctx context.Context) (string, error) {
		if err := ask(ctx); err != nil {
			return "the store does not answer", err
		}
		return "", nil
	}}
}

// QueuePart is ready if no task waits for longer than bound.
func QueuePart(lag func(ctx context.Context) ([]jobs.Lag, error), bound time.Duration) Part {
	return Part{Name: "queue", Look: func(ctx context.Context) (string, error) {
		all, err := lag(ctx)
		if err != nil {
			return "what waits is not known", err
		}
		for _, l := range all {
			if l.Oldest > bound {
				return fmt.Sprintf("a task of kind %q waits since %s; the bound is %s", l.Kind, l.Oldest.Round(time.Second), bound), nil
			}
		}
		return "", nil
	}}
}

// InboxPart is ready if the inbox takes deliveries: they can be kept, and fewer
// than limit wait. try reports why none can be kept.
func InboxPart(lag func(ctx context.Context) (inbox.Lag, error), try func(ctx context.Context) error, limit int) Part {
	return Part{Name: "inbox", Look: func(ctx context.Context) (string, error) {
		l, err := lag(ctx)
		if err != nil {
			return "what waits is not known", err
		}
		if l.Waiting >= limit {
			return fmt.Sprintf("it is full: %d deliveries wait", l.Waiting), nil
		}
		switch err := try(ctx); {
		case database.Full(err):
			return "deliveries cannot be kept: the disk is full", err
		case err != nil:
			return "deliveries cannot be kept", err
		}
		return "", nil
	}}
}
