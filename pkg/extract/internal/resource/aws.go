package resource

import (
	"fmt"
	"strings"

	"github.com/intact-dev/intact/pkg/extract"
	"github.com/intact-dev/intact/pkg/fact"
	"github.com/intact-dev/intact/pkg/ref"
)

// ECS reads a task definition, as its API has it.
//
// https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task_definition_parameters.html
func (s *Sink) ECS(r Resource) { ecsTask(s, r) }

func ecsTask(s *Sink, r Resource) {
	w := extract.Workload{Kind: "TaskDefinition", Name: r.Name}
	if family := r.Body.Get("family").Known(); family != "" {
		w.Name = family
	}
	platform := platformOf(r.Body.Get("runtimePlatform"))
	definitions, path := r.Body.child(r.Path, "containerDefinitions")
	s.inner(definitions, path, func(v *Value, path string) {
		for i, c := range v.Each() {
			s.ecsContainer(c, fmt.Sprintf("%s[%d]", path, i), w, r.Body, platform)
		}
	})
}

func (s *Sink) ecsContainer(c *Value, path string, w extract.Workload, task *Value, platform ref.Platform) {
	if c.there() && c.Kind != Map && c.Unknown() == "" {
		s.Problem(c.At, path, fact.Unsupported, "it is no definition of a container")
		return
	}
	image, at := c.child(path, "image")
	s.image(image, at, container{workload: w, name: c.Get("name").Known(), role: fact.RoleMain, platform: platform,
		settings: s.ecsSettings(c, task, path)})
}

func platformOf(v *Value) ref.Platform {
	system, arch := strings.ToLower(v.Get("operatingSystemFamily").Known()), strings.ToLower(v.Get("cpuArchitecture").Known())
	var p ref.Platform
	switch arch {
	case "x86_64":
		p.Architecture = "amd64"
	case "arm64":
		p.Architecture = "arm64"
	default:
		return p
	}
	p.OS = "linux"
	if strings.HasPrefix(system, "windows") {
		p.OS = "windows"
	}
	return p
}

func (s *Sink) ecsSettings(c, task *Value, path string) *fact.Settings {
	if c == nil || c.Kind != Map {
		return nil
	}
	r := settingsReader{s, path}
	set := &fact.Settings{Runtime: "ecs"}
	set.ReadOnlyRoot = r.yes(c.Get("readonlyRootFilesystem"), "readonlyRootFilesystem")
	set.Privileged = r.yes(c.Get("privileged"), "privileged")
	set.User = r.text(c.Get("user"), "user")
	linux := c.Get("linuxParameters")
	set.Capabilities = r.texts(linux.In("capabilities", "add"), "capabilities")
	for _, t := range linux.Get("tmpfs").Each() {
		r.mount(set, fact.Mount{Kind: "tmpfs"}, t)
	}
	volumes := map[string]fact.Mount{}
	for _, v := range task.Get("volumes", "volume").Each() {
		volumes[v.Get("name").Known()] = ecsVolume(v)
	}
	for _, m := range c.Get("mountPoints").Each() {
		volume := volumes[m.Get("sourceVolume").Known()]
		if volume.Kind == "" {
			volume.Kind = "volume"
		}
		r.mount(set, volume, m)
	}
	sortMounts(set)
	return set
}

func ecsVolume(v *Value) fact.Mount {
	if p := v.Get("hostPath").Known(); p != "" { // Terraform
		return fact.Mount{Kind: "bind", Source: p}
	}
	if p := v.In("host", "sourcePath").Known(); p != "" {
		return fact.Mount{Kind: "bind", Source: p}
	}
	if efs := v.Get("efsVolumeConfiguration"); efs != nil {
		return fact.Mount{Kind: "efs", Source: efs.Get("fileSystemId", "filesystemId").Known()}
	}
	return fact.Mount{Kind: "volume", Source: v.Get("name").Known()}
}

// awsxTask reads Pulumi's crosswalk: one container or several by name, of a task
// or of a service with its task.
func awsxTask(s *Sink, r Resource) {
	body, path := r.Body, r.Path
	if args, at := body.child(path, "taskDefinitionArgs"); args != nil {
		body, path = args, at
	}
	w := extract.Workload{Kind: "TaskDefinition", Name: r.Name}
	if one, at := body.child(path, "container"); one != nil {
		s.ecsContainer(one, at, w, body, ref.Platform{})
	}
	all, at := body.child(path, "containers")
	if all.Unknown() != "" {
		s.image(all, at, container{workload: w})
	}
	for _, f := range all.fields() {
		s.ecsContainer(f.Value, at+"."+f.Name, w, body, ref.Platform{})
	}
}

func batchJob(s *Sink, r Resource) {
	w := extract.Workload{Kind: "JobDefinition", Name: r.Name}
	one := func(v *Value, path string) {
		if v.there() {
			s.ecsContainer(v, path, w, v, platformOf(v.Get("runtimePlatform")))
		}
	}
	v, path := r.Body.child(r.Path, "containerProperties")
	s.inner(v, path, one)
	v, path = r.Body.child(r.Path, "nodeProperties")
	s.inner(v, path, func(v *Value, path string) {
		nodes, at := v.child(path, "nodeRangeProperties")
		for i, n := range nodes.Each() {
			c, at := n.child(fmt.Sprintf("%s[%d]", at, i), "container")
			one(c, at)
		}
	})
	v, path = r.Body.child(r.Path, "ecsProperties")
	s.inner(v, path, func(v *Value, path string) {
		tasks, at := v.child(path, "taskProperties")
		for i, t := range tasks.Each() {
			all, at := t.child(fmt.Sprintf("%s[%d]", at, i), "containers")
			for j, c := range all.Each() {
				s.ecsContainer(c, fmt.Sprintf("%s[%d]", at, j), w, t, platformOf(t.Get("runtimePlatform")))
			}
		}
	})
	v, path = r.Body.child(r.Path, "eksProperties")
	pods{sink: s, workload: w}.walk(v, path, 0)
}

func lambda(s *Sink, r Resource) {
	w := extract.Workload{Kind: "Function", Name: r.Name}
	if name := r.Body.Get("functionName").Known(); name != "" {
		w.Name = name
	}
	c := container{workload: w, role: fact.RoleMain}
	v, path := r.Body.child(r.Path, "imageUri")
	if v.Unknown() != "" && v == r.Body {
		return
	}
	s.image(v, path, c)
	if code, at := r.Body.child(r.Path, "code"); code != nil && code.Kind == Map {
		v, path = code.child(at, "imageUri")
		s.image(v, path, c)
	}
}

func appRunner(s *Sink, r Resource) {
	v, path := r.Body.child(r.Path, "sourceConfiguration", "imageRepository", "imageIdentifier")
	s.image(v, path, container{workload: extract.Workload{Kind: "Service", Name: r.Name}, role: fact.RoleMain})
}

func sageMaker(s *Sink, r Resource) {
	w := extract.Workload{Kind: "Model", Name: r.Name}
	for _, key := range []string{"primaryContainer", "containers|container"} {
		all, path := r.Body.child(r.Path, key)
		for i, c := range all.Each() {
			at := path
			if all.Kind == List {
				at = fmt.Sprintf("%s[%d]", path, i)
			}
			v, imageAt := c.child(at, "image")
			s.image(v, imageAt, container{workload: w, name: c.Get("containerHostname").Known(), role: fact.RoleMain})
		}
	}
}
