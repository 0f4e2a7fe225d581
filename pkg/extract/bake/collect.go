package bake

import (
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"

	"github.com/intact-dev/intact/pkg/extract/internal/written"
)

// An element is one of a list or of a mapping.
type element struct {
	name  string // of a mapping
	value written.Value
	expr  expression // that it is, or that it comes from
	in    scope      // that expr is to be seen in
}

// list returns the elements of a list.
func (e *evaluator) list(x expression, in scope) []element {
	if x.Expression == nil {
		return nil
	}
	if t, ok := x.Expression.(*hclsyntax.TupleConsExpr); ok {
		var out []element
		for _, item := range t.Exprs {
			item := expression{item, x.file}
			out = append(out, element{value: e.text(item, in), expr: item, in: in})
		}
		return out
	}
	if inner, ok := e.variableExpr(x, in); ok {
		return e.list(inner, nil)
	}
	return e.elements(x, in)
}

// object returns the elements of a mapping.
func (e *evaluator) object(x expression, in scope) []element {
	if x.Expression == nil {
		return nil
	}
	if o, ok := x.Expression.(*hclsyntax.ObjectConsExpr); ok {
		var out []element
		for _, item := range o.Items {
			key := e.text(expression{item.KeyExpr, x.file}, in)
			if k, ok := item.KeyExpr.(*hclsyntax.ObjectConsKeyExpr); ok && !k.ForceNonLiteral {
				if v, diags := k.Value(nil); !diags.HasErrors() {
					if s, ok := str(v); ok {
						key = written.Known(written.Made(s))
					}
				}
			}
			v := expression{item.ValueExpr, x.file}
			out = append(out, element{name: key.Text.String(), value: e.text(v, in), expr: v, in: in})
		}
		return out
	}
	if inner, ok := e.variableExpr(x, in); ok {
		return e.object(inner, nil)
	}
	return e.elements(x, in)
}

// variableExpr is the default of a variable, if x is nothing else.
func (e *evaluator) variableExpr(x expression, in scope) (expression, bool) {
	t, ok := x.Expression.(*hclsyntax.ScopeTraversalExpr)
	if !ok || len(t.Traversal) != 1 {
		return x, false
	}
	name := t.Traversal.RootName()
	v := e.variables[name]
	if _, hidden := in[name]; hidden || v == nil || v.expr.Expression == nil {
		return x, false
	}
	if text, _ := e.variable(name, nil); text.Unresolved != "" && v.value.Type() == cty.DynamicPseudoType {
		return x, false
	}
	_, again := v.expr.Expression.(*hclsyntax.ScopeTraversalExpr)
	return v.expr, !again
}

// elements are those of a value that is evaluated as a whole; an unknown one is
// the only one.
func (e *evaluator) elements(x expression, in scope) []element {
	v, reason := e.evaluate(x, in)
	switch {
	case v.IsNull():
		return nil
	case !v.IsKnown() || !v.CanIterateElements():
		if reason == "" {
			reason = "it is no list"
		}
		return []element{{value: written.Unknown(x.source(), "%s", reason), expr: x, in: in}}
	}
	var out []element
	for it := v.ElementIterator(); it.Next(); {
		k, item := it.Element()
		name, _ := str(k)
		el := element{name: name, expr: x, in: in}
		if s, ok := str(item); ok {
			el.value = written.Known(written.Made(s))
		} else {
			el.value = written.Unknown(x.source(), "%s", orElse(reason, "it is no text"))
		}
		out = append(out, el)
	}
	return out
}

func orElse(s, other string) string {
	if s != "" {
		return s
	}
	return other
}
