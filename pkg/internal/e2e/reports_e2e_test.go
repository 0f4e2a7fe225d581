//go:build e2e && linux

package e2e_test

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/intact-dev/intact/pkg/internal/testground"
)

// A reportForm is an API of policy reports, with its definitions as they are
// published.
type reportForm struct {
	name, resource, cluster, role string
	module, definitions           string
}

var reportForms = []reportForm{
	{"openreports", "reports.openreports.io", "clusterreports.openreports.io", "intact-open-reports", testground.OpenReportsModule, "config/crd/*.yaml"},
	{"wgpolicyk8s", "policyreports.wgpolicyk8s.io", "clusterpolicyreports.wgpolicyk8s.io", "intact-policy-reports", testground.KyvernoModule, "config/crds/policyreport/*.yaml"},
}

// What runs in a real cluster is told there, by a service that has the rights of
// deploy/rbac.yaml and no other.
func TestPolicyReports(t *testing.T) {
	t.Parallel()
	g := newClusterGround(t)
	ok(t, g.cluster.Apply(t.Context(), string(must(os.ReadFile("../../../deploy/rbac.yaml"))(t))))
	for _, form := range reportForms {
		t.Run(form.name, func(t *testing.T) { testPolicyReports(t, g, form) })
	}
}

// A policyReport is what the test reads of one.
type policyReport struct {
	Metadata struct {
		Name, ResourceVersion string
		OwnerReferences       []struct{ Kind, Name, UID string }
	}
	Scope   struct{ APIVersion, Kind, Namespace, Name, UID string }
	Summary map[string]int
	Results []struct {
		Source, Policy, Rule, Result, Severity, Message string
		Properties                                      map[string]string
	}
}

// result is that of a check, of all containers; "" = there is none.
func (r policyReport) result(check string) string {
	for _, one := range r.Results {
		if one.Rule == check {
			return one.Result
		}
	}
	return ""
}

