package ref

import (
	// Linked so that both algorithms are available to go-digest.
	_ "crypto/sha256"
	_ "crypto/sha512"
	"errors"
	"fmt"
	"strings"

	"github.com/opencontainers/go-digest"
)

// ErrUnsupportedAlgorithm reports a well-formed digest whose algorithm
// intact cannot compute, so that nothing can be proved about its content.
var ErrUnsupportedAlgorithm = errors.New("unsupported digest algorithm")

// A Digest is a content address, "sha256:…" or "sha512:…" in lower-case hex.
// The zero value "" means that there is none. A Digest from outside must come
// through [ParseDigest]; digests are used in paths and URLs.
//
// https://github.com/opencontainers/image-spec/blob/v1.1.1/descriptor.md#digests
type Digest string

// ParseDigest checks the form, algorithm and length of s. The error wraps
// [ErrUnsupportedAlgorithm] if s is well formed but neither sha256 nor sha512.
func ParseDigest(s string) (Digest, error) {
	if len(s) > 256 {
		return "", fmt.Errorf("parse digest: %d characters are more than any digest has", len(s))
	}
	d := digest.Digest(s)
	algorithm, _, ok := strings.Cut(s, ":")
	if !ok || !digest.DigestRegexpAnchored.MatchString(s) {
		return "", fmt.Errorf("parse digest %q: not of the form algorithm:hex", s)
	}
	switch digest.Algorithm(algorithm) {
	case digest.SHA256, digest.SHA512:
		if err := d.Validate(); err != nil {
			return "", fmt.Errorf("parse digest %q: %w", s, err)
		}
		return Digest(s), nil
	}
	return "", fmt.Errorf("parse digest %q: %w", s, ErrUnsupportedAlgorithm)
}

// DigestOf hashes b with the algorithm of like; with sha256 if like is "".
func DigestOf(b []byte, like Digest) Digest {
	if like.Algorithm() == string(digest.SHA512) {
		return Digest(digest.SHA512.FromBytes(b))
	}
	return Digest(digest.SHA256.FromBytes(b))
}

// Algorithm returns "sha256" or "sha512"; "" for the zero Digest.
func (d Digest) Algorithm() string { a, _, _ := strings.Cut(string(d), ":"); return a }

// Hex returns the part after the colon; "" for the zero Digest.
func (d Digest) Hex() string { _, h, _ := strings.Cut(string(d), ":"); return h }

// Short returns the algorithm and the first 12 hex digits, for messages in
// which the whole digest stands elsewhere. It is never used to compare.
func (d Digest) Short() string {
	if h := d.Hex(); len(h) > 12 {
		return d.Algorithm() + ":" + h[:12]
	}
	return string(d)
}

// Comparable reports whether equality of d and e means anything: both are set
// and of the same algorithm. Digests of different algorithms are unknown to
// each other, never different.
func (d Digest) Comparable(e Digest) bool {
	return d != "" && e != "" && d.Algorithm() == e.Algorithm()
}
