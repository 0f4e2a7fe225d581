package registry_test

import (
	"strings"
	"testing"

	"github.com/intact-dev/intact/pkg/source/registry"
)

func TestPullSecretHoldsCredentialsAndRunsNothing(t *testing.T) {
	t.Parallel()
	k, err := registry.PullSecret([]byte(`{
		"auths": {"ghcr.io/acme": {"auth": "Y2k6czNjcmV0"}, "https://index.docker.io/v1/": {"username": "u", "password": "p"}},
		"credHelpers": {"quay.io": "anything"}, "credsStore": "anything"}`))
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct{ host, repository, user string }{
		{"ghcr.io", "acme/api", "ci"}, {"ghcr.io", "other/api", ""}, {"docker.io", "library/nginx", "u"}, {"quay.io", "x", ""},
	} {
		got, err := k.Credential(t.Context(), tt.host, tt.repository)
		if err != nil || got.Username != tt.user {
			t.Errorf("%s/%s: user %q, %v; want %q", tt.host, tt.repository, got.Username, err, tt.user)
		}
	}
	if _, err := registry.PullSecret([]byte(`{"auths": "s3cret"}`)); err == nil || strings.Contains(err.Error(), "s3cret") {
		t.Errorf("a wrong secret: %v", err)
	}
}
