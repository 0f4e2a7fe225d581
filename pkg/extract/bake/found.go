package bake

import (
	"fmt"
	"slices"
	"strings"

	"github.com/intact-dev/intact/pkg/extract/internal/dockerfile"
	"github.com/intact-dev/intact/pkg/extract/internal/written"
	"github.com/intact-dev/intact/pkg/ref"
)

const imagePrefix = "docker-image://"

// target finds what one target is built on. Its Dockerfile is read if it is a
// build of its own.
func (r *reader) target(b built, own bool) {
	build := dockerfile.Build{Args: map[string]written.Value{}, Contexts: map[string]bool{}}
	for _, l := range slices.Backward(b.layers) {
		for _, e := range r.eval.object(l.attrs["args"], b.in) {
			if !isNull(r.eval, e) {
				build.Args[e.name] = e.value
			}
		}
		for _, e := range r.eval.object(l.attrs["contexts"], b.in) {
			build.Contexts[dockerfile.ContextName(e.name)] = true
			if text := e.value.Text; strings.HasPrefix(text.String(), imagePrefix) {
				v := written.Value{Text: text.Slice(len(imagePrefix), text.Len()), Unresolved: e.value.Unresolved}
				r.reference(v, e.expr, where(l, "contexts."+e.name), ref.KindImage)
			} else if e.value.Unresolved != "" {
				r.reference(e.value, e.expr, where(l, "contexts."+e.name), ref.KindImage)
			}
		}
	}
	if x, ok := b.attr("cache-from"); ok {
		for i, e := range r.eval.list(x, b.in) {
			r.cache(e, where(b.layers[0], fmt.Sprintf("cache-from[%d]", i)))
		}
	}
	if !own {
		return
	}
	if x, ok := b.attr("dockerfile-inline"); ok {
		v := r.eval.text(x, b.in)
		if v.Unresolved != "" {
			r.once(x, fmt.Errorf("the Dockerfile in it is not known: %s", v.Unresolved))
			return
		}
		r.builds.Inline(x.file, min(x.Range().Start.Byte, len(x.file.Data)), v.Text.String(), build)
		return
	}
	at := b.layers[0].file.Origin(b.layers[0].at, "")
	context, name := written.Known(written.Made(".")), written.Value{}
	if x, ok := b.attr("context"); ok {
		context, at = r.eval.text(x, b.in), x.origin()
		if target, ok := strings.CutPrefix(context.Text.String(), "target:"); ok && target != "" {
			return // what that is built on is found there
		}
	}
	if x, ok := b.attr("dockerfile"); ok {
		name, at = r.eval.text(x, b.in), x.origin()
	}
	r.builds.Read(r.dir, context, name, build, at)
}

// isNull: an argument that is null is not given.
func isNull(e *evaluator, el element) bool {
	if el.expr.Expression == nil {
		return false
	}
	return e.value(el.expr, el.in).IsNull()
}

func where(t *targetDef, key string) string { return "target." + t.name + "." + key }

// cache is an entry of cache-from: a text or an object.
func (r *reader) cache(e element, path string) {
	if fields := r.eval.object(e.expr, e.in); len(fields) > 1 {
		kind, name := "", element{}
		for _, f := range fields {
			switch f.name {
			case "type":
				kind = f.value.Text.String()
			case "ref":
				name = f
			}
		}
		if kind == "registry" && name.expr.Expression != nil {
			r.reference(name.value, name.expr, path+".ref", ref.KindArtifact)
		}
		if kind != "" {
			return
		}
	}
	if t, ok := dockerfile.CacheRef(e.value.Text); ok || e.value.Unresolved != "" {
		r.reference(written.Value{Text: t, Unresolved: e.value.Unresolved}, e.expr, path, ref.KindArtifact)
	}
}

// reference notes what v, the expression x, names. Targets that inherit it, or
// come of one matrix, name it once.
func (r *reader) reference(v written.Value, x expression, path string, kind ref.Kind) {
	offset := min(x.Range().Start.Byte, len(x.file.Data))
	if f, at := v.Text.Place(0); f == x.file {
		offset = at
	} else if offset < len(x.file.Data) && x.file.Data[offset] == '"' {
		offset++
	}
	if v.Unresolved == "" && v.Text.Len() == 0 {
		v = written.Unknown(v.Text, "it is empty")
	}
	f := v.Found(kind, written.Use{File: x.file, Offset: offset, Path: path})
	key := f.Origin
	key.Path = f.Raw
	if _, seen := r.seen[key]; seen {
		return
	}
	r.seen[key] = ""
	line, _ := x.file.Position(offset)
	f.Ignored = append(x.file.IgnoresBeside(line, "#", "//"), x.file.IgnoresAbove(line, "#", "//")...)
	for _, o := range v.Text.Places() {
		if l, _ := o.File.Position(o.Offset); o.File != x.file || l != line {
			f.Ignored = append(f.Ignored, o.File.IgnoresAbove(l, "#", "//")...)
		}
	}
	r.refs = append(r.refs, written.Reference{Found: f, Text: v.Text})
}
