package pulumi

import (
	"fmt"
	"io/fs"
	"maps"
	"slices"
	"strings"

	"github.com/intact-dev/intact/pkg/extract/internal/resource"
	"github.com/intact-dev/intact/pkg/extract/internal/written"
	"github.com/intact-dev/intact/pkg/extract/internal/yamlpos"
	"github.com/intact-dev/intact/pkg/fact"
)

// A program is a program and the project that it belongs to; they may be one file.
type program struct {
	fsys          fs.FS
	file, main    *written.File
	root, project yamlpos.Node
}

// A run is a program with the values of a stack.
type run struct {
	*program
	sink  *resource.Sink
	name  string                     // of the stack; "" = not known
	stack map[string]*resource.Value // by key, with and without the project's name
	// known are names that were evaluated, and nil those that are just being.
	known   map[string]*resource.Value
	invoked map[[2]int]bool // functions, by their place
	depth   int
	steps   int
}

func (r *run) yaml() resource.YAML { return resource.YAML{File: r.file, Special: r.special} }

// values keeps what a stack gives: keys are "project:name".
func (r *run) values(y resource.YAML, config yamlpos.Node) {
	for k, n := range config.Fields() {
		v := y.Value(n)
		if secret := n.Get("secure"); !secret.IsZero() {
			v = resource.NotKnown(y.Place(n), written.Made("${"+k.String()+"}"), "a secret")
		}
		r.stack[k.String()] = v
		if project, name, ok := strings.Cut(k.String(), ":"); ok && project == r.project.Get("name").String() {
			r.stack[name] = v
		}
	}
}

func (r *run) read() {
	runtime := r.project.Get("runtime")
	name := runtime.String()
	if runtime.IsMap() {
		name = runtime.Get("name").String()
	}
	if name != "yaml" && r.root.Get("resources").IsZero() {
		if name != "" {
			r.sink.Problem(resource.YAML{File: r.main}.Place(runtime), "runtime", fact.Unsupported,
				fmt.Sprintf("a program in %s is not evaluated; what it makes is read from pulumi preview --json or pulumi stack export", name))
		}
		for _, key := range slices.Sorted(maps.Keys(r.stack)) {
			if v := r.stack[key]; strings.Contains(key, ":") && resource.Plainly(key) && v.Kind == resource.Scalar {
				r.sink.Plain(v, "config."+key, "")
			}
		}
		return
	}
	for k, v := range r.root.Get("variables").Fields() {
		r.variable(k.String(), v) // for the functions that it calls
	}
	for k, n := range r.root.Get("resources").Fields() {
		kind := n.Get("type").String()
		at := "resources." + k.String() + ".properties"
		body := r.yaml().Value(n.Get("properties"))
		if n.Get("properties").IsZero() {
			body = &resource.Value{Kind: resource.Map, At: r.yaml().Place(n.Get("type"))}
		}
		body.Ignored = n.Get("type").Ignored()
		r.sink.Read(resource.Resource{Type: kind, Name: k.String(), Path: at, Body: body})
	}
}

const (
	maxDepth = 100
	maxSteps = 200_000
	maxText  = 1 << 16
)

// special evaluates interpolations and functions.
func (r *run) special(n yamlpos.Node) (*resource.Value, bool) {
	if s, ok := n.Text(); ok {
		if !strings.Contains(s, "$") || !n.IsText() {
			return nil, false
		}
		v := r.guarded(n, func() *resource.Value { return r.interpolate(n, s) })
		return v, true
	}
	name, arg, ok := function(n)
	if !ok {
		return nil, false
	}
	return r.guarded(n, func() *resource.Value { return r.call(n, name, arg) }), true
}

func (r *run) guarded(n yamlpos.Node, do func() *resource.Value) *resource.Value {
	if r.steps++; r.depth >= maxDepth || r.steps > maxSteps {
		return r.unknown(n, "…", "it is nested too deep, or depends on too much")
	}
	r.depth++
	defer func() { r.depth-- }()
	v := do()
	if v.Kind == resource.Scalar || v.Kind == resource.Unknown {
		c := *v
		c.At = r.yaml().Place(n)
		c.Ignored = append(c.Ignored[:len(c.Ignored):len(c.Ignored)], n.Ignored()...)
		v = &c
	}
	return v
}

func (r *run) unknown(n yamlpos.Node, name, why string) *resource.Value {
	return resource.NotKnown(r.yaml().Place(n), written.Made("${"+name+"}"), why)
}

// function returns the function that n calls: a map of one key fn::name.
func function(n yamlpos.Node) (name string, arg yamlpos.Node, ok bool) {
	count := 0
	for k, v := range n.Fields() {
		if count++; count > 1 {
			return "", arg, false
		}
		name, arg = k.String(), v
	}
	if count != 1 || len(name) < 4 || !strings.EqualFold(name[:4], "fn::") {
		return "", arg, false
	}
	return name[4:], arg, true
}

// interpolate puts what ${…} names into a text; $${ is no name.
func (r *run) interpolate(n yamlpos.Node, s string) *resource.Value {
	if len(s) > maxText {
		return r.unknown(n, "…", "there is too much text")
	}
	text, at := r.yaml().Text(n), r.yaml().Place(n)
	if strings.HasPrefix(s, "${") && strings.IndexByte(s, '}') == len(s)-1 {
		return r.named(n, s[2:len(s)-1])
	}
	var j resource.Joiner
	add := func(from, to int) {
		if from < to {
			j.Add(&resource.Value{Kind: resource.Scalar, Text: text.Slice(from, to), At: at})
		}
	}
	from := 0
	for {
		start := strings.Index(s[from:], "${")
		if start < 0 {
			break
		}
		start += from
		end := strings.IndexByte(s[start:], '}')
		if end < 0 {
			break
		}
		end += start
		if start > from && s[start-1] == '$' {
			add(from, start-1)
			add(start, end+1)
		} else {
			add(from, start)
			v := r.named(n, s[start+2:end])
			if v.Kind == resource.List || v.Kind == resource.Map || v.Kind == resource.Null {
				v = r.unknown(n, s[start+2:end], "it is no text")
			}
			j.Add(v)
		}
		if j.Len() > maxText {
			return r.unknown(n, "…", "there is too much text")
		}
		from = end + 1
	}
	add(from, len(s))
	return j.Value(at)
}
