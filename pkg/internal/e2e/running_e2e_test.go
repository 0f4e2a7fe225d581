//go:build e2e && linux

package e2e_test

import (
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"

	"github.com/intact-dev/intact/pkg/internal/testground"
	"github.com/intact-dev/intact/pkg/internal/testimage"
)

// What runs in a real cluster, one story each, with the verdict that it has to
// come to.
func TestRunningInKubernetes(t *testing.T) {
	t.Parallel()
	g := newClusterGround(t)
	// In good order; unsigned. Several stories look at it.
	b := g.box(t, "clean/app:1.0.0", "clean")
	g.deploy(t, deployment{
		namespace: "clean", name: "app", image: g.registry.Ref("clean/app:1.0.0") + "@" + digestOf(b), replicas: 2,
		pod: hardenedPod, container: hardenedContainer,
	})
	for name, story := range map[string]func(*testing.T, *clusterGround){
		"clean namespace":         testCleanNamespace,
		"replicas differ":         testReplicasDiffer,
		"tag moved":               testTagMovedUnderADeployment,
		"index signed, child not": testIndexSigned,
		"debug container":         testDebugContainer,
		"files changed":           testFilesChanged,
		"rollback image deleted":  testRollbackImageDeleted,
		"side-loaded image":       testSideLoaded,
		"mirror":                  testMirrorName,
		"hidden namespace":        testHiddenNamespace,
		"what it would do":        testSuggest,
	} {
		t.Run(name, func(t *testing.T) { story(t, g) })
	}
}

// A namespace in good order ends in exit 0, under the strict policy too but for
// the signature that nobody asks for.
func testCleanNamespace(t *testing.T, g *clusterGround) {
	s := g.look(t, "clean")
	s.wants(t, 0, map[string]string{
		"image RUN001": "pass", "image RUN004": "pass", "image RUN007": "pass", "image RUN008": "pass", "image SET001": "pass", "image SET003": "pass",
		"image RUN002": "not-applicable", "group RUN003": "pass", "image RUN005": "not-asked",
	}, "kubernetes test", "ALLOWED", "2 containers judged")
	if strings.Contains(s.stdout, "WARN") {
		t.Errorf("a warning in a clean namespace:\n%s", s.stdout)
	}
}

// The tag moves between the starts of two replicas.
func testReplicasDiffer(t *testing.T, g *clusterGround) {
	first := g.box(t, "skew/cart:2.8.0", "one")
	d := deployment{namespace: "skew", name: "cart", image: g.registry.Ref("skew/cart:2.8.0"), replicas: 1, container: ", imagePullPolicy: Always"}
	g.deploy(t, d)
	second := g.box(t, "skew/cart:2.8.0", "two")
	d.replicas = 2
	g.deploy(t, d)
	s := g.look(t, "skew")
	s.wants(t, 0, map[string]string{"group RUN003": "fail", "image RUN002": "fail pass", "image RUN008": "fail", "image RUN004": "pass"},
		"replicas of one template run different images", "skew/Deployment/cart [main]",
		"1 × "+short(digestOf(first)), "1 × "+short(digestOf(second)), "fix: write "+g.registry.Ref("skew/cart:2.8.0")+"@sha256:")
	// With one line in a policy it is no longer let through.
	policy := g.policy(t, "extends: baseline@1\nscopes:\n  - {clusters: [test], namespaces: [skew], checks: {RUN003: deny}}\n")
	g.look(t, "skew", "--policy", policy).wants(t, 1, nil, "DENY RUN003")
	g.look(t, "clean", "--policy", policy).wants(t, 0, nil)
}

func short(digest string) string { return digest[:len("sha256:")+12] + "…" }

func testTagMovedUnderADeployment(t *testing.T, g *clusterGround) {
	old := g.box(t, "moved/web:1.4.2", "old")
	g.deploy(t, deployment{namespace: "moved", name: "web", image: g.registry.Ref("moved/web:1.4.2"), replicas: 1})
	now := g.box(t, "moved/web:1.4.2", "new")
	s := g.look(t, "moved")
	s.wants(t, 0, map[string]string{"image RUN002": "fail", "image RUN001": "not-applicable", "group RUN003": "pass"},
		"names "+short(digestOf(now))+" now; "+short(digestOf(old))+" runs")
	for _, target := range s.running.Targets {
		if target.Kind == "image" && target.Image != digestOf(old) {
			t.Errorf("%s was examined, but %s runs", target.Image, digestOf(old))
		}
	}
}

