package terraform

import (
	"fmt"
	"strings"

	"github.com/hashicorp/hcl/v2/hclsyntax"

	"github.com/intact-dev/intact/pkg/extract/internal/resource"
	"github.com/intact-dev/intact/pkg/internal/lazy"
)

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
		if j.Len() > maxMade {
			return e.unknown(x, fmt.Sprintf("a text of more than %d bytes", maxMade))
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
			if wide().MatchString(s) {
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
		if j.Len() > maxMade {
			return e.unknown(x, fmt.Sprintf("a text of more than %d bytes", maxMade))
		}
	}
	j.Add(&resource.Value{Kind: resource.Scalar, Text: spec.Text.Slice(from, len(s)), At: spec.At})
	return j.Value(e.at(x.Range()))
}

var wide = lazy.Regexp(`\d{4,}|\*`)
