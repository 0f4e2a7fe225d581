//go:build e2e && linux

package e2e_test

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"

	"github.com/intact-dev/intact/pkg/internal/testground"
)

// The life of a repository that says what a cluster runs: what it names, what
// that meant, what moved, what was taken over, and what runs.
func TestGitOps(t *testing.T) {
	g := newGitops(t, newClusterGround(t))
	for _, step := range []struct {
		name string
		run  func(*testing.T, *gitops)
	}{
		{"every reference", testEveryReference},
		{"lock", testLock},
		{"pin", testPin},
		{"fixed tag moves", testFixedTagMoves},
		{"floating tag moves", testFloatingTagMoves},
		{"take over a new image", testPinUpdate},
		{"declared and running", testDeclaredAndRunning},
		{"documented objects", testDocumentedObjects},
	} {
		t.Run(step.name, func(t *testing.T) { step.run(t, g) })
	}
}

// What is in testdata/gitops: place, kind, class, text.
const demoReferences = `
.github/workflows/images.yaml:11:15 action floating actions/checkout@v4
.github/workflows/images.yaml:12:15 action pinned actions/setup-go@0a12ed9d6a96ab950c8f026ed9f722fe0da7ef32
.github/workflows/images.yaml:13:24 image fixed ci/hadolint:2.12.0
.github/workflows/images.yaml:15:11 action floating acme/workflows/.github/workflows/release.yaml@main
.github/workflows/images.yaml:19:14 image unresolved ci/scanner:${{ vars.SCANNER }}
.github/workflows/images.yaml:6:16 image floating ci/go:1.26
.github/workflows/images.yaml:9:16 image fixed ci/registry:2.8.3
charts/web/values-prod.yaml:2:8 image fixed shop/web:1.4.2
charts/web/values.yaml:4:8 image fixed infra/envoy:v1.32.1
charts/web/values.yaml:5:10 image floating shop/migrate:latest
charts/web/values.yaml:8:10 image pinned infra/statsd@…
compose.yaml:10:12 image floating infra/postgres:17
compose.yaml:12:12 image pinned infra/valkey@…
compose.yaml:14:12 image fixed infra/mail:3.1.0
compose.yaml:5:12 image built shop/api:dev
compose.yaml:8:13 image fixed shop/cart:2.8.0
deploy/base/cart.yaml:12:18 image pinned shop/migrate:2.8.0@…
deploy/base/cart.yaml:29:18 image floating shop/search:main
deploy/base/jobs.yaml:14:23 image fixed shop/report:1.9.0
deploy/base/jobs.yaml:16:22 image no-tag infra/rclone
deploy/overlays/prod/kustomization.yaml:6:13 image fixed shop/cart:2.8.0
deploy/overlays/prod/proxy.yaml:10:18 image fixed infra/envoy:v1.32.1
deploy/platform/flux.yaml:15:14 artifact floating gitops/policies:latest
deploy/platform/flux.yaml:7:14 artifact fixed gitops/manifests:3.0.0
deploy/platform/monitoring.yaml:17:18 image no-tag infra/node-exporter
deploy/platform/monitoring.yaml:20:31 image floating infra/rules:3
deploy/platform/monitoring.yaml:32:18 image fixed shop/checkout:5.0.1
deploy/platform/monitoring.yaml:5:10 image fixed infra/prometheus:v3.5.0
images.txt:2:1 image fixed mirror/nginx:1.29.3
services/api/Dockerfile:10:6 image no-tag base/static
services/api/Dockerfile:11:13 image fixed base/certs:2026-11-01
services/api/Dockerfile:1:10 image floating build/dockerfile:1.12
services/api/Dockerfile:3:6 image pinned base/go:1.26.8@…
services/api/Dockerfile:7:6 image unresolved base/debug:${DEBUG_VERSION}
terraform/main.tf:12:17 machine-image floating data.aws_ami.node (most recent)
terraform/main.tf:17:11 machine-image floating /aws/service/bottlerocket/aws-k8s-1.34/x86_64/latest/image_id
terraform/main.tf:21:20 machine-image pinned ami-0abcdef1234567890
terraform/main.tf:27:27 object mutable aws_ecr_repository shop/cart
terraform/main.tf:32:27 object immutable aws_ecr_repository shop/web
terraform/main.tf:38:32 image fixed shop/report:1.9.0
terraform/main.tf:39:31 image unresolved ${var.agent}
terraform/main.tf:46:20 image pinned shop/resize@…
`

