package quadlet

import (
	"io/fs"
	"path"
	"slices"
	"strings"

	"github.com/intact-dev/intact/pkg/extract"
	"github.com/intact-dev/intact/pkg/extract/internal/dockerfile"
	"github.com/intact-dev/intact/pkg/extract/internal/written"
	"github.com/intact-dev/intact/pkg/fact"
	"github.com/intact-dev/intact/pkg/ref"
)

// kindContainer is what a container of an engine is called that nothing else made:
// Quadlet leaves no mark on it but its name.
const kindContainer = "container"

// builtHere is why what a build unit makes is no reference to what a registry
// has.
const builtHere = "built here: it names what the build makes"

func (r *reader) unit(section string, u unit) {
	switch section {
	case "Container":
		r.container(u)
	case "Image":
		if a, ok := u.last(section, "Image"); ok {
			f := r.reference(a, a.value, "Image.Image", ref.KindImage)
			f.Platform = imagePlatform(u)
		}
	case "Volume":
		if a, ok := u.last(section, "Image"); ok {
			f := r.image(a, "Volume.Image")
			f.Role = fact.RoleVolume
		}
	case "Build":
		r.build(u)
	case "Kube":
		for _, a := range u.all(section, "Yaml") {
			r.there(a)
		}
	case "Pod":
		for _, w := range podmanArgs(u, section) {
			if w.name == "infra-image" {
				r.reference(w.from, w.value, "Pod.PodmanArgs.infra-image", ref.KindImage)
			}
		}
	}
}

func imagePlatform(u unit) ref.Platform {
	p := ref.Platform{OS: u.text("Image", "OS"), Architecture: u.text("Image", "Arch"), Variant: u.text("Image", "Variant")}
	if p.Architecture == "" {
		return ref.Platform{}
	}
	if p.OS == "" {
		p.OS = "linux"
	}
	return p
}

// container notes what a container runs, and the images that it mounts.
func (r *reader) container(u unit) {
	const section = "Container"
	name := u.text(section, "ContainerName")
	if name == "" {
		name = "systemd-" + strings.TrimSuffix(path.Base(r.path), ".container")
	}
	w := extract.Workload{Kind: kindContainer, Name: name}
	if v := expand(written.Made(name)); v.Unresolved != "" || path.Ext(r.path) == ".conf" {
		w = extract.Workload{}
	}
	platform := r.platform(u)
	if a, ok := u.last(section, "Image"); ok {
		f := r.image(a, "Container.Image")
		f.Workload, f.Container, f.Role, f.Settings = w, name, fact.RoleMain, settings(u)
		if platform != (ref.Platform{}) {
			f.Platform = platform
		}
		if a, ok := u.last(section, "AutoUpdate"); ok && a.value.String() == "registry" {
			// What the tag means is pulled whenever it moves.
			o := a.origin()
			o.Path = "Container.AutoUpdate"
			f.Related = append(f.Related, o)
		}
	}
	mounted := u.all(section, "Mount")
	for _, m := range podmanArgs(u, section) {
		if m.name == "mount" {
			m.from.value = m.value
			mounted = append(mounted, m.from)
		}
	}
	for _, a := range mounted {
		m := mountOf(a.value)
		if m["type"].String() != "image" {
			continue
		}
		source := m["source"]
		if source.Len() == 0 {
			source = m["src"]
		}
		a.value = source
		f := r.image(a, "Container.Mount.source")
		f.Workload, f.Container, f.Role = w, name, fact.RoleVolume
	}
}

func (r *reader) platform(u unit) ref.Platform {
	for _, w := range podmanArgs(u, "Container") {
		if w.name != "platform" {
			continue
		}
		p, err := written.Platform(w.value.String())
		if err != nil {
			r.problem(w.from.origin(), fact.Unsupported, "%v", err)
		}
		return p
	}
	return ref.Platform{}
}

// image notes an image that may be one of a unit: web.image, web.build.
func (r *reader) image(a assignment, key string) *extract.Found {
	name := unquote(a.value).String()
	ext := path.Ext(name)
	if ext != ".image" && ext != ".build" {
		return r.reference(a, a.value, key, ref.KindImage)
	}
	p := path.Join(r.dir, name)
	other, err := r.other(p)
	if err != nil {
		f := r.reference(a, a.value, key, ref.KindImage)
		f.Ref, f.Site, f.Unresolved = ref.Ref{}, nil, "the unit "+name+" is not known"
		r.problem(a.origin(), dockerfile.CauseOf(err), "%v", err)
		return f
	}
	section, field := "Image", "Image"
	if ext == ".build" {
		section, field = "Build", "ImageTag"
	}
	image, ok := other.last(section, field)
	switch {
	case ext == ".build":
		if !ok {
			image = a
		}
		f := r.reference(image, image.value, key, ref.KindImage)
		f.Ref, f.Site, f.Unresolved, f.Built = ref.Ref{}, nil, builtHere, true
		r.use(f, a)
		return f
	case !ok:
		f := r.reference(a, a.value, key, ref.KindImage)
		f.Ref, f.Site, f.Unresolved = ref.Ref{}, nil, "the unit "+name+" names no image"
		return f
	}
	f := r.reference(image, image.value, key, ref.KindImage)
	f.Platform = imagePlatform(other)
	r.use(f, a)
	return f
}

