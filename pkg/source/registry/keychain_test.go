package registry

import (
	"context"
	"encoding/base64"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestCloudHosts: tokens of a cloud identity are made for its own registries
// alone. AUT-5.
func TestCloudHosts(t *testing.T) {
	t.Parallel()
	var got string
	k := cloudKeychain{
		ecr: func(_ context.Context, account, region string, fips bool) (Credential, error) {
			got = "ecr " + account + " " + region
			if fips {
				got += " fips"
			}
			return Credential{Username: "AWS", Password: "x"}, nil
		},
		google: func(context.Context) (Credential, error) {
			got = "google"
			return Credential{Username: "oauth2accesstoken", Password: "x"}, nil
		},
		acr: func(_ context.Context, host string) (Credential, error) {
			got = "acr " + host
			return Credential{IdentityToken: "x"}, nil
		},
	}
	for host, want := range map[string]string{
		"123456789012.dkr.ecr.us-east-1.amazonaws.com":          "ecr 123456789012 us-east-1",
		"123456789012.dkr.ecr.us-gov-west-1.amazonaws.com":      "ecr 123456789012 us-gov-west-1",
		"123456789012.dkr.ecr-fips.us-east-1.amazonaws.com":     "ecr 123456789012 us-east-1 fips",
		"123456789012.dkr.ecr.cn-north-1.amazonaws.com.cn":      "ecr 123456789012 cn-north-1",
		"123456789012.dkr-ecr.us-east-1.on.aws":                 "ecr 123456789012 us-east-1",
		"gcr.io":                                                "google",
		"eu.gcr.io":                                             "google",
		"europe-west1-docker.pkg.dev":                           "google",
		"myregistry.azurecr.io":                                 "acr myregistry.azurecr.io",
		"myregistry-abc123.azurecr.io":                          "acr myregistry-abc123.azurecr.io",
		"myregistry.azurecr.cn":                                 "acr myregistry.azurecr.cn",
		"x.azurecr.io.evil.com":                                 "",
		"myregistry.azurecr.io.evil.com":                        "",
		"evil.com/x.azurecr.io":                                 "",
		"evil-azurecr.io":                                       "",
		"a.b.azurecr.io":                                        "",
		"myregistry.azurecr.io:8443":                            "",
		"myregistry.azurecr.io.":                                "",
		"MYREGISTRY.azurecr.io":                                 "",
		"1.dkr.ecr.us-east-1.amazonaws.com":                     "",
		"1.dkr.ecr.us-east-1.amazonaws.com.evil.com":            "",
		"123456789012.dkr.ecr.us-east-1.amazonaws.com.evil.com": "",
		"123456789012.dkr.ecr.us-east-1.amazonaws.com.":         "",
		"123456789012.dkr.ecr.evil.com.amazonaws.com":           "",
		"123456789012xdkr.ecr.us-east-1.amazonaws.com":          "",
		"gcr.io.evil.com":                                       "",
		"evilgcr.io":                                            "",
		"a.b.gcr.io":                                            "",
		"gcr.io:443":                                            "",
		"docker.pkg.dev":                                        "",
		"x.europe-docker.pkg.dev":                               "",
		"gcr.io\n":                                              "",
		"":                                                      "",
	} {
		got = ""
		cred, err := k.Credential(t.Context(), host, "x")
		if got != want || err != nil || (cred == Credential{}) != (want == "") {
			t.Errorf("%q: %q, want %q: %v", host, got, want, err)
		}
	}
}

func TestExchangeACR(t *testing.T) {
	t.Parallel()
	for answer, want := range map[string]string{
		`{"refresh_token":"r"}`: "r", `{}`: "", `[`: "", `{"refresh_token":"` + strings.Repeat("x", 70_000) + `"}`: "",
	} {
		srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path != "/oauth2/exchange" || r.FormValue("grant_type") != "access_token" || r.FormValue("access_token") != "aad" || r.FormValue("service") != "me.azurecr.io" {
				w.WriteHeader(http.StatusBadRequest)
				return
			}
			_, _ = io.WriteString(w, answer)
		}))
		c, err := exchangeACR(t.Context(), srv.Client(), srv.URL, "me.azurecr.io", "aad")
		if c.IdentityToken != want || (err == nil) != (want != "") {
			t.Errorf("%.40s: %v, %v", answer, c.IdentityToken, err)
		}
		srv.Close()
	}
}