func testEveryReference(t *testing.T, g *gitops) {
	s := g.scanFiles(t, []string{"."})
	if diff := cmp.Diff(strings.Split(strings.TrimSpace(demoReferences), "\n"), g.references(s)); diff != "" {
		t.Errorf("references (-want +got):\n%s", diff)
	}
	// What cannot be evaluated was not examined, and that is no pass.
	s.wants(t, 3, map[string]string{"object REG001": "fail pass", "action REF007": "fail pass", "machine-image REF006": "fail pass"},
		"40 references", "is not resolved")
	for _, target := range s.running.Targets {
		if kind := target.Kind; (kind == "image" || kind == "artifact") && target.Image == "" && target.class() != "unresolved" && target.class() != "built" {
			t.Errorf("%s names no image: %s", target.Ref, target.Error)
		}
	}
}

// The lock has a line for each tag and says what is left.
func testLock(t *testing.T, g *gitops) {
	out := g.run(t, 3, "lock")
	lock := string(must(os.ReadFile(g.path("intact.lock")))(t))
	for name, class := range map[string]string{"shop/report:1.9.0": "fixed", "shop/search:main": "floating", "gitops/manifests:3.0.0": "fixed", "infra/rclone:latest": "floating"} {
		if line := fmt.Sprintf("\n%s/%s %s image %s ", g.registry.Addr, name, g.digests[name], class); !strings.Contains(lock, line) {
			t.Errorf("the lock lacks %q:\n%s", line, lock)
		}
	}
	if strings.Contains(lock, "/base/go:") {
		t.Errorf("a line for what has a digest:\n%s", lock)
	}
	for _, left := range []string{"services/api/Dockerfile:7:6", "terraform/main.tf:39:31", ".github/workflows/images.yaml:19:14"} {
		if !strings.Contains(out, left) {
			t.Errorf("%s is not said to be left:\n%s", left, out)
		}
	}
	g.commit(t)
	g.run(t, 0, "lock", "--check", "deploy", "images.txt")
	// The tags are what the lock says.
	g.scanFiles(t, []string{"deploy", "images.txt"}).wants(t, 0, map[string]string{"image TAG002": "not-applicable pass", "image TAG004": "not-applicable pass"})
}

// A reference without a tag gets the one that was resolved.
var withoutLatest = regexp.MustCompile(`(base/static|infra/rclone):latest`)

// In what Git shows as changed, the digests are all that is new.
func testPin(t *testing.T, g *gitops) {
	paths := []string{"compose.yaml", "services", "charts", "deploy/overlays/prod"}
	g.run(t, 1, append([]string{"pin", "--check"}, paths[0], paths[3])...)
	out := g.run(t, 3, append([]string{"pin"}, paths...)...)
	if !strings.Contains(out, "services/api/Dockerfile:7:6") {
		t.Errorf("what was left is not named:\n%s", out)
	}
	diff := g.git(t, "diff", "--unified=0")
	var old, now, keys []string
	for line := range strings.Lines(diff) {
		switch {
		case strings.HasPrefix(line, "--- "), strings.HasPrefix(line, "+++ "):
		case line[0] == '-':
			old = append(old, line[1:])
		case strings.HasPrefix(line, "+    digest: "): // kustomize has a key for it
			keys = append(keys, line)
		case line[0] == '+':
			plain := anyDigest.ReplaceAllString(line[1:], "")
			if plain == line[1:] {
				t.Errorf("a changed line without a digest: %q", line)
			}
			now = append(now, withoutLatest.ReplaceAllString(plain, "$1"))
		}
	}
	if d := cmp.Diff(old, now); d != "" || len(old) < 10 {
		t.Errorf("more than digests changed (-old +new):\n%s\n%s", d, diff)
	}
	if d := cmp.Diff([]string{"+    digest: " + g.digests["shop/cart:2.8.0"] + "\n"}, keys); d != "" {
		t.Errorf("keys (-want +got):\n%s", d)
	}
	for _, want := range []string{
		`image: "` + g.registry.Ref("shop/cart:2.8.0") + "@" + g.digests["shop/cart:2.8.0"] + `"   # the same as in production`,
		"tag: 1.4.2@" + g.digests["shop/web:1.4.2"],
	} {
		if !strings.Contains(diff, want) {
			t.Errorf("no %q in\n%s", want, diff)
		}
	}
	g.commit(t)
	g.run(t, 0, "pin", "--check", "charts", "deploy/overlays/prod")
}

