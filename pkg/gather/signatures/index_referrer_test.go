package signatures_test

import (
	"fmt"
	"testing"

	"github.com/intact-dev/intact/pkg/fact"
	"github.com/intact-dev/intact/pkg/gather/signatures"
	"github.com/intact-dev/intact/pkg/ref"
)

// An index may refer to an image. It bears no signature, so none is broken; said to
// be one, it is none.
//
// https://github.com/opencontainers/image-spec/blob/v1.1.1/image-index.md
func TestAnIndexAmongTheReferrersIsNoBrokenSignature(t *testing.T) {
	t.Parallel()
	const mediaType = "application/vnd.oci.image.index.v1+json"
	for name, c := range map[string]struct {
		of            ref.Digest
		other, unread int
	}{
		"of the image":   {subject.Digest, 1, 0},
		"of another one": {ref.DigestOf([]byte("another"), ""), 0, 1},
	} {
		s := newStore()
		b := fmt.Appendf(nil, `{"schemaVersion":2,"mediaType":%q,"artifactType":%q,"manifests":[],"subject":{"mediaType":%q,"digest":%q,"size":%d}}`,
			mediaType, typeManifest, typeManifest, c.of, len(manifest))
		d := ref.DigestOf(b, "")
		s.manifests[string(d)] = b
		s.referrers = append(s.referrers, ref.Descriptor{MediaType: mediaType, Digest: d, Size: int64(len(b)), ArtifactType: "application/vnd.dev.sigstore.bundle.v0.3+json"})
		listings, found := gather(t, s, signatures.Options{})
		if len(found) != 0 {
			t.Errorf("%s: signatures %+v", name, found)
		}
		for _, l := range listings {
			if l.State != fact.Known {
				t.Errorf("%s: %+v", name, l)
			} else if l.V.Form == fact.FormReferrers && (l.V.Found != 0 || l.V.Other != c.other || len(l.V.Unread) != c.unread) {
				t.Errorf("%s: %+v", name, l.V)
			}
		}
	}
}
