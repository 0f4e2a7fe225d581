package testregistry

import (
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-containerregistry/pkg/v1/random"
)

func get(t *testing.T, method, url string) (*http.Response, string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := http.DefaultTransport.RoundTrip(r)
	if err != nil {
		t.Fatal(err)
	}
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	_ = resp.Body.Close()
	return resp, string(b)
}

func TestModesAreDescribed(t *testing.T) {
	t.Parallel()
	modes := Modes()
	if !slices.IsSorted(modes) || len(modes) < 60 {
		t.Errorf("%d modes: %q", len(modes), modes)
	}
	for _, m := range modes {
		if Describe(m) == "" || behaviours[m] == nil || strings.ToLower(m) != m {
			t.Errorf("%q: described as %q", m, Describe(m))
		}
	}
	s := New(t, Options{})
	if err := s.SetMode("", "no such mode"); err == nil {
		t.Error("an unknown mode is accepted")
	}
	if err := s.SetMode("", ""); err != nil {
		t.Error(err)
	}
}

// TestContentModes: each lie about content is told about what it names and
// nothing else.
func TestContentModes(t *testing.T) {
	t.Parallel()
	s := New(t, Options{})
	idx, err := random.Index(64, 1, 2)
	if err != nil {
		t.Fatal(err)
	}
	root, err := s.PushIndex("a", "v1", idx)
	if err != nil {
		t.Fatal(err)
	}
	im, err := idx.IndexManifest()
	if err != nil {
		t.Fatal(err)
	}
	child := im.Manifests[0].Digest
	img, err := idx.Image(child)
	if err != nil {
		t.Fatal(err)
	}
	m, err := img.Manifest()
	if err != nil {
		t.Fatal(err)
	}
	paths := map[string]string{
		"tag": "manifests/v1", "root": "manifests/" + root, "child": "manifests/" + child.String(),
		"config": "blobs/" + m.Config.Digest.String(), "layer": "blobs/" + m.Layers[0].Digest.String(),
	}
	honest := map[string]string{}
	for name, p := range paths {
		_, honest[name] = get(t, http.MethodGet, s.URL("/v2/a/"+p))
	}
	for mode, lies := range map[string][]string{
		"":                  nil,
		"wrong-manifest":    {"root", "child"},
		"wrong-child":       {"child"},
		"wrong-config":      {"config"},
		"wrong-layer":       {"layer"},
		"schema-1":          {"root", "child"},
		"one-byte-more":     {"root", "child", "config", "layer"},
		"one-byte-less":     {"root", "child", "config", "layer"},
		"gone-layers":       {"layer"},
		"gone-config":       {"config"},
		"gone-child":        {"child"},
		"oversize-manifest": {"tag", "root", "child"},
		"lying-digest":      nil,
		"wrong-type":        nil,
		"head-lies":         nil,
		"slow-blob":         nil,
	} {
		s.MustMode(t, "a", mode)
		for name, p := range paths {
			_, got := get(t, http.MethodGet, s.URL("/v2/a/"+p))
			if (got != honest[name]) != slices.Contains(lies, name) {
				t.Errorf("%s: %s is other than honest: %v", mode, name, got != honest[name])
			}
		}
	}
	s.MustMode(t, "a", "head-lies")
	if resp, _ := get(t, http.MethodHead, s.URL("/v2/a/manifests/v1")); resp.Header.Get("Docker-Content-Digest") == root {
		t.Error("HEAD tells the truth")
	}
}

func TestTagFlip(t *testing.T) {
	t.Parallel()
	s := New(t, Options{})
	for _, tag := range []string{"v1", "flip"} {
		img, err := random.Image(64, 1)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := s.PushImage("a", tag, img); err != nil {
			t.Fatal(err)
		}
	}
	_, first := get(t, http.MethodGet, s.URL("/v2/a/manifests/v1"))
	_, other := get(t, http.MethodGet, s.URL("/v2/a/manifests/flip"))
	for range 2 { // setting the mode starts it anew
		s.MustMode(t, "a", "tag-flip")
		s.Forget()
		for i, want := range []string{first, other, other} {
			if _, got := get(t, http.MethodGet, s.URL("/v2/a/manifests/v1")); got != want {
				t.Errorf("answer %d is another", i)
			}
		}
		if n := s.Count(http.MethodGet, ManifestTag); n != 3 {
			t.Errorf("%d requests recorded", n)
		}
	}
}

func TestClassify(t *testing.T) {
	t.Parallel()
	for path, want := range map[string][3]string{
		"/v2/":                           {Ping},
		"/token":                         {Token},
		"/v2/a/b/manifests/v1":           {ManifestTag, "a/b", "v1"},
		"/v2/a/b/manifests/sha256:00":    {ManifestDigest, "a/b", "sha256:00"},
		"/v2/a/blobs/sha256:00":          {Blob, "a", "sha256:00"},
		"/v2/a/referrers/sha256:00":      {Referrers, "a", "sha256:00"},
		"/v2/a/tags/list":                {Other, "a", "list"},
		"/favicon.ico":                   {Other},
		"/v2/manifests/blobs/sha256:abc": {Blob, "manifests", "sha256:abc"},
	} {
		kind, repo, reference := classify(path)
		if got := [3]string{kind, repo, reference}; got != want {
			t.Errorf("%s: %q, want %q", path, got, want)
		}
	}
}
