package identity

import (
	"slices"
	"strconv"
	"strings"

	"github.com/intact-dev/intact/pkg/fact"
	"github.com/intact-dev/intact/pkg/ref"
)

// A choice is one image that a name may stand for.
type choice struct {
	manifest ref.Digest // "" = not known, as behind a config
	config   ref.Digest // "" = not known
	// claimed says that config is all that is known, and that it was never read: it
	// may turn out to be something else.
	claimed  bool
	platform ref.Platform
	// certain says that it is for the platform asked for; if not, nobody knows that
	// it is for another.
	certain bool
}

// choose returns the images of entries that a runtime on the platform on may
// take, in the index's order. For the zero platform those are all.
//
// The specification says that the first match SHOULD be used. Runtimes do not
// all do so (containers/image prefers zstd), and the platform of a node may lack
// what decides (its variant), so all matches are returned.
//
// https://github.com/opencontainers/image-spec/blob/v1.1.1/image-index.md#image-index-property-descriptions
func (g *Graph) choose(entries []entry, on ref.Platform) []choice {
	wanted := wants(on)
	type match struct {
		choice
		rank int
	}
	var matches []match
	best := len(wanted)
	for _, e := range entries {
		m := match{choice: choice{manifest: e.manifest, config: g.configOf(e.manifest), platform: e.platform}}
		p, stated := g.platformOf(e)
		switch {
		case on == (ref.Platform{}):
			m.certain = true
		case stated:
			m.rank = slices.IndexFunc(wanted, func(w ref.Platform) bool { return fits(p, w) })
			if m.certain = m.rank >= 0; !m.certain && (p.OSVersion != "" || !mayFit(p, on)) {
				continue
			}
		case !mayFit(p, on):
			continue
		}
		if m.certain {
			best = min(best, m.rank)
		}
		matches = append(matches, m)
	}
	var out []choice
	for _, m := range matches {
		if !m.certain || m.rank == best {
			out = append(out, m.choice)
		}
	}
	return out
}

// platformOf returns what e is for and whether that is stated. Of an entry that
// states nothing it is what the config says, as containerd has it.
//
// https://github.com/containerd/containerd/blob/v2.4.2/core/images/image.go
func (g *Graph) platformOf(e entry) (p ref.Platform, stated bool) {
	p = e.platform
	if p.OS == "" && p.Architecture == "" {
		if config := g.configOf(e.manifest); config != "" {
			p = g.nodes[config].platform
		}
	}
	return p, p.OS != "" && p.Architecture != ""
}

// mayFit reports whether an image for p runs on want, if what p leaves open is
// in its favour.
func mayFit(p, want ref.Platform) bool {
	want.OSVersion = ""
	return p.CouldMatch(want)
}

// wants returns what a runtime on a platform looks for, best first: the platform
// itself, then lower variants, then the architecture that its processor runs as
// well. That matters only where an index has nothing better.
//
// https://github.com/containerd/platforms/blob/v1.0.0-rc.5/compare.go
func wants(on ref.Platform) []ref.Platform {
	out := []ref.Platform{on}
	n := on.Normalize()
	add := func(architecture string, from, to int) {
		for v := from; v >= to; v-- {
			out = append(out, ref.Platform{OS: n.OS, Architecture: architecture, Variant: "v" + strconv.Itoa(v)})
		}
	}
	// 0 if it is not told; then the platform itself matches every variant.
	major, _, _ := strings.Cut(strings.TrimPrefix(strings.ToLower(on.Variant), "v"), ".")
	variant, _ := strconv.Atoi(major) // no number: none is lower
	switch n.Architecture {
	case "amd64":
		add("amd64", min(variant, 9)-1, 1)
		out = append(out, ref.Platform{OS: n.OS, Architecture: "386"})
	case "arm":
		add("arm", min(variant, 9)-1, 5)
	case "arm64":
		add("arm64", min(variant, 9)-1, 8)
		add("arm", 8, 5)
	}
	return out
}

// fits reports whether an image for p runs on want. Of a version of Windows only
// the build counts; what follows is its patch level.
//
// https://learn.microsoft.com/en-us/virtualization/windowscontainers/deploy-containers/version-compatibility
func fits(p, want ref.Platform) bool {
	if want.Normalize().OS != "windows" {
		want.OSVersion = ""
	}
	if build(p.OSVersion) == build(want.OSVersion) {
		p.OSVersion = want.OSVersion
	}
	return p.Matches(want)
}

func build(version string) string {
	parts := strings.SplitN(version, ".", 4)
	return strings.Join(parts[:min(len(parts), 3)], ".")
}

// Names returns the names that d is known to go by on the platform on, itself
// included: each "" if it is not known or could be one of several.
func (g *Graph) Names(d ref.Digest, on ref.Platform) (index, manifest, config ref.Digest) {
	g.mu.RLock()
	defer g.mu.RUnlock()
	switch g.kind(d) {
	case fact.DigestIndex:
		manifest, config = agreed(g.choose(g.nodes[d].entries, on))
		return d, manifest, config
	case fact.DigestManifest:
		index, _ = g.parentOf([]ref.Digest{d}, on)
		return index, d, g.configOf(d)
	case fact.DigestConfig:
		all := slices.DeleteFunc(slices.Clone(g.nodes[d].manifests), func(m ref.Digest) bool { return g.configOf(m) != d })
		index, manifest = g.parentOf(all, on)
		if len(all) == 1 {
			manifest = all[0]
		}
		return index, manifest, d
	}
	return "", "", ""
}

// parentOf returns the one index that means one of manifests on the platform on,
// and which one it means; "" if there are several or none.
func (g *Graph) parentOf(manifests []ref.Digest, on ref.Platform) (index, manifest ref.Digest) {
	seen := map[ref.Digest]bool{}
	for _, m := range manifests {
		for _, parent := range g.nodes[m].parents {
			if seen[parent] {
				continue
			}
			seen[parent] = true
			choices := g.choose(g.nodes[parent].entries, on)
			foreign := func(c choice) bool { return !c.certain || !slices.Contains(manifests, c.manifest) }
			switch {
			case len(choices) == 0 || slices.ContainsFunc(choices, foreign):
			case index != "":
				return "", ""
			default:
				index = parent
				manifest, _ = agreed(choices)
			}
		}
	}
	return index, manifest
}

// agreed returns the manifest, and the config, that all choices have.
func agreed(choices []choice) (manifest, config ref.Digest) {
	for i, c := range choices {
		switch {
		case !c.certain:
			return "", ""
		case i == 0:
			manifest, config = c.manifest, c.config
		}
		if c.manifest != manifest {
			manifest = ""
		}
		if c.config != config {
			config = ""
		}
	}
	return manifest, config
}
