package containerd

import (
	"fmt"
	"slices"

	"github.com/intact-dev/intact/pkg/image"
	"github.com/intact-dev/intact/pkg/observe"
)

// gaps collects what could not be seen: equal ones are one, with their number and
// an example. The zero value is empty.
type gaps struct {
	order []gapKey
	seen  map[gapKey]*gap
}

type gapKey struct{ what, cause string }

type gap struct {
	observe.Gap
	n       int
	example string
}

// add notes that what ("settings of container") could not be seen of one object;
// "" if there is only one.
func (g *gaps) add(what, object string, err error) {
	key := gapKey{what, string(image.CauseOf(err))}
	if known, ok := g.seen[key]; ok {
		known.n++
		return
	}
	if g.seen == nil {
		g.seen = map[gapKey]*gap{}
	}
	g.order = append(g.order, key)
	g.seen[key] = &gap{n: 1, example: object, Gap: observe.Gap{What: what, Cause: image.CauseOf(err), Why: err.Error(), Hint: image.HintOf(err)}}
}

func (g *gaps) list() []observe.Gap {
	var out []observe.Gap
	for _, key := range g.order {
		x := g.seen[key]
		if x.example != "" {
			x.What = fmt.Sprintf("%s %q", x.What, x.example)
		}
		if x.n > 1 {
			x.What += fmt.Sprintf(" and %d more", x.n-1)
		}
		out = append(out, x.Gap)
	}
	return out
}

// shared keeps one of equal texts, so that thousands of containers hold it once.
// The zero value is empty.
type shared struct {
	texts map[string]string
	lists map[string][]string
}

func (s *shared) text(t string) string {
	if known, ok := s.texts[t]; ok {
		return known
	}
	if s.texts == nil {
		s.texts = map[string]string{}
	}
	s.texts[t] = t
	return t
}

func (s *shared) list(l []string) []string {
	if len(l) == 0 {
		return nil
	}
	key := fmt.Sprintf("%q", l)
	if known, ok := s.lists[key]; ok {
		return known
	}
	if s.lists == nil {
		s.lists = map[string][]string{}
	}
	s.lists[key] = slices.Clip(l)
	return l
}

func (s *shared) container(c *observe.Container) {
	c.Namespace, c.Reported, c.Also = s.text(c.Namespace), s.text(c.Reported), s.list(c.Also)
}
