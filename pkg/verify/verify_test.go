package verify_test

import (
	"crypto/x509"
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/intact-dev/intact/pkg/fact"
	"github.com/intact-dev/intact/pkg/internal/testtrust"
	"github.com/intact-dev/intact/pkg/ref"
	"github.com/intact-dev/intact/pkg/verify"
)

var (
	manifest      = []byte(`{"schemaVersion":2,"mediaType":"application/vnd.oci.image.manifest.v1+json"}`)
	subject       = verify.Subject{Digest: ref.DigestOf(manifest, ""), Bytes: manifest}
	otherManifest = []byte(`{"schemaVersion":2}`)
	otherDigest   = ref.DigestOf(otherManifest, "")
)

const provenance = "https://slsa.dev/provenance/v1"

// A form makes a signature of message's digest and verifies it as attached to
// the subject.
type form struct {
	name string
	run  func(t *testing.T, s *testtrust.Sigstore, v *verify.Verifier, by testtrust.Signer, of []byte, e testtrust.Evidence) fact.Signature
}

var forms = []form{
	{"simple", func(t *testing.T, s *testtrust.Sigstore, v *verify.Verifier, by testtrust.Signer, of []byte, e testtrust.Evidence) fact.Signature {
		return simple(t, v, s.Layer(t, by, testtrust.Payload(t, ref.DigestOf(of, ""), nil), e))
	}},
	{"envelope", func(t *testing.T, s *testtrust.Sigstore, v *verify.Verifier, by testtrust.Signer, of []byte, e testtrust.Evidence) fact.Signature {
		l := s.Attestation(t, by, testtrust.Statement(t, provenance, map[string]any{"a": 1}, ref.DigestOf(of, "")), e)
		return v.Envelope(t.Context(), l.Bytes, l.Annotations)
	}},
	{"message bundle", func(t *testing.T, s *testtrust.Sigstore, v *verify.Verifier, by testtrust.Signer, of []byte, e testtrust.Evidence) fact.Signature {
		return v.Bundle(s.MessageBundle(t, by, of, e), subject)
	}},
	{"statement bundle", func(t *testing.T, s *testtrust.Sigstore, v *verify.Verifier, by testtrust.Signer, of []byte, e testtrust.Evidence) fact.Signature {
		return v.Bundle(s.StatementBundle(t, by, testtrust.Statement(t, provenance, map[string]any{"a": 1}, ref.DigestOf(of, "")), e), subject)
	}},
}

func simple(t *testing.T, v *verify.Verifier, l testtrust.Layer) fact.Signature {
	t.Helper()
	return v.SimpleSigning(t.Context(), l.Bytes, l.Annotations)
}

