package registry

import (
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/intact-dev/intact/pkg/image"
	"github.com/intact-dev/intact/pkg/ref"
)

// The canaries hold what encoders change: quotes, signs of URLs, more than ASCII.
const (
	canaryPassword = `pw"+/ %41\é-canary-of-the-password`
	canaryIdentity = "identity&canary/of+the=login"
	canaryToken    = "eyJhbGciOiJub25lIn0.canary/of+the~token.c2lnbmF0dXJl"
)

// An echo answers requests that carry a secret with what a case wants.
type echo struct {
	basic  bool // else Bearer
	get    func(w http.ResponseWriter, r *http.Request, secret string)
	token  func(w http.ResponseWriter, r *http.Request, secret string)
	refers bool // ask for referrers
	twice  bool // the first answer is good; what comes back is that to the second
}

func say(status int, format string) func(http.ResponseWriter, *http.Request, string) {
	return func(w http.ResponseWriter, _ *http.Request, secret string) {
		w.WriteHeader(status)
		_, _ = fmt.Fprintf(w, format, strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(secret))
	}
}

func header(status int, name, format string) func(http.ResponseWriter, *http.Request, string) {
	return func(w http.ResponseWriter, _ *http.Request, secret string) {
		w.Header().Set(name, fmt.Sprintf(format, secret))
		w.WriteHeader(status)
		_, _ = w.Write([]byte(`{"manifests":[]}`))
	}
}

func raw(format string) func(http.ResponseWriter, *http.Request, string) {
	return func(w http.ResponseWriter, _ *http.Request, secret string) {
		conn, _, err := http.NewResponseController(w).Hijack()
		if err != nil {
			return
		}
		_, _ = fmt.Fprintf(conn, format, secret)
		_ = conn.Close()
	}
}

// secretForms are what a server can make of a secret.
var secretForms = map[string]func(string) string{
	"plain":           func(s string) string { return s },
	"base64":          func(s string) string { return base64.StdEncoding.EncodeToString([]byte(s)) },
	"base64 for URLs": func(s string) string { return base64.RawURLEncoding.EncodeToString([]byte(s)) },
	"base64 inside":   func(s string) string { return base64.StdEncoding.EncodeToString([]byte("x: " + s + "; y")) },
	"query":           url.QueryEscape,
	"path":            url.PathEscape,
	"twice":           func(s string) string { return url.QueryEscape(url.QueryEscape(s)) },
	"every byte": func(s string) string {
		var b strings.Builder
		for i := range len(s) {
			fmt.Fprintf(&b, "%%%02x", s[i])
		}
		return b.String()
	},
}

