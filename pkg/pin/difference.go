package pin

import (
	"fmt"
	"slices"
	"strings"

	"github.com/intact-dev/intact/pkg/fact"
	"github.com/intact-dev/intact/pkg/image"
	"github.com/intact-dev/intact/pkg/ref"
)

// A Difference is what is different between two images, in words, by platform.
type Difference struct {
	Platform string // "" for what is about the image as a whole
	Lines    []string
}

// Annotations that name the image that an image was built on.
//
// https://github.com/opencontainers/image-spec/blob/v1.1.1/annotations.md
const (
	baseName   = "org.opencontainers.image.base.name"
	baseDigest = "org.opencontainers.image.base.digest"
)

// Differences says what changed from one image to another: the platforms, and in
// each the user, the command, the environment, the layers, the base. Texts of the
// images are quoted. What was not obtained of one of them is said, too.
func Differences(from, to *image.Image) []Difference {
	if !from.Root.Right() || !to.Root.Right() {
		return []Difference{{Lines: []string{"what changed cannot be told: one of the two cannot be read"}}}
	}
	var out []Difference
	before, after := byPlatform(from), byPlatform(to)
	var whole []string
	for _, p := range platformsOf(from) {
		if after[p] == nil {
			whole = append(whole, "without the platform "+p)
		}
	}
	for _, p := range platformsOf(to) {
		if before[p] == nil {
			whole = append(whole, "with the platform "+p)
		}
	}
	for _, i := range []*image.Image{from, to} {
		if i.Incomplete != nil {
			whole = append(whole, "what changed cannot be told for all platforms: "+i.Incomplete.Error())
		}
		for _, c := range i.Children {
			if c.Class == fact.ClassImage && c.Platform == (ref.Platform{}) {
				whole = append(whole, "what changed cannot be told for one without a platform: "+unread(c))
			}
		}
	}
	whole = append(whole, baseLines(from.Root.Manifest, to.Root.Manifest)...)
	if len(whole) > 0 {
		out = append(out, Difference{Lines: whole})
	}
	for _, p := range platformsOf(to) {
		a, b := before[p], after[p]
		if a == nil || a.Desc.Digest == b.Desc.Digest {
			continue
		}
		out = append(out, Difference{Platform: p, Lines: childLines(a, b, from.Root != a.Manifest)})
	}
	if len(out) == 0 {
		out = append(out, Difference{Lines: []string{"the images of all platforms are the same ones; only the index around them is new"}})
	}
	return out
}

// platformsOf are the platforms of an image that are known, each once.
func platformsOf(img *image.Image) []string {
	var out []string
	for _, c := range img.Children {
		if p := c.Platform.String(); c.Runnable() && p != "" && !slices.Contains(out, p) {
			out = append(out, p)
		}
	}
	return out
}

// byPlatform has the first child of each platform: the one that a client takes.
func byPlatform(img *image.Image) map[string]*image.Child {
	out := map[string]*image.Child{}
	for _, c := range img.Children {
		if p := c.Platform.String(); c.Runnable() && out[p] == nil {
			out[p] = c
		}
	}
	return out
}

// childLines says what differs between two images of one platform. withBase is
// set if their annotations are not those of the root.
func childLines(a, b *image.Child, withBase bool) []string {
	if a.Manifest == nil || b.Manifest == nil || !a.Manifest.Right() || !b.Manifest.Right() {
		return []string{"what changed cannot be told: " + unread(a, b)}
	}
	var out []string
	if withBase {
		out = baseLines(a.Manifest.Manifest, b.Manifest.Manifest)
	}
	if a.ConfigOK && b.ConfigOK {
		out = append(out, configLines(a.Config, b.Config)...)
	} else {
		out = append(out, "what changed in the config cannot be told: "+unread(a, b))
	}
	return append(out, layerLine(a.Manifest.Manifest.Layers, b.Manifest.Manifest.Layers))
}

