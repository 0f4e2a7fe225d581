package registry

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/intact-dev/intact/pkg/fact"
	"github.com/intact-dev/intact/pkg/image"
	"github.com/intact-dev/intact/pkg/internal/testregistry"
	"github.com/intact-dev/intact/pkg/ref"
)

// refer stores n artifacts whose subject is p and returns their digests.
func refer(t *testing.T, p pushed, n int) []ref.Digest {
	t.Helper()
	var out []ref.Digest
	empty, err := p.srv.PutBlob(repo, []byte("{}"))
	if err != nil {
		t.Fatal(err)
	}
	for i := range n {
		body := fmt.Sprintf(`{"schemaVersion":2,"mediaType":"application/vnd.oci.image.manifest.v1+json","artifactType":"application/vnd.test.%d",`+
			`"config":{"mediaType":"application/vnd.oci.empty.v1+json","digest":%q,"size":2},"layers":[],`+
			`"subject":{"mediaType":"application/vnd.docker.distribution.manifest.v2+json","digest":%q,"size":1}}`, i, empty, p.digest)
		d, err := p.srv.PutManifest(repo, "", "application/vnd.oci.image.manifest.v1+json", []byte(body))
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, ref.Digest(d))
	}
	return out
}

// fallback stores an index of the digests under the fallback tag.
func fallback(t *testing.T, p pushed, digests ...ref.Digest) {
	t.Helper()
	index := map[string]any{"schemaVersion": 2, "mediaType": mediaTypeIndex}
	list := []map[string]any{}
	for _, d := range digests {
		list = append(list, map[string]any{"mediaType": "application/vnd.oci.image.manifest.v1+json", "digest": d, "size": 7})
	}
	index["manifests"] = list
	body, err := json.Marshal(index)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := p.srv.PutManifest(repo, fallbackTag(p.digest), mediaTypeIndex, body); err != nil {
		t.Fatal(err)
	}
}

// TestReferrers: all pages; the fallback tag where there is no API; everything
// else is an error and never an empty list. REG-12 to REG-15, NET-9.
func TestReferrers(t *testing.T) {
	t.Parallel()
	tests := []struct {
		mode  string
		found int        // of three by the API, of two under the tag
		form  string     // "" = an error
		cause fact.Cause // of the error
		most  int        // requests
	}{
		{"", 3, fact.FormReferrers, "", 1},
		{"referrers-paged", 3, fact.FormReferrers, "", 4},
		{"referrers-hidden", 0, fact.FormReferrers, "", 1},
		{"referrers-lie", 3, fact.FormReferrers, "", 1},
		{"referrers-unrelated", 4, fact.FormReferrers, "", 1},
		{"referrers-none", 2, fact.FormFallbackTag, "", 2},
		{"referrers-405", 2, fact.FormFallbackTag, "", 2},
		{"referrers-see-other", 2, fact.FormFallbackTag, "", 2},
		{"referrers-429", 0, "", fact.RateLimited, 4},
		{"referrers-500", 0, "", fact.ServerError, 4},
		{"referrers-403", 0, "", fact.Forbidden, 1},
		{"referrers-garbage", 0, "", fact.ServerError, 1},
		{"referrers-loop", 0, "", fact.ServerError, 1},
		{"referrers-endless", 0, "", fact.Limit, 100},
		{"referrers-elsewhere", 0, "", fact.Blocked, 1},
		{"referrers-broken-page", 0, "", fact.ServerError, 2},
		{"referrers-bad-digest", 0, "", fact.ServerError, 1},
		{"endless-manifest", 3, fact.FormReferrers, "", 1},
	}
	for _, tt := range tests {
		t.Run(tt.mode, func(t *testing.T) {
			t.Parallel()
			p := push(t, testregistry.Options{})
			digests := refer(t, p, 3)
			fallback(t, p, digests[:2]...)
			p.srv.MustMode(t, repo, tt.mode)
			s, _ := testSource(t, Options{PlainHTTP: []string{p.srv.Host}})
			list, form, err := s.Referrers(t.Context(), p.pinned, p.digest)
			if len(list) != tt.found || form != tt.form || (err != nil) != (tt.form == "") {
				t.Errorf("%d in form %q, want %d in %q: %v", len(list), form, tt.found, tt.form, err)
			}
			if err != nil && image.CauseOf(err) != tt.cause {
				t.Errorf("cause %q, want %q: %v", image.CauseOf(err), tt.cause, err)
			}
			if n := len(p.srv.Requests()); n > tt.most {
				t.Errorf("%d requests, want at most %d", n, tt.most)
			}
			if n := p.srv.Count("", testregistry.Elsewhere); n != 0 {
				t.Errorf("%d requests elsewhere", n)
			}
		})
	}
}