// TestNoSecretComesBack: a registry or token server that echoes what it was shown
// does not get it into our errors and hints, in no form and on no way.
func TestNoSecretComesBack(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("x", saidLength-20)
	tests := map[string]echo{
		"message":        {get: say(403, `{"errors":[{"code":"DENIED","message":"you sent %s"}]}`)},
		"message, Basic": {basic: true, get: say(403, `{"errors":[{"code":"DENIED","message":"you sent %s"}]}`)},
		"message, cut":   {get: say(403, `{"errors":[{"message":"`+long+`%s"}]}`)},
		"code":           {get: say(404, `{"errors":[{"code":"%s"}]}`)},
		"details":        {get: say(429, `{"details":"%s"}`)},
		"address":        {get: header(302, "Location", "gopher://x/%s")},
		"user name":      {get: header(302, "Location", "http://me@x.%s/")},
		"digest":         {refers: true, get: say(200, `{"manifests":[{"digest":"%s"}]}`)},
		"link":           {refers: true, get: header(200, "Link", `<http://elsewhere.example/%s>; rel="next"`)},
		"bad link":       {refers: true, get: header(200, "Link", `%s`)},
		"type": {refers: true, get: func(w http.ResponseWriter, _ *http.Request, s string) {
			w.Header().Set("Content-Type", s)
			_, _ = w.Write([]byte("[]"))
		}},
		"challenge":         {twice: true, get: header(401, "WWW-Authenticate", `Bearer realm="%s`)},
		"realm":             {twice: true, get: header(401, "WWW-Authenticate", `Bearer realm="https://elsewhere.example/%s"`)},
		"realm's host":      {twice: true, get: header(401, "WWW-Authenticate", `Bearer realm="https://%s/"`)},
		"protocol":          {get: raw("%s\r\n\r\n")},
		"status line":       {get: raw("HTTP/1.1 2%s\r\n\r\n")},
		"header line":       {get: raw("HTTP/1.1 200 OK\r\n%s\r\n\r\n")},
		"token's error":     {token: say(400, `{"error":"invalid_grant","error_description":"%s"}`)},
		"token's code":      {token: say(400, `{"error":"%s"}`)},
		"token's redirect":  {token: header(307, "Location", "http://%s.example/")},
		"token's protocol":  {token: raw("%s\r\n\r\n")},
		"token, many times": {token: say(401, `{"details":"%[1]s %[1]s"}`)},
	}
	var reached int
	for name, c := range tests {
		for form, encode := range secretForms {
			for _, cred := range []Credential{{Username: "me", Password: canaryPassword}, {IdentityToken: canaryIdentity}, {RegistryToken: canaryToken}} {
				err := c.ask(t, cred, encode)
				if err == nil {
					continue // this credential does not go that way
				}
				for text := range texts(err) {
					if leak := leaked(text); leak != "" {
						t.Errorf("%s, %s: %q is in %q", name, form, leak, text)
					}
					if strings.Contains(text, redacted) {
						reached++
					}
				}
			}
		}
	}
	if reached < 300 {
		t.Errorf("only %d texts had something to hide", reached)
	}
}

// texts yields all that can be printed of err.
func texts(err error) func(func(string) bool) {
	return func(yield func(string) bool) {
		if !yield(image.HintOf(err)) {
			return
		}
		for ; err != nil; err = errors.Unwrap(err) {
			if !yield(err.Error()) || !yield(fmt.Sprintf("%+v", err)) {
				return
			}
		}
	}
}

// leaked returns what of the canaries is in text, their middles included.
func leaked(text string) string {
	for _, secret := range []string{canaryPassword, canaryIdentity, canaryToken, "me:" + canaryPassword} {
		for _, encode := range secretForms {
			s := encode(secret)
			for _, part := range []string{s, s[:8], s[len(s)/2 : len(s)/2+8]} {
				if strings.Contains(text, part) {
					return part
				}
			}
		}
	}
	if strings.Contains(text, "canary") {
		return "canary"
	}
	return ""
}

// ask makes the requests of a case with a registry that wants cred.
func (c echo) ask(t *testing.T, cred Credential, encode func(string) string) error {
	t.Helper()
	var srv *httptest.Server
	calls := 0
	good := func(w http.ResponseWriter) {
		w.Header().Set("Content-Type", mediaTypeIndex)
		_, _ = w.Write([]byte(`{"schemaVersion":2,"manifests":[]}`))
	}
	srv = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/token" {
			secret := cred.IdentityToken + cred.Password
			if c.token != nil {
				c.token(w, r, encode(secret))
				return
			}
			_, _ = fmt.Fprintf(w, `{"token":%q}`, canaryToken)
			return
		}
		shown := r.Header.Get("Authorization")
		if shown == "" {
			w.Header().Set("WWW-Authenticate", `Basic realm="x"`)
			if !c.basic {
				w.Header().Set("WWW-Authenticate", `Bearer realm="`+srv.URL+`/token"`)
			}
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		calls++
		switch {
		case c.get == nil, c.twice && calls == 1:
			good(w)
		case c.basic:
			c.get(w, r, encode(cred.Password)+" "+shown)
		default:
			c.get(w, r, encode(strings.TrimPrefix(shown, "Bearer ")))
		}
	}))
	defer srv.Close()
	s, _ := testSource(t, Options{Retries: -1, Keychain: &keys{cred: cred}, PlainHTTP: []string{strings.TrimPrefix(srv.URL, "http://")}})
	r := ref.Ref{Name: strings.TrimPrefix(srv.URL, "http://") + "/" + repo, Tag: "v1"}
	for range 2 {
		var err error
		if c.refers {
			_, _, err = s.Referrers(t.Context(), r, ref.DigestOf(nil, ""))
		} else {
			_, err = s.Manifest(t.Context(), r)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// TestNoSecretInType: the type of a good answer is quoted in findings.
func TestNoSecretInType(t *testing.T) {
	t.Parallel()
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		shown := r.Header.Get("Authorization")
		if shown == "" {
			w.Header().Set("WWW-Authenticate", `Basic realm="x"`)
			w.WriteHeader(http.StatusUnauthorized)
		}
		w.Header().Set("Content-Type", "x/"+shown)
	}))
	defer srv.Close()
	host := strings.TrimPrefix(srv.URL, "http://")
	s, _ := testSource(t, Options{PlainHTTP: []string{host}, Hosts: []Host{{Host: host, Credentials: &Credential{Username: "me", Password: canaryKey}}}})
	a, err := s.Manifest(t.Context(), ref.Ref{Name: host + "/" + repo, Tag: "v1"})
	if err != nil {
		t.Fatal(err)
	}
	if want := "x/Basic " + redacted; a.MediaType != want {
		t.Errorf("the type is %q, want %q", a.MediaType, want)
	}
}

