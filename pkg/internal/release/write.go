package release

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/layout"
)

// Write writes index to a new OCI image layout in the folder dir, under the name
// tag. A folder that is there is an error, so that no layout holds two images; one
// that could not be written whole is taken away.
//
// https://github.com/opencontainers/image-spec/blob/v1.1.1/image-layout.md
func Write(dir, tag string, index v1.ImageIndex) (v1.Hash, error) {
	digest, err := index.Digest()
	if err != nil {
		return v1.Hash{}, fmt.Errorf("write the image: %w", err)
	}
	if err := os.MkdirAll(filepath.Dir(dir), 0o755); err != nil {
		return v1.Hash{}, fmt.Errorf("write the image: %w", err)
	}
	if err := os.Mkdir(dir, 0o755); err != nil {
		return v1.Hash{}, fmt.Errorf("write the image: %w", err)
	}
	path, err := layout.Write(dir, empty.Index)
	if err == nil {
		err = path.AppendIndex(index, layout.WithAnnotations(map[string]string{"org.opencontainers.image.ref.name": tag}))
	}
	if err != nil {
		return v1.Hash{}, errors.Join(fmt.Errorf("write the image to %q: %w", dir, err), os.RemoveAll(dir))
	}
	return digest, nil
}
