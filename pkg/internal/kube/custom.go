package kube

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	kjson "sigs.k8s.io/json"
)

// guess looks for images in a custom resource, of which nothing is known but
// that people call such fields by their name.
func (o *Object) guess(doc []byte) {
	var all map[string]any
	if kjson.UnmarshalCaseSensitivePreserveInts(doc, &all) != nil {
		return // it was parsed before
	}
	for _, key := range slices.Sorted(maps.Keys(all)) {
		switch key {
		case "apiVersion", "kind", "metadata", "status":
		default:
			o.field(key, key, all[key])
		}
	}
}

func (o *Object) field(path, key string, value any) {
	lower := strings.ToLower(key)
	if strings.Contains(lower, "image") && lower != "imagepullsecrets" && lower != "imagepullpolicy" {
		s, isText := value.(string)
		switch {
		case isText && s == "":
		case isText && lower == "image":
			o.Found = append(o.Found, Found{path, s})
		case speaks(value):
			o.Unsure = append(o.Unsure, path)
		}
		return
	}
	switch x := value.(type) {
	case map[string]any:
		for _, k := range slices.Sorted(maps.Keys(x)) {
			o.field(path+"."+k, k, x[k])
		}
	case []any:
		for i, e := range x {
			o.field(fmt.Sprintf("%s[%d]", path, i), "", e)
		}
	}
}

// speaks reports whether there is text in value.
func speaks(value any) bool {
	switch x := value.(type) {
	case string:
		return x != ""
	case map[string]any:
		return slices.ContainsFunc(slices.Collect(maps.Values(x)), speaks)
	case []any:
		return slices.ContainsFunc(x, speaks)
	}
	return false
}
