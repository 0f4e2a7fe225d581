package registry

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/intact-dev/intact/pkg/internal/limits"
)

// A pass is a token with its end.
type pass struct {
	value   string
	expires time.Time
}

const (
	tokenLife   = 60 * time.Second // of a token that does not say; the protocol's default
	tokenLeast  = 60 * time.Second // what the protocol promises to old clients
	tokenMost   = time.Hour
	tokenMargin = 10 * time.Second // so that a token does not end on its way
	tokenAbsurd = 10 * 365 * 24 * 60 * 60
)

// fetchToken asks realm for the right to pull repo and nothing else.
//
// https://distribution.github.io/distribution/spec/auth/token/
// https://distribution.github.io/distribution/spec/auth/oauth/
func (e *endpoint) fetchToken(ctx context.Context, realm *url.URL, service, repo string, cred Credential) (pass, error) {
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(context.Canceled)
	ask := url.Values{"scope": {scopeOf(repo)}}
	if service != "" {
		ask.Set("service", service)
	}
	req, err := tokenRequest(ctx, realm, ask, cred)
	if err != nil {
		return pass{}, err
	}
	req.Header.Set("User-Agent", e.s.o.UserAgent)
	resp, err := e.sendToken(req)
	if err != nil {
		return pass{}, err
	}
	defer func() { _ = resp.Body.Close() }()
	if resp.StatusCode != http.StatusOK {
		s := e.statusOf(resp)
		s.token = true
		return pass{}, s
	}
	body, err := e.readAll(ctx, stop, resp.Body, limits.Token, "size of the token server's answer")
	if err != nil {
		return pass{}, err
	}
	t, life, err := parseToken(body)
	if err != nil {
		return pass{}, err
	}
	return pass{value: t, expires: e.s.o.now().Add(life - tokenMargin)}, nil
}

func tokenRequest(ctx context.Context, realm *url.URL, ask url.Values, cred Credential) (*http.Request, error) {
	if cred.IdentityToken != "" {
		ask.Set("grant_type", "refresh_token")
		ask.Set("refresh_token", cred.IdentityToken)
		ask.Set("client_id", "intact")
		req, err := http.NewRequestWithContext(ctx, http.MethodPost, realm.String(), bytes.NewReader([]byte(ask.Encode())))
		if err != nil {
			return nil, err
		}
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		return req, nil
	}
	u := *realm
	q := u.Query()
	for k, v := range ask {
		q[k] = v
	}
	u.RawQuery = q.Encode()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, u.String(), nil)
	if err != nil {
		return nil, err
	}
	if cred.Username != "" {
		req.Header.Set("Authorization", basic(cred))
	}
	return req, nil
}

// sendToken sends req and follows redirects of a GET within its origin only: a
// realm was judged by its host.
func (e *endpoint) sendToken(req *http.Request) (*http.Response, error) {
	for hop := 0; ; hop++ {
		ctx, _, err := e.throughProxy(req.Context(), req.URL)
		if err != nil {
			return nil, err
		}
		resp, err := e.do(req.WithContext(ctx))
		if err != nil || !isRedirect(resp.StatusCode) {
			return resp, err
		}
		_ = resp.Body.Close()
		next, err := e.redirect(req.URL, resp.Header.Get("Location"))
		switch {
		case err != nil:
			return nil, err
		case origin(next) != origin(req.URL) || req.Method != http.MethodGet:
			return nil, &refusedError{
				why:  fmt.Sprintf("the token server leads to another (%s) and is not followed", clip(next.Host)),
				hint: "ask the registry's operator: a token server must answer itself",
			}
		case hop == limits.Redirects:
			return nil, &limits.ExceededError{What: "number of redirects", Limit: limits.Redirects}
		}
		again := req.Clone(req.Context())
		again.URL, again.Host = next, ""
		req = again
	}
}

// parseToken returns the token and its life from a token server's answer. An
// answer that can be read in two ways is refused.
func parseToken(body []byte) (string, time.Duration, error) {
	var doc struct {
		Token   string   `json:"token"`
		Access  string   `json:"access_token"`
		Expires *float64 `json:"expires_in"`
	}
	if err := json.Unmarshal(body, &doc); err != nil {
		return "", 0, fmt.Errorf("%w: not a JSON object of the form asked for", errToken)
	}
	t := doc.Token
	switch {
	case t == "":
		t = doc.Access
	case doc.Access != "" && doc.Access != t:
		return "", 0, fmt.Errorf("%w: token and access_token differ", errToken)
	}
	switch {
	case t == "":
		return "", 0, fmt.Errorf("%w: it holds no token", errToken)
	case !plainASCII(t) || strings.ContainsAny(t, `",;`):
		return "", 0, fmt.Errorf("%w: the token holds characters that tokens do not have", errToken)
	case doc.Expires == nil || *doc.Expires == 0:
		return t, tokenLife, nil
	case *doc.Expires < 0 || *doc.Expires > tokenAbsurd:
		return "", 0, fmt.Errorf("%w: expires_in is %g", errToken, *doc.Expires)
	}
	return t, min(max(time.Duration(*doc.Expires)*time.Second, tokenLeast), tokenMost), nil
}

// scopeOf is the least that reading needs: of a repository, or of the catalog ("").
//
// https://distribution.github.io/distribution/spec/auth/scope/
func scopeOf(repo string) string {
	if repo == "" {
		return "registry:catalog:*"
	}
	return "repository:" + repo + ":pull"
}
