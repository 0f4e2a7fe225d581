package scan

import (
	"time"

	"github.com/intact-dev/intact/pkg/fact"
	"github.com/intact-dev/intact/pkg/gather"
	"github.com/intact-dev/intact/pkg/image"
	"github.com/intact-dev/intact/pkg/ref"
)

// A TagSeen is what a registry said about a tag in this run, by the one deciding
// answer.
type TagSeen struct {
	Ref       ref.Ref
	Digest    ref.Digest            // "" = there is no such tag
	Platforms map[string]ref.Digest // nil = not all are known
	At        time.Time
}

// seen tells what was asked of registries by tag. What could not be asked is left
// out.
func (s *scanner) seen() []TagSeen {
	var out []TagSeen
	for _, o := range s.opens {
		if !o.done || o.to.Digest != "" || o.to.Name == "" || !o.in.Proves().Tags {
			continue
		}
		t := TagSeen{Ref: o.to, At: o.at}
		switch {
		case o.err == nil:
			t.Digest, t.Platforms = o.img.Root.Doc.Digest, platformsOf(o.img)
		case image.CauseOf(o.err) != fact.NotFound:
			continue
		}
		out = append(out, t)
	}
	return out
}

func platformsOf(img *image.Image) map[string]ref.Digest {
	f := gather.Image(img, "")
	if f.State != fact.Known || f.V.Incomplete != "" {
		return nil
	}
	out := map[string]ref.Digest{}
	for _, c := range f.V.Platforms {
		name := c.Platform.String()
		if name == "" || out[name] != "" {
			return nil // what has no name of its own cannot be compared later
		}
		out[name] = c.Manifest
	}
	return out
}
