package image

import (
	"encoding/base64"

	"github.com/intact-dev/intact/pkg/fact"
	"github.com/intact-dev/intact/pkg/ref"
)

// embedded verifies the data field of a descriptor. A client may use it in
// place of the content, so if it is other content the descriptor has two
// meanings. We never use it.
//
// https://github.com/opencontainers/image-spec/blob/v1.1.1/descriptor.md#embedded-content
func (p *manifestParser) embedded(d *ref.Descriptor, path, data string) {
	b, err := base64.StdEncoding.Strict().DecodeString(data)
	if err != nil {
		p.problem(fact.ProblemAmbiguous, "%s: the embedded data is not base64", path)
		return
	}
	switch {
	case d.Digest != "" && ref.DigestOf(b, d.Digest) != d.Digest:
		p.problem(fact.ProblemAmbiguous, "%s: the embedded data hashes to %s, the descriptor says %s", path, ref.DigestOf(b, d.Digest), d.Digest)
	case int64(len(b)) != d.Size:
		p.problem(fact.ProblemSize, "%s: the embedded data has %d bytes, the descriptor says %d", path, len(b), d.Size)
	}
}
