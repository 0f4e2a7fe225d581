package bake

import (
	"fmt"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/convert"
	"github.com/zclconf/go-cty/cty/function"

	"github.com/intact-dev/intact/pkg/extract/internal/written"
)

// An evaluator knows the variables and functions of a file.
type evaluator struct {
	variables map[string]*variable
	functions map[string]function.Function
	calls     int // of functions, so far
	depth     int // of calls within calls
}

// A variable is evaluated when it is asked for.
type variable struct {
	expr     expression // nil = no default
	text     written.Value
	value    cty.Value
	started  bool
	finished bool
}

func newEvaluator() *evaluator {
	e := &evaluator{variables: map[string]*variable{}, functions: map[string]function.Function{}}
	for name, f := range standard() {
		e.functions[name] = e.bounded(name, f)
	}
	return e
}

// A scope is the variables of a matrix. They hide those of the file.
type scope map[string]written.Value

// variable returns what a variable is, as text and as a value.
func (e *evaluator) variable(name string, in scope) (written.Value, cty.Value) {
	if v, ok := in[name]; ok {
		if v.Unresolved != "" {
			return v, cty.DynamicVal
		}
		return v, cty.StringVal(v.Text.String())
	}
	v := e.variables[name]
	switch {
	case strings.HasPrefix(name, "BAKE_"):
		return written.Unknown(written.Made("${"+name+"}"), "%s depends on the machine and the command line", name), cty.DynamicVal
	case v == nil:
		return written.Unknown(written.Made("${"+name+"}"), "there is no variable %s", name), cty.DynamicVal
	case v.expr.Expression == nil:
		return written.Unknown(written.Made("${"+name+"}"), "variable %s has no default", name), cty.DynamicVal
	case v.finished:
		return v.text, v.value
	case v.started:
		return written.Unknown(written.Made("${"+name+"}"), "variable %s is made of itself", name), cty.DynamicVal
	}
	v.started = true
	v.text = e.text(v.expr, nil)
	v.value = e.value(v.expr, nil)
	if v.value.IsNull() { // an argument that is this is not given
		v.text = written.Unknown(written.Made("${"+name+"}"), "variable %s has no default", name)
	}
	if v.text.Unresolved == "" && size(v.value) > maxValue {
		v.text, v.value = written.Unknown(written.Text{}, "variable %s is too large", name), cty.DynamicVal
	}
	v.finished = true
	return v.text, v.value
}

// context is what functions of the file see.
func (e *evaluator) context() *hcl.EvalContext {
	vars := map[string]cty.Value{}
	for name := range e.variables {
		_, vars[name] = e.variable(name, nil)
	}
	return &hcl.EvalContext{Variables: vars, Functions: e.functions}
}

// value evaluates an expression; it is unknown if it cannot be.
func (e *evaluator) value(x expression, in scope) cty.Value {
	v, _ := e.evaluate(x, in)
	return v
}

// evaluate also returns why a value is not known.
func (e *evaluator) evaluate(x expression, in scope) (cty.Value, string) {
	if why := tooMuch(x); why != "" {
		return cty.DynamicVal, why
	}
	ctx := &hcl.EvalContext{Variables: map[string]cty.Value{}, Functions: e.functions}
	reason := ""
	for _, t := range x.Variables() {
		name := t.RootName()
		text, v := e.variable(name, in)
		ctx.Variables[name] = v
		if text.Unresolved != "" && reason == "" {
			reason = text.Unresolved
		}
	}
	v, diags := x.Value(ctx)
	v, _ = v.UnmarkDeep()
	switch {
	case diags.HasErrors() && reason == "":
		return cty.DynamicVal, why(diags[0])
	case diags.HasErrors():
		return cty.DynamicVal, reason
	case !v.IsWhollyKnown() && reason == "":
		return v, "it cannot be evaluated"
	}
	return v, reason
}

// text evaluates an expression to text, with the places that it is written in.
func (e *evaluator) text(x expression, in scope) written.Value {
	at := func(inner hclsyntax.Expression) expression { return expression{inner, x.file} }
	switch n := x.Expression.(type) {
	case *hclsyntax.LiteralValueExpr:
		if s, ok := str(n.Val); ok && n.Val.Type() == cty.String { // a digest cannot stand behind a number
			return written.Known(written.At(x.file, n.SrcRange.Start.Byte, s))
		}
	case *hclsyntax.TemplateExpr:
		var b written.Builder
		out := written.Value{}
		for _, part := range n.Parts {
			v := e.text(at(part), in)
			b.Add(v.Text)
			if out.Unresolved == "" {
				out.Unresolved = v.Unresolved
			}
		}
		out.Text = b.Text()
		if out.Text.Len() > maxValue {
			return written.Unknown(written.Text{}, "it is too long")
		}
		return out
	case *hclsyntax.TemplateWrapExpr:
		return e.text(at(n.Wrapped), in)
	case *hclsyntax.ParenthesesExpr:
		return e.text(at(n.Expression), in)
	case *hclsyntax.ScopeTraversalExpr:
		if len(n.Traversal) == 1 {
			v, _ := e.variable(n.Traversal.RootName(), in)
			return v
		}
	case *hclsyntax.ConditionalExpr:
		c, _ := e.evaluate(at(n.Condition), in)
		if c, err := convert.Convert(c, cty.Bool); err == nil && c.IsKnown() && !c.IsNull() {
			if c.True() {
				return e.text(at(n.TrueResult), in)
			}
			return e.text(at(n.FalseResult), in)
		}
	}
	v, reason := e.evaluate(x, in)
	if s, ok := str(v); ok {
		return written.Known(written.At(x.file, x.Range().Start.Byte, s).Loose())
	}
	if reason == "" {
		reason = "it is no text"
	}
	return written.Unknown(x.source(), "%s", reason)
}

// source is what an expression looks like.
func (e expression) source() written.Text {
	r := e.Range()
	if r.Start.Byte < 0 || r.End.Byte > len(e.file.Data) || r.End.Byte-r.Start.Byte > 200 || r.End.Byte <= r.Start.Byte {
		return written.Text{}
	}
	return written.Made(fmt.Sprintf("${%s}", e.file.Data[r.Start.Byte:r.End.Byte]))
}

func str(v cty.Value) (string, bool) {
	if v.IsNull() || !v.IsKnown() || size(v) > maxValue {
		return "", false
	}
	s, err := convert.Convert(v, cty.String)
	if err != nil || s.IsNull() || !s.IsKnown() {
		return "", false
	}
	return s.AsString(), true
}
