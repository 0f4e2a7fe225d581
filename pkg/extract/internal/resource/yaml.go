package resource

import (
	"github.com/intact-dev/intact/pkg/extract/internal/written"
	"github.com/intact-dev/intact/pkg/extract/internal/yamlpos"
)

// A YAML makes Values of YAML and JSON.
type YAML struct {
	File *written.File
	// Special, if set, is asked first; ok is false for what is plain.
	Special func(yamlpos.Node) (v *Value, ok bool)
}

// maxDepth bounds values in values. Aliases cannot make circles: the parser
// refuses them; what they expand to is bounded by the document's budget.
const maxDepth = 200

// Value returns what n says.
func (y YAML) Value(n yamlpos.Node) *Value { return y.value(n, 0) }

func (y YAML) value(n yamlpos.Node, depth int) *Value {
	at := y.Place(n)
	if depth > maxDepth {
		return NotKnown(at, written.Text{}, "it is nested too deep")
	}
	if y.Special != nil {
		if v, ok := y.Special(n); ok {
			return v
		}
	}
	switch {
	case n.IsMap():
		v := &Value{Kind: Map, At: at}
		for k, f := range n.Fields() {
			v.Fields = append(v.Fields, Field{k.String(), y.value(f, depth+1)})
		}
		return v
	case n.IsList():
		v := &Value{Kind: List, At: at}
		for _, item := range n.Items() {
			v.Items = append(v.Items, y.value(item, depth+1))
		}
		return v
	case n.IsZero():
		return &Value{Kind: Null, At: at}
	}
	return &Value{Kind: Scalar, Text: y.Text(n), At: at, Ignored: n.Ignored()}
}

// Place returns where n is.
func (y YAML) Place(n yamlpos.Node) Place {
	p := n.Pos()
	return Place{File: y.File, Offset: p.Start, Line: p.Line, Column: p.Column}
}

// Text returns the text of a scalar with its place.
func (y YAML) Text(n yamlpos.Node) written.Text {
	if p := n.Pos(); p.Exact() {
		return y.File.Text(p.Start, p.End)
	}
	return written.Made(n.String())
}

// Inner returns the documents in a text: of JSON, or of YAML. What is not known
// of the text is not known in them. Problems of the documents are told with the
// place of the text.
func (v *Value) Inner() (docs []*Value, problem string) {
	if v == nil || v.Kind != Scalar {
		return nil, ""
	}
	text := filled(v)
	f, err := yamlpos.Open(text)
	if err != nil {
		return nil, err.Error()
	}
	for d, err := range f.Docs(nil) {
		if err != nil {
			problem = err.Error()
			continue
		}
		docs = append(docs, inner{v}.value(d.Root(), 0))
		for _, p := range d.Problems() {
			problem = p.Error()
		}
	}
	return docs, problem
}

// filled is the text with digits where it is not known: they are part of a text
// as well as a number.
func filled(v *Value) []byte {
	text := []byte(v.Text.String())
	for _, h := range v.Holes {
		for i := h.Start; i < h.End && i < len(text); i++ {
			text[i] = '1'
		}
	}
	return text
}

// inner makes values of what is in the text of outer.
type inner struct{ outer *Value }

func (in inner) value(n yamlpos.Node, depth int) *Value {
	if depth > maxDepth {
		return NotKnown(in.outer.At, written.Text{}, "it is nested too deep")
	}
	v := &Value{At: in.outer.At, Ignored: in.outer.Ignored}
	p := n.Pos()
	if p.Exact() {
		if file, offset := in.outer.Text.Place(p.Start); file != nil {
			v.At = At(file, offset)
		}
	}
	switch {
	case n.IsMap():
		v.Kind = Map
		for k, f := range n.Fields() {
			v.Fields = append(v.Fields, Field{k.String(), in.value(f, depth+1)})
		}
	case n.IsList():
		v.Kind = List
		for _, item := range n.Items() {
			v.Items = append(v.Items, in.value(item, depth+1))
		}
	case n.IsZero():
		v.Kind = Null
	case p.Exact():
		v.Kind = Scalar
		v.Text = in.outer.Text.Slice(p.Start, p.End)
		v.Holes = cut(in.outer.Holes, p.Start, p.End)
		// A variable alone may be anything: a list, or nothing.
		if len(v.Holes) == 1 && v.Holes[0].Start == 0 && v.Holes[0].End == p.End-p.Start {
			v.Kind, v.Why, v.Holes = Unknown, v.Holes[0].Why, nil
		}
	case len(in.outer.Holes) > 0:
		v.Kind, v.Text, v.Why = Unknown, written.Made(n.String()), in.outer.Holes[0].Why
	default:
		v.Kind, v.Text = Scalar, written.Made(n.String())
	}
	return v
}

// cut returns the holes in a part of a text.
func cut(holes []Hole, start, end int) []Hole {
	var out []Hole
	for _, h := range holes {
		if h.Start < end && h.End > start {
			out = append(out, Hole{max(h.Start, start) - start, min(h.End, end) - start, h.Why})
		}
	}
	return out
}
