// Package terraform finds the images in modules of Terraform and OpenTofu, and in
// the plans and states that they make: of workloads, functions and machines, and
// how registries are set up. It evaluates what follows from the files alone;
// nothing is run and no provider is asked.
//
// https://developer.hashicorp.com/terraform/language
package terraform

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2/hclsyntax"

	"github.com/intact-dev/intact/pkg/extract"
	"github.com/intact-dev/intact/pkg/extract/internal/resource"
	"github.com/intact-dev/intact/pkg/extract/internal/written"
	"github.com/intact-dev/intact/pkg/fact"
	"github.com/intact-dev/intact/pkg/internal/limits"
	"github.com/intact-dev/intact/pkg/ref"
)

// An Extractor reads *.tf, *.tofu, *.tfvars, all of them in JSON as well, state files, and what "terraform show
// -json" prints.
type Extractor struct{}

// Match goes by the name, and for plans by how they begin.
func (Extractor) Match(p string, head []byte) bool {
	return config(path.Base(p)) || isValues(p) || isJSON(p, head)
}

// Extract reads what one file declares, with the values that the other files of its
// folder give it, and the modules that it uses. A module's own files are then not
// read by themselves: what calls it says what its variables are.
func (Extractor) Extract(fsys fs.FS, p string) (extract.Result, error) {
	if !config(path.Base(p)) && !isValues(p) {
		return readJSON(fsys, p)
	}
	sets, err := values(fsys, path.Dir(p))
	if err != nil {
		return extract.Result{}, err
	}
	vars := isValues(p)
	sink := &resource.Sink{}
	claims, read := map[string]bool{}, map[string]bool{}
	var problems []extract.Problem
	loose := false
	for _, set := range sets {
		e := newEvaluation(fsys, path.Dir(p), sink)
		m, err := e.run(p, set)
		if err != nil {
			return extract.Result{}, err
		}
		if loose = vars && len(m.files) == 0; loose {
			e.loose(p)
		}
		sink.KeepTags(e.definition)
		problems = append(problems, e.told(p, vars)...)
		maps.Copy(claims, e.claims)
		maps.Copy(read, e.read)
	}
	out := sink.Result()
	out.Found = settled(out.Found)
	if vars {
		// The rest is told by the files that declare it.
		out.Found = slices.DeleteFunc(out.Found, func(f extract.Found) bool { return f.Origin.Where != p })
		out.Objects, out.Problems = nil, nil
		clear(claims)
	}
	out.Objects = resource.Compact(out.Objects, func(o extract.Object) string { return fmt.Sprint(o.Origin, o.Fact) })
	out.Problems = resource.Compact(append(out.Problems, problems...), func(p extract.Problem) string { return fmt.Sprint(p) })
	delete(read, p)
	delete(claims, p)
	out.Read, out.Claims = slices.Sorted(maps.Keys(read)), slices.Sorted(maps.Keys(claims))
	return out, nil
}

func newEvaluation(fsys fs.FS, root string, sink *resource.Sink) *evaluation {
	return &evaluation{fsys: fsys, root: root, sources: map[string]*source{}, files: map[string]*written.File{}, modules: map[string]*module{},
		read: map[string]bool{}, claims: map[string]bool{}, failed: map[string]error{}, sink: sink, wrong: map[*resource.Value]bool{}}
}

// settled puts together what several files of values make of one folder: equal
// ones are one, and what one of them resolves is resolved.
func settled(all []extract.Found) []extract.Found {
	place := func(f extract.Found) string { return fmt.Sprint(f.Kind, f.Workload, f.Container, f.Origin.Path) }
	resolved := map[string]bool{}
	for _, f := range all {
		if f.Unresolved == "" {
			resolved[place(f)] = true
		}
	}
	all = slices.DeleteFunc(all, func(f extract.Found) bool { return f.Unresolved != "" && resolved[place(f)] })
	return resource.Compact(all, func(f extract.Found) string {
		return fmt.Sprint(f.Raw, f.Unresolved, f.Origin.Where, f.Origin.Line, f.Origin.Column, place(f))
	})
}

// run evaluates the folder and reads what the file at p declares of it; for a file
// of values, what it gives to all of the folder.
func (e *evaluation) run(p string, set valueSet) (*module, error) {
	m, err := e.load(e.root)
	if err != nil {
		return nil, err
	}
	in := e.instance(m, "", nil, e.inputs(set))
	for _, s := range m.files {
		if isValues(p) || s.Path == p {
			e.declared(s, in)
		}
	}
	if _, err := e.parse(p); err != nil {
		return nil, err
	}
	if e.steps > maxSteps {
		e.sink.Problem(resource.Place{File: written.NewFile(p, nil)}, "", fact.Limit,
			(&limits.ExceededError{What: "steps to evaluate a module", Limit: maxSteps}).Error())
	}
	for _, f := range set.files {
		e.claims[f] = true
	}
	return m, nil
}

// told are the problems that the result of the file at p tells: those of files
// that it does not claim are told by themselves.
func (e *evaluation) told(p string, vars bool) []extract.Problem {
	return slices.DeleteFunc(e.problems, func(q extract.Problem) bool {
		same := q.Origin.Where == p
		values := isValues(q.Origin.Where)
		return !same && (vars || !values && !e.claims[q.Origin.Where])
	})
}

