package ops

import (
	"log/slog"
	"net/http"
	"strings"
	"time"

	v1 "github.com/intact-dev/intact/pkg/serve/api/v1"
	"github.com/intact-dev/intact/pkg/serve/webhook"
)

// Paths beside those of the webhooks and the API.
const (
	AlivePath   = "/healthz"
	ReadyPath   = "/readyz"
	MetricsPath = "/metrics"
)

// Routes are the parts of the service. Nil ones answer 404.
type Routes struct {
	Hooks, API     http.Handler
	Alive, Ready   http.Handler
	MetricsHandler http.Handler

	Metrics *Metrics // how long requests take
	Tracing *Tracing
	Log     *slog.Logger // each request, at level debug
}

// partOf is the part that a path belongs to: one of a few words.
func partOf(path string) string {
	switch {
	case strings.HasPrefix(path, webhook.Prefix):
		return "hooks"
	case path == v1.Prefix || strings.HasPrefix(path, v1.Prefix+"/"):
		return "api"
	case path == AlivePath, path == ReadyPath:
		return "health"
	case path == MetricsPath:
		return "metrics"
	}
	return "other"
}

// Handler is all of them. Only webhooks and the API are traced: health and metrics
// are asked for all the time.
func (r Routes) Handler() http.Handler {
	traced := r.Tracing.Requests(http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
		if partOf(q.URL.Path) == "api" {
			serve(r.API, w, q)
			return
		}
		serve(r.Hooks, w, q)
	}))
	return http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
		began, part := time.Now(), partOf(q.URL.Path)
		defer func() {
			took := time.Since(began)
			r.Metrics.took(part, took)
			r.Log.DebugContext(q.Context(), "request", "method", q.Method, "path", webhook.Redact(q.URL.Path), "from", q.RemoteAddr, "took", took.String())
		}()
		switch part {
		case "hooks", "api":
			traced.ServeHTTP(w, q)
		case "health", "metrics":
			r.small(w, q)
		default:
			http.NotFound(w, q)
		}
	})
}

// small answers health and metrics.
func (r Routes) small(w http.ResponseWriter, q *http.Request) {
	if q.Method != http.MethodGet && q.Method != http.MethodHead {
		w.Header().Set("Allow", "GET, HEAD")
		http.Error(w, "expected GET", http.StatusMethodNotAllowed)
		return
	}
	switch q.URL.Path {
	case AlivePath:
		serve(r.Alive, w, q)
	case ReadyPath:
		serve(r.Ready, w, q)
	default:
		serve(r.MetricsHandler, w, q)
	}
}

func serve(h http.Handler, w http.ResponseWriter, q *http.Request) {
	if h == nil {
		http.NotFound(w, q)
		return
	}
	h.ServeHTTP(w, q)
}
