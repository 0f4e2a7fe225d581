package reconcile

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/intact-dev/intact/pkg/fact"
	"github.com/intact-dev/intact/pkg/image"
	"github.com/intact-dev/intact/pkg/ref"
)

// A fake registry fails where a real one does not on demand.
type fake struct {
	tags    []string
	heads   map[string]any // a digest, or an error
	listing error          // after the tags
	catalog []string
	down    error // of the catalog
}

func (f *fake) Tags(_ context.Context, _ ref.Ref, yield func(string) error) error {
	for _, t := range f.tags {
		if err := yield(t); err != nil {
			return err
		}
	}
	return f.listing
}

func (f *fake) Repositories(_ context.Context, _ string, yield func(string) error) error {
	for _, r := range f.catalog {
		if err := yield(r); err != nil {
			return err
		}
	}
	return f.down
}

func (f *fake) Head(_ context.Context, r ref.Ref) (*image.Answer, error) {
	switch v := f.heads[r.Tag].(type) {
	case ref.Digest:
		return &image.Answer{DigestClaim: v}, nil
	case error:
		return nil, v
	}
	return &image.Answer{}, nil // a registry that states no digest
}

type ledgerOf struct {
	tags  map[string]ref.Digest
	names []string
}

func (l ledgerOf) Tags(context.Context, string) (map[string]ref.Digest, error) { return l.tags, nil }
func (l ledgerOf) Repositories(context.Context) ([]string, error)              { return l.names, nil }

func digest(c string) ref.Digest { return ref.Digest("sha256:" + strings.Repeat(c, 64)) }

func caused(c fact.Cause) error { return &image.Error{Op: "get", Cause: c, Err: errors.New(string(c))} }

func TestCompare(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		registry fake
		known    map[string]ref.Digest
		want     []string
		cause    fact.Cause
	}{
		"nothing new":        {fake{tags: []string{"1"}, heads: map[string]any{"1": digest("a")}}, map[string]ref.Digest{"1": digest("a")}, nil, ""},
		"new":                {fake{tags: []string{"1"}, heads: map[string]any{"1": digest("a")}}, nil, []string{"1"}, ""},
		"moved":              {fake{tags: []string{"1"}, heads: map[string]any{"1": digest("b")}}, map[string]ref.Digest{"1": digest("a")}, []string{"1"}, ""},
		"no digest is said":  {fake{tags: []string{"1"}}, map[string]ref.Digest{"1": digest("a")}, []string{"1"}, ""},
		"gone":               {fake{}, map[string]ref.Digest{"1": digest("a")}, []string{"1"}, ""},
		"gone since":         {fake{tags: []string{"1"}, heads: map[string]any{"1": caused(fact.NotFound)}}, map[string]ref.Digest{"1": digest("a")}, []string{"1"}, ""},
		"repository is gone": {fake{listing: caused(fact.NotFound)}, map[string]ref.Digest{"1": digest("a"), "2": digest("b")}, []string{"1", "2"}, ""},
		"signatures":         {fake{tags: []string{"sha256-" + strings.Repeat("a", 64) + ".sig"}}, nil, nil, ""},
		// What was not listed is not gone.
		"list is cut": {fake{tags: []string{"1"}, heads: map[string]any{"1": digest("b")}, listing: caused(fact.ServerError)},
			map[string]ref.Digest{"1": digest("a"), "2": digest("b")}, []string{"1"}, fact.ServerError},
		"too many requests": {fake{tags: []string{"1", "2"}, heads: map[string]any{"1": digest("b"), "2": caused(fact.RateLimited)}},
			map[string]ref.Digest{"3": digest("a")}, []string{"1"}, fact.RateLimited},
	} {
		c := &Reconciler{Ledger: ledgerOf{tags: tt.known}, Log: slog.New(slog.DiscardHandler)}
		tasks, _, err := c.compare(t.Context(), &tt.registry, "example.com/acme/app", position{})
		var got []string
		for _, task := range tasks {
			got = append(got, strings.TrimPrefix(task.Key, "example.com/acme/app:"))
		}
		if d := cmp.Diff(tt.want, got); d != "" {
			t.Errorf("%s: %s", name, d)
		}
		if (err != nil) != (tt.cause != "") || err != nil && image.CauseOf(err) != tt.cause {
			t.Errorf("%s: error %v, want cause %q", name, err, tt.cause)
		}
	}
}

func TestRepositories(t *testing.T) {
	t.Parallel()
	unlisted := map[string]int{}
	c := &Reconciler{Ledger: ledgerOf{names: []string{"a.example/old", "b.example/x"}}, Log: slog.New(slog.DiscardHandler), Unlisted: func(r string) { unlisted[r]++ }}
	scope := Scope{Every: time.Hour, Registries: []string{"a.example"}, Repositories: []string{"c.example/named"},
		Watched: func(name string) bool { return strings.HasPrefix(name, "a.example/") }}
	for name, r := range map[string]*fake{
		"listed": {catalog: []string{"new", "old"}},
		"lost":   {catalog: []string{"new"}, down: caused(fact.Network)},
	} {
		got, err := c.repositories(t.Context(), r, scope)
		if want := []string{"a.example/new", "a.example/old", "c.example/named"}; err != nil || !slices.Equal(got, want) {
			t.Errorf("%s: %q, %v", name, got, err)
		}
	}
	if d := cmp.Diff(map[string]int{"a.example": 1}, unlisted); d != "" {
		t.Error(d)
	}
}
