package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"

	"github.com/intact-dev/intact/pkg/internal/testground"
	"github.com/intact-dev/intact/pkg/internal/testimage"
)

// files measures what finds and resolves the tags of so many files, one in each,
// against frizbee, which does it to pin them.
func files(ctx context.Context, o options, work string) (err error) {
	frizbee, err := testground.Frizbee.Install(ctx)
	if err != nil {
		return err
	}
	registry, err := testground.StartRegistry(ctx, work)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, registry.Close()) }()
	repository := filepath.Join(work, "repository")
	if err := writeFiles(ctx, registry, work, repository, o.files); err != nil {
		return err
	}
	cache := filepath.Join(work, "cache")
	if err := compare(ctx, o.rounds, []command{
		{name: "intact pin", args: []string{o.intact, "pin", "--check", "--quiet", repository}, ok: []int{1}},
		{name: "frizbee image", args: []string{frizbee, "image", repository, "--dry-run", "--quiet"}, ok: []int{0}},
	}); err != nil {
		return err
	}
	fmt.Println()
	return compare(ctx, o.rounds, []command{
		{name: "intact scan -f", args: []string{o.intact, "scan", "--quiet", "--depth", "manifest", "--cache-dir", cache, "-f", repository}, ok: []int{0, 1}},
		{name: "frizbee image", args: []string{frizbee, "image", repository, "--dry-run", "--quiet"}, ok: []int{0}},
	})
}

// writeFiles pushes one image under n tags of 20 repositories, and writes a file
// for each.
func writeFiles(ctx context.Context, registry *testground.Registry, work, to string, n int) error {
	spec := testimage.Spec{Index: true, Images: []testimage.Image{{
		Platform: "linux/amd64", Config: testimage.Config{User: "1000", Entrypoint: []string{"/run"}},
		Layers: []testimage.Layer{{Files: []testimage.File{{Path: "run", Mode: "0755", Content: "#!/bin/sh\n"}}}},
	}}}
	if err := os.MkdirAll(to, 0o755); err != nil {
		return err
	}
	for i := range n {
		repository, tag := fmt.Sprintf("team/app-%02d", i%20), fmt.Sprintf("1.%d.0", i)
		if i < 20 {
			if _, err := testground.PushSpec(ctx, filepath.Join(work, fmt.Sprintf("layout-%d", i)), spec, registry.Ref(repository+":"+tag)); err != nil {
				return err
			}
		} else if err := retag(ctx, registry, repository, fmt.Sprintf("1.%d.0", i%20), tag); err != nil {
			return err
		}
		file := fmt.Sprintf(deployment, i, registry.Ref(repository+":"+tag))
		if err := os.WriteFile(filepath.Join(to, fmt.Sprintf("app-%04d.yaml", i)), []byte(file), 0o644); err != nil {
			return err
		}
	}
	return nil
}

const deployment = `apiVersion: apps/v1
kind: Deployment
metadata:
  name: app-%[1]d
spec:
  selector:
    matchLabels: {app: app-%[1]d}
  template:
    metadata:
      labels: {app: app-%[1]d}
    spec:
      containers:
        - name: main
          image: %[2]s
`

// retag gives what a tag means another tag.
func retag(ctx context.Context, registry *testground.Registry, repository, from, to string) error {
	const index = "application/vnd.oci.image.index.v1+json"
	url := "http://" + registry.Addr + "/v2/" + repository + "/manifests/"
	body, err := ask(ctx, http.MethodGet, url+from, index, nil, http.StatusOK)
	if err != nil {
		return err
	}
	_, err = ask(ctx, http.MethodPut, url+to, index, body, http.StatusCreated)
	return err
}

func ask(ctx context.Context, method, url, mediaType string, body []byte, want int) ([]byte, error) {
	req, err := http.NewRequestWithContext(ctx, method, url, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	req.Header.Set("Accept", mediaType)
	req.Header.Set("Content-Type", mediaType)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return nil, err
	}
	defer func() { _ = resp.Body.Close() }()
	if resp.StatusCode != want {
		return nil, fmt.Errorf("%s %s: status %d, want %d", method, url, resp.StatusCode, want)
	}
	var out bytes.Buffer
	_, err = out.ReadFrom(resp.Body)
	return out.Bytes(), err
}
