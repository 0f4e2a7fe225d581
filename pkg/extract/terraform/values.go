package terraform

import (
	"cmp"
	"fmt"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/convert"
	"github.com/zclconf/go-cty/cty/function"

	"github.com/intact-dev/intact/pkg/extract/internal/resource"
	"github.com/intact-dev/intact/pkg/extract/internal/written"
)

// field is the value at a key, exactly as it is written: maps of HCL, unlike the
// arguments of resources, have keys of any form.
func field(v *resource.Value, name string) *resource.Value {
	for _, f := range v.Fields {
		if f.Name == name {
			return f.Value
		}
	}
	return nil
}

// follow follows a path of attributes and indexes.
func (e *evaluation) follow(x hclsyntax.Expression, v *resource.Value, path hcl.Traversal) *resource.Value {
	for _, step := range path {
		switch step := step.(type) {
		case hcl.TraverseAttr:
			v = e.attribute(x, v, step.Name)
		case hcl.TraverseIndex:
			v = e.index(x, v, fromCty(step.Key, e.at(x.Range())))
		default:
			return e.unknown(x, "an expression of this kind is not evaluated")
		}
	}
	return v
}

func (e *evaluation) attribute(x hclsyntax.Expression, v *resource.Value, name string) *resource.Value {
	switch v.Kind {
	case resource.Unknown:
		return e.of(x, v)
	case resource.Map:
		if f := field(v, name); f != nil {
			return f
		}
		if v.Absent != "" {
			return e.unknown(x, v.Absent)
		}
	}
	return e.refused(x, "there is no attribute %q", name)
}

func (e *evaluation) index(x hclsyntax.Expression, v, key *resource.Value) *resource.Value {
	switch {
	case v.Kind == resource.Unknown:
		return e.of(x, v)
	case key.Unknown() != "":
		return e.of(x, key)
	case v.Kind == resource.Map:
		return e.attribute(x, v, key.Text.String())
	case v.Kind == resource.List:
		if n, ok := key.Int(); ok && n >= 0 && n < int64(len(v.Items)) {
			return v.Items[n]
		}
	}
	return e.refused(x, "there is no element %q", key.Text.String())
}

// of is the value of x where it is not known because part is not.
func (e *evaluation) of(x hclsyntax.Expression, part *resource.Value) *resource.Value {
	why := cmp.Or(part.Unknown(), part.Absent, "it is too large, or of another kind than is asked for")
	v := e.unknown(x, why)
	v.From = part.From
	if v.From == resource.FromParameter {
		v.Text = part.Text
	}
	if e.wrong[part] {
		e.wrong[v] = true
	}
	return v
}

func (e *evaluation) splat(x *hclsyntax.SplatExpr, s *scope) *resource.Value {
	src := e.eval(x.Source, s)
	out := &resource.Value{Kind: resource.List, At: e.at(x.Range())}
	switch src.Kind {
	case resource.Unknown:
		return e.of(x, src)
	case resource.Null:
		return out
	}
	for _, item := range src.Each() {
		inner := &scope{in: s.in, parent: s, anon: map[*hclsyntax.AnonSymbolExpr]*resource.Value{x.Item: item}}
		out.Items = append(out.Items, e.eval(x.Each, inner))
	}
	return out
}

// forEach evaluates [for …] and {for …}.
func (e *evaluation) forEach(x *hclsyntax.ForExpr, s *scope) *resource.Value {
	coll := e.eval(x.CollExpr, s)
	out := &resource.Value{Kind: resource.List, At: e.at(x.Range())}
	if x.KeyExpr != nil {
		out.Kind = resource.Map
	}
	if coll.Kind != resource.List && coll.Kind != resource.Map {
		return e.of(x, coll)
	}
	for key, item := range e.elements(coll) {
		inner := s.with(map[string]*resource.Value{x.ValVar: item})
		if x.KeyVar != "" {
			inner.vars[x.KeyVar] = key
		}
		if x.CondExpr != nil {
			cond := e.eval(x.CondExpr, inner)
			if keep, ok := cond.Bool(); !ok {
				return e.of(x, cond)
			} else if !keep {
				continue
			}
		}
		value := e.eval(x.ValExpr, inner)
		if x.KeyExpr == nil {
			out.Items = append(out.Items, value)
			continue
		}
		name := e.eval(x.KeyExpr, inner)
		switch old := field(out, name.Text.String()); {
		case name.Unknown() != "":
			out.Absent = "a key is not known: " + name.Unknown()
		case x.Group && old != nil:
			old.Items = append(old.Items, value)
		case x.Group:
			out.Fields = append(out.Fields, resource.Field{Name: name.Text.String(), Value: &resource.Value{Kind: resource.List, At: value.At, Items: []*resource.Value{value}}})
		default:
			out.Fields = append(out.Fields, resource.Field{Name: name.Text.String(), Value: value})
		}
	}
	return out
}

