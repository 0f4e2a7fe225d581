package fact

import (
	"encoding/json"
	"time"

	"github.com/intact-dev/intact/pkg/ref"
)

// Forms in which signatures and attestations are stored.
const (
	FormSigTag      = "sig-tag"      // cosign's sha256-….sig
	FormAttTag      = "att-tag"      // cosign's sha256-….att
	FormReferrers   = "referrers"    // the OCI 1.1 referrers API
	FormFallbackTag = "fallback-tag" // sha256-…, without a suffix
	FormLayout      = "layout"       // subject or annotations in an OCI layout
)

// A Listing is one place in which signatures of one digest were looked for.
type Listing struct {
	Form     string       `json:"form"`
	Place    string       `json:"place"` // canonical repository
	Subject  ref.Digest   `json:"subject"`
	Platform ref.Platform `json:"platform,omitzero"` // of the subject; zero = the root
	Found    int          `json:"found"`             // signatures and attestations
	// Other counts referrers that are neither (SBOMs, artifacts of other kinds).
	Other int `json:"other,omitempty"`
	// Unread describes found objects of a form that cannot be read (Notation).
	Unread []string `json:"unread,omitempty"`
}

// A SignatureKind tells signatures from attestations.
type SignatureKind string

// Kinds of signed objects.
const (
	KindSignature   SignatureKind = "signature"
	KindAttestation SignatureKind = "attestation"
)

// A SignatureState is what verification found, policy aside.
type SignatureState string

// States of a signature. The zero value is not verified.
const (
	SignatureUnverifiable SignatureState = ""         // under no key or root given
	SignatureVerified     SignatureState = "verified" // by each of Proofs
	SignatureBroken       SignatureState = "broken"   // wrong under its own claim
	SignatureUnsupported  SignatureState = "unsupported"
)

// A Signature is one signed object attached to an image.
type Signature struct {
	Form     string         `json:"form"`
	Place    string         `json:"place"`
	Subject  ref.Digest     `json:"subject"`            // what it is attached to
	Platform ref.Platform   `json:"platform,omitzero"`  // of the subject; zero = the root
	Artifact ref.Digest     `json:"artifact,omitempty"` // of the object that carries it
	Kind     SignatureKind  `json:"kind"`
	State    SignatureState `json:"state"`
	Why      string         `json:"why,omitempty"` // when not verified

	// Claims are the digests that the signed payload speaks of. If Subject is not
	// among them the signature belongs to another image. Empty = not readable.
	Claims []ref.Digest `json:"claims,omitempty"`
	// ClaimedSigner is what an embedded certificate says, verified or not. For
	// messages only; Proofs decide.
	ClaimedSigner *Identity `json:"claimedSigner,omitempty"`
	Proofs        []Proof   `json:"proofs,omitempty"`

	PredicateType string            `json:"predicateType,omitempty"`
	Predicate     json.RawMessage   `json:"predicate,omitempty"` // decoded only for types that a rule names
	Annotations   map[string]string `json:"annotations,omitempty"`
}

// A Proof is one key or trust root under which a signature verified, and how
// much of it was proved.
type Proof struct {
	Key      string    `json:"key,omitempty"`  // verify.Key's Name; "" = keyless
	Root     string    `json:"root,omitempty"` // verify.Root's Name
	Identity *Identity `json:"identity,omitempty"`
	Logs     []Witness `json:"logs,omitempty"`       // distinct transparency logs, verified
	Times    []Witness `json:"timestamps,omitempty"` // distinct timestamp authorities, verified
	SCT      bool      `json:"sct,omitempty"`        // certificate timestamp verified
}

// A Witness is a log or timestamp authority that proved a time.
type Witness struct {
	ID string    `json:"id"` // key or certificate fingerprint
	At time.Time `json:"at,omitzero"`
}

// An Identity is what a signing certificate says about its holder.
type Identity struct {
	Issuer  string `json:"issuer"`
	Subject string `json:"subject"` // the subject alternative name
	// Extensions are Fulcio's, by their names in its documentation
	// ("runnerEnvironment", "sourceRepositoryURI", …).
	//
	// https://github.com/sigstore/fulcio/blob/main/docs/oid-info.md
	Extensions map[string]string `json:"extensions,omitempty"`
}
