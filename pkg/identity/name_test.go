package identity_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/intact-dev/intact/pkg/identity"
	"github.com/intact-dev/intact/pkg/ref"
)

const (
	hexA    = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
	sha256A = ref.Digest("sha256:" + hexA)
	sha512A = ref.Digest("sha512:" + hexA + hexA)
)

// One row for each form that a runtime is known to report.
func TestParseReportedReadsAllForms(t *testing.T) {
	t.Parallel()
	type name = identity.Name
	for in, tt := range map[string]struct {
		source string
		want   name
	}{
		"docker.io/library/nginx@" + string(sha256A): {
			"https://github.com/kubernetes/kubernetes/issues/123583 (imageID is the CRI's image_ref)",
			name{Repository: "docker.io/library/nginx", Digest: sha256A},
		},
		string(sha256A): {
			"https://github.com/kubernetes/kubernetes/issues/115199 (side-loaded: no repo digest)",
			name{Digest: sha256A},
		},
		hexA: {
			"https://github.com/cri-o/cri-o/issues/9987 (the ID alone after a restart)",
			name{Digest: sha256A},
		},
		hexA + hexA: {
			"https://github.com/opencontainers/image-spec/blob/v1.1.1/descriptor.md#sha-512",
			name{Digest: sha512A},
		},
		"docker-pullable://nginx@" + string(sha256A): {
			"https://github.com/kubernetes/kubernetes/issues/33014",
			name{Repository: "docker.io/library/nginx", Digest: sha256A, Scheme: "docker-pullable"},
		},
		"docker://" + string(sha256A): {
			"https://github.com/kubernetes/kubernetes/issues/95968 (an image ID)",
			name{Digest: sha256A, Scheme: "docker"},
		},
		"docker://" + hexA: {
			"https://github.com/kubernetes/kubernetes/issues/95968",
			name{Digest: sha256A, Scheme: "docker"},
		},
		"containerd://ghcr.io/acme/api:1.4.2": {
			"https://kubernetes.io/docs/reference/kubernetes-api/workload-resources/pod-v1/ (schemes are the runtimes' own)",
			name{Repository: "ghcr.io/acme/api", Tag: "1.4.2", Scheme: "containerd"},
		},
		"ghcr.io/acme/api:1.4.2@" + string(sha256A): {
			"https://github.com/distribution/reference/blob/v0.6.0/normalize.go (a tag beside a digest is kept here and decides nothing)",
			name{Repository: "ghcr.io/acme/api", Tag: "1.4.2", Digest: sha256A},
		},
		"nginx:1.27": {
			"https://docs.docker.com/reference/api/engine/version/v1.48/ (Image of a container: the name as given)",
			name{Repository: "docker.io/library/nginx", Tag: "1.27"},
		},
		"index.docker.io/library/nginx@" + string(sha256A): {
			"https://github.com/distribution/reference/blob/v0.6.0/normalize.go (the old name of Docker Hub)",
			name{Repository: "docker.io/library/nginx", Digest: sha256A},
		},
		"localhost/app:dev": {
			"https://docs.podman.io/en/latest/markdown/podman-images.1.html (Podman's name for what was built)",
			name{Repository: "localhost/app", Tag: "dev"},
		},
		"docker.io/library/import-2026-11-20@" + string(sha256A): {
			"https://github.com/kubernetes/kubernetes/issues/115199 (a name made up by an import)",
			name{Repository: "docker.io/library/import-2026-11-20", Digest: sha256A},
		},
		"[::1]:5000/app@" + string(sha512A): {
			"https://github.com/distribution/reference/blob/v0.6.0/reference.go",
			name{Repository: "[::1]:5000/app", Digest: sha512A},
		},
		"<none>@" + string(sha256A): {
			"https://github.com/moby/moby/issues/48747 (RepoDigests of what has no name)",
			name{Digest: sha256A},
		},
		"nginx:<none>": {
			"https://docs.docker.com/reference/cli/docker/image/ls/ (RepoTags of what lost its tag)",
			name{Repository: "docker.io/library/nginx"},
		},
	} {
		got, err := identity.ParseReported(in)
		if err != nil {
			t.Errorf("%s: %v", in, err)
		}
		if d := cmp.Diff(tt.want, got); d != "" {
			t.Errorf("%s, see %s (-want +got):\n%s", in, tt.source, d)
		}
	}
}

