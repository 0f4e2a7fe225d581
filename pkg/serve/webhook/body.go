package webhook

import (
	"errors"
	"io"
	"mime"
	"net/http"
	"os"
	"slices"
	"strings"
	"sync"
	"time"
)

// form refuses what is none of the sender's requests, before anything is read.
func (e *endpoint) form(r *http.Request) refusal {
	switch {
	case r.Method != http.MethodPost:
		return refusal{http.StatusMethodNotAllowed, BadMethod}
	case encoded(r.Header):
		return refusal{http.StatusUnsupportedMediaType, Encoded}
	case !slices.Contains(contentTypes[e.Kind], contentType(r.Header)) && contentType(r.Header) != "application/json":
		return refusal{http.StatusUnsupportedMediaType, BadType}
	case r.ContentLength > e.MaxBody:
		return refusal{http.StatusRequestEntityTooLarge, TooLarge}
	}
	return refusal{}
}

// contentTypes are what kinds send beside JSON; "" = none is said.
var contentTypes = map[string][]string{
	"distribution":      {"application/vnd.docker.distribution.events.v1+json", "application/vnd.docker.distribution.events.v2+json"},
	"gitlab":            {"application/vnd.docker.distribution.events.v1+json", "application/vnd.docker.distribution.events.v2+json"},
	"harbor":            {"application/cloudevents+json"},
	"github":            {"application/x-www-form-urlencoded"},
	"gitea":             {"application/x-www-form-urlencoded"},
	"forgejo":           {"application/x-www-form-urlencoded"},
	"acr-eventgrid":     {"application/cloudevents+json", "application/cloudevents-batch+json"},
	"artifact-registry": {"application/octet-stream", "text/plain", ""},
	"generic":           {"application/cloudevents+json"},
}

func contentType(h http.Header) string {
	t, params, err := mime.ParseMediaType(strings.Join(h.Values("Content-Type"), ","))
	if err != nil && h.Get("Content-Type") != "" {
		return "invalid"
	}
	if charset := params["charset"]; charset != "" && !strings.EqualFold(charset, "utf-8") && !strings.EqualFold(charset, "us-ascii") {
		return "invalid"
	}
	return t
}

// encoded: a compressed body could be small here and huge in memory. No sender
// compresses.
func encoded(h http.Header) bool {
	for _, v := range h.Values("Content-Encoding") {
		if !strings.EqualFold(strings.TrimSpace(v), "identity") && v != "" {
			return true
		}
	}
	return false
}

// read returns the body, of at most limit bytes, all of which must arrive within
// h.slow. cap of what it returns is taken from the budget, whatever went wrong.
func (h *Handler) read(w http.ResponseWriter, r *http.Request, limit int64) ([]byte, refusal) {
	control := http.NewResponseController(w)
	if err := control.SetReadDeadline(time.Now().Add(h.slow)); err != nil {
		return nil, refusal{http.StatusInternalServerError, Unsupported}
	}
	body, err := h.memory.readAll(http.MaxBytesReader(w, r.Body, limit), limit)
	var large *http.MaxBytesError
	switch {
	case errors.Is(err, errBusy):
		return body, refusal{http.StatusTooManyRequests, Busy}
	case errors.As(err, &large):
		return body, refusal{http.StatusRequestEntityTooLarge, TooLarge}
	case errors.Is(err, os.ErrDeadlineExceeded):
		return body, refusal{http.StatusRequestTimeout, TooSlow}
	case err != nil:
		return body, refusal{http.StatusBadRequest, Cut}
	}
	// A deadline that is left would end the next request on this connection, or
	// this one while the inbox works.
	_ = control.SetReadDeadline(time.Time{})
	return body, refusal{}
}

// A budget is the bytes that bodies may have together.
type budget struct {
	mu   sync.Mutex
	left int64
}

var errBusy = errors.New("too many bytes are being received")

func (b *budget) take(n int64) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if n > b.left {
		return false
	}
	b.left -= n
	return true
}

func (b *budget) release(n int64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.left += n
}

// readAll takes from the budget only what really arrives, doubled: a length that
// is announced and not sent keeps nobody out.
func (b *budget) readAll(r io.Reader, limit int64) ([]byte, error) {
	var body []byte
	for {
		if len(body) == cap(body) {
			size := min(max(4096, 2*int64(cap(body))), limit+1)
			if !b.take(size) {
				return body, errBusy
			}
			larger := make([]byte, len(body), size)
			copy(larger, body)
			b.release(int64(cap(body)))
			body = larger
		}
		n, err := r.Read(body[len(body):cap(body)])
		body = body[:len(body)+n]
		if errors.Is(err, io.EOF) {
			return body, nil
		}
		if err != nil {
			return body, err
		}
	}
}
