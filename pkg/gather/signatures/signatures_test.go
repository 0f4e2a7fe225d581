package signatures_test

import (
	"bytes"
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/intact-dev/intact/pkg/fact"
	"github.com/intact-dev/intact/pkg/gather/signatures"
	"github.com/intact-dev/intact/pkg/image"
	"github.com/intact-dev/intact/pkg/internal/limits"
	"github.com/intact-dev/intact/pkg/internal/testtrust"
	"github.com/intact-dev/intact/pkg/ref"
	"github.com/intact-dev/intact/pkg/verify"
)

var (
	manifest = []byte(`{"schemaVersion":2,"mediaType":"application/vnd.oci.image.manifest.v1+json"}`)
	subject  = signatures.Subject{Digest: ref.DigestOf(manifest, ""), Bytes: manifest}
	signer   = testtrust.Signer{Key: testtrust.FixedKey(1)}
	noSource *testtrust.Sigstore
	at       = time.Date(2026, time.January, 20, 0, 0, 0, 0, time.UTC)
)

const (
	typeManifest = "application/vnd.oci.image.manifest.v1+json"
	provenance   = "https://slsa.dev/provenance/v1"
)

func tag(suffix string) string { return "sha256-" + subject.Digest.Hex() + suffix }

func signature(t *testing.T) testtrust.Layer {
	return noSource.Layer(t, signer, testtrust.Payload(t, subject.Digest, nil), testtrust.Evidence{})
}

func statement(t *testing.T, predicate string) testtrust.Layer {
	b := testtrust.Statement(t, predicate, nil, subject.Digest)
	return testtrust.Layer{MediaType: testtrust.TypeBundle, Bytes: noSource.StatementBundle(t, signer, b, testtrust.Evidence{})}
}

func gather(t *testing.T, s *store, opts signatures.Options) ([]fact.Value[fact.Listing], []fact.Value[fact.Signature]) {
	t.Helper()
	v, err := verify.New(verify.Trust{Keys: []verify.Key{{Name: "k", PEM: testtrust.PublicPEM(t, signer.Key.Public())}}})
	if err != nil {
		t.Fatal(err)
	}
	opts.At = at
	listings, found := signatures.New().Gather(t.Context(), []signatures.Place{{Source: s, Referrer: s, Repository: ref.Ref{Name: "registry.example.test/app"}}},
		[]signatures.Subject{subject}, v, opts)
	if listings.State != fact.Known || found.State != fact.Known {
		t.Fatalf("lists are %s and %s", listings.State, found.State)
	}
	for _, l := range listings.Parts {
		if !l.At.Equal(at) || l.Source != "registry.example.test/app" {
			t.Errorf("listing at %s from %q", l.At, l.Source)
		}
	}
	return listings.Parts, found.Parts
}

