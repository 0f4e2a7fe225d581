package krm

import (
	"errors"
	"slices"

	"github.com/intact-dev/intact/pkg/extract"
	"github.com/intact-dev/intact/pkg/fact"
	"github.com/intact-dev/intact/pkg/internal/limits"
	"github.com/intact-dev/intact/pkg/ref"
)

// Extract returns what the items declare, as e reads it. All are read, whatever
// their files are called; what cannot be read is a Problem.
func (l *List) Extract(e extract.Extractor) extract.Result {
	out := extract.Result{Problems: slices.Clone(l.problems)}
	fsys := l.FS()
	for _, name := range l.Files() {
		got, err := e.Extract(fsys, name)
		out.Found = append(out.Found, got.Found...)
		out.Objects = append(out.Objects, got.Objects...)
		out.Problems = append(out.Problems, got.Problems...)
		if err != nil {
			out.Problems = append(out.Problems, unread(name, err))
		}
	}
	return out
}

// unread is a file of which nothing could be read.
func unread(name string, err error) extract.Problem {
	p := extract.Problem{Origin: ref.Origin{Kind: "file", Where: name, Line: 1}, Cause: fact.Unsupported, Why: err.Error()}
	var at *extract.PositionError
	if errors.As(err, &at) {
		p.Origin.Line, p.Origin.Column = max(1, at.Line), at.Column
	}
	var limit *limits.ExceededError
	if errors.As(err, &limit) {
		p.Cause = fact.Limit
	}
	return p
}
