package image

import (
	"slices"
	"strings"

	"github.com/intact-dev/intact/pkg/fact"
	"github.com/intact-dev/intact/pkg/ref"
)

// Media types of manifests.
const (
	TypeOCIManifest    = "application/vnd.oci.image.manifest.v1+json"
	TypeOCIIndex       = "application/vnd.oci.image.index.v1+json"
	TypeDockerManifest = "application/vnd.docker.distribution.manifest.v2+json"
	TypeDockerList     = "application/vnd.docker.distribution.manifest.list.v2+json"
	typeDockerSchema1  = "application/vnd.docker.distribution.manifest.v1+json"
	typeDockerSigned1  = "application/vnd.docker.distribution.manifest.v1+prettyjws"
)

// Media types of configs and of what is stored in place of one.
const (
	typeOCIConfig    = "application/vnd.oci.image.config.v1+json"
	typeDockerConfig = "application/vnd.docker.container.image.v1+json"
	typeOCIEmpty     = "application/vnd.oci.empty.v1+json"
	typeInToto       = "application/vnd.in-toto+json"
	typeDSSE         = "application/vnd.dsse.envelope.v1+json"
)

// ManifestTypes are all the types to ask a registry for: with fewer, some
// registries convert the manifest or answer 404.
func ManifestTypes() []string {
	return []string{TypeOCIIndex, TypeOCIManifest, TypeDockerList, TypeDockerManifest}
}

func isIndexType(t string) bool    { return t == TypeOCIIndex || t == TypeDockerList }
func isManifestType(t string) bool { return t == TypeOCIManifest || t == TypeDockerManifest }
func isSchema1Type(t string) bool {
	return t == typeDockerSchema1 || t == typeDockerSigned1
}

// isImageConfigType reports the types that say image config, parameters and case
// aside.
func isImageConfigType(t string) bool {
	t = baseType(t)
	return t == typeOCIConfig || t == typeDockerConfig
}

// isConfigType reports whether some runtime takes a config of type t for an
// image's. Docker runs those that registries once mislabelled.
//
// https://github.com/moby/moby/blob/v28.0.0/distribution/registry.go#L26
func isConfigType(t string) bool {
	switch strings.ToLower(t) {
	case typeOCIConfig, typeDockerConfig, "", "application/octet-stream", "application/json", "text/html":
		return true
	}
	return false
}

// mayBeLayer reports whether some runtime takes a blob of type t under an image's
// config for a layer. Docker goes by the beginning of the type alone.
//
// https://github.com/moby/moby/blob/v28.0.0/distribution/pull_v2.go
func mayBeLayer(t string) bool {
	t = strings.ToLower(t)
	return t == "" || strings.Contains(t, "octet-stream") ||
		strings.HasPrefix(t, "application/vnd.oci.image.") || strings.HasPrefix(t, "application/vnd.docker.")
}

// MayRun reports whether some runtime takes the manifest or index raw for an image
// with content, whatever else it says that it is. cosign's signatures have an
// image's config, and no layers of one.
func MayRun(raw []byte) bool {
	m, class, _ := ParseManifest(raw)
	switch {
	case m == nil:
		return false
	case m.isIndex():
		return true
	}
	return class == fact.ClassImage && slices.ContainsFunc(m.Layers, func(d ref.Descriptor) bool { return mayBeLayer(d.MediaType) })
}

// baseType drops the parameters of a Content-Type.
func baseType(t string) string {
	t, _, _ = strings.Cut(t, ";")
	return strings.ToLower(strings.TrimSpace(t))
}

// IsLayerType reports whether a runtime reads a layer of type t as tar.
//
// https://github.com/opencontainers/image-spec/blob/v1.1.1/layer.md
func IsLayerType(t string) bool {
	t, _, _ = strings.Cut(t, "+encrypted")
	switch {
	case strings.HasPrefix(t, "application/vnd.oci.image.layer."):
		return strings.Contains(t, ".tar")
	case strings.HasPrefix(t, "application/vnd.docker.image.rootfs."):
		return strings.Contains(t, ".tar")
	}
	return false
}

// IsForeignType reports a layer type that registries need not hold.
func IsForeignType(t string) bool {
	return strings.Contains(t, ".nondistributable.") || strings.Contains(t, ".foreign.")
}
