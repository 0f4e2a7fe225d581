// Package attest writes a verdict as a signed in-toto statement: a SLSA
// Verification Summary in a Sigstore bundle, so that others can require it.
package attest

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/intact-dev/intact/pkg/policy"
	"github.com/intact-dev/intact/pkg/ref"
)

// Types in a statement.
const (
	StatementType = "https://in-toto.io/Statement/v1"
	PredicateType = "https://slsa.dev/verification_summary/v1"
	PayloadType   = "application/vnd.in-toto+json"
)

// DefaultVerifier is who verified if nobody else is named.
const DefaultVerifier = "https://github.com/intact-dev/intact"

// Extension is the name of the field that holds what the summary has no word for;
// the specification wants a URI as its name.
const Extension = "https://github.com/intact-dev/intact/verdict/v1"

// ErrUndecided is why there is no statement: what was not examined is neither
// passed nor failed.
var ErrUndecided = errors.New("the verdict is undecided, and what is undecided is not attested")

// A Verdict is what is attested.
type Verdict struct {
	Decision policy.Decision
	// Image is the reference that was judged, with its tag if it was asked by one;
	// its digest is not used.
	Image ref.Ref
	// Digest is that of the image's root: of the index if there is one.
	Digest ref.Digest
	// Manifests are further subjects: the manifests of platforms that were examined.
	Manifests []Manifest
	Policy    Policy
	Verifier  string    // a URI; "" = [DefaultVerifier]
	Version   string    // of this program
	Time      time.Time // when it was verified
	Depth     policy.Depth
	// Platforms are those whose layers were read, "" = the only one.
	Platforms []string
	NotAsked  []string // what was left out, in words
	Failed    []string // IDs of the checks that were refused
	Warned    []string // IDs of the checks that were warned about
	// AcceptedUndecided is how many undecided results the policy accepts.
	AcceptedUndecided int
}

// A Manifest is one platform's.
type Manifest struct {
	Platform string
	Digest   ref.Digest
}

// A Policy is what judged. Digest covers what it extends, its keys and its roots.
type Policy struct{ Name, Digest string }

type statement struct {
	Type          string     `json:"_type"`
	Subject       []resource `json:"subject"`
	PredicateType string     `json:"predicateType"`
	Predicate     predicate  `json:"predicate"`
}

// A resource is an in-toto ResourceDescriptor.
type resource struct {
	Name        string            `json:"name,omitempty"`
	URI         string            `json:"uri,omitempty"`
	Digest      map[string]string `json:"digest,omitempty"`
	Annotations map[string]string `json:"annotations,omitempty"`
}

// A predicate is a Verification Summary.
//
// https://slsa.dev/spec/v1.1/verification_summary
type predicate struct {
	Verifier struct {
		ID      string            `json:"id"`
		Version map[string]string `json:"version,omitempty"`
	} `json:"verifier"`
	TimeVerified string    `json:"timeVerified"`
	ResourceURI  string    `json:"resourceUri"`
	Policy       resource  `json:"policy"`
	Result       string    `json:"verificationResult"`
	Levels       []string  `json:"verifiedLevels"`
	SLSAVersion  string    `json:"slsaVersion"`
	Extension    extension `json:"https://github.com/intact-dev/intact/verdict/v1"`
}

type extension struct {
	Decision          policy.Decision `json:"decision"` // allow, warn or deny
	Depth             policy.Depth    `json:"depth"`
	Platforms         []string        `json:"platforms"` // whose layers were read
	NotAsked          []string        `json:"notAsked,omitempty"`
	Failed            []string        `json:"failed,omitempty"`
	Warned            []string        `json:"warned,omitempty"`
	AcceptedUndecided int             `json:"acceptedUndecided,omitempty"`
}

// Statement is v as an in-toto statement, in JSON. It is PASSED only if v is allow
// or warn and FAILED if it is deny; anything else is [ErrUndecided].
func Statement(v Verdict) ([]byte, error) {
	p := predicate{TimeVerified: v.Time.UTC().Format(time.RFC3339), ResourceURI: ResourceURI(v.Image), SLSAVersion: "1.1"}
	switch v.Decision {
	case policy.Allow, policy.Warn:
		// A level of our own, and that none of SLSA's was looked at.
		p.Result, p.Levels = "PASSED", []string{"INTACT_" + strings.ToUpper(v.Decision.String()), "SLSA_BUILD_LEVEL_UNEVALUATED"}
	case policy.Deny:
		p.Result, p.Levels = "FAILED", []string{"FAILED"}
	default:
		return nil, ErrUndecided
	}
	if err := v.check(); err != nil {
		return nil, err
	}
	p.Verifier.ID = v.Verifier
	if v.Verifier == "" {
		p.Verifier.ID = DefaultVerifier
	}
	if v.Version != "" {
		p.Verifier.Version = map[string]string{"intact": v.Version}
	}
	p.Policy = resource{URI: "intact:policy/" + url.PathEscape(v.Policy.Name), Digest: digestSet(ref.Digest(v.Policy.Digest))}
	p.Extension = extension{
		Decision: v.Decision, Depth: v.Depth, Platforms: append([]string{}, v.Platforms...), NotAsked: v.NotAsked,
		Failed: v.Failed, Warned: v.Warned, AcceptedUndecided: v.AcceptedUndecided,
	}
	s := statement{Type: StatementType, PredicateType: PredicateType, Predicate: p}
	s.Subject = []resource{{Name: v.Image.Canonical(), Digest: digestSet(v.Digest)}}
	for _, m := range v.Manifests {
		if !slices.ContainsFunc(s.Subject, func(r resource) bool { return r.Digest[m.Digest.Algorithm()] == m.Digest.Hex() }) {
			s.Subject = append(s.Subject, resource{Name: v.Image.Canonical(), Digest: digestSet(m.Digest), Annotations: map[string]string{"platform": m.Platform}})
		}
	}
	return json.Marshal(s)
}

func (v Verdict) check() error {
	if v.Image.Repository() == "" {
		return errors.New("a statement about an image without a repository")
	}
	digests := []ref.Digest{v.Digest, ref.Digest(v.Policy.Digest)}
	for _, m := range v.Manifests {
		digests = append(digests, m.Digest)
	}
	for _, d := range digests {
		if _, err := ref.ParseDigest(string(d)); err != nil {
			return fmt.Errorf("a statement about %q: %w", v.Image.Canonical(), err)
		}
	}
	switch {
	case v.Time.IsZero():
		return errors.New("a statement without a time")
	case v.Policy.Name == "":
		return errors.New("a statement without a policy")
	case v.Verifier == "":
		return nil
	}
	return CheckVerifier(v.Verifier)
}

// CheckVerifier says what is wrong with the name of a verifier.
func CheckVerifier(id string) error {
	if u, err := url.Parse(id); err != nil || u.Scheme == "" || u.Scheme != strings.ToLower(u.Scheme) {
		return fmt.Errorf("the verifier %q is no URI", id)
	}
	return nil
}

// ResourceURI is what a statement calls the image: oci://HOST/REPOSITORY, and :TAG
// if it was asked by one. Whoever requires the statement compares it.
func ResourceURI(image ref.Ref) string {
	s := "oci://" + image.Canonical()
	if image.Tag != "" {
		s += ":" + image.Tag
	}
	return s
}

func digestSet(d ref.Digest) map[string]string { return map[string]string{d.Algorithm(): d.Hex()} }
