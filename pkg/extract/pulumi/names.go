package pulumi

import (
	"cmp"
	"fmt"
	"path"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/intact-dev/intact/pkg/extract"
	"github.com/intact-dev/intact/pkg/extract/internal/resource"
	"github.com/intact-dev/intact/pkg/extract/internal/written"
	"github.com/intact-dev/intact/pkg/extract/internal/yamlpos"
)

// named is what a name in ${…} stands for: a variable, a value of the
// configuration, a resource's property.
func (r *run) named(n yamlpos.Node, expr string) *resource.Value {
	name, rest := expr, ""
	if i := strings.IndexAny(expr, ".["); i >= 0 {
		name, rest = expr[:i], expr[i:]
	}
	variable, res := r.root.Get("variables", name), r.root.Get("resources", name)
	var v *resource.Value
	switch {
	case name == "pulumi":
		v = r.unknown(n, expr, "pulumi"+rest+" is known only when it is deployed")
		if expr == "pulumi.stack" && r.name != "" {
			v = &resource.Value{Kind: resource.Scalar, Text: written.Made(r.name), At: r.yaml().Place(n)}
		}
		return v
	case variable.Exists():
		v = r.variable(name, variable)
	case res.IsMap():
		return r.property(n, expr, name, rest, res)
	default:
		v = r.config(n, name)
	}
	v = r.follow(n, expr, v, rest)
	if v.Kind == resource.Unknown {
		u := r.unknown(n, expr, v.Why)
		u.From = v.From
		return u
	}
	return v
}

// once evaluates a name once; what depends on itself is not known.
func (r *run) once(n yamlpos.Node, key string, evaluate func() *resource.Value) *resource.Value {
	if v, ok := r.known[key]; ok {
		if v == nil {
			return r.unknown(n, key, key+" depends on itself")
		}
		return v
	}
	r.known[key] = nil
	v := evaluate()
	r.known[key] = v
	return v
}

func (r *run) variable(name string, n yamlpos.Node) *resource.Value {
	return r.once(n, name, func() *resource.Value { return r.yaml().Value(n) })
}

// config is a value of the stack, or its default.
//
// https://www.pulumi.com/docs/iac/languages-sdks/yaml/yaml-language-reference/#config
func (r *run) config(n yamlpos.Node, name string) *resource.Value {
	if v := r.stack[name]; v != nil {
		return v
	}
	declared := false
	for _, place := range []struct {
		root yamlpos.Node
		file *written.File
	}{{r.root, r.file}, {r.project, r.main}} {
		for _, key := range []string{"config", "configuration"} {
			for k, c := range place.root.Get(key).Fields() {
				_, short, _ := strings.Cut(k.String(), ":")
				if k.String() != name && short != name {
					continue
				}
				declared = true
				y := resource.YAML{File: place.file}
				for _, d := range []string{"value", "default"} {
					if def := c.Get(d); !def.IsZero() {
						return y.Value(def)
					}
				}
				if _, ok := c.Text(); ok {
					return y.Value(c)
				}
			}
		}
	}
	if !declared {
		return r.unknown(n, name, fmt.Sprintf("%q is not declared", name))
	}
	return r.unknown(n, name, fmt.Sprintf("the configuration %q has no default", name))
}

// property is a property of a resource that the program itself sets.
func (r *run) property(n yamlpos.Node, expr, name, rest string, res yamlpos.Node) *resource.Value {
	later := r.unknown(n, expr, name+rest+" is known only when it is deployed")
	later.From = name
	key := strings.TrimPrefix(rest, ".")
	more := ""
	if i := strings.IndexAny(key, ".["); i >= 0 {
		key, more = key[:i], key[i:]
	}
	switch kind := res.Get("type").String(); {
	case kind == "docker:Image" || kind == "docker:index:Image" || kind == "docker:index/image:Image" || strings.HasPrefix(kind, "docker:") && strings.HasSuffix(kind, ":RegistryImage") || strings.HasPrefix(kind, "docker-build:"):
		return r.unknown(n, expr, name+" is built when it is deployed")
	case strings.HasSuffix(kind, ":RemoteImage") && (key == "repoDigest" || key == "imageId" || key == "latest"):
		key = "name" // these are of the image that this names
	}
	p := res.Get("properties", key)
	if !strings.HasPrefix(rest, ".") || !p.Exists() {
		return later
	}
	v := r.follow(n, expr, r.once(n, name+"."+key, func() *resource.Value { return r.yaml().Value(p) }), more)
	if v.Kind == resource.Unknown {
		v = r.unknown(n, expr, v.Why)
	}
	return v
}

