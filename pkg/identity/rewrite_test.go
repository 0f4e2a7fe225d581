package identity_test

import (
	"strings"
	"testing"

	"github.com/intact-dev/intact/pkg/fact"
	"github.com/intact-dev/intact/pkg/identity"
)

func TestRewriteTellsInjectorsFromEdits(t *testing.T) {
	t.Parallel()
	upstreamOf := func(name string) string {
		if rest, ok := strings.CutPrefix(name, "hub.acme.internal/"); ok {
			return "docker.io/library/" + rest
		}
		return name
	}
	at := "@" + string(sha256A)
	other := "@sha256:" + strings.Repeat("b", 64)
	for _, tt := range []struct {
		template, pod string
		want          fact.Rewrite
	}{
		{"nginx:1.27", "nginx:1.27", ""},
		{"", "nginx:1.27", ""},
		{"nginx", "docker.io/library/nginx:latest", ""},
		{"nginx" + at, "nginx:1.27" + at, ""}, // the digest decides
		{"nginx:1.27" + at, "index.docker.io/library/nginx" + at, ""},

		{"auto", "docker.io/istio/proxyv2:1.27.0", fact.RewritePlaceholder},
		{"$(IMAGE)", "ghcr.io/acme/api:1.4.2", fact.RewritePlaceholder},
		{" ", "ghcr.io/acme/api:1.4.2", fact.RewritePlaceholder},
		{"automatic", "docker.io/istio/proxyv2:1.27.0", fact.RewriteOther},

		{"nginx:1.27", "nginx:1.27" + at, fact.RewriteDigest},
		{"nginx:1.27", "docker.io/library/nginx" + at, fact.RewriteDigest},
		{"nginx", "nginx:latest" + at, fact.RewriteDigest},

		{"nginx:1.27", "mirror.acme.internal/library/nginx:1.27", fact.RewriteMirror},
		{"nginx:1.27", "mirror.acme.internal/dockerhub/library/nginx:1.27", fact.RewriteMirror},
		{"nginx:1.27", "mirror.acme.internal/docker.io/library/nginx:1.27" + at, fact.RewriteMirror},
		{"nginx", "mirror.acme.internal/library/nginx:latest", fact.RewriteMirror},
		{"quay.io/acme/api" + at, "mirror.acme.internal/acme/api" + at, fact.RewriteMirror},
		{"nginx:1.27", "hub.acme.internal/nginx:1.27", fact.RewriteMirror},
		{"hub.acme.internal/nginx:1.27", "nginx:1.27", fact.RewriteMirror},

		{"nginx:1.27", "nginx:1.28", fact.RewriteOther},
		{"nginx:1.27", "nginx:1.28" + at, fact.RewriteOther},
		{"nginx", "nginx:1.27", fact.RewriteOther},
		{"nginx" + at, "nginx" + other, fact.RewriteOther},
		{"nginx" + at, "nginx", fact.RewriteOther},
		{"nginx:1.27" + at, "mirror.acme.internal/library/nginx:1.27", fact.RewriteOther},
		{"nginx:1.27", "mirror.acme.internal/mynginx:1.27", fact.RewriteOther},
		{"nginx:1.27", "mirror.acme.internal/library/nginx:1.28", fact.RewriteOther},
		{"nginx:1.27", "mirror.acme.internal/library/nginx-debug:1.27", fact.RewriteOther},
		{"acme/api:1", "evil.example/xacme/api:1", fact.RewriteOther},
		{"nginx:1.27", "evil.example/miner" + at, fact.RewriteOther},
		{"nginx:1.27", "not an image", fact.RewriteOther},
	} {
		if got := identity.Rewrite(tt.template, tt.pod, upstreamOf); got != tt.want {
			t.Errorf("%q to %q: %q, want %q", tt.template, tt.pod, got, tt.want)
		}
	}
	if got := identity.Rewrite("nginx", "mirror.acme.internal/library/nginx", nil); got != fact.RewriteMirror {
		t.Errorf("without mirrors that are known: %q", got)
	}
}
