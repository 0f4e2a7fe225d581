package compose

import (
	"fmt"
	"path"

	"github.com/intact-dev/intact/pkg/extract/internal/yamlpos"
	"github.com/intact-dev/intact/pkg/fact"
)

// A layer is what one place says about a service.
type layer struct {
	src    *source
	env    *environment
	dir    string // that relative paths start from
	fields map[string]yamlpos.Node
	path   string // "services.web"
	own    bool   // of the project, not of a service that it extends
}

// A service is layers, of which the first that says something counts.
type service struct {
	name    string
	project project
	layers  []layer
}

// maxExtends bounds how many services one is put together from.
const maxExtends = 64

// service finds what one service names.
func (r *reader) service(p project, name string) {
	s := service{name: name, project: p}
	for i := len(p.parts) - 1; i >= 0; i-- {
		part := p.parts[i]
		for j := len(part.services) - 1; j >= 0; j-- {
			if n, ok := part.services[j][name]; ok {
				s.layers = append(s.layers, r.layer(part, p.env, p.dir, n, name, true))
				s.layers = r.extend(s.layers, map[string]bool{part.file.Path + "\x00" + name: true})
			}
		}
	}
	r.found(s)
}

func (r *reader) layer(src *source, env *environment, dir string, n yamlpos.Node, name string, own bool) layer {
	l := layer{src: src, env: env, dir: dir, fields: map[string]yamlpos.Node{}, path: "services." + name, own: own}
	for k, v := range n.Fields() {
		l.fields[k.String()] = v
	}
	return l
}

// extend adds what the last layer extends.
func (r *reader) extend(layers []layer, seen map[string]bool) []layer {
	for {
		l := layers[len(layers)-1]
		n := l.fields["extends"]
		if n.IsZero() {
			return layers
		}
		from, dir, nameNode := l.src, l.dir, n
		if n.IsMap() {
			nameNode = n.Get("service")
			if file := n.Get("file"); !file.IsZero() {
				v := l.env.text(l.src, file)
				if from = r.follow(l.dir, v, l.src.origin(file)); from == nil {
					return layers
				}
				dir = path.Join(l.dir, path.Dir(v.Text.String()))
			}
		}
		name := l.env.text(l.src, nameNode).Text.String()
		key := from.file.Path + "\x00" + name
		at := l.src.origin(n)
		switch {
		case seen[key]:
			r.problem(at, fact.Unsupported, "the service %q extends itself", name)
			return layers
		case len(seen) > maxExtends:
			r.problem(at, fact.Limit, "a service that is put together from more than %d others", maxExtends)
			return layers
		}
		seen[key] = true
		found := false
		for j := len(from.services) - 1; j >= 0 && !found; j-- {
			var node yamlpos.Node
			if node, found = from.services[j][name]; found {
				layers = append(layers, r.layer(from, l.env, dir, node, name, false))
			}
		}
		if !found {
			r.problem(at, fact.NotFound, "there is no service %q in %q to extend", name, from.file.Path)
			return layers
		}
	}
}

// get returns the first value of key, and which layer has it. A layer can take
// away what those behind it say.
func (s service) get(key string) (layer, yamlpos.Node, bool) {
	for _, l := range s.layers {
		switch n, ok := l.fields[key]; {
		case !ok || n.IsZero() && n.Tag() != reset:
		case n.Tag() == reset:
			return layer{}, yamlpos.Node{}, false
		default:
			return l, n, true
		}
	}
	return layer{}, yamlpos.Node{}, false
}

// Tags of Compose.
//
// https://docs.docker.com/reference/compose-file/merge/#reset-value
const (
	reset    = "!reset"
	override = "!override"
)

// An item is one value of a list that layers add to.
type item struct {
	layer layer
	node  yamlpos.Node
	path  string
}

// all returns the values of a list in all layers, the first layer first.
func (s service) all(key string) []item {
	var out []item
	for _, l := range s.layers {
		n, ok := l.fields[key]
		if !ok {
			continue
		}
		if n.Tag() == reset {
			break
		}
		var own []item
		if n.IsList() {
			for i, v := range n.Items() {
				own = append(own, item{l, v, fmt.Sprintf("%s.%s[%d]", l.path, key, i)})
			}
		} else if !n.IsZero() {
			own = []item{{l, n, l.path + "." + key}}
		}
		out = append(out, own...)
		if n.Tag() == override {
			break
		}
	}
	return out
}

// bool is a boolean; Compose takes text for one too, so a variable can say it.
func (s service) bool(key string) bool {
	l, n, ok := s.get(key)
	return ok && l.isTrue(n)
}

func (l layer) isTrue(n yamlpos.Node) bool {
	switch l.env.text(l.src, n).Text.String() {
	case "true", "True", "TRUE", "y", "Y", "yes", "Yes", "YES", "on", "On", "ON", "1", "t", "T":
		return true
	}
	return false
}

// text is a text, "" if it is not known.
func (s service) text(key string) string {
	l, n, ok := s.get(key)
	if !ok {
		return ""
	}
	if v := l.env.text(l.src, n); v.Unresolved == "" {
		return v.Text.String()
	}
	return ""
}
