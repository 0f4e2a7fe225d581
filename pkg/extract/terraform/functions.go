package terraform

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty/function"
	"github.com/zclconf/go-cty/cty/function/stdlib"

	"github.com/intact-dev/intact/pkg/extract"
	"github.com/intact-dev/intact/pkg/extract/internal/resource"
	"github.com/intact-dev/intact/pkg/extract/internal/written"
)

// call evaluates a function. Those that put values together keep what is known of
// them; the library has the others.
func (e *evaluation) call(x *hclsyntax.FunctionCallExpr, s *scope) *resource.Value {
	name := strings.TrimPrefix(x.Name, "core::")
	if name == "try" || name == "can" {
		return e.try(x, s, name == "can")
	}
	var args []*resource.Value
	for _, a := range x.Args {
		args = append(args, e.eval(a, s))
	}
	if x.ExpandFinal && len(args) > 0 {
		last := args[len(args)-1]
		if last.Kind != resource.List {
			return e.of(x, last)
		}
		args = append(args[:len(args)-1], last.Items...)
	}
	if f := e.own(x, name, args); f != nil {
		return f
	}
	if f, ok := library(name); ok {
		if n := size(args); n > maxMade {
			return e.unknown(x, fmt.Sprintf("%s of more than %d bytes", name, maxMade))
		}
		return e.apply(x, f, args...)
	}
	return e.unknown(x, fmt.Sprintf("the function %s is not evaluated", name))
}

// own evaluates the functions of which parts may stay unknown; nil if it is none
// of them.
func (e *evaluation) own(x *hclsyntax.FunctionCallExpr, name string, args []*resource.Value) *resource.Value {
	if len(args) == 0 {
		return nil
	}
	first := args[0]
	switch name {
	case "jsonencode", "yamlencode", "tolist", "toset", "tomap", "sensitive", "nonsensitive", "tostring", "tonumber", "tobool", "ephemeralasnull":
		return first
	case "jsondecode", "yamldecode":
		return e.decode(x, first)
	case "file":
		return e.file(x, first)
	case "templatefile":
		if len(args) == 2 {
			return e.templateFile(x, first, args[1])
		}
	case "trimspace", "chomp":
		if first.Kind == resource.Scalar && len(first.Holes) == 0 {
			c := *first
			c.Text = first.Text.Trim()
			return &c
		}
	case "coalesce":
		for _, a := range args {
			if a.Kind == resource.Unknown || a.Kind != resource.Null && a.Text.Len() > 0 {
				return a
			}
		}
	case "lookup":
		return e.lookup(x, args)
	case "element":
		if n := int64(len(first.Items)); len(args) == 2 && n > 0 {
			if i, ok := args[1].Int(); ok {
				return first.Items[((i%n)+n)%n]
			}
		}
	case "one":
		if first.Kind == resource.List && len(first.Items) == 1 {
			return first.Items[0]
		}
	case "merge":
		return e.merge(x, args)
	case "concat":
		return e.concat(x, args)
	case "flatten":
		out := &resource.Value{Kind: resource.List, At: e.at(x.Range())}
		if e.flatten(out, first, 0) {
			return out
		}
		return e.of(x, first)
	case "join":
		if len(args) == 2 && args[1].Kind == resource.List {
			return e.join(x, first, args[1].Items)
		}
	case "format":
		return e.format(x, args)
	}
	return nil
}

// try is the first of its arguments that Terraform would not refuse.
func (e *evaluation) try(x *hclsyntax.FunctionCallExpr, s *scope, can bool) *resource.Value {
	for _, a := range x.Args {
		v := e.eval(a, s)
		refused := e.wrong[v]
		switch {
		case can:
			out := text(e.at(x.Range()), fmt.Sprint(!refused))
			out.Plain = true
			return out
		case !refused:
			return v
		}
	}
	return e.refused(x, "none of the expressions can be evaluated")
}

func (e *evaluation) decode(x hclsyntax.Expression, v *resource.Value) *resource.Value {
	if v.Kind != resource.Scalar {
		return v // what was encoded
	}
	docs, problem := v.Inner()
	if problem != "" || len(docs) != 1 {
		return e.refused(x, "%s", orElse(problem, "it is not one document"))
	}
	return docs[0]
}

func orElse(s, other string) string {
	if s == "" {
		return other
	}
	return s
}

// file is the text of a file of the tree.
func (e *evaluation) file(x hclsyntax.Expression, name *resource.Value) *resource.Value {
	f, why := e.open(name)
	if why != "" {
		return e.unknown(x, why)
	}
	return &resource.Value{Kind: resource.Scalar, Text: f.Text(0, len(f.Data)), At: resource.At(f, 0)}
}

func (e *evaluation) open(name *resource.Value) (*written.File, string) {
	p, why := e.pathOf(name)
	if why != "" {
		return nil, why
	}
	if f := e.files[p]; f != nil {
		return f, ""
	}
	b, err := extract.ReadFile(e.fsys, p)
	switch {
	case err != nil:
		return nil, err.Error()
	case len(b) > maxText:
		return nil, fmt.Sprintf("the file %q has more than %d bytes", p, maxText)
	case !utf8.Valid(b):
		return nil, fmt.Sprintf("the file %q is not UTF-8", p)
	}
	f := written.NewFile(p, b)
	e.files[p], e.read[p] = f, true
	return f, ""
}

func (e *evaluation) templateFile(x hclsyntax.Expression, name, vars *resource.Value) *resource.Value {
	f, why := e.open(name)
	if why != "" {
		return e.unknown(x, why)
	}
	if vars.Kind != resource.Map {
		return e.of(x, vars)
	}
	return e.fill(x, f.Data, f.Path, hcl.InitialPos, vars)
}

// size is how much a function may make of its arguments: one that replaces puts
// the longest at each byte of another.
func size(args []*resource.Value) int {
	n := 1
	for _, a := range args {
		n *= 1 + a.Text.Len()
		if n > maxText*maxText {
			return n
		}
	}
	return n
}

// library returns the functions that Terraform takes from the library of its
// values.
func library(name string) (function.Function, bool) {
	f, ok := map[string]function.Function{
		"abs": stdlib.AbsoluteFunc, "ceil": stdlib.CeilFunc, "floor": stdlib.FloorFunc, "max": stdlib.MaxFunc, "min": stdlib.MinFunc,
		"parseint": stdlib.ParseIntFunc, "upper": stdlib.UpperFunc, "lower": stdlib.LowerFunc, "title": stdlib.TitleFunc,
		"trim": stdlib.TrimFunc, "trimspace": stdlib.TrimSpaceFunc, "trimprefix": stdlib.TrimPrefixFunc, "trimsuffix": stdlib.TrimSuffixFunc,
		"strrev": stdlib.ReverseFunc, "substr": stdlib.SubstrFunc, "split": stdlib.SplitFunc, "regex": stdlib.RegexFunc,
		"regexall": stdlib.RegexAllFunc, "replace": stdlib.ReplaceFunc, "chomp": stdlib.ChompFunc, "join": stdlib.JoinFunc,
		"format": stdlib.FormatFunc, "length": stdlib.LengthFunc, "keys": stdlib.KeysFunc, "values": stdlib.ValuesFunc,
		"contains": stdlib.ContainsFunc, "reverse": stdlib.ReverseListFunc, "distinct": stdlib.DistinctFunc, "compact": stdlib.CompactFunc,
		"sort": stdlib.SortFunc, "slice": stdlib.SliceFunc, "range": stdlib.RangeFunc, "zipmap": stdlib.ZipmapFunc,
		"coalescelist": stdlib.CoalesceListFunc,
	}[name]
	return f, ok
}
