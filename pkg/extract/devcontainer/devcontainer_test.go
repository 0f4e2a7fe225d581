package devcontainer_test

import (
	"fmt"
	"io/fs"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"

	"github.com/intact-dev/intact/pkg/extract"
	"github.com/intact-dev/intact/pkg/extract/devcontainer"
	"github.com/intact-dev/intact/pkg/fact"
)

func describe(files map[string]string, r extract.Result) []string {
	var out []string
	for _, f := range r.Found {
		s := fmt.Sprintf("%s:%d:%d %s %s %s", f.Origin.Where, f.Origin.Line, f.Origin.Column, f.Origin.Path, f.Kind, f.Raw)
		if f.Site != nil {
			s += fmt.Sprintf(" [%s %s %s]", f.Site.Style, f.Site.File, files[f.Site.File][f.Site.Start:f.Site.End])
		}
		if f.Unresolved != "" {
			s += " ! " + f.Unresolved
		}
		for _, i := range f.Ignored {
			s += fmt.Sprintf(" ignore %s: %s", i.Check, i.Reason)
		}
		out = append(out, s)
	}
	for _, p := range r.Problems {
		out = append(out, fmt.Sprintf("%s:%d:%d problem: %s: %s", p.Origin.Where, p.Origin.Line, p.Origin.Column, p.Cause, p.Why))
	}
	if len(r.Claims) > 0 {
		out = append(out, "claims "+strings.Join(r.Claims, " "))
	}
	return out
}

func TestExtract(t *testing.T) {
	t.Parallel()
	const file = ".devcontainer/devcontainer.json"
	for name, tt := range map[string]struct {
		files map[string]string
		want  []string
	}{
		"an image and features": {
			map[string]string{file: "// a // b\n{\n  \"image\": \"mcr.microsoft.com/go:1\", // intact:ignore REF001 why\n  /* \"image\": \"no:1\", */\n  \"features\": {\n    \"ghcr.io/devcontainers/features/go:1\": {\"version\": \"1.2\",},\n    \"./local\": {}, \"node\": {}, \"https://example.com/f.tgz\": {},\n  },\n}\n"},
			[]string{
				file + ":3:13 image image mcr.microsoft.com/go:1 [reference " + file + " mcr.microsoft.com/go:1] ignore REF001: why",
				file + ":6:6 features[\"ghcr.io/devcontainers/features/go:1\"] artifact ghcr.io/devcontainers/features/go:1 [reference " + file + " ghcr.io/devcontainers/features/go:1]",
				file + ":7:21 features[\"node\"] artifact node ! a short name; which feature it means is up to the tool",
				file + ":7:33 features[\"https://example.com/f.tgz\"] artifact https://example.com/f.tgz ! an archive that no registry has",
			},
		},
		"a build": {
			map[string]string{
				file:                       "{\"build\": {\"dockerfile\": \"Dockerfile\", \"context\": \"..\", \"args\": {\"V\": \"${localEnv:V:1.2}\", \"W\": \"${localEnv:W}\", \"X\": 3}, \"cacheFrom\": \"me/cache:1\"}}",
				".devcontainer/Dockerfile": "ARG V W X\nFROM a:$V\nFROM b:$W\nFROM c:$X\n",
			},
			[]string{
				file + ":1:137 build.cacheFrom[0] artifact me/cache:1 [reference " + file + " me/cache:1]",
				".devcontainer/Dockerfile:2:6 stages[0].from image a:1.2 [tag " + file + " 1.2]",
				".devcontainer/Dockerfile:3:6 stages[1].from image b:${localEnv:W} ! ${localEnv:W} depends on the machine",
				".devcontainer/Dockerfile:4:6 stages[2].from image c:3",
				"claims .devcontainer/Dockerfile",
			},
		},
		"Compose, and the old way to build": {
			map[string]string{file: "{\"dockerComposeFile\": [\"../compose.yaml\", \"no.yml\", \"../../x\"], \"dockerFile\": \"no\"}", "compose.yaml": ""},
			[]string{
				file + `:1:44 problem: not-found: the Compose file ".devcontainer/no.yml" is not read: it is not there`,
				file + `:1:54 problem: blocked: the Compose file is not read: "../../x" leads out of the tree`,
				file + `:1:80 problem: not-found: what is built there is not known: read ".devcontainer/no": file does not exist`,
			},
		},
		"what cannot be read": {
			map[string]string{file: "{\"image\": {}, \"features\": {\"a/B\": {}}, \"x\": \"//\", }\n[1]\n{\"image\": }"},
			[]string{
				file + ":1:29 features[\"a/B\"] artifact a/B ! the repository must be lower case",
				file + ":1:11 problem: unsupported: an image is a text",
				file + ":2:1 problem: unsupported: it is no object",
				file + ":3:11 problem: unsupported: not valid JSON: invalid character '}' looking for beginning of value",
			},
		},
	} {
		t.Run(strings.ReplaceAll(name, " ", "_"), func(t *testing.T) {
			t.Parallel()
			fsys := fstest.MapFS{}
			for name, text := range tt.files {
				fsys[name] = &fstest.MapFile{Data: []byte(text)}
			}
			r, err := devcontainer.Extractor{}.Extract(fsys, file)
			if err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(tt.want, describe(tt.files, r)); d != "" {
				t.Error(d)
			}
		})
	}
}

