package quadlet

import (
	"cmp"
	"path"
	"slices"
	"strconv"
	"strings"

	"github.com/intact-dev/intact/pkg/extract/internal/written"
	"github.com/intact-dev/intact/pkg/fact"
)

// settings are what the engine is told.
func settings(u unit) *fact.Settings {
	const section = "Container"
	s := &fact.Settings{Runtime: "docker", PullPolicy: pullPolicy(u.text(section, "Pull")), User: u.text(section, "User")}
	if g := u.text(section, "Group"); g != "" {
		s.User += ":" + g
	}
	s.ReadOnlyRoot, _ = u.bool(section, "ReadOnly")
	if no, stated := u.bool(section, "NoNewPrivileges"); stated {
		s.MayEscalate = fact.Yes
		if no {
			s.MayEscalate = fact.No
		}
	}
	switch ns := u.text(section, "UserNS"); {
	case ns == "host":
		s.HostUsers = fact.Yes
	case ns != "":
		s.HostUsers = fact.No
	}
	var mounts mountList
	for _, a := range u.all(section, "AddCapability") {
		for _, w := range strings.Fields(a.value.String()) {
			s.Capabilities = append(s.Capabilities, strings.TrimPrefix(strings.ToUpper(w), "CAP_"))
		}
	}
	for _, a := range u.all(section, "GroupAdd") {
		if n, err := strconv.ParseInt(a.value.String(), 10, 64); err == nil {
			s.Groups = append(s.Groups, n)
		}
	}
	for _, a := range u.all(section, "Volume") {
		mounts.volume(unquote(a.value).String())
	}
	for _, a := range u.all(section, "Tmpfs") {
		mounts.tmpfs(unquote(a.value).String())
	}
	for _, a := range u.all(section, "Mount") {
		mounts.mount(mountOf(a.value))
	}
	for _, w := range podmanArgs(u, section) {
		switch value := w.value.String(); w.name {
		case "read-only":
			s.ReadOnlyRoot = value != "false"
		case "privileged":
			s.Privileged = value != "false"
		case "user":
			s.User = value
		case "pull":
			s.PullPolicy = pullPolicy(value)
		case "cap-add":
			s.Capabilities = append(s.Capabilities, strings.TrimPrefix(strings.ToUpper(value), "CAP_"))
		case "volume":
			mounts.volume(value)
		case "tmpfs":
			mounts.tmpfs(value)
		case "mount":
			mounts.mount(mountOf(w.value))
		}
	}
	slices.Sort(s.Groups)
	slices.Sort(s.Capabilities)
	s.Groups, s.Capabilities = slices.Compact(s.Groups), slices.Compact(s.Capabilities)
	slices.SortStableFunc(mounts, func(a, b fact.Mount) int { return cmp.Compare(a.Path, b.Path) })
	s.Mounts = mounts
	return s
}

// pullPolicy is spelled as Kubernetes does where that has it.
func pullPolicy(p string) string {
	switch p {
	case "always":
		return "Always"
	case "never":
		return "Never"
	case "missing":
		return "IfNotPresent"
	}
	return p
}

type mountList []fact.Mount

func (l *mountList) add(m fact.Mount) {
	if m.Path != "" {
		m.Path = fact.Bytes(path.Clean("/" + string(m.Path)))
		*l = append(*l, m)
	}
}

// volume is source:target:options; a name, or a volume unit, is a volume.
func (l *mountList) volume(spec string) {
	parts := strings.SplitN(spec, ":", 3)
	m := fact.Mount{Kind: "volume", Path: fact.Bytes(parts[len(parts)-1])}
	if len(parts) > 1 {
		m.Source, m.Path = parts[0], fact.Bytes(parts[1])
	}
	if len(parts) > 2 {
		m.ReadOnly = slices.Contains(strings.Split(parts[2], ","), "ro")
	}
	if strings.ContainsAny(m.Source[:min(1, len(m.Source))], "/.%~") && m.Source != "" {
		m.Kind = "bind"
	}
	l.add(m)
}

func (l *mountList) tmpfs(spec string) {
	target, options, _ := strings.Cut(spec, ":")
	l.add(fact.Mount{Kind: "tmpfs", Path: fact.Bytes(target), ReadOnly: slices.Contains(strings.Split(options, ","), "ro")})
}

func (l *mountList) mount(m map[string]written.Text) {
	out := fact.Mount{Kind: m["type"].String()}
	for _, key := range []string{"destination", "dst", "target"} {
		out.Path = fact.Bytes(cmp.Or(string(out.Path), m[key].String()))
	}
	out.Source = cmp.Or(m["source"].String(), m["src"].String())
	out.SubPath = m["subpath"].String()
	for _, key := range []string{"ro", "readonly"} {
		if v, ok := m[key]; ok {
			out.ReadOnly = v.String() != "false"
		}
	}
	if out.Kind == "image" { // that is a reference of its own
		v, ok := m["rw"]
		out.Source, out.ReadOnly = "", !ok || v.String() == "false"
	}
	if out.Kind == "" {
		out.Kind = "volume"
	}
	l.add(out)
}

// mountOf returns the fields of a mount.
func mountOf(t written.Text) map[string]written.Text {
	out := map[string]written.Text{}
	t = unquote(t)
	for at, rest := 0, t.String(); rest != ""; {
		field, _, _ := strings.Cut(rest, ",")
		key, _, hasValue := strings.Cut(field, "=")
		value := written.Text{}
		if hasValue {
			value = t.Slice(at+len(key)+1, at+len(field))
		}
		out[strings.TrimSpace(key)] = value
		at = min(at+len(field)+1, t.Len())
		rest = t.String()[at:]
	}
	return out
}
