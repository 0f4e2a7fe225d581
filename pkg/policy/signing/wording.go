package signing

import (
	"fmt"
	"slices"
	"strings"

	"github.com/intact-dev/intact/pkg/check"
	"github.com/intact-dev/intact/pkg/fact"
	"github.com/intact-dev/intact/pkg/ref"
)

// missing is what SIG001 says of a group; nil if another check names the cause.
func (j *judgement) missing(s *fact.Set, g group) *check.Finding {
	if g.id() != "SIG001" {
		return nil
	}
	name := j.name(s, g)
	f := &check.Finding{Fix: j.sign(s, []group{g})}
	switch {
	case g.none:
		f.Message = fmt.Sprintf("no signature is found on %s", name)
	case g.worst.standing == short:
		f.Message = fmt.Sprintf("the signature on %s is by %s, but %s", name, signer(g.worst.sig), g.worst.why)
		if strings.Contains(g.worst.why, "transparency log") {
			f.Fix += ", with a log; or accept it without one: transparencyLog: not-required beside the key (--insecure-ignore-tlog with --key)"
		}
	default:
		f.Message = fmt.Sprintf("no signature on %s is verifiable with the keys and roots given (%d found)", name, g.count)
		if who := signer(g.worst.sig); who != "" {
			f.Message += "; one is by " + who
		}
	}
	return f
}

// name names the manifests of a group: the image, or the index and platforms.
func (j *judgement) name(s *fact.Set, g group) string {
	var names []string
	for _, d := range g.subjects {
		switch {
		case d != s.Image.V.Root.Digest:
			names = append(names, platform(s.Image.V, d))
		case s.Image.V.Class == fact.ClassIndex:
			names = append(names, "the index")
		default:
			names = append(names, "the image")
		}
	}
	if len(names) < 2 {
		return strings.Join(names, "")
	}
	last := len(names) - 1
	if g.each || names[0] != "the index" {
		return strings.Join(names[:last], ", ") + " and " + names[last]
	}
	// One signature on the index would do for all.
	if len(names) > 2 {
		return "the index, or on each of " + strings.Join(names[1:last], ", ") + " and " + names[last]
	}
	return "the index or " + names[last]
}

// platform names a child by its platform, or by its digest if it has none.
func platform(img fact.Image, d ref.Digest) string {
	for _, c := range img.Platforms {
		if p := c.Platform.String(); c.Manifest == d && p != "" {
			return quoteOdd(p)
		}
	}
	return string(d)
}

// quoteOdd quotes a platform unless it looks like one.
func quoteOdd(s string) string {
	if q := fmt.Sprintf("%q", s); q != `"`+s+`"` || strings.ContainsAny(s, " ,;") {
		return q
	}
	return s
}

func (j *judgement) names(s *fact.Set, groups []group) string {
	var out []string
	for _, g := range groups {
		out = append(out, j.name(s, g))
	}
	return strings.Join(out, ", ")
}

func repository(s *fact.Set) string {
	if s.Image.V.Name == "" {
		return "REPOSITORY"
	}
	return s.Image.V.Name
}

// signer options of cosign for the first authority, and who has to run it.
func flags(anyOf []authority) (option, as string) {
	if len(anyOf) == 0 {
		return "", ""
	}
	a := anyOf[0]
	if a.Keyless == nil {
		return "--key " + strings.TrimSuffix(a.Key, ".pub") + ".key ", ""
	}
	id := a.Keyless.Identity
	if id == "" {
		id = a.Keyless.IdentityRegexp
	}
	return "", fmt.Sprintf(" as %q (issuer %q)", id, a.Keyless.Issuer)
}

// sign says how to make a signature that the rule accepts.
func (j *judgement) sign(s *fact.Set, groups []group) string {
	option, as := flags(j.signature.anyOf)
	recursive := ""
	if slices.ContainsFunc(groups, func(g group) bool { return g.each || !slices.Contains(g.subjects, s.Image.V.Root.Digest) }) {
		recursive = "--recursive "
	}
	return fmt.Sprintf("cosign sign %s%s%s@%s%s", recursive, option, repository(s), s.Image.V.Root.Digest, as)
}

// attest says how to make an attestation that the rule accepts.
func (j *judgement) attest(s *fact.Set, r requirement, groups []group) string {
	option, as := flags(r.anyOf)
	var out []string
	for _, g := range groups {
		for i, d := range g.subjects {
			if i == 0 || g.each {
				out = append(out, fmt.Sprintf("cosign attest --type %s --predicate FILE %s%s@%s", r.predicateType, option, repository(s), d))
			}
		}
	}
	text := strings.Join(out, " and ") + as
	if r.where != nil {
		text += fmt.Sprintf(", with a predicate for which %q holds", r.where)
	}
	return text
}

// allow says how to sign as one of those that are allowed, or how to allow who
// signed.
func (j *judgement) allow(s *fact.Set, g group) string {
	fix := j.sign(s, []group{g})
	if g.worst.why != "" {
		return fix
	}
	for _, p := range g.worst.sig.Proofs {
		switch {
		case p.Identity != nil:
			return fix + fmt.Sprintf(", or, if you trust them, under anyOf: {keyless: {issuer: %q, identity: %q}}", p.Identity.Issuer, escapeGlob(p.Identity.Subject))
		case p.Key != "":
			return fix + fmt.Sprintf(", or, if you trust it, under anyOf: {key: %q}", p.Key)
		}
	}
	return fix
}

// remove says how to get rid of a bad signature: a good one makes it harmless
// where a rule can be met, else it has to go.
func (j *judgement) remove(s *fact.Set, sig *fact.Signature, bare []group) string {
	if j.signature != nil {
		return j.sign(s, bare)
	}
	if sig.Artifact != "" {
		place := sig.Place
		if place == "" {
			place = repository(s)
		}
		return fmt.Sprintf("crane delete %s@%s", place, sig.Artifact)
	}
	return fmt.Sprintf("cosign clean --type signature %s@%s", repository(s), sig.Subject)
}
