package api

import (
	"net/url"
	"strings"
	"testing"
)

// Whatever the query is, what is taken of it fits its kind and means the same when
// it is written again.
func FuzzQuery(f *testing.F) {
	for _, seed := range []string{
		"", "repository=ghcr.io/acme/app&tag=1&limit=10&before=3", "reference=ghcr.io%2Facme%2Fapp:1", "limit=+1", "limit=1&limit=2", "a;b", "%zz",
		"digest=sha256:" + strings.Repeat("1", 64), "repository=localhost:5000/x", "repository=docker.io/library/a&type=%e2%80%ae", "after=0", "tag=%00",
	} {
		f.Add(seed)
	}
	known := map[string]parameter{}
	for _, r := range routes() {
		for _, p := range r.query {
			p.required = false
			known[p.name] = p
		}
	}
	var all []parameter
	for _, p := range known {
		all = append(all, p)
	}
	f.Fuzz(func(t *testing.T, raw string) {
		q, err := parseQuery(raw, all)
		if err != nil {
			if len(err.Error()) > 2*maxQuery {
				t.Errorf("an error of %d bytes", len(err.Error()))
			}
			return
		}
		if n := q.limit(); n < 1 || n > maxLimit {
			t.Errorf("limit %d", n)
		}
		values := url.Values{}
		for name, value := range q.text {
			if len(value) > maxQuery || strings.ContainsRune(value, 0) {
				t.Errorf("%s: %q", name, value)
			}
			values.Set(name, value)
		}
		again, err := parseQuery(values.Encode(), all)
		if len(values.Encode()) > maxQuery {
			return // escapes are longer than what they stand for
		}
		if err != nil {
			t.Fatalf("%q is taken, and %q is not: %v", raw, values.Encode(), err)
		}
		for name, value := range q.text {
			if again.text[name] != value || again.numbers[name] != q.numbers[name] {
				t.Errorf("%s: %q and %q", name, value, again.text[name])
			}
		}
	})
}
