package kube

import (
	"cmp"
	"slices"

	corev1 "k8s.io/api/core/v1"

	"github.com/intact-dev/intact/pkg/fact"
)

// Kinds of objects that configure containers, and how.
const (
	ConfigMap = "ConfigMap"
	Secret    = "Secret"
	useEnv    = "env"
	useVolume = "volume"
)

// rootCAs are ConfigMaps that the control plane publishes into every namespace
// and keeps as they are. Nobody can make them immutable; beside a token of the
// service account they come with every pod.
var rootCAs = [...]string{"kube-root-ca.crt", "openshift-service-ca.crt"}

// volumeObjects appends the ConfigMaps and Secrets that v shows.
func volumeObjects(dst []fact.ConfigObject, v *corev1.VolumeSource) []fact.ConfigObject {
	switch {
	case v.ConfigMap != nil:
		dst = append(dst, object(ConfigMap, v.ConfigMap.Name, useVolume, v.ConfigMap.Optional))
	case v.Secret != nil:
		dst = append(dst, object(Secret, v.Secret.SecretName, useVolume, v.Secret.Optional))
	case v.Projected != nil:
		token := slices.ContainsFunc(v.Projected.Sources, func(p corev1.VolumeProjection) bool { return p.ServiceAccountToken != nil })
		for i := range v.Projected.Sources {
			p := &v.Projected.Sources[i]
			if p.ConfigMap != nil && !(token && slices.Contains(rootCAs[:], p.ConfigMap.Name)) {
				dst = append(dst, object(ConfigMap, p.ConfigMap.Name, useVolume, p.ConfigMap.Optional))
			}
			if p.Secret != nil {
				dst = append(dst, object(Secret, p.Secret.Name, useVolume, p.Secret.Optional))
			}
		}
	}
	return dst
}

// configs appends those of c's environment and returns all, sorted, each once.
func configs(dst []fact.ConfigObject, c *corev1.Container) []fact.ConfigObject {
	for i := range c.EnvFrom {
		e := &c.EnvFrom[i]
		if e.ConfigMapRef != nil {
			dst = append(dst, object(ConfigMap, e.ConfigMapRef.Name, useEnv, e.ConfigMapRef.Optional))
		}
		if e.SecretRef != nil {
			dst = append(dst, object(Secret, e.SecretRef.Name, useEnv, e.SecretRef.Optional))
		}
	}
	for i := range c.Env {
		f := c.Env[i].ValueFrom
		if f == nil {
			continue
		}
		if f.ConfigMapKeyRef != nil {
			dst = append(dst, object(ConfigMap, f.ConfigMapKeyRef.Name, useEnv, f.ConfigMapKeyRef.Optional))
		}
		if f.SecretKeyRef != nil {
			dst = append(dst, object(Secret, f.SecretKeyRef.Name, useEnv, f.SecretKeyRef.Optional))
		}
	}
	if len(dst) < 2 {
		return dst
	}
	slices.SortStableFunc(dst, func(a, b fact.ConfigObject) int {
		return cmp.Or(cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.Name, b.Name), cmp.Compare(a.Use, b.Use))
	})
	out := dst[:1]
	for _, o := range dst[1:] {
		last := &out[len(out)-1]
		if last.Kind == o.Kind && last.Name == o.Name && last.Use == o.Use {
			last.Optional = last.Optional && o.Optional // needed once is needed
			continue
		}
		out = append(out, o)
	}
	return out
}

func object(kind, name, use string, optional *bool) fact.ConfigObject {
	return fact.ConfigObject{Kind: kind, Name: name, Use: use, Optional: optional != nil && *optional}
}
