package registry

import (
	"strings"
	"testing"

	"github.com/intact-dev/intact/pkg/ref"
)

func FuzzParseChallenges(f *testing.F) {
	for _, s := range []string{
		`Bearer realm="https://auth.docker.io/token",service="registry.docker.io",scope="repository:library/nginx:pull"`,
		`Basic realm="x\"y", Digest nonce=a`, `Negotiate abc==, Bearer realm=x`, `Bearer realm="`, `,,,`, "Bearer realm=\"a\x00b\"",
	} {
		f.Add(s)
	}
	s, err := New(Options{Keychain: Anonymous{}})
	if err != nil {
		f.Fatal(err)
	}
	e, err := s.endpoint(ref.Ref{Name: "registry.example.com/x"})
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, h string) {
		c, err := parseChallenges([]string{h})
		if err != nil || c == nil || !c.bearer {
			return
		}
		u, err := e.checkRealm(c.realm)
		if err != nil {
			return
		}
		if host := u.Hostname(); u.Scheme != "https" || u.User != nil || !strings.EqualFold(host, "example.com") && !strings.HasSuffix(strings.ToLower(host), ".example.com") {
			t.Errorf("%q leads to %s", h, u)
		}
	})
}

func FuzzNextPage(f *testing.F) {
	for _, s := range []string{
		`</v2/a/referrers/sha256:00?page=2>; rel="next"`, `<https://r.example/x>; rel=next, </y>; rel="prev"`, `<//evil/x>; rel="next"`,
		`<a>;rel="next`, `<\\evil\x>; rel=next`, `<https:r.example/x>;rel=next`, `< >; rel=next`,
	} {
		f.Add(s)
	}
	base := mustURL(f, "https://r.example/v2/a/referrers/sha256:00")
	f.Fuzz(func(t *testing.T, h string) {
		u, err := nextPage([]string{h}, base)
		if err == nil && u != nil && (u.Scheme != "https" || !strings.EqualFold(u.Hostname(), "r.example") || u.Port() != "" && u.Port() != "443" || u.User != nil) {
			t.Errorf("%q leads to %s", h, u)
		}
	})
}

func FuzzParseToken(f *testing.F) {
	for _, s := range []string{`{"token":"a","expires_in":300}`, `{"access_token":"a"}`, `{"token":"a","access_token":"b"}`, `{"expires_in":1e400}`, `[`, `{"token":"a\u0000"}`} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		token, life, err := parseToken(b)
		if (err == nil) != (token != "") || err == nil && (life < tokenLeast || life > tokenMost || !plainASCII(token)) {
			t.Errorf("%q: %q, %s, %v", b, token, life, err)
		}
	})
}

func FuzzListing(f *testing.F) {
	for _, s := range []string{
		`{"schemaVersion":2,"manifests":[{"mediaType":"x","digest":"sha256:` + strings.Repeat("a", 64) + `","size":3}]}`,
		`{"manifests":[]}`, `{"manifests":null}`, `{"manifests":[],"layers":[]}`, `{"manifests":[{"digest":"sha256:x"}]}`, `[]`, `{`, `{"Manifests":[]}`,
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		l := listing{seen: map[ref.Digest]bool{}}
		err := l.add(b)
		for _, d := range l.list {
			if _, bad := ref.ParseDigest(string(d.Digest)); bad != nil || d.Size < 0 || d.Data != nil || d.URLs != nil {
				t.Errorf("%+v was listed (%v)", d, err)
			}
		}
	})
}

func FuzzQuota(f *testing.F) {
	for _, s := range []string{"100;w=21600", "76", ";", "-1", "9999999999;w=x"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if n, w := quotaValue(s); n < -1 || w < 0 {
			t.Errorf("%q: %d, %s", s, n, w)
		}
	})
}
