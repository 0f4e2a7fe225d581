// Package deploy has no code: these tests hold the manifests in its folders
// against each other and against the program.
package deploy

import (
	"bytes"
	"encoding/json"
	"io/fs"
	"os"
	"path"
	"strings"
	"testing"

	"helm.sh/helm/v4/pkg/chart/common"
	"helm.sh/helm/v4/pkg/chart/common/util"
	"helm.sh/helm/v4/pkg/chart/v2/loader"
	"helm.sh/helm/v4/pkg/engine"
	"sigs.k8s.io/kustomize/api/krusty"
	"sigs.k8s.io/kustomize/kyaml/filesys"
	"sigs.k8s.io/yaml"
)

// unset is the digest of the base: that of no image.
const unset = "sha256:0000000000000000000000000000000000000000000000000000000000000000"

type object map[string]any

// at is what is at a path of keys and numbers; nil where nothing is.
func (o object) at(keys ...any) any {
	var v any = map[string]any(o)
	for _, k := range keys {
		switch k := k.(type) {
		case string:
			m, _ := v.(map[string]any)
			v = m[k]
		case int:
			l, _ := v.([]any)
			if k >= len(l) {
				return nil
			}
			v = l[k]
		}
	}
	return v
}

func (o object) text(keys ...any) string { s, _ := o.at(keys...).(string); return s }

// objects are those of a stream of YAML, by kind and name. ConfigMaps have their
// name without its hash, and so do those who name them.
func objects(t *testing.T, stream []byte) map[string]object {
	t.Helper()
	out, hashed := map[string]object{}, map[string]string{}
	var parsed []object
	for _, doc := range bytes.Split(append([]byte("\n"), stream...), []byte("\n---")) {
		var o object
		if err := yaml.Unmarshal(doc, &o); err != nil {
			t.Fatalf("%v\n%s", err, doc)
		}
		if len(o) == 0 {
			continue
		}
		parsed = append(parsed, o)
		if name := o.text("metadata", "name"); o.text("kind") == "ConfigMap" {
			hashed[name] = name[:strings.LastIndex(name, "-")]
		}
	}
	for _, o := range parsed {
		b, err := json.Marshal(o)
		if err != nil {
			t.Fatal(err)
		}
		text := string(b)
		for name, short := range hashed {
			text = strings.ReplaceAll(text, `"name":"`+name+`"`, `"name":"`+short+`"`)
		}
		var renamed object
		if err := json.Unmarshal([]byte(text), &renamed); err != nil {
			t.Fatal(err)
		}
		key := renamed.text("kind") + "/" + renamed.text("metadata", "name")
		if _, twice := out[key]; twice {
			t.Fatalf("%s is there twice", key)
		}
		out[key] = renamed
	}
	return out
}

// kustomize renders overlays of deploy/kustomize, each with the files in more.
func kustomize(t *testing.T, more map[string]string, overlays ...string) map[string]object {
	t.Helper()
	memory := filesys.MakeFsInMemory()
	err := fs.WalkDir(os.DirFS("kustomize"), ".", func(p string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		b, err := os.ReadFile(path.Join("kustomize", p))
		if err != nil {
			return err
		}
		return memory.WriteFile("/"+p, b)
	})
	if err != nil {
		t.Fatal(err)
	}
	for name, text := range more {
		if err := memory.WriteFile(name, []byte(text)); err != nil {
			t.Fatal(err)
		}
	}
	all := map[string]object{}
	for _, overlay := range overlays {
		rendered, err := krusty.MakeKustomizer(krusty.MakeDefaultOptions()).Run(memory, "/"+overlay)
		if err != nil {
			t.Fatalf("%s: %v", overlay, err)
		}
		stream, err := rendered.AsYaml()
		if err != nil {
			t.Fatal(err)
		}
		for key, o := range objects(t, stream) {
			all[key] = o
		}
	}
	return all
}

// render renders the chart with values files, the last of which is YAML itself.
func render(t *testing.T, values string, files ...string) (map[string]string, error) {
	t.Helper()
	c, err := loader.LoadDir("helm/intact")
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]any{}
	for _, f := range files {
		b, err := os.ReadFile(path.Join("helm/intact", f))
		if err != nil {
			t.Fatal(err)
		}
		values = string(b) + "\n---\n" + values
	}
	for doc := range strings.SplitSeq(values, "\n---\n") {
		v, err := loader.LoadValues(strings.NewReader(doc))
		if err != nil {
			t.Fatal(err)
		}
		all = loader.MergeMaps(all, v)
	}
	o := common.ReleaseOptions{Name: "intact", Namespace: "intact", Revision: 1, IsInstall: true}
	top, err := util.ToRenderValues(c, all, o, common.DefaultCapabilities)
	if err != nil {
		return nil, err
	}
	return (engine.Engine{}).RenderWithContext(t.Context(), c, top)
}

func helm(t *testing.T, values string, files ...string) map[string]object {
	t.Helper()
	texts, err := render(t, values, files...)
	if err != nil {
		t.Fatal(err)
	}
	var stream bytes.Buffer
	for name, text := range texts {
		if path.Ext(name) == ".yaml" {
			stream.WriteString("\n---\n" + text)
		}
	}
	return objects(t, stream.Bytes())
}
