package terraform

import (
	"fmt"
	"io/fs"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"

	"github.com/intact-dev/intact/pkg/extract"
	"github.com/intact-dev/intact/pkg/extract/internal/resource"
	"github.com/intact-dev/intact/pkg/extract/internal/written"
)

// An evaluation is the work for one result. Everything that is evaluated costs a
// step, so that what is written to become large does not.
type evaluation struct {
	fsys     fs.FS
	root     string // the folder that is evaluated, where relative paths begin
	sources  map[string]*source
	files    map[string]*written.File
	modules  map[string]*module
	read     map[string]bool
	claims   map[string]bool
	failed   map[string]error // files that could not be read
	problems []extract.Problem
	sink     *resource.Sink

	steps, depth int
	// wrong are values that Terraform would refuse, which try() and can() ask for.
	wrong map[*resource.Value]bool
}

const (
	maxSteps = 150_000
	maxNest  = 400
	maxText  = 1 << 20 // of a file that is read as one text
	maxMade  = 1 << 18 // of one that is put together
)

// A scope is what names mean to an expression.
type scope struct {
	in     *instance // nil within a template of another file, which sees vars alone
	vars   map[string]*resource.Value
	anon   map[*hclsyntax.AnonSymbolExpr]*resource.Value
	parent *scope
}

func (s *scope) lookup(name string) *resource.Value {
	for ; s != nil; s = s.parent {
		if v := s.vars[name]; v != nil {
			return v
		}
	}
	return nil
}

func (s *scope) with(vars map[string]*resource.Value) *scope {
	return &scope{in: s.in, vars: vars, parent: s}
}

// unknown is the value of x, which cannot be told; its text is what is written.
func (e *evaluation) unknown(x hclsyntax.Expression, why string) *resource.Value {
	r := x.Range()
	var b written.Builder
	f := e.files[r.Filename]
	switch {
	case f == nil || r.End.Byte > len(f.Data) || r.End.Byte-r.Start.Byte > 200 || r.End.Line != r.Start.Line:
		b.Add(written.Made("${…}"))
	default:
		b.Add(written.Made("${"))
		b.AddFile(f, r.Start.Byte, r.End.Byte)
		b.Add(written.Made("}"))
	}
	v := resource.NotKnown(e.at(r), b.Text(), why)
	v.Ignored = e.ignored(r)
	return v
}

// refused is the value of x that Terraform would not accept.
func (e *evaluation) refused(x hclsyntax.Expression, format string, args ...any) *resource.Value {
	v := e.unknown(x, fmt.Sprintf(format, args...))
	e.wrong[v] = true
	return v
}

// eval returns what x is worth.
func (e *evaluation) eval(x hclsyntax.Expression, s *scope) *resource.Value {
	e.steps++
	if e.steps > maxSteps {
		return e.unknown(x, fmt.Sprintf("evaluating the module takes more than %d steps", maxSteps))
	}
	if e.depth >= maxNest {
		return e.unknown(x, "it is nested too deep, or depends on itself")
	}
	e.depth++
	defer func() { e.depth-- }()
	switch x := x.(type) {
	case *hclsyntax.LiteralValueExpr:
		return e.literal(x)
	case *hclsyntax.TemplateExpr:
		return e.template(x, x.Parts, s)
	case *hclsyntax.TemplateWrapExpr:
		return e.eval(x.Wrapped, s)
	case *hclsyntax.TemplateJoinExpr:
		return e.joined(x, s)
	case *hclsyntax.ParenthesesExpr:
		return e.eval(x.Expression, s)
	case *hclsyntax.ScopeTraversalExpr:
		return e.traversal(x, s)
	case *hclsyntax.RelativeTraversalExpr:
		return e.follow(x, e.eval(x.Source, s), x.Traversal)
	case *hclsyntax.IndexExpr:
		return e.index(x, e.eval(x.Collection, s), e.eval(x.Key, s))
	case *hclsyntax.SplatExpr:
		return e.splat(x, s)
	case *escaped:
		return placed(e.eval(x.Expression, s), e.at(x.at), 0)
	case *hclsyntax.AnonSymbolExpr:
		for p := s; p != nil; p = p.parent {
			if v := p.anon[x]; v != nil {
				return v
			}
		}
	case *hclsyntax.ConditionalExpr:
		return e.conditional(x, s)
	case *hclsyntax.FunctionCallExpr:
		return e.call(x, s)
	case *hclsyntax.ForExpr:
		return e.forEach(x, s)
	case *hclsyntax.TupleConsExpr:
		v := &resource.Value{Kind: resource.List, At: e.at(x.Range())}
		for _, item := range x.Exprs {
			v.Items = append(v.Items, e.eval(item, s))
		}
		return v
	case *hclsyntax.ObjectConsExpr:
		return e.object(x, s)
	case *hclsyntax.BinaryOpExpr:
		return e.binary(x, s)
	case *hclsyntax.UnaryOpExpr:
		return e.apply(x, x.Op.Impl, e.eval(x.Val, s))
	}
	return e.unknown(x, "an expression of this kind is not evaluated")
}

func extra(have, more []extract.Ignore) []extract.Ignore {
	var out []extract.Ignore
next:
	for _, m := range more {
		for _, h := range have {
			if h == m {
				continue next
			}
		}
		out = append(out, m)
	}
	return out
}

func (e *evaluation) object(x *hclsyntax.ObjectConsExpr, s *scope) *resource.Value {
	v := &resource.Value{Kind: resource.Map, At: e.at(x.Range())}
	for _, item := range x.Items {
		name := hcl.ExprAsKeyword(item.KeyExpr)
		if k, ok := item.KeyExpr.(*hclsyntax.ObjectConsKeyExpr); ok && (name == "" || k.ForceNonLiteral) {
			key := e.eval(k.Wrapped, s)
			if why := key.Unknown(); why != "" || key.Kind != resource.Scalar {
				v.Absent = "a key is not known: " + why
				continue
			}
			name = key.Text.String()
		}
		v.Fields = append(v.Fields, resource.Field{Name: name, Value: e.use(item.ValueExpr, s)})
	}
	return v
}

// use is eval of what an argument is set to: the value is used there, wherever it
// is written.
func (e *evaluation) use(x hclsyntax.Expression, s *scope) *resource.Value {
	v := e.eval(x, s)
	if v.Kind != resource.Scalar && v.Kind != resource.Unknown {
		return v
	}
	c := *v
	c.Ignored = append(c.Ignored[:len(c.Ignored):len(c.Ignored)], extra(c.Ignored, e.ignored(x.Range()))...)
	if file, _ := c.Text.Place(0); file == nil || file != e.files[x.Range().Filename] || c.At.Line != x.Range().Start.Line {
		c.At = e.at(x.Range())
	}
	if e.wrong[v] {
		e.wrong[&c] = true
	}
	return &c
}

func (e *evaluation) conditional(x *hclsyntax.ConditionalExpr, s *scope) *resource.Value {
	cond := e.eval(x.Condition, s)
	yes, ok := cond.Bool()
	switch {
	case !ok && cond.Unknown() != "":
		return e.unknown(x, cond.Unknown())
	case !ok:
		return e.refused(x, "the condition is neither true nor false")
	case yes:
		return e.eval(x.TrueResult, s)
	}
	return e.eval(x.FalseResult, s)
}