func TestAllFormsAreFoundAndNamed(t *testing.T) {
	t.Parallel()
	s := newStore()
	att := noSource.Attestation(t, signer, testtrust.Statement(t, provenance, nil, subject.Digest), testtrust.Evidence{})
	sig, two := signature(t), signature(t)
	two.Annotations = map[string]string{testtrust.AnnotationSignature: "AAAA"}
	sigTag := s.push(t, artifact{tag: tag(".sig"), layers: []testtrust.Layer{sig, two}})
	attTag := s.push(t, artifact{tag: tag(".att"), layers: []testtrust.Layer{att}})
	bundle := s.push(t, artifact{artifactType: testtrust.TypeBundle, listedAs: "application/vnd.oci.empty.v1+json", layers: []testtrust.Layer{statement(t, "https://sigstore.dev/cosign/sign/v1")}})
	experimental := s.push(t, artifact{artifactType: "application/vnd.dev.cosign.artifact.sig.v1+json", layers: []testtrust.Layer{sig}})
	notation := s.push(t, artifact{artifactType: "application/vnd.cncf.notary.signature", layers: []testtrust.Layer{{MediaType: "application/jose+json", Bytes: []byte("{}")}}})
	s.push(t, artifact{artifactType: "application/spdx+json", layers: []testtrust.Layer{{MediaType: "application/spdx+json", Bytes: []byte("{}")}}})
	stray := s.push(t, artifact{artifactType: testtrust.TypeBundle, subject: ref.DigestOf([]byte("other"), ""), layers: []testtrust.Layer{statement(t, provenance)}})

	listings, found := gather(t, s, signatures.Options{Attestations: true})
	listing := func(form string, n int) fact.Listing {
		return fact.Listing{Form: form, Place: "registry.example.test/app", Subject: subject.Digest, Found: n}
	}
	referrers := listing(fact.FormReferrers, 2)
	referrers.Other = 1
	var got []fact.Listing
	for _, l := range listings {
		got = append(got, l.V)
	}
	for _, u := range got[2].Unread {
		if !strings.Contains(u, string(notation)) && !strings.Contains(u, string(stray)) {
			t.Errorf("unread: %s", u)
		}
	}
	if len(got[2].Unread) != 2 {
		t.Errorf("unread: %q", got[2].Unread)
	}
	got[2].Unread = nil
	if d := cmp.Diff([]fact.Listing{listing(fact.FormSigTag, 2), listing(fact.FormAttTag, 1), referrers}, got); d != "" {
		t.Error(d)
	}

	type brief struct {
		Form     string
		Artifact ref.Digest
		Kind     fact.SignatureKind
		State    fact.SignatureState
	}
	var all []brief
	for _, v := range found {
		if v.State != fact.Known || v.V.Subject != subject.Digest {
			t.Errorf("%+v", v)
		}
		all = append(all, brief{v.V.Form, v.V.Artifact, v.V.Kind, v.V.State})
	}
	want := []brief{
		{fact.FormSigTag, sigTag, fact.KindSignature, fact.SignatureVerified},
		{fact.FormSigTag, sigTag, fact.KindSignature, fact.SignatureUnverifiable},
		{fact.FormAttTag, attTag, fact.KindAttestation, fact.SignatureVerified},
		{fact.FormReferrers, experimental, fact.KindSignature, fact.SignatureVerified},
		{fact.FormReferrers, bundle, fact.KindSignature, fact.SignatureVerified},
		{fact.FormReferrers, notation, fact.KindSignature, fact.SignatureUnsupported},
	}
	if d := cmp.Diff(want, all); d != "" {
		t.Error(d)
	}
	payloads := slices.DeleteFunc(slices.Clone(s.asked), func(a string) bool { return a != string(ref.DigestOf(sig.Bytes, "")) })
	if len(payloads) != 2 { // once per manifest
		t.Errorf("the payload was asked for %d times", len(payloads))
	}
}

func TestNothingThereIsKnown(t *testing.T) {
	t.Parallel()
	s := newStore()
	listings, found := gather(t, s, signatures.Options{})
	if len(listings) != 3 || len(found) != 0 {
		t.Fatalf("%d listings, %d signatures", len(listings), len(found))
	}
	for _, l := range listings {
		if l.State != fact.Known || l.V.Found != 0 {
			t.Errorf("%+v", l)
		}
	}
	if len(s.asked) != 3 {
		t.Errorf("%d requests, want one per form: %q", len(s.asked), s.asked)
	}
}

func TestWhatCannotBeAskedIsUnknown(t *testing.T) {
	t.Parallel()
	for _, cause := range []fact.Cause{fact.RateLimited, fact.ServerError, fact.Forbidden, fact.Unauthenticated, fact.Network, fact.Deadline} {
		s := newStore()
		err := &image.Error{Op: "get", Cause: cause, Err: errors.New("no")}
		for _, what := range []string{tag(".sig"), tag(".att"), "referrers"} {
			s.fail[what] = err
		}
		listings, _ := gather(t, s, signatures.Options{})
		for _, l := range listings {
			if l.State != fact.Unknown || l.Cause != cause || !strings.Contains(l.Why, string(subject.Digest)) {
				t.Errorf("%s: %+v", cause, l)
			}
		}
	}
}

