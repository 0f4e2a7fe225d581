// Package api answers questions about what the service recorded, and takes the
// wish to have a tag judged, as JSON below /api/v1. Whoever asks shows a bearer
// token or an identity token; without any configured the API is off. It fetches
// nothing by itself: a scan is a task of package judge, and only for repositories
// that are watched.
package api

import (
	"context"
	"errors"
	"log/slog"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/intact-dev/intact/pkg/config"
	"github.com/intact-dev/intact/pkg/ledger"
	v1 "github.com/intact-dev/intact/pkg/serve/api/v1"
	"github.com/intact-dev/intact/pkg/store"
	"github.com/intact-dev/intact/pkg/store/jobs"
)

// A Queue takes wishes and says how far they are.
type Queue interface {
	Want(ctx context.Context, tasks ...jobs.Task) error
	State(ctx context.Context, kind, key string) (s jobs.State, ok bool, err error)
}

// An Inventory says what was found when it was last looked what runs, at all
// places of the config: one that was not looked at yet is there without a time.
type Inventory interface {
	Places(ctx context.Context) ([]v1.Place, error)
}

// A Counter counts answers. route is the pattern of one, "" for requests to none;
// nothing of a request is ever passed.
type Counter interface {
	Answered(route string, status int)
}

// Options of a Handler.
type Options struct {
	Store *store.Store
	Queue Queue
	// Watched reports whether a canonical repository may be asked to be scanned. No
	// other is ever fetched.
	Watched func(repository string) bool
	// Inventory may be nil: nothing is watched.
	Inventory Inventory
	// Key signs checkpoints; nil = they are not signed.
	Key     *ledger.Key
	Counter Counter                             // nil = nothing is counted
	Secret  func(config.Secret) (string, error) // reads one
	Client  *http.Client                        // asks issuers of tokens; nil = the default one
	Now     func() time.Time                    // nil = time.Now
	Log     *slog.Logger                        // nil logs nothing
}

// A Handler answers below /api/v1. It may be used concurrently. A changed config
// needs a new one.
type Handler struct {
	o    Options
	auth []authenticator // empty = off
	mux  *http.ServeMux
	hint sync.Once
}

// New reads the tokens of a and returns the Handler. The error names the token and
// what to set.
func New(a config.API, o Options) (*Handler, error) {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	h := &Handler{o: o, mux: http.NewServeMux()}
	var err error
	if h.auth, err = authenticators(a, o); err != nil {
		return nil, err
	}
	paths := map[string]methods{}
	for _, r := range routes() {
		if paths[r.path] == nil {
			paths[r.path] = methods{}
		}
		paths[r.path][r.method] = h.serve(r)
		if r.method == http.MethodGet {
			paths[r.path][http.MethodHead] = h.serve(r)
		}
	}
	for path, m := range paths {
		h.mux.HandleFunc(v1.Prefix+path, func(w http.ResponseWriter, r *http.Request) {
			if serve, ok := m[r.Method]; ok {
				serve(w, r)
				return
			}
			allowed := strings.Join(slices.Sorted(maps.Keys(m)), ", ")
			w.Header().Set("Allow", allowed)
			h.fail(w, path, problem(http.StatusMethodNotAllowed, "expected %s", allowed))
		})
	}
	h.mux.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) {
		h.fail(w, "", problem(http.StatusNotFound, "there is no such resource; see %s/openapi.json", v1.Prefix))
	})
	return h, nil
}

// methods are what a path takes.
type methods map[string]http.HandlerFunc

// On reports whether anybody can be let in.
func (h *Handler) On() bool { return len(h.auth) > 0 }

// Bodies and answers.
const (
	maxRequest = 16 << 10        // bytes of a body
	bodyTime   = 5 * time.Second // for it to arrive
)

// ServeHTTP answers one request.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("X-Content-Type-Options", "nosniff")
	w.Header().Set("Cache-Control", "no-store")
	if !h.On() {
		h.hint.Do(func() {
			h.o.Log.WarnContext(r.Context(), "somebody asked the API, and it is off: no token is configured; set serve.api.tokens or serve.api.oidc")
		})
		h.fail(w, "", problem(http.StatusNotFound, "the API is off"))
		return
	}
	defer func() {
		if p := recover(); p != nil {
			h.crashed(w, r, p)
		}
	}()
	h.mux.ServeHTTP(w, r)
}

// serve is what happens before and after a route's own part.
func (h *Handler) serve(route route) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if route.role != open {
			who, refused := h.authenticate(r)
			if refused == nil && who.role < route.role {
				refused = problem(http.StatusForbidden, "%q is a %s, and this takes a %s", who.name, who.role, route.role)
			}
			if refused != nil {
				h.fail(w, route.path, refused)
				return
			}
			r = r.WithContext(withCaller(r.Context(), who))
		}
		q, err := parseQuery(r.URL.RawQuery, route.query)
		if err != nil {
			h.fail(w, route.path, problem(http.StatusBadRequest, "%s", err))
			return
		}
		if route.takes != nil {
			// A server that cannot do this has a limit for the whole request.
			_ = http.NewResponseController(w).SetReadDeadline(time.Now().Add(bodyTime))
			r.Body = http.MaxBytesReader(w, r.Body, maxRequest)
		}
		answer, err := route.answer(h, r, q)
		if err != nil {
			h.fail(w, route.path, h.explain(r, route, err))
			return
		}
		h.write(w, r, route, answer)
	}
}

// explain makes a problem of an error. What is not the caller's fault is logged,
// and not told.
func (h *Handler) explain(r *http.Request, route route, err error) *Problem {
	var p *Problem
	switch {
	case errors.As(err, &p):
		return p
	case errors.Is(err, store.ErrNotFound):
		return problem(http.StatusNotFound, "it was never recorded, or is not kept any more")
	case r.Context().Err() != nil:
		return problem(http.StatusServiceUnavailable, "the request was ended")
	}
	h.o.Log.ErrorContext(r.Context(), "the API cannot answer", "route", route.path, "error", err.Error())
	return problem(http.StatusServiceUnavailable, "the store cannot be read now; the log of the service says why")
}

// An answer is what is written.
type answer struct {
	status   int // 0 = 200
	body     any // as JSON
	location string
	etag     string // "" = none
}

func (h *Handler) count(route string, status int) {
	if h.o.Counter != nil {
		h.o.Counter.Answered(route, status)
	}
}

// number writes one for a path or query.
func number(n int64) string { return strconv.FormatInt(n, 10) }
