package registry

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"

	"github.com/intact-dev/intact/pkg/internal/limits"
	"github.com/intact-dev/intact/pkg/ref"
)

// pages asks for all pages of a list. use is told of each, or of the error of one,
// and its error ends the list.
//
// https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md#content-discovery
func (e *endpoint) pages(ctx context.Context, q request, most int, what string, use func(n int, p page, err error) error) error {
	visited := map[string]bool{}
	for n := 0; ; n++ {
		if n == most {
			return &limits.ExceededError{What: "number of pages of " + what, Limit: int64(most)}
		}
		p, err := e.fetch(ctx, q, limits.Manifest, "size of a page of "+what)
		if err := use(n, p, err); err != nil {
			return err
		}
		visited[p.from.URL.String()] = true
		next, err := nextPage(p.header.Values("Link"), p.from.URL)
		switch {
		case err != nil:
			return err
		case next == nil:
			return nil
		case visited[next.String()]:
			return fmt.Errorf("%w: the pages of the %s lead in a circle", errProtocol, what)
		}
		if q.page, err = e.pageAtHome(next); err != nil {
			return err
		}
	}
}

// Tags calls yield for each tag that r's repository lists, page by page, in the
// registry's order. Its error ends the list and is returned as it is. A tag that has not the
// form of one is an error: what it hides is not known.
//
// https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md#listing-tags
func (s *Source) Tags(ctx context.Context, r ref.Ref, yield func(tag string) error) error {
	const op = "list tags"
	e, err := s.endpoint(r)
	if err != nil {
		return e.fail(ctx, op, r.Canonical(), err)
	}
	q := request{method: http.MethodGet, path: r.Repository() + "/tags/list", repo: r.Repository(), accept: "application/json", atHome: true}
	var own error // of yield
	err = e.names(ctx, q, "tags", func(list names) error {
		for _, t := range list.Tags {
			if _, err := ref.Parse(r.Canonical() + ":" + t); err != nil {
				return fmt.Errorf("%w: a list of tags: %w", errProtocol, err)
			}
			if own = yield(t); own != nil {
				return own
			}
		}
		return nil
	})
	if err != nil && own == nil {
		return e.fail(ctx, op, r.Canonical(), err)
	}
	return own
}

// Repositories calls yield for each repository that a registry lists in its
// catalog, as [Source.Tags] does for tags. Docker Hub, GHCR and others have no
// catalog, or show in it what a user may see.
//
// https://github.com/distribution/distribution/blob/v3.0.0/docs/content/spec/api.md#listing-repositories
func (s *Source) Repositories(ctx context.Context, host string, yield func(repository string) error) error {
	const op = "list repositories"
	at := ref.Ref{Name: host + "/catalog"}
	e, err := s.endpoint(at)
	if err != nil {
		return e.fail(ctx, op, host, err)
	}
	q := request{method: http.MethodGet, path: "_catalog", repo: "", accept: "application/json", atHome: true}
	var own error // of yield
	err = e.names(ctx, q, "repositories", func(list names) error {
		for _, name := range list.Repositories {
			if _, err := ref.Parse(host + "/" + name); err != nil {
				return fmt.Errorf("%w: a list of repositories: %w", errProtocol, err)
			}
			if own = yield(name); own != nil {
				return own
			}
		}
		return nil
	})
	if err != nil && own == nil {
		return e.fail(ctx, op, host, err)
	}
	return own
}

// names are the two lists of names that there are. Distribution writes null for a
// repository without tags.
type names struct {
	Tags         []string `json:"tags"`
	Repositories []string `json:"repositories"`
}

// maxNamePages is far more than a registry needs for a million names of 100 a page.
const maxNamePages = 10_000

func (e *endpoint) names(ctx context.Context, q request, what string, use func(names) error) error {
	return e.pages(ctx, q, maxNamePages, what, func(n int, p page, err error) error {
		switch {
		case n > 0 && isStatus(err, http.StatusNotFound):
			return fmt.Errorf("%w: page %d of the %s is missing", errProtocol, n+1, what)
		case err != nil:
			return err
		}
		var list names
		if err := json.Unmarshal(p.body, &list); err != nil {
			return fmt.Errorf("%w: a list of %s that is not JSON", errProtocol, what)
		}
		return use(list)
	})
}