func TestBytesThatDoNotComeAndBytesThatAreWrong(t *testing.T) {
	t.Parallel()
	sig := signature(t)
	payload := ref.DigestOf(sig.Bytes, "")
	bundle := statement(t, provenance)
	for _, c := range []struct {
		name   string
		change func(*store, ref.Digest)
		state  fact.State
		cause  fact.Cause
		why    string
	}{
		{"payload missing", func(s *store, _ ref.Digest) { delete(s.blobs, payload) }, fact.Unknown, fact.NotFound, "404"},
		{"payload rate limited", func(s *store, _ ref.Digest) {
			s.fail[string(payload)] = &image.Error{Op: "get blob", Cause: fact.RateLimited, Err: errors.New("429")}
		}, fact.Unknown, fact.RateLimited, "429"},
		{"payload changed", func(s *store, _ ref.Digest) { s.blobs[payload] = bytes.ToUpper(sig.Bytes) }, fact.Known, "", "hash to"},
		{"payload longer", func(s *store, _ ref.Digest) {
			s.blobs[payload] = append(sig.Bytes[:len(sig.Bytes):len(sig.Bytes)], '\n')
		}, fact.Known, "", "hash to"},
		{"referrer missing", func(s *store, d ref.Digest) { delete(s.manifests, string(d)) }, fact.Unknown, fact.NotFound, "404"},
		{"referrer changed", func(s *store, d ref.Digest) { s.manifests[string(d)] = []byte(`{}`) }, fact.Known, "", "hashes to"},
		{"bundle changed", func(s *store, _ ref.Digest) {
			s.blobs[ref.DigestOf(bundle.Bytes, "")] = make([]byte, len(bundle.Bytes))
		}, fact.Known, "", "hash to"},
		{"tag is garbage", func(s *store, _ ref.Digest) { s.manifests[tag(".sig")] = []byte("<html>") }, fact.Known, "", "cannot be read"},
		{"tag is an index", func(s *store, _ ref.Digest) {
			s.manifests[tag(".sig")] = []byte(`{"schemaVersion":2,"mediaType":"application/vnd.oci.image.index.v1+json","manifests":[]}`)
		}, fact.Known, "", "is an index"},
	} {
		s := newStore()
		s.push(t, artifact{tag: tag(".sig"), layers: []testtrust.Layer{sig}})
		d := s.push(t, artifact{artifactType: testtrust.TypeBundle, layers: []testtrust.Layer{bundle}})
		c.change(s, d)
		_, found := gather(t, s, signatures.Options{Attestations: true})
		bad := slices.DeleteFunc(slices.Clone(found), func(v fact.Value[fact.Signature]) bool { return v.V.State == fact.SignatureVerified })
		if len(found) != 2 || len(bad) != 1 {
			t.Errorf("%s: %d signatures, %d bad", c.name, len(found), len(bad))
			continue
		}
		got := bad[0]
		if got.State != c.state || got.Cause != c.cause || !strings.Contains(got.Why+got.V.Why, c.why) {
			t.Errorf("%s: %+v", c.name, got)
		}
		if c.state == fact.Known && got.V.State != fact.SignatureBroken {
			t.Errorf("%s: state %q", c.name, got.V.State)
		}
	}
}

func TestAttestationsAreNotFetchedUnlessAsked(t *testing.T) {
	t.Parallel()
	s := newStore()
	att := noSource.Attestation(t, signer, testtrust.Statement(t, provenance, nil, subject.Digest), testtrust.Evidence{})
	bundle, signed := statement(t, provenance), statement(t, "https://sigstore.dev/cosign/sign/v1")
	s.push(t, artifact{tag: tag(".att"), layers: []testtrust.Layer{att}})
	s.push(t, artifact{artifactType: testtrust.TypeBundle, annotations: map[string]string{"dev.sigstore.bundle.predicateType": provenance}, layers: []testtrust.Layer{bundle}})
	s.push(t, artifact{artifactType: testtrust.TypeBundle, annotations: map[string]string{"dev.sigstore.bundle.predicateType": "https://sigstore.dev/cosign/sign/v1"}, layers: []testtrust.Layer{signed}})
	listings, found := gather(t, s, signatures.Options{})
	if listings[1].V.Found != 1 || listings[2].V.Found != 2 {
		t.Errorf("listings %+v", listings)
	}
	causes := []fact.Cause{}
	for _, v := range found {
		causes = append(causes, v.Cause)
	}
	if found[0].V.Kind != fact.KindAttestation || found[1].V.Kind != fact.KindAttestation {
		t.Errorf("it is not said that they are attestations: %+v", found)
	}
	if d := cmp.Diff([]fact.Cause{fact.NotAsked, fact.NotAsked, ""}, causes); d != "" {
		t.Error(d)
	}
	for _, b := range [][]byte{att.Bytes, bundle.Bytes} {
		if slices.Contains(s.asked, string(ref.DigestOf(b, ""))) {
			t.Error("an attestation was fetched")
		}
	}
}

