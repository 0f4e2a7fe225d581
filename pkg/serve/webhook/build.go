package webhook

import (
	"crypto/sha1" //nolint:gosec // Nexus signs with it
	"crypto/sha256"
	"fmt"
	"net/http"
	"regexp"
	"strings"
	"time"

	"github.com/intact-dev/intact/pkg/config"
)

// NewDecoder returns the decoder of e's kind. It panics for a kind that
// [config.Load] does not let through.
func NewDecoder(e *config.Endpoint) Decoder {
	switch e.Kind {
	case "distribution", "gitlab":
		return distribution{e}
	case "harbor":
		return harbor{e}
	case "dockerhub":
		return dockerHub{e}
	case "github":
		return gitHub{e}
	case "quay":
		return quay{e}
	case "acr":
		return acr{e}
	case "acr-eventgrid":
		return eventGrid{e}
	case "ecr":
		return ecr{e}
	case "artifact-registry":
		return artifactRegistry{e}
	case "artifactory":
		return artifactory{e}
	case "nexus":
		return nexus{e}
	case "zot":
		return zot{e}
	case "gitea", "forgejo":
		return gitea{e}
	case "aliyun":
		return aliyun{e}
	case "generic":
		return generic{e}
	}
	panic(fmt.Sprintf("no decoder for the kind %q", e.Kind))
}

// NewAuthenticator reads the secrets of e with read and returns what its requests
// are held against. A secret that is missing or empty is an error that names the
// endpoint and what to set. client asks the issuers of tokens; nil is the default
// one.
func NewAuthenticator(e *config.Endpoint, read func(config.Secret) (string, error), client *http.Client, now func() time.Time) (Authenticator, error) {
	if e.Auth.Type == "oidc" {
		return newIdentity(e.Auth, client, now), nil
	}
	s, err := readSecrets(e, read)
	if err != nil {
		return nil, fmt.Errorf("endpoint %q: %w", e.Name, err)
	}
	switch e.Auth.Type {
	case "path":
		return pathToken{s}, nil
	case "header":
		return headerValue{e.Auth.Header, s}, nil
	case "basic":
		return basic{e.Auth.Username, s}, nil
	case "bearer":
		return bearer{s}, nil
	case "hmac":
		return newSignature(e.Kind, s, now), nil
	}
	return nil, fmt.Errorf("endpoint %q: auth of type %q; set serve.endpoints[].auth.type", e.Name, e.Auth.Type)
}

// newSignature returns how the sender signs.
func newSignature(kind string, s secrets, now func() time.Time) signature {
	sig := signature{hash: sha256.New, now: now, secrets: s}
	switch kind {
	case "github":
		sig.headers, sig.prefix = []string{"X-Hub-Signature-256"}, "sha256="
	case "gitea":
		sig.headers = []string{"X-Gitea-Signature"}
	case "forgejo":
		sig.headers = []string{"X-Forgejo-Signature", "X-Gitea-Signature"}
	case "nexus":
		sig.headers, sig.hash, sig.algorithm = []string{"X-Nexus-Webhook-Signature"}, sha1.New, "X-Nexus-Webhook-Signature-Algorithm"
	case "artifactory":
		sig.headers = []string{"X-JFrog-Event-Auth"}
	default:
		sig.headers, sig.prefix, sig.timestamp = []string{"X-Intact-Signature"}, "sha256=", "X-Intact-Timestamp"
	}
	return sig
}

// tokenForm is what a token in a path is made of: nothing that is escaped there,
// and as much as cannot be guessed.
var tokenForm = regexp.MustCompile(`^[A-Za-z0-9_-]{32,256}$`)

func readSecrets(e *config.Endpoint, read func(config.Secret) (string, error)) (secrets, error) {
	var out secrets
	for _, part := range []struct {
		key    string
		secret config.Secret
	}{{"secret", e.Auth.Secret}, {"previous", e.Auth.Previous}} {
		if part.secret == (config.Secret{}) && part.key == "previous" {
			continue
		}
		hint := fmt.Sprintf("set auth.%sFile or auth.%sEnv to a secret that only %s knows", part.key, part.key, e.Kind)
		if part.secret == (config.Secret{}) {
			return nil, fmt.Errorf("no secret; %s", hint)
		}
		value, err := read(part.secret)
		if err != nil {
			return nil, fmt.Errorf("read the secret in %s: %w; %s", part.secret, err, hint)
		}
		// Editors end a file with a newline.
		value = strings.TrimSuffix(strings.TrimSuffix(value, "\n"), "\r")
		switch {
		case strings.TrimSpace(value) == "":
			return nil, fmt.Errorf("the secret in %s is empty; %s", part.secret, hint)
		case e.Auth.Type == "path" && !tokenForm.MatchString(value):
			return nil, fmt.Errorf("the token in %s can be guessed or does not fit into a path; expected 32 to 256 of A-Z a-z 0-9 _ -, such as openssl rand -hex 32 makes", part.secret)
		}
		out = append(out, value)
	}
	return out, nil
}
