package signing

import (
	"fmt"
	"slices"
	"strings"

	"github.com/intact-dev/intact/pkg/fact"
	"github.com/intact-dev/intact/pkg/policy/expr"
	"github.com/intact-dev/intact/pkg/ref"
)

// A requirement is one thing that must be signed: the image, or an attestation
// about it.
type requirement struct {
	kind          fact.SignatureKind
	predicateType string
	level         Level
	anyOf         []authority
	where         *expr.Where
	opts          Options
}

// A group is manifests of which one signature, or one on each, would be enough,
// and what there is instead.
type group struct {
	subjects []ref.Digest
	each     bool    // each of them has to be signed
	worst    opinion // the cause to name
	none     bool    // nothing is there at all
	count    int
}

// A finding of what is missing. The zero value is not met and not explained.
type assessment struct {
	met        bool
	otherLevel bool    // met, but not on the manifests that the level names
	groups     []group // not covered; empty if met or otherLevel
	gaps       gaps    // that could hide what is missing
	anyGaps    gaps    // the same for all manifests, whatever the level
	opinions   []opinion
}

// A gaps is what is not known.
type gaps []fact.Status

// answer names causes. What was not asked for gives way to what could not be
// done.
func (g gaps) answer() (fact.Cause, string) {
	var cause fact.Cause
	var whys []string
	for _, declined := range []bool{false, true} {
		for _, s := range g {
			if (s.Cause == fact.NotAsked) != declined {
				continue
			}
			if len(whys) == 0 {
				cause = s.Cause
			}
			why := s.Why
			if why == "" {
				why = "signatures: " + string(s.Cause)
			}
			if !slices.Contains(whys, why) {
				whys = append(whys, why)
			}
		}
		if len(whys) > 0 {
			break
		}
	}
	return cause, strings.Join(whys, "; ")
}

// subjects returns the manifests of an image that a signature can be on: the
// root, and the runnable children if it is an index. Attestation children are
// exempt.
func subjects(img fact.Image, opts Options) (root ref.Digest, children []fact.Child) {
	if img.Class != fact.ClassIndex {
		return img.Root.Digest, nil
	}
	for _, c := range img.Platforms {
		if c.Class != fact.ClassAttestation && (opts.OnlyPlatforms == nil || opts.OnlyPlatforms(c)) {
			children = append(children, c)
		}
	}
	return img.Root.Digest, children
}

func (r requirement) assess(s *fact.Set) assessment {
	root, children := subjects(s.Image.V, r.opts)
	all := []ref.Digest{root}
	for _, c := range children {
		all = append(all, c.Manifest)
	}
	byGood := map[ref.Digest]bool{}
	by := map[ref.Digest][]opinion{}
	var out assessment
	for _, part := range s.Signatures.Parts {
		sig := part.V
		if s.Signatures.State != fact.Known || part.State != fact.Known || !slices.Contains(all, sig.Subject) || !r.wants(&sig) {
			continue
		}
		o := judge(&sig, r.anyOf, r.where)
		out.opinions = append(out.opinions, o)
		by[sig.Subject] = append(by[sig.Subject], o)
		byGood[sig.Subject] = byGood[sig.Subject] || o.standing == good
	}
	rootGood := byGood[root]
	var bare []ref.Digest // children without a good one
	for _, c := range children {
		if !byGood[c.Manifest] {
			bare = append(bare, c.Manifest)
		}
	}
	// An index without runnable children is covered by its own signature alone.
	childrenGood := len(children) > 0 && len(bare) == 0
	level := r.level
	if len(children) == 0 {
		level = Index
	}
	var groups [][]ref.Digest
	switch level {
	case Index:
		out.met, groups = rootGood, [][]ref.Digest{{root}}
	case Child:
		out.met = childrenGood
	case Both:
		out.met = rootGood && childrenGood
		if !rootGood {
			groups = [][]ref.Digest{{root}}
		}
	default:
		out.met, groups = rootGood || childrenGood, [][]ref.Digest{append([]ref.Digest{root}, bare...)}
	}
	if level == Child || level == Both {
		for _, d := range bare {
			groups = append(groups, []ref.Digest{d})
		}
	}
	if out.met {
		return out
	}
	out.otherLevel = rootGood || childrenGood
	out.anyGaps = r.gaps(s, all, byGood, by, level != Index || len(children) > 0)
	if out.otherLevel && level == Child {
		// A signature on the index does not help: only what is on the children does.
		out.gaps = r.gaps(s, bare, byGood, by, true)
	} else {
		out.gaps = r.gaps(s, slices.Concat(groups...), byGood, by, level != Index)
	}
	for _, g := range groups {
		out.groups = append(out.groups, explain(g, by))
	}
	out.groups = merged(out.groups)
	return out
}

// merged makes one group of all on which nothing is found: one cause.
func merged(groups []group) []group {
	var out []group
	first := -1
	for _, g := range groups {
		switch {
		case g.none && first >= 0:
			out[first].subjects = append(slices.Clone(out[first].subjects), g.subjects...)
			out[first].each = true
			continue
		case g.none:
			first = len(out)
		}
		out = append(out, g)
	}
	return out
}

