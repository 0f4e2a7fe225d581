// Package trustroot gets Sigstore's public trust root: with TUF, from the last
// copy that TUF gave, or from the copy that is built in, and says which.
package trustroot

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/sigstore/sigstore-go/pkg/root"
	"github.com/sigstore/sigstore-go/pkg/tuf"
	"github.com/theupdateframework/go-tuf/v2/metadata"
)

// Where a root came from.
const (
	FromTUF      = "tuf"      // verified now
	FromCache    = "cache"    // fetched earlier, verified now, not expired
	FromEmbedded = "embedded" // built in
)

// ErrExpired says that the metadata of the repository, or of the copy, is past
// its date. It is never replaced by anything older.
var ErrExpired = errors.New("the trust root's metadata has expired")

// The target of Sigstore's repository that holds the root.
const target = "trusted_root.json"

// embedded is the target as published with version 12 of the repository's root,
// whose term of half a year ended on 2025-08-19.
//
//go:embed trusted_root.json
var embedded []byte

var (
	embeddedAt      = time.Date(2025, time.February, 18, 0, 0, 0, 0, time.UTC)
	embeddedExpires = time.Date(2025, time.August, 19, 0, 0, 0, 0, time.UTC)
)

// Options say where to ask.
type Options struct {
	// CacheDir is where the last good copy is kept; "" keeps none. It need not be
	// trusted: what comes out of it is verified as if a server had sent it.
	CacheDir string
	// Offline asks nobody.
	Offline bool
	// HTTPClient makes the requests; needed unless Offline.
	HTTPClient *http.Client
	// Now is the time at which metadata must be valid.
	Now time.Time
	// URL and Anchor are those of Sigstore's repository if they are zero.
	URL    string
	Anchor []byte // the first root.json
}

// Info says what one got.
type Info struct {
	Source string // FromTUF, FromCache, FromEmbedded
	// At is when the root was fetched, or published if it is built in.
	At time.Time
	// Expires is when the first of the metadata that vouches for it ends. Whoever
	// keeps the root longer does not know any more whether it is the one to use.
	Expires time.Time
	// Why says why it is not fresh; "" if it is.
	Why string
}

// Embedded returns the root that is built in.
func Embedded() ([]byte, Info) {
	return append([]byte(nil), embedded...), Info{Source: FromEmbedded, At: embeddedAt, Expires: embeddedExpires, Why: "no other was asked for"}
}

// Fetch returns a trusted_root.json. If the repository cannot be reached, or
// what it serves is not right, the last good copy is used while it is valid; the
// one that is built in if there is no copy. Expired metadata is an error that
// wraps ErrExpired.
func Fetch(ctx context.Context, opts Options) ([]byte, Info, error) {
	if opts.Now.IsZero() {
		return nil, Info{}, errors.New("fetch trust root: no time given")
	}
	if opts.URL == "" {
		opts.URL, opts.Anchor = tuf.DefaultMirror, tuf.DefaultRoot()
	}
	why := "the network was not to be used"
	if !opts.Offline {
		body, expires, err := fromNetwork(ctx, opts)
		switch {
		case err == nil:
			return body, Info{Source: FromTUF, At: opts.Now, Expires: expires}, nil
		case ctx.Err() != nil:
			return nil, Info{}, fmt.Errorf("fetch trust root from %s: %w", opts.URL, ctx.Err())
		}
		why = err.Error()
		if expired(err) {
			// The repository's own word is past its date. A copy may be fresher, if
			// somebody between us and the repository holds it back.
			if body, info, err := fromCache(ctx, opts); err == nil {
				info.Why = why
				return body, info, nil
			}
			return nil, Info{}, fmt.Errorf("fetch trust root from %s: %w: %w", opts.URL, ErrExpired, err)
		}
	}
	body, info, err := fromCache(ctx, opts)
	switch {
	case err == nil:
		info.Why = why
		return body, info, nil
	case expired(err):
		return nil, Info{}, fmt.Errorf("fetch trust root: %s, and the copy of %s: %w: %w", why, info.At.Format(time.DateOnly), ErrExpired, err)
	case ctx.Err() != nil:
		return nil, Info{}, fmt.Errorf("fetch trust root: %w", ctx.Err())
	}
	return append([]byte(nil), embedded...), Info{Source: FromEmbedded, At: embeddedAt, Expires: embeddedExpires, Why: why + "; " + err.Error()}, nil
}

func expired(err error) bool {
	var e *metadata.ErrExpiredMetadata
	return errors.As(err, &e)
}

// Ended returns when the last certificate authority of a trusted_root.json ended;
// zero if one has no end, or there is none. Signatures of before are verified
// with it as ever.
func Ended(b []byte) (time.Time, error) {
	r, err := root.NewTrustedRootFromJSON(b)
	if err != nil {
		return time.Time{}, fmt.Errorf("read trust root: %w", err)
	}
	var last time.Time
	for _, ca := range r.FulcioCertificateAuthorities() {
		fulcio, ok := ca.(*root.FulcioCertificateAuthority)
		if !ok {
			return time.Time{}, nil
		}
		end := fulcio.ValidityPeriodEnd
		if fulcio.Root != nil && (end.IsZero() || fulcio.Root.NotAfter.Before(end)) {
			end = fulcio.Root.NotAfter
		}
		if end.IsZero() {
			return time.Time{}, nil
		}
		if end.After(last) {
			last = end
		}
	}
	return last, nil
}

// usable reports whether b can be used at all, so that a bad target is found
// here and not where signatures are verified.
func usable(b []byte) error {
	_, err := root.NewTrustedRootFromJSON(b)
	return err
}
