package signing_test

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/intact-dev/intact/pkg/check"
	"github.com/intact-dev/intact/pkg/check/checktest"
	"github.com/intact-dev/intact/pkg/fact"
	"github.com/intact-dev/intact/pkg/policy/signing"
	"github.com/intact-dev/intact/pkg/ref"
)

func digestOf(c string) ref.Digest { return ref.Digest("sha256:" + strings.Repeat(c, 64)) }

var (
	rootDigest = digestOf("a")
	children   = []ref.Digest{digestOf("1"), digestOf("2")}
	levels     = []signing.Level{"", signing.IndexOrChild, signing.Index, signing.Child, signing.Both}
)

func pick[T any](r *rand.Rand, from ...T) T { return from[r.IntN(len(from))] }

// A world is random facts, and which subjects have a signature that is good by
// how it was made.
type world struct {
	set     fact.Set
	good    map[ref.Digest]bool
	unknown bool
}

func randomWorld(r *rand.Rand) world {
	w := world{good: map[ref.Digest]bool{}}
	img := fact.Image{Name: "ghcr.io/acme/api", Root: ref.Descriptor{Digest: rootDigest}, Class: fact.ClassImage}
	all := []ref.Digest{rootDigest}
	if r.IntN(3) > 0 {
		img.Class = fact.ClassIndex
		for i := range r.IntN(3) {
			img.Platforms = append(img.Platforms, fact.Child{
				Class: fact.ClassImage, Manifest: children[i], Platform: ref.Platform{OS: "linux", Architecture: pick(r, "amd64", "arm64")},
			})
			all = append(all, children[i])
		}
	}
	w.set.Image, w.set.Listings, w.set.Signatures = fact.Of(img), fact.ListOf[fact.Listing](), fact.ListOf[fact.Signature]()
	for _, d := range all {
		part := fact.Of(fact.Listing{Subject: d})
		if r.IntN(12) == 0 {
			w.unknown, part = true, fact.Missing[fact.Listing](fact.Network, "lost")
		}
		w.set.Listings.Parts = append(w.set.Listings.Parts, part)
	}
	for range r.IntN(6) {
		if r.IntN(12) == 0 {
			w.unknown = true
			w.set.Signatures.Parts = append(w.set.Signatures.Parts, fact.Missing[fact.Signature](fact.RateLimited, "429"))
			continue
		}
		sig, good := randomSignature(r, pick(r, append(all, digestOf("9"))...))
		w.good[sig.Subject] = w.good[sig.Subject] || good
		w.set.Signatures.Parts = append(w.set.Signatures.Parts, fact.Of(sig))
	}
	return w
}

func randomSignature(r *rand.Rand, subject ref.Digest) (fact.Signature, bool) {
	p := fact.Proof{Key: "cosign.pub", Root: "sigstore", Logs: []fact.Witness{{ID: "log"}}}
	sig := fact.Signature{Kind: fact.KindSignature, Subject: subject, Claims: []ref.Digest{subject}, State: fact.SignatureVerified}
	good := r.IntN(2) == 0
	if !good {
		// One thing is wrong.
		switch r.IntN(8) {
		case 0:
			p.Key = "other.pub"
		case 1:
			p.Logs = nil
		case 2:
			p.Root = "staging"
		case 3:
			sig.Claims = []ref.Digest{digestOf("f")}
		case 4:
			sig.Claims = nil
		case 5:
			sig.Kind = fact.KindAttestation
		case 6:
			p = fact.Proof{Root: "sigstore", SCT: true, Logs: p.Logs, Identity: &fact.Identity{Issuer: issuer, Subject: "cosign.pub"}}
		default:
			sig.State, sig.Why = pick(r, fact.SignatureUnverifiable, fact.SignatureBroken, fact.SignatureUnsupported), "wrong"
		}
	}
	sig.Proofs = []fact.Proof{p}
	return sig, good
}

// met says by the words of the design whether a level is reached.
func (w world) met(level signing.Level) bool {
	img := w.set.Image.V
	root, all := w.good[img.Root.Digest], len(img.Platforms) > 0
	for _, c := range img.Platforms {
		all = all && w.good[c.Manifest]
	}
	switch {
	case img.Class != fact.ClassIndex || len(img.Platforms) == 0 || level == signing.Index:
		return root
	case level == signing.Child:
		return all
	case level == signing.Both:
		return root && all
	}
	return root || all
}

func evaluate(checks []check.Check, s *fact.Set) (results map[string]check.Result, refused bool) {
	results = map[string]check.Result{}
	for _, c := range checks {
		r := check.Evaluate(c, s)
		results[c.ID] = r
		refused = refused || r.Outcome == check.Fail || r.Outcome == check.Undecided
	}
	return results, refused
}