// The index is signed, the manifest that runs is not: which of them has to be is
// the policy's word.
func testIndexSigned(t *testing.T, g *clusterGround) {
	spec := must(testground.Box(t.Context(), "signed"))(t)
	other := spec.Images[0]
	other.Platform = "linux/riscv64"
	spec.Images, spec.Index = append(spec.Images, other), true
	built, ref := g.push(t, spec, "signed/app:1.0.0")
	ok(t, g.v2.SignV2(t.Context(), g.key, atDigest(ref, built)))
	g.deploy(t, deployment{namespace: "signed", name: "app", image: ref + "@" + digestOf(built), replicas: 1})
	rule := "extends: baseline@1\nsignatures:\n  - images: [\"" + g.registry.Addr + "/**\"]\n    level: %s\n" +
		"    anyOf: [{name: release, key: " + g.key.Public + ", transparencyLog: not-required}]\n"
	g.look(t, "signed", "--policy", g.policy(t, fmt.Sprintf(rule, "index-or-child"))).wants(t, 0, map[string]string{"image RUN010": "pass"}, "ALLOWED")
	g.look(t, "signed", "--policy", g.policy(t, fmt.Sprintf(rule, "child"))).wants(t, 1, map[string]string{"image RUN010": "fail"}, "DENY SIG006", "signed/Deployment/app [main]")
	g.look(t, "clean", "--policy", g.policy(t, fmt.Sprintf(rule, "index"))).wants(t, 1, map[string]string{"image RUN010": "fail"}, "DENY SIG001")
}

func testDebugContainer(t *testing.T, g *clusterGround) {
	b := g.box(t, "debug/app:1.0.0", "debug")
	image := g.registry.Ref("debug/app:1.0.0") + "@" + digestOf(b)
	g.deploy(t, deployment{namespace: "debug", name: "app", image: image, replicas: 1})
	pods := must(g.cluster.WaitReady(t.Context(), "debug", "app=app", 1))(t)
	g.look(t, "debug").wants(t, 0, map[string]string{"image RUN006": "pass"})
	ok(t, g.cluster.Debug(t.Context(), "debug", pods[0].Name, "shell", image, "/bin/sleep"))
	g.look(t, "debug").wants(t, 0, map[string]string{"image RUN006": "fail pass"}, "RUN006", "[shell]")
}

// A program is dropped and a library replaced by exec; what is touched and stays
// the same is nothing.
func testFilesChanged(t *testing.T, g *clusterGround) {
	b := g.box(t, "files/app:1.0.0", "files")
	image := g.registry.Ref("files/app:1.0.0") + "@" + digestOf(b)
	g.deploy(t, deployment{namespace: "files", name: "open", image: image, replicas: 1})
	g.deploy(t, deployment{namespace: "files", name: "shut", image: image, replicas: 1, pod: hardenedPod, container: hardenedContainer})
	look := func(args ...string) seen {
		return g.look(t, "files", append([]string{"--changed-files", "--runtime-endpoint", g.cluster.Socket}, args...)...)
	}
	look().wants(t, 0, map[string]string{"image RUN005": "pass", "image RUN012": "pass", "image RUN013": "pass", "image RUN014": "pass"})
	pods := must(g.cluster.WaitReady(t.Context(), "files", "app=open", 1))(t)
	run := func(stdin string, argv ...string) {
		t.Helper()
		must(g.cluster.Exec(t.Context(), "files", pods[0].Name, "", stdin, argv...))(t)
	}
	run("", "touch", "/app/run.sh", "1000")
	look().wants(t, 0, map[string]string{"image RUN005": "pass", "image RUN012": "pass"})
	run("\x7fELF dropped", "write", "/bin/miner", "0755")
	run("\x7fELF replaced", "write", "/app/lib/libapp.so", "0755")
	run("debug = true\n", "write", "/app/app.conf", "0644")
	s := look()
	s.wants(t, 0, map[string]string{"image RUN005": "fail pass", "image RUN013": "fail pass", "image RUN012": "pass"},
		"/bin/miner", "/app/lib/libapp.so", "files/Deployment/open [main]")
	look("--policy", g.policy(t, "extends: baseline@1\nchecks: {RUN005: deny}\n")).wants(t, 1, nil, "DENY RUN005")
}

// After a roll-out the former image is deleted from the registry.
func testRollbackImageDeleted(t *testing.T, g *clusterGround) {
	old := g.box(t, "back/app:1.0.0", "one")
	now := g.box(t, "back/app:2.0.0", "two")
	d := deployment{namespace: "back", name: "app", image: g.registry.Ref("back/app:1.0.0") + "@" + digestOf(old), replicas: 1}
	g.deploy(t, d)
	d.image = g.registry.Ref("back/app:2.0.0") + "@" + digestOf(now)
	g.apply(t, d)
	must(g.cluster.WaitPods(t.Context(), "back", "app=app", "one pod of the new image", func(pods []corev1.Pod) error {
		if len(pods) != 1 || pods[0].Spec.Containers[0].Image != d.image || pods[0].Status.Phase != corev1.PodRunning {
			return fmt.Errorf("%d pods", len(pods))
		}
		return nil
	}))(t)
	g.look(t, "back").wants(t, 0, map[string]string{"group RUN009": "pass", "image RUN001": "pass"})
	ok(t, g.registry.Delete(t.Context(), "back/app", digestOf(old)))
	g.look(t, "back").wants(t, 0, map[string]string{"group RUN009": "fail"}, "RUN009", "back/Deployment/app [main]")
}

