package bundle

import (
	"fmt"
	"time"

	"github.com/sigstore/sigstore-go/pkg/root"
	"github.com/sigstore/sigstore-go/pkg/verify"
	"github.com/sigstore/sigstore/pkg/signature"

	"github.com/intact-dev/intact/pkg/fact"
	"github.com/intact-dev/intact/pkg/verify/internal/material"
)

// keyed is a root, or none, with the one key that the user trusts: whatever
// hint the bundle gives, no other is found.
type keyed struct {
	root.TrustedMaterial
	key root.TimeConstrainedVerifier
}

// PublicKeyVerifier returns the key.
func (k keyed) PublicKeyVerifier(string) (root.TimeConstrainedVerifier, error) { return k.key, nil }

func withKey(material root.TrustedMaterial, v signature.Verifier) keyed {
	return keyed{material, root.NewExpiringKey(v, time.Time{}, time.Time{})}
}

// proveKey returns a proof per root that adds evidence to what key proves, or
// one without a root; none if key does not verify the signature. A log entry that
// holds under no root is an error.
func (o *object) proveKey(key *material.Key, roots []*material.Root) ([]fact.Proof, error) {
	verifier := o.keyVerifier(key)
	if verifier == nil {
		return nil, nil
	}
	var proofs []fact.Proof
	var bad error
	for _, r := range roots {
		trusted := withKey(r.Trusted, verifier)
		logs, _, err := o.checkLogs(r, trusted)
		if err == nil && len(logs) > 0 {
			// All entries together, as they came.
			if err = o.verify(trusted, verify.WithKey(), verify.WithNoObserverTimestamps(), verify.WithTransparencyLog(1)); err != nil {
				err = &material.ContradictionError{Err: err}
			}
		}
		if err != nil {
			bad = err
			continue
		}
		stamps := r.Timestamps(o.stamps, o.signature)
		if len(logs)+len(stamps) > 0 {
			proofs = append(proofs, fact.Proof{Key: key.Name, Root: r.Name, Logs: logs, Times: stamps})
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
func (o *object) keyVerifier(key *material.Key) signature.Verifier {
	for _, v := range key.Verifiers {
		if o.content.message == nil && !material.TakesDigest(v) {
			continue
		}
		trusted := withKey(&root.BaseTrustedMaterial{}, v)
		if o.verify(trusted, verify.WithKey(), verify.WithNoObserverTimestamps()) == nil {
			return v
		}
	}
	return nil
}

// checkLogs verifies each entry by itself. It returns the logs of r, each once,
// and all times that they proved. An entry of a log that r knows and that does
// not hold is a contradiction.
func (o *object) checkLogs(r *material.Root, trusted root.TrustedMaterial) ([]fact.Witness, []time.Time, error) {
	var logs []fact.Witness
	var times []time.Time
	for _, entry := range o.entries {
		log, ok := r.Log(entry.LogKeyID())
		if !ok {
			continue
		}
		if _, err := verify.VerifyTlogEntry(oneEntry{o.Bundle, entry}, trusted, 1, true); err != nil {
			return nil, nil, &material.ContradictionError{Err: fmt.Errorf("a log entry does not hold: %w", err)}
		}
		w := fact.Witness{ID: material.Fingerprint(log.PublicKey)}
		// The time is signed in the promise only; a proof of inclusion has none.
		if entry.HasInclusionPromise() && !entry.IntegratedTime().IsZero() {
			w.At = entry.IntegratedTime().UTC()
			times = append(times, w.At)
		}
		logs = material.AddWitness(logs, w)
	}
	return logs, times, nil
}

// proveRoot verifies the bundle by its certificate, under r, at each time that a
// log or an authority proved.
func (o *object) proveRoot(r *material.Root) (*fact.Proof, error) {
	logs, times, err := o.checkLogs(r, r.Trusted)
	if err != nil {
		return nil, err
	}
	stamps := r.Timestamps(o.stamps, o.signature)
	for _, w := range stamps {
		times = append(times, w.At)
	}
	if len(times) == 0 {
		return nil, fmt.Errorf("no log or timestamp authority of root %q proves when it was signed", r.Name)
	}
	if err := r.CheckChain(o.certificate, times); err != nil {
		return nil, err
	}
	identity, err := material.IdentityOf(o.certificate)
	if err != nil {
		return nil, err
	}
	options := []verify.VerifierOption{verify.WithObserverTimestamps(1)}
	if len(logs) > 0 {
		options = append(options, verify.WithTransparencyLog(1))
	}
	proof := &fact.Proof{Root: r.Name, Identity: identity, Logs: logs, Times: stamps, SCT: true}
	sct := append(options[:len(options):len(options)], verify.WithSignedCertificateTimestamps(1))
	if o.verify(r.Trusted, verify.WithoutIdentitiesUnsafe(), sct...) == nil {
		return proof, nil
	}
	if err := o.verify(r.Trusted, verify.WithoutIdentitiesUnsafe(), options...); err != nil {
		return nil, fmt.Errorf("not verified under root %q: %w", r.Name, err)
	}
	proof.SCT = false
	return proof, nil
}

// verify asks sigstore-go about the whole bundle.
func (o *object) verify(trusted root.TrustedMaterial, who verify.PolicyOption, options ...verify.VerifierOption) error {
	v, err := verify.NewVerifier(trusted, append(options, verify.WithoutStatementPredicate())...)
	if err != nil {
		return err
	}
	_, err = v.Verify(o.Bundle, verify.NewPolicy(o.content.policy(), who))
	return err
}
