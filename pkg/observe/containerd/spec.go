package containerd

import (
	"encoding/json"
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/opencontainers/runtime-spec/specs-go"

	"github.com/intact-dev/intact/pkg/fact"
	"github.com/intact-dev/intact/pkg/internal/lazy"
)

// A runtimeSpec is the part of a runtime specification that is read.
//
// https://github.com/opencontainers/runtime-spec/blob/v1.3.0/config.md
type runtimeSpec struct {
	Process *struct {
		User            specs.User               `json:"user"`
		Capabilities    *specs.LinuxCapabilities `json:"capabilities"`
		NoNewPrivileges bool                     `json:"noNewPrivileges"`
	} `json:"process"`
	Root        *specs.Root       `json:"root"`
	Mounts      []specs.Mount     `json:"mounts"`
	Annotations map[string]string `json:"annotations"`
	Linux       *struct {
		UIDMappings   []specs.LinuxIDMapping `json:"uidMappings"`
		GIDMappings   []specs.LinuxIDMapping `json:"gidMappings"`
		MaskedPaths   []string               `json:"maskedPaths"`
		ReadonlyPaths []string               `json:"readonlyPaths"`
	} `json:"linux"`
}

func parseSpec(b []byte) (*runtimeSpec, error) {
	if len(b) == 0 {
		return nil, unsupported(errors.New("there is no runtime specification"))
	}
	var s runtimeSpec
	if err := json.Unmarshal(b, &s); err != nil {
		return nil, unsupported(fmt.Errorf("parse the runtime specification: %w", err))
	}
	if s.Root == nil {
		return nil, unsupported(errors.New("parse the runtime specification: it names no root"))
	}
	return &s, nil
}

// settings are what a container may do to itself. All is stated there, so nothing
// is left to the image.
func (s *runtimeSpec) settings(inPod bool) fact.Settings {
	out := fact.Settings{ReadOnlyRoot: s.Root.Readonly, HostUsers: fact.Yes, Mounts: s.mounts(inPod)}
	if s.Linux != nil && len(s.Linux.UIDMappings) > 0 {
		out.HostUsers = fact.No
	}
	if p := s.Process; p != nil {
		out.MayEscalate = fact.Yes
		if p.NoNewPrivileges {
			out.MayEscalate = fact.No
		}
		uid, gid := int64(p.User.UID), int64(p.User.GID)
		out.RunAsUser, out.RunAsGroup = &uid, &gid
		for _, g := range p.User.AdditionalGids {
			out.Groups = append(out.Groups, int64(g))
		}
		slices.Sort(out.Groups)
		out.Groups = slices.Compact(out.Groups)
		if p.Capabilities != nil {
			out.Capabilities = added(p.Capabilities.Bounding)
		}
	}
	// What --privileged comes to: nothing of /proc and /sys is covered, and the
	// capability to undo what else is.
	out.Privileged = slices.Contains(out.Capabilities, "SYS_ADMIN") &&
		(s.Linux == nil || len(s.Linux.MaskedPaths) == 0 && len(s.Linux.ReadonlyPaths) == 0)
	return out
}

// usual are the capabilities that containers have unless told otherwise.
//
// https://github.com/containerd/containerd/blob/v2.2.0/pkg/oci/spec.go
var usual = []string{"AUDIT_WRITE", "CHOWN", "DAC_OVERRIDE", "FOWNER", "FSETID", "KILL", "MKNOD", "NET_BIND_SERVICE", "NET_RAW",
	"SETFCAP", "SETGID", "SETPCAP", "SETUID", "SYS_CHROOT"}

func added(bounding []string) []string {
	var out []string
	for _, c := range bounding {
		if c = strings.TrimPrefix(c, "CAP_"); !slices.Contains(usual, c) {
			out = append(out, c)
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// kernelTypes are file systems that hold nothing but the kernel's own.
var kernelTypes = []string{"proc", "sysfs", "devpts", "mqueue", "cgroup", "cgroup2", "devtmpfs", "securityfs", "debugfs", "bpf"}

// runtimeFiles are mounted by the runtime itself, into every container or pod.
var runtimeFiles = []string{"/etc/hosts", "/etc/hostname", "/etc/resolv.conf", "/dev/termination-log"}

// mounts returns what lies over the image's files, without what the kernel and
// the runtime put there, sorted by path.
func (s *runtimeSpec) mounts(inPod bool) []fact.Mount {
	var out []fact.Mount
	for _, m := range s.Mounts {
		p := destination(m)
		if slices.Contains(kernelTypes, m.Type) || slices.Contains(runtimeFiles, p) || p == "/dev" || m.Type == "tmpfs" && strings.HasPrefix(p, "/dev/") {
			continue
		}
		f := fact.Mount{Path: fact.Bytes(p), Kind: m.Type, ReadOnly: readOnly(m.Options)}
		switch {
		case m.Type == "bind" || slices.Contains(m.Options, "bind") || slices.Contains(m.Options, "rbind"):
			f.Kind, f.Source, f.SubPath = volume(m.Source, inPod)
		case m.Type == "overlay":
			f.Kind = "image" // how containerd mounts an image volume
		case m.Type == "":
			f.Kind, f.Source = "other", m.Source
		}
		out = append(out, f)
	}
	slices.SortStableFunc(out, func(a, b fact.Mount) int { return strings.Compare(string(a.Path), string(b.Path)) })
	return out
}

// destination is where a mount is in the container. Runtimes take a relative one
// from the root.
func destination(m specs.Mount) string { return path.Clean("/" + m.Destination) }

// readOnly: of contradicting options the last one counts, as for mount(8).
func readOnly(options []string) bool {
	ro := false
	for _, o := range options {
		switch o {
		case "ro", "rro":
			ro = true
		case "rw":
			ro = false
		}
	}
	return ro
}

var (
	// podVolume is where the kubelet keeps the volumes of a pod. The pod's UID is
	// left out, so that equal pods are equal.
	podVolume  = lazy.Regexp(`/pods/[^/]+/volumes/kubernetes\.io~([a-z-]+)/([^/]+)(?:/(.*))?$`)
	podSubPath = lazy.Regexp(`/pods/[^/]+/volume-subpaths/([^/]+)/[^/]+/(\d+)$`)
	// namedVolume is where nerdctl keeps volumes that have a name.
	namedVolume = lazy.Regexp(`/nerdctl/[^/]+/volumes/[^/]+/([^/]+)/_data$`)
)

// plugins of the kubelet whose volumes are known by another name.
var plugins = map[string]string{"empty-dir": "emptyDir", "configmap": "configMap", "secret": "secret", "projected": "projected", "downward-api": "downwardAPI"}

// volume says what is mounted by where its files are on the machine.
func volume(source string, inPod bool) (kind, name, subPath string) {
	if inPod {
		if m := podVolume().FindStringSubmatch(source); m != nil {
			kind := plugins[m[1]]
			switch {
			case kind == "":
				return "volume", m[2], "" // what it is of stands in the pod alone
			case kind == "projected" && strings.HasPrefix(m[2], "kube-api-access-"):
				return kind, "kube-api-access", m[3] // the rest of it is random
			}
			return kind, m[2], m[3]
		}
		if m := podSubPath().FindStringSubmatch(source); m != nil {
			return "volume", m[1], m[2]
		}
		return "hostPath", source, ""
	}
	if m := namedVolume().FindStringSubmatch(source); m != nil {
		return "volume", m[1], ""
	}
	return "bind", source, ""
}
