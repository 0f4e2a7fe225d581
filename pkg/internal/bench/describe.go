package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/klauspost/compress/gzip"
)

// describe says how big the only image of an OCI layout is.
func describe(layout string) (string, error) {
	var index, manifest struct {
		Manifests []struct{ Digest string }
		Layers    []struct {
			Digest string
			Size   int64
		}
	}
	if err := readJSON(filepath.Join(layout, "index.json"), &index); err != nil {
		return "", err
	}
	if len(index.Manifests) != 1 {
		return "", fmt.Errorf("describe %q: %d images, want one", layout, len(index.Manifests))
	}
	if err := readJSON(blob(layout, index.Manifests[0].Digest), &manifest); err != nil {
		return "", err
	}
	var stored, expanded int64
	for _, l := range manifest.Layers {
		n, err := expandedSize(blob(layout, l.Digest))
		if err != nil {
			return "", err
		}
		stored += l.Size
		expanded += n
	}
	return fmt.Sprintf("image of %d layers, %.0f MB expanded, %.0f MB stored; registry on loopback",
		len(manifest.Layers), float64(expanded)/1e6, float64(stored)/1e6), nil
}

func blob(layout, digest string) string {
	return filepath.Join(layout, "blobs", strings.ReplaceAll(digest, ":", string(filepath.Separator)))
}

func readJSON(name string, v any) error {
	b, err := os.ReadFile(name)
	if err != nil {
		return err
	}
	if err := json.Unmarshal(b, v); err != nil {
		return fmt.Errorf("read %q: %w", name, err)
	}
	return nil
}

func expandedSize(name string) (int64, error) {
	f, err := os.Open(name)
	if err != nil {
		return 0, err
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		return 0, fmt.Errorf("expand %q: %w", name, err)
	}
	return io.Copy(io.Discard, z)
}
