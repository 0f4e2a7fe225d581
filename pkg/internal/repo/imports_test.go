package repo

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

// The pure packages: facts in, judgement out.
var pure = []string{"pkg/ref", "pkg/fact", "pkg/check", "pkg/checks", "pkg/identity", "pkg/policy", "pkg/suggest", "pkg/difference", "pkg/internal/lazy"}

// Plug-ins know neither each other nor what judges.
var plugins = []string{"pkg/source", "pkg/observe", "pkg/extract", "pkg/verify", "pkg/serve/webhook"}

// A rule forbids imports. Tests and packages made for them are free, where not
// said otherwise.
type rule struct {
	why string
	// applies to packages by their folder.
	applies func(dir string) bool
	forbids func(dir, imported string) bool
	tests   bool // test files as well
}

// A home is where alone a library may be imported.
type home struct {
	library string
	dirs    []string
}

var homes = []home{
	{"github.com/sigstore/cosign", []string{"pkg/verify/cosign"}},
	{"github.com/sigstore/sigstore-go", []string{"pkg/verify", "pkg/attest"}},
	{"github.com/google/go-containerregistry/pkg/v1/remote", []string{"pkg/source/registry"}},
	{"k8s.io", []string{"pkg/internal/kube", "pkg/observe/kubernetes", "pkg/observe/containerd", "pkg/extract", "pkg/serve/admission"}},
	{"github.com/docker/docker", []string{"pkg/internal", "pkg/source/docker", "pkg/observe/docker"}},
	{"github.com/moby/moby/client", []string{"pkg/internal", "pkg/source/docker", "pkg/observe/docker"}},
	{"github.com/containerd/containerd", []string{"pkg/internal", "pkg/source/containerd", "pkg/observe/containerd"}},
	{"github.com/urfave/cli", []string{"cmd/intact"}},
	{"database/sql", []string{"pkg/store"}},
	{"modernc.org/sqlite", []string{"pkg/store"}},
	{"github.com/jackc/pgx", []string{"pkg/store"}},
	{"github.com/riverqueue/river", []string{"pkg/store"}},
}

// External is what the pure packages may import from outside of the standard
// library.
var external = map[string][]string{
	"pkg/policy/policytest": {"github.com/rogpeppe/go-internal/txtar"}, // a parser of text
	"pkg/ref":               {"github.com/distribution/reference", "github.com/opencontainers/go-digest"},
	"pkg/suggest":           {"go.yaml.in/yaml"}, // YAML with comments, and its quoting
	"pkg/policy":            {"cel.dev/cel-go", "cel.dev/expr", "github.com/distribution/reference", "go.yaml.in/yaml", "google.golang.org/protobuf"},
}

func rules() []rule {
	all := func(string) bool { return true }
	isPure := func(dir string) bool { return under(dir, pure...) }
	out := []rule{
		{why: "ref, fact, check, checks, identity, policy, suggest and lazy are pure: they see no other package of ours, no network and no process",
			applies: isPure,
			forbids: func(_, imp string) bool {
				if ours(imp) {
					return !under(pkg(imp), pure...)
				}
				return under(imp, "net", "os/exec") && imp != "net/url" && imp != "net/netip"
			}},
		{why: "the pure packages use few libraries; a new one is added to this table with a reason",
			applies: isPure,
			forbids: func(dir, imp string) bool {
				if ours(imp) || !strings.Contains(strings.Split(imp, "/")[0], ".") {
					return false
				}
				for top, allowed := range external {
					if under(dir, top) && under(imp, allowed...) {
						return false
					}
				}
				return true
			}},
		{why: "checks see a fact.Set and nothing else",
			applies: func(dir string) bool { return under(dir, "pkg/checks") },
			forbids: func(_, imp string) bool { return under(pkg(imp), "pkg/policy") }},
		{why: "a plug-in imports no other plug-in and nothing that judges or runs it",
			applies: func(dir string) bool { return under(dir, plugins...) },
			forbids: pluginForbids},
		{why: "nothing imports the command", applies: all, tests: true,
			forbids: func(_, imp string) bool { return ours(imp) && under(pkg(imp), "cmd") }},
		{why: "report writes what it is given: it knows no engine", applies: func(dir string) bool { return under(dir, "pkg/report") },
			forbids: func(_, imp string) bool { return under(pkg(imp), "pkg/scan", "pkg/gather", "pkg/source") }},
		{why: "policy knows no report", applies: func(dir string) bool { return under(dir, "pkg/policy") },
			forbids: func(_, imp string) bool { return under(pkg(imp), "pkg/report") }},
		{why: "what is made for tests is imported by tests", applies: production,
			forbids: func(_, imp string) bool {
				return imp == "testing" || ours(imp) && !production(pkg(imp))
			}},
	}
	for _, h := range homes {
		out = append(out, rule{
			why:     fmt.Sprintf("%s is imported only in %s", h.library, strings.Join(h.dirs, ", ")),
			applies: func(dir string) bool { return !under(dir, h.dirs...) },
			forbids: func(_, imp string) bool { return under(imp, h.library) || strings.HasPrefix(imp, h.library+".") },
		})
	}
	return out
}

