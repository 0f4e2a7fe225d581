package registry_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/intact-dev/intact/pkg/fact"
	"github.com/intact-dev/intact/pkg/image"
	"github.com/intact-dev/intact/pkg/ref"
	"github.com/intact-dev/intact/pkg/source/registry"
)

// lists serves pages by path and query; a page is "next|body" or a status.
func lists(t *testing.T, pages map[string]string) (*registry.Source, string) {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/v2/" {
			return
		}
		page, ok := pages[r.URL.RequestURI()]
		next, body, _ := strings.Cut(page, "|")
		if !ok {
			w.WriteHeader(http.StatusNotFound)
			return
		}
		if next != "" {
			w.Header().Set("Link", fmt.Sprintf(`<%s>; rel="next"`, next))
		}
		fmt.Fprint(w, body)
	}))
	t.Cleanup(server.Close)
	s, err := registry.New(registry.Options{Keychain: registry.Anonymous{}, Retries: -1})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	return s, strings.TrimPrefix(server.URL, "http://")
}

func TestTagsAndRepositories(t *testing.T) {
	t.Parallel()
	enough := errors.New("enough")
	for name, tt := range map[string]struct {
		pages map[string]string
		want  []string
		cause fact.Cause // of the error; "" = none
		stop  error
	}{
		"one page":       {pages: map[string]string{"/v2/a/b/tags/list": `|{"name":"a/b","tags":["1","2"]}`}, want: []string{"1", "2"}},
		"none":           {pages: map[string]string{"/v2/a/b/tags/list": `|{"name":"a/b","tags":null}`}},
		"two pages":      {pages: map[string]string{"/v2/a/b/tags/list": `/v2/a/b/tags/list?last=1|{"tags":["1"]}`, "/v2/a/b/tags/list?last=1": `|{"tags":["2"]}`}, want: []string{"1", "2"}},
		"page missing":   {pages: map[string]string{"/v2/a/b/tags/list": `/v2/a/b/tags/list?last=1|{"tags":["1"]}`}, want: []string{"1"}, cause: fact.ServerError},
		"circle":         {pages: map[string]string{"/v2/a/b/tags/list": `/v2/a/b/tags/list|{"tags":["1"]}`}, want: []string{"1"}, cause: fact.ServerError},
		"another host":   {pages: map[string]string{"/v2/a/b/tags/list": `http://192.0.2.1/v2/a/b/tags/list|{"tags":["1"]}`}, want: []string{"1"}, cause: fact.Blocked},
		"no repository":  {cause: fact.NotFound},
		"no JSON":        {pages: map[string]string{"/v2/a/b/tags/list": `|<html>`}, cause: fact.ServerError},
		"not a tag":      {pages: map[string]string{"/v2/a/b/tags/list": `|{"tags":["ok","../x"]}`}, want: []string{"ok"}, cause: fact.ServerError},
		"stopped midway": {pages: map[string]string{"/v2/a/b/tags/list": `|{"tags":["1","2"]}`}, want: []string{"1"}, cause: fact.Internal, stop: enough},
	} {
		s, host := lists(t, tt.pages)
		var got []string
		err := s.Tags(t.Context(), ref.Ref{Name: host + "/a/b"}, func(tag string) error {
			got = append(got, tag)
			return tt.stop
		})
		if d := cmp.Diff(tt.want, got); d != "" {
			t.Errorf("%s: %s", name, d)
		}
		if (err == nil) != (tt.cause == "") || err != nil && image.CauseOf(err) != tt.cause || tt.stop != nil && !errors.Is(err, enough) {
			t.Errorf("%s: error %v with cause %q; want %q", name, err, image.CauseOf(err), tt.cause)
		}
	}
	s, host := lists(t, map[string]string{"/v2/_catalog": `/v2/_catalog?last=a%2Fb|{"repositories":["a/b"]}`, "/v2/_catalog?last=a%2Fb": `|{"repositories":["c"]}`})
	var got []string
	if err := s.Repositories(t.Context(), host, func(r string) error { got = append(got, r); return nil }); err != nil || cmp.Diff([]string{"a/b", "c"}, got) != "" {
		t.Errorf("repositories %q, %v", got, err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := s.Repositories(ctx, host, func(string) error { return nil }); image.CauseOf(err) != fact.Cancelled {
		t.Errorf("cancelled: %v", err)
	}
}