// TestFallbackTag: what the tag may hold besides an index.
func TestFallbackTag(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, mode string
		put        func(*testing.T, pushed)
		found      int
		notes      int
		cause      fact.Cause
	}{
		{name: "no tag", put: func(*testing.T, pushed) {}},
		{name: "an empty index", put: func(t *testing.T, p pushed) { fallback(t, p) }},
		{name: "an image", notes: 1, put: func(t *testing.T, p pushed) {
			if _, err := p.srv.PushImage(repo, fallbackTag(p.digest), p.img); err != nil {
				t.Fatal(err)
			}
			manifest(t, p, `{"schemaVersion":2,"config":{},"layers":[]}`)
		}},
		{name: "the subject itself", put: func(t *testing.T, p pushed) {
			if _, err := p.srv.PushImage(repo, fallbackTag(p.digest), p.img); err != nil {
				t.Fatal(err)
			}
		}},
		{name: "an index and an image in one", notes: 1, put: func(t *testing.T, p pushed) {
			manifest(t, p, `{"schemaVersion":2,"manifests":[],"config":{},"layers":[]}`)
		}},
		{name: "no JSON", cause: fact.ServerError, put: func(t *testing.T, p pushed) { manifest(t, p, `{"manifests":[`) }},
		{name: "rate-limited", mode: "rate-limited-tag", cause: fact.RateLimited, put: func(*testing.T, pushed) {}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			p := push(t, testregistry.Options{NoReferrers: true})
			tt.put(t, p)
			if tt.mode != "" {
				p.srv.MustMode(t, repo, tt.mode)
			}
			var notes []string
			s, _ := testSource(t, Options{PlainHTTP: []string{p.srv.Host}, Note: func(m string) { notes = append(notes, m) }})
			list, form, err := s.Referrers(t.Context(), p.pinned, p.digest)
			if tt.cause != "" {
				if image.CauseOf(err) != tt.cause || err == nil {
					t.Errorf("cause %q, want %q: %v", image.CauseOf(err), tt.cause, err)
				}
				return
			}
			if err != nil || len(list) != tt.found || form != fact.FormFallbackTag || len(notes) != tt.notes {
				t.Errorf("%d in form %q, notes %q: %v", len(list), form, notes, err)
			}
		})
	}
}

func manifest(t *testing.T, p pushed, body string) {
	t.Helper()
	if _, err := p.srv.PutManifest(repo, fallbackTag(p.digest), "application/vnd.oci.image.manifest.v1+json", []byte(body)); err != nil {
		t.Fatal(err)
	}
}

func TestFallbackTagName(t *testing.T) {
	t.Parallel()
	for d, want := range map[string]string{
		"sha256:" + strings.Repeat("a", 64):  "sha256-" + strings.Repeat("a", 64),
		"sha512:" + strings.Repeat("b", 128): "sha512-" + strings.Repeat("b", 64),
	} {
		if got := fallbackTag(ref.Digest(d)); got != want {
			t.Errorf("%s: %s", d, got)
		}
	}
}

func TestNextPage(t *testing.T) {
	t.Parallel()
	const base = "https://r.example/v2/a/referrers/sha256:00?n=1"
	tests := []struct {
		link string
		want string // "" = none, "error", "refused"
	}{
		{"", ""},
		{`</v2/a?p=2>; rel="next"`, "https://r.example/v2/a?p=2"},
		{`<?p=2>; rel=next`, "https://r.example/v2/a/referrers/sha256:00?p=2"},
		{`<../x>; rel="next"`, "https://r.example/v2/a/x"},
		{`<https://r.example:443/v2/a>; rel="next"`, "https://r.example:443/v2/a"},
		{`</a>; rel="prev", </b>; title="x, <y>; rel=next"; rel="prev next"`, "https://r.example/b"},
		{`</a>; rel="prev"; rel="next"`, ""},
		{`</a>; REL="NEXT"`, "https://r.example/a"},
		{`<http://r.example/a>; rel="next"`, "refused"},
		{`<https://r.example:8443/a>; rel="next"`, "refused"},
		{`<//evil.example/a>; rel="next"`, "refused"},
		{`<https://r.example@evil.example/a>; rel="next"`, "refused"},
		{`<https://me@r.example/a>; rel="next"`, "refused"},
		{`<>; rel="next"`, "error"},
		{`</a; rel="next"`, "error"},
		{`/a; rel="next"`, "error"},
		{`</a>; rel="next`, "error"},
		{`</a>; rel="next", </b>; rel="next"`, "error"},
		{"<%zz>; rel=next", "error"},
	}
	for _, tt := range tests {
		got, err := nextPage([]string{tt.link}, mustURL(t, base))
		text := ""
		switch {
		case isRefused(err):
			text = "refused"
		case err != nil:
			text = "error"
		case got != nil:
			text = got.String()
		}
		if d := cmp.Diff(tt.want, text); d != "" {
			t.Errorf("%s: %s", tt.link, d)
		}
	}
}
