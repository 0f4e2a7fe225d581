package compose

import (
	"fmt"

	"github.com/intact-dev/intact/pkg/extract"
	"github.com/intact-dev/intact/pkg/extract/internal/written"
	"github.com/intact-dev/intact/pkg/extract/internal/yamlpos"
	"github.com/intact-dev/intact/pkg/fact"
	"github.com/intact-dev/intact/pkg/ref"
)

// kindService is what the observer of engines calls a service.
const kindService = "compose service"

// builtHere is why the image of a service that is built is no reference to what
// a registry has.
const builtHere = "built here: it names what the build makes"

// eitherWay is why it is not known which image a service runs that can be built and
// does not say whether it should be pulled: docker compose up asks the registry, and
// builds what that lacks; docker compose up --build builds.
//
// https://github.com/compose-spec/compose-spec/blob/main/build.md#using-build-and-image
const eitherWay = "Compose runs what the registry has under this name, and builds it if there is nothing: write pull_policy: build, or pull_policy: missing if it should be pulled"

// found notes what a service runs, is built on, and mounts.
func (r *reader) found(s service) {
	_, _, built := s.get("build")
	r.environmentFiles(s)
	settings := settingsOf(s)
	workload := extract.Workload{Kind: kindService, Name: s.name}
	if s.project.name != "" {
		workload.Name = s.project.name + "/" + s.name
	}
	platform := r.platform(s)
	first := true
	for _, l := range s.layers {
		n, ok := l.fields["image"]
		if !ok || n.Tag() == reset || !l.own && !first {
			if n.Tag() == reset {
				first = false
			}
			continue
		}
		f := r.reference(l, n, l.path+".image", ref.KindImage)
		if f == nil {
			continue
		}
		if policy := s.text("pull_policy"); !pulled(policy) {
			if built {
				unresolve(f, policy != "")
				r.made[f.Raw] = r.made[f.Raw] || policy == "build"
			}
			r.unpulled = append(r.unpulled, unpulled{len(r.refs) - 1, policy != ""})
		}
		f.Container, f.Role, f.Platform = s.name, fact.RoleMain, platform
		if first { // what an override puts another image over is run by nobody else
			f.Workload, f.Settings = workload, settings
		}
		first = false
	}
	for _, i := range s.all("volumes") {
		if v := i.layer.env.text(i.layer.src, i.node.Get("type")); v.Text.String() != "image" {
			continue
		}
		if f := r.reference(i.layer, i.node.Get("source"), i.path+".source", ref.KindImage); f != nil {
			f.Workload, f.Container, f.Role, f.Platform = workload, s.name, fact.RoleVolume, platform
		}
	}
	if built {
		r.build(s)
	}
}

// An unpulled is the image of a service that no policy has pulled.
type unpulled struct {
	ref   int  // of the reader's references
	never bool // the policy says so
}

// builtByOthers: a service can run what another one builds.
func (r *reader) builtByOthers() {
	for _, u := range r.unpulled {
		f := &r.refs[u.ref].Found
		if always, made := r.made[f.Raw]; made && f.Unresolved == "" {
			unresolve(f, always || u.never)
		}
	}
}

// unresolve says of f that it names what a build makes, if it is never pulled.
func unresolve(f *extract.Found, never bool) {
	f.Ref, f.Site = ref.Ref{}, nil
	if f.Built, f.Unresolved = never, eitherWay; never {
		f.Unresolved = builtHere
	}
}

// pulled reports whether a policy has the image of a service that can be built
// pulled before.
//
// https://github.com/compose-spec/compose-spec/blob/main/spec.md#pull_policy
func pulled(policy string) bool { return policy != "" && policy != "build" && policy != "never" }

// reference notes what a scalar names; nil if it is none.
func (r *reader) reference(l layer, n yamlpos.Node, path string, kind ref.Kind) *extract.Found {
	if _, ok := n.Text(); !ok {
		if !n.IsZero() {
			r.problem(l.src.origin(n), fact.Unsupported, "an image is a text")
		}
		return nil
	}
	return r.note(l, n, l.src.file.YAML(n), path, kind)
}

// note notes what t, which is written in n, names.
func (r *reader) note(l layer, n yamlpos.Node, t written.Text, path string, kind ref.Kind) *extract.Found {
	v := l.env.expand(t)
	if v.Unresolved == "" && v.Text.Len() == 0 {
		v = written.Unknown(t, "it is empty")
	}
	p := n.Pos()
	offset := l.src.file.Offset(p.Line, p.Column)
	if f, at := t.Place(0); f == l.src.file {
		offset = at
	}
	f := v.Found(kind, written.Use{File: l.src.file, Offset: offset, Path: path})
	f.Ignored = n.Ignored()
	if a, ok := n.Alias(); ok {
		f.Related = append(f.Related, ref.Origin{Kind: "file", Where: l.src.file.Path, Line: a.Line, Column: a.Column})
	}
	for _, o := range v.Text.Places() {
		if o.File == l.src.file {
			continue
		}
		line, _ := o.File.Position(o.Offset)
		f.Ignored = append(f.Ignored, o.File.IgnoresAbove(line, "#")...)
	}
	r.uses[place{l.src.file.Path, offset}] = t.String()
	r.refs = append(r.refs, written.Reference{Found: f, Text: v.Text})
	return &r.refs[len(r.refs)-1].Found
}

func (r *reader) platform(s service) ref.Platform {
	l, n, ok := s.get("platform")
	if !ok {
		return ref.Platform{}
	}
	v := l.env.text(l.src, n)
	if v.Unresolved != "" {
		return ref.Platform{}
	}
	p, err := written.Platform(v.Text.String())
	if err != nil {
		r.problem(l.src.origin(n), fact.Unsupported, "%v", err)
	}
	return p
}

// models are artifacts that services talk to.
//
// https://docs.docker.com/ai/compose/models-and-compose/
func (r *reader) models(p project, s *source, n yamlpos.Node) {
	for k, v := range n.Fields() {
		l := layer{src: s, env: p.env, dir: p.dir}
		r.reference(l, v.Get("model"), fmt.Sprintf("models.%s.model", k.String()), ref.KindArtifact)
	}
}
