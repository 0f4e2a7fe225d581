//go:build e2e && linux

package e2e_test

import (
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"sigs.k8s.io/kustomize/api/krusty"
	"sigs.k8s.io/kustomize/api/types"
	"sigs.k8s.io/kustomize/kyaml/filesys"
)

// Kustomize runs the function on what an overlay renders: an image that the
// overlay alone names. It comes out unchanged, or kustomize stops; why stands on
// standard error.
func TestKRMFunctionInAnOverlay(t *testing.T) {
	t.Parallel()
	g := &ground{registry: startRegistry(t)}
	built, image := g.push(t, app("krm"), "web:2.0.0")
	bin := filepath.Join(t.TempDir(), "intact")
	build := exec.CommandContext(t.Context(), "go", "build", "-o", bin, "github.com/intact-dev/intact/cmd/intact")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("build intact: %v\n%s", err, out)
	}
	home := t.TempDir()
	script := "#!/bin/sh\nHOME=" + home + " XDG_CACHE_HOME=" + home + "/cache exec " + bin + " krm\n"
	digest := string(built.Root.Descriptor.Digest)
	for _, tt := range []struct{ name, policy, pinned, err string }{
		{"warned about", "baseline", "newTag: 2.0.0", ""},
		{"denied", "strict", "newTag: 2.0.0", "exit status 1"},
		{"by digest", "baseline", "digest: " + digest, ""},
		{"gone", "baseline", "newTag: 9.9.9", "exit status 3"},
		{"a mistake", "nosuch", "newTag: 2.0.0", "exit status 2"},
	} {
		w := newWork(t)
		w.write(t, "base/web.yaml", "apiVersion: v1\nkind: Pod\nmetadata: {name: web}\nspec:\n  containers:\n  - name: web\n    image: web # of the base\n")
		w.write(t, "base/kustomization.yaml", "resources: [web.yaml]\n")
		name := image[:strings.LastIndex(image, ":")]
		w.write(t, "prod/kustomization.yaml", "resources: [../base]\nnamespace: prod\nimages:\n- {name: web, newName: \""+name+"\", "+tt.pinned+"}\ntransformers: [intact.yaml]\n")
		w.write(t, "prod/intact.yaml", "apiVersion: intact.dev/v1\nkind: Intact\nmetadata:\n  name: images\n  annotations:\n    config.kubernetes.io/function: |\n      exec: {path: ./intact-krm}\nspec: {policy: "+tt.policy+"}\n")
		w.write(t, "prod/intact-krm", script)
		w.must(t, "chmod", "+x", "prod/intact-krm")

		o := krusty.MakeDefaultOptions()
		o.PluginConfig = types.EnabledPluginConfig(types.BploUseStaticallyLinked)
		o.PluginConfig.FnpLoadingOptions.EnableExec = true
		got, err := krusty.MakeKustomizer(o).Run(filesys.MakeFsOnDisk(), filepath.Join(w.dir, "prod"))
		if tt.err != "" {
			if err == nil || !strings.Contains(err.Error(), tt.err) {
				t.Errorf("%s: %v", tt.name, err)
			}
			continue
		}
		if err != nil {
			t.Errorf("%s: %v", tt.name, err)
			continue
		}
		text := string(must(got.AsYaml())(t))
		for _, want := range []string{"image: " + name, "namespace: prod", "kind: Pod"} {
			if !strings.Contains(text, want) {
				t.Errorf("%s: no %q in\n%s", tt.name, want, text)
			}
		}
	}
}