// A requirement that is not met is always refused, one that is met never; what is
// not known is never called missing; and less evidence is never better.
func TestChecks_properties(t *testing.T) {
	t.Parallel()
	for seed := range uint64(800) {
		r := rand.New(rand.NewPCG(seed, 0))
		w := randomWorld(r)
		rule := &signing.Rule{Level: pick(r, levels...), AnyOf: []signing.Authority{{Key: "cosign.pub"}}}
		checks := signing.Checks(rule, signing.Options{})
		results, refused := evaluate(checks, &w.set)
		met := w.met(rule.Level)
		name := fmt.Sprintf("seed %d, level %q, met %t", seed, rule.Level, met)
		switch {
		case met && (refused || results["SIG001"].Outcome != check.Pass):
			t.Errorf("%s: refused: %s", name, text(t, w.set, results))
		case !met && !refused:
			t.Errorf("%s: not refused: %s", name, text(t, w.set, results))
		}
		if o := results["SIG003"].Outcome; o == check.Fail && w.unknown && rule.Level == "" {
			t.Errorf("%s: SIG003 fails although a good signature may be hidden: %s", name, text(t, w.set, results))
		}
		for what, less := range checktest.Reductions(w.set, fact.Network) {
			if _, now := evaluate(checks, &less); refused && !now {
				t.Errorf("%s: allowed without %s: %s", name, what, text(t, less, results))
			}
		}
		if seed%10 == 0 {
			for _, c := range append(checks, signing.Checks(nil, signing.Options{})...) {
				checktest.Properties(t, c, w.set)
			}
		}
		if t.Failed() {
			return
		}
	}
}

func text(t *testing.T, s fact.Set, results map[string]check.Result) string {
	t.Helper()
	b, err := json.MarshalIndent([]any{s.Image, s.Listings, s.Signatures, results}, "", " ")
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// A rule that cannot be compiled decides nothing.
func TestChecks_of_a_bad_rule(t *testing.T) {
	t.Parallel()
	for _, rule := range []*signing.Rule{
		{},
		{AnyOf: []signing.Authority{{}}},
		{AnyOf: []signing.Authority{{Keyless: &signing.Keyless{Identity: "**"}}}},
		{AnyOf: []signing.Authority{{Keyless: &signing.Keyless{Issuer: issuer}}}},
		{AnyOf: []signing.Authority{{Keyless: &signing.Keyless{Issuer: issuer, Identity: "a", Where: "x"}}}},
		{Attestations: []signing.AttestationRule{{PredicateType: "x", Where: "x"}}},
	} {
		facts := fact.Set{Image: fact.Of(fact.Image{Class: fact.ClassImage}), Listings: fact.ListOf[fact.Listing](), Signatures: fact.ListOf[fact.Signature]()}
		for _, c := range signing.Checks(rule, signing.Options{}) {
			if got := check.Evaluate(c, &facts); got.Outcome != check.Undecided || got.Cause != fact.Internal {
				t.Errorf("%s of %+v: %s %s, want undecided", c.ID, rule, got.Outcome, got.Cause)
			}
		}
	}
}

// adv-SIG-18: no rule counts signatures. What is there twice, as a signature that
// was written in two ways is, is worth what it is once.
func TestASignatureTwiceIsWorthOne(t *testing.T) {
	t.Parallel()
	for seed := range uint64(400) {
		r := rand.New(rand.NewPCG(seed, 2))
		w := randomWorld(r)
		attested := []signing.AttestationRule{{PredicateType: "https://slsa.dev/provenance/v1"}}
		if r.IntN(2) > 0 {
			attested = nil
		}
		rule := &signing.Rule{Level: pick(r, levels...), AnyOf: []signing.Authority{{Key: "cosign.pub"}}, Attestations: attested}
		more := w.set
		more.Signatures = fact.ListOf[fact.Signature]()
		for _, p := range w.set.Signatures.Parts {
			more.Signatures.Parts = append(more.Signatures.Parts, p, p)
		}
		for _, c := range signing.Checks(rule, signing.Options{}) {
			once, twice := check.Evaluate(c, &w.set), check.Evaluate(c, &more)
			if once.Outcome != twice.Outcome || once.Cause != twice.Cause {
				t.Errorf("seed %d, level %q: %s: %s %s, twice %s %s", seed, rule.Level, c.ID, once.Outcome, once.Cause, twice.Outcome, twice.Cause)
			}
		}
	}
}

func BenchmarkChecks(b *testing.B) {
	rule := &signing.Rule{AnyOf: []signing.Authority{{Keyless: &signing.Keyless{
		Issuer: issuer, Identity: "https://github.com/acme/*/x", Where: `certificate.runnerEnvironment == "github-hosted"`,
	}}}}
	w := randomWorld(rand.New(rand.NewPCG(1, 1)))
	for b.Loop() {
		evaluate(signing.Checks(rule, signing.Options{}), &w.set)
	}
}
