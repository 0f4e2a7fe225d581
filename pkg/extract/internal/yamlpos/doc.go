package yamlpos

import (
	"fmt"

	"go.yaml.in/yaml/v3"

	"github.com/intact-dev/intact/pkg/extract"
	"github.com/intact-dev/intact/pkg/internal/limits"
)

// A Doc is one document of a file, or one in a text of such a document. What is
// read of it counts, an alias each time: a document that expands without end is
// read in part, and Problems says so.
type Doc struct {
	file  *File
	root  *yaml.Node
	text  []byte
	start int    // of text in the file's
	outer Node   // the scalar that text is of, so that start means nothing; zero if it is the file's own
	depth int    // of texts within texts
	lines *lines // where the parser's lines are; shared by all documents of text

	budget   int
	exceeded bool
	twice    []*extract.PositionError
}

// budget is how many steps reading a document of n bytes may take. A value of
// ten bytes may be looked at a hundred times; the rest is for small documents
// that are mostly aliases.
func budget(n int) int { return 100_000 + 10*n }

// Root returns the document's value.
func (d *Doc) Root() Node { return d.node(d.root) }

// Extent returns where d's text lies in the file's; of several documents in one
// text, as JSON may be, it is all of it. ok is false for a text within a document.
func (d *Doc) Extent() (start, end int, ok bool) {
	return d.start, d.start + len(d.text), d.outer.n == nil
}

// Problems are what is wrong with what was read of the document so far: keys that
// are there twice, and a budget that was exceeded.
func (d *Doc) Problems() []*extract.PositionError {
	out := d.twice
	if d.exceeded {
		out = append(out[:len(out):len(out)], d.errorAtNode(d.root, &limits.ExceededError{
			What: "values of a YAML document, its aliases expanded,", Limit: int64(budget(len(d.text)))}))
	}
	return out
}

func (d *Doc) spend(n int) bool {
	d.budget -= n
	d.exceeded = d.exceeded || d.budget < 0
	return !d.exceeded
}

// maxTwice bounds what is told of keys that are there twice.
const maxTwice = 100

func (d *Doc) duplicate(k, first *yaml.Node) {
	if len(d.twice) == maxTwice {
		return
	}
	at := d.errorAtNode(k, nil)
	for _, e := range d.twice {
		if e.Line == at.Line && e.Column == at.Column {
			return
		}
	}
	at.Err = fmt.Errorf("the key %q is there twice, first in line %d; which of them counts is up to the reader", k.Value, d.errorAtNode(first, nil).Line)
	d.twice = append(d.twice, at)
}

func (d *Doc) errorAtNode(n *yaml.Node, err error) *extract.PositionError {
	p := d.pos(n)
	return &extract.PositionError{Line: p.Line, Column: p.Column, Err: err}
}
