package terraform

import (
	"fmt"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"

	"github.com/intact-dev/intact/pkg/extract/internal/resource"
)

// An instance is one use of a module: the root, or what a module block makes.
type instance struct {
	*module
	path   string // "module.web.", "" = the root
	stack  []string
	inputs map[string]*resource.Value
	// known are variables, locals and outputs that were evaluated, and nil those
	// that are just being.
	known map[string]*resource.Value
	// children are the instances that module blocks make; made when asked for.
	children map[string][]*child
}

func (e *evaluation) instance(m *module, path string, stack []string, inputs map[string]*resource.Value) *instance {
	return &instance{module: m, path: path, stack: append(stack[:len(stack):len(stack)], m.dir), inputs: inputs,
		known: map[string]*resource.Value{}, children: map[string][]*child{}}
}

// traversal evaluates var.x, local.y, each.value.z and their like.
func (e *evaluation) traversal(x *hclsyntax.ScopeTraversalExpr, s *scope) *resource.Value {
	path := x.Traversal
	root := path.RootName()
	if v := s.lookup(root); v != nil {
		return e.named(x, e.follow(x, v, path[1:]))
	}
	names := attributes(path[1:])
	if s.in == nil {
		return e.refused(x, "the template is not given %q", root)
	}
	one := func(get func(*hclsyntax.ScopeTraversalExpr, *instance, string) *resource.Value) *resource.Value {
		if len(names) == 0 {
			return e.unknown(x, "all of "+root+" together are not evaluated")
		}
		return e.named(x, e.follow(x, get(x, s.in, names[0]), path[2:]))
	}
	switch root {
	case "var":
		return one(e.variable)
	case "local":
		return one(e.local)
	case "path":
		if len(names) == 1 && names[0] == "module" {
			return text(e.at(x.Range()), inTree+s.in.dir)
		}
		return text(e.at(x.Range()), inTree+e.root)
	case "terraform":
		return e.unknown(x, strings.Join(append([]string{root}, names...), ".")+" is known only when it is applied")
	case "each", "count", "self":
		return e.refused(x, "there is no %s here", root)
	case "module":
		return e.output(x, s.in, path[1:])
	}
	return e.resourceAttribute(x, s.in, path)
}

// named gives what is not known the text of the place that asks for it.
func (e *evaluation) named(x hclsyntax.Expression, v *resource.Value) *resource.Value {
	if v.Kind != resource.Unknown {
		return v
	}
	return e.of(x, v)
}

func attributes(path hcl.Traversal) []string {
	var out []string
	for _, step := range path {
		a, ok := step.(hcl.TraverseAttr)
		if !ok {
			break
		}
		out = append(out, a.Name)
	}
	return out
}

// once evaluates a name of an instance once; what depends on itself is not known.
func (e *evaluation) once(x hclsyntax.Expression, in *instance, key string, evaluate func() *resource.Value) *resource.Value {
	if v, ok := in.known[key]; ok {
		if v == nil {
			return e.refused(x, "%s depends on itself", key)
		}
		return v
	}
	in.known[key] = nil
	v := evaluate()
	in.known[key] = v
	return v
}

func (e *evaluation) variable(x *hclsyntax.ScopeTraversalExpr, in *instance, name string) *resource.Value {
	return e.once(x, in, "var."+name, func() *resource.Value {
		b := in.variables[name]
		if b == nil {
			return e.refused(x, "the variable %q is not declared", name)
		}
		s := &scope{in: in}
		kind := b.Body.Attributes["type"]
		v := in.inputs[name]
		if v == nil {
			a := b.Body.Attributes["default"]
			if a == nil {
				return e.unknown(x, fmt.Sprintf("the variable %q has no default", name))
			}
			v = e.eval(a.Expr, s)
		}
		if kind != nil {
			v = e.withDefaults(v, kind.Expr, s)
		}
		return v
	})
}

// withDefaults adds the defaults of optional attributes, which stand in a
// variable's type: object({tag = optional(string, "1.0")}).
//
// https://developer.hashicorp.com/terraform/language/expressions/type-constraints#optional-object-type-attributes
func (e *evaluation) withDefaults(v *resource.Value, kind hclsyntax.Expression, s *scope) *resource.Value {
	call, ok := kind.(*hclsyntax.FunctionCallExpr)
	if !ok || len(call.Args) == 0 || v == nil {
		return v
	}
	e.steps++
	switch call.Name {
	case "list", "set", "map":
		if v.Kind != resource.List && v.Kind != resource.Map {
			return v
		}
		c := *v
		c.Items, c.Fields = nil, nil
		for _, item := range v.Items {
			c.Items = append(c.Items, e.withDefaults(item, call.Args[0], s))
		}
		for _, f := range v.Fields {
			c.Fields = append(c.Fields, resource.Field{Name: f.Name, Value: e.withDefaults(f.Value, call.Args[0], s)})
		}
		return &c
	case "object":
		o, ok := call.Args[0].(*hclsyntax.ObjectConsExpr)
		if !ok || v.Kind != resource.Map {
			return v
		}
		c := *v
		c.Fields = append(c.Fields[:0:0], v.Fields...)
		for _, item := range o.Items {
			name := hcl.ExprAsKeyword(item.KeyExpr)
			optional, _ := item.ValueExpr.(*hclsyntax.FunctionCallExpr)
			inner := item.ValueExpr
			var missing *resource.Value
			if optional != nil && optional.Name == "optional" && len(optional.Args) > 0 {
				inner = optional.Args[0]
				missing = &resource.Value{Kind: resource.Null, At: v.At}
				if len(optional.Args) > 1 {
					missing = e.eval(optional.Args[1], s)
				}
			}
			set := false
			for i, f := range c.Fields {
				if f.Name == name && !(f.Value.Kind == resource.Null && missing != nil) {
					c.Fields[i].Value, set = e.withDefaults(f.Value, inner, s), true
				}
			}
			if !set && missing != nil {
				c.Fields = append(c.Fields, resource.Field{Name: name, Value: e.withDefaults(missing, inner, s)})
			}
		}
		return &c
	}
	return v
}

