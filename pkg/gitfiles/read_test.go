package gitfiles_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const (
	pod = "apiVersion: v1\nkind: Pod\nmetadata: {name: web}\nspec:\n  containers:\n  - name: web\n    image: nginx:1.25\n"
	job = "apiVersion: batch/v1\nkind: Job\nmetadata: {name: once}\nspec:\n  template:\n    spec:\n      containers:\n      - name: once\n        image: busybox:1.36\n"
)

var start = files{
	"deploy/pod.yaml": pod, "deploy/job.yaml": job,
	"Dockerfile":   "ARG VERSION=3.20\nFROM alpine:$VERSION\nRUN true\n",
	"compose.yaml": "services:\n  db:\n    image: postgres:${PG}\n", ".env": "PG=16\n",
	"README.md": "words\n",
}

func TestWhatARangeTouched(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		head     files
		starts   []string
		want     []string
		problems []string
	}{
		"nothing":             {head: start.with("README.md", "other words\n")},
		"no commit":           {head: start},
		"a new file":          {head: start.with("deploy/new.yaml", strings.ReplaceAll(pod, "web", "api")), want: []string{"deploy/new.yaml:7 nginx:1.25"}},
		"another tag":         {head: start.with("deploy/pod.yaml", strings.ReplaceAll(pod, "1.25", "1.26")), want: []string{"deploy/pod.yaml:7 nginx:1.26"}},
		"a setting beside it": {head: start.with("deploy/pod.yaml", pod+"    imagePullPolicy: Never\n"), want: []string{"deploy/pod.yaml:7 nginx:1.25"}},
		"another workload":    {head: start.with("deploy/pod.yaml", strings.ReplaceAll(pod, "{name: web}", "{name: www}")), want: []string{"deploy/pod.yaml:7 nginx:1.25"}},
		"a file that is gone": {head: start.with("deploy/pod.yaml", "")},
		"a renamed file":      {head: start.with("deploy/pod.yaml", "", "k8s/web.yaml", pod)},
		"a renamed and changed file": {head: start.with("deploy/pod.yaml", "", "k8s/web.yaml", pod+"    imagePullPolicy: Never\n"),
			want: []string{"k8s/web.yaml:7 nginx:1.25"}},
		"a copied file":        {head: start.with("k8s/web.yaml", pod), want: []string{"k8s/web.yaml:7 nginx:1.25"}},
		"lines that moved":     {head: start.with("deploy/pod.yaml", "# a comment\n\n"+pod, "Dockerfile", "# more\n"+start["Dockerfile"])},
		"an ARG elsewhere":     {head: start.with("Dockerfile", strings.ReplaceAll(start["Dockerfile"], "3.20", "3.21")), want: []string{"Dockerfile:2 alpine:3.21"}},
		"an .env beside it":    {head: start.with(".env", "PG=17\n"), want: []string{"compose.yaml:3 postgres:17"}},
		"an .env that is gone": {head: start.with(".env", ""), want: []string{"compose.yaml:3 postgres:${PG}"}},
		"an override that is new": {head: start.with("compose.override.yaml", "services:\n  db:\n    image: postgres:18\n"),
			want: []string{"compose.override.yaml:3 postgres:18", "compose.yaml:3 postgres:16"}},
		"a base that is unresolved now": {head: start.with("Dockerfile", "ARG VERSION\nFROM alpine:$VERSION\n"), want: []string{"Dockerfile:2 alpine:$VERSION"}},
		"a second one that is alike": {head: start.with("Dockerfile", start["Dockerfile"]+"FROM alpine:$VERSION\n"),
			want: []string{"Dockerfile:4 alpine:3.20"}},
		"one in another folder": {head: start.with("deploy/pod.yaml", strings.ReplaceAll(pod, "1.25", "1.26")), starts: []string{"Dockerfile"}},
		"one in the folder": {head: start.with("deploy/pod.yaml", strings.ReplaceAll(pod, "1.25", "1.26")), starts: []string{"deploy"},
			want: []string{"deploy/pod.yaml:7 nginx:1.26"}},
		"a folder that is new": {head: start.with("new/pod.yaml", job), starts: []string{"new"}, want: []string{"new/pod.yaml:9 busybox:1.36"}},
		"a link to a file": {head: start.with("deploy/link.yaml", "-> ../other/real.yaml", "other/real.yaml", job), starts: []string{"deploy"},
			want: []string{"deploy/link.yaml:9 busybox:1.36"}},
		"a link out of the tree": {head: start.with("deploy/link.yaml", "-> ../../real.yaml"),
			problems: []string{"deploy/link.yaml: a symbolic link that leads out of the tree or nowhere: path escapes from the tree of the commit"}},
		"what .gitignore names": {head: start.with(".gitignore", "*.yaml\n", "deploy/new.yaml", job), want: []string{"deploy/new.yaml:9 busybox:1.36"}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRepo(t)
			commits := r.history(start, tt.head)
			got := r.read(commits[0].String(), tt.starts...)
			if d := cmp.Diff(tt.want, touched(got)); d != "" {
				t.Errorf("touched (-want +got):\n%s", d)
			}
			if d := cmp.Diff(tt.problems, problems(got)); d != "" {
				t.Errorf("problems (-want +got):\n%s", d)
			}
			if len(got.Notices) > 0 {
				t.Errorf("notices: %q", notices(got))
			}
		})
	}
}

