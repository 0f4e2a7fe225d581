package registry

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strconv"
	"time"

	"github.com/intact-dev/intact/pkg/image"
	"github.com/intact-dev/intact/pkg/internal/limits"
	"github.com/intact-dev/intact/pkg/internal/netguard"
)

const (
	backoffFirst = 500 * time.Millisecond
	backoffMost  = 8 * time.Second
)

// retry calls f until it succeeds, fails for good, or has been called once and
// then as often as retries are allowed. A registry that is silent is not waited for
// again.
func retry[T any](ctx context.Context, e *endpoint, f func(context.Context) (T, error)) (T, error) {
	start := e.s.o.now()
	again, err := e.silence.enter(start)
	if err != nil {
		var none T
		return none, err
	}
	for n := 0; ; n++ {
		v, err := f(ctx)
		if err == nil || ctx.Err() != nil || !transient(err) {
			return v, err
		}
		if !again || n >= e.s.o.Retries || e.silence.on() {
			var silent *noAnswerError
			if errors.As(err, &silent) && (!again || n > 0) { // once can happen
				e.silence.begin(start, e.s.o.now(), err)
			}
			return v, err
		}
		wait, why := e.backoff(ctx, n, err)
		if why != "" {
			return v, fmt.Errorf("%w; not tried again: %s", err, why)
		}
		if e.s.o.sleep(ctx, wait) != nil {
			return v, err
		}
	}
}

// backoff returns how long to wait after the n-th failure. What the server asks
// for is honoured, or reported if it is more than the cap or does not fit the
// deadline: asking again sooner would only use up what is left of a quota.
func (e *endpoint) backoff(ctx context.Context, n int, err error) (wait time.Duration, whyNot string) {
	wait = min(backoffFirst<<n, backoffMost)
	wait = time.Duration(float64(wait) * (0.5 + e.s.o.jitter()))
	var s *statusError
	if errors.As(err, &s) {
		if asked, ok := retryAfter(s.after, e.s.o.now()); ok {
			if asked > limits.RetryAfterCap {
				return 0, fmt.Sprintf("it asks to wait %s, more than the limit of %s", asked, limits.RetryAfterCap)
			}
			wait = max(wait, asked)
		}
	}
	if deadline, ok := ctx.Deadline(); ok && e.s.o.now().Add(wait).After(deadline) {
		return 0, fmt.Sprintf("the deadline is sooner than the %s to wait", wait.Round(time.Millisecond))
	}
	return wait, ""
}

// retryAfter parses seconds or a date; what is neither or lies in the past is as
// if it was not sent.
//
// https://www.rfc-editor.org/rfc/rfc9110#section-10.2.3
func retryAfter(s string, now time.Time) (time.Duration, bool) {
	if s == "" {
		return 0, false
	}
	if n, err := strconv.ParseInt(s, 10, 64); err == nil {
		if n < 0 {
			return 0, false
		}
		return time.Duration(min(n, 1<<31)) * time.Second, true
	}
	t, err := http.ParseTime(s)
	if err != nil || !t.After(now) {
		return 0, false
	}
	return t.Sub(now), true
}

// transient reports whether the same request may get another answer.
func transient(err error) bool {
	var (
		status  *statusError
		blocked *netguard.BlockedError
		limit   *limits.ExceededError
		known   *image.Error
		name    *net.DNSError
	)
	switch {
	case errors.As(err, &status):
		return status.status >= 500 || status.status == http.StatusTooManyRequests
	case errors.As(err, &blocked), errors.As(err, &limit), errors.As(err, &known), isRefused(err), isCertificate(err):
		return false
	case errors.As(err, &name) && name.IsNotFound:
		return false
	case errors.Is(err, errProtocol), errors.Is(err, errToken), errors.Is(err, errSlow), isNoTLS(err):
		return false
	}
	return true
}

func isCertificate(err error) bool {
	var invalid *tls.CertificateVerificationError
	var alert tls.AlertError
	return errors.As(err, &invalid) || errors.As(err, &alert)
}
