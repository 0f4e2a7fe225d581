// Package ref holds image references as they are written, where they were
// found, and the names that content goes by: digests, descriptors, platforms.
// It is pure: it parses, prints and compares.
package ref

import (
	"errors"
	"fmt"
	"strings"

	"github.com/distribution/reference"
	"github.com/opencontainers/go-digest"
)

// A Ref is an image reference as written. Nothing is defaulted: Tag is ""
// when the text had none, and one Ref may carry both a tag and a digest. The
// grammar is that of github.com/distribution/reference. The zero value is no
// reference.
type Ref struct {
	Name   string `json:"name"`             // as written, without tag and digest: "nginx", "ghcr.io/acme/api"
	Tag    string `json:"tag,omitempty"`    // "" = none was written
	Digest Digest `json:"digest,omitempty"` // "" = none was written
}

// Parse parses s. The error names s and what is wrong with it; it wraps
// [ErrUnsupportedAlgorithm] for a digest that cannot be verified.
func Parse(s string) (Ref, error) {
	if s == "" {
		return Ref{}, errors.New("parse reference: empty")
	}
	named, err := reference.ParseNormalizedNamed(s)
	if err != nil {
		return Ref{}, fmt.Errorf("parse reference %q: %w", withoutUser(s), plainCause(s, err))
	}
	r := Ref{Name: s}
	if digested, ok := named.(reference.Digested); ok {
		d, err := ParseDigest(digested.Digest().String())
		if err != nil {
			return Ref{}, fmt.Errorf("parse reference %q: %w", s, err)
		}
		r.Digest = d
		r.Name = strings.TrimSuffix(r.Name, "@"+string(d))
	}
	if tagged, ok := named.(reference.Tagged); ok {
		r.Tag = tagged.Tag()
		r.Name = strings.TrimSuffix(r.Name, ":"+r.Tag)
	}
	return r, nil
}

// withoutUser hides what stands before an @ that no reference has there, as in a
// URL with a password.
func withoutUser(s string) string {
	if scheme, rest, ok := strings.Cut(s, "://"); ok {
		if i := strings.LastIndexByte(rest, '@'); i >= 0 && !strings.HasPrefix(rest[i:], "@sha") {
			return scheme + "://…" + rest[i:]
		}
	}
	return s
}

// plainCause says what the grammar's bare "invalid reference format" means
// where that can be told.
func plainCause(s string, err error) error {
	switch {
	case errors.Is(err, digest.ErrDigestUnsupported):
		return ErrUnsupportedAlgorithm
	case strings.Contains(err.Error(), "must be lowercase"):
		return errors.New("the repository must be lower case")
	case strings.Contains(s, "://"):
		return errors.New("a reference has no scheme; leave out " + s[:strings.Index(s, "://")+3])
	case strings.ContainsAny(s, " \t\r\n"):
		return errors.New("it contains white space")
	}
	return err
}

// String returns the reference as it was written.
func (r Ref) String() string {
	s := r.Name
	if r.Tag != "" {
		s += ":" + r.Tag
	}
	if r.Digest != "" {
		s += "@" + string(r.Digest)
	}
	return s
}

// Registry returns the registry's host, and port if any: "docker.io" where the
// reference names none and for Docker Hub's other name index.docker.io.
func (r Ref) Registry() string { host, _ := r.split(); return host }

// Repository returns the path within the registry: "library/nginx" for "nginx".
func (r Ref) Repository() string { _, path := r.split(); return path }

// Canonical returns registry/repository, the name that policies match.
func (r Ref) Canonical() string {
	host, path := r.split()
	if host == "" {
		return ""
	}
	return host + "/" + path
}

func (r Ref) split() (host, path string) {
	if r.Name == "" {
		return "", ""
	}
	named, err := reference.ParseNormalizedNamed(r.Name)
	if err != nil {
		return "", r.Name
	}
	return reference.Domain(named), reference.Path(named)
}

// WithDigest returns the canonical repository at d, without a tag: the form in
// which every request after the first is made.
func (r Ref) WithDigest(d Digest) Ref { return Ref{Name: r.Canonical(), Digest: d} }

// WithTag returns the canonical repository at tag, without a digest.
func (r Ref) WithTag(tag string) Ref { return Ref{Name: r.Canonical(), Tag: tag} }
