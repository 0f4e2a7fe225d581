package policy

import (
	"errors"
	"fmt"
	"slices"

	"github.com/intact-dev/intact/pkg/policy/signing"
)

// A SignatureOverride is what a command line puts in the place of a policy's
// signature rules and trust roots.
type SignatureOverride struct {
	// AnyOf are the only accepted signers, for all images. With none the policy's
	// rules stay.
	AnyOf []signing.Authority
	// Keys hold the keys that AnyOf names.
	Keys []Key
	// Roots, if any, are the only trust roots there are.
	Roots []Root
	// SCT is the policy's if "".
	SCT signing.Requirement
}

// commandLine is the origin of what an override decides.
const commandLine = "command line"

// WithSignatures returns a copy of p with o in the place of its signature rules.
// With o.AnyOf every image must be signed by one of them: SIG is denied
// everywhere, whatever scopes or since say, without the policy's exceptions, which
// are from its own rules, and undecided where it cannot be told, also with
// `undecided: warn`. The copy has another digest.
func (p *Policy) WithSignatures(o SignatureOverride) (*Policy, error) {
	if p.layers == nil {
		return nil, errors.New("override signature rules: no policy was loaded")
	}
	rule := &signing.Rule{Name: commandLine, Images: []string{"**"}, AnyOf: slices.Clone(o.AnyOf)}
	q := *p
	override := &canonicalFile{Policy: document{Schema: Schema, Name: commandLine, Trust: &trustDoc{SCT: string(o.SCT)}}, Files: map[string][]byte{}}
	if o.Roots != nil {
		q.roots, q.defaultRoots = map[string]Root{}, nil
		for _, r := range o.Roots {
			q.roots[r.Name] = r
			q.defaultRoots = append(q.defaultRoots, r.Name)
			override.Files["root "+r.Name] = r.JSON
		}
		q.signatures = slices.Clone(p.signatures)
		for i, s := range q.signatures {
			q.signatures[i].rule = withoutRoots(s.rule)
		}
	}
	if o.AnyOf != nil {
		q.keys = map[string]Key{}
		for _, k := range o.Keys {
			if err := checkKey(k.PEM); err != nil {
				return nil, fmt.Errorf("override signature rules: key %q: %w", k.Name, err)
			}
			q.keys[k.Name] = k
			override.Files["key "+k.Name] = k.PEM
		}
		for _, e := range rule.Validate() {
			return nil, fmt.Errorf("override signature rules: %w", e)
		}
		for _, a := range o.AnyOf {
			if _, ok := q.keys[a.Key]; a.Key != "" && !ok {
				return nil, fmt.Errorf("override signature rules: the key %q is not there", a.Key)
			}
		}
		q.signatures = []signatureRule{{pattern: pattern{text: "**", prefix: true}, rule: rule}}
		q.layers = append(slices.Clone(p.layers), layer{origin: commandLine, levels: map[string]Level{"SIG": LevelDeny}, exact: true})
		q.signerAsked = true
		ofSignatures := func(id string) bool { return familyOf(id) == "SIG" }
		q.exceptions = slices.DeleteFunc(slices.Clone(p.exceptions), func(e *Exception) bool { return ofSignatures(e.Check) })
		q.allowInline = slices.DeleteFunc(slices.Clone(p.allowInline), ofSignatures)
		override.Policy.Signatures = []signing.Rule{*rule}
	}
	if o.SCT != "" {
		q.sctOptional = o.SCT == signing.NotRequired
	}
	var err error
	q.digest, err = digestOf(p.sources, override)
	return &q, err
}

// withoutRoots is rule with authorities that count the default roots.
func withoutRoots(rule *signing.Rule) *signing.Rule {
	clear := func(list []signing.Authority) []signing.Authority {
		out := slices.Clone(list)
		for i := range out {
			out[i].Roots = nil
		}
		return out
	}
	r := *rule
	r.AnyOf = clear(rule.AnyOf)
	r.Attestations = slices.Clone(rule.Attestations)
	for i := range r.Attestations {
		r.Attestations[i].AnyOf = clear(r.Attestations[i].AnyOf)
	}
	return &r
}
