package scan_test

import (
	"cmp"
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/intact-dev/intact/pkg/check"
	"github.com/intact-dev/intact/pkg/checks"
	"github.com/intact-dev/intact/pkg/gather"
	"github.com/intact-dev/intact/pkg/internal/testimage"
	"github.com/intact-dev/intact/pkg/internal/testregistry"
	"github.com/intact-dev/intact/pkg/internal/testtrust"
	"github.com/intact-dev/intact/pkg/policy"
	"github.com/intact-dev/intact/pkg/policy/signing"
	"github.com/intact-dev/intact/pkg/ref"
	"github.com/intact-dev/intact/pkg/scan"
	"github.com/intact-dev/intact/pkg/source/registry"
	"github.com/intact-dev/intact/policies"
)

const (
	bundleType = "application/vnd.dev.sigstore.bundle.v0.3+json"
	signType   = "https://sigstore.dev/cosign/sign/v1"
	slsaType   = "https://slsa.dev/provenance/v1"
)

// A signedImage is an index in a registry to which a test attaches bundles.
type signedImage struct {
	t        *testing.T
	server   *testregistry.Server
	registry *registry.Source
	sigstore *testtrust.Sigstore
	built    *testimage.Built
	dir      string
	summary  string // what the last report says of signatures
}

func newSignedImage(t *testing.T) *signedImage {
	t.Helper()
	spec := testimage.Spec{Index: true}
	for _, p := range []string{"linux/amd64", "linux/arm64"} {
		spec.Images = append(spec.Images, testimage.Image{
			Platform: p, Config: testimage.Config{User: "65532", Entrypoint: []string{"/bin/app"}},
			Layers: []testimage.Layer{{CreatedBy: "COPY app", Files: []testimage.File{{Path: "bin/app", Mode: "0755", Content: p}}}},
		})
	}
	built, err := testimage.Build(spec)
	if err != nil {
		t.Fatal(err)
	}
	src, err := registry.New(registry.Options{Keychain: registry.Anonymous{}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(src.Close)
	s := &signedImage{
		t: t, server: testregistry.New(t, testregistry.Options{}), registry: src,
		sigstore: testtrust.New(t, testtrust.Options{}), built: built, dir: t.TempDir(),
	}
	s.put(built, "1.0.0")
	if err := os.WriteFile(filepath.Join(s.dir, "root.json"), s.sigstore.RootJSON(), 0o600); err != nil {
		t.Fatal(err)
	}
	return s
}

func (s *signedImage) put(b *testimage.Built, tag string) {
	s.t.Helper()
	for _, blob := range b.Blobs {
		if _, err := s.server.PutBlob("acme/app", blob.Body); err != nil {
			s.t.Fatal(err)
		}
	}
	for i, m := range b.Manifests {
		name := string(m.Descriptor.Digest)
		if tag != "" && i == len(b.Manifests)-1 {
			name = tag
		}
		if _, err := s.server.PutManifest("acme/app", name, m.Descriptor.MediaType, m.Body); err != nil {
			s.t.Fatal(err)
		}
	}
}

// attach stores a bundle as a referrer of subject, as cosign 3 does.
func (s *signedImage) attach(subject ref.Descriptor, bundle []byte) {
	s.t.Helper()
	a, err := testimage.Artifact(bundleType, subject, testimage.Blob(bundleType, bundle))
	if err != nil {
		s.t.Fatal(err)
	}
	s.put(a, "")
}

func (s *signedImage) signature(by testtrust.Signer, digests ...ref.Digest) []byte {
	return s.sigstore.StatementBundle(s.t, by, testtrust.Statement(s.t, signType, map[string]any{}, digests...), testtrust.Evidence{Log: testtrust.Time})
}

func (s *signedImage) provenance(by testtrust.Signer, builder string) []byte {
	predicate := map[string]any{"runDetails": map[string]any{"builder": map[string]any{"id": builder}}}
	statement := testtrust.Statement(s.t, slsaType, predicate, s.root().Digest)
	return s.sigstore.StatementBundle(s.t, by, statement, testtrust.Evidence{Log: testtrust.Time})
}

func (s *signedImage) root() ref.Descriptor { return s.built.Root.Descriptor }

// judge scans the image under a policy with the given signature rule.
func (s *signedImage) judge(rule string) (policy.Decision, []check.Result) {
	s.t.Helper()
	text := "schema: intact.policy/v1\nname: test\nextends: baseline@1\ntrust: {roots: [root.json]}\nsignatures:\n  - images: [\"" +
		s.server.Host + "/acme/{repo}\"]\n" + rule
	file := filepath.Join(s.dir, "policy.yaml")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		s.t.Fatal(err)
	}
	all := slices.Concat(checks.All(), signing.Checks(nil, signing.Options{}))
	p, err := policy.Load(policy.Loader{Embedded: policies.Files, ReadFile: os.ReadFile, Checks: all}, filepath.ToSlash(file))
	if err != nil {
		s.t.Fatal(err)
	}
	target, err := ref.Parse(s.server.Host + "/acme/app:1.0.0")
	if err != nil {
		s.t.Fatal(err)
	}
	clock := func() time.Time { return testtrust.Time.Add(time.Hour) }
	r := scan.Run(s.t.Context(), []scan.Target{{
		Text: target.String(), Kind: ref.KindImage, Ref: target, Name: target, Origin: ref.Origin{Kind: "argument"},
		Place: scan.Place{Source: s.registry, Prober: s.registry, Referrer: s.registry},
	}}, scan.Options{
		Policy: p, Checks: checks.All(), Now: clock(), Clock: clock, Depth: policy.DepthManifest,
		Layers: gather.NewLayers(2, nil, nil),
		Signatures: scan.NewSigner(p, scan.SignerOptions{
			PublicRoot: func(context.Context) ([]byte, error) { s.t.Error("the public root was asked for"); return nil, nil },
			Clock:      clock,
		}),
	})
	var sig []check.Result
	for _, img := range r.Images {
		s.summary = strings.Join(img.Summary.Signed.Text, "; ")
		for _, res := range img.Results {
			if strings.HasPrefix(res.Check, "SIG") {
				sig = append(sig, res.Result)
			}
		}
	}
	return r.Verdict, sig
}

func (s *signedImage) want(rule string, decision policy.Decision, failed string) {
	s.t.Helper()
	got, results := s.judge(rule)
	var fails []string
	for _, r := range results {
		if r.Outcome == check.Fail {
			fails = append(fails, r.Check)
		}
	}
	if got != decision || strings.Join(fails, " ") != failed {
		s.t.Errorf("%s, failed %v; want %s, failed [%s]\nrule:\n%s\n%+v", got, fails, decision, failed, rule, results)
	}
}

const release = `    anyOf:
      - name: release
        keyless:
          issuer: https://token.actions.githubusercontent.com
          identity: https://github.com/acme/{repo}/.github/workflows/release.yml@refs/heads/*
`

func TestKeylessSignatureOnTheIndex(t *testing.T) {
	t.Parallel()
	s := newSignedImage(t)
	s.want(release, policy.Deny, "SIG001")
	s.attach(s.root(), s.signature(s.sigstore.Keyless(testtrust.Holder{}), s.root().Digest))
	s.want(release, policy.Allow, "")
	s.want("    level: child\n"+release, policy.Deny, "SIG006")
	s.want(strings.Replace(release, "release.yml", "other.yml", 1), policy.Deny, "SIG003")
	s.want(strings.Replace(release, "token.actions.githubusercontent.com", "gitlab.com", 1), policy.Deny, "SIG003")
	s.want(release+`          where: certificate.runnerEnvironment == "github-hosted"`+"\n", policy.Deny, "SIG003")
}

func TestKeylessSignatureOnEveryChild(t *testing.T) {
	t.Parallel()
	s := newSignedImage(t)
	by := s.sigstore.Keyless(testtrust.Holder{Extensions: map[int]string{11: "github-hosted"}})
	first, second := s.built.Images[0].Manifest.Descriptor, s.built.Images[1].Manifest.Descriptor
	s.attach(first, s.signature(by, first.Digest))
	s.want("    level: child\n"+release, policy.Deny, "SIG001")
	s.attach(second, s.signature(by, second.Digest))
	s.want("    level: child\n"+release, policy.Allow, "")
	s.want(release, policy.Allow, "")
	s.want("    level: index\n"+release, policy.Deny, "SIG006")
	s.want("    level: child\n"+release+`          where: certificate.runnerEnvironment == "github-hosted"`+"\n", policy.Allow, "")
}

func TestReplayedBundleIsNoSignature(t *testing.T) {
	t.Parallel()
	s := newSignedImage(t)
	other := ref.DigestOf([]byte("another image"), "")
	s.attach(s.root(), s.signature(s.sigstore.Keyless(testtrust.Holder{}), other))
	s.want(release, policy.Deny, "SIG004")
}

func TestAttestationIsNoSignature(t *testing.T) {
	t.Parallel()
	s := newSignedImage(t)
	by := s.sigstore.Keyless(testtrust.Holder{})
	s.attach(s.root(), s.provenance(by, "https://github.com/actions/runner"))
	s.want(release, policy.Deny, "SIG001")
	s.attach(s.root(), s.signature(by, s.root().Digest))
	s.want(release, policy.Allow, "")
	attested := release + "    attestations:\n      - {predicateType: " + slsaType + `, where: 'predicate.runDetails.builder.id.startsWith("https://github.com/actions/")'}` + "\n"
	s.want(attested, policy.Allow, "")
	s.want(strings.Replace(attested, "github.com/actions", "evil.example", 1), policy.Deny, "SIG005")
	s.want(strings.Replace(attested, slsaType, "https://spdx.dev/Document", 1), policy.Deny, "SIG005")
}

// What nobody asked for is not fetched, and so nobody knows what it holds. That
// must not keep an image from being denied that is not signed.
func TestAttestationThatNobodyAskedForLetsNoImageThrough(t *testing.T) {
	t.Parallel()
	at := func(d ref.Digest, suffix string) string { return d.Algorithm() + "-" + d.Hex() + suffix }
	for name, attach := range map[string]func(s *signedImage, subject ref.Descriptor){
		"a bundle that says what it is": func(s *signedImage, subject ref.Descriptor) {
			layer := testimage.Blob(bundleType, s.provenance(s.sigstore.Keyless(testtrust.Holder{}), "https://github.com/actions/runner"))
			s.manifest("", map[string]any{
				"artifactType": bundleType, "layers": []any{s.blob(layer)}, "annotations": map[string]string{"dev.sigstore.bundle.predicateType": slsaType},
				"subject": map[string]any{"mediaType": subject.MediaType, "digest": subject.Digest, "size": subject.Size},
			})
		},
		"cosign's tag": func(s *signedImage, subject ref.Descriptor) {
			statement := testtrust.Statement(s.t, slsaType, map[string]any{}, subject.Digest)
			l := s.sigstore.Attestation(s.t, s.sigstore.Keyless(testtrust.Holder{}), statement, testtrust.Evidence{Log: testtrust.Time})
			d := s.blob(testimage.Blob(l.MediaType, l.Bytes))
			d["annotations"] = l.Annotations
			s.manifest(at(subject.Digest, ".att"), map[string]any{"layers": []any{d}})
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newSignedImage(t)
			attach(s, s.root())
			s.want(release, policy.Deny, "SIG001")
			if !strings.HasPrefix(s.summary, "no signature; 1 attestation: 1 ") {
				t.Errorf("signed: %s", s.summary)
			}
			for _, i := range s.built.Images {
				attach(s, i.Manifest.Descriptor)
			}
			s.want("    level: child\n"+release, policy.Deny, "SIG001")
			s.want("    level: both\n"+release, policy.Deny, "SIG001")
			s.attach(s.root(), s.signature(s.sigstore.Keyless(testtrust.Holder{}), s.root().Digest))
			s.want(release, policy.Allow, "")
			if strings.Contains(s.summary, "no signature") || !strings.Contains(s.summary, "of which 1 attestation") {
				t.Errorf("signed: %s", s.summary)
			}
			s.want("    level: both\n"+release, policy.Deny, "SIG006")
		})
	}
}

