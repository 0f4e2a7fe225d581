package testground

import (
	"context"
	"fmt"
	"net/http"

	"github.com/intact-dev/intact/pkg/internal/testimage"
)

// Push copies the image called name in an OCI layout to a reference in a
// registry on loopback: the root with its digest unchanged, all platforms of
// an index.
func Push(ctx context.Context, layout, name, to string) error {
	skopeo, err := Command("skopeo", "skopeo")
	if err != nil {
		return err
	}
	_, err = run(ctx, skopeo, "copy", "--quiet", "--all", "--preserve-digests", "--insecure-policy",
		"--dest-tls-verify=false", "oci:"+layout+":"+name, "docker://"+to)
	return err
}

// PushSpec builds the image that spec describes, pushes it from dir, an empty
// folder, to a reference in a registry on loopback and returns it.
func PushSpec(ctx context.Context, dir string, spec testimage.Spec, to string) (*testimage.Built, error) {
	built, err := testimage.Build(spec)
	if err != nil {
		return nil, err
	}
	if err := testimage.WriteLayout(dir, testimage.Entry{Built: built, Name: "image"}); err != nil {
		return nil, fmt.Errorf("write the layout of %q: %w", to, err)
	}
	return built, Push(ctx, dir, "image", to)
}

// Delete deletes the manifest with a digest ("sha256:…"), and so the tags that
// mean it, from a repository of the registry. What it is made of stays.
//
// https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md#deleting-manifests
func (r *Registry) Delete(ctx context.Context, repository, digest string) error {
	url := "http://" + r.Addr + "/v2/" + repository + "/manifests/" + digest
	req, err := http.NewRequestWithContext(ctx, http.MethodDelete, url, nil)
	if err != nil {
		return err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusAccepted {
		return fmt.Errorf("delete %q of %q: %s", digest, repository, resp.Status)
	}
	return nil
}