func TestMatchAndSettings(t *testing.T) {
	t.Parallel()
	for p, want := range map[string]bool{"devcontainer.json": true, ".devcontainer.json": true, ".devcontainer/go/devcontainer.json": true, "a/devcontainer-feature.json": true, "a.json": false} {
		if got := (devcontainer.Extractor{}).Match(p, nil); got != want {
			t.Errorf("%s: %v", p, got)
		}
	}
	fsys := fstest.MapFS{"devcontainer.json": {Data: []byte(`{"image": "a", "privileged": true, "capAdd": ["SYS_PTRACE"], "containerUser": "dev"}`)}}
	r, err := devcontainer.Extractor{}.Extract(fsys, "devcontainer.json")
	if err != nil {
		t.Fatal(err)
	}
	want := &fact.Settings{Runtime: "docker", User: "dev", Privileged: true, Capabilities: []string{"SYS_PTRACE"}}
	if d := cmp.Diff(want, r.Found[0].Settings); d != "" {
		t.Error(d)
	}
}

// Each reference is where it is said to be; a comment changes nothing but itself.
func FuzzExtract(f *testing.F) {
	f.Add([]byte("{\"image\": \"a:1\", // x\n\"features\": {\"a/b:1\": {},},}"), []byte("FROM a\n"))
	f.Add([]byte("{\"build\": {\"dockerfile\": \"Dockerfile\", \"args\": {\"A\": \"${localEnv:X:b}\"}}} /* "), []byte("ARG A\nFROM $A\n"))
	f.Fuzz(func(t *testing.T, text, docker []byte) {
		fsys := fstest.MapFS{"devcontainer.json": {Data: text}, "Dockerfile": {Data: docker}}
		r, err := devcontainer.Extractor{}.Extract(fsys, "devcontainer.json")
		if err != nil {
			return
		}
		for _, f := range r.Found {
			if _, err := fs.ReadFile(fsys, f.Origin.Where); err != nil || f.Origin.Line < 1 || f.Origin.Column < 1 {
				t.Errorf("%q is at %+v: %v", f.Raw, f.Origin, err)
			}
			if f.Unresolved == "" && f.Ref.String() != f.Raw || f.Unresolved != "" && (f.Ref.Name != "" || f.Site != nil) {
				t.Errorf("%+v", f)
			}
			if s := f.Site; s != nil {
				data, err := fs.ReadFile(fsys, s.File)
				if err != nil || s.Start >= s.End || !strings.Contains(f.Raw, string(data[s.Start:s.End])) {
					t.Errorf("%q is to be changed at %+v: %v", f.Raw, s, err)
				}
			}
		}
	})
}
