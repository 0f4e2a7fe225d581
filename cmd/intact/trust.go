package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"path/filepath"
	"sync"
	"time"

	"github.com/intact-dev/intact/pkg/fact"
	"github.com/intact-dev/intact/pkg/image"
	"github.com/intact-dev/intact/pkg/policy"
	"github.com/intact-dev/intact/pkg/policy/signing"
	"github.com/intact-dev/intact/pkg/verify/trustroot"
	"github.com/urfave/cli/v2"
)

// overrideSignatures puts the signature flags in the place of the policy's
// rules.
func overrideSignatures(c *cli.Context, pol *policy.Policy) (*policy.Policy, error) {
	var o policy.SignatureOverride
	key, id, idRegexp, issuer := signerKey(c), c.String("certificate-identity"), c.String("certificate-identity-regexp"), c.String("certificate-oidc-issuer")
	switch {
	case key != "" && (id != "" || idRegexp != "" || issuer != ""):
		return nil, usage(errors.New("--key and a certificate identity"), "give one of them, or write both into a policy's signatures as anyOf")
	case id != "" && idRegexp != "":
		return nil, usage(errors.New("--certificate-identity and --certificate-identity-regexp"), "give one of them")
	case (id != "" || idRegexp != "") && issuer == "":
		return nil, usage(errors.New("a certificate identity without --certificate-oidc-issuer"),
			"anybody can get a certificate for any name from some issuer; name the one that counts, for example --certificate-oidc-issuer https://token.actions.githubusercontent.com")
	case issuer != "" && id == "" && idRegexp == "":
		return nil, usage(errors.New("--certificate-oidc-issuer without an identity"), "add --certificate-identity: everybody with an account at the issuer could sign")
	case c.Bool("insecure-ignore-tlog") && key == "":
		return nil, usage(errors.New("--insecure-ignore-tlog without --key"), "a keyless signature proves no time without a log; in a policy, say transparencyLog: not-required beside a key")
	}
	if file := c.String("trusted-root"); file != "" {
		b, err := readLimited(file)
		if err != nil {
			return nil, usage(fmt.Errorf("--trusted-root %q: %w", file, err), "give the trusted_root.json of your Sigstore instance")
		}
		o.Roots = []policy.Root{{Name: filepath.ToSlash(file), JSON: b}}
	}
	if c.Bool("insecure-ignore-sct") {
		o.SCT = signing.NotRequired
	}
	switch {
	case key != "":
		b, err := readLimited(key)
		if err != nil {
			return nil, usage(fmt.Errorf("--key %q: %w", key, err), "give a file with a PEM public key, such as cosign.pub")
		}
		name := filepath.ToSlash(key)
		o.Keys = []policy.Key{{Name: name, PEM: b}}
		a := signing.Authority{Name: "--key", Key: name}
		if c.Bool("insecure-ignore-tlog") {
			a.TransparencyLog = signing.NotRequired
		}
		o.AnyOf = []signing.Authority{a}
	case issuer != "":
		o.AnyOf = []signing.Authority{{Name: "command line", Keyless: &signing.Keyless{Issuer: issuer, Identity: escapeGlob(id), IdentityRegexp: idRegexp}}}
	}
	if o.AnyOf == nil && o.Roots == nil && o.SCT == "" {
		return pol, nil
	}
	out, err := pol.WithSignatures(o)
	if err != nil {
		return nil, usage(err, "see intact scan --help")
	}
	return out, nil
}

// signerKey is the key that must have signed the image. The --key of attest is the
// one that it signs with: there the policy says who must have signed.
func signerKey(c *cli.Context) string {
	if c.Command.Name == "attest" {
		return ""
	}
	return c.String("key")
}

// escapeGlob makes an identity exact: on the command line, as in cosign, a star
// is a star.
func escapeGlob(s string) string {
	var out []rune
	for _, r := range s {
		if r == '*' || r == '\\' || r == '{' || r == '}' {
			out = append(out, '\\')
		}
		out = append(out, r)
	}
	return string(out)
}

// A publicTrust is Sigstore's root, fetched once. The zero value was not yet.
type publicTrust struct {
	mu   sync.Mutex // held while it is fetched
	body []byte
	info trustroot.Info
	// last is the last one that was had, of a program that runs for long; nil = nothing
	// is kept. It counts until it expires if nothing newer can be had.
	last *publicTrust
	// fetch is for tests; nil = trustroot.Fetch.
	fetch func(context.Context, trustroot.Options) ([]byte, trustroot.Info, error)
}

// get fetches the root if that was not done. What went wrong is tried again.
func (t *publicTrust) get(ctx context.Context, c *cli.Context) ([]byte, trustroot.Info, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.body != nil {
		return t.body, t.info, nil
	}
	o := trustroot.Options{Offline: c.Bool("offline"), Now: time.Now(), HTTPClient: &http.Client{Timeout: 30 * time.Second}}
	if dir := cacheDir(c); dir != "" && !c.Bool("no-cache") {
		o.CacheDir = filepath.Join(dir, "trustroot")
	}
	fetch := t.fetch
	if fetch == nil {
		fetch = trustroot.Fetch
	}
	b, info, err := fetch(ctx, o)
	if old, kept, ok := t.last.holds(o.Now); ok && (err != nil || info.At.Before(kept.At)) {
		kept.Source, kept.Why = trustroot.FromCache, info.Why
		if err != nil {
			kept.Why = err.Error()
		}
		b, info, err = old, kept, nil
	}
	if err != nil {
		return nil, trustroot.Info{}, &image.Error{Op: "get the public trust root", Cause: fact.Network, Err: err, Hint: "give one with --trusted-root FILE"}
	}
	t.body, t.info = b, info
	t.last.keep(b, info)
	return b, info, nil
}

// holds returns the root if there is one that has not expired.
func (t *publicTrust) holds(now time.Time) ([]byte, trustroot.Info, bool) {
	if t == nil {
		return nil, trustroot.Info{}, false
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.body, t.info, t.body != nil && now.Before(t.info.Expires)
}

func (t *publicTrust) keep(b []byte, info trustroot.Info) {
	if t == nil {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.body, t.info = b, info
}

// publicRoot fetches Sigstore's root when a rule first needs it, and says in the
// report how old it is if it is not fresh.
func (s *scanSetup) publicRoot(c *cli.Context, now time.Time) func(context.Context) ([]byte, error) {
	return func(ctx context.Context) ([]byte, error) {
		b, info, err := s.public.get(ctx, c)
		if err != nil {
			return nil, err
		}
		if info.Source != trustroot.FromTUF {
			s.notices.add(fmt.Sprintf("the public trust root is from %s, %s (%s)", info.Source, info.At.UTC().Format(time.DateOnly), info.Why))
		}
		return b, nil
	}
}

// builtinRoot is Sigstore's root as it was when this version was made.
func (s *scanSetup) builtinRoot() ([]byte, error) {
	b, info := trustroot.Embedded()
	s.notices.add(fmt.Sprintf("logs were judged by the built-in trust root of %s, since a key alone fetches nothing (--trusted-root FILE names another)",
		info.At.UTC().Format(time.DateOnly)))
	return b, nil
}