// blob stores o and returns its descriptor.
func (s *signedImage) blob(o testimage.Object) map[string]any {
	s.t.Helper()
	if _, err := s.server.PutBlob("acme/app", o.Body); err != nil {
		s.t.Fatal(err)
	}
	return map[string]any{"mediaType": o.Descriptor.MediaType, "digest": o.Descriptor.Digest, "size": o.Descriptor.Size}
}

// manifest stores one with fields, at a tag if it is not "".
func (s *signedImage) manifest(tag string, fields map[string]any) {
	s.t.Helper()
	fields["schemaVersion"], fields["mediaType"] = 2, testimage.TypeManifest
	fields["config"] = s.blob(testimage.Blob(testimage.TypeEmpty, []byte("{}")))
	body, err := json.Marshal(fields)
	if err != nil {
		s.t.Fatal(err)
	}
	if _, err := s.server.PutManifest("acme/app", cmp.Or(tag, string(ref.DigestOf(body, ""))), testimage.TypeManifest, body); err != nil {
		s.t.Fatal(err)
	}
}

func TestUntrustedRootProvesNothing(t *testing.T) {
	t.Parallel()
	s := newSignedImage(t)
	other := testtrust.New(t, testtrust.Options{})
	statement := testtrust.Statement(t, signType, map[string]any{}, s.root().Digest)
	s.attach(s.root(), other.StatementBundle(t, other.Keyless(testtrust.Holder{}), statement, testtrust.Evidence{Log: testtrust.Time}))
	if got, results := s.judge(release); got != policy.Deny {
		t.Errorf("%s: %+v", got, results)
	}
}