func TestLimitsAreSaid(t *testing.T) {
	t.Parallel()
	s := newStore()
	var layers []testtrust.Layer
	sig := signature(t)
	for range limits.Signatures + 7 {
		layers = append(layers, sig)
	}
	s.push(t, artifact{tag: tag(".sig"), layers: layers})
	for i := range limits.Signatures + 3 {
		s.push(t, artifact{artifactType: "application/spdx+json", layers: []testtrust.Layer{{MediaType: "application/spdx+json", Bytes: []byte{byte(i)}}}})
	}
	// Said to be a bundle, so looked at although it is last.
	s.push(t, artifact{artifactType: testtrust.TypeBundle, layers: []testtrust.Layer{statement(t, provenance)}})
	listings, found := gather(t, s, signatures.Options{Attestations: true})
	if listings[0].V.Found != limits.Signatures+7 || listings[2].V.Found != 1 || listings[2].V.Other != limits.Signatures-1 {
		t.Errorf("listings %+v", listings)
	}
	var said []string
	verified := 0
	for _, v := range found {
		switch {
		case v.Cause == fact.Limit:
			said = append(said, v.Why)
		case v.V.State == fact.SignatureVerified:
			verified++
		}
	}
	if len(said) != 2 || verified != limits.Signatures+1 || !strings.Contains(said[0], "107") || !strings.Contains(said[1], "104") {
		t.Errorf("%d verified; %q", verified, said)
	}

	big := newStore()
	big.push(t, artifact{tag: tag(".sig"), layers: []testtrust.Layer{{MediaType: testtrust.TypeSimpleSigning, Bytes: make([]byte, limits.SignaturePayload+1)}}})
	if _, found := gather(t, big, signatures.Options{}); len(found) != 1 || found[0].Cause != fact.Limit {
		t.Errorf("%+v", found)
	}
	if slices.Contains(big.asked, string(ref.DigestOf(make([]byte, limits.SignaturePayload+1), ""))) {
		t.Error("a payload over the limit was asked for")
	}
}

// archive holds no signatures.
type archive struct{ *store }

func (archive) Proves() image.Claims {
	return image.Claims{Place: "archive", NoSignatures: "an archive holds no signatures"}
}

func TestAPlaceWithoutSignatures(t *testing.T) {
	t.Parallel()
	v, err := verify.New(verify.Trust{})
	if err != nil {
		t.Fatal(err)
	}
	s := newStore()
	listings, found := signatures.New().Gather(t.Context(), []signatures.Place{{Source: archive{s}}}, []signatures.Subject{subject}, v, signatures.Options{})
	for _, status := range append(listings.Statuses()[1:], found.Statuses()[1:]...) {
		if status.State != fact.Unknown || status.Cause != fact.Unsupported || status.Why != "an archive holds no signatures" {
			t.Errorf("%+v", status)
		}
	}
	if len(s.asked) > 0 {
		t.Errorf("asked %q", s.asked)
	}
}

func TestCancelledIsSaid(t *testing.T) {
	t.Parallel()
	s := newStore()
	s.push(t, artifact{tag: tag(".att"), layers: []testtrust.Layer{noSource.Attestation(t, signer, testtrust.Statement(t, provenance, nil, subject.Digest), testtrust.Evidence{})}})
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	v, err := verify.New(verify.Trust{})
	if err != nil {
		t.Fatal(err)
	}
	_, found := signatures.New().Gather(ctx, []signatures.Place{{Source: s, Repository: ref.Ref{Name: "registry.example.test/app"}}}, []signatures.Subject{subject}, v, signatures.Options{Attestations: true})
	if len(found.Parts) != 1 || found.Parts[0].Cause != fact.Cancelled {
		t.Errorf("%+v", found.Parts)
	}
}
