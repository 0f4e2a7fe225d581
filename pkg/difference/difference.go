// Package difference says in plain words what is new in an image against the one
// that a tag named before: only its attestations, only how its layers are
// compressed, only labels, another base, another user or command, other programs.
// It is pure: facts in, words out.
package difference

import (
	"slices"

	"github.com/intact-dev/intact/pkg/fact"
	"github.com/intact-dev/intact/pkg/ref"
)

// A Kind is how deep a change goes. Later ones are graver.
type Kind string

// Kinds of changes, the least first. The zero value is that it is not known.
const (
	Unknown       Kind = ""
	Same          Kind = "same"          // the same digest
	Attestations  Kind = "attestations"  // what hangs beside the images of the platforms
	Compression   Kind = "compression"   // the same files and settings, stored in another way
	Labels        Kind = "labels"        // labels, history, time of the build
	Data          Kind = "data"          // files that nobody runs
	Configuration Kind = "configuration" // configuration files
	Settings      Kind = "settings"      // environment, working directory, volumes
	Platforms     Kind = "platforms"     // there are more platforms, or fewer
	Base          Kind = "base"          // the lowest layers
	Command       Kind = "command"       // user, entrypoint or command
	Code          Kind = "code"          // executables, libraries, scripts
)

// order is how grave kinds are.
var order = []Kind{Unknown, Same, Attestations, Compression, Labels, Data, Configuration, Settings, Platforms, Base, Command, Code}

// A Side is one of the two images.
type Side struct {
	Digest    ref.Digest // of the root
	Image     fact.Value[fact.Image]
	Platforms map[string]Platform // by "os/arch", the runnable ones
}

// A Platform is what one side has for a platform.
type Platform struct {
	Manifest ref.Digest
	ID       ref.Digest // of the config
	Config   fact.Value[fact.Config]
}

// A Change is one thing that is new.
type Change struct {
	Platform string `json:"platform,omitempty"` // "" = the image as a whole
	Kind     Kind   `json:"kind"`
	Text     string `json:"text"`
}

// A Result is all that is new. Kind is that of the gravest change; it is Unknown
// if something could not be compared and nothing is known to be as grave as it
// gets.
type Result struct {
	Kind    Kind     `json:"kind"`
	Changes []Change `json:"changes,omitempty"`
	// NotCompared says what was not compared, and why.
	NotCompared []string `json:"notCompared,omitempty"`
}

// Files are the changed files of a platform, by its name. A platform that is not
// there was not asked for.
type Files map[string]fact.List[fact.FileChange]

// Compare says what after has that before had not.
func Compare(before, after Side, files Files) Result {
	if before.Digest != "" && before.Digest == after.Digest {
		return Result{Kind: Same}
	}
	c := &comparison{files: files}
	for what, side := range map[string]Side{"the former image": before, "the new image": after} {
		if side.Image.State != fact.Known {
			c.unknown(what + ": " + why(side.Image.Status()))
		} else if side.Image.V.Incomplete != "" {
			c.unknown(what + ": " + side.Image.V.Incomplete)
		}
	}
	if before.Image.State == fact.Known && after.Image.State == fact.Known {
		c.platforms(before, after)
	}
	return c.result()
}

type comparison struct {
	files  Files
	out    Result
	deeper bool // some platform is not the same manifest
}

func (c *comparison) add(platform string, k Kind, text string) {
	c.out.Changes = append(c.out.Changes, Change{platform, k, text})
}

func (c *comparison) unknown(text string) { c.out.NotCompared = append(c.out.NotCompared, text) }

func (c *comparison) platforms(before, after Side) {
	var names []string
	for name := range before.Platforms {
		names = append(names, name)
	}
	for name := range after.Platforms {
		if _, ok := before.Platforms[name]; !ok {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	for _, name := range names {
		was, had := before.Platforms[name]
		is, has := after.Platforms[name]
		switch {
		case !has:
			c.add(name, Platforms, "there is no image for this platform any more")
		case !had:
			c.add(name, Platforms, "there was no image for this platform before")
		case was.Manifest != is.Manifest:
			c.deeper = true
			c.platform(name, was, is)
		}
	}
	if !c.deeper && len(c.out.Changes) == 0 && len(names) > 0 {
		c.add("", Attestations, "the images of all platforms are the same ones; only the index around them is new, such as its attestations or annotations")
	}
	if len(names) == 0 {
		c.unknown("neither is an image that runs: their content was not compared")
	}
}

func (c *comparison) result() Result {
	out := c.out
	for _, ch := range out.Changes {
		if slices.Index(order, ch.Kind) > slices.Index(order, out.Kind) {
			out.Kind = ch.Kind
		}
	}
	slices.Sort(out.NotCompared)
	if len(out.NotCompared) > 0 && out.Kind != Code {
		out.Kind = Unknown
	}
	slices.SortStableFunc(out.Changes, func(a, b Change) int { return slices.Index(order, b.Kind) - slices.Index(order, a.Kind) })
	return out
}

func why(s fact.Status) string {
	switch {
	case s.Why != "":
		return s.Why
	case s.Cause != "":
		return string(s.Cause)
	}
	return "not known"
}
