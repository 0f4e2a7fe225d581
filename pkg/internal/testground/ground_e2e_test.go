//go:build e2e

package testground

import (
	"encoding/json"
	"io"
	"net/http"
	"os"
	"strings"
	"testing"

	"github.com/intact-dev/intact/pkg/internal/testimage"
)

func TestRegistryServesWhatIsOnDisk(t *testing.T) {
	t.Parallel()
	r := startTestRegistry(t)
	built := pushApp(t, r.Ref("app:1.0.0"))
	layer := built.Images[0].Layers[0]
	path := r.BlobPath(string(layer.Descriptor.Digest))
	if b, err := os.ReadFile(path); err != nil || string(b) != string(layer.Body) {
		t.Fatalf("blob on disk: %d bytes, %v; want the layer's %d", len(b), err, len(layer.Body))
	}
	if _, err := r.Requests(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte("changed"), 0o600); err != nil {
		t.Fatal(err)
	}
	url := "http://" + r.Addr + "/v2/app/blobs/" + string(layer.Descriptor.Digest)
	if got := get(t, url); string(got) != "changed" {
		t.Errorf("served %q, want what is on disk", got)
	}
	requests, err := r.Requests(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if len(requests) != 1 || requests[0].Method != http.MethodGet || requests[0].Status != http.StatusOK {
		t.Errorf("requests are %v, want one GET", requests)
	}
}

func TestDeletedImageIsGone(t *testing.T) {
	t.Parallel()
	r := startTestRegistry(t)
	digest := string(pushApp(t, r.Ref("app:1.0.0")).Root.Descriptor.Digest)
	if err := r.Delete(t.Context(), "app", digest); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"1.0.0", digest} {
		if body := get(t, "http://"+r.Addr+"/v2/app/manifests/"+name); !strings.Contains(string(body), "MANIFEST_UNKNOWN") {
			t.Errorf("%s is still there: %s", name, body)
		}
	}
	if err := r.Delete(t.Context(), "app", digest); err == nil {
		t.Error("a second deletion went well")
	}
}

func TestCosignSigns(t *testing.T) {
	t.Parallel()
	for _, tool := range []GoTool{CosignV2, CosignV3} {
		t.Run(tool.Version, func(t *testing.T) {
			t.Parallel()
			distribution := startTestRegistry(t)
			referrers := StartReferrersRegistry()
			t.Cleanup(referrers.Close)
			c, err := NewCosign(t.Context(), tool, t.TempDir())
			if err != nil {
				t.Fatal(err)
			}
			key, err := c.GenerateKey(t.Context(), "key")
			if err != nil {
				t.Fatal(err)
			}
			sign := c.SignV2
			if tool == CosignV3 {
				sign = c.SignV3
			}
			for _, repository := range []string{distribution.Ref("app"), referrers.Ref("app")} {
				image := repository + "@" + string(pushApp(t, repository+":1.0.0").Root.Descriptor.Digest)
				verify := []string{"verify", "--key", key.Public, "--insecure-ignore-tlog", image}
				if out, err := c.Run(t.Context(), verify...); err == nil {
					t.Errorf("cosign verifies an unsigned image: %s", out)
				}
				if err := sign(t.Context(), key, image); err != nil {
					t.Fatal(err)
				}
				if _, err := c.Run(t.Context(), verify...); err != nil {
					t.Errorf("cosign does not verify what it signed: %v", err)
				}
			}
		})
	}
}

func TestReferrersRegistryListsReferrers(t *testing.T) {
	t.Parallel()
	r := StartReferrersRegistry()
	t.Cleanup(r.Close)
	c, err := NewCosign(t.Context(), CosignV3, t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	key, err := c.GenerateKey(t.Context(), "key")
	if err != nil {
		t.Fatal(err)
	}
	digest := string(pushApp(t, r.Ref("app:1.0.0")).Root.Descriptor.Digest)
	if err := c.SignV3(t.Context(), key, r.Ref("app@"+digest)); err != nil {
		t.Fatal(err)
	}
	var list struct {
		Manifests []struct{ ArtifactType string }
	}
	if err := json.Unmarshal(get(t, "http://"+r.Addr+"/v2/app/referrers/"+digest), &list); err != nil {
		t.Fatal(err)
	}
	// This registry reports the config's media type as the artifact type, as some
	// real ones do: only the number of referrers can be relied on.
	if len(list.Manifests) != 1 {
		t.Errorf("referrers are %v, want one", list.Manifests)
	}
}

func TestBigImageIsBig(t *testing.T) {
	t.Parallel()
	if os.Geteuid() != 0 {
		t.Skip("making the big image needs root")
	}
	layout, err := BigImage(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	r := startTestRegistry(t)
	if err := Push(t.Context(), layout, BigImageTag, r.Ref("big:1.0.0")); err != nil {
		t.Fatal(err)
	}
	var m struct{ Layers []struct{ Size int64 } }
	if err := json.Unmarshal(get(t, "http://"+r.Addr+"/v2/big/manifests/1.0.0"), &m); err != nil {
		t.Fatal(err)
	}
	var size int64
	for _, l := range m.Layers {
		size += l.Size
	}
	if len(m.Layers) != 7 || size < 250_000_000 {
		t.Errorf("%d layers of %d bytes, want 7 of at least 250 MB", len(m.Layers), size)
	}
	if b, err := os.ReadDir(layout); err != nil || len(b) == 0 {
		t.Errorf("the cached layout: %d files, %v", len(b), err)
	}
}

func startTestRegistry(t *testing.T) *Registry {
	t.Helper()
	r, err := StartRegistry(t.Context(), t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := r.Close(); err != nil {
			t.Error(err)
		}
	})
	return r
}

func pushApp(t *testing.T, to string) *testimage.Built {
	t.Helper()
	built, err := PushSpec(t.Context(), t.TempDir(), testimage.Spec{Images: []testimage.Image{{
		Config: testimage.Config{User: "1000", Entrypoint: []string{"/app/run"}},
		Layers: []testimage.Layer{{Files: []testimage.File{{Path: "app/run", Mode: "0755", Content: "#!/bin/sh\n"}}}},
	}}}, to)
	if err != nil {
		t.Fatal(err)
	}
	return built
}

func get(t *testing.T, url string) []byte {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Accept", "application/vnd.oci.image.manifest.v1+json, application/vnd.oci.image.index.v1+json, */*")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return b
}
