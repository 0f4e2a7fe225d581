package ansible

import (
	"fmt"
	"regexp"
	"strings"

	"github.com/intact-dev/intact/pkg/extract/internal/kube"
	"github.com/intact-dev/intact/pkg/extract/internal/written"
	"github.com/intact-dev/intact/pkg/extract/internal/yamlpos"
	"github.com/intact-dev/intact/pkg/ref"
)

// images finds what a task's module runs or pulls.
func (e *extraction) images(t task) {
	switch t.module {
	case "docker_container", "podman_container", "docker_swarm_service", "docker_container_image":
		e.image(t, "image", "")
	case "docker_image", "docker_image_pull", "podman_image":
		if t.pulls() {
			e.image(t, "name", "tag")
		}
	case "docker_compose_v2", "docker_compose":
		e.services(t, t.get("definition"), t.at+".definition")
	case "docker_stack":
		for i, compose := range oneOrMore(t.get("compose")) {
			e.services(t, compose, fmt.Sprintf("%s.compose[%d]", t.at, i))
		}
	case "k8s":
		for _, key := range []string{"definition", "resource_definition"} {
			e.objects(t, t.get(key), t.at+"."+key)
		}
	}
}

// pulls reports whether an image module gets an image from a registry: it can
// build one, or load it from a file.
func (t task) pulls() bool {
	source := t.get("source").String()
	for _, key := range []string{"build", "path", "load_path"} {
		if !t.get(key).IsZero() && source != "pull" {
			return false
		}
	}
	return source == "" || source == "pull" || strings.Contains(source, "{{")
}

// get is an argument of a module, or one beside it, under args.
func (t task) get(name string) yamlpos.Node {
	if v := t.args.Get(name); !v.IsZero() {
		return v
	}
	return t.n.Get("args", name)
}

// argument is one of a module's, which may be written as name=value.
func (e *extraction) argument(t task, name string) written.Text {
	if !t.get(name).IsZero() && (t.args.IsMap() || t.args.IsZero()) {
		return e.r.Text(t.get(name))
	}
	whole := e.r.Text(t.args)
	m := assignment(name).FindStringSubmatchIndex(whole.String())
	for i := 2; m != nil && i < len(m); i += 2 {
		if m[i] >= 0 {
			return whole.Slice(m[i], m[i+1])
		}
	}
	return e.r.Text(t.n.Get("args", name))
}

func assignment(name string) *regexp.Regexp {
	return regexp.MustCompile(`(?:^|\s)` + regexp.QuoteMeta(name) + `=(?:"([^"]*)"|'([^']*)'|((?:\{\{.*?\}\}|[^\s"'{])+))`)
}

// image adds the image that an argument names, with the tag that another one has.
func (e *extraction) image(t task, name, tag string) {
	use := t.args
	if use.IsMap() || use.IsZero() {
		use = t.get(name)
	}
	text := e.argument(t, name)
	if text.Len() == 0 {
		if v := t.get(name); !v.IsZero() {
			e.r.Problem(v, t.at+"."+name, "an image is a text; this is none")
		}
		return
	}
	x := expansion{e: e, s: t.s}
	v := x.text(text, 0)
	if tag != "" {
		v = e.tagged(&x, v, e.argument(t, tag))
	}
	e.r.Add(use, t.at+"."+name, ref.KindImage, v, x.names...)
}

// tagged is an image with the tag that stands beside its name.
func (e *extraction) tagged(x *expansion, name written.Value, tag written.Text) written.Value {
	if tag.Len() == 0 || name.Unresolved != "" {
		return name
	}
	if r, err := ref.Parse(name.Text.String()); err != nil || r.Tag != "" || r.Digest != "" {
		return name
	}
	v := x.text(tag, 0)
	var b written.Builder
	b.Add(name.Text)
	b.Add(written.Made(":"))
	b.Add(v.Text)
	return written.Value{Text: b.Text(), Unresolved: v.Unresolved}
}

// services are those of a Compose file that is written in a task.
func (e *extraction) services(t task, n yamlpos.Node, at string) {
	n = e.resolve(n, t.s)
	for name, service := range n.Get("services").Fields() {
		e.one(t, service.Get("image"), at+".services."+name.String()+".image")
	}
}

func (e *extraction) one(t task, n yamlpos.Node, at string) {
	if n.IsZero() {
		return
	}
	if _, ok := n.Text(); !ok {
		e.r.Problem(n, at, "an image is a text; this is none")
		return
	}
	x := expansion{e: e, s: t.s}
	v := x.expand(n, 0)
	if f := e.r.Add(n, at, ref.KindImage, v, x.names...); f != nil {
		e.placed[spot(n.Origin(e.r.File(n).Path, ""))] = f
	}
}

// objects are those of Kubernetes, as mappings or as a text.
func (e *extraction) objects(t task, n yamlpos.Node, at string) {
	n = e.resolve(n, t.s)
	text, ok := n.Text()
	switch {
	case n.IsZero():
		return
	case !ok:
		e.object(t, n, at, 0)
		e.workloads(n)
		return
	case strings.Contains(text, "{%") || expression().FindString(text) == strings.TrimSpace(text):
		e.elsewhere(n, at, "the definition is put together when the play runs")
		return
	}
	for _, root := range e.r.Inner(n, at) {
		e.object(t, root, at, 0)
		e.workloads(root)
	}
}

// workloads says of what was found in an object which container it is, and adds
// what is no pod's.
func (e *extraction) workloads(n yamlpos.Node) {
	file := e.r.File(n)
	if file == nil {
		return
	}
	images, problems := (&kube.Reader{}).Node(file.Path, n)
	for _, i := range images {
		f := e.placed[spot(i.Origin)]
		if f != nil {
			f.Workload, f.Container, f.Role, f.Settings = i.Workload, i.Container, i.Role, i.Settings
			continue
		}
		e.placed[spot(i.Origin)] = &i.Found
		e.extra.Found = append(e.extra.Found, i.Found)
	}
	e.extra.Problems = append(e.extra.Problems, problems...)
}

// spot is a place without its path.
func spot(o ref.Origin) ref.Origin {
	o.Path = ""
	return o
}

// named is one, if it is a text; what is wrong with one that is not is told with
// the workload.
func (e *extraction) named(t task, n yamlpos.Node, at string) {
	if _, ok := n.Text(); ok {
		e.one(t, n, at)
	}
}

// containers are the keys of a pod's containers, wherever the pod is.
var containers = map[string]bool{"containers": true, "initContainers": true, "ephemeralContainers": true}

// object looks for pods in an object.
func (e *extraction) object(t task, n yamlpos.Node, at string, depth int) {
	if depth == maxDepth {
		e.r.Limit(n, at, "values in values of an object", maxDepth)
		return
	}
	for i, item := range n.Items() {
		e.object(t, item, fmt.Sprintf("%s[%d]", at, i), depth+1)
	}
	for k, v := range n.Fields() {
		at := at + "." + k.String()
		switch {
		case containers[k.String()] && v.IsList():
			for i, c := range v.Items() {
				e.named(t, c.Get("image"), fmt.Sprintf("%s[%d].image", at, i))
			}
		case k.String() == "volumes":
			for i, volume := range v.Items() {
				e.named(t, volume.Get("image", "reference"), fmt.Sprintf("%s[%d].image.reference", at, i))
			}
		default:
			e.object(t, v, at, depth+1)
		}
	}
}
