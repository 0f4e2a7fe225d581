package compose_test

import (
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/compose-spec/compose-go/v2/cli"
	"github.com/google/go-cmp/cmp"

	"github.com/intact-dev/intact/pkg/extract/compose"
	"github.com/intact-dev/intact/pkg/fact"
)

// Compose's own loader is asked what each service runs.
func TestAsCompose(t *testing.T) {
	t.Parallel()
	for name, files := range map[string]map[string]string{
		"variables": {
			".env":         "TAG=1.25\nexport REG='ghcr.io'\nWHOLE=\"a:1\" # why\nEMPTY=\nTWO=${TAG}-x\nCOLON: 7\n",
			"compose.yaml": "services:\n  a: {image: \"nginx:${TAG}\"}\n  b: {image: \"nginx:${OTHER:-1.2}\"}\n  c: {image: \"${REG}/x\"}\n  d: {image: $WHOLE}\n  e: {image: \"x${EMPTY:-:3}\"}\n  f: {image: \"x${EMPTY-:3}\"}\n  g: {image: \"${A:-${B:-q:1}}\"}\n  h: {image: \"x:${TAG:+${TWO}}\"}\n  i: {image: \"$REG/$COLON:${COLON}\"}\n  j: {image: 'x${A+:1}'}\n",
		},
		"overrides": {
			"compose.yaml":          "x-a: &a {image: anchor:1}\nservices:\n  a: {image: 'a:1', read_only: true}\n  b: {<<: *a}\n  c: {image: 'c:1', user: me, cap_add: [A]}\n",
			"compose.override.yaml": "services:\n  a: {image: 'a:2'}\n  c: {read_only: true, cap_add: [B], user: !reset null}\n  d: {image: 'd:1', privileged: 'true'}\n",
		},
		"extends and include": {
			"compose.yaml":     "name: x\ninclude: [sub/compose.yaml, {path: [m.yml, n.yml], env_file: m.env}]\nservices:\n  a: {extends: {file: lib/base.yml, service: x}}\n  b: {extends: a, image: 'b:$V'}\n  c: {extends: {service: b}, user: c}\n",
			"lib/base.yml":     "services:\n  x: {extends: y, read_only: true}\n  y: {image: 'y:${V}', user: y, privileged: true}\n",
			"sub/compose.yaml": "services: {s: {image: 's:${V}${W}'}}\n",
			"sub/.env":         "V=no\nW=3\n",
			"m.yml":            "services: {m: {image: 'm:${M}', user: m}}\n",
			"n.yml":            "services: {m: {image: 'n:${M}'}}\n",
			"m.env":            "M=8\n",
			".env":             "V=5\n",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			for name, text := range files {
				p := filepath.Join(dir, name)
				if err := os.MkdirAll(filepath.Dir(p), 0o755); err != nil {
					t.Fatal(err)
				}
				if err := os.WriteFile(p, []byte(text), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			options, err := cli.NewProjectOptions(nil, cli.WithWorkingDirectory(dir), cli.WithEnvFiles(), cli.WithDotEnv, cli.WithDefaultConfigPath, cli.WithName("x"))
			if err != nil {
				t.Fatal(err)
			}
			project, err := options.LoadProject(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			type service struct {
				Image, User          string
				ReadOnly, Privileged bool
				Capabilities         []string
			}
			want, got := map[string]service{}, map[string]service{}
			for name, s := range project.Services {
				slices.Sort(s.CapAdd)
				want[name] = service{s.Image, s.User, s.ReadOnly, s.Privileged, s.CapAdd}
			}
			r, err := compose.Extractor{}.Extract(os.DirFS(dir), "compose.yaml")
			if err != nil {
				t.Fatal(err)
			}
			for _, f := range r.Found {
				if f.Workload.Name != "" && f.Role == fact.RoleMain {
					got[f.Container] = service{f.Raw, f.Settings.User, f.Settings.ReadOnlyRoot, f.Settings.Privileged, f.Settings.Capabilities}
				}
			}
			if d := cmp.Diff(want, got); d != "" || len(r.Problems) > 0 {
				t.Errorf("%s%+v", d, r.Problems)
			}
		})
	}
}