func TestOfNothingTouchedTheCountsAreThere(t *testing.T) {
	t.Parallel()
	r := newRepo(t)
	r.history(start, start.with("README.md", "other"))
	got := r.read("HEAD~1")
	if got.Declared != 4 || got.Touched.Files != 4 || len(got.Touched.Found) != 0 {
		t.Errorf("declared %d, files %d, touched %d", got.Declared, got.Touched.Files, len(got.Touched.Found))
	}
}

// What cannot be read at either end may hide what the range did there.
func TestAProblemCountsIfItsFileChanged(t *testing.T) {
	t.Parallel()
	bad := "apiVersion: v1\nkind: Pod\nspec: {containers: [{image: x\n"
	before := start.with("bad.yaml", bad, "deploy/link.yaml", "-> nowhere.yaml", "compose.yaml", "services:\n  db:\n    image: postgres\n    env_file: [a.env]\n    extends: {file: parts.yaml, service: db}\n", "parts.yaml", "services: {\n")
	r := newRepo(t)
	commits := r.history(before, before.with("README.md", "x"), before.with("bad.yaml", bad+"#\n"), before.with("bad.yaml", bad+"#\n", "parts.yaml", "services: {\n\n"))
	want := map[string][]string{"HEAD~3^0": nil, "HEAD~2": {"bad.yaml"}, "HEAD~1": {"compose.yaml", "parts.yaml"}}
	for i, rev := range []string{"HEAD~3^0", "HEAD~2", "HEAD~1"} {
		r.ref("refs/heads/main", commits[i+1])
		got := r.read(commits[i].String())
		var where []string
		for _, p := range got.Touched.Problems {
			where = append(where, p.Origin.Where)
		}
		t.Log(problems(got))
		if d := cmp.Diff(want[rev], where); d != "" {
			t.Errorf("commit %d: %s", i+1, d)
		}
	}
}

