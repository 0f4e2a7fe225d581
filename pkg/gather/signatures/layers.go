package signatures

import (
	"context"
	"fmt"

	"github.com/intact-dev/intact/pkg/fact"
	"github.com/intact-dev/intact/pkg/image"
	"github.com/intact-dev/intact/pkg/internal/limits"
	"github.com/intact-dev/intact/pkg/ref"
	"github.com/intact-dev/intact/pkg/verify"
)

// readLayer fetches one signed object and has it verified. The object is not
// kept longer than that.
func (l *lookup) readLayer(ctx context.Context, d ref.Descriptor, from *image.Fetched) {
	artifact := from.Doc.Digest
	kind, what, limit := fact.KindSignature, "signature", int64(limits.SignaturePayload)
	switch {
	case d.MediaType == typeEnvelope:
		kind, what, limit = fact.KindAttestation, "attestation", limits.Attestation
	case d.MediaType != typeSimpleSigning:
		what, limit = "bundle", limits.Attestation
		if p := from.Manifest.Annotations[annotationPredicate]; p != "" && p != predicateSignature {
			kind = fact.KindAttestation
		}
	}
	if kind == fact.KindAttestation && !l.opts.Attestations {
		l.miss(fact.NotAsked, fmt.Sprintf("attestation %s of %s was not fetched: no rule asks for one", d.Digest, l.subject.Digest))
		l.signatures[len(l.signatures)-1].V.Kind = kind
		return
	}
	if limit == limits.Attestation && d.Size > 0 {
		weight := min(d.Size, limits.AttestationInFlight)
		if err := l.gatherer.inFlight.Acquire(ctx, weight); err != nil {
			l.miss(image.CauseOf(err), fmt.Sprintf("%s %s of %s: %v", what, d.Digest, l.subject.Digest, err))
			return
		}
		defer l.gatherer.inFlight.Release(weight)
	}
	b, got, err := l.fetch(ctx, artifact, d, limit, what)
	switch {
	case err != nil:
		l.miss(image.CauseOf(err), fmt.Sprintf("%s %s of %s: %v", what, d.Digest, l.subject.Digest, err))
	case got != d.Digest:
		l.add(verify.Broken(kind, fmt.Sprintf("the %s's bytes hash to %s, not %s", what, got, d.Digest)), artifact)
	case int64(len(b)) != d.Size:
		l.add(verify.Broken(kind, fmt.Sprintf("the %s has %d bytes, not %d", what, len(b), d.Size)), artifact)
	default:
		l.add(l.verify(ctx, d, b), artifact)
	}
}

// fetch gets a blob. The payloads of several signers of one image are the same
// bytes, mostly: the last is kept so that it is asked for once.
func (l *lookup) fetch(ctx context.Context, artifact ref.Digest, d ref.Descriptor, limit int64, what string) ([]byte, ref.Digest, error) {
	if d.MediaType == typeSimpleSigning && d.Digest != "" && d.Digest == l.last.digest {
		return l.last.payload, l.last.digest, nil
	}
	b, got, err := image.FetchBlob(ctx, l.place.Source, l.place.Repository.WithDigest(artifact), d, limit, what)
	if err == nil && d.MediaType == typeSimpleSigning && got == d.Digest {
		l.last.digest, l.last.payload = got, b
	}
	return b, got, err
}

func (l *lookup) verify(ctx context.Context, d ref.Descriptor, b []byte) fact.Signature {
	switch d.MediaType {
	case typeSimpleSigning:
		return l.verifier.SimpleSigning(ctx, b, d.Annotations)
	case typeEnvelope:
		return l.verifier.Envelope(ctx, b, d.Annotations)
	}
	return l.verifier.Bundle(b, verify.Subject{Digest: l.subject.Digest, Bytes: l.subject.Bytes})
}
