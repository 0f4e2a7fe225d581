package terraform

import (
	"cmp"
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2/hclsyntax"

	"github.com/intact-dev/intact/pkg/extract/internal/resource"
)

// A child is what one instance of a module block makes; in is nil if its module is
// not in the tree, and why says so.
type child struct {
	in  *instance
	why string
	s   *scope // of the block's arguments
	// none is as in a repetition.
	none bool
}

// repeated yields the scopes of a block's instances, by count or for_each, and how
// each is called. One whose number is not known stands for all.
func (e *evaluation) repeated(b *hclsyntax.Body, s *scope) []repetition {
	if a := b.Attributes["count"]; a != nil {
		v := e.eval(a.Expr, s)
		n, ok := v.Int()
		index := func(i *resource.Value) *scope {
			return s.with(map[string]*resource.Value{"count": {Kind: resource.Map, Fields: []resource.Field{{Name: "index", Value: i}}}})
		}
		if !ok {
			return []repetition{{index(e.unknown(a.Expr, cmp.Or(v.Unknown(), "the count is no number"))), "", false}}
		}
		if _, literal := a.Expr.(*hclsyntax.LiteralValueExpr); n == 0 && !literal {
			return []repetition{{index(e.unknown(a.Expr, notMade)), "", true}}
		}
		var out []repetition
		for i := range n {
			if e.steps += instanceCost; e.steps > maxSteps {
				break
			}
			at := text(e.at(a.Expr.Range()), fmt.Sprint(i))
			at.Plain = true
			out = append(out, repetition{index(at), fmt.Sprintf("[%d]", i), false})
		}
		return out
	}
	a := b.Attributes["for_each"]
	if a == nil {
		return []repetition{{s, "", false}}
	}
	v := e.eval(a.Expr, s)
	if v.Kind == resource.Unknown {
		return []repetition{{s.with(each("each", e.unknown(a.Expr, v.Why), e.unknown(a.Expr, v.Why))), "", false}}
	}
	var out []repetition
	for key, value := range e.entries(v) {
		out = append(out, repetition{s.with(each("each", key, value)), fmt.Sprintf("[%q]", key.Text.String()), false})
	}
	if len(out) == 0 && len(a.Expr.Variables()) > 0 {
		u := e.unknown(a.Expr, notMade)
		out = append(out, repetition{s.with(each("each", u, u)), "", true})
	}
	return out
}

// instanceCost is how many steps an instance takes beside those of its values.
const instanceCost = 10

const notMade = "with the values at hand there is none"

type repetition struct {
	s      *scope
	suffix string
	// none is set for one that stands for a block that is not made with the values
	// at hand, and would be with others.
	none bool
}

// entries yields what for_each goes through: of a set, an element is its own key.
func (e *evaluation) entries(v *resource.Value) func(func(key, value *resource.Value) bool) {
	return func(yield func(key, value *resource.Value) bool) {
		for key, value := range e.elements(v) {
			if e.steps += instanceCost; e.steps > maxSteps {
				return
			}
			if v.Kind == resource.List && value.Kind != resource.Map && value.Kind != resource.List {
				key = value
			}
			if !yield(key, value) {
				return
			}
		}
	}
}

func each(name string, key, value *resource.Value) map[string]*resource.Value {
	return map[string]*resource.Value{name: {Kind: resource.Map, Fields: []resource.Field{{Name: "key", Value: key}, {Name: "value", Value: value}}}}
}

// body evaluates a block's arguments and blocks. Blocks of one type are a list.
func (e *evaluation) body(b *hclsyntax.Body, s *scope, at resource.Place) *resource.Value {
	v := &resource.Value{Kind: resource.Map, At: at}
	for _, name := range slices.Sorted(maps.Keys(b.Attributes)) {
		a := b.Attributes[name]
		if name == "count" || name == "for_each" || name == "depends_on" || name == "provider" || name == "providers" {
			continue
		}
		value := e.use(a.Expr, s)
		if more := extra(value.Ignored, e.ignored(a.NameRange)); len(more) > 0 {
			c := *value
			c.Ignored = append(c.Ignored[:len(c.Ignored):len(c.Ignored)], more...)
			value = &c
		}
		v.Fields = append(v.Fields, resource.Field{Name: name, Value: value})
	}
	lists := map[string]*resource.Value{}
	add := func(kind string, value *resource.Value) {
		list := lists[kind]
		if list == nil {
			list = &resource.Value{Kind: resource.List, At: value.At}
			lists[kind] = list
			v.Fields = append(v.Fields, resource.Field{Name: kind, Value: list})
		}
		list.Items = append(list.Items, value)
	}
	for _, nested := range b.Blocks {
		if e.depth >= maxNest {
			break
		}
		e.depth++
		where := e.at(nested.TypeRange)
		if nested.Type == "dynamic" && len(nested.Labels) == 1 {
			e.dynamic(nested, s, func(value *resource.Value) { add(nested.Labels[0], value) })
		} else {
			inner := e.body(nested.Body, s, where)
			inner.Ignored = e.ignored(nested.TypeRange)
			add(nested.Type, inner)
		}
		e.depth--
	}
	return v
}

