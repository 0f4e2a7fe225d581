//go:build e2e && linux

package e2e_test

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/intact-dev/intact/pkg/internal/testground"
	"github.com/intact-dev/intact/pkg/internal/testimage"
)

// A clusterGround is a real Kubernetes with real pods, shared by its tests: each
// has namespaces of its own.
type clusterGround struct {
	*ground
	cluster *testground.Cluster
}

func newClusterGround(t *testing.T) *clusterGround {
	t.Helper()
	g := newGround(t)
	c := must(testground.StartCluster(t.Context(), testground.ClusterConfig{Registries: []*testground.Registry{g.registry}}))(t)
	t.Cleanup(func() {
		if t.Failed() {
			t.Log(c.Logs())
		}
		ok(t, c.Close())
	})
	return &clusterGround{g, c}
}

// box pushes an image that runs; variant makes a different one.
func (g *clusterGround) box(t *testing.T, name, variant string) *testimage.Built {
	t.Helper()
	spec := must(testground.Box(t.Context(), variant))(t)
	return must(testground.PushSpec(t.Context(), t.TempDir(), spec, g.registry.Ref(name)))(t)
}

func digestOf(b *testimage.Built) string { return string(b.Root.Descriptor.Digest) }

// A deployment is a workload of one container.
type deployment struct {
	namespace, name, image string
	replicas               int
	pod, container         string // more of the pod's and the container's fields, in flow style
}

func (g *clusterGround) apply(t *testing.T, d deployment) {
	t.Helper()
	ok(t, g.cluster.Apply(t.Context(), fmt.Sprintf(`
apiVersion: v1
kind: Namespace
metadata: {name: %[1]s}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: %[2]s, namespace: %[1]s}
spec:
  replicas: %[4]d
  selector: {matchLabels: {app: %[2]s}}
  template:
    metadata: {labels: {app: %[2]s}}
    spec: {containers: [{name: main, image: %[3]q%[6]s}]%[5]s}
`, d.namespace, d.name, d.image, d.replicas, d.pod, d.container)))
}

// deploy applies d and waits until it runs.
func (g *clusterGround) deploy(t *testing.T, d deployment) {
	t.Helper()
	g.apply(t, d)
	must(g.cluster.WaitReady(t.Context(), d.namespace, "app="+d.name, d.replicas))(t)
}

// hardened are settings that leave nothing open.
const (
	hardenedPod       = `, securityContext: {runAsUser: 1000, runAsGroup: 1000, runAsNonRoot: true}`
	hardenedContainer = `, securityContext: {readOnlyRootFilesystem: true, allowPrivilegeEscalation: false}`
)

// A targetJSON is what the tests read of the targets of a report.
type targetJSON struct {
	Kind, Ref, Image, Container, Inventory, Error string
	Origins                                       []struct {
		Where, Path, Running, Node string
		Line, Column               int
	}
	Results []resultJSON
	Verdict struct{ Decision string }
}

type runningJSON struct {
	Targets     []targetJSON
	Inventories []struct {
		Name string
		Gaps []struct{ What, Cause, Why, Hint string }
	}
}

// A seen is one scan of what runs.
type seen struct {
	scanned
	running runningJSON
}

// look scans what runs in namespaces.
func (g *clusterGround) look(t *testing.T, namespace string, args ...string) seen {
	t.Helper()
	report := filepath.Join(t.TempDir(), "running.json")
	all := []string{"--workloads", "kubernetes", "--format", "json=" + report}
	if !slices.Contains(args, "--kubeconfig") {
		all = append(all, "--kubeconfig", g.cluster.Kubeconfig)
	}
	if namespace != "" {
		all = append(all, "--namespace", namespace)
	}
	s := seen{scanned: g.scan(t, append(all, args...)...)}
	ok(t, json.Unmarshal(must(os.ReadFile(report))(t), &s.running))
	return s
}

// outcome is that of a check on the targets of a kind; several outcomes are
// joined.
func (s seen) outcome(kind, check string) string {
	var out []string
	for _, target := range s.running.Targets {
		for _, r := range target.Results {
			if target.Kind == kind && r.Check == check && !slices.Contains(out, r.Outcome) {
				out = append(out, r.Outcome)
			}
		}
	}
	slices.Sort(out)
	return strings.Join(out, " ")
}

// wants compares outcomes, "image RUN001": "pass", and looks for words in the
// text, in which lines are wrapped.
func (s seen) wants(t *testing.T, code int, outcomes map[string]string, words ...string) {
	t.Helper()
	if s.code != code {
		t.Errorf("exit code %d, want %d", s.code, code)
	}
	for what, want := range outcomes {
		kind, check, _ := strings.Cut(what, " ")
		if got := s.outcome(kind, check); got != want {
			t.Errorf("%s is %q, want %q", what, got, want)
		}
	}
	text := strings.Join(strings.Fields(s.stdout), " ")
	for _, w := range words {
		if !strings.Contains(text, w) {
			t.Errorf("the report lacks %q", w)
		}
	}
	if t.Failed() {
		t.Logf("%s%s", s.stdout, s.stderr)
	}
}

func (g *clusterGround) policy(t *testing.T, text string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "policy.yaml")
	ok(t, os.WriteFile(file, []byte("schema: intact.policy/v1\nname: e2e\n"+text), 0o600))
	return file
}
