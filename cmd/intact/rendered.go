package main

import (
	"fmt"
	"strings"

	"github.com/intact-dev/intact/pkg/extract"
	"github.com/intact-dev/intact/pkg/extract/helm"
)

// rendered are the places that --rendered names, and what is in them.
type rendered struct {
	trees  []*fileTree
	charts []*helm.Rendered // of each
	closed []string         // gaps that they close, for a notice
}

// openRendered reads which charts somebody else has rendered.
func openRendered(dirs []string) (*rendered, error) {
	trees, err := openFiles(dirs, nil)
	if err != nil {
		return nil, err
	}
	r := &rendered{trees: trees}
	for _, t := range trees {
		charts, err := helm.ReadRendered(t.fsys, t.starts)
		if err == nil && charts.Len() == 0 {
			err = fmt.Errorf("nothing in %q says which chart it is of", t.name)
		}
		if err != nil {
			closeFiles(trees)
			return nil, usage(err, "--rendered takes what helm template writes, with its # Source comments")
		}
		r.charts = append(r.charts, charts)
	}
	return r, nil
}

// settle takes out of a tree what is not known of charts that are rendered
// elsewhere: what they hold is read there.
func (r *rendered) settle(t *fileTree, tree *extract.Tree) {
	found := tree.Found[:0]
	for _, f := range tree.Found {
		switch ok, why := r.has(f.Chart); {
		case f.Unresolved != "" && ok:
			r.closed = append(r.closed, t.place(&f))
			continue
		case f.Unresolved != "" && why != "":
			f.Unresolved += "; " + why
		}
		found = append(found, f)
	}
	clear(tree.Found[len(found):])
	tree.Found = found
	var problems []extract.Problem
	for _, p := range tree.Problems {
		ok, why := r.has(p.Chart)
		if ok {
			p.Origin.Where = t.display(p.Origin.Where)
			r.closed = append(r.closed, placeOf(p.Origin))
			continue
		}
		if why != "" {
			p.Why += "; " + why
		}
		problems = append(problems, p)
	}
	tree.Problems = problems
}

func (r *rendered) has(c extract.Chart) (ok bool, why string) {
	for _, charts := range r.charts {
		has, other := charts.Has(c)
		if has {
			return true, ""
		}
		if why == "" {
			why = other
		}
	}
	return false, why
}

// notice says what was not examined here, since the team says what comes of it.
func (r *rendered) notice() string {
	if len(r.closed) == 0 {
		return ""
	}
	text := fmt.Sprintf("taken as it is rendered elsewhere (--rendered): %s", strings.Join(r.closed[:min(len(r.closed), maxPlaces)], ", "))
	if n := len(r.closed) - maxPlaces; n > 0 {
		text += fmt.Sprintf(" and %d more", n)
	}
	return text
}