func (e *evaluation) local(x *hclsyntax.ScopeTraversalExpr, in *instance, name string) *resource.Value {
	return e.once(x, in, "local."+name, func() *resource.Value {
		a := in.locals[name]
		if a == nil {
			return e.refused(x, "the local value %q is not declared", name)
		}
		return e.eval(a.Expr, &scope{in: in})
	})
}

// output evaluates module.web.image.
func (e *evaluation) output(x *hclsyntax.ScopeTraversalExpr, in *instance, path hcl.Traversal) *resource.Value {
	names := attributes(path)
	if len(names) < 2 || len(path) < 2 {
		return e.unknown(x, "the outputs of a module with instances are not evaluated")
	}
	call := in.calls[names[0]]
	if call == nil {
		return e.refused(x, "the module %q is not declared", names[0])
	}
	children := e.childrenOf(in, call)
	if len(children) != 1 || children[0].in == nil {
		return e.unknown(x, fmt.Sprintf("the output %q of module.%s is known only when it is applied", names[1], names[0]))
	}
	c := children[0].in
	v := e.once(x, c, "output."+names[1], func() *resource.Value {
		b := c.outputs[names[1]]
		if b == nil || b.Body.Attributes["value"] == nil {
			return e.refused(x, "the module %q has no output %q", names[0], names[1])
		}
		return e.eval(b.Body.Attributes["value"].Expr, &scope{in: c})
	})
	return e.named(x, e.follow(x, v, path[2:]))
}

// resourceAttribute evaluates what a resource's own arguments say: docker_image.app.name.
// All else of it is known only when it is applied.
func (e *evaluation) resourceAttribute(x *hclsyntax.ScopeTraversalExpr, in *instance, path hcl.Traversal) *resource.Value {
	names := attributes(path[1:])
	address, rest := path.RootName(), path[1:]
	if address == "data" && len(names) > 0 {
		address, rest, names = "data."+names[0], rest[1:], names[1:]
	}
	if len(names) == 0 {
		return e.unknown(x, "it is known only when it is applied")
	}
	address, rest = address+"."+names[0], rest[1:]
	b := in.resources[address]
	if b == nil {
		return e.refused(x, "%s is not declared", address)
	}
	for len(rest) > 0 { // [0] of a counted one
		if _, ok := rest[0].(hcl.TraverseIndex); !ok {
			break
		}
		rest = rest[1:]
	}
	names = attributes(rest)
	later := e.unknown(x, address+" is known only when it is applied")
	later.From = address
	if len(names) == 0 {
		return later
	}
	name := names[0]
	if b.Labels[0] == "docker_image" || b.Labels[0] == "docker_registry_image" {
		if has(b.Body, "build") {
			return e.unknown(x, address+" is built when it is applied")
		}
		if name == "image_id" || name == "latest" || name == "repo_digest" {
			name = "name" // these are of the image that this names
		}
	}
	if b.Labels[0] == "template_file" && name == "rendered" {
		return e.named(x, e.once(x, in, address, func() *resource.Value { return e.rendered(x, b, &scope{in: in}) }))
	}
	if address == "data.aws_ssm_parameter."+b.Labels[1] {
		return e.parameter(x, in, b, later)
	}
	a := b.Body.Attributes[name]
	if a == nil || b.Type == "data" && b.Labels[0] != "docker_image" && b.Labels[0] != "docker_registry_image" {
		return later
	}
	v := e.once(x, in, address+"."+name, func() *resource.Value { return e.eval(a.Expr, &scope{in: in}) })
	return e.named(x, e.follow(x, v, rest[1:]))
}

// parameter is the value of a parameter of SSM. If its name says that it is an
// image, it is found where it is looked up.
func (e *evaluation) parameter(x *hclsyntax.ScopeTraversalExpr, in *instance, b *hclsyntax.Block, later *resource.Value) *resource.Value {
	a := b.Body.Attributes["name"]
	if a == nil {
		return later
	}
	name := e.once(x, in, address(b)+".name", func() *resource.Value { return e.eval(a.Expr, &scope{in: in}) })
	switch text := name.Known(); {
	case text == "":
		later.From = ""
	case !resource.ImageParameter(text):
		later.From, later.Text = resource.FromParameter, name.Text
	}
	return later
}

func has(b *hclsyntax.Body, name string) bool {
	for _, nested := range b.Blocks {
		if nested.Type == name {
			return true
		}
	}
	return b.Attributes[name] != nil
}
