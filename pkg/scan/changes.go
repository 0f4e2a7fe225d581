package scan

import (
	"context"

	"github.com/intact-dev/intact/pkg/fact"
)

// changes compares the files of a container with those of its image, where that
// was asked for.
func (g *containerGatherer) changes(_ context.Context) {
	set := g.out.set
	if !g.runs() {
		return
	}
	set.Changes = fact.MissingList[fact.FileChange](fact.NotAsked, "files changed at run time (--changed-files)")
}
