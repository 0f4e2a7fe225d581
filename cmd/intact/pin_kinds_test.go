package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/intact-dev/intact/pkg/pin"
	"github.com/intact-dev/intact/pkg/ref"
)

// In each kind of file the digest goes where its reader takes it.
func TestDigestsInEachKindOfFile(t *testing.T) {
	t.Parallel()
	for name, row := range map[string]struct {
		files map[string]string
		want  map[string]string // those that change; {name:tag} stands for its digest
		left  []string
	}{
		"kubernetes": {
			files: map[string]string{"a.yaml": "apiVersion: v1\r\nkind: Pod\r\nmetadata: {name: a}\r\nspec:\r\n  initContainers:\r\n  - {name: i, image: 'x:1'} # why\r\n  containers:\r\n  - name: c\r\n    image: &i \"y:2\"\r\n  - name: d\r\n    image: *i\r\n"},
			want:  map[string]string{"a.yaml": "apiVersion: v1\r\nkind: Pod\r\nmetadata: {name: a}\r\nspec:\r\n  initContainers:\r\n  - {name: i, image: 'x:1@{x:1}'} # why\r\n  containers:\r\n  - name: c\r\n    image: &i \"y:2@{y:2}\"\r\n  - name: d\r\n    image: *i\r\n"},
		},
		"json": {
			files: map[string]string{"a.json": `{"apiVersion":"v1","kind":"Pod","metadata":{"name":"a"},"spec":{"containers":[{"name":"c","image":"x:1"}]}}`},
			want:  map[string]string{"a.json": `{"apiVersion":"v1","kind":"Pod","metadata":{"name":"a"},"spec":{"containers":[{"name":"c","image":"x:1@{x:1}"}]}}`},
		},
		"kustomize": {
			files: map[string]string{
				"kustomization.yaml": "resources: [pod.yaml]\nimages:\n- name: x\n  newTag: \"2\" # why\n",
				"pod.yaml":           "apiVersion: v1\nkind: Pod\nmetadata: {name: a}\nspec:\n  containers:\n  - {name: c, image: x:1}\n",
			},
			want: map[string]string{"kustomization.yaml": "resources: [pod.yaml]\nimages:\n- name: x\n  newTag: \"2\" # why\n  digest: {x:2}\n"},
		},
		"compose": {
			files: map[string]string{"compose.yaml": "services:\n  a: {image: \"x:${TAG:-1}\"}\n  b:\n    image: y:2   # why\n", ".env": "TAG=3\n"},
			want:  map[string]string{"compose.yaml": "services:\n  a: {image: \"x:${TAG:-1}\"}\n  b:\n    image: y:2@{y:2}   # why\n", ".env": "TAG=3@{x:3}\n"},
		},
		"dockerfile": {
			files: map[string]string{"Dockerfile": "ARG V=1\nFROM x:$V AS b\nFROM --platform=linux/arm64 y:2\nCOPY --from=z:3 /a /a\nCOPY --from=b /a /a\n"},
			want:  map[string]string{"Dockerfile": "ARG V=1@{x:1}\nFROM x:$V AS b\nFROM --platform=linux/arm64 y:2@{y:2}\nCOPY --from=z:3@{z:3} /a /a\nCOPY --from=b /a /a\n"},
		},
		"actions": {
			files: map[string]string{".github/workflows/a.yml": "on: push\njobs:\n  a:\n    runs-on: ubuntu-24.04\n    container: x:1\n    services:\n      s: {image: y:2}\n    steps:\n    - uses: docker://z:3\n    - uses: actions/checkout@v4\n"},
			want:  map[string]string{".github/workflows/a.yml": "on: push\njobs:\n  a:\n    runs-on: ubuntu-24.04\n    container: x:1@{x:1}\n    services:\n      s: {image: y:2@{y:2}}\n    steps:\n    - uses: docker://z:3@{z:3}\n    - uses: actions/checkout@v4\n"},
			left:  []string{"actions/checkout@v4"},
		},
		"gitlab": {
			files: map[string]string{".gitlab-ci.yml": "image: x:1\na:\n  image: {name: y:2}\n  services: [z:3]\n  script: [x]\n"},
			want:  map[string]string{".gitlab-ci.yml": "image: x:1@{x:1}\na:\n  image: {name: y:2@{y:2}}\n  services: [z:3@{z:3}]\n  script: [x]\n"},
		},
		"circleci": {
			files: map[string]string{".circleci/config.yml": "version: 2.1\njobs:\n  a:\n    docker: [{image: x:1}]\n    steps: [checkout]\n"},
			want:  map[string]string{".circleci/config.yml": "version: 2.1\njobs:\n  a:\n    docker: [{image: x:1@{x:1}}]\n    steps: [checkout]\n"},
		},
		"azure_pipelines": {
			files: map[string]string{"azure-pipelines.yml": "container: x:1\nsteps: [{script: x}]\n"},
			want:  map[string]string{"azure-pipelines.yml": "container: x:1@{x:1}\nsteps: [{script: x}]\n"},
		},
		"cloud_build": {
			files: map[string]string{"cloudbuild.yaml": "steps:\n- name: gcr.io/a/b:1\n"},
			want:  map[string]string{"cloudbuild.yaml": "steps:\n- name: gcr.io/a/b:1@{gcr.io/a/b:1}\n"},
		},
		"terraform": {
			files: map[string]string{"main.tf": "variable \"tag\" {\n  default = \"2\"\n}\n\nresource \"docker_image\" \"a\" {\n  name = \"x:1\" # why\n}\n\nresource \"docker_image\" \"b\" {\n  name = \"y:${var.tag}\"\n}\n"},
			want:  map[string]string{"main.tf": "variable \"tag\" {\n  default = \"2@{y:2}\"\n}\n\nresource \"docker_image\" \"a\" {\n  name = \"x:1@{x:1}\" # why\n}\n\nresource \"docker_image\" \"b\" {\n  name = \"y:${var.tag}\"\n}\n"},
		},
		"cloudformation": {
			files: map[string]string{"t.yaml": "AWSTemplateFormatVersion: \"2010-09-09\"\nResources:\n  T:\n    Type: AWS::ECS::TaskDefinition\n    Properties:\n      ContainerDefinitions:\n      - {Name: a, Image: \"x:1\"}\n"},
			want:  map[string]string{"t.yaml": "AWSTemplateFormatVersion: \"2010-09-09\"\nResources:\n  T:\n    Type: AWS::ECS::TaskDefinition\n    Properties:\n      ContainerDefinitions:\n      - {Name: a, Image: \"x:1@{x:1}\"}\n"},
		},
		"quadlet": {
			files: map[string]string{"a.container": "[Container]\nImage=docker.io/x:1\n"},
			want:  map[string]string{"a.container": "[Container]\nImage=docker.io/x:1@{docker.io/x:1}\n"},
		},
		"bake": {
			files: map[string]string{"docker-bake.hcl": "target \"a\" {\n  contexts = { b = \"docker-image://x:1\" }\n}\n", "Dockerfile": "FROM b\n"},
			want:  map[string]string{"docker-bake.hcl": "target \"a\" {\n  contexts = { b = \"docker-image://x:1@{x:1}\" }\n}\n"},
		},
		"devcontainer": {
			files: map[string]string{".devcontainer/devcontainer.json": "{\n  // why\n  \"image\": \"x:1\",\n}\n"},
			want:  map[string]string{".devcontainer/devcontainer.json": "{\n  // why\n  \"image\": \"x:1@{x:1}\",\n}\n"},
		},
		"list": {
			files: map[string]string{"images.txt": "# why\nx:1\nghcr.io/a/b:2  # why\n"},
			want:  map[string]string{"images.txt": "# why\nx:1@{x:1}\nghcr.io/a/b:2@{ghcr.io/a/b:2}  # why\n"},
		},
		"own_resource": {
			files: map[string]string{
				".intact.yaml": "schema: intact.repository/v1\ncrds:\n- {group: example.com, kind: Thing, images: [spec.image]}\nexclude: [no/]\n",
				"a.yaml":       "apiVersion: example.com/v1\nkind: Thing\nmetadata: {name: a}\nspec: {image: x:1}\n",
				"no/a.yaml":    "apiVersion: example.com/v1\nkind: Thing\nmetadata: {name: a}\nspec: {image: x:1}\n",
			},
			want: map[string]string{"a.yaml": "apiVersion: example.com/v1\nkind: Thing\nmetadata: {name: a}\nspec: {image: x:1@{x:1}}\n"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			for file, text := range row.files {
				full := filepath.Join(dir, filepath.FromSlash(file))
				if err := os.MkdirAll(filepath.Dir(full), 0o755); err != nil {
					t.Fatal(err)
				}
				if err := os.WriteFile(full, []byte(text), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			tree, plan, _ := planned(t, dir, pin.Add)
			for _, p := range tree.Problems {
				t.Errorf("%s:%d: %s", p.Origin.Where, p.Origin.Line, p.Why)
			}
			got := map[string]string{}
			for _, f := range plan.Files {
				text := string(f.New)
				for _, c := range f.Changes {
					name := c.To.Name + ":" + c.To.Tag
					text = strings.ReplaceAll(text, string(digestFor(c.To)), "{"+name+"}")
				}
				got[f.Name] = text
			}
			if d := cmp.Diff(row.want, got); d != "" {
				t.Error(d)
			}
			var left []string
			for _, l := range plan.Left {
				left = append(left, l.Found.Raw)
				if !l.Note {
					t.Errorf("%q is left: %s", l.Found.Raw, l.Why)
				}
			}
			if d := cmp.Diff(row.left, left); d != "" {
				t.Error(d)
			}
		})
	}
}

func digestFor(r ref.Ref) ref.Digest {
	return ref.DigestOf([]byte(ref.Ref{Name: r.Canonical(), Tag: r.Tag}.String()), "")
}
