package resource

import (
	"cmp"
	"path"
	"strings"

	"github.com/intact-dev/intact/pkg/extract"
	"github.com/intact-dev/intact/pkg/fact"
	"github.com/intact-dev/intact/pkg/ref"
)

func cloudRun(s *Sink, r Resource) {
	kind := "Service"
	if strings.HasSuffix(Fold(r.Type), "job") {
		kind = "Job"
	}
	template, path := r.Body.child(r.Path, "template")
	w := extract.Workload{Kind: kind, Name: cmp.Or(r.Body.Get("name").Known(), r.Name)}
	if template.Unknown() != "" {
		s.image(template, path, container{workload: w})
		return
	}
	pods{sink: s, runtime: "cloud-run", workload: w}.walk(template, path, 0)
}

func azureContainers(s *Sink, r Resource) {
	w := extract.Workload{Kind: "ContainerApp", Name: cmp.Or(r.Body.Get("name").Known(), r.Name)}
	if strings.Contains(Fold(r.Type), "group") {
		w.Kind = "ContainerGroup"
	}
	pods{sink: s, runtime: "azure", workload: w}.walk(r.Body, r.Path, 0)
}

// dockerImage is an image that is pulled. One that is built is read where its
// Dockerfile is.
func dockerImage(s *Sink, r Resource) {
	if r.Body.Get("build") != nil && r.Type == "docker_image" || r.Type == "docker_registry_image" && !r.Data {
		return
	}
	v, path := r.Body.child(r.Path, "name")
	s.image(v, path, container{})
}

func dockerContainer(s *Sink, r Resource) {
	c, at := r.Body, r.Path
	if spec, specAt := r.Body.child(r.Path, "taskSpec", "containerSpec"); spec != nil {
		c, at = spec.block(), specAt
	}
	name := cmp.Or(r.Body.Get("name").Known(), r.Name)
	v, imageAt := c.child(at, "image")
	s.image(v, imageAt, container{workload: extract.Workload{Kind: "Container", Name: name}, name: name, role: fact.RoleMain,
		settings: dockerSettings(settingsReader{s, at}, c)})
}

func dockerSettings(r settingsReader, c *Value) *fact.Settings {
	if c == nil || c.Kind != Map {
		return nil
	}
	set := &fact.Settings{Runtime: "docker"}
	set.ReadOnlyRoot = r.yes(c.Get("readOnly"), "read_only")
	set.Privileged = r.yes(c.Get("privileged"), "privileged")
	set.User = r.text(c.Get("user"), "user")
	set.Capabilities = r.texts(c.In("capabilities", "add"), "capabilities")
	for _, m := range c.Get("mounts").Each() {
		r.mount(set, fact.Mount{Kind: cmp.Or(m.Get("type").Known(), "volume"), Source: m.Get("source").Known()}, m)
	}
	for _, m := range c.Get("volumes").Each() {
		volume := fact.Mount{Kind: "volume", Source: m.Get("volumeName").Known()}
		if host := m.Get("hostPath").Known(); host != "" {
			volume = fact.Mount{Kind: "bind", Source: host}
		}
		r.mount(set, volume, m)
	}
	for _, f := range c.Get("tmpfs").fields() {
		set.Mounts = append(set.Mounts, fact.Mount{Kind: "tmpfs", Path: fact.Bytes(path.Clean("/" + f.Name))})
	}
	sortMounts(set)
	return set
}

// helmRelease is a chart, which is rendered when it is installed. Of what it is
// installed with, an image is found where the whole of it is written.
func helmRelease(s *Sink, r Resource) {
	w := extract.Workload{Kind: "HelmRelease", Name: cmp.Or(r.Body.Get("name").Known(), r.Name), Namespace: r.Body.Get("namespace").Known()}
	if chart, at := r.Body.child(r.Path, "chart"); chart.there() {
		c := *chart
		c.Why = cmp.Or(chart.Unknown(), "a chart, which is rendered when it is installed; what its images are is not told here")
		c.Kind, c.Holes = Unknown, nil
		s.reference(&c, at, ref.KindArtifact, container{workload: w})
	}
	all, at := r.Body.child(r.Path, "values")
	for _, v := range all.Each() {
		s.inner(v, at, func(v *Value, path string) { s.values(v, path, w, 0) })
	}
	for _, set := range r.Body.Get("set").Each() {
		name := set.Get("name").Known()
		value, path := set.child(r.Path+".set", "value")
		last := Fold(name[strings.LastIndexByte(name, '.')+1:])
		switch {
		case value == nil:
		case last == "image":
			s.image(value, path, container{workload: w, name: name})
		case strings.Contains(Fold(name), "image") && (last == "tag" || last == "repository" || last == "digest" || last == "registry"):
			c := *value
			c.Kind, c.Holes, c.Why = Unknown, nil, cmp.Or(value.Unknown(), "the value "+name+" alone; the chart says the rest of the image")
			s.image(&c, path, container{workload: w, name: name})
		}
	}
}

// values finds images in a chart's values.
func (s *Sink) values(v *Value, path string, w extract.Workload, depth int) {
	if v == nil || depth > maxDepth {
		return
	}
	for _, item := range v.Items {
		s.values(item, path, w, depth+1)
	}
	for _, f := range v.Fields {
		at := path + "." + f.Name
		switch {
		case f.Value == nil:
		case strings.HasSuffix(Fold(f.Name), "image") && (f.Value.Kind == Scalar || f.Value.Kind == Unknown):
			s.image(f.Value, at, container{workload: w, name: f.Name})
		case f.Value.Get("repository").there() && f.Value.Kind == Map && (f.Value.Get("tag") != nil || f.Value.Get("digest") != nil):
			s.image(joined(f.Value), at, container{workload: w, name: f.Name})
		default:
			s.values(f.Value, at, w, depth+1)
		}
	}
}
