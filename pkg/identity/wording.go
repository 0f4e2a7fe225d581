package identity

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/intact-dev/intact/pkg/fact"
	"github.com/intact-dev/intact/pkg/ref"
)

// named is how many things a text lists by name.
const named = 3

// order puts two sides in the order in which texts speak of them, so that it
// does not matter which of them was asked about first.
func order(x, y side) int {
	rank := []fact.DigestKind{fact.DigestIndex, fact.DigestManifest, fact.DigestConfig, ""}
	return cmp.Or(cmp.Compare(slices.Index(rank, x.kind), slices.Index(rank, y.kind)), cmp.Compare(x.digest, y.digest))
}

// alike is the proof for two indexes that list the same images.
func alike(xs, ys []choice) string {
	if slices.EqualFunc(xs, ys, func(x, y choice) bool { return x.manifest == y.manifest }) {
		return "both indexes list the same manifests; only attestations or annotations differ"
	}
	return "both indexes list the same images, packed or annotated differently: equal configs"
}

// proof says why x and y are the same on the platform on.
func (g *Graph) proof(x, y side, on ref.Platform) string {
	of, and := x.here[0], y.here[0]
	index := x.kind == fact.DigestIndex
	child := slices.ContainsFunc(x.here, func(c choice) bool { return c.manifest == y.digest })
	switch {
	case index && y.kind == fact.DigestIndex && of.manifest != "" && of.manifest == and.manifest:
		return fmt.Sprintf("both indexes list %s%s", of.manifest, throughout(on))
	case index && y.kind == fact.DigestIndex:
		return fmt.Sprintf("same config %s of what both indexes list%s", of.config, throughout(on))
	case index && y.kind == fact.DigestConfig:
		return fmt.Sprintf("config of the child of index %s%s", x.digest, throughout(on))
	case index && child:
		return fmt.Sprintf("child of index %s%s", x.digest, throughout(on))
	case index:
		return fmt.Sprintf("same config %s as the child of index %s%s: only packed or annotated differently", of.config, x.digest, throughout(on))
	case y.kind == fact.DigestConfig:
		return fmt.Sprintf("config of manifest %s", x.digest)
	}
	return fmt.Sprintf("same config %s: the manifests are packed or annotated differently", of.config)
}

// difference says why x and y are different.
func (g *Graph) difference(x, y side, on ref.Platform) string {
	for _, c := range x.all {
		if x.kind == fact.DigestIndex && (c.manifest == y.digest || c.config == y.digest) {
			return fmt.Sprintf("index %s lists it for %s, not%s", x.digest, platform(c.platform), forPlatform(on))
		}
	}
	of, and := x.one(), y.one()
	if of.config == "" || and.config == "" {
		return "no image of the one is any of the other: all configs are different"
	}
	if !of.config.Comparable(and.config) {
		return fmt.Sprintf("different layers: those of config %s are not those of %s", and.config, of.config)
	}
	s := fmt.Sprintf("different configs: %s is not %s", and.config, of.config)
	if layers(g.nodes[of.config], g.nodes[and.config]) == fact.AnswerSame {
		s += "; the layers are equal, what is started or how is not"
	}
	return s
}

// one returns the image that s stands for; the zero choice if it is one of
// several.
func (s side) one() choice {
	if len(s.here) == 1 {
		return s.here[0]
	}
	return choice{}
}

// missing says what would have to be known.
func (g *Graph) missing(x, y side, on ref.Platform) string {
	var whys []string
	for _, s := range []side{x, y} {
		if why := g.unresolved(s, on); why != "" {
			whys = append(whys, why)
		}
	}
	if len(whys) > 0 {
		return strings.Join(whys, "; ")
	}
	of, and := x.here[0].config, y.here[0].config
	if layers(g.nodes[of], g.nodes[and]) == fact.AnswerSame {
		return fmt.Sprintf("the layers are equal, but the configs %s and %s are named by different algorithms", of, and)
	}
	return fmt.Sprintf("the configs %s and %s are named by different algorithms", of, and)
}

// unresolved says why it is not known which image s stands for; "" if it is.
func (g *Graph) unresolved(s side, on ref.Platform) string {
	n := g.nodes[s.digest]
	switch {
	case s.kind == "" && n != nil && n.contradictory():
		return fmt.Sprintf("%s is two kinds of document at once", s.digest)
	case s.kind == "" && n != nil && len(n.parents) > 0:
		return fmt.Sprintf("%s is listed by an index but was not read", s.digest)
	case s.kind == "":
		return fmt.Sprintf("%s is in no registry that was asked", s.digest)
	case s.kind == fact.DigestIndex && n.entries == nil:
		return fmt.Sprintf("which images the index %s lists is not known: %s", s.digest, n.why)
	case s.kind == fact.DigestManifest && n.other != "" && n.configDigest == "":
		return fmt.Sprintf("%s is no image but of class %s", s.digest, n.other)
	case len(s.here) == 0 && len(s.all) == 0:
		return fmt.Sprintf("the index %s lists no image", s.digest)
	case len(s.here) == 0:
		return fmt.Sprintf("the index %s lists no image%s; it has %s", s.digest, forPlatform(on), list(s.all, func(c choice) string { return platform(c.platform) }))
	case len(s.here) > 1:
		if _, config := agreed(s.here); config != "" {
			return ""
		}
		return fmt.Sprintf("the index %s lists %d images that a runtime may take%s: %s", s.digest, len(s.here), forPlatform(on),
			list(s.here, func(c choice) string { return cmp.Or(string(c.manifest), "one without a usable digest") }))
	case !s.here[0].certain:
		return fmt.Sprintf("the index %s does not say which platform %s is for", s.digest, s.here[0].manifest)
	case s.here[0].claimed:
		return fmt.Sprintf("the config %s was not read", s.digest)
	case s.here[0].config == "":
		return fmt.Sprintf("the manifest %s, or its config, was not read", cmp.Or(string(s.here[0].manifest), "without a usable digest"))
	}
	return ""
}

func list(choices []choice, name func(choice) string) string {
	var names []string
	for _, c := range choices {
		if s := name(c); !slices.Contains(names, s) {
			names = append(names, s)
		}
	}
	if len(names) > named {
		return fmt.Sprintf("%s and %d more", strings.Join(names[:named], ", "), len(names)-named)
	}
	return strings.Join(names, ", ")
}

func platform(p ref.Platform) string { return cmp.Or(p.String(), "a platform that is not stated") }

// forPlatform completes what is not proved.
func forPlatform(on ref.Platform) string {
	if on == (ref.Platform{}) {
		return " on a node whose platform is not known"
	}
	return " for " + on.String()
}

// throughout completes what is proved.
func throughout(on ref.Platform) string {
	if on == (ref.Platform{}) {
		return " for every platform"
	}
	return " for " + on.String()
}