func newVerifier(t testing.TB, trust verify.Trust) *verify.Verifier {
	t.Helper()
	v, err := verify.New(trust)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func key(t testing.TB, name string, by testtrust.Signer) verify.Key {
	t.Helper()
	return verify.Key{Name: name, PEM: testtrust.PublicPEM(t, by.Key.Public())}
}

// shape is what a proof proved, without the IDs of fresh keys.
type shape struct {
	Key, Root, Subject string
	Logs, Times        []time.Time
	SCT                bool
}

func shapes(ps []fact.Proof) []shape {
	var out []shape
	for _, p := range ps {
		s := shape{Key: p.Key, Root: p.Root, SCT: p.SCT}
		if p.Identity != nil {
			s.Subject = p.Identity.Subject
		}
		for _, w := range p.Logs {
			s.Logs = append(s.Logs, w.At)
		}
		for _, w := range p.Times {
			s.Times = append(s.Times, w.At)
		}
		out = append(out, s)
	}
	return out
}

func TestWhatIsProved(t *testing.T) {
	t.Parallel()
	s, stranger := testtrust.New(t, testtrust.Options{}), testtrust.New(t, testtrust.Options{})
	held := testtrust.Signer{Key: testtrust.NewKey(t)}
	fixed := testtrust.Signer{Key: testtrust.FixedKey(1)}
	keyless, noSCT := s.Keyless(testtrust.Holder{}), s.Keyless(testtrust.Holder{NoSCT: true})
	at, later := testtrust.Time, testtrust.Time.Add(time.Minute)
	roots := []verify.Root{{Name: "strange", JSON: stranger.RootJSON()}, {Name: "ours", JSON: s.RootJSON()}}
	strange := key(t, "strange", testtrust.Signer{Key: testtrust.NewKey(t)})
	times := func(t ...time.Time) []time.Time { return t }
	for _, c := range []struct {
		name     string
		trust    verify.Trust
		by       testtrust.Signer
		evidence testtrust.Evidence
		want     []shape
		state    fact.SignatureState
		why      string
	}{
		{name: "key", trust: verify.Trust{Keys: []verify.Key{strange, key(t, "held", held)}, Roots: roots}, by: held,
			want: []shape{{Key: "held"}}},
		{name: "Ed25519 key", trust: verify.Trust{Keys: []verify.Key{strange, key(t, "fixed", fixed)}}, by: fixed,
			want: []shape{{Key: "fixed"}}},
		{name: "key and log", trust: verify.Trust{Keys: []verify.Key{key(t, "held", held)}, Roots: roots}, by: held,
			evidence: testtrust.Evidence{Log: at}, want: []shape{{Key: "held", Root: "ours", Logs: times(at)}}},
		{name: "key and stamp", trust: verify.Trust{Keys: []verify.Key{key(t, "held", held)}, Roots: roots}, by: held,
			evidence: testtrust.Evidence{Stamp: at}, want: []shape{{Key: "held", Root: "ours", Times: times(at)}}},
		{name: "key and an unknown log", trust: verify.Trust{Keys: []verify.Key{key(t, "held", held)}, Roots: roots[:1]}, by: held,
			evidence: testtrust.Evidence{Log: at, Stamp: at}, want: []shape{{Key: "held"}}},
		{name: "one key under two names", trust: verify.Trust{Keys: []verify.Key{key(t, "a", held), key(t, "b", held)}}, by: held,
			want: []shape{{Key: "a"}, {Key: "b"}}},
		{name: "another key", trust: verify.Trust{Keys: []verify.Key{strange}}, by: held, why: "key given does not verify it"},
		{name: "no key", by: held, why: "no key was given"},

		{name: "keyless and log", trust: verify.Trust{Roots: roots}, by: keyless, evidence: testtrust.Evidence{Log: at},
			want: []shape{{Root: "ours", Subject: testtrust.Subject, Logs: times(at), SCT: true}}},
		{name: "keyless and stamp", trust: verify.Trust{Roots: roots}, by: keyless, evidence: testtrust.Evidence{Stamp: at},
			want: []shape{{Root: "ours", Subject: testtrust.Subject, Times: times(at), SCT: true}}},
		{name: "keyless, log and stamp", trust: verify.Trust{Roots: roots}, by: keyless, evidence: testtrust.Evidence{Log: at, Stamp: later},
			want: []shape{{Root: "ours", Subject: testtrust.Subject, Logs: times(at), Times: times(later), SCT: true}}},
		{name: "no SCT", trust: verify.Trust{Roots: roots}, by: noSCT, evidence: testtrust.Evidence{Log: at},
			want: []shape{{Root: "ours", Subject: testtrust.Subject, Logs: times(at)}}},
		{name: "no time", trust: verify.Trust{Roots: roots}, by: keyless, why: "proves when it was signed"},
		{name: "another root", trust: verify.Trust{Roots: roots[:1]}, by: keyless, evidence: testtrust.Evidence{Log: at, Stamp: at}, why: `root "strange"`},
		{name: "no root", by: keyless, evidence: testtrust.Evidence{Log: at}, why: "no trust root was given"},
		{name: "key for keyless", trust: verify.Trust{Keys: []verify.Key{strange}}, by: keyless, evidence: testtrust.Evidence{Log: at}, why: "no trust root was given"},
		{name: "logged after its end", trust: verify.Trust{Roots: roots}, by: keyless, evidence: testtrust.Evidence{Log: at.Add(time.Hour)},
			why: "not valid at the proven time|integrated time outside certificate validity", state: "any"},
		{name: "stamped after its end", trust: verify.Trust{Roots: roots}, by: keyless, evidence: testtrust.Evidence{Stamp: at.Add(time.Hour)}, why: "not valid at the proven time"},
		{name: "stamped before its begin", trust: verify.Trust{Roots: roots}, by: keyless, evidence: testtrust.Evidence{Stamp: at.Add(-time.Hour)}, why: "not valid at the proven time"},
		{name: "one time good, one not", trust: verify.Trust{Roots: roots}, by: keyless, evidence: testtrust.Evidence{Log: at, Stamp: at.Add(time.Hour)}, why: "not valid at the proven time"},
	} {
		for _, f := range forms {
			t.Run(c.name+"/"+f.name, func(t *testing.T) {
				t.Parallel()
				for _, of := range [][]byte{manifest, otherManifest} {
					got := f.run(t, s, newVerifier(t, c.trust), c.by, of, c.evidence)
					if f.name == "message bundle" && c.name == "Ed25519 key" && string(of) == string(otherManifest) {
						// Pure Ed25519 over bytes that are not here cannot be verified.
						if got.State == fact.SignatureVerified {
							t.Errorf("replayed: %+v", got)
						}
						continue
					}
					if d := cmp.Diff(c.want, shapes(got.Proofs)); d != "" {
						t.Errorf("proofs (-want +got):\n%s%s", d, got.Why)
					}
					if (got.State == fact.SignatureVerified) != (len(c.want) > 0) || c.want == nil && c.state != "any" && got.State != fact.SignatureUnverifiable {
						t.Errorf("state %q: %s", got.State, got.Why)
					}
					if !slices.ContainsFunc(strings.Split(c.why, "|"), func(w string) bool { return strings.Contains(got.Why, w) }) {
						t.Errorf("why = %q, want %q in it", got.Why, c.why)
					}
					if want := []ref.Digest{ref.DigestOf(of, "")}; !cmp.Equal(got.Claims, want) {
						t.Errorf("claims %v, want %v", got.Claims, want)
					}
					if keylessNow := c.by.Certificate != nil; keylessNow != (got.ClaimedSigner != nil) {
						t.Errorf("claimed signer %+v", got.ClaimedSigner)
					}
				}
			})
		}
	}
}

// A certificate that the root's authority issued but that must not count.
func TestCertificatesThatProveNothing(t *testing.T) {
	t.Parallel()
	at := testtrust.Time
	for _, c := range []struct {
		name    string
		options testtrust.Options
		holder  testtrust.Holder
		why     string
	}{
		{name: "issuer over at the proven time", options: testtrust.Options{IssuerEnds: at.Add(-30 * time.Second)}, why: "one of its issuers was not valid"},
		{name: "authority as signer", holder: testtrust.Holder{CA: true}, why: "an authority, not of a signer"},
		{name: "not for code signing", holder: testtrust.Holder{Uses: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}}, why: "not issued under root"},
		{name: "not yet valid", holder: testtrust.Holder{From: at.Add(time.Minute), To: at.Add(10 * time.Minute)}, why: "not valid at the proven time"},
		{name: "two holders", holder: testtrust.Holder{Change: func(c *x509.Certificate) { c.EmailAddresses = []string{"a@example.test"} }}, why: "names 2 holders"},
	} {
		s := testtrust.New(t, c.options)
		v := newVerifier(t, verify.Trust{Roots: []verify.Root{{Name: "ours", JSON: s.RootJSON()}}})
		by := s.Keyless(c.holder)
		for _, f := range forms {
			got := f.run(t, s, v, by, manifest, testtrust.Evidence{Stamp: at})
			if got.State != fact.SignatureUnverifiable || !strings.Contains(got.Why, c.why) {
				t.Errorf("%s, %s: %q, %s", c.name, f.name, got.State, got.Why)
			}
		}
	}
}