func TestParseReportedKnowsNothing(t *testing.T) {
	t.Parallel()
	for _, in := range []string{"", "docker://", "<none>:<none>", "<none>@<none>", "<none>", "docker-pullable://<none>@<none>"} {
		if got, err := identity.ParseReported(in); !errors.Is(err, identity.ErrNothing) {
			t.Errorf("%q: %+v, error %v; want one that nothing is named", in, got, err)
		}
	}
}

func TestParseReportedRefusesWhatIsNoName(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"sha256:abc123":                          "invalid checksum digest length",
		"sha256:" + strings.ToUpper(hexA):        "invalid checksum digest format",
		"sha256:" + hexA[1:]:                     "invalid checksum digest length",
		"docker://sha256:" + hexA + "a":          "invalid checksum digest length",
		"nginx@sha256:abc123":                    "invalid",
		"sha384:" + hexA + hexA[:32]:             "unsupported digest algorithm",
		"blake3:" + hexA:                         "unsupported digest algorithm",
		"nginx@blake3:" + hexA:                   "unsupported digest algorithm",
		"nginx 1.27":                             "white space",
		"Docker://nginx":                         "no scheme",
		"://nginx":                               "no scheme",
		"<none>nginx":                            "invalid reference format",
		"nginx@" + string(sha256A) + "\n":        "",
		strings.Repeat("a", 1025):                "1025 characters",
		"docker://docker://" + string(sha256A):   "no scheme",
		"nginx:1.27@" + string(sha256A) + "@x":   "",
		strings.ToUpper(hexA):                    "lower case",
		"ghcr.io/acme/api@" + hexA:               "",
		"docker-pullable://GHCR.IO/ACME/API:1.4": "lower case",
	} {
		got, err := identity.ParseReported(in)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%.80q: %+v, error %v; want one with %q", in, got, err, want)
		}
		if got != (identity.Name{}) {
			t.Errorf("%.80q: the name %+v beside an error", in, got)
		}
	}
	if _, err := identity.ParseReported("blake3:" + hexA); !errors.Is(err, ref.ErrUnsupportedAlgorithm) {
		t.Errorf("blake3: %v, want ErrUnsupportedAlgorithm", err)
	}
}

func FuzzParseReported(f *testing.F) {
	for _, s := range []string{
		"", hexA, string(sha256A), "docker://" + hexA, "docker-pullable://a/b:c@" + string(sha256A), "<none>@<none>", "a:<none>",
		"sha256:ab", "x://y://z", "[::1]:5/x@" + string(sha512A), "A", "nginx", "blake3:" + hexA,
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		n, err := identity.ParseReported(s)
		if err != nil {
			if n != (identity.Name{}) {
				t.Fatalf("%q: the name %+v beside an error", s, n)
			}
			return
		}
		if n.Repository == "" && (n.Digest == "" || n.Tag != "") {
			t.Fatalf("%q names nothing: %+v", s, n)
		}
		if n.Digest != "" {
			if d, err := ref.ParseDigest(string(n.Digest)); err != nil || d != n.Digest || !strings.Contains(s, d.Hex()) {
				t.Fatalf("%q: the digest %q: %v", s, n.Digest, err)
			}
		}
		if !strings.HasPrefix(s, n.Scheme) {
			t.Fatalf("%q: the scheme %q", s, n.Scheme)
		}
		// The canonical spelling means the same.
		again := n.Repository
		if again == "" {
			again = string(n.Digest)
		} else {
			again = ref.Ref{Name: again, Tag: n.Tag, Digest: n.Digest}.String()
		}
		n.Scheme = ""
		if m, err := identity.ParseReported(again); err != nil || m != n {
			t.Fatalf("%q is %+v, but %q is %+v, %v", s, n, again, m, err)
		}
	})
}
