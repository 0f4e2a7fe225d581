// Package signing judges signatures and attestations by the signature rules of
// a policy. It is pure: facts and rules in, checks out.
package signing

import "github.com/intact-dev/intact/pkg/fact"

// A Rule says who must have signed the images that it is for.
type Rule struct {
	Name string `json:"name,omitempty" yaml:"name" doc:"for messages"`
	// Images are patterns as written. This package reads them only to tell which
	// captures there are; matching is the caller's.
	Images []string `json:"images" yaml:"images" required:"true" doc:"patterns of repositories: exact, prefix/** or **; a segment may be a {capture}"`
	// Level is IndexOrChild if "".
	Level Level `json:"level,omitempty" yaml:"level" enum:"index-or-child|index|child|both" doc:"what must be signed of a multi-platform image"`
	// AnyOf are the authorities of which one is enough. Empty only with None, or if
	// the rule is about attestations that name their own.
	AnyOf        []Authority       `json:"anyOf,omitempty" yaml:"anyOf" doc:"who may have signed; one is enough"`
	Attestations []AttestationRule `json:"attestations,omitempty" yaml:"attestations" doc:"attestations that must be there, all of them"`
	// None says that no signature is meant to be there.
	None bool `json:"none,omitempty" yaml:"none" doc:"true: these images need no signature"`
}

// A Level says which manifests of an index a signature must be on. The zero
// value means IndexOrChild.
type Level string

// Levels.
const (
	IndexOrChild Level = "index-or-child" // on the index, or on every runnable child
	Index        Level = "index"
	Child        Level = "child" // on every runnable child
	Both         Level = "both"
)

// An Authority is one party whose signature is accepted: the holder of a key, or
// of an identity that a certificate authority vouched for. Exactly one of Keyless
// and Key is set.
type Authority struct {
	Name    string   `json:"name,omitempty" yaml:"name" doc:"for messages"`
	Keyless *Keyless `json:"keyless,omitempty" yaml:"keyless" doc:"an identity in a certificate"`
	// Key is the name of a key, compared with [fact.Proof] Key.
	Key string `json:"key,omitempty" yaml:"key" doc:"a file with a public key"`
	// TransparencyLog is Required if "". A timestamp does not replace it.
	TransparencyLog Requirement `json:"transparencyLog,omitempty" yaml:"transparencyLog" enum:"required|not-required" doc:"whether the signature must be in a transparency log; default required"`
	// SCT is the caller's default if "", and Required if that is "" too. It is
	// about certificates: a key has none.
	SCT Requirement `json:"sct,omitempty" yaml:"sct" enum:"required|not-required" doc:"whether the certificate must be in a certificate transparency log; default trust.sct"`
	// Roots are names of trust roots, compared with [fact.Proof] Root; the
	// caller's default if empty.
	Roots []string `json:"roots,omitempty" yaml:"roots" doc:"trust roots that count: sigstore, or trusted_root.json files; default trust.roots"`
}

// A Requirement says whether something must be there. The zero value means the
// default, which is Required.
type Requirement string

// Requirements.
const (
	Required    Requirement = "required"
	NotRequired Requirement = "not-required"
)

// A Keyless authority is an identity. Exactly one of Identity and IdentityRegexp
// is set; both are matched against the whole subject of the certificate and may
// hold captures of the rule's Images.
type Keyless struct {
	Issuer string `json:"issuer" yaml:"issuer" required:"true" doc:"the OIDC issuer, exact"`
	// Identity is a pattern in which * stops at /, ** does not, and \* is a star.
	Identity       string `json:"identity,omitempty" yaml:"identity" doc:"the certificate's subject; * stops at /, ** does not"`
	IdentityRegexp string `json:"identityRegexp,omitempty" yaml:"identityRegexp" doc:"the certificate's subject as a regular expression (RE2) that must match all of it"`
	// Where is a CEL expression over certificate; "" is true.
	Where string `json:"where,omitempty" yaml:"where" doc:"CEL over certificate; must be true"`
}

// An AttestationRule says which attestation must be there.
type AttestationRule struct {
	PredicateType string `json:"predicateType" yaml:"predicateType" required:"true" doc:"exact"`
	// Where is a CEL expression over predicate and certificate; "" is true.
	Where string `json:"where,omitempty" yaml:"where" doc:"CEL over predicate and certificate; must be true"`
	// AnyOf is the rule's own if empty.
	AnyOf []Authority `json:"anyOf,omitempty" yaml:"anyOf" doc:"who may have signed it; default the rule's"`
}

// Options are what the engine knows beside the facts. The zero value is a source
// that can carry signatures, the public root, and everything loaded.
type Options struct {
	// NotApplicable is why the source cannot carry signatures, or "".
	NotApplicable string
	// Roots are the default of Authority.Roots; [DefaultRoot] if empty.
	Roots []string
	// SCT is the default of Authority.SCT.
	SCT Requirement
	// Unavailable says, by the name of a key or trust root, why it could not be
	// built. What is not in it is available.
	Unavailable map[string]fact.Status
	// OnlyPlatforms is set if the user named platforms: only children that it
	// accepts must be covered. nil accepts all.
	OnlyPlatforms func(fact.Child) bool
}

// DefaultRoot is the name of the public Sigstore root.
const DefaultRoot = "sigstore"
