package resource

import (
	"path"
	"slices"
	"strings"

	"github.com/intact-dev/intact/pkg/fact"
)

// settings are what a pod says of one of its containers.
func (p pods) settings(spec, c *Value, volumes map[string]fact.Mount, at string) *fact.Settings {
	if c.Kind != Map {
		return nil
	}
	set := &fact.Settings{Runtime: p.runtime}
	pod, own := spec.Get("securityContext"), c.Get("securityContext", "security")
	get := func(key string) *Value {
		if v := own.Get(key); v != nil {
			return v
		}
		return pod.Get(key)
	}
	r := settingsReader{p.sink, at}
	set.PullPolicy = r.text(c.Get("imagePullPolicy"), "imagePullPolicy")
	set.ReadOnlyRoot = r.yes(own.Get("readOnlyRootFilesystem"), "readOnlyRootFilesystem")
	set.Privileged = r.yes(own.Get("privileged", "privilegeEnabled"), "privileged")
	set.MayEscalate = r.tri(own.Get("allowPrivilegeEscalation"), "allowPrivilegeEscalation")
	set.RunAsUser = r.number(get("runAsUser"), "runAsUser")
	set.RunAsGroup = r.number(get("runAsGroup"), "runAsGroup")
	set.RunAsNonRoot = r.yes(get("runAsNonRoot"), "runAsNonRoot")
	set.HostUsers = r.tri(spec.Get("hostUsers"), "hostUsers")
	set.Capabilities = r.texts(own.In("capabilities", "add"), "capabilities")
	for _, g := range append([]*Value{pod.Get("fsGroup")}, pod.Get("supplementalGroups").Each()...) {
		if n := r.number(g, "groups"); n != nil {
			set.Groups = append(set.Groups, *n)
		}
	}
	slices.Sort(set.Groups)
	set.Groups = slices.Compact(set.Groups)
	for _, m := range c.Get("volumeMounts", "volumeMount", "volume").Each() {
		mount := volumes[m.Get("name", "volumeName").Known()]
		if mount.Kind == "" {
			mount.Kind = "volume"
		}
		r.mount(set, mount, m)
	}
	set.Configs = configsOf(spec, c)
	sortMounts(set)
	return set
}

func sortMounts(set *fact.Settings) {
	slices.SortFunc(set.Mounts, func(a, b fact.Mount) int { return strings.Compare(string(a.Path), string(b.Path)) })
}

// A settingsReader reads settings; what is not known of them is a problem: it may
// be the unsafe value.
type settingsReader struct {
	sink *Sink
	at   string
}

func (r settingsReader) text(v *Value, name string) string {
	r.sink.unresolved(v, r.at+"."+name, name)
	return v.Known()
}

func (r settingsReader) yes(v *Value, name string) bool { return r.tri(v, name) == fact.Yes }

func (r settingsReader) tri(v *Value, name string) fact.Tri {
	r.sink.unresolved(v, r.at+"."+name, name)
	switch b, ok := v.Bool(); {
	case !ok:
		return fact.TriUnknown
	case b:
		return fact.Yes
	}
	return fact.No
}

func (r settingsReader) number(v *Value, name string) *int64 {
	r.sink.unresolved(v, r.at+"."+name, name)
	if n, ok := v.Int(); ok {
		return &n
	}
	return nil
}

func (r settingsReader) texts(v *Value, name string) []string {
	r.sink.unresolved(v, r.at+"."+name, name)
	var out []string
	for _, item := range v.Each() {
		if s := r.text(item, name); s != "" {
			out = append(out, s)
		}
	}
	slices.Sort(out)
	return out
}

// mount adds m, a mount of the container, of the volume that is over it.
func (r settingsReader) mount(set *fact.Settings, volume fact.Mount, m *Value) {
	where := m.Get("mountPath", "containerPath", "target")
	p := r.text(where, "mountPath")
	if p == "" {
		r.sink.unresolved(m, r.at+".mount", "mount")
		return
	}
	volume.Path = fact.Bytes(path.Clean("/" + p))
	volume.ReadOnly = volume.ReadOnly || r.yes(m.Get("readOnly"), "readOnly")
	volume.SubPath = m.Get("subPath").Known()
	set.Mounts = append(set.Mounts, volume)
}

// volumesOf returns the volumes of a pod by name, as mounts without a path.
func volumesOf(spec *Value) map[string]fact.Mount {
	out := map[string]fact.Mount{}
	for _, v := range spec.Get("volumes", "volume").Each() {
		out[v.Get("name").Known()] = volumeOf(v)
	}
	return out
}

func volumeOf(v *Value) fact.Mount {
	for _, f := range v.fields() {
		if !f.Value.there() || f.Value.Kind == List && len(f.Value.Items) == 0 {
			continue
		}
		switch Fold(f.Name) {
		case "hostpath":
			return fact.Mount{Kind: "hostPath", Source: f.Value.Get("path").Known()}
		case "persistentvolumeclaim":
			return fact.Mount{Kind: "persistentVolumeClaim", Source: f.Value.Get("claimName").Known(), ReadOnly: f.Value.Get("readOnly").Known() == "true"}
		case "configmap":
			return fact.Mount{Kind: "configMap", Source: f.Value.Get("name").Known(), ReadOnly: true}
		case "secret":
			return fact.Mount{Kind: "secret", Source: f.Value.Get("secretName").Known(), ReadOnly: true}
		case "projected", "downwardapi":
			return fact.Mount{Kind: map[string]string{"projected": "projected", "downwardapi": "downwardAPI"}[Fold(f.Name)], ReadOnly: true}
		case "image":
			return fact.Mount{Kind: "image", Source: f.Value.Get("reference").Known(), ReadOnly: true}
		case "emptydir":
			return fact.Mount{Kind: "emptyDir"}
		case "csi", "nfs", "ephemeral", "gcs":
			return fact.Mount{Kind: Fold(f.Name)}
		}
	}
	return fact.Mount{Kind: "volume"}
}

func (v *Value) fields() []Field {
	if v == nil {
		return nil
	}
	return v.Fields
}
