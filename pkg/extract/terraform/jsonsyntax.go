package terraform

import (
	"errors"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"

	"github.com/intact-dev/intact/pkg/extract"
	"github.com/intact-dev/intact/pkg/extract/internal/written"
	"github.com/intact-dev/intact/pkg/extract/internal/yamlpos"
	"github.com/intact-dev/intact/pkg/fact"
	"github.com/intact-dev/intact/pkg/ref"
)

// A jsonSyntax makes of a file in the JSON syntax what the parser makes of one in
// the other. Blocks within blocks become arguments that are objects, which
// evaluate to the same.
//
// https://developer.hashicorp.com/terraform/language/syntax/json
type jsonSyntax struct {
	e    *evaluation
	file *written.File
	made *source
}

// An escaped is a text with escapes, so that the places of its parts are not those
// of the file.
type escaped struct {
	hclsyntax.Expression
	at hcl.Range
}

func (x *escaped) Range() hcl.Range { return x.at }

func (e *evaluation) parseJSON(f *written.File, values bool) (*source, error) {
	s := &source{File: f, body: &hclsyntax.Body{Attributes: hclsyntax.Attributes{}}}
	text, perr := yamlpos.Open(f.Data)
	if perr != nil {
		return nil, perr
	}
	j := &jsonSyntax{e, f, s}
	for d, err := range text.Docs(nil) {
		if err != nil {
			s.problems = append(s.problems, yamlpos.Problem(f.Path, err))
			continue
		}
		if values {
			s.body.Attributes = j.attributes(d.Root(), false)
		} else {
			j.top(d.Root())
		}
		for _, err := range d.Problems() {
			s.problems = append(s.problems, yamlpos.Problem(f.Path, err))
		}
	}
	return s, nil
}

// top reads the blocks of a file, by how many labels each kind has.
func (j *jsonSyntax) top(root yamlpos.Node) {
	labels := map[string]int{"resource": 2, "data": 2, "variable": 1, "output": 1, "module": 1, "locals": 0}
	for k, v := range root.Fields() {
		if n, ok := labels[k.String()]; ok {
			j.blocks(k, k.String(), nil, n, v)
		}
	}
}

func (j *jsonSyntax) blocks(key yamlpos.Node, kind string, labels []string, n int, v yamlpos.Node) {
	if v.IsList() {
		for _, item := range v.Items() {
			j.blocks(key, kind, labels, n, item)
		}
		return
	}
	if n > 0 {
		for k, inner := range v.Fields() {
			j.blocks(k, kind, append(labels[:len(labels):len(labels)], k.String()), n-1, inner)
		}
		return
	}
	j.made.body.Blocks = append(j.made.body.Blocks, &hclsyntax.Block{
		Type: kind, Labels: labels, TypeRange: j.place(key),
		Body: &hclsyntax.Body{Attributes: j.attributes(v, kind != "variable")},
	})
}

func (j *jsonSyntax) attributes(n yamlpos.Node, templates bool) hclsyntax.Attributes {
	out := hclsyntax.Attributes{}
	for k, v := range n.Fields() {
		if name := k.String(); name != "//" {
			out[name] = &hclsyntax.Attribute{Name: name, NameRange: j.place(k), Expr: j.expression(v, templates && name != "source")}
			if name == "type" && !templates { // of a variable
				if x, diags := hclsyntax.ParseExpression([]byte(v.String()), j.file.Path, j.place(v).Start); !diags.HasErrors() {
					out[name].Expr = x
				}
			}
			if name == "dynamic" {
				j.made.problems = append(j.made.problems, extract.Problem{
					Origin: ref.Origin{Kind: "file", Where: j.file.Path, Line: k.Pos().Line, Column: k.Pos().Column}, Cause: fact.Unsupported,
					Why: "dynamic blocks in the JSON syntax are not evaluated"})
			}
		}
	}
	return out
}

func (j *jsonSyntax) place(n yamlpos.Node) hcl.Range {
	p := n.Pos()
	start := hcl.Pos{Line: p.Line, Column: p.Column, Byte: max(0, p.Start)}
	if p.Start < 0 && p.Line > 0 && p.Line <= j.file.Lines() {
		at, end := j.file.Line(p.Line)
		start.Byte = min(at+p.Column-1, end)
	}
	end := start
	if p.Exact() {
		end.Byte = p.End
		end.Column += p.End - p.Start
	}
	return hcl.Range{Filename: j.file.Path, Start: start, End: end}
}

var errJSONDeep = errors.New("it is nested too deep")

func (j *jsonSyntax) expression(n yamlpos.Node, templates bool) hclsyntax.Expression {
	r := j.place(n)
	switch {
	case n.IsMap():
		x := &hclsyntax.ObjectConsExpr{SrcRange: r, OpenRange: r}
		for k, v := range n.Fields() {
			key := &hclsyntax.LiteralValueExpr{Val: cty.StringVal(k.String()), SrcRange: j.place(k)}
			x.Items = append(x.Items, hclsyntax.ObjectConsItem{KeyExpr: &hclsyntax.ObjectConsKeyExpr{Wrapped: key, ForceNonLiteral: true}, ValueExpr: j.expression(v, templates)})
		}
		return x
	case n.IsList():
		x := &hclsyntax.TupleConsExpr{SrcRange: r, OpenRange: r}
		for _, item := range n.Items() {
			x.Exprs = append(x.Exprs, j.expression(item, templates))
		}
		return x
	case n.IsZero():
		return &hclsyntax.LiteralValueExpr{Val: cty.NullVal(cty.DynamicPseudoType), SrcRange: r}
	}
	s := n.String()
	if b, ok := n.Bool(); ok && !n.IsText() {
		return &hclsyntax.LiteralValueExpr{Val: cty.BoolVal(b), SrcRange: r}
	}
	if v, err := cty.ParseNumberVal(s); err == nil && n.Number() {
		return &hclsyntax.LiteralValueExpr{Val: v, SrcRange: r}
	}
	if !templates || !strings.Contains(s, "${") && !strings.Contains(s, "%{") {
		return &hclsyntax.LiteralValueExpr{Val: cty.StringVal(s), SrcRange: r}
	}
	return j.template(n, s, r)
}

func (j *jsonSyntax) template(n yamlpos.Node, s string, r hcl.Range) hclsyntax.Expression {
	name, start := j.file.Path, r.Start
	exact := n.Pos().Exact()
	if !exact {
		// Its own text is a file for the time of its evaluation.
		name, start = j.e.text(s), hcl.InitialPos
	}
	fail := func(d string) hclsyntax.Expression {
		j.made.problems = append(j.made.problems, extract.Problem{
			Origin: ref.Origin{Kind: "file", Where: j.file.Path, Line: r.Start.Line, Column: r.Start.Column}, Cause: fact.Unsupported, Why: "not a valid template: " + d})
		return &hclsyntax.ExprSyntaxError{SrcRange: r, Placeholder: cty.DynamicVal}
	}
	if tokens, _ := hclsyntax.LexTemplate([]byte(s), name, start); tooDeep(tokens, name) != nil {
		return fail(errJSONDeep.Error())
	}
	x, diags := hclsyntax.ParseTemplate([]byte(s), name, start)
	if diags.HasErrors() {
		return fail(diags[0].Summary)
	}
	if !exact {
		return &escaped{x, r}
	}
	return x
}
