// Package image opens images: it resolves a reference once, verifies every
// byte that a source hands out, and says what the root digest names.
package image

import (
	"context"
	"errors"
	"io"

	"github.com/intact-dev/intact/pkg/fact"
	"github.com/intact-dev/intact/pkg/ref"
)

// A Source reads images from one place. It hands out bytes and need not verify
// them: this package hashes and limits everything in front of every Source.
// Errors carry their cause by wrapping an [*Error]. A Source may be used
// concurrently.
type Source interface {
	// Manifest fetches the manifest or index that r names: by its digest if it
	// has one, else by its tag. It makes one request.
	Manifest(ctx context.Context, r ref.Ref) (*Answer, error)
	// Blob opens a blob of r's repository. d has been validated.
	Blob(ctx context.Context, r ref.Ref, d ref.Descriptor) (io.ReadCloser, error)
	// Proves says what the source can prove.
	Proves() Claims
}

// An Answer is what a source gave for a manifest. Nothing in it is trusted.
type Answer struct {
	Body        []byte     // at most limits.Manifest bytes
	MediaType   string     // as the source claims it (Content-Type, descriptor); "" if it does not
	DigestClaim ref.Digest // Docker-Content-Digest; "" if absent or malformed
	// Wanted is the descriptor by which a source looked a tag up in a document of
	// its own (a layout's index.json). The body must be what it says, as for any
	// other descriptor. Zero for a registry, and for a lookup by digest.
	Wanted ref.Descriptor
}

// A Prober says without reading the content what is there.
type Prober interface {
	// Head asks for a manifest by digest or tag. A missing one is an *Error with
	// Cause fact.NotFound.
	Head(ctx context.Context, r ref.Ref) (*Answer, error)
	// HasBlob asks whether a blob is there.
	HasBlob(ctx context.Context, r ref.Ref, d ref.Descriptor) (bool, error)
}

// A Referrer lists what refers to a manifest.
type Referrer interface {
	// Referrers returns the descriptors of all manifests whose subject is said to
	// be d, with the form in which they were found (fact.FormReferrers,
	// fact.FormFallbackTag, fact.FormLayout). No referrers is an empty list; a
	// place that could not be asked is an error.
	Referrers(ctx context.Context, r ref.Ref, d ref.Digest) ([]ref.Descriptor, string, error)
}

// Claims says what a source can prove about an image.
type Claims struct {
	Place string // "registry", "OCI layout", "archive"
	// Tags says that tags are looked up in a place that others can change.
	Tags bool
	// Manifest says that manifests come as they were pushed, so that their digest
	// means something elsewhere. If not, only the config's digest does.
	Manifest bool
	// Signatures says that signatures can be stored there. NoSignatures is the
	// reason if not.
	Signatures   bool
	NoSignatures string
}

// An Error is a request that failed, with its cause as a fact.
type Error struct {
	Op     string // "get manifest"
	Object string // redacted, safe to print
	Cause  fact.Cause
	Err    error
	Hint   string // what to do about it: the flag or config line; may be ""
}

// Error returns operation, object and cause.
func (e *Error) Error() string {
	s := e.Op
	if e.Object != "" {
		s += " " + e.Object
	}
	if e.Err != nil {
		s += ": " + e.Err.Error()
	}
	return s
}

// Unwrap returns the underlying error.
func (e *Error) Unwrap() error { return e.Err }

// CauseOf returns the cause that err carries: that of an *Error, that of a
// context's end, else fact.Internal.
func CauseOf(err error) fact.Cause {
	var e *Error
	switch {
	case errors.As(err, &e) && e.Cause != fact.NotGathered:
		return e.Cause
	case errors.Is(err, context.DeadlineExceeded):
		return fact.Deadline
	case errors.Is(err, context.Canceled):
		return fact.Cancelled
	case errors.Is(err, io.ErrUnexpectedEOF):
		return fact.CutShort
	}
	return fact.Internal
}

// HintOf returns the hint that err carries, or "".
func HintOf(err error) string {
	var e *Error
	if errors.As(err, &e) {
		return e.Hint
	}
	return ""
}
