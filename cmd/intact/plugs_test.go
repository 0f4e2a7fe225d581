package main

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/urfave/cli/v2"
	"go.yaml.in/yaml/v3"
)

func readYAML(t *testing.T, name string, into any) {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(repository, name))
	if err != nil {
		t.Fatal(err)
	}
	if err := yaml.Unmarshal(b, into); err != nil {
		t.Fatalf("%s: %v", name, err)
	}
}

type hook struct {
	ID, Name, Entry, Language, Files string
	Args                             []string
	PassFilenames                    bool `yaml:"pass_filenames"`
	RequireSerial                    bool `yaml:"require_serial"`
}

// The names of files that somebody else chose are never flags and never images.
func TestHooksTakeFileNamesAsPaths(t *testing.T) {
	t.Parallel()
	var hooks []hook
	readYAML(t, ".pre-commit-hooks.yaml", &hooks)
	if len(hooks) == 0 {
		t.Fatal("no hooks")
	}
	app := newApp(program{})
	for _, h := range hooks {
		words := strings.Fields(h.Entry)
		if h.ID == "" || h.Name == "" || h.Language != "golang" || !h.PassFilenames || !h.RequireSerial || len(h.Args) > 0 {
			t.Errorf("%s: %+v", h.ID, h)
		}
		if words[0] != "intact" || words[len(words)-1] != "--" {
			t.Errorf("%s: %q does not end in --", h.ID, h.Entry)
		}
		if words[1] == "scan" && !slices.Contains(words, "-f") {
			t.Errorf("%s: %q would take names of files for images", h.ID, h.Entry)
		}
		if !slices.ContainsFunc(app.Commands, func(c *cli.Command) bool { return c.Name == words[1] }) {
			t.Errorf("%s: there is no command %q", h.ID, words[1])
		}
		files := regexp.MustCompile(h.Files)
		for name, want := range map[string]bool{
			"deploy/api.yaml": true, "a.yml": true, "Dockerfile": true, "build/Dockerfile.prod": true, "x/Containerfile": true, "api.dockerfile": true,
			"main.tf": true, "plan.json": true, "web.container": true, "docker-bake.hcl": true, "--policy=audit.yaml": true, "main.go": false, "README.md": false,
		} {
			if files.MatchString(name) != want {
				t.Errorf("%s: wants %q is not %v", h.ID, name, want)
			}
		}
	}
}

type action struct {
	Name, Description string
	Inputs            map[string]struct{ Description, Default string }
	Outputs           map[string]struct{ Description, Value string }
	Runs              struct {
		Using string
		Steps []struct {
			Name, ID, Shell, Run, Uses string
			Env                        map[string]string
		}
	}
}

// What users and pull requests give the action reaches it by the environment: an
// expression in a script would be code.
func TestActionTakesNoTextForCode(t *testing.T) {
	t.Parallel()
	var a action
	readYAML(t, "action.yml", &a)
	expression := regexp.MustCompile(`\$\{\{ inputs\.([a-z]+) \}\}`)
	used := map[string]bool{}
	for _, s := range a.Runs.Steps {
		if strings.Contains(s.Run, "${{") || s.Uses != "" || s.Shell != "bash" {
			t.Errorf("%s: an expression in its script, an action of others, or no bash", s.Name)
		}
		for name, v := range s.Env {
			if m := expression.FindStringSubmatch(v); m != nil {
				used[m[1]] = true
				if !strings.Contains(s.Run, "$"+name) {
					t.Errorf("%s: %s is not used", s.Name, name)
				}
			}
		}
	}
	for name, in := range a.Inputs {
		if !used[name] || in.Description == "" {
			t.Errorf("input %s is not used, or not described", name)
		}
	}
	if a.Name == "" || a.Description == "" || a.Runs.Using != "composite" || a.Outputs["exit-code"].Value == "" || len(used) != len(a.Inputs) {
		t.Errorf("%+v", a)
	}
	b, err := os.ReadFile(filepath.Join(repository, "docs/ci.md"))
	if err != nil {
		t.Fatal(err)
	}
	for name := range a.Inputs {
		if !strings.Contains(string(b), "`"+name+"`") {
			t.Errorf("docs/ci.md does not know the input %s", name)
		}
	}
}
