package scan

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/intact-dev/intact/pkg/check"
	"github.com/intact-dev/intact/pkg/fact"
	"github.com/intact-dev/intact/pkg/gather"
	"github.com/intact-dev/intact/pkg/gather/signatures"
	"github.com/intact-dev/intact/pkg/image"
	"github.com/intact-dev/intact/pkg/policy"
	"github.com/intact-dev/intact/pkg/policy/signing"
	"github.com/intact-dev/intact/pkg/ref"
	"github.com/intact-dev/intact/pkg/verify"
)

// A Signer gathers signatures as a policy needs them and judges them by it. It
// may be used concurrently.
type Signer struct {
	policy   *policy.Policy
	gatherer *signatures.Gatherer
	// builtinRoot is the copy of Sigstore's root for rules about keys alone.
	builtinRoot func() ([]byte, error)
	// publicRoot fetches Sigstore's public root; called at most once, and only if
	// a rule needs it.
	publicRoot func(context.Context) ([]byte, error)
	// elsewhere returns further repositories that hold signatures of name.
	elsewhere func(name ref.Ref) []ref.Ref
	platforms []ref.Platform // that the user named; nil = all
	clock     func() time.Time

	mu          sync.Mutex
	rootMu      sync.Mutex // held while the public root is fetched
	root        []byte
	rootErr     error
	unavailable map[string]fact.Status
}

// SignerOptions are what a Signer needs beside the policy.
type SignerOptions struct {
	PublicRoot func(context.Context) ([]byte, error)
	// BuiltinRoot returns the copy of Sigstore's root that needs no network: all
	// that a rule about keys alone takes of it is the log's key. nil = PublicRoot.
	BuiltinRoot func() ([]byte, error)
	Elsewhere   func(name ref.Ref) []ref.Ref // nil = nowhere
	Platforms   []ref.Platform
	Clock       func() time.Time
}

// NewSigner returns a Signer for p.
func NewSigner(p *policy.Policy, o SignerOptions) *Signer {
	return &Signer{
		policy: p, gatherer: signatures.New(), publicRoot: o.PublicRoot, builtinRoot: o.BuiltinRoot, elsewhere: o.Elsewhere,
		platforms: o.Platforms, clock: o.Clock, unavailable: map[string]fact.Status{},
	}
}

// Checks returns the SIG checks as the policy's rule for name wants them.
func (s *Signer) Checks(name ref.Ref, where Unsigned) []check.Check {
	return s.policy.SignatureChecks(canonical(name), s.options(where))
}

func (s *Signer) options(where Unsigned) signing.Options {
	o := signing.Options{NotApplicable: where.NotApplicable}
	s.mu.Lock()
	o.Unavailable = maps.Clone(s.unavailable)
	s.mu.Unlock()
	if len(s.platforms) > 0 {
		o.OnlyPlatforms = func(c fact.Child) bool {
			return slices.ContainsFunc(s.platforms, c.Platform.Matches)
		}
	}
	return o
}

// Gather looks for signatures of the root first, and of its children only if
// what is on the root does not settle the rule: each manifest asked for costs
// several requests.
func (s *Signer) Gather(ctx context.Context, place Place, img *image.Image, name ref.Ref) (fact.List[fact.Listing], fact.List[fact.Signature]) {
	verifier, err := s.verifier(ctx, canonical(name))
	if err != nil {
		return fact.MissingList[fact.Listing](fact.Internal, err.Error()), fact.MissingList[fact.Signature](fact.Internal, err.Error())
	}
	rule := s.policy.SignatureRule(canonical(name))
	o := signatures.Options{Attestations: rule != nil && len(rule.Attestations) > 0, At: s.clock()}
	places := s.places(place, img, name)
	root := []signatures.Subject{{Digest: img.Root.Doc.Digest, Bytes: img.Root.Raw}}
	listings, found := s.gatherer.Gather(ctx, places, root, verifier, o)
	children := s.children(img, rule != nil)
	if len(children) == 0 || rule != nil && s.settled(img, name, listings, found) {
		return listings, found
	}
	moreListings, more := s.gatherer.Gather(ctx, places, children, verifier, o)
	listings.Parts = append(listings.Parts, moreListings.Parts...)
	found.Parts = append(found.Parts, more.Parts...)
	return listings, found
}

