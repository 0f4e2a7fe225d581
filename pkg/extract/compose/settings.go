package compose

import (
	"cmp"
	"path"
	"slices"
	"strconv"
	"strings"

	"github.com/compose-spec/compose-go/v2/format"

	"github.com/intact-dev/intact/pkg/fact"
)

// settingsOf returns what an engine would be told, as far as it is known: what a
// variable decides that is not set is left out.
func settingsOf(s service) *fact.Settings {
	out := &fact.Settings{
		Runtime: "docker", PullPolicy: pullPolicy(s.text("pull_policy")), User: s.text("user"),
		ReadOnlyRoot: s.bool("read_only"), Privileged: s.bool("privileged"), MayEscalate: mayEscalate(s.texts("security_opt")),
	}
	if s.text("userns_mode") == "host" {
		out.HostUsers = fact.Yes
	}
	for _, c := range s.texts("cap_add") {
		out.Capabilities = append(out.Capabilities, strings.TrimPrefix(strings.ToUpper(c), "CAP_"))
	}
	for _, g := range s.texts("group_add") {
		if n, err := strconv.ParseInt(g, 10, 64); err == nil { // a name means something in the image alone
			out.Groups = append(out.Groups, n)
		}
	}
	slices.Sort(out.Groups)
	slices.Sort(out.Capabilities)
	out.Groups, out.Capabilities = slices.Compact(out.Groups), slices.Compact(out.Capabilities)
	out.Mounts = mounts(s)
	return out
}

// texts are the texts of a list that are known.
func (s service) texts(key string) []string {
	var out []string
	for _, i := range s.all(key) {
		if v := i.layer.env.text(i.layer.src, i.node); v.Unresolved == "" && v.Text.Len() > 0 {
			out = append(out, v.Text.String())
		}
	}
	return out
}

// pullPolicy is spelled as Kubernetes does where that has it.
func pullPolicy(p string) string {
	switch p {
	case "always":
		return "Always"
	case "never":
		return "Never"
	case "missing", "if_not_present":
		return "IfNotPresent"
	}
	return p
}

func mayEscalate(options []string) fact.Tri {
	for _, o := range options {
		key, value, stated := strings.Cut(strings.Replace(o, "=", ":", 1), ":")
		if key != "no-new-privileges" {
			continue
		}
		if on, err := strconv.ParseBool(value); stated && err == nil && !on {
			return fact.Yes
		}
		return fact.No
	}
	return fact.TriUnknown
}

// mounts are the volumes and tmpfs; of two at one path the first layer's counts.
func mounts(s service) []fact.Mount {
	var out []fact.Mount
	seen := map[fact.Bytes]bool{}
	add := func(m fact.Mount) {
		if m.Path != "" && !seen[m.Path] {
			seen[m.Path] = true
			out = append(out, m)
		}
	}
	for _, i := range s.all("volumes") {
		if i.node.IsMap() {
			add(longVolume(i))
			continue
		}
		if v := i.layer.env.text(i.layer.src, i.node); v.Unresolved == "" {
			add(shortVolume(i.layer, v.Text.String()))
		}
	}
	for _, t := range s.texts("tmpfs") {
		target, options, _ := strings.Cut(t, ":")
		add(fact.Mount{Path: insidePath(target), Kind: "tmpfs", ReadOnly: slices.Contains(strings.Split(options, ","), "ro")})
	}
	slices.SortFunc(out, func(a, b fact.Mount) int { return cmp.Compare(a.Path, b.Path) })
	return out
}

func longVolume(i item) fact.Mount {
	text := func(key ...string) string {
		return i.layer.env.text(i.layer.src, i.node.Get(key...)).Text.String()
	}
	m := fact.Mount{Path: insidePath(text("target")), Kind: text("type"), Source: text("source"), ReadOnly: i.layer.isTrue(i.node.Get("read_only"))}
	switch m.Kind {
	case "bind":
		m.Source = outsidePath(i.layer, m.Source)
	case "image": // that is a reference of its own
		m.Source = ""
	}
	m.SubPath = cmp.Or(text("volume", "subpath"), text("image", "subpath"))
	return m
}

func shortVolume(l layer, spec string) fact.Mount {
	v, err := format.ParseVolume(spec)
	if err != nil {
		return fact.Mount{}
	}
	m := fact.Mount{Path: insidePath(v.Target), Kind: v.Type, Source: v.Source, ReadOnly: v.ReadOnly}
	if m.Kind == "bind" {
		m.Source = outsidePath(l, m.Source)
	}
	return m
}

// outsidePath is a path of the host: relative ones are in the tree.
func outsidePath(l layer, p string) string {
	if strings.HasPrefix(p, "/") || strings.HasPrefix(p, "~") || p == "" || len(p) > 1 && p[1] == ':' {
		return p
	}
	return path.Join(l.dir, p)
}

// insidePath cleans a path of a container; a Windows path stays as it is.
func insidePath(p string) fact.Bytes {
	if len(p) > 1 && p[1] == ':' {
		return fact.Bytes(p)
	}
	if p == "" {
		return ""
	}
	return fact.Bytes(path.Clean("/" + p))
}
