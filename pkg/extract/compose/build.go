package compose

import (
	"fmt"
	"slices"
	"strings"

	"github.com/intact-dev/intact/pkg/extract/internal/dockerfile"
	"github.com/intact-dev/intact/pkg/extract/internal/written"
	"github.com/intact-dev/intact/pkg/extract/internal/yamlpos"
	"github.com/intact-dev/intact/pkg/ref"
)

// A buildPart is what one layer says about a build.
type buildPart struct {
	layer layer
	node  yamlpos.Node // a mapping, or the context
	path  string
}

// value returns the first value of a key.
func value(parts []buildPart, key string) (buildPart, yamlpos.Node) {
	for _, p := range parts {
		n := p.node
		if n.IsMap() {
			n = n.Get(key)
		} else if key != "context" {
			continue
		}
		if n.Tag() == reset {
			break
		}
		if !n.IsZero() {
			return p, n
		}
	}
	return buildPart{}, yamlpos.Node{}
}

// build reads the Dockerfile of a service with what the service says about it.
//
// https://github.com/compose-spec/compose-spec/blob/main/build.md
func (r *reader) build(s service) {
	var parts []buildPart
	for _, i := range s.all("build") {
		path := i.layer.path + ".build"
		parts = append(parts, buildPart{i.layer, i.node, path})
	}
	b := dockerfile.Build{Args: map[string]written.Value{}, Contexts: map[string]bool{}}
	for _, p := range slices.Backward(parts) {
		r.buildArgs(b, p)
		r.contexts(b, p, p.node.Get("additional_contexts"), p.path+".additional_contexts")
		for i, n := range list(p.node.Get("cache_from")) {
			r.cacheFrom(p, n, fmt.Sprintf("%s.cache_from[%d]", p.path, i))
		}
		// https://docs.docker.com/build/bake/compose-file/#extension-field-with-x-bake
		bake := p.node.Get("x-bake")
		r.contexts(b, p, bake.Get("contexts"), p.path+".x-bake.contexts")
		for i, n := range list(bake.Get("cache-from")) {
			r.cacheFrom(p, n, fmt.Sprintf("%s.x-bake.cache-from[%d]", p.path, i))
		}
	}
	if p, n := value(parts, "dockerfile_inline"); !n.IsZero() {
		t := p.layer.src.file.YAML(n)
		pos := n.Pos()
		// Compose puts variables into it too; $$ is what a Dockerfile has as $.
		text := strings.ReplaceAll(t.String(), "$$", "$")
		if v := p.layer.env.expand(t); v.Unresolved == "" {
			text = v.Text.String()
		}
		r.builds.Inline(p.layer.src.file, p.layer.src.file.Offset(pos.Line, pos.Column), text, b)
		return
	}
	p, n := value(parts, "context")
	at, dir := parts[0].layer.src.origin(parts[0].node), parts[0].layer.dir
	context := written.Known(written.Made("."))
	if !n.IsZero() {
		context, at, dir = p.layer.env.text(p.layer.src, n), p.layer.src.origin(n), p.layer.dir
	}
	name := written.Value{}
	if p, n := value(parts, "dockerfile"); !n.IsZero() {
		name, at = p.layer.env.text(p.layer.src, n), p.layer.src.origin(n)
	}
	r.builds.Read(dir, context, name, b, at)
}

// pairs yields the names and values of a mapping or a list of NAME=VALUE. The
// value is zero if there is none.
func pairs(f *written.File, n yamlpos.Node, yield func(name string, value written.Text, hasValue bool, n yamlpos.Node)) {
	for k, v := range n.Fields() {
		_, ok := v.Text()
		yield(k.String(), f.YAML(v), ok, v)
	}
	for _, item := range n.Items() {
		t := f.YAML(item)
		name, _, ok := strings.Cut(t.String(), "=")
		value := written.Text{}
		if ok {
			value = t.Slice(len(name)+1, t.Len())
		}
		yield(name, value, ok, item)
	}
}

func (r *reader) buildArgs(b dockerfile.Build, p buildPart) {
	pairs(p.layer.src.file, p.node.Get("args"), func(name string, t written.Text, hasValue bool, _ yamlpos.Node) {
		if hasValue {
			b.Args[name] = p.layer.env.expand(t)
			return
		}
		v, set := p.layer.env.lookup(name)
		if !set {
			v = written.Unknown(v.Text, "build argument %s is taken from the environment of the build", name)
		}
		b.Args[name] = v
	})
}

const imagePrefix = "docker-image://"

func (r *reader) contexts(b dockerfile.Build, p buildPart, n yamlpos.Node, path string) {
	pairs(p.layer.src.file, n, func(name string, t written.Text, _ bool, n yamlpos.Node) {
		b.Contexts[dockerfile.ContextName(name)] = true
		if strings.HasPrefix(t.String(), imagePrefix) {
			r.note(p.layer, n, t.Slice(len(imagePrefix), t.Len()), path+"."+name, ref.KindImage)
		}
	})
}

// cacheFrom: what a build takes from a cache in a registry is in its result.
func (r *reader) cacheFrom(p buildPart, n yamlpos.Node, path string) {
	t := p.layer.src.file.YAML(n)
	if cached, ok := dockerfile.CacheRef(t); ok {
		r.note(p.layer, n, cached, path, ref.KindArtifact)
	}
}