// TestCachedKeychain: neither found nor missing identities are looked for again
// and again.
func TestCachedKeychain(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)
	k := &keys{err: errors.New("no identity")}
	c := &cached{Keychain: k, now: func() time.Time { return now }, byHost: map[string]*entry{}}
	for range 3 {
		if _, err := c.Credential(t.Context(), "a", "x"); err == nil {
			t.Error("the failure is forgotten")
		}
	}
	now = now.Add(rememberFailed)
	k.err, k.cred = nil, Credential{Username: "me"}
	for range 3 {
		if cred, err := c.Credential(t.Context(), "a", "x"); err != nil || cred.Username != "me" {
			t.Errorf("%v, %v", cred, err)
		}
	}
	if len(k.asked) != 2 {
		t.Errorf("asked %d times, want 2", len(k.asked))
	}
}

func auth(user, password string) string {
	return base64.StdEncoding.EncodeToString([]byte(user + ":" + password))
}

// TestFileKeychain: Docker's and Podman's files. AUT-8.
func TestFileKeychain(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, file, host, repo string
		want                   Credential
		bad                    string // part of the error
	}{
		{"plain", `{"auths":{"r.example":{"auth":"` + auth("me", "pw:x") + `"}}}`, "r.example", "a", Credential{Username: "me", Password: "pw:x"}, ""},
		{"another host", `{"auths":{"r.example":{"auth":"` + auth("me", "pw") + `"}}}`, "r.example.evil", "a", Credential{}, ""},
		{"another port", `{"auths":{"r.example":{"auth":"` + auth("me", "pw") + `"}}}`, "r.example:5000", "a", Credential{}, ""},
		{"with scheme", `{"auths":{"https://r.example/v1/":{"auth":"` + auth("me", "pw") + `"}}}`, "r.example", "a", Credential{Username: "me", Password: "pw"}, ""},
		{"Docker Hub", `{"auths":{"https://index.docker.io/v1/":{"auth":"` + auth("me", "pw") + `"}}}`, "docker.io", "library/nginx", Credential{Username: "me", Password: "pw"}, ""},
		{"Docker Hub by Podman", `{"auths":{"docker.io":{"auth":"` + auth("me", "pw") + `"}}}`, "docker.io", "library/nginx", Credential{Username: "me", Password: "pw"}, ""},
		{"Podman's namespaces", `{"auths":{"q.example":{"auth":"` + auth("all", "pw") + `"},"q.example/org":{"auth":"` + auth("org", "pw") + `"}}}`, "q.example", "org/app", Credential{Username: "org", Password: "pw"}, ""},
		{"another namespace", `{"auths":{"q.example":{"auth":"` + auth("all", "pw") + `"},"q.example/org":{"auth":"` + auth("org", "pw") + `"}}}`, "q.example", "organ/app", Credential{Username: "all", Password: "pw"}, ""},
		{"identity token", `{"auths":{"r.example":{"auth":"` + auth("x", "y") + `","identitytoken":"tok"}}}`, "r.example", "a", Credential{Username: "x", Password: "y", IdentityToken: "tok"}, ""},
		{"registry token", `{"auths":{"r.example":{"registrytoken":"tok"}}}`, "r.example", "a", Credential{RegistryToken: "tok"}, ""},
		{"empty", ``, "r.example", "a", Credential{}, ""},
		{"no JSON", `{"auths":{"r.example":{"auth":"` + canaryKey, "r.example", "a", Credential{}, "not a valid Docker configuration"},
		{"bad auth", `{"auths":{"r.example":{"auth":"` + canaryKey + `!"}}}`, "r.example", "a", Credential{}, "not a valid Docker configuration"},
		{"too large", `{"x":"` + strings.Repeat("x", configBytes) + `"}`, "r.example", "a", Credential{}, "larger than"},
		{"helper outside of PATH", `{"credHelpers":{"r.example":"../../bin/x"}}`, "r.example", "a", Credential{}, "not a name of a helper"},
		{"helper with spaces", `{"credsStore":"a b"}`, "r.example", "a", Credential{}, "not a name of a helper"},
		{"helper with options", `{"credsStore":"-x"}`, "r.example", "a", Credential{}, "not a name of a helper"},
		{"helper of another host", `{"credHelpers":{"other.example":"../../bin/x"}}`, "r.example", "a", Credential{}, ""},
		{"helper that is not installed", `{"credHelpers":{"r.example":"intact-test-missing"}}`, "r.example", "a", Credential{}, "could not be run"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			path := filepath.Join(t.TempDir(), "config.json")
			if err := os.WriteFile(path, []byte(tt.file), 0o600); err != nil {
				t.Fatal(err)
			}
			got, err := FileKeychain{Path: path}.Credential(t.Context(), tt.host, tt.repo)
			if got != tt.want || (err != nil) != (tt.bad != "") || err != nil && (!strings.Contains(err.Error(), tt.bad) || strings.Contains(err.Error(), canaryKey)) {
				t.Errorf("got user %q, error %v", got.Username, err)
			}
		})
	}
}

