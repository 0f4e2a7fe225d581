// Package release builds the container image of intact, without a container
// engine: the same input makes the same bytes, whoever builds it and whenever.
// The compressor is Go's own, so the version of Go, which go.mod names, belongs
// to the input.
package release

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

// ID is the user and group that the image runs as. It owns nothing there.
const ID = 65532

// Program is where the program is in the image.
const Program = "/intact"

// An Image says what the image is made of.
type Image struct {
	// Programs are static ELF executables for Linux, by architecture in the words of
	// Go: "amd64".
	Programs map[string]io.ReaderAt
	// Certificates are the roots that TLS servers are verified by, as PEM. An image
	// from scratch has none of its own.
	Certificates []byte

	Version  string    // without "v"
	Revision string    // the commit
	Source   string    // where that is
	Created  time.Time // the commit's; no file is newer or older
}

// Index builds the images of all platforms, in the order of their names.
func (i Image) Index() (v1.ImageIndex, error) {
	if len(i.Programs) == 0 {
		return nil, fmt.Errorf("build the image: there is no program")
	}
	ground, err := i.ground()
	if err != nil {
		return nil, err
	}
	index := mutate.IndexMediaType(empty.Index, types.OCIImageIndex)
	for _, arch := range slices.Sorted(maps.Keys(i.Programs)) {
		image, err := i.platform(arch, ground)
		if err != nil {
			return nil, fmt.Errorf("build the image for linux/%s: %w", arch, err)
		}
		index = mutate.AppendManifests(index, mutate.IndexAddendum{
			Add:        image,
			Descriptor: v1.Descriptor{Platform: &v1.Platform{OS: "linux", Architecture: arch}},
		})
	}
	annotated, ok := mutate.Annotations(index, i.annotations()).(v1.ImageIndex)
	if !ok {
		return nil, fmt.Errorf("build the image: an index with annotations is no index")
	}
	return annotated, nil
}

func (i Image) platform(arch string, ground v1.Layer) (v1.Image, error) {
	program, err := i.program(arch)
	if err != nil {
		return nil, err
	}
	created := v1.Time{Time: i.Created.UTC()}
	history := func(by string) v1.History { return v1.History{Created: created, CreatedBy: by} }
	image := mutate.ConfigMediaType(mutate.MediaType(empty.Image, types.OCIManifestSchema1), types.OCIConfigJSON)
	image, err = mutate.Append(image,
		mutate.Addendum{Layer: ground, History: history("COPY etc /etc")},
		mutate.Addendum{Layer: program, History: history("COPY --chmod=555 intact " + Program)})
	if err != nil {
		return nil, err
	}
	config, err := image.ConfigFile()
	if err != nil {
		return nil, err
	}
	config = config.DeepCopy()
	config.Created, config.OS, config.Architecture = created, "linux", arch
	// Both by number: Kubernetes takes no name for one that is not root.
	config.Config = v1.Config{
		User:       strconv.Itoa(ID) + ":" + strconv.Itoa(ID),
		Entrypoint: []string{Program},
		WorkingDir: "/",
		Labels:     i.annotations(),
	}
	if image, err = mutate.ConfigFile(image, config); err != nil {
		return nil, err
	}
	annotated, ok := mutate.Annotations(image, i.annotations()).(v1.Image)
	if !ok {
		return nil, fmt.Errorf("an image with annotations is no image")
	}
	return annotated, nil
}

// annotations are those of the image specification, as labels too.
//
// https://github.com/opencontainers/image-spec/blob/v1.1.1/annotations.md
func (i Image) annotations() map[string]string {
	out := map[string]string{}
	for key, v := range map[string]string{
		"title":       "intact",
		"description": "Container image immutability scanner",
		"licenses":    "Apache-2.0",
		"version":     i.Version,
		"revision":    i.Revision,
		"source":      i.Source,
		"created":     i.Created.UTC().Format(time.RFC3339),
	} {
		if v != "" {
			out["org.opencontainers.image."+key] = v
		}
	}
	return out
}
