package bake

import (
	"errors"
	"fmt"
	"math/big"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/intact-dev/intact/pkg/internal/lazy"
	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/function"
	"github.com/zclconf/go-cty/cty/function/stdlib"
)

// standard are the functions of Bake that depend on their arguments alone and
// whose result is about as large as those.
//
// https://docs.docker.com/build/bake/funcs/
func standard() map[string]function.Function {
	return map[string]function.Function{
		"absolute": stdlib.AbsoluteFunc, "add": stdlib.AddFunc, "and": stdlib.AndFunc, "ceil": stdlib.CeilFunc, "chomp": stdlib.ChompFunc,
		"coalesce": stdlib.CoalesceFunc, "coalescelist": stdlib.CoalesceListFunc, "compact": stdlib.CompactFunc, "concat": stdlib.ConcatFunc,
		"contains": stdlib.ContainsFunc, "distinct": stdlib.DistinctFunc, "divide": stdlib.DivideFunc, "element": stdlib.ElementFunc,
		"equal": stdlib.EqualFunc, "flatten": stdlib.FlattenFunc, "floor": stdlib.FloorFunc, "format": formatFunc, "greaterthan": stdlib.GreaterThanFunc,
		"hasindex": stdlib.HasIndexFunc, "index": stdlib.IndexFunc, "int": stdlib.IntFunc, "join": stdlib.JoinFunc, "keys": stdlib.KeysFunc,
		"length": stdlib.LengthFunc, "lessthan": stdlib.LessThanFunc, "lookup": stdlib.LookupFunc, "lower": stdlib.LowerFunc, "max": stdlib.MaxFunc,
		"merge": stdlib.MergeFunc, "min": stdlib.MinFunc, "modulo": stdlib.ModuloFunc, "not": stdlib.NotFunc, "notequal": stdlib.NotEqualFunc,
		"or": stdlib.OrFunc, "regex_replace": stdlib.RegexReplaceFunc, "replace": stdlib.ReplaceFunc, "reverse": stdlib.ReverseFunc,
		"reverselist": stdlib.ReverseListFunc, "sanitize": sanitizeFunc, "slice": stdlib.SliceFunc, "sort": stdlib.SortFunc, "split": stdlib.SplitFunc,
		"strlen": stdlib.StrlenFunc, "substr": stdlib.SubstrFunc, "subtract": stdlib.SubtractFunc, "title": stdlib.TitleFunc, "trim": stdlib.TrimFunc,
		"trimprefix": stdlib.TrimPrefixFunc, "trimspace": stdlib.TrimSpaceFunc, "trimsuffix": stdlib.TrimSuffixFunc, "upper": stdlib.UpperFunc,
		"values": stdlib.ValuesFunc, "zipmap": stdlib.ZipmapFunc,
	}
}

var wide = lazy.Regexp(`%[^a-zA-Z%]*(?:\d{4}|\*)`)

// formatFunc is the library's, without widths that make a text long.
var formatFunc = function.New(&function.Spec{
	Params:   stdlib.FormatFunc.Params(),
	VarParam: stdlib.FormatFunc.VarParam(),
	Type:     function.StaticReturnType(cty.String),
	Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
		if wide().MatchString(args[0].AsString()) {
			return cty.UnknownVal(cty.String), errors.New("the width is too large")
		}
		return stdlib.FormatFunc.Call(args)
	},
})

var notInTags = lazy.Regexp(`[^a-zA-Z0-9_-]`)

// sanitizeFunc makes a text fit for a target's name, as Bake does.
var sanitizeFunc = function.New(&function.Spec{
	Params: []function.Parameter{{Name: "name", Type: cty.String}},
	Type:   function.StaticReturnType(cty.String),
	Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
		return cty.StringVal(notInTags().ReplaceAllString(args[0].AsString(), "_")), nil
	},
})

// Bounds of what is evaluated. A file is written by people: a hundred targets
// with ten arguments, each with a call or two.
const (
	maxValue    = 64 << 10 // size of a value: bytes of texts, and eight for all else
	maxCalls    = 20_000
	maxDepth    = 50
	maxFor      = 64 << 10 // source of an expression with for
	maxProducts = 64
)

// bounded is a function that gives up where it would not end, or its result
// would be large.
func (e *evaluator) bounded(name string, f function.Function) function.Function {
	params := append([]function.Parameter(nil), f.Params()...)
	return function.New(&function.Spec{
		Params: params, VarParam: f.VarParam(),
		Type: func(args []cty.Value) (cty.Type, error) { return cty.DynamicPseudoType, nil },
		Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
			e.calls++
			if e.calls > maxCalls || e.depth >= maxDepth {
				return cty.DynamicVal, fmt.Errorf("too many calls of functions, the last of %s", name)
			}
			e.depth++
			defer func() { e.depth-- }()
			v, err := f.Call(args)
			if err == nil && size(v) > maxValue {
				return cty.DynamicVal, fmt.Errorf("what %s returns is too large", name)
			}
			return v, err
		},
	})
}

// tooMuch says why an expression is not evaluated, "" if it is: loops in loops
// and powers of numbers grow without bound.
func tooMuch(x expression) string {
	loops, products, why := 0, 0, ""
	_ = hclsyntax.VisitAll(x.Expression, func(n hclsyntax.Node) hcl.Diagnostics {
		switch n := n.(type) {
		case *hclsyntax.ForExpr, *hclsyntax.SplatExpr:
			loops++
		case *hclsyntax.BinaryOpExpr:
			if n.Op == hclsyntax.OpMultiply {
				products++
			}
		case *hclsyntax.LiteralValueExpr:
			if size(n.Val) > maxValue {
				why = "a value is too large"
			}
		}
		return nil
	})
	r := x.Range()
	switch {
	case loops > 1:
		why = "a loop in a loop is not evaluated"
	case loops == 1 && r.End.Byte-r.Start.Byte > maxFor:
		why = "a loop that long is not evaluated"
	case products > maxProducts:
		why = "that many products are not evaluated"
	}
	return why
}

// size is what a value takes, at least maxValue+1 if that is more.
func size(v cty.Value) int {
	n := 0
	var add func(v cty.Value, depth int)
	add = func(v cty.Value, depth int) {
		n += 8
		v, _ = v.Unmark()
		switch {
		case n > maxValue || v.IsNull() || !v.IsKnown():
		case depth > maxNested:
			n = maxValue + 1
		case v.Type() == cty.String:
			n += len(v.AsString())
		case v.Type() == cty.Number:
			f := v.AsBigFloat()
			if e := f.MantExp(new(big.Float)); e > 4096 || e < -4096 {
				n = maxValue + 1
			}
		case v.CanIterateElements():
			for it := v.ElementIterator(); it.Next() && n <= maxValue; {
				k, item := it.Element()
				add(k, depth+1)
				add(item, depth+1)
			}
		}
	}
	add(v, 0)
	return n
}