// unread says what was not obtained of one of two children.
func unread(children ...*image.Child) string {
	for _, c := range children {
		switch {
		case c.Err != nil:
			return c.Err.Error()
		case c.ConfigErr != nil:
			return c.ConfigErr.Error()
		}
	}
	return "one of the two cannot be read"
}

func configLines(a, b fact.Config) []string {
	var out []string
	add := func(what, from, to string) {
		if from != to {
			out = append(out, fmt.Sprintf("%s: %s, was %s", what, to, from))
		}
	}
	add("user", user(a.User), user(b.User))
	add("entrypoint", words(a.Entrypoint), words(b.Entrypoint))
	add("command", words(a.Cmd), words(b.Cmd))
	add("working directory", quoted(a.WorkingDir), quoted(b.WorkingDir))
	out = append(out, envLines(a.Env, b.Env)...)
	add("volumes", words(a.Volumes), words(b.Volumes))
	return out
}

func user(s string) string {
	if s == "" {
		return "none (root)"
	}
	return quoted(s)
}

func quoted(s string) string {
	if s == "" {
		return "none"
	}
	return fmt.Sprintf("%q", s)
}

func words(all []string) string {
	if len(all) == 0 {
		return "none"
	}
	out := make([]string, len(all))
	for i, s := range all {
		out[i] = fmt.Sprintf("%q", s)
	}
	return "[" + strings.Join(out, " ") + "]"
}

// envLines compares variables by name. The last one of a name counts.
func envLines(a, b []string) []string {
	split := func(all []string) map[string]string {
		out := map[string]string{}
		for _, s := range all {
			name, value, _ := strings.Cut(s, "=")
			out[name] = value
		}
		return out
	}
	before, after := split(a), split(b)
	var names []string
	for name := range before {
		names = append(names, name)
	}
	for name := range after {
		names = append(names, name)
	}
	slices.Sort(names)
	var out []string
	for _, name := range slices.Compact(names) {
		old, was := before[name]
		now, is := after[name]
		switch {
		case !was:
			out = append(out, fmt.Sprintf("environment: %s=%q is new", plainName(name), now))
		case !is:
			out = append(out, fmt.Sprintf("environment: %s=%q is gone", plainName(name), old))
		case old != now:
			out = append(out, fmt.Sprintf("environment: %s=%q, was %q", plainName(name), now, old))
		}
	}
	return out
}

func plainName(s string) string { return strings.Trim(fmt.Sprintf("%q", s), `"`) }

func layerLine(a, b []ref.Descriptor) string {
	in := func(all []ref.Descriptor) map[ref.Digest]int {
		out := map[ref.Digest]int{}
		for _, d := range all {
			out[d.Digest]++
		}
		return out
	}
	left := in(a)
	shared, added := 0, 0
	var bytes int64
	for _, d := range b {
		if left[d.Digest] > 0 {
			left[d.Digest]--
			shared++
			continue
		}
		added++
		bytes += d.Size
	}
	return fmt.Sprintf("layers: %d shared, %d added (%s), %d removed", shared, added, size(bytes), len(a)-shared)
}

func size(n int64) string {
	switch {
	case n >= 1<<20:
		return fmt.Sprintf("%.1f MiB", float64(n)/(1<<20))
	case n >= 1<<10:
		return fmt.Sprintf("%.1f KiB", float64(n)/(1<<10))
	}
	return fmt.Sprintf("%d bytes", n)
}

// baseLines compares the base images that two documents say they are built on.
func baseLines(a, b *image.Manifest) []string {
	base := func(m *image.Manifest) string {
		name, d := m.Annotations[baseName], m.Annotations[baseDigest]
		switch {
		case name == "" && d == "":
			return "not said"
		case d == "":
			return fmt.Sprintf("%q", name)
		}
		return fmt.Sprintf("%q", strings.TrimPrefix(name+"@"+d, "@"))
	}
	if from, to := base(a), base(b); from != to {
		return []string{fmt.Sprintf("base image: %s, was %s", to, from)}
	}
	return nil
}
