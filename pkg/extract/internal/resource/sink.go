package resource

import (
	"fmt"
	"slices"
	"strings"

	"github.com/intact-dev/intact/pkg/extract"
	"github.com/intact-dev/intact/pkg/extract/internal/written"
	"github.com/intact-dev/intact/pkg/fact"
	"github.com/intact-dev/intact/pkg/internal/lazy"
	"github.com/intact-dev/intact/pkg/ref"
)

// A Resource is one resource of a program.
type Resource struct {
	Type, Name string
	Path       string // where it is in the document: "aws_ecs_task_definition.app"
	Body       *Value
	// Data is set for what is looked up, not made: Terraform's data sources.
	Data bool
	// Governed is set for a registry of which another resource says whether its
	// tags can be overwritten.
	Governed bool
}

// A Sink gathers what resources say. It is for one file and one goroutine.
type Sink struct {
	refs     []written.Reference
	seen     map[unknownKey]bool
	objects  []extract.Object
	problems []extract.Problem
}

type unknownKey struct {
	raw, unresolved, container string
	at                         ref.Origin
	workload                   extract.Workload
}

// A container is what runs an image.
type container struct {
	workload extract.Workload
	name     string
	role     fact.Role
	settings *fact.Settings
	platform ref.Platform
}

var (
	imageID     = lazy.Regexp(`^sha256:[0-9a-f]{64}$`)
	placeholder = lazy.Regexp(`^(<[^<>]*>|\{\{[^{}]*\}\}|%[A-Za-z_]+%|__[A-Za-z_]+__)$`)
)

// image adds the image that v names; v may be missing or null, and is then none.
func (s *Sink) image(v *Value, path string, c container) {
	s.reference(v, path, ref.KindImage, c)
}

func (s *Sink) reference(v *Value, path string, kind ref.Kind, c container) {
	if !v.there() {
		return
	}
	if v.Kind == List || v.Kind == Map {
		s.Problem(v.At, path, fact.Unsupported, "an image is written as a text; this is none")
		return
	}
	if v.Kind == Scalar && v.Text.Len() == 0 {
		return // as good as not there
	}
	f := found(v, path, kind)
	if v.Kind == Scalar && placeholder().MatchString(f.Raw) {
		f.Ref, f.Site, f.Unresolved = ref.Ref{}, nil, "a placeholder, which a pipeline replaces"
	}
	if f.Unresolved == "" && imageID().MatchString(f.Raw) {
		f.Ref, f.Site, f.Unresolved = ref.Ref{}, nil, "the ID of an image in a local store, which no registry knows"
	}
	f.Workload, f.Container, f.Role, f.Settings, f.Platform = c.workload, c.name, c.role, c.settings, c.platform
	s.add(f, v.Text)
}

func (s *Sink) add(f extract.Found, text written.Text) {
	k := unknownKey{f.Raw, f.Unresolved, f.Container, f.Origin, f.Workload}
	k.at.Path = ""
	if f.Unresolved != "" && s.seen[k] {
		return // of what is not known, every part is found there
	}
	if s.seen == nil {
		s.seen = map[unknownKey]bool{}
	}
	s.seen[k] = true
	s.refs = append(s.refs, written.Reference{Found: f, Text: text})
}

func found(value *Value, path string, kind ref.Kind) extract.Found {
	c := *value
	v := &c
	known := written.Known(v.Text)
	if why := v.Unknown(); why != "" {
		known = written.Unknown(v.Text, "%s", why)
	}
	if kind != ref.KindImage {
		f := extract.Found{Raw: v.Text.String(), Kind: kind, Unresolved: v.Unknown(), Ignored: v.Ignored, Origin: v.At.Origin(path)}
		if file, start, _ := v.Text.Span(); file != nil && !v.here(file, start) {
			f.Origin, f.Related = file.Origin(start, path), []ref.Origin{v.At.Origin("")}
		}
		return f
	}
	if v.At.File == nil {
		v.At.File = written.NewFile("", nil)
	}
	f := known.Found(kind, written.Use{File: v.At.File, Offset: max(0, v.At.Offset), Path: path})
	if file, start, _ := v.Text.Span(); file == nil || v.here(file, start) {
		f.Origin = v.At.Origin(path)
	}
	if v.At.Offset < 0 {
		f.Related = nil
	}
	f.Ignored = v.Ignored
	return f
}

// here reports whether a text begins where v stands.
func (v *Value) here(file *written.File, offset int) bool {
	return file == v.At.File && offset == v.At.Offset
}

// Problem adds a part that could not be read.
func (s *Sink) Problem(at Place, path string, c fact.Cause, why string) {
	p := extract.Problem{Origin: at.Origin(path), Cause: c, Why: why}
	if !slices.Contains(s.problems, p) {
		s.problems = append(s.problems, p)
	}
}

// unresolved adds a setting that is not known, which may be an unsafe one.
func (s *Sink) unresolved(v *Value, path, setting string) {
	if why := v.Unknown(); why != "" {
		s.Problem(v.At, path, fact.Unsupported, fmt.Sprintf("%s: %s", setting, why))
	}
}

// Known does what it is given, and keeps of that only what is known: of a resource
// that is not made with the values at hand, the images that it names are those that
// it would have.
func (s *Sink) Known(read func()) {
	refs, objects, problems := len(s.refs), len(s.objects), len(s.problems)
	read()
	s.refs = append(s.refs[:refs], slices.DeleteFunc(s.refs[refs:], func(r written.Reference) bool { return r.Unresolved != "" })...)
	s.objects = append(s.objects[:objects], slices.DeleteFunc(s.objects[objects:], func(o extract.Object) bool { return o.Fact.Unresolved != "" })...)
	s.problems = s.problems[:problems]
}

// Result returns all of it.
func (s *Sink) Result() extract.Result {
	return extract.Result{Found: written.Settle(s.refs), Objects: s.objects, Problems: s.problems}
}

// Plain adds an image that is written as an argument of its own.
func (s *Sink) Plain(v *Value, path, name string) { s.image(v, path, container{name: name}) }

// Plainly reports whether an argument or variable of a name is an image.
func Plainly(name string) bool {
	name = Fold(name)
	if strings.Contains(name, "machine") || strings.HasPrefix(name, "ami") || strings.Contains(name, "disk") {
		return false
	}
	for _, word := range []string{"image", "imageuri", "imageurl", "imageref", "imagename"} {
		if strings.HasSuffix(name, word) {
			return true
		}
	}
	return false
}