// TestHideKeepsTheRest: what is no secret is left as it is, and what an error is
// stays known.
func TestHideKeepsTheRest(t *testing.T) {
	t.Parallel()
	var s secrets
	s.add("abc", "", "s3cr", "much-longer-than-that")
	for in, want := range map[string]string{
		"abc":                               "abc",
		`50% of "s3c" \ é … are 0%zz`:       `50% of "s3c" \ é … are 0%zz`,
		"s3crs3cr and s3cr":                 redacted + " and " + redacted,
		"much…":                             redacted + "…",
		"a long part: onger-tha, and short": "a long part: " + redacted + ", and short",
		strings.Repeat("é", errorLength):    strings.Repeat("é", errorLength/2) + cut,
	} {
		if got := s.hide(in); got != want {
			t.Errorf("%q became %q, want %q", in, got, want)
		}
	}
	if err := errors.New("s3cre"); s.hideError(err) == err || !errors.Is(s.hideError(err), err) {
		t.Errorf("%v is not what it was", s.hideError(err))
	}
	if err := errors.New("harmless"); s.hideError(err) != err {
		t.Error("an error without a secret was changed")
	}
	for i := range 3000 {
		s.add(fmt.Sprintf("%01000d", i))
	}
	if len(s.list) > secretBytes/1000 || s.hide(fmt.Sprintf("%01000d", 2999)) != redacted {
		t.Errorf("%d secrets are kept", len(s.list))
	}
}

func FuzzHide(f *testing.F) {
	f.Add("canary", `a canary%20 %63anary \u0063anary can…`)
	f.Add("aaaaaaaa", strings.Repeat("a", 100))
	f.Add(`\\\\%%25`, `\\\\\\\\%%%25…`)
	f.Fuzz(func(t *testing.T, secret, text string) {
		var s secrets
		s.add(secret)
		got := s.hide(text + secret + fmt.Sprintf("%q", secret) + url.QueryEscape(secret))
		// The mark itself is no leak.
		if len(secret) >= secretLeast && strings.Contains(strings.ReplaceAll(got, redacted, "\x00"), secret) && !strings.Contains(secret, "\x00") {
			t.Errorf("%q is in %q", secret, got)
		}
	})
}

// BenchmarkHide is the price of one error of a registry with one token.
func BenchmarkHide(b *testing.B) {
	var s secrets
	s.add("me:"+canaryPassword, strings.Repeat(canaryToken, 20))
	for b.Loop() {
		s.hide(`get manifest registry.example.com/team/app:v1: registry.example.com answered 404 Not Found (MANIFEST_UNKNOWN): "manifest unknown"`)
	}
}
