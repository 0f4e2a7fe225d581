package dockerfile

import (
	"bytes"
	"errors"
	"io"
	"strings"

	"github.com/moby/buildkit/frontend/dockerfile/parser"

	"github.com/intact-dev/intact/pkg/extract/internal/written"
	"github.com/intact-dev/intact/pkg/fact"
)

// maxBad bounds the instructions of one file that are named as unreadable.
const maxBad = 1000

// split returns the instructions of the file, as the parser sees them. The
// parser gives up at the first one that it does not understand; what stands
// before and behind it is parsed by itself.
func (r *reader) split() []instruction {
	clean := cleanLines{starts: make([]int, 0, len(r.lines)+1)}
	for _, l := range r.lines {
		clean.starts = append(clean.starts, len(clean.b))
		clean.b = append(clean.b, l...)
	}
	clean.starts = append(clean.starts, len(clean.b))
	var out []instruction
	for from, bad := 0, 0; from < len(r.lines); bad++ {
		nodes, failed := r.parse(clean, from, len(r.lines))
		if failed == nil {
			return append(out, r.instructions(nodes)...)
		}
		if failed.err.Error() == "file with no instructions" {
			if len(out) == 0 && len(r.problems) == 0 {
				r.problem(0, "%v", failed.err)
			}
			return out
		}
		if nodes, failed := r.parse(clean, from, failed.first); failed == nil {
			out = append(out, r.instructions(nodes)...)
		}
		start, _ := r.file.Line(failed.first + 1)
		if bad == maxBad {
			r.add(start, fact.Limit, "more than %d instructions that cannot be read; what stands from here on is not read", maxBad)
			return out
		}
		r.problem(start, "%v", failed.err)
		text, _ := r.join(failed.first)
		out = append(out, r.instruction(text, failed.first, nil))
		from = failed.next
	}
	return out
}

// CleanLines are the lines as the parser is to see them.
type cleanLines struct {
	b      []byte
	starts []int // of each line, and the end
}

// A failure is why the parser gave up: at the instruction from line first up to
// line next, from 0.
type failure struct {
	err         error
	first, next int
}

// parse parses the lines from one to another, as if they followed the
// directives.
func (r *reader) parse(clean cleanLines, from, to int) ([]*parser.Node, *failure) {
	head := ""
	if from > 0 {
		head = "# escape=" + string(rune(r.escape)) + "\n#\n"
	}
	body := clean.b[clean.starts[from]:clean.starts[to]]
	result, err := parser.Parse(io.MultiReader(strings.NewReader(head), bytes.NewReader(body)))
	shift := from - strings.Count(head, "\n")
	if err == nil {
		for _, n := range result.AST.Children {
			n.StartLine += shift
		}
		return result.AST.Children, nil
	}
	f := &failure{err: err, first: from, next: to}
	var at *parser.LocationError
	if errors.As(err, &at) {
		ranges := at.Locations[0]
		f.first = max(from, ranges[0].Start.Line+shift-1)
		f.next = max(f.first+1, ranges[len(ranges)-1].End.Line+shift)
	}
	for next := err; next != nil; next = errors.Unwrap(next) {
		f.err = next
	}
	return nil, f
}

func (r *reader) instructions(nodes []*parser.Node) []instruction {
	out := make([]instruction, 0, len(nodes))
	for _, n := range nodes {
		text, _ := r.join(n.StartLine - 1)
		if !r.same(text, n.Original) {
			text = written.Made(n.Original)
		}
		out = append(out, r.instruction(text, n.StartLine-1, n))
	}
	return out
}