// settled reports whether the rule is met by what is attached to the root.
func (s *Signer) settled(img *image.Image, name ref.Ref, listings fact.List[fact.Listing], found fact.List[fact.Signature]) bool {
	set := &fact.Set{Image: gather.Image(img, canonical(name)), Listings: listings, Signatures: found}
	for _, c := range s.Checks(name, Unsigned{}) {
		if o := check.Evaluate(c, set).Outcome; o == check.Fail || o == check.Undecided {
			return false
		}
	}
	return true
}

// children are the platforms whose signatures count: with a rule all that the
// user did not leave out, without one those whose layers are read.
func (s *Signer) children(img *image.Image, ruled bool) []signatures.Subject {
	var out []signatures.Subject
	for _, c := range img.Children {
		named := len(s.platforms) == 0 || slices.ContainsFunc(s.platforms, c.Platform.Matches)
		if c.Manifest == nil || c.Manifest == img.Root || !c.Manifest.Right() || !c.Runnable() || !named || !ruled && !c.Selected {
			continue
		}
		out = append(out, signatures.Subject{Digest: c.Desc.Digest, Bytes: c.Manifest.Raw, Platform: c.Platform})
	}
	return out
}

func (s *Signer) places(place Place, img *image.Image, name ref.Ref) []signatures.Place {
	places := []signatures.Place{{Source: place.Source, Referrer: place.Referrer, Listings: place.Listings, Repository: img.Ref}}
	if s.elsewhere == nil || !place.Proves().Tags {
		return places
	}
	for _, r := range s.elsewhere(name) {
		places = append(places, signatures.Place{Source: place.Source, Referrer: place.Referrer, Listings: place.Listings, Repository: r})
	}
	return places
}

// verifier returns what verifies signatures of image. Without the public root
// the others are still tried; what then cannot be decided says why.
func (s *Signer) verifier(ctx context.Context, image string) (*verify.Verifier, error) {
	trust := s.policy.Trust(image)
	t := verify.Trust{Predicates: s.policy.PredicateTypes()}
	for _, k := range trust.Keys {
		t.Keys = append(t.Keys, verify.Key{Name: k.Name, PEM: k.PEM})
	}
	for _, r := range trust.Roots {
		t.Roots = append(t.Roots, verify.Root{Name: r.Name, JSON: r.JSON})
	}
	if trust.Public {
		if b, err := s.rootFor(ctx, s.policy.SignatureRule(image)); err == nil {
			t.Roots = append(t.Roots, verify.Root{Name: policy.PublicRoot, JSON: b})
		}
	}
	v, err := verify.New(t)
	if err != nil {
		return nil, fmt.Errorf("prepare verification: %w", err)
	}
	return v, nil
}

// rootFor returns the public root as the rule needs it: runs with keys alone
// touch no network but the registry's.
func (s *Signer) rootFor(ctx context.Context, rule *signing.Rule) ([]byte, error) {
	if s.builtinRoot == nil || rule == nil || keyless(rule) {
		return s.public(ctx)
	}
	return s.builtinRoot()
}

func keyless(rule *signing.Rule) bool {
	all := slices.Clone(rule.AnyOf)
	for _, a := range rule.Attestations {
		all = append(all, a.AnyOf...)
	}
	return slices.ContainsFunc(all, func(a signing.Authority) bool { return a.Keyless != nil })
}

// public fetches the public root once. That one target's time ran out says
// nothing about the next one's, so only that is tried again.
func (s *Signer) public(ctx context.Context) ([]byte, error) {
	s.rootMu.Lock()
	defer s.rootMu.Unlock()
	if s.root != nil || s.rootErr != nil {
		return s.root, s.rootErr
	}
	root, err := s.publicRoot(ctx)
	s.mu.Lock()
	defer s.mu.Unlock()
	if err == nil {
		s.root = root
		delete(s.unavailable, policy.PublicRoot)
		return root, nil
	}
	s.unavailable[policy.PublicRoot] = fact.Status{Cause: image.CauseOf(err), Why: "the trust root cannot be built: " + err.Error()}
	if ctx.Err() == nil {
		s.rootErr = err
	}
	return nil, err
}
