package registry

import (
	"context"
	"encoding/base64"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// authState is what one registry wants and was given.
type authState struct {
	mu     sync.Mutex
	known  *challenge // the last one met, so that further repositories need no 401 first
	scopes map[access]*scope
	// withheld: a credential was not looked for because it would be sent in the clear.
	withheld atomic.Bool
	noted    sync.Once
}

// An access is what is to be done with a repository: "pull" or "pull,push".
type access struct{ repo, actions string }

// A scope is the authorization for one access.
type scope struct {
	lock    chan struct{} // held while a token is fetched; of size 1
	header  string
	expires time.Time // zero = not known to expire
}

func (a *authState) scope(to access) *scope {
	a.mu.Lock()
	defer a.mu.Unlock()
	s := a.scopes[to]
	if s == nil {
		s = &scope{lock: make(chan struct{}, 1)}
		a.scopes[to] = s
	}
	return s
}

// authorize returns the Authorization header for an access: "" if there is nothing
// to show. c is the challenge to meet, nil before the registry made one; refused is
// the header that was answered with it.
func (e *endpoint) authorize(ctx context.Context, to access, c *challenge, refused string) (string, error) {
	s := e.auth.scope(to)
	select {
	case s.lock <- struct{}{}:
		defer func() { <-s.lock }()
	case <-ctx.Done():
		return "", context.Cause(ctx)
	}
	valid := s.header != "" && (s.expires.IsZero() || e.s.o.now().Before(s.expires))
	if valid && s.header != refused {
		return s.header, nil // another request has got it meanwhile
	}
	if c == nil {
		if c = e.auth.remembered(); c == nil {
			return "", nil
		}
	}
	header, expires, err := e.meet(ctx, to, c)
	if err != nil {
		return "", err
	}
	s.header, s.expires = header, expires
	e.auth.remember(c)
	return header, nil
}

func (a *authState) remembered() *challenge {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.known
}

// remember keeps a challenge that was met. One that could not be met is forgotten,
// so that the registry can make a better one.
func (a *authState) remember(c *challenge) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.known = c
}

// meet gets what c wants.
func (e *endpoint) meet(ctx context.Context, to access, c *challenge) (string, time.Time, error) {
	cred, err := e.credential(ctx, to.repo)
	if err != nil {
		return "", time.Time{}, err
	}
	switch {
	case !c.bearer && cred.Username != "":
		return basic(cred), time.Time{}, nil
	case !c.bearer:
		return "", time.Time{}, nil
	case cred.RegistryToken != "":
		return "Bearer " + cred.RegistryToken, time.Time{}, nil
	}
	realm, err := e.checkRealm(c.realm)
	if err != nil {
		return "", time.Time{}, err
	}
	if realm.Scheme == "http" && !e.sameMachine(realm) {
		e.auth.withheld.Store(true)
		cred = Credential{}
	}
	t, err := e.fetchToken(ctx, realm, c.service, to, cred)
	if err != nil {
		return "", time.Time{}, fmt.Errorf("get a token: %w", err)
	}
	return "Bearer " + t.value, t.expires, nil
}

func basic(c Credential) string {
	return "Basic " + base64.StdEncoding.EncodeToString([]byte(c.Username+":"+c.Password))
}

// credential returns what may be shown to this registry; the zero Credential if
// there is nothing, or if it would go over the network in the clear.
func (e *endpoint) credential(ctx context.Context, repo string) (Credential, error) {
	if !e.confidential() {
		e.auth.withheld.Store(true)
		return Credential{}, nil
	}
	if c := e.settings.Credentials; c != nil {
		return *c, nil
	}
	c, err := e.s.o.Keychain.Credential(ctx, e.host, repo)
	if err != nil {
		if ctx.Err() != nil {
			return Credential{}, ctx.Err()
		}
		e.auth.noted.Do(func() { e.s.o.Note(fmt.Sprintf("credentials for %s: %v; asking without", e.host, err)) })
		return Credential{}, nil
	}
	e.secrets.addCredential(c)
	return c, nil
}

// confidential reports whether what is sent to the registry stays between it and
// us: over TLS, or without leaving this machine.
func (e *endpoint) confidential() bool {
	u := e.base("")
	return u.Scheme == "https" || e.sameMachine(u)
}

// sameMachine reports whether u is reached under the registry's own name, which
// is this machine's, and not through a proxy.
func (e *endpoint) sameMachine(u *url.URL) bool {
	proxy, err := e.s.o.Proxy(&http.Request{URL: u})
	return e.loopback() && proxy == nil && err == nil && strings.EqualFold(u.Hostname(), hostOnly(e.address))
}