// An image that was loaded by hand is in no registry: nothing about it can be
// verified.
func testSideLoaded(t *testing.T, g *clusterGround) {
	built := must(testimage.Build(must(testground.Box(t.Context(), "loaded"))(t)))(t)
	name := g.registry.Ref("loaded/app:1.0.0")
	ok(t, g.cluster.Load(t.Context(), built, name))
	g.deploy(t, deployment{namespace: "loaded", name: "app", image: name, replicas: 1, container: ", imagePullPolicy: Never"})
	g.look(t, "loaded").wants(t, 3, map[string]string{"image RUN004": "fail"}, "UNDECIDED", "RUN004", "1 not examined")
}

// The same image under the name of a mirror that the policy knows.
func testMirrorName(t *testing.T, g *clusterGround) {
	g.box(t, "upstream/app:1.0.0", "mirrored")
	b := g.box(t, "mirror/app:1.0.0", "mirrored")
	g.deploy(t, deployment{namespace: "mirrored", name: "app", image: g.registry.Ref("mirror/app:1.0.0"), replicas: 1})
	policy := g.policy(t, fmt.Sprintf("extends: baseline@1\nmirrors: [{prefix: %[1]s/mirror, of: %[1]s/upstream}]\n", g.registry.Addr))
	g.look(t, "mirrored", "--policy", policy).wants(t, 0, map[string]string{"image RUN002": "pass", "image RUN004": "pass"})
	// The mirror falls behind: its word proves neither drift nor that there is none.
	g.box(t, "upstream/app:1.0.0", "newer")
	g.look(t, "mirrored", "--policy", policy).wants(t, 0, map[string]string{"image RUN002": "undecided"}, digestOf(b))
}

// Who may see two namespaces of three is told which one is hidden, and why, and
// the run is undecided.
func testHiddenNamespace(t *testing.T, g *clusterGround) {
	ok(t, g.cluster.Apply(t.Context(), `
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {name: look, namespace: clean}
rules:
  - {apiGroups: [""], resources: [pods], verbs: [get, list]}
  - {apiGroups: [apps], resources: [replicasets, deployments, statefulsets, daemonsets, controllerrevisions], verbs: [get, list]}
  - {apiGroups: [batch], resources: [jobs, cronjobs], verbs: [get, list]}
  - {apiGroups: [""], resources: [replicationcontrollers], verbs: [get, list]}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: look, namespace: clean}
subjects: [{kind: User, name: ada, apiGroup: rbac.authorization.k8s.io}]
roleRef: {kind: Role, name: look, apiGroup: rbac.authorization.k8s.io}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {name: nodes}
rules: [{apiGroups: [""], resources: [nodes, namespaces], verbs: [get, list]}]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: {name: nodes}
subjects: [{kind: User, name: ada, apiGroup: rbac.authorization.k8s.io}]
roleRef: {kind: ClusterRole, name: nodes, apiGroup: rbac.authorization.k8s.io}
`))
	config := must(g.cluster.User("ada"))(t)
	g.look(t, "clean", "--kubeconfig", config).wants(t, 0, nil, "ALLOWED", "2 containers judged")
	s := g.look(t, "", "--kubeconfig", config)
	s.wants(t, 3, map[string]string{"gap RUN001": "undecided", "image RUN001": "pass"}, "UNDECIDED", "forbidden", "2 containers judged")
	if len(s.running.Inventories) != 1 || len(s.running.Inventories[0].Gaps) == 0 {
		t.Errorf("gaps: %+v", s.running.Inventories)
	}
}

// What is printed is what the real API server takes.
func testSuggest(t *testing.T, g *clusterGround) {
	b := g.box(t, "plan/app:1.0.0", "plan")
	g.deploy(t, deployment{namespace: "plan", name: "app", image: g.registry.Ref("plan/app:1.0.0") + "@" + digestOf(b), replicas: 1})
	cmd := exec.CommandContext(t.Context(), g.bin, "scan", "--workloads", "kubernetes", "--kubeconfig", g.cluster.Kubeconfig, "--namespace", "plan", "--suggest")
	cmd.Env = []string{"HOME=" + t.TempDir(), "PATH=" + os.Getenv("PATH")}
	patch := string(must(cmd.Output())(t))
	if !strings.Contains(patch, "readOnlyRootFilesystem: true") {
		t.Fatalf("no patch:\n%s", patch)
	}
	must(g.cluster.Kubectl(t.Context(), patch, "-n", "plan", "patch", "deployment", "app", "--patch-file", "/dev/stdin"))(t)
	must(g.cluster.WaitPods(t.Context(), "plan", "app=app", "one pod with a read-only root", func(pods []corev1.Pod) error {
		if len(pods) != 1 || pods[0].Spec.Containers[0].SecurityContext == nil || pods[0].Status.Phase != corev1.PodRunning {
			return fmt.Errorf("%d pods", len(pods))
		}
		return nil
	}))(t)
	g.look(t, "plan").wants(t, 0, map[string]string{"image RUN007": "pass"})
}
