package identity

import (
	"slices"

	"github.com/intact-dev/intact/pkg/fact"
	"github.com/intact-dev/intact/pkg/ref"
)

// Compare says whether a and b mean the same image on the platform on, which is
// that of the node that runs it. Repositories have no part in it.
//
// They are the same if the digests are equal, or if all images that the one may
// stand for are the same as all that the other may: an index stands for those
// that it lists for the platform. Two images are the same if they have the same
// manifest or the same config. A config names the expanded layers, so manifests
// that share it differ in how the layers are packed, or in annotations. Runtimes
// that unpack layers check that; a snapshotter that mounts them as they are
// (stargz, nydus, zstd:chunked) goes by the manifest, and there the same config
// is worth as much as DIG004 says of both manifests.
//
// They are different if all images that the one may stand for are different from
// all that the other may. Two images are different if their configs are: equal
// layers are no excuse, for the config says which program is started, by whom
// and with what environment. What of it matters cannot be told in general
// (Docker runs a HEALTHCHECK), so nothing of it is taken for irrelevant.
//
// All else is unknown: what was not read, indexes that were not read to their
// end, two images for one platform, artifacts, and digests of different
// algorithms unless what they lead to can be compared. On the zero platform,
// which means that the node's is not known, an index may stand for all of its
// images. More knowledge can settle or unsettle an answer, but never turns same
// into different or back.
//
// Compare(a, b) and Compare(b, a) are equal.
func (g *Graph) Compare(a, b ref.Digest, on ref.Platform) fact.Comparison {
	switch {
	case a == "" || b == "":
		return fact.Comparison{Why: "on one side no digest is known"}
	case a == b:
		return fact.Comparison{Answer: fact.AnswerSame, Proof: "equal digest"}
	}
	g.mu.RLock()
	defer g.mu.RUnlock()
	x, y := g.side(a, on), g.side(b, on)
	if order(x, y) > 0 {
		x, y = y, x
	}
	return g.judge(x, y, on)
}

// A side is one of two digests that are compared, and what it may stand for.
type side struct {
	digest ref.Digest
	kind   fact.DigestKind
	all    []choice // on any platform
	here   []choice // on the one asked for
}

func (g *Graph) side(d ref.Digest, on ref.Platform) side {
	s := side{digest: d, kind: g.kind(d)}
	switch s.kind {
	case fact.DigestIndex:
		s.all = g.choose(g.nodes[d].entries, ref.Platform{})
		s.here = g.choose(g.nodes[d].entries, on)
		return s
	case fact.DigestConfig:
		s.all = []choice{{config: d, claimed: !g.nodes[d].config, certain: true}}
	default:
		// Also what nothing is known about: an index may list it all the same.
		s.all = []choice{{manifest: d, config: g.configOf(d), certain: true}}
	}
	s.here = s.all
	return s
}

func (g *Graph) judge(x, y side, on ref.Platform) fact.Comparison {
	same := func(proof string) fact.Comparison {
		return fact.Comparison{Answer: fact.AnswerSame, Proof: proof}
	}
	known := certain(x.here) && certain(y.here)
	switch {
	case x.kind == fact.DigestIndex && y.kind == fact.DigestIndex && g.equal(x.all, y.all):
		return same(alike(x.all, y.all))
	case known && (g.every(x.here, y.here, fact.AnswerSame) || g.equal(x.here, y.here)):
		return same(g.proof(x, y, on))
	case known && g.every(x.here, y.here, fact.AnswerDifferent) || g.every(x.all, y.all, fact.AnswerDifferent):
		return fact.Comparison{Answer: fact.AnswerDifferent, Proof: g.difference(x, y, on)}
	}
	return fact.Comparison{Why: g.missing(x, y, on)}
}

// equal reports whether two lists hold the same images for the same platforms in
// the same order: whatever a runtime picks of the one, it picks of the other.
func (g *Graph) equal(xs, ys []choice) bool {
	return len(xs) > 0 && slices.EqualFunc(xs, ys, func(x, y choice) bool {
		return x.platform.Normalize() == y.platform.Normalize() && g.pair(x, y) == fact.AnswerSame
	})
}

// every reports whether each of xs and each of ys are want to each other. Of
// nothing that is never true.
func (g *Graph) every(xs, ys []choice, want fact.Answer) bool {
	for _, x := range xs {
		for _, y := range ys {
			if g.pair(x, y) != want {
				return false
			}
		}
	}
	return len(xs) > 0 && len(ys) > 0
}

// certain reports whether one of choices is known to be for the platform. If not,
// all of them may turn out to be for another, and what holds for them for none.
func certain(choices []choice) bool {
	return slices.ContainsFunc(choices, func(c choice) bool { return c.certain })
}

// pair compares two images.
func (g *Graph) pair(x, y choice) fact.Answer {
	switch {
	case x.manifest != "" && x.manifest == y.manifest:
		return fact.AnswerSame
	case x.config == "" || y.config == "":
		return fact.AnswerUnknown
	case x.config == y.config:
		return fact.AnswerSame
	case x.claimed || y.claimed:
		return fact.AnswerUnknown
	case x.config.Comparable(y.config), layers(g.nodes[x.config], g.nodes[y.config]) == fact.AnswerDifferent:
		return fact.AnswerDifferent
	}
	return fact.AnswerUnknown
}

// layers compares what two configs expand to; unknown if one was not read.
func layers(x, y *node) fact.Answer {
	if x == nil || y == nil || len(x.diffIDs) == 0 || len(y.diffIDs) == 0 {
		return fact.AnswerUnknown
	}
	if len(x.diffIDs) != len(y.diffIDs) {
		return fact.AnswerDifferent
	}
	answer := fact.AnswerSame
	for i, d := range x.diffIDs {
		switch {
		case d == y.diffIDs[i]:
		case d.Comparable(y.diffIDs[i]):
			return fact.AnswerDifferent
		default:
			answer = fact.AnswerUnknown
		}
	}
	return answer
}
