//go:build e2e && linux

package e2e_test

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"
)

// An actionFile is what a runner reads of action.yml.
type actionFile struct {
	Inputs map[string]struct{ Default string }
	Runs   struct {
		Steps []struct {
			Name, Run string
			Env       map[string]string
		}
	}
}

var input = regexp.MustCompile(`\$\{\{ inputs\.([a-z]+) \}\}`)

// A job is what a runner keeps for one use of the action.
type job struct {
	*work
	action actionFile
	temp   string
	built  bool
}

func newJob(t *testing.T) *job {
	t.Helper()
	j := &job{work: newWork(t), temp: t.TempDir()}
	ok(t, yaml.Unmarshal(must(os.ReadFile(filepath.Join(repositoryRoot, "action.yml")))(t), &j.action))
	return j
}

// A step is what one use of the action left.
type step struct {
	code                 int
	log, summary, output string
}

// use runs the steps of the action as a runner does: with bash, expressions put
// into the environment, until one fails. The program is built once.
func (j *job) use(t *testing.T, with map[string]string) step {
	t.Helper()
	summary, output := filepath.Join(j.temp, "summary.md"), filepath.Join(j.temp, "output")
	ok(t, os.WriteFile(summary, nil, 0o600))
	ok(t, os.WriteFile(output, nil, 0o600))
	var s step
	for _, one := range j.action.Runs.Steps {
		if j.built && strings.HasPrefix(one.Name, "Build") {
			continue
		}
		in := &work{dir: j.dir, env: append([]string(nil), j.env...)}
		in.env = append(in.env, "RUNNER_TEMP="+j.temp, "GITHUB_STEP_SUMMARY="+summary, "GITHUB_OUTPUT="+output,
			"GITHUB_ACTION_PATH="+must(filepath.Abs(repositoryRoot))(t))
		for name, v := range one.Env {
			in.env = append(in.env, name+"="+input.ReplaceAllStringFunc(v, func(e string) string {
				key := input.FindStringSubmatch(e)[1]
				if v, given := with[key]; given {
					return v
				}
				return j.action.Inputs[key].Default
			}))
		}
		var log string
		s.code, log = in.run(t, "bash", "--noprofile", "--norc", "-e", "-o", "pipefail", "-c", one.Run)
		if s.log += log; s.code != 0 {
			break
		}
		j.built = true
	}
	s.summary, s.output = string(must(os.ReadFile(summary))(t)), string(must(os.ReadFile(output))(t))
	return s
}

func TestActionOnFilesAndImages(t *testing.T) {
	t.Parallel()
	g := &ground{registry: startRegistry(t)}
	built, image := g.push(t, app("action"), "api:1.0.0")
	j := newJob(t)
	j.write(t, "deploy/api.yaml", pod(image))
	j.write(t, "deploy/$(touch owned).yaml", pod(image))
	j.write(t, "jobs/one two.yaml", pod(image+"@"+string(built.Root.Descriptor.Digest)))
	for _, tt := range []struct {
		name string
		with map[string]string
		code int
		log  []string
	}{
		{"files warn", map[string]string{"paths": "deploy\n\njobs/one two.yaml\r\n"}, 0, []string{"::warning file=deploy/api.yaml,line=7,col=12,title=REF001 reference has no digest::", "intact: allowed: "}},
		{"strict denies", map[string]string{"paths": "deploy", "policy": "strict", "sarif": "out.sarif", "json": "out.json"}, 1, []string{"::error file=deploy/api.yaml,line=7", "intact: denied: "}},
		{"known findings", map[string]string{"paths": "deploy", "policy": "strict", "baseline": "out.json"}, 0, []string{"since the baseline: ", " 0 new, "}},
		{"an image", map[string]string{"images": "  \n" + image + "@" + string(built.Root.Descriptor.Digest)}, 0, []string{"intact: allowed: 0 deny"}},
		{"an image that is a command", map[string]string{"images": "$(touch owned)"}, 2, []string{"intact: error: "}},
		{"a policy that is a flag", map[string]string{"images": image, "policy": "audit --offline"}, 2, []string{`policy "audit --offline"`}},
		{"more flags", map[string]string{"images": image, "args": "--depth\nreference\n--format=markdown=out file.md"}, 3, []string{"undecided"}},
		{"both", map[string]string{"images": image, "paths": "deploy"}, 2, []string{"give paths or images"}},
		{"nothing", nil, 2, []string{"no image given"}},
		{"not there", map[string]string{"images": g.registry.Ref("gone:1")}, 3, []string{"::error title=undecided::"}},
	} {
		got := j.use(t, tt.with)
		if got.code != tt.code {
			t.Errorf("%s: exit code %d, want %d\n%s", tt.name, got.code, tt.code, got.log)
		}
		for _, want := range tt.log {
			if !strings.Contains(got.log, want) {
				t.Errorf("%s: the log has no %q\n%s", tt.name, want, got.log)
			}
		}
		if tt.code != 2 && (!strings.Contains(got.summary, "intact: ") || got.output != fmt.Sprintf("exit-code=%d\n", tt.code)) {
			t.Errorf("%s: the summary %q, the output %q", tt.name, got.summary, got.output)
		}
	}
	for _, name := range []string{"out.sarif", "out.json", "out file.md"} {
		if _, err := os.Stat(filepath.Join(j.dir, name)); err != nil {
			t.Error(err)
		}
	}
	if _, err := os.Stat(filepath.Join(j.dir, "owned")); err == nil {
		t.Error("text that was given was run")
	}
}