func TestNewExcludesHideNothingSilently(t *testing.T) {
	t.Parallel()
	r := newRepo(t)
	commits := r.history(start, start.with(".intact.yaml", "deploy/job.yaml\nDockerfile\n", "Dockerfile", "FROM alpine:3.21\n"), start.with(".intact.yaml", "broken\n"))
	r.ref("refs/heads/main", commits[1])
	got := r.read("HEAD~")
	want := []string{
		`Dockerfile:1 "alpine:3.21" is no longer read: the rules for reading files that came in the range leave it out`,
		`deploy/job.yaml:9 "busybox:1.36" is no longer read: the rules for reading files that came in the range leave it out`,
	}
	if d := cmp.Diff(want, notices(got)); d != "" || len(got.Touched.Found) > 0 {
		t.Errorf("%s%v", d, touched(got))
	}
	// The other way round they come back.
	r.ref("refs/heads/main", r.commit(start, commits[1]))
	if d := cmp.Diff([]string{"Dockerfile:2 alpine:3.20", "deploy/job.yaml:9 busybox:1.36"}, touched(r.read("HEAD~"))); d != "" {
		t.Error(d)
	}
	// Rules that cannot be read end it at HEAD, not at the base.
	r.ref("refs/heads/main", commits[2])
	if _, err := r.open("HEAD~").Read(t.Context(), []string{"."}, options); err == nil || !strings.Contains(err.Error(), "broken") {
		t.Errorf("rules that are broken: %v", err)
	}
	r.ref("refs/heads/main", r.commit(start.with("deploy/job.yaml", ""), commits[2]))
	got = r.read("HEAD~")
	if d := cmp.Diff([]string{":0 the base of the range is read by the rules of HEAD; its own cannot be: .intact.yaml: broken"}, notices(got)); d != "" {
		t.Error(d)
	}
}

func TestANewCommentThatSilencesIsTold(t *testing.T) {
	t.Parallel()
	r := newRepo(t)
	silent := strings.Replace(pod, "nginx:1.25", "nginx:1.25 # intact:ignore REF001 later", 1)
	// At what is new itself there was nothing to silence.
	r.history(start, start.with("deploy/pod.yaml", silent, "new.yaml", silent))
	got := r.read("HEAD^")
	if d := cmp.Diff([]string{"deploy/pod.yaml:7 nginx:1.25", "new.yaml:7 nginx:1.25"}, touched(got)); d != "" {
		t.Error(d)
	}
	if d := cmp.Diff([]string{`deploy/pod.yaml:7 a comment that came in the range silences REF001 at "nginx:1.25": "later"`}, notices(got)); d != "" {
		t.Error(d)
	}
}

func TestPointersOfGitLFSWereNotRead(t *testing.T) {
	t.Parallel()
	const pointer = "version https://git-lfs.github.com/spec/v1\noid sha256:4d7a214614ab2935c943f9e0ff69d22eadbb8f32b1258daaa5e2ca24d17e2393\nsize 12345\n"
	r := newRepo(t)
	r.history(start.with("old.yaml", pointer), start.with("old.yaml", pointer, "new.yaml", pointer, "logo.png", pointer, ".env", pointer))
	got := r.read("HEAD^")
	var where []string
	for _, p := range got.Touched.Problems {
		if !strings.Contains(p.Why, "a Git LFS pointer") || p.Cause != "unsupported" {
			t.Errorf("%+v", p)
		}
		where = append(where, p.Origin.Where)
	}
	// What needs .env says so as well.
	if d := cmp.Diff([]string{".env", ".env", "new.yaml"}, where); d != "" {
		t.Errorf("%s%v", d, problems(got))
	}
	if got.Touched.Passed.Binary != 1 {
		t.Errorf("passed over: %+v", got.Touched.Passed)
	}
}

func TestASubmoduleThatMovedWasNotRead(t *testing.T) {
	t.Parallel()
	one, two := "@ "+strings.Repeat("1", 40), "@ "+strings.Repeat("2", 40)
	before := start.with("lib/a", one, "lib/b", one, "skip/c", one)
	r := newRepo(t)
	r.history(before, before.with("lib/a", two, "skip/c", two, "lib/b/x.yaml", ""))
	got := r.read("HEAD^", "lib", "deploy")
	want := []string{"lib/a: a submodule that the range moved to " + two[2:] + ": its files are in a repository of its own and were not read"}
	if d := cmp.Diff(want, problems(got)); d != "" {
		t.Error(d)
	}
}

func TestAStartThatIsNotCommittedIsTold(t *testing.T) {
	t.Parallel()
	r := newRepo(t)
	r.history(start, start)
	r.write("draft.yaml", pod)
	got := r.read("HEAD^", "draft.yaml", "deploy")
	if d := cmp.Diff([]string{"draft.yaml:0 not in the commit at HEAD: a range holds what is committed"}, notices(got)); d != "" {
		t.Error(d)
	}
}