// Somebody pushes another image under a released version, which one file pins and
// another does not.
func testFixedTagMoves(t *testing.T, g *gitops) {
	old := g.digests["shop/report:1.9.0"]
	now := g.pushApp(t, "shop/report:1.9.0", app("report, again"))
	s := g.scanFiles(t, []string{"deploy", "terraform/main.tf"})
	g.moved(t, s, "TAG002", old, now)
	s.wants(t, 3, map[string]string{"image REF004": "fail not-applicable pass undecided"},
		"TAG002", "terraform/main.tf:38:32", "by intact.lock", "REF004", "deploy/base/jobs.yaml:14:23")
	// One line in a policy, and it is not let through.
	policy := g.policy(t, "extends: baseline@1\nchecks: {TAG002: deny}\n")
	g.scanFiles(t, []string{"terraform"}, "--policy", policy).wants(t, 1, nil, "DENY TAG002")
}

func testFloatingTagMoves(t *testing.T, g *gitops) {
	old := g.digests["infra/rules:3"]
	now := g.pushApp(t, "infra/rules:3", app("rules, the next day"))
	s := g.scanFiles(t, []string{"deploy"})
	g.moved(t, s, "TAG004", old, now)
	s.wants(t, 0, nil, "TAG004", "deploy/platform/monitoring.yaml:20:31")
	// Agreed on, it is what the tag means.
	if out := g.run(t, 0, "lock", "--update", "deploy/platform"); !strings.Contains(out, "moved      "+g.registry.Ref("infra/rules:3")+" "+now) {
		t.Errorf("not said what moved:\n%s", out)
	}
	g.scanFiles(t, []string{"deploy"}).wants(t, 0, map[string]string{"image TAG004": "not-applicable pass"})
}

// moved looks for the one finding that says from what to what.
func (g *gitops) moved(t *testing.T, s seen, check, from, to string) {
	t.Helper()
	n := 0
	for _, r := range s.results(check) {
		if r.Outcome == "fail" {
			n++
			if len(r.Findings) != 1 || !strings.Contains(r.Findings[0].Message, from) || !strings.Contains(r.Findings[0].Message, to) {
				t.Errorf("%s does not say from %s to %s: %+v", check, from, to, r.Findings)
			}
		}
	}
	if n == 0 {
		t.Errorf("no %s:\n%s", check, s.stdout)
	}
}

// What is pinned stays, and the new image is taken over by a change that says
// what is new in it.
func testPinUpdate(t *testing.T, g *gitops) {
	old := g.digests["shop/cart:2.8.0"]
	spec := must(testground.Box(t.Context(), "rebuilt"))(t)
	spec.Images[0].Config.User, spec.Images[0].Config.Env = "1000", append(spec.Images[0].Config.Env, "MODE=debug")
	now := g.pushApp(t, "shop/cart:2.8.0", spec)
	g.scanFiles(t, []string{"compose.yaml"}).wants(t, 3, nil, "REF004", "compose.yaml:8:13")
	g.run(t, 3, "pin", "compose.yaml") // the Dockerfile that it builds has something left
	if diff := g.git(t, "diff", "compose.yaml"); diff != "" {
		t.Errorf("pin moved a digest:\n%s", diff)
	}
	out := g.run(t, 3, "pin", "--update", "compose.yaml")
	for _, want := range []string{"compose.yaml:8:13", old, now, `user: "1000", was none (root)`, `environment: MODE="debug" is new`, "layers: 1 shared, 1 added"} {
		if !strings.Contains(out, want) {
			t.Errorf("no %q in\n%s", want, out)
		}
	}
	if diff := g.git(t, "diff", "--unified=0", "compose.yaml"); !strings.Contains(diff, "\n+    image: \""+g.registry.Ref("shop/cart:2.8.0")+"@"+now) {
		t.Errorf("not written:\n%s", diff)
	}
	g.git(t, "checkout", "--quiet", "compose.yaml") // it was not wanted
}

