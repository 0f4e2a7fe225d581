// Package bundle verifies Sigstore bundles, versions 0.1 to 0.3: a signature
// over a manifest, or an in-toto statement about it.
//
// https://github.com/sigstore/protobuf-specs/blob/v0.5.1/protos/sigstore_bundle.proto
package bundle

import (
	"crypto/x509"
	"errors"
	"fmt"

	"github.com/sigstore/sigstore-go/pkg/bundle"
	"github.com/sigstore/sigstore-go/pkg/tlog"
	"github.com/sigstore/sigstore-go/pkg/verify"

	"github.com/intact-dev/intact/pkg/fact"
	"github.com/intact-dev/intact/pkg/ref"
	"github.com/intact-dev/intact/pkg/verify/internal/material"
)

// A Trust is what bundles are verified under.
type Trust struct {
	Keys       []*material.Key
	Roots      []*material.Root
	Predicates []string
}

// A Subject is the manifest that a bundle is attached to. Its bytes have been
// hashed.
type Subject struct {
	Digest ref.Digest
	Bytes  []byte
}

// Verify verifies the JSON form of a bundle.
func Verify(text []byte, subject Subject, trust Trust) fact.Signature {
	out := fact.Signature{Kind: fact.KindSignature}
	o, err := read(text)
	if err == nil {
		err = o.readContent(subject, trust.Predicates, &out)
	}
	if o != nil && o.certificate != nil {
		out.ClaimedSigner, _ = material.IdentityOf(o.certificate)
	}
	if err == nil {
		err = o.checkOwnClaim()
	}
	if err != nil {
		return material.Fail(out, err)
	}
	proofs, reasons, err := o.prove(trust)
	return material.Judge(out, proofs, reasons, err)
}

// An object is one bundle, taken apart.
type object struct {
	*bundle.Bundle
	content     content
	signature   []byte
	certificate *x509.Certificate
	entries     []*tlog.Entry
	stamps      [][]byte
}

func read(text []byte) (*object, error) {
	parsed := &bundle.Bundle{}
	err := parsed.UnmarshalJSON(text)
	if err != nil {
		if errors.Is(err, bundle.ErrUnsupportedMediaType) {
			return nil, fmt.Errorf("bundles of this version are %w: %w", material.ErrUnsupported, err)
		}
		return nil, fmt.Errorf("it is no valid bundle: %w", err)
	}
	o := &object{Bundle: parsed}
	holder, err := parsed.VerificationContent()
	if err != nil {
		return nil, fmt.Errorf("it is no valid bundle: %w", err)
	}
	if cert := holder.Certificate(); cert != nil {
		if o.certificate, err = material.ParseCertificate(cert.Raw); err != nil {
			return nil, fmt.Errorf("the certificate: %w", err)
		}
	}
	if o.entries, err = parsed.TlogEntries(); err != nil {
		return o, fmt.Errorf("a log entry cannot be read: %w", err)
	}
	if o.stamps, err = parsed.Timestamps(); err != nil {
		return o, fmt.Errorf("a timestamp cannot be read: %w", err)
	}
	return o, nil
}

// checkOwnClaim finds what is wrong whatever one trusts.
func (o *object) checkOwnClaim() error {
	if o.certificate != nil {
		if err := o.content.check(o.certificate.PublicKey, o.signature); err != nil {
			return fmt.Errorf("the embedded certificate's key does not verify the signature: %w", err)
		}
	}
	for _, entry := range o.entries {
		if err := material.Agree(entry, o.signature, o.certificate, o.content.digest, o.content.payloadHash); err != nil {
			return err
		}
	}
	return nil
}

// prove returns what was proved, and why the rest was not. The error says that
// nothing was, and that the bundle contradicts itself.
func (o *object) prove(trust Trust) (proofs []fact.Proof, reasons []string, err error) {
	var contradiction *material.ContradictionError
	switch {
	case o.certificate == nil:
		for _, key := range trust.Keys {
			found, err := o.proveKey(key, trust.Roots)
			if err != nil && !errors.As(err, &contradiction) {
				reasons = append(reasons, err.Error())
			}
			proofs = append(proofs, found...)
		}
		reasons = append(reasons, material.UnderKeys(len(trust.Keys)))
	case len(trust.Roots) == 0:
		reasons = append(reasons, "it is keyless and no trust root was given")
	default:
		// A bundle holds a certificate or names a key, never both; a key that was
		// given does not speak for a certificate.
		for _, root := range trust.Roots {
			proof, err := o.proveRoot(root)
			switch {
			case err == nil:
				proofs = append(proofs, *proof)
			case !errors.As(err, &contradiction):
				reasons = append(reasons, err.Error())
			}
		}
	}
	// Roots may differ in how long they hold a log for valid: one under which the
	// entry holds is enough.
	if len(proofs) == 0 && contradiction != nil {
		return nil, nil, contradiction
	}
	return proofs, reasons, nil
}

// oneEntry is the bundle with one of its log entries, so that each is verified
// by itself.
type oneEntry struct {
	*bundle.Bundle
	entry *tlog.Entry
}

// TlogEntries returns the one entry.
func (o oneEntry) TlogEntries() ([]*tlog.Entry, error) { return []*tlog.Entry{o.entry}, nil }

var _ verify.SignedEntity = oneEntry{}
