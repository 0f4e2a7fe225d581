package policy

import (
	"encoding/json"

	"github.com/intact-dev/intact/pkg/ref"
)

// canonicalFile is one file of a chain in the form that the digest is of.
// Comments, order of keys and layout do not count; the bytes of keys and roots
// do. Fields are only ever added, and left out where empty, so that the digest
// of a policy stays what it was.
type canonicalFile struct {
	Policy document          `json:"policy"`
	Files  map[string][]byte `json:"files,omitempty"`
}

type canonicalChain struct {
	Files    []canonicalFile `json:"files"`
	Override *canonicalFile  `json:"override,omitempty"`
}

// digestOf returns the digest of a chain; override is what the command line put
// in its place, or nil.
func digestOf(chain []*source, override *canonicalFile) (ref.Digest, error) {
	c := canonicalChain{Override: override}
	for i, src := range chain {
		f := canonicalFile{Policy: src.document, Files: src.digests}
		if i > 0 {
			// The parent as it was found: where its file lies does not matter.
			f.Policy.Extends = chain[i-1].Name
		}
		c.Files = append(c.Files, f)
	}
	b, err := json.Marshal(c)
	if err != nil {
		return "", err
	}
	return ref.DigestOf(b, ""), nil
}
