package resource

import (
	"cmp"
	"slices"

	"github.com/intact-dev/intact/pkg/fact"
)

// configsOf returns the ConfigMaps and Secrets that a container of a pod reads.
func configsOf(spec, c *Value) []fact.ConfigObject {
	var out []fact.ConfigObject
	add := func(kind, use string, v *Value, keys ...string) {
		if name := v.Get(keys...).Known(); name != "" {
			optional, _ := v.Get("optional").Bool()
			out = append(out, fact.ConfigObject{Kind: kind, Name: name, Use: use, Optional: optional, Cause: fact.NotAsked, Why: "the object was not looked for in the files"})
		}
	}
	for _, e := range c.Get("envFrom").Each() {
		add("ConfigMap", "env", e.Get("configMapRef"), "name")
		add("Secret", "env", e.Get("secretRef"), "name")
	}
	for _, e := range c.Get("env").Each() {
		add("ConfigMap", "env", e.In("valueFrom", "configMapKeyRef"), "name")
		add("Secret", "env", e.In("valueFrom", "secretKeyRef"), "name")
	}
	mounted := map[string]bool{}
	for _, m := range c.Get("volumeMounts", "volumeMount").Each() {
		mounted[m.Get("name").Known()] = true
	}
	for _, v := range spec.Get("volumes", "volume").Each() {
		if !mounted[v.Get("name").Known()] {
			continue
		}
		add("ConfigMap", "volume", v.Get("configMap"), "name")
		add("Secret", "volume", v.Get("secret"), "secretName", "name")
		for _, source := range v.In("projected", "sources").Each() {
			add("ConfigMap", "volume", source.Get("configMap"), "name")
			add("Secret", "volume", source.Get("secret"), "name")
		}
	}
	slices.SortStableFunc(out, func(a, b fact.ConfigObject) int {
		return cmp.Or(cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.Name, b.Name), cmp.Compare(a.Use, b.Use))
	})
	return slices.Compact(out)
}