// unread is a file that could not be read.
func (e *evaluation) unread(p string, err error) {
	if e.failed[p] != nil {
		return
	}
	e.failed[p] = err
	pr := extract.Problem{Origin: ref.Origin{Kind: "file", Where: p}, Cause: fact.Unsupported, Why: err.Error()}
	if limit := (*limits.ExceededError)(nil); errors.As(err, &limit) {
		pr.Cause = fact.Limit
	}
	e.problems = append(e.problems, pr)
}

// declared reads the blocks of one file of an instance.
func (e *evaluation) declared(s *source, in *instance) {
	for _, p := range s.problems {
		if !slices.Contains(e.problems, p) {
			e.problems = append(e.problems, p)
		}
	}
	for _, b := range s.body.Blocks {
		switch {
		case (b.Type == "resource" || b.Type == "data") && len(b.Labels) == 2 && e.asks(s, b) && in.resources[address(b)] == b:
			e.resource(b, in)
		case b.Type == "module" && len(b.Labels) == 1 && in.calls[b.Labels[0]] == b:
			e.module(b, in)
		}
	}
}

// asks reports whether a block may have images: its type is known, or it speaks of
// some.
func (e *evaluation) asks(s *source, b *hclsyntax.Block) bool {
	if resource.Knows(b.Labels[0]) {
		return true
	}
	r := b.Range()
	if b.Body.SrcRange.End.Byte > r.Start.Byte {
		r.End = b.Body.SrcRange.End
	}
	text := s.Data[min(r.Start.Byte, len(s.Data)):min(max(r.Start.Byte, r.End.Byte), len(s.Data))]
	if strings.HasSuffix(s.Path, ".json") {
		text = s.Data
	}
	words := bytes.Contains(text, []byte("container")) || bytes.Contains(text, []byte("image_uri")) || bytes.Contains(text, []byte("docker_image"))
	return b.Type == "resource" && words
}

func (e *evaluation) resource(b *hclsyntax.Block, in *instance) {
	for _, r := range e.repeated(b.Body, &scope{in: in}) {
		if e.steps > maxSteps {
			return // which is told
		}
		e.read1(r.none, func() {
			e.sink.Read(resource.Resource{
				Type: b.Labels[0], Name: b.Labels[1], Path: in.path + address(b) + r.suffix,
				Body: e.bodyOf(b, r.s), Data: b.Type == "data",
				Governed: b.Labels[0] == "harbor_project" && in.names("harbor_immutable_tag_rule", address(b)),
			})
		})
	}
}

func (e *evaluation) bodyOf(b *hclsyntax.Block, s *scope) *resource.Value {
	v := e.body(b.Body, s, e.at(b.TypeRange))
	v.Ignored = e.ignored(b.TypeRange)
	return v
}

// names reports whether a resource of a type refers to another.
func (m *module) names(kind, other string) bool {
	for _, b := range m.resources {
		if b.Labels[0] != kind {
			continue
		}
		for _, a := range b.Body.Attributes {
			for _, t := range a.Expr.Variables() {
				if names := attributes(t[1:]); len(names) > 0 && t.RootName()+"."+names[0] == other {
					return true
				}
			}
		}
	}
	return false
}

// read1 reads one instance, or one that is not made with the values at hand.
func (e *evaluation) read1(none bool, read func()) {
	if none {
		e.sink.Known(read)
		return
	}
	read()
}

// module reads what a module block makes. Of one that is not in the tree, the
// arguments that are plainly images are found.
func (e *evaluation) module(b *hclsyntax.Block, in *instance) {
	for _, c := range e.childrenOf(in, b) {
		if e.steps > maxSteps {
			return
		}
		e.read1(c.none, func() {
			if c.in == nil {
				e.remote(b, in, c)
				return
			}
			for _, s := range c.in.files {
				if e.part(c.in.module) {
					e.claims[s.Path] = true
				}
				e.declared(s, c.in)
			}
		})
	}
}

// part reports whether a module is only a part of others: it has variables that
// somebody must set, and nothing beside it does.
func (e *evaluation) part(m *module) bool {
	sets, err := values(e.fsys, m.dir)
	if err != nil || len(sets) > 1 || len(sets[0].files) > 0 {
		return false
	}
	for _, v := range m.variables {
		if v.Body.Attributes["default"] == nil {
			return true
		}
	}
	return false
}

func (e *evaluation) remote(b *hclsyntax.Block, in *instance, c *child) {
	at := e.at(b.TypeRange)
	source := "module." + b.Labels[0]
	if a := b.Body.Attributes["source"]; a != nil {
		v := e.use(a.Expr, c.s)
		at, source = v.At, cmp.Or(v.Text.String(), source)
	}
	path := in.path + "module." + b.Labels[0]
	v := resource.NotKnown(at, written.Made(source), c.why)
	v.Ignored = e.ignored(b.TypeRange)
	e.sink.Plain(v, path+".source", "")
	for _, name := range slices.Sorted(maps.Keys(b.Body.Attributes)) {
		if resource.Plainly(name) {
			e.sink.Plain(e.use(b.Body.Attributes[name].Expr, c.s), path+"."+name, b.Labels[0])
		}
	}
}
