package kube

import (
	"reflect"
	"strings"

	corev1 "k8s.io/api/core/v1"
)

// KindUnknown is of a mount whose volume the specification does not have, or of
// a kind that is newer than this program.
const KindUnknown = "unknown"

// volume returns what v is, by the name that the API has for it, where its
// content lies, and whether no container can write to it.
func volume(v *corev1.VolumeSource, podName string) (kind, source string, readOnly bool) {
	switch {
	case v.EmptyDir != nil:
		return "emptyDir", "", false
	case v.HostPath != nil:
		return "hostPath", v.HostPath.Path, false
	case v.PersistentVolumeClaim != nil:
		c := v.PersistentVolumeClaim
		return "persistentVolumeClaim", claim(c.ClaimName, podName), c.ReadOnly
	// The kubelet mounts those that it fills itself read-only, since version 1.9.6.
	case v.ConfigMap != nil:
		return "configMap", v.ConfigMap.Name, true
	case v.Secret != nil:
		return "secret", v.Secret.SecretName, true
	case v.Projected != nil:
		return "projected", "", true
	case v.DownwardAPI != nil:
		return "downwardAPI", "", true
	case v.Image != nil:
		return "image", v.Image.Reference, true
	case v.CSI != nil:
		return "csi", v.CSI.Driver, v.CSI.ReadOnly != nil && *v.CSI.ReadOnly
	case v.NFS != nil:
		return "nfs", v.NFS.Server + ":" + v.NFS.Path, v.NFS.ReadOnly
	}
	return otherVolume(v)
}

// otherVolume is for the kinds that few use: disks and file systems of one
// vendor.
func otherVolume(v *corev1.VolumeSource) (kind, source string, readOnly bool) {
	all := reflect.ValueOf(v).Elem()
	for i := range all.NumField() {
		f := all.Field(i)
		if f.Kind() != reflect.Pointer || f.IsNil() {
			continue
		}
		kind, _, _ = strings.Cut(all.Type().Field(i).Tag.Get("json"), ",")
		if r := reflect.Indirect(f.Elem().FieldByName("ReadOnly")); r.IsValid() && r.Kind() == reflect.Bool {
			readOnly = r.Bool()
		}
		return kind, "", readOnly
	}
	return KindUnknown, "", false
}

// claim gives the claims that a StatefulSet makes for each pod one name: "data-*"
// for "data-web-0" of pod "web-0".
func claim(name, podName string) string {
	if podName != "" {
		if prefix, ok := strings.CutSuffix(name, "-"+podName); ok {
			return prefix + "-*"
		}
	}
	return name
}
