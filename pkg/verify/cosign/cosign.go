// Package cosign verifies signatures and attestations in the form in which
// cosign 1 and 2 store them: a layer of a .sig or .att manifest with its
// signature, certificate, log entry and timestamp in annotations.
//
// https://github.com/sigstore/cosign/blob/v2.6.5/specs/SIGNATURE_SPEC.md
package cosign

import (
	"context"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"fmt"

	gcrv1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/sigstore/cosign/v2/pkg/cosign"
	"github.com/sigstore/cosign/v2/pkg/oci"
	"github.com/sigstore/cosign/v2/pkg/oci/static"
	"github.com/sigstore/sigstore-go/pkg/tlog"

	"github.com/intact-dev/intact/pkg/fact"
	"github.com/intact-dev/intact/pkg/verify/internal/material"
)

// A Trust is what signatures are verified under.
type Trust struct {
	Keys       []*material.Key
	Roots      []*material.Root
	Predicates []string
}

// Signature verifies a layer of a .sig manifest.
func Signature(ctx context.Context, payload []byte, annotations map[string]string, trust Trust) fact.Signature {
	out := fact.Signature{Kind: fact.KindSignature}
	o, err := readAnnotations(annotations)
	if err == nil {
		err = o.readSimple(payload, annotations, &out)
	}
	return o.finish(ctx, out, err, trust)
}

// Attestation verifies a layer of an .att manifest.
func Attestation(ctx context.Context, envelope []byte, annotations map[string]string, trust Trust) fact.Signature {
	out := fact.Signature{Kind: fact.KindAttestation}
	o, err := readAnnotations(annotations)
	if err == nil {
		err = o.readEnvelope(envelope, trust.Predicates, &out)
	}
	return o.finish(ctx, out, err, trust)
}

// An object is one signed object, taken apart.
type object struct {
	payload     []byte // as cosign verifies it: for an attestation the envelope
	signature   []byte
	base64      string // "" for an attestation
	message     []byte // over which the signature is
	payloadHash []byte // of the statement; nil for a simple signature

	certificate *x509.Certificate
	chain       []byte
	certPEM     []byte
	log         *logBundle
	entry       *tlog.Entry
	stamp       []byte
}

// finish turns what was read, or why it could not be, into the fact.
func (o *object) finish(ctx context.Context, out fact.Signature, err error, trust Trust) fact.Signature {
	if o != nil && o.certificate != nil {
		out.ClaimedSigner, _ = material.IdentityOf(o.certificate)
	}
	if err == nil {
		err = o.checkOwnClaim()
	}
	if err != nil {
		return material.Fail(out, err)
	}
	proofs, reasons, err := o.prove(ctx, trust)
	return material.Judge(out, proofs, reasons, err)
}

// checkOwnClaim finds what is wrong whatever one trusts.
func (o *object) checkOwnClaim() error {
	if o.certificate != nil {
		if err := material.CheckSignature(o.certificate.PublicKey, o.signature, o.message); err != nil {
			return fmt.Errorf("the embedded certificate's key does not verify the signature: %w", err)
		}
	}
	if o.entry != nil {
		content := sha256.Sum256(o.payload)
		return material.Agree(o.entry, o.signature, o.certificate, content[:], o.payloadHash)
	}
	return nil
}

// prove returns what was proved, and why the rest was not. The error says that
// nothing was, and that the signature contradicts itself.
func (o *object) prove(ctx context.Context, trust Trust) (proofs []fact.Proof, reasons []string, err error) {
	var contradiction *material.ContradictionError
	for _, key := range trust.Keys {
		found, err := o.proveKey(ctx, key, trust.Roots)
		if err != nil && !errors.As(err, &contradiction) {
			reasons = append(reasons, err.Error())
		}
		proofs = append(proofs, found...)
	}
	switch {
	case o.certificate == nil:
		reasons = append(reasons, material.UnderKeys(len(trust.Keys)))
	case len(trust.Roots) == 0:
		reasons = append(reasons, "it is keyless and no trust root was given")
	default:
		for _, root := range trust.Roots {
			proof, err := o.proveRoot(ctx, root)
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

// static returns the object as cosign wants it. Only evidence that was found
// good is handed on: cosign reads the current time where it has no other, and
// ends the program over some timestamps that do not verify.
func (o *object) static(withCertificate, withLog, withStamp bool) (oci.Signature, error) {
	var options []static.Option
	if withCertificate && o.certPEM != nil {
		options = append(options, static.WithCertChain(o.certPEM, o.chain))
	}
	if withLog {
		options = append(options, static.WithBundle(o.log.rekor()))
	}
	if withStamp {
		options = append(options, static.WithRFC3161Timestamp(rfc3161(o.stamp)))
	}
	return static.NewSignature(o.payload, o.base64, options...)
}

// verify asks cosign. It makes no request: Offline is set and there is no client.
func (o *object) verify(ctx context.Context, sig oci.Signature, options *cosign.CheckOpts) error {
	options.Offline = true
	verifyOne := cosign.VerifyImageSignature
	if o.base64 == "" {
		// What VerifyImageAttestation does for each, without its own goroutines,
		// in which a panic could not be caught.
		verifyOne = func(ctx context.Context, sig oci.Signature, h gcrv1.Hash, co *cosign.CheckOpts) (bool, error) {
			return cosign.VerifyBlobAttestation(ctx, sig, h, co)
		}
	}
	// The hash is for the ClaimVerifier, which is not set: what the payload claims
	// is compared by others, so that a signature of another image is told from a
	// bad one.
	_, err := verifyOne(ctx, sig, gcrv1.Hash{}, options)
	return err
}

func decodeBase64(s string) ([]byte, error) {
	b, err := base64.StdEncoding.DecodeString(s)
	if err != nil {
		return nil, fmt.Errorf("is no base64: %w", err)
	}
	if len(b) == 0 {
		return nil, errors.New("is empty")
	}
	return b, nil
}