// use adds the place where another unit's image is used.
func (r *reader) use(f *extract.Found, a assignment) {
	if o := a.origin(); o.Where != f.Origin.Where || o.Line != f.Origin.Line {
		f.Related = append(f.Related, o)
	}
}

// other reads another unit, with its drop-ins.
func (r *reader) other(p string) (unit, error) {
	if !fs.ValidPath(p) {
		return nil, fs.ErrNotExist
	}
	in := &reader{fsys: r.fsys, dir: path.Dir(p), path: p}
	u, err := in.load(p) // what is wrong with it is told of itself
	if err != nil {
		return nil, err
	}
	u = append(u, in.dropIns(p)...)
	r.read = append(append(r.read, p), append(in.claims, in.read...)...)
	return u, nil
}

// reference notes what t, of the assignment a, names.
func (r *reader) reference(a assignment, t written.Text, key string, kind ref.Kind) *extract.Found {
	v := expand(t)
	if v.Unresolved == "" && v.Text.Len() == 0 {
		v = written.Unknown(t, "it is empty")
	}
	// Transports other than a registry's are Podman's own.
	if name, ok := strings.CutPrefix(v.Text.String(), "docker://"); ok {
		v.Text = v.Text.Slice(v.Text.Len()-len(name), v.Text.Len())
	}
	offset, _ := a.file.Line(a.line)
	if f, at := v.Text.Place(0); f == a.file {
		offset = at
	}
	f := v.Found(kind, written.Use{File: a.file, Offset: offset, Path: key})
	f.Ignored = a.file.IgnoresAbove(a.line, "#", ";")
	r.refs = append(r.refs, written.Reference{Found: f, Text: v.Text})
	return &r.refs[len(r.refs)-1].Found
}

// build notes what a build unit is built on.
func (r *reader) build(u unit) {
	const section = "Build"
	b := dockerfile.Build{Args: map[string]written.Value{}}
	for _, a := range u.all(section, "BuildArg") {
		for _, w := range words(a.value) {
			if name, _, ok := strings.Cut(w.String(), "="); ok {
				b.Args[name] = expand(w.Slice(len(name)+1, w.Len()))
			}
		}
	}
	for _, w := range podmanArgs(u, section) {
		if name, _, ok := strings.Cut(w.value.String(), "="); ok && w.name == "build-arg" {
			b.Args[name] = expand(w.value.Slice(len(name)+1, w.value.Len()))
		}
	}
	context, at := written.Known(written.Made(".")), fileOrigin(r.path)
	if a, ok := u.last(section, "SetWorkingDirectory"); ok {
		at = a.origin()
		if w := a.value.String(); w != "unit" && w != "file" {
			context = expand(a.value)
		}
	}
	name := written.Value{}
	if a, ok := u.last(section, "File"); ok {
		name, at = expand(a.value), a.origin()
	}
	r.builds.Read(r.dir, context, name, b, at)
}

// there misses what Kubernetes' reader has to read.
func (r *reader) there(a assignment) {
	v := expand(a.value)
	if v.Unresolved != "" {
		r.problem(a.origin(), fact.Unsupported, "the objects in %q are not known: %s", v.Text.String(), v.Unresolved)
		return
	}
	p, err := written.Inside(r.dir, v.Text.String())
	if err != nil {
		r.problem(a.origin(), fact.Blocked, "the objects there are not read: %v", err)
		return
	}
	if _, err := fs.Stat(r.fsys, p); err != nil {
		r.problem(a.origin(), dockerfile.CauseOf(err), "the objects in %q are not read: it is not there", p)
	}
}

// An argument is an option of Podman's command line.
type argument struct {
	name  string
	value written.Text
	from  assignment
}

// valued are the options of which the value may be the next word.
var valued = []string{"mount", "platform", "user", "pull", "build-arg", "infra-image", "cap-add", "volume", "tmpfs"}

func podmanArgs(u unit, section string) []argument {
	var out []argument
	for _, a := range u.all(section, "PodmanArgs") {
		all := words(a.value)
		for i := 0; i < len(all); i++ {
			name, _, ok := strings.Cut(all[i].String(), "=")
			if !strings.HasPrefix(name, "--") {
				continue
			}
			arg := argument{name: name[2:], from: a}
			switch {
			case ok:
				arg.value = all[i].Slice(len(name)+1, all[i].Len())
			case i+1 < len(all) && slices.Contains(valued, arg.name):
				i++
				arg.value = all[i]
			}
			out = append(out, arg)
		}
	}
	return out
}