func testPolicyReports(t *testing.T, g *clusterGround, form reportForm) {
	const context = "here"
	ns, user := "told-"+form.name, "watcher-"+form.name
	for _, name := range []string{"signed", "unsigned"} {
		b := g.box(t, ns+"/"+name+":1.0.0", form.name+name)
		image := g.registry.Ref(ns+"/"+name+":1.0.0") + "@" + digestOf(b)
		if name == "signed" {
			ok(t, g.v2.SignV2(t.Context(), g.key, image))
		}
		g.deploy(t, deployment{namespace: ns, name: name, image: image, replicas: 1})
	}
	for _, role := range []string{"intact", form.role} {
		ok(t, g.cluster.Apply(t.Context(), fmt.Sprintf("{apiVersion: rbac.authorization.k8s.io/v1, kind: ClusterRoleBinding, metadata: {name: %s-%s}, "+
			"roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: %[2]s}, subjects: [{kind: User, name: %[1]s}]}", user, role)))
	}
	s := prepare(t, g.ground, "sqlite: intact.db", "0s")
	config := must(os.OpenFile(s.config, os.O_APPEND|os.O_WRONLY, 0))(t)
	_, err := fmt.Fprintf(config, "  watch: [{context: %s, every: 1s, policyReports: %s}]\ncontexts: {%[1]s: {kind: kubernetes, kubeconfig: %[3]q}}\n",
		context, form.name, must(g.cluster.User(user))(t))
	ok(t, err)
	ok(t, config.Close())
	s.run(t, "config", "lint", s.config)
	s.serve(t, freeAddresses(t, 1)[0])

	// Without the API it goes on, and says so once.
	for _, told := range s.place.await(t, context, 2, 30*time.Second) {
		if told.Type == "dev.intact.running.unreported" && !strings.Contains(strings.Join(told.Data.Lines, " "), "install the definitions") {
			t.Errorf("told: %+v", told)
		}
	}
	s.awaitMetric(t, fmt.Sprintf(`intact_policy_reports_total{outcome="failed",place=%q}`, context), 4, 30*time.Second)
	unreported := 0
	for _, told := range s.place.of(context) {
		if told.Type == "dev.intact.running.unreported" {
			unreported++
		}
	}
	if unreported != 1 {
		t.Errorf("told %d times that no reports can be written", unreported)
	}
	dir := must(testground.ModuleDir(t.Context(), form.module))(t)
	definitions := must(filepath.Glob(filepath.Join(dir, form.definitions)))(t)
	if len(definitions) != 2 {
		t.Fatalf("definitions: %q", definitions)
	}
	for _, file := range definitions {
		ok(t, g.cluster.Apply(t.Context(), string(must(os.ReadFile(file))(t))))
	}
	must(g.cluster.Kubectl(t.Context(), "", "wait", "--for=condition=Established", "crd/"+form.resource, "crd/"+form.cluster))(t)

	unsigned := g.awaitReport(t, form, ns, "intact-deployment-unsigned")
	signed := g.awaitReport(t, form, ns, "intact-deployment-signed")
	if unsigned.result("SIG001") != "fail" || signed.result("SIG001") != "pass" || unsigned.Summary["fail"] == 0 || signed.result("RUN001") != "pass" {
		t.Errorf("unsigned: %+v\nsigned: %+v", unsigned, signed)
	}
	uid := must(g.cluster.Kubectl(t.Context(), "", "get", "deployment", "unsigned", "--namespace", ns, "--output", "jsonpath={.metadata.uid}"))(t)
	if sc := unsigned.Scope; sc.Kind != "Deployment" || sc.Name != "unsigned" || sc.Namespace != ns || sc.UID != uid || sc.APIVersion != "apps/v1" || unsigned.Metadata.OwnerReferences[0].UID != uid {
		t.Errorf("it is about %+v", unsigned)
	}
	if out, err := g.cluster.Kubectl(t.Context(), "", "get", form.cluster, "--output", "name"); err != nil || out != "" {
		t.Errorf("all was seen, and there is %q, %v", out, err)
	}

	// What somebody makes nicer is made right, what is of nothing goes, what is
	// another's stays.
	for name, by := range map[string]string{"intact-deployment-gone": "intact", "intact-deployment-theirs": "somebody"} {
		kind := map[string]string{"openreports": "Report", "wgpolicyk8s": "PolicyReport"}[form.name]
		version := map[string]string{"openreports": "openreports.io/v1alpha1", "wgpolicyk8s": "wgpolicyk8s.io/v1alpha2"}[form.name]
		ok(t, g.cluster.Apply(t.Context(), fmt.Sprintf("{apiVersion: %s, kind: %s, metadata: {name: %s, namespace: %s, labels: {app.kubernetes.io/managed-by: %s}}, results: []}",
			version, kind, name, ns, by)))
	}
	must(g.cluster.Kubectl(t.Context(), "", "patch", form.resource, "intact-deployment-unsigned", "--namespace", ns, "--type=merge", "--patch", `{"results":[],"summary":{"fail":0}}`))(t)
	g.awaitObjects(t, form, ns, func(all []policyReport) bool {
		names := map[string]policyReport{}
		for _, r := range all {
			names[r.Metadata.Name] = r
		}
		_, gone := names["intact-deployment-gone"]
		_, theirs := names["intact-deployment-theirs"]
		return !gone && theirs && names["intact-deployment-unsigned"].result("SIG001") == "fail"
	})
	// Nothing changes, so nothing is written.
	before := g.awaitReport(t, form, ns, "intact-deployment-signed").Metadata.ResourceVersion
	unchanged := fmt.Sprintf(`intact_policy_reports_total{outcome="unchanged",place=%q}`, context)
	s.awaitMetric(t, unchanged, s.metric(t, unchanged)+10, 30*time.Second)
	if after := g.awaitReport(t, form, ns, "intact-deployment-signed").Metadata.ResourceVersion; after != before {
		t.Errorf("version %s became %s", before, after)
	}
	must(g.cluster.Kubectl(t.Context(), "", "delete", "deployment", "unsigned", "--namespace", ns))(t)
	g.awaitObjects(t, form, ns, func(all []policyReport) bool { return len(all) == 2 })
}

// awaitObjects waits until the reports of a namespace are as they should be.
func (g *clusterGround) awaitObjects(t *testing.T, form reportForm, namespace string, right func([]policyReport) bool) []policyReport {
	t.Helper()
	for end := time.Now().Add(60 * time.Second); ; time.Sleep(200 * time.Millisecond) {
		out := must(g.cluster.Kubectl(t.Context(), "", "get", form.resource, "--namespace", namespace, "--output", "json"))(t)
		var list struct{ Items []policyReport }
		ok(t, json.Unmarshal([]byte(out), &list))
		if right(list.Items) {
			return list.Items
		}
		if time.Now().After(end) {
			t.Fatalf("the reports are not as they should be:\n%.5000s", out)
		}
	}
}

func (g *clusterGround) awaitReport(t *testing.T, form reportForm, namespace, name string) (found policyReport) {
	t.Helper()
	g.awaitObjects(t, form, namespace, func(all []policyReport) bool {
		for _, r := range all {
			if r.Metadata.Name == name {
				found = r
				return true
			}
		}
		return false
	})
	return found
}

// metric is the value of a series of the last replica; 0 if it is not there.
func (s *serving) metric(t *testing.T, series string) (value float64) {
	t.Helper()
	for line := range strings.Lines(s.get(t, "/metrics", 200)) {
		if rest, found := strings.CutPrefix(line, series+" "); found {
			_, err := fmt.Sscan(rest, &value)
			ok(t, err)
		}
	}
	return value
}

func (s *serving) awaitMetric(t *testing.T, series string, least float64, within time.Duration) {
	t.Helper()
	for end := time.Now().Add(within); s.metric(t, series) < least; time.Sleep(100 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("%s is %v, want %v", series, s.metric(t, series), least)
		}
	}
}
