package signatures

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/intact-dev/intact/pkg/fact"
	"github.com/intact-dev/intact/pkg/image"
	"github.com/intact-dev/intact/pkg/internal/limits"
	"github.com/intact-dev/intact/pkg/ref"
	"github.com/intact-dev/intact/pkg/verify"
)

// Media types of layers and artifacts.
const (
	typeSimpleSigning = "application/vnd.dev.cosign.simplesigning.v1+json"
	typeEnvelope      = "application/vnd.dsse.envelope.v1+json"
	typeNotation      = "application/vnd.cncf.notary.signature"
	prefixBundle      = "application/vnd.dev.sigstore.bundle" // of all versions and spellings
)

// Annotations that the writers of bundles set on the manifest. They are not
// signed: they save a download and decide nothing else.
const (
	annotationPredicate = "dev.sigstore.bundle.predicateType"
	predicateSignature  = "https://sigstore.dev/cosign/sign/v1"
)

// readTag reads cosign's manifest at sha256-….sig or .att. No such tag is an
// answer: there are none.
func (l *lookup) readTag(ctx context.Context, suffix string) error {
	tag := l.subject.Digest.Algorithm() + "-" + l.subject.Digest.Hex() + suffix
	name := l.place.Repository.WithTag(tag)
	listed, err := l.list(ctx, func(ctx context.Context) (Listed, error) { return l.askTag(ctx, name) })
	if err != nil || listed.Tag == nil {
		return err
	}
	fetched, err := image.FetchManifest(ctx, answered{l.place.Source, listed.Tag}, name, ref.Descriptor{})
	if err != nil {
		return err
	}
	kind, mediaType := fact.KindSignature, typeSimpleSigning
	if suffix == ".att" {
		kind, mediaType = fact.KindAttestation, typeEnvelope
	}
	if problem := noManifest(fetched); problem != "" {
		l.found.Found++
		l.add(verify.Broken(kind, fmt.Sprintf("the manifest at tag %q %s", tag, problem)), fetched.Doc.Digest)
		return nil
	}
	l.found.Found = len(fetched.Manifest.Layers)
	for _, layer := range l.bounded(fetched.Manifest.Layers, string(kind)+"s", &l.objects) {
		if layer.MediaType != mediaType {
			l.add(verify.Unsupported(kind, fmt.Sprintf("layers of type %q under tag %q are not read", layer.MediaType, tag)), fetched.Doc.Digest)
			continue
		}
		l.readLayer(ctx, layer, fetched)
	}
	return nil
}

// unreadable says why the manifest of a signature cannot be used.
func unreadable(f *image.Fetched) string {
	switch {
	case f.Doc.Wanted.Digest != "" && f.Doc.Wanted.Digest != f.Doc.Digest:
		return fmt.Sprintf("hashes to %s, not %s", f.Doc.Digest, f.Doc.Wanted.Digest)
	case !f.Right():
		if len(f.Doc.Problems) > 0 {
			return "cannot be read: " + f.Doc.Problems[0].Detail
		}
		return "cannot be read"
	}
	return ""
}

// noManifest is [unreadable], and whether it is an index, which bears no signature.
func noManifest(f *image.Fetched) string {
	if problem := unreadable(f); problem != "" || f.Manifest.Manifests == nil {
		return problem
	}
	return "is an index, not a manifest"
}

// bounded cuts all where seen, which counts over calls, reaches the limit, and
// says so.
func (l *lookup) bounded(all []ref.Descriptor, what string, seen *int) []ref.Descriptor {
	before := *seen
	*seen += len(all)
	if *seen <= limits.Signatures {
		return all
	}
	err := &limits.ExceededError{What: fmt.Sprintf("number of %s of %s (%s)", what, l.subject.Digest, l.found.Form), Limit: limits.Signatures, Got: int64(*seen)}
	l.miss(fact.Limit, fmt.Sprintf("%v; the first %d were looked at", err, limits.Signatures))
	return all[:max(limits.Signatures-before, 0)]
}

// readReferrers reads everything that refers to the subject. What a registry
// says about an entry is not believed: some report the wrong artifact type.
func (l *lookup) readReferrers(ctx context.Context) error {
	answer, err := l.list(ctx, func(ctx context.Context) (Listed, error) {
		listed, form, err := l.place.Referrer.Referrers(ctx, l.place.Repository, l.subject.Digest)
		return Listed{Referrers: listed, Form: form}, err
	})
	if err != nil {
		return err
	}
	if answer.Form != "" {
		l.found.Form = answer.Form
	}
	listed := slices.Clone(answer.Referrers)
	slices.SortStableFunc(listed, func(a, b ref.Descriptor) int { return rank(a) - rank(b) })
	var manifests int
	for _, d := range l.bounded(listed, "referrers", &manifests) {
		l.readReferrer(ctx, d)
	}
	return nil
}

// rank puts first what says it is a signature, so that a limit does not hide it
// behind artifacts of other kinds.
func rank(d ref.Descriptor) int {
	switch {
	case strings.HasPrefix(d.ArtifactType, prefixBundle), strings.Contains(d.ArtifactType, "cosign"):
		return 0
	case d.ArtifactType == "", strings.HasPrefix(d.ArtifactType, "application/vnd.oci."):
		return 1
	}
	return 2
}

func (l *lookup) readReferrer(ctx context.Context, d ref.Descriptor) {
	if _, err := ref.ParseDigest(string(d.Digest)); err != nil {
		cause := fact.ServerError
		if errors.Is(err, ref.ErrUnsupportedAlgorithm) {
			cause = fact.Unsupported
		}
		l.miss(cause, fmt.Sprintf("a referrer of %s: %v", l.subject.Digest, err))
		return
	}
	fetched, err := image.FetchManifest(ctx, l.place.Source, l.place.Repository.WithDigest(d.Digest), d)
	if err != nil {
		l.miss(image.CauseOf(err), fmt.Sprintf("referrer %s of %s: %v", d.Digest, l.subject.Digest, err))
		return
	}
	if problem := unreadable(fetched); problem != "" {
		l.found.Found++
		l.add(verify.Broken(fact.KindSignature, fmt.Sprintf("referrer %s %s", d.Digest, problem)), d.Digest)
		return
	}
	m := fetched.Manifest // or an index, which may have a subject, too
	if l.found.Form != fact.FormLayout || m.Subject != nil {
		// A layout may relate them by annotations of its index instead.
		if m.Subject == nil || m.Subject.Digest != l.subject.Digest {
			l.found.Unread = append(l.found.Unread, fmt.Sprintf("%s is listed as a referrer and refers to something else", d.Digest))
			return
		}
	}
	if m.ArtifactType == typeNotation || m.Config != nil && m.Config.MediaType == typeNotation {
		l.found.Unread = append(l.found.Unread, fmt.Sprintf("Notation signature %s", d.Digest))
		l.add(verify.Unsupported(fact.KindSignature, "Notation signatures are not read"), d.Digest)
		return
	}
	signed := slices.DeleteFunc(slices.Clone(m.Layers), func(layer ref.Descriptor) bool { return !isSigned(layer.MediaType) })
	if len(signed) == 0 {
		l.found.Other++
		return
	}
	l.found.Found += len(signed)
	for _, layer := range l.bounded(signed, "signatures", &l.objects) {
		l.readLayer(ctx, layer, fetched)
	}
}

func isSigned(mediaType string) bool {
	return mediaType == typeSimpleSigning || mediaType == typeEnvelope || strings.HasPrefix(mediaType, prefixBundle)
}