// dynamic makes the blocks that a dynamic block stands for.
func (e *evaluation) dynamic(b *hclsyntax.Block, s *scope, add func(*resource.Value)) {
	where := e.at(b.TypeRange)
	var content *hclsyntax.Body
	for _, nested := range b.Body.Blocks {
		if nested.Type == "content" {
			content = nested.Body
		}
	}
	a := b.Body.Attributes["for_each"]
	if content == nil || a == nil {
		return
	}
	name := b.Labels[0]
	if it := b.Body.Attributes["iterator"]; it != nil {
		if t, ok := it.Expr.(*hclsyntax.ScopeTraversalExpr); ok {
			name = t.Traversal.RootName()
		}
	}
	v := e.eval(a.Expr, s)
	if v.Kind == resource.Unknown {
		u := e.unknown(a.Expr, v.Why)
		add(e.body(content, s.with(each(name, u, u)), where))
		return
	}
	for key, value := range e.entries(v) {
		add(e.body(content, s.with(each(name, key, value)), where))
	}
}

// childrenOf returns the instances that a module block makes.
func (e *evaluation) childrenOf(in *instance, b *hclsyntax.Block) []*child {
	name := b.Labels[0]
	if all, ok := in.children[name]; ok {
		return all
	}
	in.children[name] = nil // a module whose count depends on its own output has none
	var out []*child
	for _, r := range e.repeated(b.Body, &scope{in: in}) {
		if e.steps += 10 * instanceCost; e.steps > maxSteps {
			break
		}
		c := &child{s: r.s, none: r.none}
		var m *module
		m, c.why = e.target(in, b)
		if m != nil {
			inputs := map[string]*resource.Value{}
			for name, a := range b.Body.Attributes {
				if v := e.use(a.Expr, r.s); v.Kind != resource.Null && m.variables[name] != nil {
					inputs[name] = v
				}
			}
			c.in = e.instance(m, in.path+"module."+name+r.suffix+".", in.stack, inputs)
		}
		out = append(out, c)
	}
	in.children[name] = out
	return out
}

// target is the module that a block names, or why it is not to be had.
func (e *evaluation) target(in *instance, b *hclsyntax.Block) (*module, string) {
	a := b.Body.Attributes["source"]
	if a == nil {
		return nil, "the module has no source"
	}
	source := e.eval(a.Expr, &scope{in: in}).Known()
	if !strings.HasPrefix(source, "./") && !strings.HasPrefix(source, "../") {
		return nil, fmt.Sprintf("the module %q is not in the tree", source)
	}
	dir := path.Join(in.dir, source)
	switch {
	case dir == ".." || strings.HasPrefix(dir, "../"):
		return nil, fmt.Sprintf("the module %q lies outside of the tree", source)
	case slices.Contains(in.stack, dir):
		return nil, fmt.Sprintf("the module %q uses itself", source)
	case len(in.stack) > 30:
		return nil, "modules are nested too deep"
	}
	m, err := e.load(dir)
	if err != nil {
		return nil, err.Error()
	}
	if len(m.files) == 0 {
		return nil, fmt.Sprintf("the module %q has no files of Terraform", source)
	}
	return m, ""
}

// inTree begins a path that path.module makes: one from the root of the tree.
const inTree = "\x00"

// pathOf is where a path of a text leads.
func (e *evaluation) pathOf(v *resource.Value) (string, string) {
	name := v.Known()
	if name == "" {
		return "", cmp.Or(v.Unknown(), "there is no path")
	}
	p, abs := strings.CutPrefix(name, inTree)
	if !abs {
		p = path.Join(e.root, name)
	}
	if p = path.Clean(p); p == ".." || strings.HasPrefix(p, "../") || path.IsAbs(p) || path.IsAbs(name) {
		return "", "the file lies outside of the tree"
	}
	return p, ""
}
