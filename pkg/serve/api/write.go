package api

import (
	"encoding/json"
	"fmt"
	"net/http"
	"runtime/debug"
	"strings"

	v1 "github.com/intact-dev/intact/pkg/serve/api/v1"
)

// A Problem is an error that the caller is told.
type Problem struct{ v1.Problem }

func (p *Problem) Error() string { return p.Title + ": " + p.Detail }

func problem(status int, format string, args ...any) *Problem {
	return &Problem{v1.Problem{Type: "about:blank", Title: http.StatusText(status), Status: status, Detail: fmt.Sprintf(format, args...)}}
}

// retryAfter is what callers are asked to wait, in seconds.
const retryAfter = "5"

func (h *Handler) fail(w http.ResponseWriter, route string, p *Problem) {
	h.count(route, p.Status)
	w.Header().Set("Content-Type", "application/problem+json")
	switch p.Status {
	case http.StatusUnauthorized:
		w.Header().Set("WWW-Authenticate", `Bearer realm="intact"`)
	case http.StatusServiceUnavailable:
		w.Header().Set("Retry-After", retryAfter)
	case http.StatusRequestTimeout, http.StatusRequestEntityTooLarge:
		// What is still to come is not read.
		w.Header().Set("Connection", "close")
	}
	w.WriteHeader(p.Status)
	// An error here is that the caller is gone.
	_ = json.NewEncoder(w).Encode(p.Problem)
}

func (h *Handler) write(w http.ResponseWriter, r *http.Request, route route, a answer) {
	header := w.Header()
	if a.etag != "" {
		header.Set("ETag", a.etag)
		header.Set("Cache-Control", "private, no-cache")
		if matches(r.Header.Values("If-None-Match"), a.etag) {
			h.count(route.path, http.StatusNotModified)
			w.WriteHeader(http.StatusNotModified)
			return
		}
	}
	body, err := json.Marshal(a.body)
	if err != nil {
		h.fail(w, route.path, h.explain(r, route, err))
		return
	}
	if a.status == 0 {
		a.status = http.StatusOK
	}
	if a.location != "" {
		header.Set("Location", a.location)
	}
	header.Set("Content-Type", "application/json")
	h.count(route.path, a.status)
	w.WriteHeader(a.status)
	if r.Method != http.MethodHead {
		_, _ = w.Write(append(body, '\n')) // an error is that the caller is gone
	}
}

// matches reports whether a list of entity tags has tag, or is "*".
//
// https://www.rfc-editor.org/rfc/rfc9110#section-13.1.2
func matches(list []string, tag string) bool {
	for _, value := range list {
		for one := range strings.SplitSeq(value, ",") {
			if one = strings.TrimPrefix(strings.TrimSpace(one), "W/"); one == tag || one == "*" {
				return true
			}
		}
	}
	return false
}

// crashed answers in the place of a route that panicked, unless it has begun to.
func (h *Handler) crashed(w http.ResponseWriter, r *http.Request, p any) {
	if p == http.ErrAbortHandler {
		panic(p)
	}
	h.o.Log.ErrorContext(r.Context(), "the API crashed", "panic", fmt.Sprint(p), "stack", string(debug.Stack()))
	h.fail(w, "", problem(http.StatusInternalServerError, "the log of the service says why"))
}
