// Package verify turns the bytes of a signature into a fact: what it claims, and
// what of it was proved under which of the given keys and roots. It takes no
// reference and no network and asks for no requirement: whether a proof is
// enough is the policy's to say.
package verify

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/intact-dev/intact/pkg/fact"
	"github.com/intact-dev/intact/pkg/verify/bundle"
	"github.com/intact-dev/intact/pkg/verify/cosign"
	"github.com/intact-dev/intact/pkg/verify/internal/material"
)

// A Key is a public key: one PEM block "PUBLIC KEY" with ECDSA P-256, P-384 or
// P-521, Ed25519, or RSA of 2048 to 8192 bits. Its name stands in the facts.
type Key struct {
	Name string
	PEM  []byte
}

// A Root is a Sigstore trust root. Its name stands in the facts.
//
// https://github.com/sigstore/protobuf-specs/blob/v0.5.1/protos/sigstore_trustroot.proto
type Root struct {
	Name string
	JSON []byte // trusted_root.json
}

// A Trust is what signatures are verified under. The zero value verifies
// nothing: what is wrong under its own claim is still found.
type Trust struct {
	Keys  []Key
	Roots []Root
	// Predicates are the types of attestations whose predicate is kept.
	Predicates []string
}

// A Verifier is a Trust that was read. It may be used concurrently.
type Verifier struct {
	keys       []*material.Key
	roots      []*material.Root
	predicates []string
}

// A Subject is the manifest to which a signature is attached. Its bytes have
// been hashed to its digest.
type Subject = bundle.Subject

// New reads trust. A key or root that cannot be used, and two of one name, are
// errors.
func New(trust Trust) (*Verifier, error) {
	v := &Verifier{predicates: slices.Clone(trust.Predicates)}
	names := map[string]bool{}
	for _, k := range trust.Keys {
		key, err := material.ParseKey(k.Name, k.PEM)
		if err != nil {
			return nil, err
		}
		if names[k.Name] {
			return nil, fmt.Errorf("read key %q: another key has this name", k.Name)
		}
		names[k.Name] = true
		v.keys = append(v.keys, key)
	}
	clear(names)
	for _, r := range trust.Roots {
		root, err := material.ParseRoot(r.Name, r.JSON)
		if err != nil {
			return nil, err
		}
		if names[r.Name] {
			return nil, fmt.Errorf("read trust root %q: another root has this name", r.Name)
		}
		names[r.Name] = true
		v.roots = append(v.roots, root)
	}
	return v, nil
}

// SimpleSigning verifies a layer of a cosign .sig manifest: its bytes, and its
// annotations as in the manifest.
func (v *Verifier) SimpleSigning(ctx context.Context, payload []byte, annotations map[string]string) (out fact.Signature) {
	defer guard(&out, fact.KindSignature)
	return cosign.Signature(ctx, payload, annotations, cosign.Trust{Keys: v.keys, Roots: v.roots, Predicates: v.predicates})
}

// Envelope verifies a layer of a cosign .att manifest: a DSSE envelope, and its
// annotations as in the manifest.
func (v *Verifier) Envelope(ctx context.Context, envelope []byte, annotations map[string]string) (out fact.Signature) {
	defer guard(&out, fact.KindAttestation)
	return cosign.Attestation(ctx, envelope, annotations, cosign.Trust{Keys: v.keys, Roots: v.roots, Predicates: v.predicates})
}

// Bundle verifies a Sigstore bundle in JSON.
func (v *Verifier) Bundle(text []byte, subject Subject) (out fact.Signature) {
	defer guard(&out, fact.KindSignature)
	return bundle.Verify(text, subject, bundle.Trust{Keys: v.keys, Roots: v.roots, Predicates: v.predicates})
}

// Unsupported is the fact of a signature in a form that is not read.
func Unsupported(kind fact.SignatureKind, why string) fact.Signature {
	return fact.Signature{Kind: kind, State: fact.SignatureUnsupported, Why: why}
}

// Broken is the fact of a signature of which the bytes are not what the
// manifest says.
func Broken(kind fact.SignatureKind, why string) fact.Signature {
	return material.Fail(fact.Signature{Kind: kind}, errors.New(why))
}

// guard keeps a fault of a library over hostile bytes from ending the program.
// Such bytes are no proof.
func guard(out *fact.Signature, kind fact.SignatureKind) {
	if r := recover(); r != nil {
		*out = Broken(kind, fmt.Sprintf("it cannot be read: %v", r))
	}
}
