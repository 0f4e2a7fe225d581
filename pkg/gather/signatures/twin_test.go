package signatures_test

import (
	"crypto/elliptic"
	"encoding/asn1"
	"encoding/base64"
	"maps"
	"math/big"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/intact-dev/intact/pkg/check"
	"github.com/intact-dev/intact/pkg/fact"
	"github.com/intact-dev/intact/pkg/gather/signatures"
	"github.com/intact-dev/intact/pkg/internal/testtrust"
	"github.com/intact-dev/intact/pkg/policy/signing"
	"github.com/intact-dev/intact/pkg/ref"
	"github.com/intact-dev/intact/pkg/verify"
)

// changed is l with another signature over the same payload.
func changed(t *testing.T, l testtrust.Layer, change func(s *big.Int)) testtrust.Layer {
	t.Helper()
	sig, err := base64.StdEncoding.DecodeString(l.Annotations[testtrust.AnnotationSignature])
	var p struct{ R, S *big.Int }
	if err == nil {
		_, err = asn1.Unmarshal(sig, &p)
	}
	if err != nil {
		t.Fatal(err)
	}
	change(p.S)
	if sig, err = asn1.Marshal(p); err != nil {
		t.Fatal(err)
	}
	l.Annotations = maps.Clone(l.Annotations)
	l.Annotations[testtrust.AnnotationSignature] = base64.StdEncoding.EncodeToString(sig)
	return l
}

// adv-SIG-18: a signature and its twin (r, n-s) are of one payload, which is
// fetched once; each is verified by itself, and both are worth what one is.
func TestSignatureAndItsTwinAreWorthOne(t *testing.T) {
	t.Parallel()
	by := testtrust.Signer{Key: testtrust.NewKey(t)}
	stranger := testtrust.Signer{Key: testtrust.NewKey(t)}
	v, err := verify.New(verify.Trust{Keys: []verify.Key{{Name: "k", PEM: testtrust.PublicPEM(t, by.Key.Public())}}})
	if err != nil {
		t.Fatal(err)
	}
	payload := testtrust.Payload(t, subject.Digest, nil)
	negate := func(s *big.Int) { s.Sub(elliptic.P256().Params().N, s) }
	good, other := noSource.Layer(t, by, payload, testtrust.Evidence{}), noSource.Layer(t, stranger, payload, testtrust.Evidence{})
	twin, otherTwin := changed(t, good, negate), changed(t, other, negate)
	bad := changed(t, good, func(s *big.Int) { s.Add(s, big.NewInt(1)) })
	yes, no := fact.SignatureVerified, fact.SignatureUnverifiable
	child := ref.DigestOf([]byte("child"), "")
	for _, c := range []struct {
		name      string
		one, more []testtrust.Layer
		states    []fact.SignatureState // of more
	}{
		{"the twin after it", []testtrust.Layer{good}, []testtrust.Layer{good, twin}, []fact.SignatureState{yes, yes}},
		{"the twin before it", []testtrust.Layer{good}, []testtrust.Layer{twin, good}, []fact.SignatureState{yes, yes}},
		{"the twin alone", []testtrust.Layer{good}, []testtrust.Layer{twin}, []fact.SignatureState{yes}},
		{"a wrong one between", []testtrust.Layer{good, bad}, []testtrust.Layer{good, bad, twin}, []fact.SignatureState{yes, no, yes}},
		{"a wrong one first", []testtrust.Layer{bad, good}, []testtrust.Layer{bad, twin, good}, []fact.SignatureState{no, yes, yes}},
		{"of a stranger", []testtrust.Layer{other}, []testtrust.Layer{other, otherTwin}, []fact.SignatureState{no, no}},
		{"only wrong ones", []testtrust.Layer{bad}, []testtrust.Layer{bad, bad}, []fact.SignatureState{no, no}},
	} {
		look := func(layers []testtrust.Layer, keep signatures.Listings) fact.Set {
			s := newStore()
			s.push(t, artifact{tag: tag(".sig"), layers: layers})
			place := signatures.Place{Source: s, Referrer: s, Repository: ref.Ref{Name: "registry.example.test/app"}, Listings: keep}
			var set fact.Set
			set.Listings, set.Signatures = signatures.New().Gather(t.Context(), []signatures.Place{place}, []signatures.Subject{subject}, v, signatures.Options{At: at, Jobs: 1})
			// Nobody signed the child, which is looked at as well.
			set.Listings.Parts = append(set.Listings.Parts, fact.Of(fact.Listing{Subject: child}))
			set.Image = fact.Of(fact.Image{
				Name: "registry.example.test/app", Root: ref.Descriptor{Digest: subject.Digest}, Class: fact.ClassIndex,
				Platforms: []fact.Child{{Class: fact.ClassImage, Manifest: child, Platform: ref.Platform{OS: "linux", Architecture: "amd64"}}},
			})
			if asked := slices.DeleteFunc(s.asked, func(a string) bool { return a != string(ref.DigestOf(payload, "")) }); len(asked) != 1 {
				t.Errorf("%s: the payload was asked for %d times", c.name, len(asked))
			}
			return set
		}
		lists := kept{}
		for range 2 { // the second time from lists that were kept
			one, more := look(c.one, nil), look(c.more, lists)
			var states []fact.SignatureState
			for _, p := range more.Signatures.Parts {
				states = append(states, p.V.State)
			}
			if d := cmp.Diff(c.states, states); d != "" {
				t.Errorf("%s: states (-want +got):\n%s", c.name, d)
			}
			for _, level := range []signing.Level{signing.Index, signing.Child, signing.Both, signing.IndexOrChild} {
				for _, trusted := range []string{"k", "another"} {
					rule := &signing.Rule{Level: level, AnyOf: []signing.Authority{{Key: trusted, TransparencyLog: signing.NotRequired}}}
					got, refused := judged(rule, more)
					want, _ := judged(rule, one)
					if d := cmp.Diff(want, got); d != "" {
						t.Errorf("%s, level %s, key %s (-one +more):\n%s", c.name, level, trusted, d)
					}
					signed := trusted == "k" && slices.Contains(c.states, yes) && level != signing.Child && level != signing.Both
					if refused == signed {
						t.Errorf("%s, level %s, key %s: refused %t", c.name, level, trusted, refused)
					}
				}
			}
		}
	}
}

func judged(rule *signing.Rule, set fact.Set) (outcomes map[string]check.Outcome, refused bool) {
	outcomes = map[string]check.Outcome{}
	for _, c := range signing.Checks(rule, signing.Options{}) {
		o := check.Evaluate(c, &set).Outcome
		outcomes[c.ID], refused = o, refused || o == check.Fail || o == check.Undecided
	}
	return outcomes, refused
}
