package registry

import (
	"context"
	"errors"
	"sync"
	"time"
)

// A Credential is what is shown to a registry. The zero value is anonymous. It
// must never be printed.
type Credential struct {
	Username, Password string
	// IdentityToken is exchanged for tokens at the token server.
	IdentityToken string
	// RegistryToken is shown as it is.
	RegistryToken string
}

// String hides the credential from messages.
func (c Credential) String() string {
	if c == (Credential{}) {
		return "anonymous"
	}
	return "credential (hidden)"
}

// GoString hides the credential from %#v.
func (c Credential) GoString() string { return c.String() }

// MarshalText hides the credential from encoders.
func (c Credential) MarshalText() ([]byte, error) { return []byte(c.String()), nil }

// A Keychain finds credentials. host is as in references ("docker.io",
// "localhost:5000"), repository the path within it. No credential is the zero
// Credential and no error. It is asked only after a registry wanted to be shown
// one, and may be used concurrently.
type Keychain interface {
	Credential(ctx context.Context, host, repository string) (Credential, error)
}

// Anonymous is the Keychain without credentials.
type Anonymous struct{}

// Credential returns none.
func (Anonymous) Credential(context.Context, string, string) (Credential, error) {
	return Credential{}, nil
}

// Chain asks each Keychain in turn; the first that has a credential wins. If none
// has, the errors are returned.
type Chain []Keychain

// Credential implements Keychain.
func (c Chain) Credential(ctx context.Context, host, repository string) (Credential, error) {
	var errs []error
	for _, k := range c {
		cred, err := k.Credential(ctx, host, repository)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		if cred != (Credential{}) {
			return cred, nil
		}
	}
	return Credential{}, errors.Join(errs...)
}

// DefaultKeychain returns the credentials that a user of the machine already has:
// Docker's configuration and its helpers, else Podman's file, then the cloud's
// own identity for ECR, Artifact Registry and ACR. Nothing is read before a
// registry asks.
func DefaultKeychain() Keychain {
	return Chain{FileKeychain{}, CloudKeychain()}
}

// CloudKeychain finds credentials for Amazon ECR, Google's Artifact Registry and
// Azure's container registries, by the identity of the machine or the user.
func CloudKeychain() Keychain {
	return &cached{Keychain: newCloudKeychain(), now: time.Now, byHost: map[string]*entry{}}
}

// cached remembers the answers of a slow Keychain by host, failures too: a
// machine without a cloud identity is not asked for it before every repository.
type cached struct {
	Keychain
	now    func() time.Time
	mu     sync.Mutex
	byHost map[string]*entry
}

type entry struct {
	lock  chan struct{}
	until time.Time
	cred  Credential
	err   error
}

// Times to remember: cloud tokens live for 15 minutes (Google at the end of
// theirs) to 12 hours (ECR).
const (
	rememberFound  = 5 * time.Minute
	rememberFailed = time.Minute
)

// Credential implements Keychain.
func (c *cached) Credential(ctx context.Context, host, repository string) (Credential, error) {
	c.mu.Lock()
	e := c.byHost[host]
	if e == nil {
		e = &entry{lock: make(chan struct{}, 1)}
		c.byHost[host] = e
	}
	c.mu.Unlock()
	select {
	case e.lock <- struct{}{}:
		defer func() { <-e.lock }()
	case <-ctx.Done():
		return Credential{}, ctx.Err()
	}
	if c.now().Before(e.until) {
		return e.cred, e.err
	}
	cred, err := c.Keychain.Credential(ctx, host, repository)
	if ctx.Err() != nil {
		return cred, err
	}
	remember := rememberFound
	if err != nil {
		remember = rememberFailed
	}
	e.cred, e.err, e.until = cred, err, c.now().Add(remember)
	return cred, err
}
