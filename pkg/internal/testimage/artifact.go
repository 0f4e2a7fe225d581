package testimage

import (
	"crypto/ed25519"
	"encoding/base64"
	"encoding/json"

	"github.com/intact-dev/intact/pkg/ref"
)

// Artifact builds a manifest of type artifactType that refers to subject and
// carries blobs, as OCI 1.1 wants it.
//
// https://github.com/opencontainers/image-spec/blob/v1.1.1/manifest.md#guidelines-for-artifact-usage
func Artifact(artifactType string, subject ref.Descriptor, blobs ...Object) (*Built, error) {
	b := &Built{}
	config := content(TypeEmpty, []byte("{}"))
	b.addBlob(config)
	layers := []any{}
	for _, o := range blobs {
		b.addBlob(o)
		layers = append(layers, descriptorFields(o.Descriptor))
	}
	return b.single(object{
		"schemaVersion": 2, "mediaType": TypeManifest, "artifactType": artifactType,
		"config": descriptorFields(config.Descriptor), "layers": layers,
		"subject": descriptorFields(ref.Descriptor{MediaType: subject.MediaType, Digest: subject.Digest, Size: subject.Size}),
	})
}

// Blob describes b as content of a media type.
func Blob(mediaType string, b []byte) Object { return content(mediaType, b) }

func (b *Built) single(manifest object) (*Built, error) {
	root, err := document(TypeManifest, manifest, nil, "")
	if err != nil {
		return nil, err
	}
	b.Root, b.Manifests = root, []Object{root}
	return b, nil
}

// What cosign stores a signature as, in the image at tag sha256-….sig.
//
// https://github.com/sigstore/cosign/blob/v2.6.5/specs/SIGNATURE_SPEC.md
const (
	typeSimpleSigning   = "application/vnd.dev.cosign.simplesigning.v1+json"
	annotationSignature = "dev.cosignproject.cosign/signature"
	cosignType          = "cosign container image signature"
)

// SigTag is the tag at which cosign looks for the signatures of d.
func SigTag(d ref.Digest) string { return d.Algorithm() + "-" + d.Hex() + ".sig" }

type simpleSigning struct {
	Critical struct {
		Identity struct {
			DockerReference string `json:"docker-reference"`
		} `json:"identity"`
		Image struct {
			DockerManifestDigest ref.Digest `json:"docker-manifest-digest"`
		} `json:"image"`
		Type string `json:"type"`
	} `json:"critical"`
	Optional map[string]any `json:"optional"`
}

// CosignSignature signs subject under the name repository with key, as
// "cosign sign --key" does it without a transparency log, and builds the
// manifest for the tag [SigTag]. Ed25519 makes it deterministic.
func CosignSignature(key ed25519.PrivateKey, repository string, subject ref.Digest) (*Built, error) {
	var p simpleSigning
	p.Critical.Identity.DockerReference = repository
	p.Critical.Image.DockerManifestDigest = subject
	p.Critical.Type = cosignType
	payload, err := json.Marshal(p)
	if err != nil {
		return nil, err
	}
	o := content(typeSimpleSigning, payload)
	o.Descriptor.Annotations = map[string]string{
		annotationSignature: base64.StdEncoding.EncodeToString(ed25519.Sign(key, payload)),
	}
	// The config is that of an image that go-containerregistry builds from nothing.
	const never = "0001-01-01T00:00:00Z"
	b := &Built{}
	config, err := document(TypeConfig, object{
		"architecture": "", "os": "", "created": never, "config": object{},
		"history": []any{object{"created": never}},
		"rootfs":  object{"type": "layers", "diff_ids": []ref.Digest{o.Descriptor.Digest}},
	}, nil, "")
	if err != nil {
		return nil, err
	}
	b.addBlob(config)
	b.addBlob(o)
	return b.single(object{
		"schemaVersion": 2, "mediaType": TypeManifest,
		"config": descriptorFields(config.Descriptor), "layers": []any{descriptorFields(o.Descriptor)},
	})
}