// follow takes the steps of .a, [0] and ["b"].
func (r *run) follow(n yamlpos.Node, expr string, v *resource.Value, rest string) *resource.Value {
	for rest != "" && v.Kind != resource.Unknown {
		var key string
		if rest[0] == '[' {
			end := strings.IndexByte(rest, ']')
			if end < 0 {
				return r.unknown(n, expr, "it is not closed")
			}
			key, rest = strings.Trim(rest[1:end], `"'`), rest[end+1:]
		} else {
			key = strings.TrimPrefix(rest, ".")
			rest = ""
			if i := strings.IndexAny(key, ".["); i >= 0 {
				key, rest = key[:i], key[i:]
			}
		}
		next := (*resource.Value)(nil)
		if i, err := strconv.Atoi(key); err == nil && v.Kind == resource.List {
			if i >= 0 && i < len(v.Items) {
				next = v.Items[i]
			}
		}
		for _, f := range v.Fields {
			if f.Name == key {
				next = f.Value
			}
		}
		if next == nil {
			return r.unknown(n, expr, fmt.Sprintf("there is no %q", key))
		}
		v = next
	}
	return v
}

func items(n yamlpos.Node) []yamlpos.Node {
	var out []yamlpos.Node
	for _, item := range n.Items() {
		out = append(out, item)
	}
	return out
}

// call evaluates a function.
//
// https://www.pulumi.com/docs/iac/languages-sdks/yaml/yaml-language-reference/#built-in-functions
func (r *run) call(n yamlpos.Node, name string, arg yamlpos.Node) *resource.Value {
	y := r.yaml()
	args := items(arg)
	switch strings.ToLower(name) {
	case "tojson", "secret":
		return y.Value(arg)
	case "fromjson":
		v := y.Value(arg)
		if v.Kind == resource.Scalar {
			if docs, problem := v.Inner(); problem == "" && len(docs) == 1 {
				return docs[0]
			}
			return r.unknown(n, "fn::"+name, "it is not JSON")
		}
		return v
	case "join":
		if len(args) == 2 {
			return r.join(n, y.Value(args[0]), y.Value(args[1]))
		}
	case "select":
		if len(args) == 2 {
			i, list := y.Value(args[0]), y.Value(args[1])
			if at, ok := i.Int(); ok && at >= 0 && at < int64(len(list.Items)) {
				return list.Items[at]
			}
			return r.unknown(n, "fn::select", cmp.Or(i.Unknown(), list.Unknown(), "there is no such element"))
		}
	case "readfile":
		return r.readFile(n, y.Value(arg))
	case "invoke":
		return r.invoke(n, arg.Get("function").String(), arg.Get("arguments"))
	}
	if strings.Contains(name, ":") { // fn::aws:ec2:getAmi
		return r.invoke(n, name, arg)
	}
	return r.unknown(n, "fn::"+name, "the function "+name+" is not evaluated")
}

func (r *run) join(n yamlpos.Node, sep, list *resource.Value) *resource.Value {
	if list.Kind != resource.List {
		return r.unknown(n, "fn::join", cmp.Or(list.Unknown(), "there is no list"))
	}
	var j resource.Joiner
	for i, item := range list.Items {
		if item.Kind != resource.Scalar && item.Kind != resource.Unknown || j.Len() > maxText {
			return r.unknown(n, "fn::join", "an element is no text, or there is too much of it")
		}
		if i > 0 && sep.Text.Len() > 0 {
			j.Add(sep)
		}
		j.Add(item)
	}
	return j.Value(r.yaml().Place(n))
}

func (r *run) readFile(n yamlpos.Node, name *resource.Value) *resource.Value {
	p := path.Join(path.Dir(r.file.Path), name.Known())
	if name.Known() == "" || strings.HasPrefix(p, "../") || path.IsAbs(name.Known()) {
		return r.unknown(n, "fn::readFile", cmp.Or(name.Unknown(), "the file lies outside of the tree"))
	}
	b, err := extract.ReadFile(r.fsys, p)
	if err != nil || !utf8.Valid(b) {
		return r.unknown(n, "fn::readFile", fmt.Sprintf("the file %q cannot be read", p))
	}
	f := written.NewFile(p, b)
	return &resource.Value{Kind: resource.Scalar, Text: f.Text(0, len(b)), At: resource.At(f, 0)}
}

// invoke is a look-up. One of an image of machines is found where it stands.
func (r *run) invoke(n yamlpos.Node, function string, args yamlpos.Node) *resource.Value {
	at := r.yaml().Place(n)
	key := [2]int{at.Line, at.Column}
	if resource.Knows(function) && !r.invoked[key] {
		r.invoked[key] = true
		r.sink.Read(resource.Resource{Type: function, Name: function, Path: function, Body: r.yaml().Value(args), Data: true})
	}
	v := r.unknown(n, "fn::invoke", "the function "+function+" is called when it is deployed")
	v.From = resource.Short(function)
	if strings.HasSuffix(v.From, ":getParameter") && !resource.ImageParameter(args.Get("name").String()) {
		v.From = "" // nothing but its use says that it is an image
	}
	return v
}
