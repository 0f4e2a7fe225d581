package webhook

import (
	"errors"
	"net/http"
	"time"

	"github.com/intact-dev/intact/pkg/config"
	"github.com/intact-dev/intact/pkg/internal/idtoken"
)

// An identity is a token that an issuer signed for us.
type identity struct {
	auth     config.Auth
	verifier *idtoken.Verifier
}

func newIdentity(auth config.Auth, client *http.Client, now func() time.Time) *identity {
	return &identity{auth, idtoken.New(auth.Issuer, auth.Audience, client, now)}
}

func (a *identity) Signs() bool { return false }

func (a *identity) Authenticate(r *http.Request, _ string, _ []byte) Reason {
	token := bearerToken(r)
	if token == "" {
		return NoCredential
	}
	id, err := a.verifier.Verify(r.Context(), token)
	switch {
	case errors.Is(err, idtoken.ErrExpired):
		return Expired
	case errors.Is(err, idtoken.ErrNoKeys):
		return NoKeys
	case err != nil:
		return BadCredential
	}
	var claims struct {
		Email    string `json:"email"`
		Verified bool   `json:"email_verified"`
	}
	if err := id.Claims(&claims); err != nil {
		return BadCredential
	}
	if a.auth.Email != "" && (claims.Email != a.auth.Email || !claims.Verified) {
		return BadCredential
	}
	if a.auth.Subject != "" && id.Subject != a.auth.Subject {
		return BadCredential
	}
	return ""
}
