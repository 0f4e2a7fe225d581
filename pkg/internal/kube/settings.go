package kube

import (
	"cmp"
	"path"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"github.com/intact-dev/intact/pkg/fact"
)

// Settings returns what spec says of i's container. podName is the pod's own,
// "" in a template: what carries it in its name is the same in all pods of a
// template, and is given the same name here. The state of ConfigMaps and Secrets
// is not known.
//
// https://kubernetes.io/docs/reference/kubernetes-api/workload-resources/pod-v1/#security-context-1
func (i Image) Settings(spec *corev1.PodSpec, podName string) fact.Settings {
	c := i.Container(spec)
	if c == nil { // the files of a volume do nothing
		return fact.Settings{PullPolicy: string(spec.Volumes[i.index].Image.PullPolicy)}
	}
	s := fact.Settings{PullPolicy: string(c.ImagePullPolicy)}
	if spec.HostUsers != nil {
		s.HostUsers = tri(*spec.HostUsers)
	}
	if p := spec.SecurityContext; p != nil {
		podSecurity(&s, p)
	}
	if sc := c.SecurityContext; sc != nil {
		containerSecurity(&s, sc)
	}
	s.Mounts, s.Configs = mounts(spec, c, podName)
	s.Configs = configs(s.Configs, c)
	return s
}

// podSecurity is what holds for all containers of a pod that don't say otherwise.
func podSecurity(s *fact.Settings, p *corev1.PodSecurityContext) {
	s.RunAsUser, s.RunAsGroup = p.RunAsUser, p.RunAsGroup
	s.RunAsNonRoot = p.RunAsNonRoot != nil && *p.RunAsNonRoot
	s.Groups = slices.Clone(p.SupplementalGroups)
	if p.FSGroup != nil {
		s.Groups = append(s.Groups, *p.FSGroup)
	}
	slices.Sort(s.Groups)
	s.Groups = slices.Compact(s.Groups)
	windows(s, p.WindowsOptions)
}

func containerSecurity(s *fact.Settings, sc *corev1.SecurityContext) {
	s.ReadOnlyRoot = sc.ReadOnlyRootFilesystem != nil && *sc.ReadOnlyRootFilesystem
	if sc.Privileged != nil {
		s.Privileged = *sc.Privileged
	}
	if sc.RunAsUser != nil {
		s.RunAsUser = sc.RunAsUser
	}
	if sc.RunAsGroup != nil {
		s.RunAsGroup = sc.RunAsGroup
	}
	if sc.RunAsNonRoot != nil {
		s.RunAsNonRoot = *sc.RunAsNonRoot
	}
	windows(s, sc.WindowsOptions)
	admin := false
	if sc.Capabilities != nil {
		for _, c := range sc.Capabilities.Add {
			s.Capabilities = append(s.Capabilities, string(c))
			switch strings.TrimPrefix(strings.ToUpper(string(c)), "CAP_") {
			case "SYS_ADMIN", "ALL":
				admin = true
			}
		}
		slices.Sort(s.Capabilities)
		s.Capabilities = slices.Compact(s.Capabilities)
	}
	if sc.AllowPrivilegeEscalation != nil {
		s.MayEscalate = tri(*sc.AllowPrivilegeEscalation)
	}
	if s.Privileged || admin { // then it is always true, whatever is stated
		s.MayEscalate = fact.Yes
	}
}

// windows has users by name. A host process is the host's own.
func windows(s *fact.Settings, w *corev1.WindowsSecurityContextOptions) {
	if w == nil {
		return
	}
	if w.RunAsUserName != nil {
		s.User = *w.RunAsUserName
	}
	if w.HostProcess != nil {
		s.Privileged = *w.HostProcess
	}
}

// mounts returns what lies over the image's files, and the ConfigMaps and
// Secrets among it.
func mounts(spec *corev1.PodSpec, c *corev1.Container, podName string) ([]fact.Mount, []fact.ConfigObject) {
	if len(c.VolumeMounts) == 0 {
		return nil, nil
	}
	out := make([]fact.Mount, 0, len(c.VolumeMounts))
	var objects []fact.ConfigObject
	for i := range c.VolumeMounts {
		vm := &c.VolumeMounts[i]
		m := fact.Mount{Path: fact.Bytes(absolute(vm.MountPath)), ReadOnly: vm.ReadOnly, SubPath: cmp.Or(vm.SubPath, vm.SubPathExpr), Kind: KindUnknown}
		for j := range spec.Volumes {
			if v := &spec.Volumes[j]; v.Name == vm.Name {
				var readOnly bool
				m.Kind, m.Source, readOnly = volume(&v.VolumeSource, podName)
				m.ReadOnly = m.ReadOnly || readOnly
				objects = volumeObjects(objects, &v.VolumeSource)
				break
			}
		}
		out = append(out, m)
	}
	slices.SortStableFunc(out, func(a, b fact.Mount) int { return strings.Compare(string(a.Path), string(b.Path)) })
	return out, objects
}

// absolute is p as the kubelet mounts it: a relative path is below the root.
// Paths with a drive are left alone.
func absolute(p string) string {
	if len(p) > 1 && p[1] == ':' || strings.Contains(p, `\`) {
		return p
	}
	if strings.HasPrefix(p, "/") && path.Clean(p) == p {
		return p
	}
	return path.Clean("/" + p)
}

func tri(b bool) fact.Tri {
	if b {
		return fact.Yes
	}
	return fact.No
}
