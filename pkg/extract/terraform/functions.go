package terraform

import (
	"fmt"
	"regexp"
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
		if n := size(args); n > maxText {
			return e.unknown(x, fmt.Sprintf("%s of more than %d bytes", name, maxText))
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

func (e *evaluation) lookup(x *hclsyntax.FunctionCallExpr, args []*resource.Value) *resource.Value {
	if len(args) < 2 || args[1].Known() == "" {
		return nil
	}
	if args[0].Kind == resource.Map {
		if v := field(args[0], args[1].Known()); v != nil {
			return v
		}
		if args[0].Absent == "" && len(args) == 3 {
			return args[2]
		}
	}
	return e.attribute(x, args[0], args[1].Known())
}

func (e *evaluation) merge(x *hclsyntax.FunctionCallExpr, args []*resource.Value) *resource.Value {
	out := &resource.Value{Kind: resource.Map, At: e.at(x.Range())}
	for _, a := range args {
		e.steps += len(a.Fields)
		switch {
		case a.Kind == resource.Null:
			continue
		case a.Kind != resource.Map || e.steps > maxSteps:
			return e.of(x, a)
		}
		if a.Absent != "" {
			out.Absent = a.Absent
		}
		for _, f := range a.Fields {
			set := false
			for i := range out.Fields {
				if out.Fields[i].Name == f.Name {
					out.Fields[i].Value, set = f.Value, true
				}
			}
			if !set {
				out.Fields = append(out.Fields, f)
			}
		}
	}
	return out
}

func (e *evaluation) concat(x *hclsyntax.FunctionCallExpr, args []*resource.Value) *resource.Value {
	out := &resource.Value{Kind: resource.List, At: e.at(x.Range())}
	for _, a := range args {
		e.steps += len(a.Items)
		if e.steps > maxSteps {
			return e.unknown(x, "the list is too long")
		}
		if a.Kind == resource.List {
			out.Items = append(out.Items, a.Items...)
			continue
		}
		out.Items = append(out.Items, e.of(x, a)) // elements that are not known
	}
	return out
}

func (e *evaluation) flatten(out, v *resource.Value, depth int) bool {
	e.steps++
	if v.Kind != resource.List || depth > maxNest || e.steps > maxSteps {
		return false
	}
	for _, item := range v.Items {
		if item.Kind != resource.List {
			out.Items = append(out.Items, item)
		} else if !e.flatten(out, item, depth+1) {
			return false
		}
	}
	return true
}

func (e *evaluation) join(x *hclsyntax.FunctionCallExpr, sep *resource.Value, items []*resource.Value) *resource.Value {
	var j resource.Joiner
	for i, item := range items {
		if i > 0 {
			j.Add(sep)
		}
		if item.Kind != resource.Scalar && item.Kind != resource.Unknown {
			return e.refused(x, "an element is no text")
		}
		j.Add(item)
		if j.Len() > maxText {
			return e.unknown(x, fmt.Sprintf("a text of more than %d bytes", maxText))
		}
	}
	return j.Value(e.at(x.Range()))
}

// format knows %s, %v and %d of texts as they are; the library has the rest.
func (e *evaluation) format(x *hclsyntax.FunctionCallExpr, args []*resource.Value) *resource.Value {
	spec := args[0]
	if spec.Kind != resource.Scalar || len(spec.Holes) > 0 {
		return e.of(x, spec)
	}
	s := spec.Text.String()
	var j resource.Joiner
	next, from := 1, 0
	for i := 0; i < len(s); i++ {
		if s[i] != '%' {
			continue
		}
		if i+1 == len(s) || !strings.ContainsRune("svd%", rune(s[i+1])) || s[i+1] != '%' && next >= len(args) {
			if wide.MatchString(s) {
				return e.unknown(x, "the format is too wide")
			}
			return nil
		}
		j.Add(&resource.Value{Kind: resource.Scalar, Text: spec.Text.Slice(from, i), At: spec.At})
		if s[i+1] == '%' {
			j.Literal("%")
		} else {
			if k := args[next].Kind; k != resource.Scalar && k != resource.Unknown {
				return e.refused(x, "argument %d is no text", next)
			}
			j.Add(args[next])
			next++
		}
		from = i + 2
		i++
		if j.Len() > maxText {
			return e.unknown(x, fmt.Sprintf("a text of more than %d bytes", maxText))
		}
	}
	j.Add(&resource.Value{Kind: resource.Scalar, Text: spec.Text.Slice(from, len(s)), At: spec.At})
	return j.Value(e.at(x.Range()))
}

var wide = regexp.MustCompile(`\d{4,}|\*`)

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
