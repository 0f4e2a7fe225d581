package dockerengine

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"net/url"
	"strings"
	"syscall"
	"time"

	"github.com/intact-dev/intact/pkg/fact"
	"github.com/intact-dev/intact/pkg/image"
	"github.com/intact-dev/intact/pkg/internal/limits"
)

// A silenceError is an engine that does not answer.
type silenceError struct{ wait time.Duration }

func (e *silenceError) Error() string { return fmt.Sprintf("no answer within %s", e.wait) }

// A cutError is an answer that ended early.
type cutError struct{ err error }

func (e cutError) Error() string {
	return "the connection was cut in the middle of the answer: " + e.err.Error()
}
func (e cutError) Unwrap() error { return e.err }

// A statusError is an answer other than the one asked for.
type statusError struct {
	status int
	said   string
}

// Error returns the status and what the engine said, escaped.
func (e *statusError) Error() string {
	s := fmt.Sprintf("it answered %d %s", e.status, http.StatusText(e.status))
	if e.said != "" {
		s += fmt.Sprintf(": %q", e.said)
	}
	return s
}

// saidLength is how much of an engine's message goes into an error.
const saidLength = 300

// readStatus makes an error of resp, reading at most limits.ErrorBody of it.
func readStatus(resp *http.Response) *statusError {
	e := &statusError{status: resp.StatusCode}
	b, err := io.ReadAll(io.LimitReader(resp.Body, limits.ErrorBody))
	if err != nil {
		return e
	}
	var doc struct {
		Message string `json:"message"`
	}
	if json.Unmarshal(b, &doc) != nil {
		return e // a page for people, or cut by the limit
	}
	if r := []rune(strings.TrimSpace(doc.Message)); len(r) > saidLength {
		e.said = string(r[:saidLength]) + "…"
	} else {
		e.said = string(r)
	}
	return e
}

const unhealthy = "is the engine healthy? docker info"

// A failure is an error of a request with its cause. It does not unwrap: the
// client library would replace what it recognises by a text of its own, and the
// cause would be lost.
type failure struct {
	cause   fact.Cause
	text    string
	hint    string
	silence *silenceError // if it was that
}

func (f *failure) Error() string { return f.text }

// explain makes a *failure of an error of the transport. inner is the context of
// the request, outer the caller's.
func explain(outer, inner context.Context, err error) error {
	if outer.Err() != nil {
		return outer.Err() // whatever else: nobody waits any more
	}
	var silence *silenceError
	switch stopped := context.Cause(inner); {
	case errors.As(stopped, &silence):
		return &failure{cause: fact.Network, text: silence.Error(), silence: silence, hint: unhealthy}
	case errors.Is(stopped, errSlow):
		return &failure{cause: fact.Limit, text: errSlow.Error()}
	}
	f := &failure{cause: fact.Network, text: plain(err)}
	var (
		status   *statusError
		exceeded *limits.ExceededError
		header   tls.RecordHeaderError
		invalid  *tls.CertificateVerificationError
		cut      cutError
	)
	switch {
	case errors.As(err, &status):
		f.cause, f.hint = causeOfStatus(status.status)
	case errors.As(err, &exceeded):
		f.cause = fact.Limit
	case errors.As(err, &cut):
		f.cause = fact.CutShort
	case errors.Is(err, fs.ErrPermission):
		f.cause, f.text, f.hint = fact.Forbidden, "permission denied", "run as root, or as a member of the socket's group (docker)"
	case errors.Is(err, fs.ErrNotExist):
		f.text, f.hint = "there is no such socket", "is the engine running? name another one with "+HostFlag
	case errors.Is(err, syscall.ECONNREFUSED):
		f.text, f.hint = "nobody listens there", "is the engine running? name another one with "+HostFlag
	case errors.Is(err, io.EOF), errors.Is(err, syscall.ECONNRESET):
		f.text, f.hint = "it closed the connection without an answer", unhealthy
	case errors.As(err, &header):
		f.text, f.hint = "it does not speak TLS", "leave DOCKER_TLS_VERIFY and DOCKER_CERT_PATH unset for it"
	case errors.As(err, &invalid):
		f.hint = "name the folder with its ca.pem in DOCKER_CERT_PATH"
	case strings.Contains(err.Error(), "HTTP/1.x transport connection broken") || strings.Contains(err.Error(), "malformed HTTP"):
		f.cause, f.text, f.hint = fact.ServerError, "it does not speak HTTP", "set DOCKER_TLS_VERIFY=1 if it speaks TLS"
	}
	return f
}

// plain drops operation and address, which the message has already.
func plain(err error) string {
	var u *url.Error
	if errors.As(err, &u) {
		err = u.Err
	}
	var op *net.OpError
	if errors.As(err, &op) && op.Err != nil {
		err = op.Err
	}
	return err.Error()
}

func causeOfStatus(status int) (fact.Cause, string) {
	switch status {
	case http.StatusBadRequest: // what Go's servers answer to plain HTTP
		return fact.ServerError, "if it speaks TLS, set DOCKER_TLS_VERIFY=1 and DOCKER_CERT_PATH"
	case http.StatusUnauthorized:
		return fact.Unauthenticated, "the engine wants a client certificate or a login that intact was not given"
	case http.StatusForbidden:
		return fact.Forbidden, "an authorization plug-in or proxy of the engine refuses it; reading containers and images is needed"
	case http.StatusNotFound:
		return fact.NotFound, ""
	case http.StatusTooManyRequests:
		return fact.RateLimited, ""
	}
	return fact.ServerError, ""
}

// Silent reports that err means a request that the engine did not answer in time,
// as opposed to an engine that is gone.
func Silent(err error) bool {
	var e *image.Error
	return errors.As(err, &e) && errors.As(e.Err, new(*silenceError))
}

// fail gives err its operation, object, cause and hint.
func (e *Engine) fail(ctx context.Context, op, object string, err error) error {
	if err == nil {
		return nil
	}
	where := fmt.Sprintf("engine %q", e.Endpoint.Host)
	if object != "" {
		where = object + " of " + where
	}
	out := &image.Error{Op: op, Object: where, Cause: fact.ServerError, Err: err}
	var (
		f      *failure
		done   *image.Error
		syntax *json.SyntaxError
	)
	switch {
	case errors.As(err, &done):
		return err
	case ctx.Err() != nil:
		out.Cause, out.Err = image.CauseOf(ctx.Err()), ctx.Err()
	case errors.As(err, &f):
		out.Cause, out.Err, out.Hint = f.cause, f, f.hint
		if f.silence != nil {
			out.Err = f.silence
		}
	case errors.Is(err, context.DeadlineExceeded): // of one request, not of the caller
		out.Cause, out.Err, out.Hint = fact.Network, &silenceError{e.timeout}, unhealthy
	case errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, io.EOF), errors.As(err, &syntax) && strings.HasPrefix(syntax.Error(), "unexpected end"):
		out.Cause, out.Err = fact.CutShort, fmt.Errorf("its answer ends early: %w", io.ErrUnexpectedEOF)
	default: // JSON that is none, or not what the API says
		out.Err = fmt.Errorf("its answer is not what the API promises: %w", err)
	}
	return out
}