// pluginForbids allows parents (verify/cosign may use verify) and what a family
// of plug-ins shares in its internal folder, as composites hand objects to
// extract/internal/kube; the compiler keeps others out of there.
func pluginForbids(dir, imp string) bool {
	p := pkg(imp)
	if !ours(imp) {
		return false
	}
	if under(p, "pkg/check", "pkg/checks", "pkg/policy", "pkg/report", "pkg/scan") {
		return true
	}
	if !under(p, plugins...) || under(p, dir) || under(dir, p) {
		return false
	}
	return !strings.Contains(p, "/internal/")
}

// production reports whether dir is a package for production. The generator of
// the demo layout and the bench are commands for developers.
func production(dir string) bool {
	if under(dir, "pkg/internal/demo", "pkg/internal/bench") {
		return false
	}
	if under(dir, "pkg/policy/policytest", "pkg/attest") { // "intact policy test"; a word that only ends so
		return true
	}
	for _, part := range strings.Split(dir, "/") {
		if strings.HasSuffix(part, "test") && part != "test" || strings.HasPrefix(part, "test") {
			return false
		}
	}
	return true
}

func TestImports(t *testing.T) {
	t.Parallel()
	_, files := parseAll(t)
	graph := map[string][]string{}
	for _, f := range files {
		if !f.test() {
			graph[f.dir()] = append(graph[f.dir()], f.imports()...)
		}
	}
	for _, f := range files {
		for _, r := range rules() {
			if (f.test() || !production(f.dir())) && !r.tests || !r.applies(f.dir()) {
				continue
			}
			for _, imp := range f.imports() {
				if r.forbids(f.dir(), imp) {
					t.Errorf("%s imports %s\n\trule: %s\n\tchain: %s", f.name, imp, r.why, chain(graph, f.dir(), imp))
				}
			}
		}
	}
}

// chain is a shortest way from the command to dir, and on to imp.
func chain(graph map[string][]string, dir, imp string) string {
	const start = "cmd/intact"
	before := map[string]string{start: ""}
	for queue := []string{start}; len(queue) > 0; queue = queue[1:] {
		for _, next := range graph[queue[0]] {
			p := pkg(next)
			if _, seen := before[p]; !seen && ours(next) {
				before[p] = queue[0]
				queue = append(queue, p)
			}
		}
	}
	steps := []string{imp}
	if _, reached := before[dir]; !reached {
		return dir + " -> " + imp
	}
	for at := dir; at != ""; at = before[at] {
		steps = append(steps, at)
	}
	slices.Reverse(steps)
	return strings.Join(steps, " -> ")
}

// The rules forbid what they are there for: a table that forbids nothing passes
// as well.
func TestRulesBite(t *testing.T) {
	t.Parallel()
	tests := []struct {
		dir, imp string
		want     bool
	}{
		{"pkg/check", "net/http", true},
		{"pkg/ref", "net/url", false},
		{"pkg/policy", module + "/pkg/image", true},
		{"pkg/policy", module + "/pkg/check", false},
		{"pkg/policy", "cel.dev/cel-go/cel", false},
		{"pkg/check", "cel.dev/cel-go/cel", true},
		{"pkg/checks", module + "/pkg/policy", true},
		{"pkg/checks", "os/exec", true},
		{"pkg/source/layout", module + "/pkg/source/archive", true},
		{"pkg/source/layout", module + "/pkg/image", false},
		{"pkg/source/registry", module + "/pkg/check", true},
		{"pkg/verify/cosign", module + "/pkg/verify", false},
		{"pkg/verify/cosign", module + "/pkg/verify/bundle", true},
		{"pkg/extract/helm", module + "/pkg/extract/internal/kube", false},
		{"pkg/extract/helm", module + "/pkg/extract/kubernetes", true},
		{"pkg/gather", "github.com/sigstore/cosign/v2/pkg/cosign", true},
		{"pkg/verify/cosign", "github.com/sigstore/cosign/v2/pkg/cosign", false},
		{"pkg/attest", "github.com/sigstore/sigstore-go/pkg/sign", false},
		{"pkg/serve", "github.com/sigstore/sigstore-go/pkg/sign", true},
		{"pkg/gather", "k8s.io/api/core/v1", true},
		{"pkg/scan", "github.com/urfave/cli/v2", true},
		{"cmd/intact", "github.com/urfave/cli/v2", false},
		{"pkg/scan", module + "/cmd/intact", true},
		{"pkg/scan", module + "/pkg/internal/testimage", true},
		{"pkg/scan", "testing", true},
		{"pkg/source/sourcetest", module + "/pkg/internal/testimage", false},
		{"pkg/report", module + "/pkg/scan", true},
	}
	for _, tt := range tests {
		got := false
		for _, r := range rules() {
			got = got || r.applies(tt.dir) && r.forbids(tt.dir, tt.imp)
		}
		if got != tt.want {
			t.Errorf("%s -> %s: forbidden %v, want %v", tt.dir, tt.imp, got, tt.want)
		}
	}
}