// elements yields keys and elements of a list or map.
func (e *evaluation) elements(v *resource.Value) func(func(key, value *resource.Value) bool) {
	return func(yield func(key, value *resource.Value) bool) {
		for i, item := range v.Items {
			key := &resource.Value{Kind: resource.Scalar, Plain: true, At: v.At, Text: written.Made(fmt.Sprint(i))}
			if !yield(key, item) {
				return
			}
		}
		for _, f := range v.Fields {
			if !yield(text(v.At, f.Name), f.Value) {
				return
			}
		}
	}
}

func text(at resource.Place, s string) *resource.Value {
	return &resource.Value{Kind: resource.Scalar, At: at, Text: written.Made(s)}
}

func (e *evaluation) binary(x *hclsyntax.BinaryOpExpr, s *scope) *resource.Value {
	l, r := e.eval(x.LHS, s), e.eval(x.RHS, s)
	// What decides alone decides, whatever the other side is.
	for _, side := range []*resource.Value{l, r} {
		b, ok := side.Bool()
		if ok && (x.Op == hclsyntax.OpLogicalAnd && !b || x.Op == hclsyntax.OpLogicalOr && b) {
			return side
		}
	}
	return e.apply(x, x.Op.Impl, l, r)
}

// apply calls a function of the library.
func (e *evaluation) apply(x hclsyntax.Expression, f function.Function, args ...*resource.Value) *resource.Value {
	var vals []cty.Value
	for i, a := range args {
		v, part := e.toCty(a, 0)
		if part != nil {
			return e.of(x, part)
		}
		if params := f.Params(); i < len(params) {
			if c, err := convert.Convert(v, params[i].Type); err == nil {
				v = c
			}
		} else if p := f.VarParam(); p != nil {
			if c, err := convert.Convert(v, p.Type); err == nil {
				v = c
			}
		}
		vals = append(vals, v)
	}
	out, err := f.Call(vals)
	if err != nil {
		return e.refused(x, "%v", err)
	}
	if !out.IsWhollyKnown() {
		return e.unknown(x, "it is not known")
	}
	out, _ = out.UnmarkDeep()
	return fromCty(out, e.at(x.Range()))
}

// toCty is v for the library; or the part of v that is not known.
func (e *evaluation) toCty(v *resource.Value, depth int) (cty.Value, *resource.Value) {
	e.steps++
	if v == nil {
		return cty.NullVal(cty.DynamicPseudoType), nil
	}
	if v.Unknown() != "" || e.steps > maxSteps || depth > maxNest || v.Absent != "" {
		return cty.DynamicVal, v
	}
	switch v.Kind {
	case resource.Scalar:
		s := v.Text.String()
		if !v.Plain {
			return cty.StringVal(s), nil
		}
		if b, ok := v.Bool(); ok && (s == "true" || s == "false") {
			return cty.BoolVal(b), nil
		}
		if n, err := cty.ParseNumberVal(s); err == nil {
			return n, nil
		}
		return cty.StringVal(s), nil
	case resource.List:
		var items []cty.Value
		for _, item := range v.Items {
			c, part := e.toCty(item, depth+1)
			if part != nil {
				return cty.DynamicVal, part
			}
			items = append(items, c)
		}
		return cty.TupleVal(items), nil
	case resource.Map:
		fields := map[string]cty.Value{}
		for _, f := range v.Fields {
			c, part := e.toCty(f.Value, depth+1)
			if part != nil {
				return cty.DynamicVal, part
			}
			fields[f.Name] = c
		}
		return cty.ObjectVal(fields), nil
	}
	return cty.NullVal(cty.DynamicPseudoType), nil
}

// fromCty is a value of the library, which stands at a place of which no byte says
// it.
func fromCty(v cty.Value, at resource.Place) *resource.Value {
	out := &resource.Value{Kind: resource.Null, At: at}
	switch {
	case !v.IsKnown():
		return resource.NotKnown(at, written.Text{}, "it is not known")
	case v.IsNull():
	case v.Type() == cty.String:
		return text(at, v.AsString())
	case v.Type().IsPrimitiveType():
		out.Kind, out.Plain = resource.Scalar, true
		if s, err := convert.Convert(v, cty.String); err == nil {
			out.Text = written.Made(s.AsString())
		}
	case v.Type().IsMapType() || v.Type().IsObjectType():
		out.Kind = resource.Map
		for it := v.ElementIterator(); it.Next(); {
			k, item := it.Element()
			out.Fields = append(out.Fields, resource.Field{Name: k.AsString(), Value: fromCty(item, at)})
		}
	case v.CanIterateElements():
		out.Kind = resource.List
		for it := v.ElementIterator(); it.Next(); {
			_, item := it.Element()
			out.Items = append(out.Items, fromCty(item, at))
		}
	}
	return out
}
