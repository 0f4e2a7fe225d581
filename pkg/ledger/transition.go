// Package ledger is the log of what tags meant: every time that a tag was seen to
// have become another digest, to be new or to be gone is a leaf of a Merkle tree
// (RFC 6962, by golang.org/x/mod/sumdb/tlog). Leaves are never changed or deleted,
// so that who keeps a [Checkpoint] can prove later that nothing was rewritten. The
// package is pure: where leaves and hashes are kept is package store's business.
package ledger

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/intact-dev/intact/pkg/internal/lazy"
	"github.com/intact-dev/intact/pkg/ref"
)

// A Transition is a change of what a tag means, as somebody saw it.
type Transition struct {
	// Repository is the canonical name (see [Name]), Tag the tag.
	Repository, Tag string
	// From is what the tag was before, To what it is: "" = it was not there, it is
	// gone. They differ.
	From, To ref.Digest
	// At is when it was seen, to the microsecond. It is a claim of whoever saw it:
	// clocks differ, and times in a log need not ascend.
	At time.Time
	// Source says who saw it: "scan", "webhook harbor". At most 256 bytes.
	Source string
	// Platforms are the manifests of the platforms of To, as far as they were read.
	Platforms map[string]ref.Digest
}

// Equal reports whether t and u are the same leaf.
func (t Transition) Equal(u Transition) bool {
	return t.Repository == u.Repository && t.Tag == u.Tag && t.From == u.From && t.To == u.To &&
		t.At.Truncate(time.Microsecond).Equal(u.At.Truncate(time.Microsecond)) && t.Source == u.Source && maps.Equal(t.Platforms, u.Platforms)
}

// maxSource and maxPlatform bound texts from outside.
const (
	maxSource    = 256
	maxPlatform  = 256
	maxPlatforms = 1000 // as many as an index may have children
)

// tagForm is the grammar of tags.
//
// https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md#pulling-manifests
var tagForm = lazy.Regexp(`^[A-Za-z0-9_][A-Za-z0-9._-]{0,127}$`)

// reserved is the form of tags under which signatures and other referrers are
// kept. A digest in them is cut to 64 digits.
//
// https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md#referrers-tag-schema
var reserved = lazy.Regexp(`^sha(256|512)-[0-9a-f]{64}(\.[A-Za-z0-9_-]+)*$`)

// Reserved reports whether tag is no name of an image but a place for what belongs
// to one: cosign's sha256-….sig, .att and .sbom, and the fallback tag of the
// referrers API. They change with every signature.
func Reserved(tag string) bool { return reserved().MatchString(tag) }

// Name returns the names under which the tag of r is recorded: one for all ways
// to write it. A reference without a tag means latest.
func Name(r ref.Ref) (repository, tag string) {
	host, path := strings.TrimSuffix(strings.ToLower(r.Registry()), ":443"), r.Repository()
	if tag = r.Tag; tag == "" {
		tag = "latest"
	}
	return host + "/" + path, tag
}

// Check says what is wrong with t as a leaf.
func (t Transition) Check() error {
	if err := checkForm(t.Repository, t.Tag); err != nil {
		return err
	}
	for _, d := range []ref.Digest{t.From, t.To} {
		if err := checkDigest(d); err != nil {
			return err
		}
	}
	switch {
	case t.From == t.To:
		return fmt.Errorf("transition of %s:%s: from and to are both %q", t.Repository, t.Tag, t.From)
	case t.At.Before(earliest) || !t.At.Before(latest):
		return fmt.Errorf("transition of %s:%s: %s is no time for one", t.Repository, t.Tag, t.At.UTC().Format(time.RFC3339))
	case len(t.Source) == 0 || len(t.Source) > maxSource || !utf8.ValidString(t.Source):
		return fmt.Errorf("transition of %s:%s: a source of %d bytes; expected UTF-8 text of 1 to %d", t.Repository, t.Tag, len(t.Source), maxSource)
	case len(t.Platforms) > maxPlatforms:
		return fmt.Errorf("transition of %s:%s: %d platforms are more than %d", t.Repository, t.Tag, len(t.Platforms), maxPlatforms)
	case t.To == "" && len(t.Platforms) > 0:
		return fmt.Errorf("transition of %s:%s: platforms of a tag that is gone", t.Repository, t.Tag)
	}
	for p, d := range t.Platforms {
		if p == "" || len(p) > maxPlatform || !utf8.ValidString(p) {
			return fmt.Errorf("transition of %s:%s: a platform of %d bytes; expected UTF-8 text of 1 to %d", t.Repository, t.Tag, len(p), maxPlatform)
		}
		if d == "" {
			return fmt.Errorf("transition of %s:%s: platform %q has no digest", t.Repository, t.Tag, p)
		}
		if err := checkDigest(d); err != nil {
			return err
		}
	}
	return nil
}

// Fit returns t as a leaf can hold it: of the texts whose length somebody outside
// chose, platforms that are too long or too many are left out, as if they were not
// read, and a source is cut.
func (t Transition) Fit() Transition {
	platforms := map[string]ref.Digest{}
	for _, p := range slices.Sorted(maps.Keys(t.Platforms)) {
		if len(platforms) < maxPlatforms && p != "" && len(p) <= maxPlatform && utf8.ValidString(p) {
			platforms[p] = t.Platforms[p]
		}
	}
	t.Platforms = platforms
	if len(platforms) == 0 {
		t.Platforms = nil
	}
	if len(t.Source) > maxSource {
		t.Source = strings.ToValidUTF8(t.Source[:maxSource], "")
	}
	return t
}

// Times that a leaf can hold: what a clock that was never set says is none.
var (
	earliest = time.Date(1970, 1, 2, 0, 0, 0, 0, time.UTC)
	latest   = time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC)
)

// ErrReserved is that a tag is no name of an image.
var ErrReserved = errors.New("it is a place for signatures and other referrers, not the name of an image")

// CheckName says what is wrong with a repository and a tag as names of a history.
// A tag that is a place for signatures is an [ErrReserved].
func CheckName(repository, tag string) error {
	if err := checkForm(repository, tag); err != nil {
		return err
	}
	if Reserved(tag) {
		return fmt.Errorf("tag %s:%s: %w", repository, tag, ErrReserved)
	}
	return nil
}

// checkForm is what holds for every leaf, whatever tags are recorded today.
func checkForm(repository, tag string) error {
	switch r, err := ref.Parse(repository); {
	case err != nil:
		return fmt.Errorf("repository of a tag: %w", err)
	case r.Tag != "" || r.Digest != "":
		return fmt.Errorf("repository %q: it has a tag or a digest", repository)
	default:
		if name, _ := Name(r); name != repository {
			return fmt.Errorf("repository %q: not canonical, which would be %q", repository, name)
		}
	}
	if !tagForm().MatchString(tag) {
		return fmt.Errorf("%s: %q is not of the form of a tag", repository, tag)
	}
	return nil
}

func checkDigest(d ref.Digest) error {
	if d == "" {
		return nil
	}
	_, err := ref.ParseDigest(string(d))
	return err
}
