package api

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/intact-dev/intact/pkg/config"
	"github.com/intact-dev/intact/pkg/internal/idtoken"
	"github.com/intact-dev/intact/pkg/report"
)

// A role is what somebody may do; a greater one may do all of a smaller one.
type role int

const (
	open   role = iota // nobody needs to be known
	reader             // reads
	writer             // reads, and asks for scans
)

func (r role) String() string { return [...]string{"guest", "reader", "writer"}[r] }

func roleOf(name string) role {
	switch name {
	case "reader":
		return reader
	case "writer":
		return writer
	}
	return open // config.Load lets no other through
}

// A caller is who asks.
type caller struct {
	name string // safe as text of up to 100 characters
	role role
}

type callerKey struct{}

func withCaller(ctx context.Context, c caller) context.Context {
	return context.WithValue(ctx, callerKey{}, c)
}

func callerOf(ctx context.Context) caller {
	c, _ := ctx.Value(callerKey{}).(caller)
	return c
}

// An authenticator knows callers by a bearer token.
type authenticator interface {
	// known returns who shows the token; ok is false if it is none of its.
	known(ctx context.Context, token string) (c caller, ok bool, err error)
}

var (
	errExpired = problem(http.StatusUnauthorized, "the token has expired")
	errNoKeys  = problem(http.StatusServiceUnavailable, "the keys of the issuer of tokens cannot be had now")
)

func authenticators(a config.API, o Options) ([]authenticator, error) {
	var out []authenticator
	if len(a.Tokens) > 0 {
		fixed := make(tokens, 0, len(a.Tokens))
		for _, t := range a.Tokens {
			value, err := o.Secret(t.Token)
			if err != nil {
				return nil, fmt.Errorf("API token %q: read the secret in %s: %w", t.Name, t.Token, err)
			}
			// Editors end a file with a newline.
			value = strings.TrimSuffix(strings.TrimSuffix(value, "\n"), "\r")
			if len(value) < minToken || len(value) > maxToken || strings.ContainsFunc(value, notVisible) {
				return nil, fmt.Errorf("API token %q: the secret in %s can be guessed or does not fit into a header; expected %d to %d visible characters, such as openssl rand -hex 32 makes", t.Name, t.Token, minToken, maxToken)
			}
			fixed = append(fixed, token{sha256.Sum256([]byte(value)), caller{t.Name, roleOf(t.Role)}})
		}
		out = append(out, fixed)
	}
	if a.OIDC != nil {
		out = append(out, &issuer{a.OIDC.Roles, idtoken.New(a.OIDC.Issuer, a.OIDC.Audience, o.Client, o.Now)})
	}
	return out, nil
}

// Lengths of fixed tokens.
const (
	minToken = 32
	maxToken = 256
)

func notVisible(r rune) bool { return r <= ' ' || r > '~' }

// authenticate says who asks, or why nobody may.
func (h *Handler) authenticate(r *http.Request) (caller, *Problem) {
	values := r.Header.Values("Authorization")
	if len(values) != 1 {
		return caller{}, problem(http.StatusUnauthorized, "expected one header Authorization: Bearer TOKEN")
	}
	scheme, token, _ := strings.Cut(values[0], " ")
	token = strings.TrimSpace(token)
	if !strings.EqualFold(scheme, "bearer") || token == "" {
		return caller{}, problem(http.StatusUnauthorized, "expected the header Authorization: Bearer TOKEN")
	}
	refused := problem(http.StatusUnauthorized, "the token is not accepted")
	for _, a := range h.auth {
		c, ok, err := a.known(r.Context(), token)
		if ok {
			return c, nil
		}
		if err != nil && !errors.As(err, &refused) {
			h.o.Log.WarnContext(r.Context(), "a token cannot be judged", "error", err.Error())
			refused = errNoKeys
		}
	}
	return caller{}, refused
}

type token struct {
	sum [sha256.Size]byte
	caller
}

// tokens are fixed ones.
type tokens []token

// known compares in a time that tells neither content nor length, and looks at all
// of them.
func (t tokens) known(_ context.Context, value string) (caller, bool, error) {
	sum := sha256.Sum256([]byte(value))
	found := -1
	for i := range t {
		if subtle.ConstantTimeCompare(sum[:], t[i].sum[:]) == 1 {
			found = i
		}
	}
	if found < 0 {
		return caller{}, false, nil
	}
	return t[found].caller, true, nil
}

// An issuer signs identity tokens.
type issuer struct {
	roles    []config.ClaimRole
	verifier *idtoken.Verifier
}

func (i *issuer) known(ctx context.Context, value string) (caller, bool, error) {
	// What is no token of three parts is not worth a question to the issuer.
	if strings.Count(value, ".") != 2 {
		return caller{}, false, nil
	}
	id, err := i.verifier.Verify(ctx, value)
	switch {
	case errors.Is(err, idtoken.ErrExpired):
		return caller{}, false, errExpired
	case errors.Is(err, idtoken.ErrNoKeys):
		return caller{}, false, err
	case err != nil:
		return caller{}, false, nil
	}
	var claims map[string]json.RawMessage
	if err := id.Claims(&claims); err != nil {
		return caller{}, false, nil
	}
	for _, r := range i.roles {
		if holds(claims, r) {
			return caller{name: shortened(report.Escape(id.Subject)), role: roleOf(r.Role)}, true, nil
		}
	}
	return caller{}, false, nil
}

// holds reports whether the claim is the value, or a list that has it. An address
// counts only if the issuer verified it.
func holds(claims map[string]json.RawMessage, r config.ClaimRole) bool {
	if r.Claim == "email" && string(claims["email_verified"]) != "true" {
		return false
	}
	values := []json.RawMessage{claims[r.Claim]}
	_ = json.Unmarshal(claims[r.Claim], &values) // what is no list stays one value
	for _, raw := range values {
		var text *string
		if json.Unmarshal(raw, &text) == nil && text != nil && *text == r.Value {
			return true
		}
	}
	return false
}

func shortened(s string) string {
	const most = 100
	runes := []rune(s)
	if len(runes) <= most {
		return s
	}
	return string(runes[:most-1]) + "…"
}
