package registry

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"

	"github.com/intact-dev/intact/pkg/fact"
	"github.com/intact-dev/intact/pkg/image"
	"github.com/intact-dev/intact/pkg/internal/limits"
	"github.com/intact-dev/intact/pkg/internal/netguard"
)

// A statusError is an answer other than the one asked for.
type statusError struct {
	host   string
	status int
	code   string // of the distribution protocol: MANIFEST_UNKNOWN
	said   string
	after  string // Retry-After
	token  bool   // a token server's
}

// Error returns the status and what the server said, escaped.
func (e *statusError) Error() string {
	s := fmt.Sprintf("%s answered %d %s", e.host, e.status, http.StatusText(e.status))
	if e.code != "" {
		s += fmt.Sprintf(" (%s)", e.code)
	}
	if e.said != "" {
		s += fmt.Sprintf(": %q", e.said)
	}
	return s
}

// saidLength is how much of a server's message goes into an error.
const saidLength = 200

// readStatus makes an error of resp, reading at most limits.ErrorBody of it.
func readStatus(resp *http.Response) *statusError {
	e := &statusError{host: resp.Request.URL.Host, status: resp.StatusCode}
	if resp.Request.Method == http.MethodHead {
		return e
	}
	body, err := io.ReadAll(io.LimitReader(resp.Body, limits.ErrorBody))
	if err != nil && len(body) == 0 {
		return e
	}
	var doc struct {
		Errors []struct {
			Code    string `json:"code"`
			Message string `json:"message"`
		} `json:"errors"`
		Error       string `json:"error"` // of token servers (RFC 6749)
		Description string `json:"error_description"`
		Details     string `json:"details"` // of Docker Hub's
	}
	if json.Unmarshal(body, &doc) != nil {
		return e // a page for people, or cut by the limit
	}
	if len(doc.Errors) > 0 {
		e.code, e.said = doc.Errors[0].Code, doc.Errors[0].Message
	} else {
		e.code, e.said = doc.Error, doc.Description+doc.Details
	}
	if !isCode(e.code) {
		e.code = ""
	}
	if r := []rune(e.said); len(r) > saidLength {
		e.said = string(r[:saidLength]) + cut
	}
	return e
}

func isCode(s string) bool {
	return s != "" && len(s) <= 64 && strings.Trim(s, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-") == ""
}

// causeOfStatus maps a status to a cause.
func causeOfStatus(s *statusError) fact.Cause {
	status := s.status
	switch {
	case s.token && (status == http.StatusBadRequest || status == http.StatusForbidden):
		return fact.Unauthenticated // how some say that a credential is refused
	case s.token && status == http.StatusNotFound:
		return fact.ServerError
	case status == http.StatusUnauthorized:
		return fact.Unauthenticated
	case status == http.StatusForbidden:
		return fact.Forbidden
	case status == http.StatusNotFound:
		return fact.NotFound
	case status == http.StatusTooManyRequests:
		return fact.RateLimited
	}
	return fact.ServerError
}

// fail gives err its operation, object, cause and hint. ctx is that of the
// caller: a time limit of one step (connecting, the first byte) that passed
// before its deadline means that there is no answer. No secret that the server
// echoed gets through here.
func (e *endpoint) fail(ctx context.Context, op, object string, err error) error {
	if err == nil {
		return nil
	}
	out := &image.Error{Op: op, Object: object, Err: err}
	var inner *image.Error
	if errors.As(err, &inner) {
		out.Cause, out.Hint, out.Err = inner.Cause, inner.Hint, inner.Err
	} else {
		out.Cause, out.Hint = e.explain(ctx, err)
	}
	if e != nil { // nil: nothing was asked
		out.Err, out.Hint = e.secrets.hideError(out.Err), e.secrets.hide(out.Hint)
	}
	return out
}

func (e *endpoint) explain(ctx context.Context, err error) (fact.Cause, string) {
	var (
		status  *statusError
		blocked *netguard.BlockedError
		refused *refusedError
		limit   *limits.ExceededError
		unknown x509.UnknownAuthorityError
		invalid *tls.CertificateVerificationError
	)
	switch {
	case errors.As(err, &blocked):
		return fact.Blocked, hintOfBlocked(blocked, e)
	case errors.As(err, &refused):
		return fact.Blocked, refused.hint
	case errors.As(err, &limit), errors.Is(err, errSlow):
		return fact.Limit, ""
	case errors.As(err, &status):
		return causeOfStatus(status), e.hintOfStatus(status)
	case errors.Is(err, errProtocol), errors.Is(err, errToken):
		return fact.ServerError, ""
	case errors.Is(ctx.Err(), context.DeadlineExceeded):
		return fact.Deadline, ""
	case ctx.Err() != nil:
		return fact.Cancelled, ""
	case errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, errCut):
		return fact.CutShort, ""
	case isNoTLS(err):
		return fact.Network, "--plain-http " + e.host
	case errors.As(err, &unknown), errors.As(err, &invalid):
		return fact.Network, fmt.Sprintf("if its certificate is right: registries: [{host: %s, ca: FILE}]", e.host)
	}
	return fact.Network, ""
}

func hintOfBlocked(b *netguard.BlockedError, e *endpoint) string {
	switch {
	case b.Class == netguard.Never:
		return ""
	case b.Home:
		return fmt.Sprintf("registries: [{host: %s, privateAddresses: true}]", e.host)
	}
	return "--allow-redirect " + b.Host
}

func (e *endpoint) hintOfStatus(s *statusError) string {
	if s.status != http.StatusUnauthorized && s.status != http.StatusForbidden {
		return ""
	}
	if e.auth.withheld.Load() {
		return "credentials are not sent over plain HTTP; use TLS"
	}
	return fmt.Sprintf("log in (docker login %s); many registries answer so for repositories that do not exist", e.host)
}

// isNoTLS reports that the other side does not speak TLS.
func isNoTLS(err error) bool {
	var header tls.RecordHeaderError
	return errors.As(err, &header)
}

// A refusedError is a step that our own rules refuse.
type refusedError struct {
	why  string
	hint string
}

// Error returns what is refused and why.
func (e *refusedError) Error() string { return e.why }

var (
	errProtocol = errors.New("the answer breaks the protocol")
	errCut      = errors.New("the connection was cut")
	errToken    = errors.New("the token server's answer cannot be used")
)
