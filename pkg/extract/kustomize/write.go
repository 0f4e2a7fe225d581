package kustomize

import (
	"encoding/json"
	"fmt"
	"path"
	"strings"

	"sigs.k8s.io/kustomize/kyaml/filesys"
	"sigs.k8s.io/yaml"

	"github.com/intact-dev/intact/pkg/extract"
)

// write puts o as kustomize is to see it: with nothing that it would fetch,
// execute, or print a warning for.
func (g *graph) write(o *overlay) error {
	plain, err := g.kustomization(o, o.source.data)
	if err != nil {
		return err
	}
	marked, err := g.kustomization(o, o.source.mark())
	if err != nil {
		return err
	}
	name := path.Join("/", o.dir, names[0])
	for to, m := range map[filesys.FileSystem]map[string]any{g.plain: plain, g.marked: marked} {
		out, err := json.Marshal(m)
		if err != nil {
			return err
		}
		if err := to.WriteFile(name, out); err != nil {
			return err
		}
	}
	return nil
}

// kustomization reads text, without what is dropped.
func (g *graph) kustomization(o *overlay, text []byte) (map[string]any, error) {
	var m map[string]any
	if err := yaml.Unmarshal(text, &m); err != nil {
		return nil, fmt.Errorf("no kustomization: %w", err)
	}
	for key, elements := range o.drop {
		list, ok := m[key].([]any)
		if elements == nil || !ok {
			delete(m, key)
			continue
		}
		kept := make([]any, 0, len(list))
		for i, e := range list {
			if !elements[i] {
				kept = append(kept, e)
			}
		}
		m[key] = kept
	}
	delete(m, "buildMetadata")
	modernize(m)
	if _, ok := m["generatorOptions"]; !ok && len(o.drop) > 0 {
		m["generatorOptions"] = map[string]any{} // kustomize refuses one that is empty
	}
	for _, key := range []string{"resources", "components", "crds", "configurations", "transformers"} {
		localize(m[key])
	}
	for _, key := range []string{"patches", "replacements"} {
		list, _ := m[key].([]any)
		for _, e := range list {
			localizeField(e, "path")
		}
	}
	localizeField(m["openapi"], "path")
	for _, key := range []string{"configMapGenerator", "secretGenerator"} {
		list, _ := m[key].([]any)
		for _, e := range list {
			if one, ok := e.(map[string]any); ok {
				g.generator(o, one)
			}
		}
	}
	return m, nil
}

// local is a path in the tree in words that kustomize takes for no address:
// github.com/acme/base may be a folder.
func local(s string) string {
	if s = path.Clean(s); strings.HasPrefix(s, "../") || s == ".." {
		return s
	}
	return "./" + s
}

func localize(list any) {
	texts, _ := list.([]any)
	for i, e := range texts {
		if s, ok := e.(string); ok {
			texts[i] = local(s)
		}
	}
}

func localizeField(m any, key string) {
	if one, ok := m.(map[string]any); ok {
		if s, ok := one[key].(string); ok {
			one[key] = local(s)
		}
	}
}

// modernize puts what is deprecated into the fields that took its place.
func modernize(m map[string]any) {
	move := func(from, to string, change func(any) any) {
		if list, ok := m[from].([]any); ok {
			old, _ := m[to].([]any)
			for _, e := range list {
				old = append(old, change(e))
			}
			m[to] = old
		}
		delete(m, from)
	}
	same := func(e any) any { return e }
	move("bases", "resources", same)
	move("imageTags", "images", same)
	move("patchesJson6902", "patches", same)
	move("patchesStrategicMerge", "patches", func(e any) any {
		if s, _ := e.(string); isInline(s) {
			return map[string]any{"patch": e}
		}
		return map[string]any{"path": e}
	})
	if labels, ok := m["commonLabels"]; ok {
		old, _ := m["labels"].([]any)
		m["labels"] = append(old, map[string]any{"pairs": labels, "includeSelectors": true})
		delete(m, "commonLabels")
	}
}

// isInline reports whether an element of patchesStrategicMerge is the patch
// itself.
func isInline(s string) bool { return strings.Contains(s, "\n") || strings.HasPrefix(s, "{") }

// generator leaves out the files of a ConfigMap or Secret that are not there:
// those of Secrets rarely are, and no image is in them.
func (g *graph) generator(o *overlay, m map[string]any) {
	if s, ok := m["env"].(string); ok {
		m["envs"] = append(asList(m["envs"]), s)
	}
	delete(m, "env")
	for _, key := range []string{"files", "envs"} {
		var kept []any
		for _, e := range asList(m[key]) {
			text, _ := e.(string)
			name := ""
			if n, p, ok := strings.Cut(text, "="); ok && key == "files" {
				name, text = n+"=", p
			}
			p := path.Join(o.dir, text)
			data, err := extract.ReadFile(g.fsys, p)
			if err != nil || path.IsAbs(text) || g.plain.WriteFile("/"+p, data) != nil || g.marked.WriteFile("/"+p, data) != nil {
				continue
			}
			if g.files[p] == nil {
				g.files[p] = &source{path: p, data: data}
				g.read = append(g.read, p)
			}
			kept = append(kept, name+local(text))
		}
		delete(m, key)
		if kept != nil {
			m[key] = kept
		}
	}
}

func asList(v any) []any { l, _ := v.([]any); return l }