// TestHelper runs a helper, which is a shell script here.
func TestHelper(t *testing.T) {
	dir := t.TempDir()
	write := func(name, script string) {
		if err := os.WriteFile(filepath.Join(dir, "docker-credential-"+name), []byte("#!/bin/sh\n"+script), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	write("good", `read host; echo "{\"Username\":\"me\",\"Secret\":\"for $host\"}"`)
	write("token", `echo '{"Username":"<token>","Secret":"id"}'`)
	write("none", `echo "credentials not found in native keychain"; exit 1`)
	write("rude", `echo `+canaryKey+`; echo `+canaryKey+` >&2; exit 1`)
	write("endless", `exec yes`)
	t.Setenv("PATH", dir+string(os.PathListSeparator)+os.Getenv("PATH"))
	for name, want := range map[string]Credential{
		"good": {Username: "me", Password: "for r.example"}, "token": {IdentityToken: "id"}, "none": {}, "rude": {}, "endless": {},
	} {
		got, err := runHelper(t.Context(), name, "r.example")
		if got != want || (err != nil) != (name == "rude" || name == "endless") || err != nil && strings.Contains(err.Error(), canaryKey) {
			t.Errorf("%s: user %q, error %v", name, got.Username, err)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := runHelper(ctx, "good", "r.example"); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
}

func TestFindConfig(t *testing.T) {
	home := t.TempDir()
	for _, v := range []string{"REGISTRY_AUTH_FILE", "DOCKER_CONFIG", "XDG_RUNTIME_DIR", "XDG_CONFIG_HOME"} {
		t.Setenv(v, "")
	}
	t.Setenv("HOME", home)
	put := func(parts ...string) string {
		p := filepath.Join(append([]string{home}, parts...)...)
		if err := os.MkdirAll(filepath.Dir(p), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(p, []byte("{}"), 0o600); err != nil {
			t.Fatal(err)
		}
		return p
	}
	check := func(want string) {
		t.Helper()
		if got := findConfig(); got != want {
			t.Errorf("found %q, want %q", got, want)
		}
	}
	check("")
	check2 := put(".config", "containers", "auth.json")
	check(check2)
	t.Setenv("XDG_RUNTIME_DIR", filepath.Join(home, "run"))
	check(check2)
	check3 := put("run", "containers", "auth.json")
	check(check3)
	docker := put(".docker", "config.json")
	check(docker)
	t.Setenv("DOCKER_CONFIG", filepath.Join(home, "other"))
	check(check3)
	other := put("other", "config.json")
	check(other)
	t.Setenv("REGISTRY_AUTH_FILE", docker)
	check(docker)
}

func TestChain(t *testing.T) {
	t.Parallel()
	broken := &keys{err: errors.New("broken")}
	none := &keys{}
	some := &keys{cred: Credential{Username: "me"}}
	if c, err := (Chain{broken, none, some}).Credential(t.Context(), "a", "b"); c != some.cred || err != nil {
		t.Errorf("%v, %v", c, err)
	}
	if _, err := (Chain{broken, none}).Credential(t.Context(), "a", "b"); err == nil {
		t.Error("the error of the first is lost")
	}
}
