package cosign

import (
	"context"
	"fmt"
	"time"

	"github.com/sigstore/cosign/v2/pkg/cosign"
	"github.com/sigstore/sigstore/pkg/signature"

	"github.com/intact-dev/intact/pkg/fact"
	"github.com/intact-dev/intact/pkg/verify/internal/material"
)

// proveKey returns a proof per root that adds evidence to what key proves, or
// one without a root; none if key does not verify the signature. A log entry that
// holds under no root is an error.
func (o *object) proveKey(ctx context.Context, key *material.Key, roots []*material.Root) ([]fact.Proof, error) {
	verifier := o.keyVerifier(ctx, key)
	if verifier == nil {
		return nil, nil
	}
	var proofs []fact.Proof
	var bad error
	for _, root := range roots {
		logs, err := o.checkLog(root, verifier)
		if err != nil {
			bad = err
			continue
		}
		times := o.checkStamp(root)
		if len(logs)+len(times) > 0 {
			proofs = append(proofs, fact.Proof{Key: key.Name, Root: root.Name, Logs: logs, Times: times})
		}
	}
	if len(proofs) == 0 && bad != nil {
		return nil, bad
	}
	if len(proofs) == 0 {
		proofs = []fact.Proof{{Key: key.Name}}
	}
	return proofs, nil
}

// keyVerifier returns the way in which key verifies the signature, nil if none.
// The certificate is left out: the user's key decides here, nothing else.
func (o *object) keyVerifier(ctx context.Context, key *material.Key) signature.Verifier {
	sig, err := o.static(false, false, false)
	if err != nil {
		return nil
	}
	for _, v := range key.Verifiers {
		if o.verify(ctx, sig, &cosign.CheckOpts{SigVerifier: v, IgnoreTlog: true}) == nil {
			return v
		}
	}
	return nil
}

// checkLog returns the log that promised to hold the entry, none if root does
// not know it. The key is that of the user, nil for a certificate. A log that is
// known and did not sign this entry is a contradiction.
func (o *object) checkLog(root *material.Root, key signature.Verifier) ([]fact.Witness, error) {
	if o.log == nil {
		return nil, nil
	}
	log, ok := root.Log(o.entry.LogKeyID())
	if !ok {
		return nil, nil
	}
	sig, err := o.static(true, true, false)
	if err != nil {
		return nil, err
	}
	_, err = cosign.VerifyBundle(sig, &cosign.CheckOpts{TrustedMaterial: root.Trusted, SigVerifier: key, Offline: true})
	if err != nil {
		return nil, &material.ContradictionError{Err: fmt.Errorf("the log entry does not hold: %w", err)}
	}
	return []fact.Witness{{ID: material.Fingerprint(log.PublicKey), At: o.entry.IntegratedTime().UTC()}}, nil
}

// checkStamp returns the authority that stamped the signature; for an
// attestation cosign stamps the envelope.
func (o *object) checkStamp(root *material.Root) []fact.Witness {
	if o.stamp == nil {
		return nil
	}
	stamped := o.signature
	if o.base64 == "" {
		stamped = o.payload
	}
	return root.Timestamps([][]byte{o.stamp}, stamped)
}

// proveRoot verifies the signature by its certificate, under root, at each time
// that a log or an authority proved.
func (o *object) proveRoot(ctx context.Context, root *material.Root) (*fact.Proof, error) {
	logs, err := o.checkLog(root, nil)
	if err != nil {
		return nil, err
	}
	stamps := o.checkStamp(root)
	var times []time.Time
	for _, w := range append(logs[:len(logs):len(logs)], stamps...) {
		if !w.At.IsZero() {
			times = append(times, w.At)
		}
	}
	if len(times) == 0 {
		return nil, fmt.Errorf("no log or timestamp authority of root %q proves when it was signed", root.Name)
	}
	if err := root.CheckChain(o.certificate, times); err != nil {
		return nil, err
	}
	sig, err := o.static(true, len(logs) > 0, len(stamps) > 0)
	if err != nil {
		return nil, err
	}
	identity, err := material.IdentityOf(o.certificate)
	if err != nil {
		return nil, err
	}
	proof := &fact.Proof{Root: root.Name, Identity: identity, Logs: logs, Times: stamps, SCT: true}
	options := cosign.CheckOpts{
		TrustedMaterial:     root.Trusted,
		IgnoreTlog:          len(logs) == 0,
		UseSignedTimestamps: len(stamps) > 0,
	}
	withSCT := options
	if o.verify(ctx, sig, &withSCT) == nil {
		return proof, nil
	}
	options.IgnoreSCT = true
	if err := o.verify(ctx, sig, &options); err != nil {
		return nil, fmt.Errorf("not verified under root %q: %w", root.Name, err)
	}
	proof.SCT = false
	return proof, nil
}
