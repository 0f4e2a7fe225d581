package repo

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.yaml.in/yaml/v3"
)

// read parses a YAML file strictly into v, where v names its fields.
func readYAML(t *testing.T, name string, v any) {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(root, name))
	if err != nil {
		t.Fatal(err)
	}
	dec := yaml.NewDecoder(bytes.NewReader(b))
	dec.KnownFields(true)
	if err := dec.Decode(v); err != nil {
		t.Fatalf("%s: %v", name, err)
	}
}

// goreleaser is the part of its configuration that is used here. A key that is
// not in it was mistyped, or belongs here.
type goreleaser struct {
	Version     int    `yaml:"version"`
	ProjectName string `yaml:"project_name"`
	Builds      []struct {
		ID           string   `yaml:"id"`
		Main         string   `yaml:"main"`
		Binary       string   `yaml:"binary"`
		Env          []string `yaml:"env"`
		Flags        []string `yaml:"flags"`
		Ldflags      []string `yaml:"ldflags"`
		ModTimestamp string   `yaml:"mod_timestamp"`
		Goos         []string `yaml:"goos"`
		Goarch       []string `yaml:"goarch"`
	} `yaml:"builds"`
	Archives []struct {
		ID              string   `yaml:"id"`
		IDs             []string `yaml:"ids"`
		Formats         []string `yaml:"formats"`
		FormatOverrides []struct {
			Goos    string   `yaml:"goos"`
			Formats []string `yaml:"formats"`
		} `yaml:"format_overrides"`
		NameTemplate string   `yaml:"name_template"`
		Files        []string `yaml:"files"`
	} `yaml:"archives"`
	Checksum struct {
		NameTemplate string `yaml:"name_template"`
		Algorithm    string `yaml:"algorithm"`
	} `yaml:"checksum"`
	Changelog struct {
		Disable bool `yaml:"disable"`
	} `yaml:"changelog"`
	Release struct {
		Draft      bool   `yaml:"draft"`
		Prerelease string `yaml:"prerelease"`
	} `yaml:"release"`
}

func TestReleaseMatrix(t *testing.T) {
	t.Parallel()
	var c goreleaser
	readYAML(t, ".goreleaser.yaml", &c)
	if c.Version != 2 || len(c.Builds) != 1 || len(c.Archives) != 1 {
		t.Fatalf("version %d with %d builds and %d archives", c.Version, len(c.Builds), len(c.Archives))
	}
	b := c.Builds[0]
	var platforms []string
	for _, goos := range b.Goos {
		for _, arch := range b.Goarch {
			platforms = append(platforms, goos+"/"+arch)
		}
	}
	slices.Sort(platforms)
	want := []string{"darwin/amd64", "darwin/arm64", "linux/amd64", "linux/arm64", "windows/amd64", "windows/arm64"}
	if diff := cmp.Diff(want, platforms); diff != "" {
		t.Errorf("platforms (-want +got):\n%s", diff)
	}
	if !slices.Contains(b.Env, "CGO_ENABLED=0") || !slices.Contains(b.Flags, "-trimpath") || b.ModTimestamp == "" {
		t.Errorf("not static or not reproducible: env %q, flags %q, mod_timestamp %q", b.Env, b.Flags, b.ModTimestamp)
	}
	if c.Checksum.Algorithm != "sha256" || c.Checksum.NameTemplate == "" {
		t.Errorf("checksums: %+v", c.Checksum)
	}
	if _, err := os.Stat(filepath.Join(root, b.Main, "main.go")); err != nil {
		t.Errorf("main: %v", err)
	}
	for _, name := range c.Archives[0].Files {
		if _, err := os.Stat(filepath.Join(root, name)); err != nil {
			t.Errorf("file of the archives: %v", err)
		}
	}
}

// Workflows use no action by a name that somebody else can move: by a full
// commit, or none.
func TestWorkflows(t *testing.T) {
	t.Parallel()
	names, err := filepath.Glob(filepath.Join(root, ".github", "workflows", "*.yml"))
	if err != nil || len(names) == 0 {
		t.Fatalf("workflows: %q, %v", names, err)
	}
	for _, name := range names {
		b, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		var w struct {
			Permissions map[string]string `yaml:"permissions"`
			Jobs        map[string]struct {
				Timeout int `yaml:"timeout-minutes"`
				Steps   []struct {
					Uses string `yaml:"uses"`
					Run  string `yaml:"run"`
				} `yaml:"steps"`
			} `yaml:"jobs"`
		}
		if err := yaml.Unmarshal(b, &w); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if len(w.Permissions) == 0 || len(w.Jobs) == 0 {
			t.Errorf("%s: %d permissions, %d jobs", name, len(w.Permissions), len(w.Jobs))
		}
		for id, job := range w.Jobs {
			if job.Timeout == 0 {
				t.Errorf("%s: job %s has no timeout", name, id)
			}
			for i, s := range job.Steps {
				_, at, pinned := strings.Cut(s.Uses, "@")
				if s.Uses != "" && (!pinned || len(at) != 40 || strings.Trim(at, "0123456789abcdef") != "") {
					t.Errorf("%s: job %s, step %d uses %q, which can change", name, id, i+1, s.Uses)
				}
			}
		}
	}
}

// The files that forges read for themselves are YAML.
func TestConfigurationFiles(t *testing.T) {
	t.Parallel()
	names := []string{".golangci.yml"}
	forms, err := filepath.Glob(filepath.Join(root, ".github", "ISSUE_TEMPLATE", "*.yml"))
	if err != nil || len(forms) == 0 {
		t.Fatalf("issue forms: %q, %v", forms, err)
	}
	for _, f := range forms {
		names = append(names, filepath.Join(".github", "ISSUE_TEMPLATE", filepath.Base(f)))
	}
	for _, name := range names {
		var v map[string]any
		readYAML(t, name, &v)
		if len(v) == 0 {
			t.Errorf("%s is empty", name)
		}
	}
}
