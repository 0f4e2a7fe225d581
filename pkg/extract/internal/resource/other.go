package resource

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/intact-dev/intact/pkg/extract"
	"github.com/intact-dev/intact/pkg/fact"
)

// other reads a type of which nothing is known: containers that have an image, and
// arguments that can be nothing else. An argument that is only called image is
// mostly one of a machine.
func other(s *Sink, r Resource) {
	kind := r.Type[strings.LastIndexByte(r.Type, ':')+1:]
	w := extract.Workload{Kind: kind, Name: cmp.Or(r.Body.Get("name").Known(), r.Name)}
	pods{sink: s, runtime: "other", workload: w, other: true}.walk(r.Body, r.Path, 0)
}

// ofContainers are names of arguments that are images of containers in whatever
// type they are.
var ofContainers = []string{"imageuri", "containerimage", "containerimageuri", "containeruri", "dockerimage", "dockerimagename", "dockerimageuri"}

// plain adds the arguments of v that are images by their name.
func (p pods) plain(v *Value, path string) {
	for _, f := range v.Fields {
		if f.Value.there() && (f.Value.Kind == Scalar || f.Value.Kind == Unknown) && slices.Contains(ofContainers, Fold(f.Name)) {
			p.sink.image(f.Value, path+"."+f.Name, container{workload: p.workload, role: fact.RoleMain})
		}
	}
}

// azureWeb reads web and function apps that run a container.
//
// https://registry.terraform.io/providers/hashicorp/azurerm/latest/docs/resources/linux_web_app#application_stack
func azureWeb(s *Sink, r Resource) {
	c := container{workload: extract.Workload{Kind: "WebApp", Name: cmp.Or(r.Body.Get("name").Known(), r.Name)}, role: fact.RoleMain}
	config, path := r.Body.child(r.Path, "siteConfig")
	stack, at := config.child(path, "applicationStack")
	for i, d := range append([]*Value{stack.block()}, stack.Get("docker").Each()...) {
		if d == nil {
			continue
		}
		where := at
		if i > 0 {
			where += ".docker"
		}
		s.image(webImage(d), where, c)
	}
	// DOCKER|nginx:1.25
	fx, at := config.child(path, "linuxFxVersion|windowsFxVersion")
	if kind, image, ok := strings.Cut(fx.Known(), "|"); ok && strings.EqualFold(kind, "DOCKER") {
		v := *fx
		v.Text = fx.Text.Slice(fx.Text.Len()-len(image), fx.Text.Len())
		s.image(&v, at, c)
	} else if fx.Unknown() != "" {
		s.image(fx, at, c)
	}
}

// webImage puts together the server, the name and the tag.
func webImage(d *Value) *Value {
	if d.Kind == Unknown {
		return d
	}
	name := d.Get("dockerImageName", "imageName", "dockerImage")
	if !name.there() {
		return nil
	}
	var j Joiner
	if server := d.Get("dockerRegistryUrl", "registryUrl"); server.there() && server.Text.Len() > 0 {
		host := server.Text.String()
		_, rest, found := strings.Cut(host, "://")
		if found {
			host = rest
		}
		host = strings.TrimSuffix(host, "/")
		if !strings.HasSuffix(host, "docker.io") {
			part := *server
			if len(server.Holes) == 0 && server.Kind == Scalar {
				at := strings.Index(server.Text.String(), host)
				part.Text = server.Text.Slice(at, at+len(host))
			}
			j.Add(&part)
			j.Literal("/")
		}
	}
	j.Add(name)
	if tag := d.Get("imageTag", "dockerImageTag"); tag.there() && tag.Text.Len() > 0 {
		j.Literal(":")
		j.Add(tag)
	}
	v := j.Value(name.At)
	v.Ignored = name.Ignored
	return v
}

// codeBuild reads the image that a build runs in.
func codeBuild(s *Sink, r Resource) {
	v, path := r.Body.child(r.Path, "environment", "image")
	if strings.HasPrefix(v.Known(), "aws/codebuild/") {
		c := *v
		c.Kind, c.Why = Unknown, "an image of CodeBuild's own, which no registry has by this name"
		v = &c
	}
	s.image(v, path, container{workload: extract.Workload{Kind: "Project", Name: cmp.Or(r.Body.Get("name").Known(), r.Name)}, role: fact.RoleMain})
}

// lightsail reads a deployment whose containers are a map, or a list, of them.
func lightsail(s *Sink, r Resource) {
	w := extract.Workload{Kind: "ContainerService", Name: cmp.Or(r.Body.Get("serviceName").Known(), r.Name)}
	for _, keys := range [][]string{{"container"}, {"containerServiceDeployment", "containers"}} {
		all, at := r.Body.child(r.Path, keys...)
		for i, c := range all.Each() {
			v, path := c.child(fmt.Sprintf("%s[%d]", at, i), "image")
			s.image(v, path, container{workload: w, name: c.Get("containerName").Known(), role: fact.RoleMain})
		}
	}
}
