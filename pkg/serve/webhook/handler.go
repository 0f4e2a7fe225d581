package webhook

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/intact-dev/intact/pkg/config"
	"github.com/intact-dev/intact/pkg/internal/lazy"
)

// ErrFull says that an Inbox takes nothing more for now.
var ErrFull = errors.New("the inbox is full")

// An Inbox keeps deliveries. Accept returns once d is safe, and whether it is
// new: the same Endpoint and Key are one. A full one returns an error that wraps
// [ErrFull]. d.Events is not empty.
type Inbox interface {
	Accept(ctx context.Context, d Delivery) (fresh bool, err error)
}

// A Counter counts what happened to requests and events. endpoint is a name of
// the config, or "" for requests to none; nothing of a request is ever passed.
type Counter interface {
	Count(endpoint string, reason Reason)
}

// Options of a Handler.
type Options struct {
	Inbox   Inbox
	Counter Counter                             // nil = nothing is counted
	Secret  func(config.Secret) (string, error) // reads one
	Client  *http.Client                        // asks issuers of tokens; nil = the default one
	Now     func() time.Time                    // nil = time.Now
	Limits  config.Limits
}

// A Handler answers POST /hooks/NAME and /hooks/NAME/TOKEN. It is safe for
// concurrent use. A changed config needs a new one.
type Handler struct {
	endpoints map[string]*endpoint
	inbox     Inbox
	counter   Counter
	now       func() time.Time
	slow      time.Duration
	memory    *budget
}

type endpoint struct {
	*config.Endpoint
	auth   Authenticator
	decode Decoder
}

// New reads the secrets of endpoints and returns their Handler. The error names
// the endpoint and what to set.
func New(endpoints []config.Endpoint, o Options) (*Handler, error) {
	h := &Handler{
		endpoints: map[string]*endpoint{}, inbox: o.Inbox, counter: o.Counter, now: o.Now,
		slow: o.Limits.BodyTime, memory: &budget{left: o.Limits.BodyMemory},
	}
	if h.now == nil {
		h.now = time.Now
	}
	for i := range endpoints {
		e := &endpoints[i]
		auth, err := NewAuthenticator(e, o.Secret, o.Client, h.now)
		if err != nil {
			return nil, err
		}
		// One that grows is there twice for a moment.
		if 2*e.MaxBody > o.Limits.BodyMemory {
			return nil, fmt.Errorf("endpoint %q: maxBody is %d and all bodies together may have %d bytes; set serve.limits.bodyMemory to twice the largest maxBody or more", e.Name, e.MaxBody, o.Limits.BodyMemory)
		}
		h.endpoints[e.Name] = &endpoint{e, auth, NewDecoder(e)}
	}
	return h, nil
}

// Prefix is where the Handler's paths begin.
const Prefix = "/hooks/"

// Redact returns path without the token in it, for logs and traces. A path that is
// almost one of ours (a slash too many, another case) has the same token in it.
// Of others, and where the name was forgotten, whatever is like a token is left out.
func Redact(path string) string {
	path = hookPath().ReplaceAllString(path, "${1}/…")
	return likeToken().ReplaceAllStringFunc(path, func(s string) string {
		if strings.HasPrefix(s, "sha") && strings.Contains(s, ":") {
			return s // a digest, of the API
		}
		return "…"
	})
}

var (
	hookPath  = lazy.Regexp(`(?is)(hooks/+[a-z0-9._-]*)[^a-z0-9._-].*$`)
	likeToken = lazy.Regexp(`(?:sha(?:256|512):)?[A-Za-z0-9_-]{32,}`)
)

// A refusal is an answer other than 2xx.
type refusal struct {
	status int
	reason Reason
}

