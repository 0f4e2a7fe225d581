package docker

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/intact-dev/intact/pkg/fact"
	"github.com/intact-dev/intact/pkg/image"
	"github.com/intact-dev/intact/pkg/observe"
)

// maxGaps is how many gaps are listed one by one.
const maxGaps = 20

// gaps are the parts that could not be seen. Of many the rest is counted, by
// cause.
type gaps struct {
	listed []observe.Gap
	more   map[fact.Cause]int
}

func (g *gaps) add(what string, err error) {
	cause := image.CauseOf(err)
	if len(g.listed) == maxGaps {
		if g.more == nil {
			g.more = map[fact.Cause]int{}
		}
		g.more[cause]++
		return
	}
	why := err
	var e *image.Error
	if errors.As(err, &e) && e.Err != nil {
		why = e.Err
	}
	g.listed = append(g.listed, observe.Gap{What: what, Cause: cause, Why: why.Error(), Hint: image.HintOf(err)})
}

// all returns the gaps in an order that does not hang on who was asked first.
func (g *gaps) all() []observe.Gap {
	slices.SortFunc(g.listed, func(a, b observe.Gap) int { return cmp.Compare(a.What, b.What) })
	for _, cause := range slices.Sorted(maps.Keys(g.more)) {
		g.listed = append(g.listed, observe.Gap{What: fmt.Sprintf("%d more containers or images", g.more[cause]), Cause: cause,
			Why: fmt.Sprintf("as before, for the cause %q", cause)})
	}
	return g.listed
}
