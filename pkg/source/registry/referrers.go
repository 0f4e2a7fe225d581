package registry

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"github.com/intact-dev/intact/pkg/fact"
	"github.com/intact-dev/intact/pkg/internal/limits"
	"github.com/intact-dev/intact/pkg/ref"
)

const mediaTypeIndex = "application/vnd.oci.image.index.v1+json"

// Referrers lists what refers to d in r's repository: by the referrers API, all
// pages of it, or by the fallback tag where the registry has no such API. No
// filter is asked for, because registries are known to list wrong artifact types.
//
// As the specification has it the tag is asked only if there is no API: a
// registry that has one must list there what it took in under the tag. A tag
// that holds no index is as no tag; the subject itself under the tag (GitLab
// reads sha256-… as a digest) too.
//
// https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md#listing-referrers
func (s *Source) Referrers(ctx context.Context, r ref.Ref, d ref.Digest) ([]ref.Descriptor, string, error) {
	const op = "list referrers"
	ctx, cancel := withDeadline(ctx)
	defer cancel()
	name := r.Canonical() + "@" + string(d)
	e, err := s.endpoint(r)
	if err != nil {
		return nil, "", e.fail(ctx, op, name, err)
	}
	list, err := e.listAPI(ctx, r.Repository(), d)
	if err == nil {
		return list, fact.FormReferrers, nil
	}
	if !noAPI(err) {
		return nil, "", e.fail(ctx, op, name, err)
	}
	list, err = e.listTag(ctx, r, d)
	if err != nil {
		return nil, "", e.fail(ctx, op, name, err)
	}
	return list, fact.FormFallbackTag, nil
}

// noAPI reports answers by which registries say that they have no referrers API:
// 404 by the specification; in fact also 405 and 406, the code UNSUPPORTED, and
// GHCR's 303 to a web page of GitHub, which is no answer of the registry and not
// followed.
func noAPI(err error) bool {
	var s *statusError
	if !errors.As(err, &s) || s.token {
		return false
	}
	switch s.status {
	case http.StatusNotFound, http.StatusMethodNotAllowed, http.StatusNotAcceptable, http.StatusSeeOther:
		return true
	case http.StatusUnauthorized, http.StatusForbidden, http.StatusTooManyRequests:
		return false
	}
	return s.status < 500 && s.code == "UNSUPPORTED"
}

func (e *endpoint) listAPI(ctx context.Context, repo string, d ref.Digest) ([]ref.Descriptor, error) {
	q := request{method: http.MethodGet, path: repo + "/referrers/" + string(d), repo: repo, accept: mediaTypeIndex, atHome: true}
	l := listing{seen: map[ref.Digest]bool{}}
	err := e.pages(ctx, q, limits.Pages, "referrers", func(n int, p page, err error) error {
		if err != nil {
			if n > 0 && noAPI(err) {
				err = fmt.Errorf("%w: page %d of the referrers is missing: %v", errProtocol, n+1, err)
			}
			return err
		}
		if err := l.add(p.body); err != nil {
			return fmt.Errorf("%w (Content-Type %q)", err, clip(mediaType(p.header)))
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return l.list, nil
}

// pageAtHome refuses a page that is not at the registry itself: it was led away
// by a redirect of an earlier page, so that its origin is not the registry's.
func (e *endpoint) pageAtHome(u *url.URL) (*url.URL, error) {
	if origin(u) != origin(e.base("")) {
		return nil, &refusedError{why: fmt.Sprintf("the next page is at another place (%s) and is not followed", clip(u.Host))}
	}
	return u, nil
}

// listTag reads the fallback tag. Both a missing tag and one that holds no valid
// index mean that there are no referrers.
//
// https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md#referrers-tag-schema
func (e *endpoint) listTag(ctx context.Context, r ref.Ref, d ref.Digest) ([]ref.Descriptor, error) {
	tag := fallbackTag(d)
	p, err := e.fetch(ctx, request{
		method: http.MethodGet, path: r.Repository() + "/manifests/" + tag, repo: r.Repository(), accept: acceptManifest,
	}, limits.Manifest, "manifest size")
	switch {
	case isStatus(err, http.StatusNotFound):
		return nil, nil
	case err != nil:
		return nil, fmt.Errorf("fallback tag %s: %w", tag, err)
	case ref.DigestOf(p.body, d) == d:
		return nil, nil
	}
	l := listing{seen: map[ref.Digest]bool{}}
	if err := l.add(p.body); err != nil {
		if errors.Is(err, errNoIndex) {
			e.s.o.Note(fmt.Sprintf("%s: the tag %s holds no index, so it names no referrers", r.Canonical(), tag))
			return nil, nil
		}
		return nil, fmt.Errorf("fallback tag %s: %w", tag, err)
	}
	return l.list, nil
}

// fallbackTag returns algorithm-hex, cut to what a tag can hold as the
// specification says.
func fallbackTag(d ref.Digest) string {
	algorithm, hex := d.Algorithm(), d.Hex()
	return algorithm[:min(len(algorithm), 32)] + "-" + hex[:min(len(hex), 64)]
}

// errNoIndex: the bytes are JSON, but of no index.
var errNoIndex = fmt.Errorf("%w: not an index", errProtocol)

// A listing collects descriptors of several pages.
type listing struct {
	list []ref.Descriptor
	seen map[ref.Digest]bool
}

// add parses one index. A descriptor that cannot be asked for is an error: what
// it hides is not known.
func (l *listing) add(body []byte) error {
	var doc struct {
		MediaType string            `json:"mediaType"`
		Manifests *[]ref.Descriptor `json:"manifests"`
		Config    json.RawMessage   `json:"config"`
		Layers    json.RawMessage   `json:"layers"`
	}
	if err := json.Unmarshal(body, &doc); err != nil {
		if json.Valid(body) {
			return errNoIndex
		}
		return fmt.Errorf("%w: a list of referrers that is not JSON", errProtocol)
	}
	if doc.Manifests == nil || doc.Config != nil || doc.Layers != nil || doc.MediaType != "" && !strings.Contains(doc.MediaType, "index") {
		return errNoIndex
	}
	for _, m := range *doc.Manifests {
		d, err := ref.ParseDigest(string(m.Digest))
		switch {
		case err != nil:
			return fmt.Errorf("%w: a list of referrers: %w", errProtocol, err)
		case m.Size < 0:
			return fmt.Errorf("%w: a list of referrers: %s has a negative size", errProtocol, d.Short())
		case l.seen[d]:
			continue
		case len(l.list) == limits.Referrers:
			return &limits.ExceededError{What: "number of referrers", Limit: limits.Referrers}
		}
		l.seen[d] = true
		m.Data, m.URLs = nil, nil // the object itself is fetched and hashed
		l.list = append(l.list, m)
	}
	return nil
}