// The overlay is applied as it is rendered; then the cluster is changed past the
// repository.
func testDeclaredAndRunning(t *testing.T, g *gitops) {
	ok(t, g.cluster.Apply(t.Context(), "apiVersion: v1\nkind: Namespace\nmetadata: {name: shop}\n"))
	overlay := g.path("deploy/overlays/prod")
	ok(t, g.cluster.Apply(t.Context(), must(g.cluster.Kubectl(t.Context(), "", "kustomize", overlay))(t)))
	must(g.cluster.WaitReady(t.Context(), "shop", "app=cart", 1))(t)
	must(g.cluster.WaitReady(t.Context(), "shop", "app=search", 1))(t)
	look := func() seen { return g.look(t, "shop", "-f", overlay) }
	look().wants(t, 0, map[string]string{"image RUN011": "not-applicable pass", "image RUN015": "not-applicable pass"}, "ALLOWED")

	other := g.box(t, "shop/cart:2.8.1-debug", "debug")
	image := g.registry.Ref("shop/cart:2.8.1-debug") + "@" + digestOf(other)
	must(g.cluster.Kubectl(t.Context(), "", "-n", "shop", "set", "image", "deployment/cart", "cart="+image))(t)
	must(g.cluster.WaitPods(t.Context(), "shop", "app=cart", "one pod of the other image", func(pods []corev1.Pod) error {
		if len(pods) != 1 || pods[0].Spec.Containers[0].Image != image && pods[0].Spec.Containers[1].Image != image || pods[0].Status.Phase != corev1.PodRunning {
			return fmt.Errorf("%d pods", len(pods))
		}
		return nil
	}))(t)
	must(g.cluster.WaitReady(t.Context(), "shop", "app=cart", 1))(t)
	g.deploy(t, deployment{namespace: "shop", name: "miner", image: image, replicas: 1})
	look().wants(t, 0, map[string]string{"image RUN011": "fail not-applicable pass", "image RUN015": "fail not-applicable pass"},
		"RUN011", "shop/Deployment/miner [main]", "RUN015", "shop/Deployment/cart [cart]", `"deploy/overlays/prod/kustomization.yaml:7" declares`,
		"declared and not running: 2 containers")
	policy := must(g.cluster.Kubectl(t.Context(), documented(t)[0], "create", "--dry-run=client", "-o", `jsonpath={.data.policy\.yaml}`, "-f", "-"))(t)
	file := filepath.Join(t.TempDir(), "policy.yaml")
	ok(t, os.WriteFile(file, []byte(policy), 0o600))
	g.look(t, "shop", "--policy", file, "-f", overlay).wants(t, 1, nil, "DENY RUN011", "DENY RUN015", "DENY REF004")
}

// documented are the objects of core kinds on docs/gitops.md.
func documented(t *testing.T) []string {
	t.Helper()
	page := string(must(os.ReadFile("../../../docs/gitops.md"))(t))
	var out []string
	for _, m := range regexp.MustCompile("(?ms)^```yaml\n(.*?)^```$").FindAllStringSubmatch(page, -1) {
		if strings.HasPrefix(m[1], "apiVersion:") {
			out = append(out, m[1])
		}
	}
	if len(out) < 4 {
		t.Fatalf("%d objects on the page", len(out))
	}
	return out
}

// What docs/gitops.md shows of core kinds is what the API server takes, without
// an unknown field.
func testDocumentedObjects(t *testing.T, g *gitops) {
	ok(t, g.cluster.Apply(t.Context(), "apiVersion: v1\nkind: Namespace\nmetadata: {name: security}\n"))
	for _, text := range documented(t) {
		if _, err := g.cluster.Kubectl(t.Context(), text, "apply", "--dry-run=server", "--validate=strict", "-f", "-"); err != nil {
			t.Errorf("%v\n%s", err, text)
		}
	}
}