func TestIdentityHoldsTheExtensionsByName(t *testing.T) {
	t.Parallel()
	s := testtrust.New(t, testtrust.Options{})
	v := newVerifier(t, verify.Trust{Roots: []verify.Root{{Name: "ours", JSON: s.RootJSON()}}})
	by := s.Keyless(testtrust.Holder{Extensions: map[int]string{11: "github-hosted", 12: "https://github.com/acme/app"}})
	want := &fact.Identity{Issuer: testtrust.Issuer, Subject: testtrust.Subject, Extensions: map[string]string{
		"runnerEnvironment": "github-hosted", "sourceRepositoryURI": "https://github.com/acme/app",
	}}
	for _, f := range forms {
		got := f.run(t, s, v, by, manifest, testtrust.Evidence{Log: testtrust.Time})
		if len(got.Proofs) != 1 {
			t.Fatalf("%s: %+v", f.name, got)
		}
		if d := cmp.Diff(want, got.Proofs[0].Identity); d != "" {
			t.Errorf("%s: %s", f.name, d)
		}
	}
}

func TestKindsAndPredicates(t *testing.T) {
	t.Parallel()
	by := testtrust.Signer{Key: testtrust.FixedKey(1)}
	v := newVerifier(t, verify.Trust{Keys: []verify.Key{key(t, "k", by)}, Predicates: []string{provenance}})
	for _, c := range []struct {
		predicate string
		kind      fact.SignatureKind
		kept      string
	}{
		{provenance, fact.KindAttestation, `{"a":1}`},
		{"https://spdx.dev/Document", fact.KindAttestation, ""},
		{"https://sigstore.dev/cosign/sign/v1", fact.KindSignature, ""},
	} {
		statement := testtrust.Statement(t, c.predicate, json.RawMessage(`{"a":1}`), subject.Digest)
		var none *testtrust.Sigstore
		l := none.Attestation(t, by, statement, testtrust.Evidence{})
		for _, got := range []fact.Signature{
			v.Envelope(t.Context(), l.Bytes, l.Annotations),
			v.Bundle(none.StatementBundle(t, by, statement, testtrust.Evidence{}), subject),
		} {
			if got.State != fact.SignatureVerified || got.Kind != c.kind || got.PredicateType != c.predicate || string(got.Predicate) != c.kept {
				t.Errorf("%s: %+v", c.predicate, got)
			}
		}
	}
}

