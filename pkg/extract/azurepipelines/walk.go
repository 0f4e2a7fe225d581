package azurepipelines

import (
	"fmt"
	"slices"
	"strings"

	"github.com/intact-dev/intact/pkg/extract/internal/written"
	"github.com/intact-dev/intact/pkg/extract/internal/yamlpos"
	"github.com/intact-dev/intact/pkg/ref"
)

const (
	maxDepth = 100 // of values in values, templates included
	// maxJobs is how many jobs a matrix makes at most; more are not read.
	maxJobs = 256
)

// opaque are the keys below which nothing names what the pipeline runs on.
var opaque = map[string]bool{"inputs": true, "env": true, "variables": true, "matrix": true, "trigger": true, "pr": true}

// walk looks for containers, agents and templates in n, whatever conditions
// (${{ if }}) and loops stand around them.
func (e *extraction) walk(n yamlpos.Node, at string, s *scope, depth int) {
	if e.budget--; e.budget < 0 || depth == maxDepth {
		if e.budget == -1 {
			e.r.Limit(n, at, "values of a pipeline with its templates", maxValues)
		}
		if depth == maxDepth {
			e.r.Limit(n, at, "values in values of a pipeline", maxDepth)
		}
		return
	}
	for i, item := range n.Items() {
		e.walk(item, fmt.Sprintf("%s[%d]", at, i), s, depth+1)
	}
	if !n.IsMap() {
		return
	}
	s = s.within(n)
	at = strings.TrimPrefix(at+".", ".")
	for k, v := range n.Fields() {
		key := k.String()
		switch {
		case key == "container" && n.Get("image") == (yamlpos.Node{}) && n.Get("type") == (yamlpos.Node{}) && !strings.HasSuffix(at, "target."):
			e.container(v, at+key, s)
		case key == "containers":
			e.resources(v, at+key, s)
		case key == "services":
			for name, service := range v.Fields() {
				e.container(service, at+key+"."+name.String(), s)
			}
		case key == "vmImage":
			e.agent(v, at+key, s)
		case key == "template":
			e.template(n, v, at+key, s, depth)
		case opaque[key]:
		case key == "parameters":
			// Lists given to a template may be jobs or steps; a text named container
			// may be anything.
			for name, given := range v.Fields() {
				if given.IsList() {
					e.walk(given, at+key+"."+name.String(), s, depth+1)
				}
			}
		default:
			e.walk(v, at+key, s, depth+1)
		}
	}
}

// resources are the containers of a pipeline's resources.
func (e *extraction) resources(n yamlpos.Node, at string, s *scope) {
	for i, c := range n.Items() {
		at := fmt.Sprintf("%s[%d]", at, i)
		if image := c.Get("image"); !image.IsZero() {
			e.image(image, at+".image", s)
			continue
		}
		if repository := c.Get("repository"); !repository.IsZero() {
			e.r.Add(repository, at+".repository", ref.KindImage,
				written.Unknown(e.r.Text(repository), "the trigger chooses the tag of %q in the registry %q", repository.String(), c.Get("registry").String()))
		}
	}
}

// container is that of a job or a service: an image, the name of a container
// resource, or a mapping with an image.
func (e *extraction) container(n yamlpos.Node, at string, s *scope) {
	if n.IsMap() {
		if alias := n.Get("alias"); n.Get("image").IsZero() && e.aliases[alias.String()] {
			return
		}
		n, at = n.Get("image"), at+".image"
	}
	text, ok := n.Text()
	switch {
	case n.IsZero(), e.aliases[text]:
	case !ok:
		e.r.Problem(n, at, "a container is a text, or a mapping with an image; this is neither")
	case !e.whole && !strings.ContainsAny(text, ":/.@$"):
		e.r.Add(n, at, ref.KindImage, written.Unknown(e.r.Text(n), "whether %q is an image or a container of the pipeline is not known from its template", text))
	default:
		e.image(n, at, s)
	}
}

func (e *extraction) image(n yamlpos.Node, at string, s *scope) {
	if _, ok := n.Text(); !ok {
		e.r.Problem(n, at, "an image is a text; this is none")
		return
	}
	for _, x := range e.values(n, s) {
		if t := x.Text.String(); x.Unresolved == "" && (t == "" || e.aliases[t]) {
			continue
		}
		e.r.Add(n, at, ref.KindImage, x.Value, x.names...)
	}
}

// agent is the image of a hosted agent, which is made anew every few weeks, under
// all of its names.
//
// https://learn.microsoft.com/azure/devops/pipelines/agents/hosted
func (e *extraction) agent(n yamlpos.Node, at string, s *scope) {
	if n.IsZero() {
		return
	}
	for _, x := range e.values(n, s) {
		if f := e.r.Add(n, at, ref.KindMachineImage, x.Value, x.names...); f != nil && f.Unresolved == "" {
			f.Class = ref.Floating
		}
	}
}

// template reads a local template with the parameters that it is given.
func (e *extraction) template(n, v yamlpos.Node, at string, s *scope, depth int) {
	text := v.String()
	name, repository, other := strings.Cut(text, "@")
	unknown := func(why string) {
		e.r.Add(v, at, ref.KindImage, written.Unknown(e.r.Text(v), "%s", why))
	}
	switch {
	case text == "":
		return
	case strings.Contains(text, "${{") || strings.Contains(text, "$("):
		unknown(fmt.Sprintf("which file the template %q is, is not evaluated", text))
		return
	case other && repository != "self":
		unknown(fmt.Sprintf("the template %q of the repository %q is not here", name, repository))
		return
	}
	p := template(s.file, text)
	if slices.Contains(s.chain, p) {
		e.r.Problem(v, at, fmt.Sprintf("the template %q uses itself", text))
		return
	}
	if !e.r.Exists(p) {
		unknown(fmt.Sprintf("the template %q is not here", text))
		return
	}
	f, err := e.r.Open(p)
	if err != nil {
		unknown(err.Error())
		return
	}
	e.r.Claim(p)
	for _, root := range f.Roots() {
		e.alias(root)
		e.walk(root, "", &scope{
			declared: root.Get("parameters"), given: n.Get("parameters"), giver: s, file: p,
			chain: append(s.chain[:len(s.chain):len(s.chain)], p), variables: s.variables, jobs: s.jobs,
		}, depth+1)
	}
}