// wants reports whether sig is about this requirement. An attestation that
// cannot be read may be of any type.
func (r requirement) wants(sig *fact.Signature) bool {
	return sig.Kind == r.kind && (r.kind == fact.KindSignature || sig.PredicateType == r.predicateType || sig.PredicateType == "")
}

func explain(subjects []ref.Digest, by map[ref.Digest][]opinion) group {
	g := group{subjects: subjects, none: true}
	for _, d := range subjects {
		for _, o := range by[d] {
			if o.standing == good { // of an index, where all must be covered
				continue
			}
			g.count++
			if g.none || o.standing > g.worst.standing {
				g.worst = o
			}
			g.none = false
		}
	}
	return g
}

// gaps returns all that could hide a good signature on one of subjects.
func (r requirement) gaps(s *fact.Set, subjects []ref.Digest, isGood map[ref.Digest]bool, by map[ref.Digest][]opinion, children bool) gaps {
	about := func(d ref.Digest) bool { return d == "" || slices.Contains(subjects, d) }
	out := unknownParts(s, about, r.kind)
	if s.Listings.State != fact.Unknown {
		out = append(out, notLookedFor(s, subjects, isGood)...)
	}
	if children && s.Image.V.Incomplete != "" {
		out = append(out, fact.Status{Cause: fact.Limit, Why: s.Image.V.Incomplete})
	}
	for _, part := range s.Listings.Parts {
		if part.State == fact.Known && slices.Contains(subjects, part.V.Subject) && len(part.V.Unread) > 0 && r.kind == fact.KindSignature {
			out = append(out, fact.Status{Cause: fact.Unsupported, Why: fmt.Sprintf("found in a form that is not read: %q", part.V.Unread)})
		}
	}
	for _, d := range subjects {
		for _, o := range by[d] {
			switch {
			case o.standing == open:
				out = append(out, fact.Status{Cause: o.cause, Why: o.why})
			case o.standing == unsupported:
				out = append(out, fact.Status{Cause: fact.Unsupported, Why: "a signature cannot be examined: " + reason(o.why)})
			case o.standing == unverifiable || o.standing == refused || o.standing == short:
				out = append(out, r.unavailable()...)
			}
		}
	}
	return out
}

// unavailable returns why keys and roots that the requirement names could not
// be built: a signature may be good under them.
func (r requirement) unavailable() gaps {
	var out gaps
	for _, a := range r.anyOf {
		for _, name := range append([]string{a.Key}, a.roots...) {
			st, ok := r.opts.Unavailable[name]
			if !ok || name == "" || name != a.Key && a.Keyless == nil && !a.log {
				continue
			}
			what := "trust root"
			if name == a.Key {
				what = "key"
			}
			out = append(out, fact.Status{Cause: st.Cause, Why: fmt.Sprintf("cannot build the %s %q: %s", what, name, reason(st.Why))})
		}
	}
	return out
}

// unknownParts returns what is not known of listings and signatures, and could be
// of that kind. An Unknown part may say which manifest it is about; if not, it
// counts for all.
func unknownParts(s *fact.Set, about func(ref.Digest) bool, kind fact.SignatureKind) gaps {
	var out gaps
	if s.Listings.State == fact.Unknown {
		out = append(out, fact.Status{Cause: s.Listings.Cause, Why: s.Listings.Why})
	} else {
		for _, p := range s.Listings.Parts {
			if p.State == fact.Unknown && about(p.V.Subject) {
				out = append(out, wanted(p.Status()))
			}
		}
	}
	if s.Signatures.State == fact.Unknown {
		return append(out, fact.Status{Cause: s.Signatures.Cause, Why: s.Signatures.Why})
	}
	for _, p := range s.Signatures.Parts {
		if p.State != fact.Unknown || !about(p.V.Subject) {
			continue
		}
		if p.Cause == fact.NotAsked && p.V.Kind == fact.KindAttestation && kind == fact.KindSignature {
			continue // left alone because no rule asks for one: it is no signature
		}
		out = append(out, wanted(p.Status()))
	}
	return out
}

// wanted is st of one thing among others. That one was not asked for is no choice
// of the user, who leaves out all or nothing, and must not let an image pass.
func wanted(st fact.Status) fact.Status {
	if st.Cause == fact.NotAsked {
		st.Cause = fact.Dependency
	}
	return st
}

// notLookedFor returns the subjects for which no place was looked at: nothing
// found there says nothing.
func notLookedFor(s *fact.Set, subjects []ref.Digest, isGood map[ref.Digest]bool) gaps {
	var out gaps
	for _, d := range subjects {
		// A part that is Unknown without saying what it is about is a gap already.
		looked := slices.ContainsFunc(s.Listings.Parts, func(p fact.Value[fact.Listing]) bool {
			return p.V.Subject == d || p.State == fact.Unknown && p.V.Subject == ""
		})
		if !looked && !isGood[d] {
			out = append(out, fact.Status{Why: fmt.Sprintf("nobody looked for signatures of %s", d)})
		}
	}
	return out
}

func reason(why string) string {
	if why == "" {
		return "no reason was given"
	}
	return why
}