func TestOnlySignedAnnotationsCount(t *testing.T) {
	t.Parallel()
	by := testtrust.Signer{Key: testtrust.FixedKey(1)}
	v := newVerifier(t, verify.Trust{Keys: []verify.Key{key(t, "k", by)}})
	var none *testtrust.Sigstore
	l := none.Layer(t, by, testtrust.Payload(t, subject.Digest, map[string]any{"env": "prod", "n": 1}), testtrust.Evidence{})
	l.Annotations["env"] = "test"
	l.Annotations["approved"] = "yes"
	got := simple(t, v, l)
	if d := cmp.Diff(map[string]string{"env": "prod"}, got.Annotations); d != "" {
		t.Error(d)
	}
}

func TestNewRefusesBadTrust(t *testing.T) {
	t.Parallel()
	good := key(t, "k", testtrust.Signer{Key: testtrust.FixedKey(1)})
	root := verify.Root{Name: "r", JSON: testtrust.New(t, testtrust.Options{}).RootJSON()}
	for name, trust := range map[string]verify.Trust{
		"no name":        {Keys: []verify.Key{{PEM: good.PEM}}},
		"no key":         {Keys: []verify.Key{{Name: "k", PEM: []byte("not a key")}}},
		"same name":      {Keys: []verify.Key{good, good}},
		"no root":        {Roots: []verify.Root{{Name: "r", JSON: []byte("{}")}}},
		"garbage root":   {Roots: []verify.Root{{Name: "r", JSON: []byte("{")}}},
		"same root name": {Roots: []verify.Root{root, root}},
	} {
		if v, err := verify.New(trust); err == nil || v != nil {
			t.Errorf("%s: no error", name)
		}
	}
}
