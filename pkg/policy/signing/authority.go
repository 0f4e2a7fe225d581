package signing

import (
	"fmt"
	"slices"
	"strings"

	"github.com/intact-dev/intact/pkg/fact"
	"github.com/intact-dev/intact/pkg/policy/expr"
	"github.com/intact-dev/intact/pkg/ref"
)

// A standing is what one signature is worth for one requirement. Its order is
// that in which one of several is the cause to name.
type standing int

const (
	unverifiable standing = iota // under nothing that was given; the zero value
	replayed                     // made for another image
	broken                       // wrong under its own claim
	refused                      // by a party that is not allowed
	short                        // by the right party, but not logged or not vouched for as required
	unsupported                  // cannot be examined
	open                         // a condition could not be decided
	good
)

// An opinion is a standing with its reason.
type opinion struct {
	standing
	sig   *fact.Signature
	why   string
	cause fact.Cause // of open
}

// An authority is an Authority made ready.
type authority struct {
	Authority
	matches func(subject string) bool
	where   *expr.Where
	roots   []string
	log     bool
	sct     bool
}

func prepare(all []Authority, opts Options) ([]authority, error) {
	var out []authority
	for _, a := range all {
		p := authority{Authority: a, roots: a.Roots, log: a.TransparencyLog != NotRequired}
		if len(p.roots) == 0 {
			p.roots = opts.Roots
		}
		if len(p.roots) == 0 {
			p.roots = []string{DefaultRoot}
		}
		sct := a.SCT
		if sct == "" {
			sct = opts.SCT
		}
		p.sct = sct != NotRequired
		switch {
		case (a.Keyless == nil) == (a.Key == ""):
			return nil, fmt.Errorf("authority %q: not exactly one of key and keyless is set", a.Name)
		case a.Keyless != nil:
			if a.Keyless.Issuer == "" {
				return nil, fmt.Errorf("authority %q: no issuer", a.Name)
			}
			var err error
			if p.matches, err = compileIdentity(a.Keyless); err != nil {
				return nil, fmt.Errorf("authority %q: %w", a.Name, err)
			}
			if a.Keyless.Where != "" {
				if p.where, err = expr.CompileWhere(a.Keyless.Where); err != nil {
					return nil, fmt.Errorf("authority %q: %w", a.Name, err)
				}
			}
		}
		out = append(out, p)
	}
	return out, nil
}

// judge says what sig is worth if one of anyOf must have made it and, for an
// attestation, where must hold.
func judge(sig *fact.Signature, anyOf []authority, where *expr.Where) opinion {
	o := opinion{sig: sig, why: sig.Why}
	claims := slices.ContainsFunc(sig.Claims, func(d ref.Digest) bool { return d == sig.Subject && d != "" })
	comparable := slices.ContainsFunc(sig.Claims, func(d ref.Digest) bool { return d.Comparable(sig.Subject) })
	switch {
	case sig.State == fact.SignatureBroken:
		o.standing = broken
	case sig.State == fact.SignatureUnsupported:
		o.standing = unsupported
	case len(sig.Claims) > 0 && comparable && !claims:
		o.standing, o.why = replayed, "it was made for "+string(sig.Claims[0])
	case sig.State == fact.SignatureVerified && !claims:
		o.standing, o.why = unsupported, "what it signs cannot be compared with the digest of this image"
	case sig.State == fact.SignatureVerified:
		for _, p := range sig.Proofs {
			for _, a := range anyOf {
				if got := a.judge(p, sig, where); got.standing > o.standing {
					o = got
				}
			}
		}
		o.sig = sig
	}
	return o
}

func (a authority) judge(p fact.Proof, sig *fact.Signature, where *expr.Where) opinion {
	switch {
	case a.Keyless == nil && p.Key != a.Key:
		return opinion{standing: refused}
	case a.Keyless != nil && (p.Key != "" || p.Identity == nil || p.Identity.Issuer != a.Keyless.Issuer || !a.matches(p.Identity.Subject)):
		return opinion{standing: refused}
	case a.Keyless != nil && !slices.Contains(a.roots, p.Root):
		return opinion{standing: refused, why: fmt.Sprintf("the trust root %q is not one of %s", p.Root, strings.Join(a.roots, ", "))}
	}
	for _, w := range []*expr.Where{a.where, where} {
		if w == nil {
			continue
		}
		d := w.Judge(expr.Input{Certificate: p.Identity, Predicate: sig.Predicate})
		if d.Undecided {
			return opinion{standing: open, cause: d.Cause, why: fmt.Sprintf("where %q: %s", w, d.Why)}
		}
		if !d.Holds {
			return opinion{standing: refused, why: fmt.Sprintf("where %q refuses it: %s", w, d.Why)}
		}
	}
	// A log counts if a root that is accepted knows it.
	if a.log && (len(p.Logs) == 0 || !slices.Contains(a.roots, p.Root)) {
		why := "it is in no transparency log of an accepted trust root"
		if len(p.Times) > 0 {
			why += "; a timestamp does not replace it"
		}
		return opinion{standing: short, why: why}
	}
	if a.Keyless != nil && a.sct && !p.SCT {
		return opinion{standing: short, why: "its certificate is in no certificate transparency log (no SCT)"}
	}
	return opinion{standing: good}
}

// signer says who made a signature, from what was proved if anything was.
func signer(sig *fact.Signature) string {
	var names []string
	add := func(s string) {
		if !slices.Contains(names, s) {
			names = append(names, s)
		}
	}
	for _, p := range sig.Proofs {
		if p.Identity != nil {
			add(identity(p.Identity))
		} else if p.Key != "" {
			add(fmt.Sprintf("key %q", p.Key))
		}
	}
	if len(names) == 0 && sig.ClaimedSigner != nil {
		return identity(sig.ClaimedSigner) + ", as its certificate says, not verified"
	}
	return strings.Join(names, " and ")
}

func identity(id *fact.Identity) string {
	return fmt.Sprintf("%q (issuer %q)", id.Subject, id.Issuer)
}
