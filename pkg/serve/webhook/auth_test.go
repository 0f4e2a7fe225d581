package webhook_test

import (
	"crypto/hmac"
	"crypto/sha1" //nolint:gosec // Nexus signs with it
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"hash"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/intact-dev/intact/pkg/config"
	"github.com/intact-dev/intact/pkg/serve/webhook"
)

const (
	oldSecret = "canary-previous-0123456789abcdef0123456789"
	newSecret = secretText
)

func mac(h func() hash.Hash, secret, text string) string {
	m := hmac.New(h, []byte(secret))
	m.Write([]byte(text))
	return hex.EncodeToString(m.Sum(nil))
}

// rotating has both secrets for every way to send one.
func rotating(t testing.TB, kind, auth string) webhook.Authenticator {
	t.Helper()
	registry := map[string]string{"github": "ghcr.io", "dockerhub": "docker.io"}[kind]
	if registry == "" {
		registry = "r.example"
	}
	list := "  - {name: e, kind: " + kind + ", registry: " + registry + ", repositories: ['**'], auth: {" + auth + ", secretEnv: NEW, previousEnv: OLD}}\n"
	e := endpoints(t, list)[0]
	a, err := webhook.NewAuthenticator(&e, func(s config.Secret) (string, error) {
		return map[string]string{"NEW": newSecret + "\n", "OLD": oldSecret + "\r\n"}[s.Env], nil
	}, nil, func() time.Time { return now })
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func TestAuthenticators(t *testing.T) {
	t.Parallel()
	const body = `{"any": "bytes"}`
	sha1Hex, sha256Hex := mac(sha1.New, newSecret, body), mac(sha256.New, newSecret, body)
	for _, row := range []struct {
		name, kind, auth string
		header           []string
		want             webhook.Reason
	}{
		{"github", "github", "type: hmac", []string{"X-Hub-Signature-256", "sha256=" + sha256Hex}, ""},
		{"github, the secret before", "github", "type: hmac", []string{"X-Hub-Signature-256", "sha256=" + mac(sha256.New, oldSecret, body)}, ""},
		{"github, another secret", "github", "type: hmac", []string{"X-Hub-Signature-256", "sha256=" + mac(sha256.New, "x", body)}, webhook.BadCredential},
		{"github, an empty secret", "github", "type: hmac", []string{"X-Hub-Signature-256", "sha256=" + mac(sha256.New, "", body)}, webhook.BadCredential},
		{"github, only SHA-1", "github", "type: hmac", []string{"X-Hub-Signature", "sha1=" + sha1Hex}, webhook.NoCredential},
		{"github, SHA-1 in its place", "github", "type: hmac", []string{"X-Hub-Signature-256", "sha256=" + sha1Hex}, webhook.BadCredential},
		{"github, cut off", "github", "type: hmac", []string{"X-Hub-Signature-256", "sha256=" + sha256Hex[:62]}, webhook.BadCredential},
		{"github, twice", "github", "type: hmac", []string{"X-Hub-Signature-256", "sha256=" + sha256Hex, "X-Hub-Signature-256", "sha256=00"}, webhook.NoCredential},
		{"gitea", "gitea", "type: hmac", []string{"X-Gitea-Signature", sha256Hex}, ""},
		{"gitea with a prefix", "gitea", "type: hmac", []string{"X-Gitea-Signature", "sha256=" + sha256Hex}, webhook.BadCredential},
		{"gitea without a secret", "gitea", "type: hmac", []string{"X-Gitea-Signature", "", "X-Hub-Signature-256", "sha256="}, webhook.NoCredential},
		{"forgejo", "forgejo", "type: hmac", []string{"X-Forgejo-Signature", sha256Hex}, ""},
		{"forgejo by Gitea's header", "forgejo", "type: hmac", []string{"X-Gitea-Signature", sha256Hex}, ""},
		{"forgejo, two that differ", "forgejo", "type: hmac", []string{"X-Forgejo-Signature", "00", "X-Gitea-Signature", sha256Hex}, webhook.BadCredential},
		{"nexus", "nexus", "type: hmac", []string{"X-Nexus-Webhook-Signature", sha1Hex}, ""},
		{"nexus names its hash", "nexus", "type: hmac", []string{"X-Nexus-Webhook-Signature", sha1Hex, "X-Nexus-Webhook-Signature-Algorithm", "HmacSHA1"}, ""},
		{"nexus names a better one", "nexus", "type: hmac", []string{"X-Nexus-Webhook-Signature", sha256Hex, "X-Nexus-Webhook-Signature-Algorithm", "HmacSHA256"}, ""},
		{"nexus names the other one", "nexus", "type: hmac", []string{"X-Nexus-Webhook-Signature", sha1Hex, "X-Nexus-Webhook-Signature-Algorithm", "HmacSHA256"}, webhook.BadCredential},
		{"nexus names none that is known", "nexus", "type: hmac", []string{"X-Nexus-Webhook-Signature", sha1Hex, "X-Nexus-Webhook-Signature-Algorithm", "none"}, webhook.BadCredential},
		{"artifactory signs", "artifactory", "type: hmac", []string{"X-JFrog-Event-Auth", sha256Hex}, ""},
		{"artifactory signs, and the secret itself comes", "artifactory", "type: hmac", []string{"X-JFrog-Event-Auth", newSecret}, webhook.BadCredential},
		{"artifactory sends the secret", "artifactory", "type: header", []string{"X-JFrog-Event-Auth", newSecret}, ""},
		{"artifactory sends the secret, and a signature comes", "artifactory", "type: header", []string{"X-JFrog-Event-Auth", sha256Hex}, webhook.BadCredential},
		{"a header", "harbor", "type: header", []string{"Authorization", newSecret}, ""},
		{"a header, the secret before", "harbor", "type: header", []string{"Authorization", oldSecret}, ""},
		{"a header with a scheme", "harbor", "type: header", []string{"Authorization", "Bearer " + newSecret}, webhook.BadCredential},
		{"a header of another name", "ecr2", "type: header, header: X-Api-Key", []string{"X-Api-Key", newSecret}, ""},
		{"a header twice", "harbor", "type: header", []string{"Authorization", newSecret, "Authorization", newSecret}, webhook.NoCredential},
		{"bearer", "zot", "type: bearer", []string{"Authorization", "bearer " + oldSecret}, ""},
		{"bearer without its scheme", "zot", "type: bearer", []string{"Authorization", newSecret}, webhook.NoCredential},
		{"basic", "zot", "type: basic, username: zot", []string{"Authorization", basicAuth("zot", newSecret)}, ""},
		{"basic, the password before", "zot", "type: basic, username: zot", []string{"Authorization", basicAuth("zot", oldSecret)}, ""},
		{"basic, another name", "zot", "type: basic, username: zot", []string{"Authorization", basicAuth("tor", newSecret)}, webhook.BadCredential},
		{"basic without a password", "zot", "type: basic, username: zot", []string{"Authorization", basicAuth("zot", "")}, webhook.BadCredential},
		{"basic of no form", "zot", "type: basic, username: zot", []string{"Authorization", "Basic !"}, webhook.BadCredential},
		{"no basic", "zot", "type: basic, username: zot", nil, webhook.NoCredential},
	} {
		kind := strings.TrimSuffix(row.kind, "2")
		if kind == "ecr" {
			kind = "acr"
		}
		a := rotating(t, kind, row.auth)
		r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/hooks/e", nil)
		for i := 0; i < len(row.header); i += 2 {
			r.Header.Add(row.header[i], row.header[i+1])
		}
		if got := a.Authenticate(r, "", []byte(body)); got != row.want {
			t.Errorf("%s: %q, want %q", row.name, got, row.want)
		}
	}
}

func basicAuth(name, password string) string {
	r := http.Request{Header: http.Header{}}
	r.SetBasicAuth(name, password)
	return r.Header.Get("Authorization")
}

func TestAuthenticatePath(t *testing.T) {
	t.Parallel()
	a := rotating(t, "dockerhub", "type: path")
	for token, want := range map[string]webhook.Reason{
		newSecret: "", oldSecret: "", "": webhook.NoCredential, newSecret + "x": webhook.BadCredential, newSecret[:8]: webhook.BadCredential,
	} {
		if got := a.Authenticate(nil, token, nil); got != want {
			t.Errorf("%q: %q, want %q", token, got, want)
		}
	}
}

// What cannot be told from an open endpoint does not start, and says what to set.
func TestNewRefusesWithoutASecret(t *testing.T) {
	t.Parallel()
	fail := errors.New("permission denied")
	for _, row := range []struct {
		name, kind, auth, value string
		err                     error
		want                    string
	}{
		{"empty", "github", "type: hmac, secretEnv: HOOK", "", nil, `endpoint "e": the secret in variable "HOOK" is empty; set auth.secretFile or auth.secretEnv`},
		{"a newline", "github", "type: hmac, secretFile: hook.key", "\n", nil, `endpoint "e": the secret in file "hook.key" is empty; set auth.secretFile or auth.secretEnv`},
		{"spaces", "harbor", "type: header, secretEnv: HOOK", "  \n", nil, `is empty`},
		{"unreadable", "harbor", "type: basic, username: u, secretEnv: HOOK", "", fail, `endpoint "e": read the secret in variable "HOOK": permission denied`},
		{"the one before is empty", "harbor", "type: bearer, secretEnv: GOOD, previousEnv: HOOK", "", nil, `endpoint "e": the secret in variable "HOOK" is empty; set auth.previousFile or auth.previousEnv`},
		{"a short token", "dockerhub", "type: path, secretEnv: HOOK", "canary", nil, `endpoint "e": the token in variable "HOOK" can be guessed`},
		{"a token with a slash", "quay", "type: path, secretEnv: HOOK", "canary/" + secretText, nil, `does not fit into a path`},
	} {
		registry := map[string]string{"github": "ghcr.io", "dockerhub": "docker.io"}[row.kind]
		if registry == "" {
			registry = "r.example"
		}
		list := endpoints(t, "  - {name: e, kind: "+row.kind+", registry: "+registry+", repositories: ['**'], auth: {"+row.auth+"}}\n")
		_, err := webhook.New(list, webhook.Options{Limits: limits, Secret: func(s config.Secret) (string, error) {
			if s.Env == "GOOD" {
				return secretText, nil
			}
			return row.value, row.err
		}})
		if err == nil || !strings.Contains(err.Error(), row.want) || strings.Contains(err.Error(), "canary") {
			t.Errorf("%s: %v", row.name, err)
		}
	}
	small := limits
	small.BodyMemory = 4 << 20
	_, err := webhook.New(endpoints(t, three), webhook.Options{Limits: small, Secret: canary})
	if err == nil || !strings.Contains(err.Error(), "serve.limits.bodyMemory") {
		t.Errorf("memory: %v", err)
	}
}
