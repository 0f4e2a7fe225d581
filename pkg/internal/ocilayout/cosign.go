package ocilayout

import "github.com/intact-dev/intact/pkg/ref"

// The annotation by which "cosign save" tells the image of a layout from its
// signatures and attestations; it writes no names.
//
// https://github.com/sigstore/cosign/blob/v2.6.5/pkg/oci/layout/index.go#L27
const (
	annotationKind   = "kind"
	kindImage        = "dev.cosignproject.cosign/image"
	kindIndex        = "dev.cosignproject.cosign/imageIndex"
	kindSignatures   = "dev.cosignproject.cosign/sigs"
	kindAttestations = "dev.cosignproject.cosign/atts"
)

// cosignKinds gives the entries that cosign wrote without a name the tag that
// they have in a registry: sha256-….sig, sha256-….att. cosign writes an image
// and then what belongs to it. The first of a kind counts, as for cosign.
func cosignKinds(entries []ref.Descriptor) map[string]ref.Descriptor {
	tags := map[string]ref.Descriptor{}
	prefix := ""
	for _, d := range entries {
		suffix := ""
		switch d.Annotations[annotationKind] {
		case kindImage, kindIndex:
			prefix = d.Digest.Algorithm() + "-" + d.Digest.Hex()
			continue
		case kindSignatures:
			suffix = ".sig"
		case kindAttestations:
			suffix = ".att"
		default:
			continue
		}
		if _, twice := tags[prefix+suffix]; prefix != "" && !twice {
			tags[prefix+suffix] = d
		}
	}
	return tags
}
