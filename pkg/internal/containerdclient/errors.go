package containerdclient

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/intact-dev/intact/pkg/fact"
	"github.com/intact-dev/intact/pkg/image"
	"github.com/intact-dev/intact/pkg/internal/limits"
)

// describe names an object of the runtime in messages.
func (c *Conn) describe(object string) string {
	at := fmt.Sprintf("the runtime at %q", c.path)
	if object == "" {
		return at
	}
	return object + " at " + at
}

// fail makes an *image.Error of what a call returned. outer is the caller's
// context, inner the call's own, which may have ended by our deadline.
func (c *Conn) fail(outer, inner context.Context, op, object string, err error) error {
	e := &image.Error{Op: op, Object: c.describe(object)}
	var silence *silenceError
	switch {
	case outer.Err() != nil:
		e.Err = context.Cause(outer)
		e.Cause = image.CauseOf(outer.Err())
	case errors.As(context.Cause(inner), &silence):
		e.Cause, e.Err = fact.Network, silence
	default:
		e.Cause, e.Hint, e.Err = explain(err)
	}
	return e
}

// explain turns the status of an answer into a cause. The text is the server's.
func explain(err error) (cause fact.Cause, hint string, explained error) {
	st, ok := status.FromError(err)
	if !ok {
		return image.CauseOf(err), "", err
	}
	said := fmt.Errorf("%.1000q", st.Message())
	switch st.Code() {
	case codes.NotFound:
		return fact.NotFound, "", errors.New("it is not there")
	case codes.PermissionDenied:
		return fact.Forbidden, "run as root", said
	case codes.Unauthenticated:
		return fact.Unauthenticated, "", said
	case codes.Unimplemented:
		return fact.Unsupported, "", fmt.Errorf("what listens there does not offer it: %w", said)
	case codes.ResourceExhausted:
		if strings.Contains(st.Message(), "larger than max") { // gRPC's own words, ours or the server's
			return fact.Limit, "", &limits.ExceededError{What: "size of one answer", Limit: limits.RuntimeMessage}
		}
		return fact.RateLimited, "", said
	case codes.Unavailable:
		if notGRPC(st.Message()) {
			return fact.Unsupported, "name the socket of containerd or of a CRI: " + Flag, fmt.Errorf("what listens there does not speak gRPC: %w", said)
		}
		return fact.Network, "", said
	}
	return fact.ServerError, "", said
}

// notGRPC knows gRPC's words for a peer that answered in another protocol.
func notGRPC(message string) bool {
	for _, sign := range []string{"looked like an HTTP/1.1 header", "frame too large", "malformed HTTP"} {
		if strings.Contains(message, sign) {
			return true
		}
	}
	return false
}
