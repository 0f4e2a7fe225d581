package kubernetes

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/intact-dev/intact/pkg/fact"
	"github.com/intact-dev/intact/pkg/image"
	"github.com/intact-dev/intact/pkg/internal/limits"
)

var (
	errHang     = errors.New("it does not answer, or not fast enough to ever end")
	errProtocol = errors.New("the answer is not what the Kubernetes API says")
	errCut      = errors.New("the answer ends early")
)

// A statusError is an answer other than the one asked for.
type statusError struct {
	code    int
	said    string // the server's own words; "" if it sent none that are the API's
	page    bool   // it sent a page for people
	after   time.Duration
	expired bool   // of a list: its token is no longer good
	resume  string // then: one to go on with, from newer objects; may be ""
}

// Error returns the status and what the server said, escaped.
func (e *statusError) Error() string {
	s := fmt.Sprintf("the server answered %d %s", e.code, http.StatusText(e.code))
	switch {
	case e.code >= 300 && e.code < 400:
		s += ": redirects are not followed, credentials would go along"
	case e.said != "":
		s += fmt.Sprintf(": %q", e.said)
	case e.page:
		s += " with a page for people: it is a proxy, or no API server"
	}
	return s
}

// saidLength is how much of a server's message goes into an error.
const saidLength = 300

// readStatus makes an error of resp.
//
// https://github.com/kubernetes/community/blob/master/contributors/devel/sig-architecture/api-conventions.md#response-status-kind
func readStatus(resp *http.Response, r io.Reader, now time.Time) *statusError {
	e := &statusError{code: resp.StatusCode, expired: resp.StatusCode == http.StatusGone}
	e.after = retryAfter(resp.Header.Get("Retry-After"), now)
	raw, _ := io.ReadAll(io.LimitReader(r, limits.ErrorBody)) // what could be read is enough
	var s metav1.Status
	kind, err := decodeObject(raw, &s)
	if err != nil || kind != "Status" {
		e.page = len(raw) > 0 && raw[0] == '<'
		return e
	}
	e.said, e.resume = s.Message, s.Continue
	if s.Reason == metav1.StatusReasonExpired {
		e.expired = true
	}
	if d := s.Details; d != nil && d.RetryAfterSeconds > 0 && e.after == 0 {
		e.after = time.Duration(d.RetryAfterSeconds) * time.Second
	}
	if words := []rune(e.said); len(words) > saidLength {
		e.said = string(words[:saidLength]) + "…"
	}
	return e
}

// retryAfter parses seconds or a date; 0 for what is neither.
//
// https://www.rfc-editor.org/rfc/rfc9110#section-10.2.3
func retryAfter(s string, now time.Time) time.Duration {
	if n, err := strconv.ParseInt(s, 10, 64); err == nil {
		return time.Duration(min(max(n, 0), 1<<31)) * time.Second
	}
	if t, err := http.ParseTime(s); err == nil && t.After(now) {
		return t.Sub(now)
	}
	return 0
}

// isCredentials reports that a plugin gave none. client-go has no type for it.
func isCredentials(err error) bool {
	s := err.Error()
	return strings.HasPrefix(s, "getting credentials: ") || strings.HasPrefix(s, "No valid id-token, and cannot refresh without refresh-token") ||
		strings.HasPrefix(s, "failed to refresh token") || strings.Contains(s, "exec plugin")
}

func isTLS(err error) bool {
	var (
		unknown x509.UnknownAuthorityError
		invalid *tls.CertificateVerificationError
		alert   tls.AlertError
		header  tls.RecordHeaderError
	)
	return errors.As(err, &unknown) || errors.As(err, &invalid) || errors.As(err, &alert) || errors.As(err, &header)
}

// fail gives err its operation, object, cause and hint. ctx is the caller's.
// need is what has to be granted, "list pods"; "" if nothing can be.
func (c *client) fail(ctx context.Context, op, object, need string, err error) error {
	var known *image.Error
	if err == nil || errors.As(err, &known) {
		return err
	}
	out := &image.Error{Op: op, Object: object, Err: c.hide(err)}
	var s *statusError
	switch {
	case errors.Is(err, errHang):
		out.Cause, out.Err = fact.Deadline, fmt.Errorf("%w (%s)", errHang, c.o.Timeout)
	case errors.As(err, &s):
		out.Cause, out.Hint = causeOf(s), hintOf(s, need)
	case ctx.Err() != nil:
		out.Cause = fact.Cancelled
		if errors.Is(ctx.Err(), context.DeadlineExceeded) {
			out.Cause = fact.Deadline
		}
	case errors.Is(err, errCut), errors.Is(err, io.ErrUnexpectedEOF):
		out.Cause = fact.CutShort
	case errors.Is(err, errProtocol):
		out.Cause = fact.ServerError
	case isCredentials(err):
		first, _, _ := strings.Cut(out.Err.Error(), "\n") // a page of advice may follow
		out.Err = errors.New(first)
		out.Cause, out.Hint = fact.Unauthenticated, "log in to the cluster as for kubectl, and see that the plugin that the kubeconfig names is installed"
	default:
		var limit *limits.ExceededError
		if errors.As(err, &limit) {
			out.Cause = fact.Limit
			break
		}
		out.Cause = fact.Network
		if isTLS(err) {
			out.Hint = "if its certificate is right: certificate-authority of the cluster in the kubeconfig"
		}
	}
	return out
}

func causeOf(s *statusError) fact.Cause {
	switch s.code {
	case http.StatusUnauthorized:
		return fact.Unauthenticated
	case http.StatusForbidden:
		return fact.Forbidden
	case http.StatusNotFound:
		return fact.NotFound
	case http.StatusTooManyRequests:
		return fact.RateLimited
	case http.StatusGone:
		return fact.CutShort
	}
	return fact.ServerError
}

func hintOf(s *statusError, need string) string {
	switch {
	case s.code == http.StatusUnauthorized:
		return "log in to the cluster as for kubectl"
	case s.code == http.StatusForbidden && need != "":
		return "grant " + need + "; see deploy/rbac.yaml"
	}
	return ""
}

// A hidden error is one whose text had a secret in it.
type hidden struct {
	text string
	err  error
}

func (h *hidden) Error() string { return h.text }
func (h *hidden) Unwrap() error { return h.err }

// hide takes out of err's text what the server echoed of the credentials.
func (c *client) hide(err error) error {
	text := err.Error()
	for _, s := range c.secrets {
		text = strings.ReplaceAll(text, s, "[secret]")
	}
	if text == err.Error() {
		return err
	}
	return &hidden{text, err}
}
