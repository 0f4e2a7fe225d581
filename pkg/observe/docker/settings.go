package docker

import (
	"cmp"
	"path"
	"slices"
	"strconv"
	"strings"

	"github.com/moby/moby/api/types/container"
	"github.com/moby/moby/api/types/mount"

	"github.com/intact-dev/intact/pkg/fact"
	"github.com/intact-dev/intact/pkg/internal/dockerengine"
	"github.com/intact-dev/intact/pkg/internal/lazy"
)

func settingsOf(in container.InspectResponse, info dockerengine.Info) fact.Settings {
	h := in.HostConfig
	s := fact.Settings{ReadOnlyRoot: h.ReadonlyRootfs, Privileged: h.Privileged, User: in.Config.User,
		MayEscalate: mayEscalate(h.SecurityOpt, info.NoNewPrivileges), HostUsers: hostUsers(h.UsernsMode, info), Mounts: mountsOf(in)}
	for _, g := range h.GroupAdd {
		if n, err := strconv.ParseInt(g, 10, 64); err == nil { // a name means something in the image alone
			s.Groups = append(s.Groups, n)
		}
	}
	for _, name := range h.CapAdd {
		s.Capabilities = append(s.Capabilities, capability(name))
	}
	slices.Sort(s.Groups)
	slices.Sort(s.Capabilities)
	s.Groups, s.Capabilities = slices.Compact(s.Groups), slices.Compact(s.Capabilities)
	return s
}

// capability spells a capability as Kubernetes does: engines differ.
func capability(name string) string {
	return strings.TrimPrefix(strings.ToUpper(name), "CAP_")
}

// mayEscalate: the last option counts, as in the engine.
//
// https://github.com/moby/moby/blob/v28.0.0/daemon/daemon_unix.go#L207
func mayEscalate(options []string, noNewPrivileges bool) fact.Tri {
	out := fact.TriUnknown
	if noNewPrivileges {
		out = fact.No
	}
	for _, o := range options {
		key, value, stated := strings.Cut(strings.Replace(o, "=", ":", 1), ":")
		if key != "no-new-privileges" {
			continue
		}
		out = fact.No
		if on, err := strconv.ParseBool(value); stated && err == nil && !on {
			out = fact.Yes
		}
	}
	return out
}

func hostUsers(mode container.UsernsMode, info dockerengine.Info) fact.Tri {
	switch {
	case info.Rootless:
		return fact.No
	case mode.IsHost():
		return fact.Yes
	case mode != "", info.UserNamespaces: // Podman's "auto", "keep-id"
		return fact.No
	}
	return fact.Yes
}

// anonymousVolume is the name that an engine makes up for a volume.
var anonymousVolume = lazy.Regexp(`^[0-9a-f]{64}$`)

// mountsOf returns what lies over the image's files, sorted by path. The host's
// directory of a named volume is left out for its name, and the made-up name of
// a volume is no name.
func mountsOf(in container.InspectResponse) []fact.Mount {
	wanted := map[string]mount.Mount{}
	for _, m := range in.HostConfig.Mounts {
		wanted[m.Target] = m
	}
	var out []fact.Mount
	for _, m := range in.Mounts {
		f := fact.Mount{Path: insidePath(m.Destination), Kind: string(m.Type), Source: m.Source, ReadOnly: !m.RW}
		if m.Name != "" {
			f.Source = m.Name
		}
		if m.Type == mount.TypeVolume && anonymousVolume().MatchString(m.Name) {
			f.Source = ""
		}
		switch w := wanted[m.Destination]; {
		case w.VolumeOptions != nil:
			f.SubPath = w.VolumeOptions.Subpath
		case w.ImageOptions != nil:
			f.SubPath = w.ImageOptions.Subpath
		}
		out = append(out, f)
	}
	for target, options := range in.HostConfig.Tmpfs {
		readOnly := slices.Contains(strings.Split(options, ","), "ro")
		out = append(out, fact.Mount{Path: insidePath(target), Kind: string(mount.TypeTmpfs), ReadOnly: readOnly})
	}
	slices.SortFunc(out, func(a, b fact.Mount) int {
		return cmp.Or(cmp.Compare(a.Path, b.Path), cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.Source, b.Source))
	})
	return out
}

// insidePath cleans a path of a container; a Windows path stays as it is.
func insidePath(p string) fact.Bytes {
	if len(p) > 1 && p[1] == ':' {
		return fact.Bytes(p)
	}
	return fact.Bytes(path.Clean("/" + p))
}
