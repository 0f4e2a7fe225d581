package dockerfile_test

import (
	"fmt"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"

	"github.com/intact-dev/intact/pkg/extract"
	"github.com/intact-dev/intact/pkg/extract/bake"
	"github.com/intact-dev/intact/pkg/extract/compose"
	"github.com/intact-dev/intact/pkg/extract/devcontainer"
	"github.com/intact-dev/intact/pkg/extract/dockerfile"
	"github.com/intact-dev/intact/pkg/extract/quadlet"
)

// A Dockerfile is read as those build it that say so, and by itself only if
// nobody does; an override belongs to what it is put over.
func TestWalk(t *testing.T) {
	t.Parallel()
	fsys := fstest.MapFS{}
	for name, text := range map[string]string{
		"a/compose.yaml":                    "services:\n  a:\n    build: {context: ., args: {BASE: \"a:1\"}}\n",
		"a/compose.override.yaml":           "services:\n  o: {image: \"o:1\"}\n",
		"a/Dockerfile":                      "ARG BASE\nFROM $BASE\n",
		"b/docker-bake.hcl":                 "target \"b\" {\n  args = { BASE = \"b:1\" }\n}\n",
		"b/Dockerfile":                      "ARG BASE=no\nFROM $BASE\n",
		"c/.devcontainer/devcontainer.json": "{\"build\": {\"dockerfile\": \"Dockerfile\", \"args\": {\"BASE\": \"c:1\"}}}",
		"c/.devcontainer/Dockerfile":        "ARG BASE=no\nFROM $BASE\n",
		"d/d.build":                         "[Build]\nSetWorkingDirectory=unit\nBuildArg=BASE=d:1\n",
		"d/d.container":                     "[Container]\nImage=d.build\n",
		"d/d.container.d/x.conf":            "[Container]\nMount=type=image,source=x:1,dst=/x\n",
		"d/Containerfile":                   "ARG BASE=no\nFROM $BASE\n",
		"e/Dockerfile":                      "ARG BASE\nFROM $BASE\n",
	} {
		fsys[name] = &fstest.MapFile{Data: []byte(text)}
	}
	tree, err := extract.Walk(t.Context(), fsys, []string{"."}, extract.Options{Extractors: []extract.Extractor{
		bake.Extractor{}, compose.Extractor{}, devcontainer.Extractor{}, quadlet.Extractor{}, dockerfile.Extractor{},
	}})
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, f := range tree.Found {
		got = append(got, fmt.Sprintf("%s:%d %s %s", f.Origin.Where, f.Origin.Line, f.Raw, f.Unresolved))
	}
	want := []string{
		"a/compose.override.yaml:2 o:1 ",
		"a/compose.yaml:3 a:1 ",
		"b/docker-bake.hcl:2 b:1 ",
		"c/.devcontainer/devcontainer.json:1 c:1 ",
		"d/d.build:3 d:1 ",
		"d/d.container:2 d.build built here: it names what the build makes",
		"d/d.container.d/x.conf:2 x:1 ",
		"e/Dockerfile:2 $BASE build argument BASE has no default",
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
	if len(tree.Problems) > 0 {
		t.Errorf("%+v", tree.Problems)
	}
}
