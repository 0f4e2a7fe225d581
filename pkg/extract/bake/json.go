package bake

import (
	"fmt"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"

	"github.com/intact-dev/intact/pkg/extract"
	"github.com/intact-dev/intact/pkg/extract/internal/written"
	"github.com/intact-dev/intact/pkg/extract/internal/yamlpos"
	"github.com/intact-dev/intact/pkg/fact"
)

// json reads a Bake file in JSON, whose texts are templates as in HCL.
//
// https://github.com/hashicorp/hcl/blob/main/json/spec.md
func (r *reader) json(f *written.File) error {
	open, err := yamlpos.Open(f.Data)
	if err != nil {
		return err
	}
	for doc, err := range open.Docs(nil) {
		if err != nil {
			r.problems = append(r.problems, yamlpos.Problem(f.Path, err))
			continue
		}
		if !doc.Root().IsMap() {
			r.problems = append(r.problems, extract.Problem{Origin: doc.Root().Origin(f.Path, ""), Cause: fact.Unsupported, Why: "no Bake file: it is no object"})
			continue
		}
		for kind, blocks := range doc.Root().Fields() {
			for _, object := range append(items(blocks), blocks) {
				for name, block := range object.Fields() {
					attrs := map[string]expression{}
					for k, v := range block.Fields() {
						attrs[k.String()] = expression{r.convert(f, v), f}
					}
					p := name.Pos()
					r.define(f, kind.String(), name.String(), f.Offset(p.Line, p.Column), attrs)
				}
			}
		}
		for _, e := range doc.Problems() {
			r.problems = append(r.problems, yamlpos.Problem(f.Path, e))
		}
	}
	return nil
}

func items(n yamlpos.Node) []yamlpos.Node {
	var out []yamlpos.Node
	for _, i := range n.Items() {
		out = append(out, i)
	}
	return out
}

// convert returns a value as the expression that it is.
func (r *reader) convert(f *written.File, n yamlpos.Node) hclsyntax.Expression {
	p := n.Pos()
	at := hcl.Pos{Line: p.Line, Column: p.Column, Byte: f.Offset(p.Line, p.Column)}
	where := hcl.Range{Filename: f.Path, Start: at, End: at}
	switch {
	case n.IsMap():
		out := &hclsyntax.ObjectConsExpr{SrcRange: where, OpenRange: where}
		for k, v := range n.Fields() {
			out.Items = append(out.Items, hclsyntax.ObjectConsItem{KeyExpr: literal(k.String(), where), ValueExpr: r.convert(f, v)})
		}
		return out
	case n.IsList():
		out := &hclsyntax.TupleConsExpr{SrcRange: where, OpenRange: where}
		for _, v := range n.Items() {
			out.Exprs = append(out.Exprs, r.convert(f, v))
		}
		return out
	}
	s, ok := n.Text()
	switch b, isBool := n.Bool(); {
	case !ok:
		return &hclsyntax.LiteralValueExpr{Val: cty.NullVal(cty.String), SrcRange: where}
	case isBool:
		return &hclsyntax.LiteralValueExpr{Val: cty.BoolVal(b), SrcRange: where}
	case n.Number():
		return &elsewhere{literal(s, where), where}
	}
	if err := nested(written.NewFile(f.Path, []byte(`"`+s+`"`))); err != nil {
		return &hclsyntax.LiteralValueExpr{Val: cty.DynamicVal, SrcRange: where}
	}
	out, diags := hclsyntax.ParseTemplate([]byte(s), f.Path, at)
	if diags.HasErrors() {
		r.problem(n.Origin(f.Path, ""), fmt.Errorf("the template %q: %s", s, why(diags[0])))
		return &hclsyntax.LiteralValueExpr{Val: cty.DynamicVal, SrcRange: where}
	}
	if !p.Exact() {
		return &elsewhere{out, where}
	}
	return out
}

func literal(s string, at hcl.Range) hclsyntax.Expression {
	return &hclsyntax.LiteralValueExpr{Val: cty.StringVal(s), SrcRange: at}
}

// An elsewhere is an expression whose places mean nothing but that of the whole.
type elsewhere struct {
	hclsyntax.Expression
	at hcl.Range
}

func (e *elsewhere) Range() hcl.Range      { return e.at }
func (e *elsewhere) StartRange() hcl.Range { return e.at }
