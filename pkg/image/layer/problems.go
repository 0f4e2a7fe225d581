package layer

import (
	"cmp"
	"slices"

	"github.com/intact-dev/intact/pkg/fact"
)

// maxProblems bounds the problems of one layer by kind and note; more are
// counted in the last of them.
const maxProblems = 32

// A problemList collects problems, the same ones counted together.
type problemList struct {
	kinds map[problemKey]*problemKinds
	order []problemKey
}

type problemKey struct {
	kind   fact.ProblemKind
	detail string
	note   bool
}

type problemKinds struct{ problem fact.Problem } // Path is that of the first

func (l *problemList) add(p fact.Problem) {
	key := problemKey{p.Kind, p.Detail, p.Note}
	if known, ok := l.kinds[key]; ok {
		known.problem.Count++
		return
	}
	if l.kinds == nil {
		l.kinds = make(map[problemKey]*problemKinds)
	}
	if len(l.order) >= maxProblems {
		key = problemKey{p.Kind, "more of this kind", p.Note}
		if known, ok := l.kinds[key]; ok {
			known.problem.Count++
			return
		}
		p.Detail = key.detail
	}
	p.Count = 1
	l.kinds[key] = &problemKinds{p}
	l.order = append(l.order, key)
}

// into appends the problems to out, sorted.
func (l *problemList) into(out []fact.Problem) []fact.Problem {
	for _, key := range l.order {
		out = append(out, l.kinds[key].problem)
	}
	slices.SortStableFunc(out, func(a, b fact.Problem) int {
		return cmp.Or(cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.Detail, b.Detail), cmp.Compare(a.Path, b.Path))
	})
	return out
}
