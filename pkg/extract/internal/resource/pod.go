package resource

import (
	"fmt"
	"slices"
	"strings"

	"github.com/intact-dev/intact/pkg/extract"
	"github.com/intact-dev/intact/pkg/fact"
	"github.com/intact-dev/intact/pkg/ref"
)

// A pods walk finds all that has containers in an object.
type pods struct {
	sink     *Sink
	runtime  string // "" = Kubernetes
	workload extract.Workload
	platform ref.Platform
	other    bool // the type is not known: arguments are read by their names
	objects  bool // an object as the API has it, which may be of any kind
}

func kubernetes(s *Sink, r Resource) {
	body := r.Body
	if r.Type == "kubernetes_manifest" {
		v, path := body.child(r.Path, "manifest")
		if inner := v.Get("value"); inner != nil && v.Get("type") != nil { // as a state has it
			v = inner
		}
		s.manifest(r, v, path)
		return
	}
	w := extract.Workload{Kind: kindOf(r.Type), Name: r.Name}
	meta := body.Get("metadata")
	if name := meta.Get("name").Known(); name != "" {
		w.Name = name
	}
	w.Namespace = meta.Get("namespace").Known()
	if holdsData(w.Kind) {
		return
	}
	pods{sink: s, workload: w, objects: strings.HasPrefix(r.Type, "kubernetes:")}.walk(body, r.Path, 0)
}

// holdsData reports whether objects of a kind hold what others read, under keys of
// any name.
func holdsData(kind string) bool { return kind == "ConfigMap" || kind == "Secret" }

// kindOf returns the kind in a type of Terraform, kubernetes_stateful_set_v1, or
// of Pulumi, kubernetes:apps/v1:StatefulSet.
func kindOf(kind string) string {
	if i := strings.LastIndexByte(kind, ':'); i >= 0 {
		return kind[i+1:]
	}
	kind = strings.TrimPrefix(kind, "kubernetes_")
	if i := strings.LastIndex(kind, "_v"); i > 0 && i+2 < len(kind) && kind[i+2] >= '0' && kind[i+2] <= '9' {
		kind = kind[:i]
	}
	if kind == "daemonset" {
		return "DaemonSet"
	}
	var b strings.Builder
	for _, word := range strings.Split(kind, "_") {
		if word != "" {
			b.WriteString(strings.ToUpper(word[:1]) + word[1:])
		}
	}
	return b.String()
}

// object reads an object of Kubernetes as its API has it.
func (s *Sink) manifest(r Resource, v *Value, path string) {
	if why := v.Unknown(); why != "" {
		s.image(v, path, container{workload: extract.Workload{Kind: r.Type, Name: r.Name}})
		return
	}
	meta := v.Get("metadata")
	w := extract.Workload{Kind: v.Get("kind").Known(), Name: meta.Get("name").Known(), Namespace: meta.Get("namespace").Known()}
	if v.Get("kind").Known() == "List" {
		for i, item := range v.Get("items").Each() {
			s.manifest(r, item, fmt.Sprintf("%s.items[%d]", path, i))
		}
		return
	}
	if holdsData(w.Kind) {
		return
	}
	pods{sink: s, workload: w, objects: true}.walk(v, path, 0)
}

// manifests reads objects that are written as text.
func manifests(s *Sink, r Resource) {
	for _, key := range []string{"yaml_body", "yaml"} {
		for _, text := range r.Body.Get(key).Each() {
			s.inner(text, r.Path+"."+key, func(v *Value, path string) { s.manifest(r, v, path) })
		}
	}
	for i, o := range r.Body.Get("objs").Each() {
		s.manifest(r, o, fmt.Sprintf("%s.objs[%d]", r.Path, i))
	}
}

// inner reads the documents in a text, or what stands for them.
func (s *Sink) inner(v *Value, path string, read func(*Value, string)) {
	switch {
	case !v.there():
	case v.Kind != Scalar:
		read(v, path)
	default:
		docs, problem := v.Inner()
		for _, d := range docs {
			read(d, path)
		}
		if problem != "" {
			s.Problem(v.At, path, fact.Unsupported, problem)
		}
	}
}

// podKeys are where pods are, so that one that is not known is not left out.
var podKeys = []string{"spec", "template", "jobtemplate", "containers", "container", "podspec"}

func (p pods) walk(v *Value, path string, depth int) {
	if v == nil || depth > maxDepth {
		return
	}
	switch v.Kind {
	case List:
		for i, item := range v.Items {
			at := path
			if len(v.Items) > 1 {
				at = fmt.Sprintf("%s[%d]", path, i)
			}
			p.walk(item, at, depth+1)
		}
	case Map:
		if p.other {
			p.plain(v, path)
		}
		main, init := v.Get("containers", "container"), v.Get("initContainers", "initContainer")
		if p.objects {
			p.own(v, path)
		}
		if holdsContainers(main, p.other) || holdsContainers(init, p.other) {
			p.pod(v, path)
			return
		}
		for _, f := range v.Fields {
			keys := podKeys
			if p.other {
				keys = otherKeys
			}
			if f.Value != nil && f.Value.Kind == Unknown && slices.Contains(keys, Fold(f.Name)) {
				p.sink.image(f.Value, path+"."+f.Name, container{workload: p.workload})
				continue
			}
			p.walk(f.Value, path+"."+f.Name, depth+1)
		}
	}
}

// own adds what an object of any kind has under the key image: a step of Tekton, the
// image that an operator is to run.
func (p pods) own(v *Value, path string) {
	image, at := v.child(path, "image")
	if image.there() && image.Kind == Map {
		if !image.Get("repository").there() {
			return
		}
		image = joined(image)
	}
	if !image.there() || image.Kind == List {
		return
	}
	name := v.Get("name")
	p.sink.image(image, at, container{workload: p.workload, name: name.Known(), role: fact.RoleMain})
}

// otherKeys are those that are containers in whatever type they are.
var otherKeys = []string{"containers", "initcontainers", "containerdefinitions"}

func holdsContainers(v *Value, isOther bool) bool {
	for _, c := range v.Each() {
		if c.Kind == Unknown && !isOther || c.Kind == Map && c.Get("image") != nil {
			return true
		}
	}
	return false
}

// pod reads a pod's specification, or what another platform calls so.
func (p pods) pod(spec *Value, path string) {
	volumes := volumesOf(spec)
	for _, k := range []struct {
		keys string
		role fact.Role
	}{
		{"initContainers|init_container", fact.RoleInit}, {"containers|container", fact.RoleMain}, {"ephemeralContainers", fact.RoleEphemeral},
	} {
		all, list := spec.child(path, k.keys)
		for i, c := range all.Each() {
			role := k.role
			if role == fact.RoleInit && c.Get("restartPolicy").Known() == "Always" {
				role = fact.RoleSidecar
			}
			at := fmt.Sprintf("%s[%d]", list, i)
			image, imageAt := c.child(at, "image")
			p.sink.image(image, imageAt, container{
				workload: p.workload, name: c.Get("name").Known(), role: role, platform: p.platform,
				settings: p.settings(spec, c, volumes, at),
			})
		}
	}
	all, list := spec.child(path, "volumes|volume")
	for i, v := range all.Each() {
		if v.Kind == Map {
			image, at := v.child(fmt.Sprintf("%s[%d]", list, i), "image", "reference")
			p.sink.image(image, at, container{workload: p.workload, name: v.Get("name").Known(), role: fact.RoleVolume})
		}
	}
}