// ServeHTTP answers one request. A 2xx is written only after what it brought is
// in the inbox.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	rest, below := strings.CutPrefix(r.URL.Path, Prefix)
	name, token, hasToken := strings.Cut(rest, "/")
	e := h.endpoints[name]
	if !below || e == nil || hasToken && !e.inPath() {
		h.refuse(w, "", refusal{http.StatusNotFound, UnknownEndpoint})
		return
	}
	if r.Method == http.MethodOptions && e.handshakes() {
		h.permit(w, r, e, token)
		return
	}
	d, refused := h.receive(w, r, e, token)
	if refused.status == 0 && len(d.Events) > 0 {
		refused = h.accept(r.Context(), e, d)
	} else if refused.status == 0 && d.Answer == nil {
		h.count(e.Name, Nothing)
	}
	if refused.status != 0 {
		h.refuse(w, e.Name, refused)
		return
	}
	for _, reason := range d.Ignored {
		h.count(e.Name, reason)
	}
	if d.Answer != nil {
		h.count(e.Name, Handshake)
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write(d.Answer) // the sender is gone, then
		return
	}
	w.WriteHeader(http.StatusAccepted)
}

// inPath reports whether the credential is the last part of the path.
func (e *endpoint) inPath() bool { _, ok := e.auth.(pathToken); return ok }

// receive authenticates, reads and decodes. What needs no body is asked first:
// nobody unknown makes us read one.
func (h *Handler) receive(w http.ResponseWriter, r *http.Request, e *endpoint, token string) (Delivery, refusal) {
	if refused := e.form(r); refused.status != 0 {
		return Delivery{}, refused
	}
	if !e.auth.Signs() {
		if refused := refuses(e.auth.Authenticate(r, token, nil)); refused.status != 0 {
			return Delivery{}, refused
		}
	}
	body, refused := h.read(w, r, e.MaxBody)
	defer h.memory.release(int64(cap(body)))
	if refused.status != 0 {
		return Delivery{}, refused
	}
	if e.auth.Signs() {
		if refused := refuses(e.auth.Authenticate(r, token, body)); refused.status != 0 {
			return Delivery{}, refused
		}
	}
	d, err := e.decode.Decode(r.Header, body)
	now := h.now()
	switch {
	case errors.Is(err, errTooMany):
		return Delivery{}, refusal{http.StatusRequestEntityTooLarge, TooMany}
	case err != nil:
		return Delivery{}, refusal{http.StatusBadRequest, Malformed}
	case e.auth.Signs() && !d.Sent.IsZero() && now.Sub(d.Sent).Abs() > sentWindow:
		return Delivery{}, refusal{http.StatusUnauthorized, Replayed}
	}
	d.Endpoint, d.Received = e.Name, now.UTC()
	if d.Key == "" {
		// Two pushes may look the same: each is its own. Judging twice is harmless,
		// and overlooking one is not.
		d.Key = "body-" + sha256Of(string(body)) + "-" + strconv.FormatInt(now.UnixNano(), 36)
	}
	return d, refusal{}
}

// sentWindow is how far the time in a signed body may be from ours, for senders
// that send once and not again.
const sentWindow = time.Hour

// refuses is the one answer to all that is wrong with a credential: why is
// counted, and not told.
func refuses(reason Reason) refusal {
	switch reason {
	case "":
		return refusal{}
	case NoKeys:
		return refusal{http.StatusServiceUnavailable, reason}
	}
	return refusal{http.StatusUnauthorized, reason}
}

func (h *Handler) accept(ctx context.Context, e *endpoint, d Delivery) refusal {
	fresh, err := h.inbox.Accept(ctx, d)
	switch {
	case errors.Is(err, ErrFull):
		return refusal{http.StatusTooManyRequests, InboxFull}
	case err != nil:
		return refusal{http.StatusServiceUnavailable, InboxFailed}
	case fresh:
		h.count(e.Name, Accepted)
	default:
		h.count(e.Name, Duplicate)
	}
	return refusal{}
}

// retryAfter is what senders are asked to wait, in seconds.
const retryAfter = "10"

func (h *Handler) refuse(w http.ResponseWriter, name string, r refusal) {
	h.count(name, r.reason)
	switch r.status {
	case http.StatusTooManyRequests, http.StatusServiceUnavailable:
		w.Header().Set("Retry-After", retryAfter)
	case http.StatusMethodNotAllowed:
		w.Header().Set("Allow", http.MethodPost)
	case http.StatusRequestTimeout, http.StatusRequestEntityTooLarge:
		// What is still to come is not read.
		w.Header().Set("Connection", "close")
	}
	http.Error(w, strings.ToLower(http.StatusText(r.status)), r.status)
}

func (h *Handler) count(name string, r Reason) {
	if h.counter != nil {
		h.counter.Count(name, r)
	}
}
