package policyreport_test

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/intact-dev/intact/pkg/check"
	"github.com/intact-dev/intact/pkg/fact"
	"github.com/intact-dev/intact/pkg/observe"
	"github.com/intact-dev/intact/pkg/policy"
	"github.com/intact-dev/intact/pkg/serve/policyreport"
)

const cart = "shop/intact-deployment-cart"

var (
	passes = result("RUN001", check.Pass, policy.Allow)
	fails  = result("RUN002", check.Fail, policy.Deny, "the tag has moved")
)

func TestOneReportForEachWorkload(t *testing.T) {
	t.Parallel()
	for _, form := range []policyreport.Form{policyreport.OpenReports, policyreport.WGPolicyK8s} {
		c := newCluster(t)
		c.form = form
		c.deployment("shop", "cart", passes, fails)
		c.deployment("shop", "web", passes)
		c.wrote("at first", policyreport.Counts{Written: 2})
		got := c.reports.object(cart)
		kind, _ := form.Kinds()
		if got.APIVersion != kind.APIVersion || got.Kind != kind.Kind || (got.Source == "intact") != (form == policyreport.OpenReports) {
			t.Errorf("%s: %s %s of %q", form, got.APIVersion, got.Kind, got.Source)
		}
		if diff := cmp.Diff(map[string]string{"apiVersion": "apps/v1", "kind": "Deployment", "namespace": "shop", "name": "cart", "uid": "shopcart"}, got.Scope); diff != "" {
			t.Error(diff)
		}
		owner := []map[string]any{{"apiVersion": "apps/v1", "kind": "Deployment", "name": "cart", "uid": "shopcart"}}
		if diff := cmp.Diff(owner, got.Metadata.OwnerReferences); diff != "" {
			t.Error(diff)
		}
		if diff := cmp.Diff(map[string]int{"pass": 1, "fail": 1, "warn": 0, "error": 0, "skip": 0}, got.Summary); diff != "" {
			t.Error(diff)
		}
		r := got.Results[1]
		if r.Rule != "RUN002" || r.Result != "fail" || r.Severity != "high" || r.Message != "the tag has moved" || r.Timestamp.Seconds != 1000 ||
			r.Properties["container"] != "main" || r.Properties["image"] != "example.com/app:1" || r.Properties["fix"] != "do something" {
			t.Errorf("%+v", r)
		}
		if c.reports.object("shop/intact-deployment-web").Summary["pass"] != 1 || len(c.clusterReports.objects) != 0 {
			t.Error("the other workload, or a report that nobody needs")
		}
	}
}

func TestOnlyWhatChangedIsWritten(t *testing.T) {
	t.Parallel()
	c := newCluster(t)
	c.deployment("shop", "cart", passes, fails)
	c.deployment("shop", "web", passes)
	c.wrote("at first", policyreport.Counts{Written: 2})
	c.reports.calls = nil
	c.now = c.now.Add(1000)
	c.wrote("the same", policyreport.Counts{Unchanged: 2})
	if len(c.reports.calls) != 0 {
		t.Errorf("asked for %q", c.reports.calls)
	}
	// Somebody adds notes of their own, which is fine, and makes it a pass.
	c.reports.edit(cart, func(o map[string]any) {
		o["metadata"].(map[string]any)["annotations"].(map[string]any)["theirs"] = "kept"
	})
	c.wrote("with a note", policyreport.Counts{Unchanged: 2})
	c.reports.edit(cart, func(o map[string]any) { o["results"].([]any)[1].(map[string]any)["result"] = "pass" })
	c.now = c.now.Add(1000 * 1e9)
	c.wrote("forged", policyreport.Counts{Unchanged: 1, Written: 1})
	got := c.reports.object(cart)
	if got.Results[1].Result != "fail" || got.Metadata.Annotations["theirs"] != "kept" {
		t.Errorf("%+v", got)
	}
	if got.Results[0].Timestamp.Seconds != 1000 || got.Results[1].Timestamp.Seconds != 2000 {
		t.Errorf("told since %d and %d", got.Results[0].Timestamp.Seconds, got.Results[1].Timestamp.Seconds)
	}
	c.reports.edit(cart, func(o map[string]any) { o["results"] = "no list" })
	c.wrote("broken", policyreport.Counts{Unchanged: 1, Written: 1})
	c.report.Policy.Digest = "sha256:bb"
	c.wrote("by another policy", policyreport.Counts{Written: 2})
}

func TestReportsOfWhatIsGoneAreRemoved(t *testing.T) {
	t.Parallel()
	c := newCluster(t)
	c.deployment("shop", "cart", passes)
	c.deployment("shop", "web", passes)
	c.reports.put("shop/other", map[string]any{"metadata": map[string]any{"namespace": "shop", "name": "other", "labels": map[string]any{"app.kubernetes.io/managed-by": "kyverno"}}})
	c.reports.put("shop/theirs", map[string]any{"metadata": map[string]any{"namespace": "shop", "name": "theirs", "labels": map[string]any{"app.kubernetes.io/managed-by": "intact"}}})
	c.wrote("at first", policyreport.Counts{Written: 2})

	for _, gap := range []observe.Gap{
		{What: observe.PodsOf("shop"), Cause: fact.Forbidden, Why: "may not"},
		{What: observe.AllPods, Cause: fact.CutShort, Why: "the answer ends early"},
		{What: "nodes", Cause: fact.Forbidden, Why: "may not"},
	} {
		c.clear()
		c.deployment("shop", "web", passes)
		c.gaps = []observe.Gap{gap}
		if _, err := c.write(); err != nil {
			t.Error(err)
		}
		if c.reports.objects[cart] == nil {
			t.Fatalf("not seen: %s; and its report is removed", gap.What)
		}
		web, all := c.reports.object("shop/intact-deployment-web"), c.clusterReports.object("/intact-inventory")
		if hides := gap.What != "nodes"; (web.Summary["error"] == 1) != hides || web.Summary["pass"] != 1 {
			t.Errorf("not seen: %s; what was seen has %v", gap.What, web.Summary)
		}
		if all.Summary["error"] != 1 || !strings.Contains(all.Results[0].Message, gap.Why) || all.Results[0].Rule != "inventory" {
			t.Errorf("of the cluster: %+v", all)
		}
	}
	c.clear()
	c.deployment("shop", "web", passes)
	c.err = errors.New("connection refused")
	if counts, err := c.write(); err != nil || counts.Removed > 0 || c.reports.object("shop/intact-deployment-web").Summary["error"] != 1 {
		t.Errorf("lost on the way: %+v, %v", counts, err)
	}
	c.clear()
	c.deployment("shop", "web", passes)
	c.gaps = []observe.Gap{{What: `node "n1"`, Cause: fact.Network, Why: "its kubelet has stopped reporting"}}
	c.wrote("but for a node", policyreport.Counts{Written: 2, Removed: 1})
	c.clear()
	c.deployment("shop", "web", passes)
	c.wrote("seen whole", policyreport.Counts{Unchanged: 1, Removed: 1}) // the one of the cluster
	if c.reports.objects[cart] != nil || c.reports.objects["shop/other"] == nil || c.reports.objects["shop/theirs"] == nil {
		t.Errorf("left is %d", len(c.reports.objects))
	}
}

// What others do at the same time is not undone, and not taken for ours.
func TestOthersWriteToo(t *testing.T) {
	t.Parallel()
	c := newCluster(t)
	c.deployment("shop", "cart", fails)
	foreign := func() map[string]any {
		return map[string]any{"metadata": map[string]any{"namespace": "shop", "name": "intact-deployment-cart"}, "results": []any{}}
	}
	c.reports.put(cart, foreign())
	if counts, err := c.write(); err == nil || !strings.Contains(err.Error(), "left as it is") || counts.Failed != 1 || len(c.reports.object(cart).Results) != 0 {
		t.Errorf("one of another program: %+v, %v", counts, err)
	}
	delete(c.reports.objects, cart)
	// Another replica is faster.
	c.reports.fault = func(call string) error {
		if call == "POST "+cart {
			c.reports.fault = nil
			_, err := c.reports.Send(t.Context(), http.MethodPost, "shop", "intact-deployment-cart", []byte(`{"metadata":{"namespace":"shop","name":"intact-deployment-cart","labels":{"app.kubernetes.io/managed-by":"intact"}}}`))
			return err
		}
		return nil
	}
	c.wrote("made meanwhile", policyreport.Counts{Written: 1})
	changes := 0
	c.reports.fault = func(call string) error {
		if strings.HasPrefix(call, "PUT") {
			changes++
			c.reports.edit(cart, func(o map[string]any) { o["theirs"] = changes })
		}
		return nil
	}
	c.clear()
	c.deployment("shop", "cart", passes)
	if counts, err := c.write(); err == nil || counts.Failed != 1 || changes != 4 {
		t.Errorf("always changed: %+v after %d, %v", counts, changes, err)
	}
	c.reports.fault = func(call string) error {
		if strings.HasPrefix(call, "PUT") {
			delete(c.reports.objects, cart)
		}
		return nil
	}
	c.wrote("removed meanwhile", policyreport.Counts{})
	c.reports.fault = nil
	c.wrote("made anew", policyreport.Counts{Written: 1})
	c.clear()
	c.reports.fault = func(string) error {
		c.reports.edit(cart, func(o map[string]any) { o["theirs"] = "now" })
		return nil
	}
	if counts, err := c.write(); err != nil || counts.Removed != 0 || c.reports.objects[cart] == nil {
		t.Errorf("changed while it is removed: %+v, %v", counts, err)
	}
}

func TestWritingFails(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		list  error
		fault error
		want  string // "" = nothing is wrong
		calls int
	}{
		"no such API":        {list: answered(http.StatusNotFound), want: "the cluster has no reports (openreports.io/v1alpha1): install"},
		"may not list":       {list: answered(http.StatusForbidden), want: "403"},
		"may not write":      {fault: answered(http.StatusForbidden), want: "403", calls: 10},
		"invalid":            {fault: answered(http.StatusUnprocessableEntity), want: "422", calls: 10},
		"no connection":      {fault: errors.New("connection refused"), want: "connection refused", calls: 10},
		"no such namespace":  {fault: answered(http.StatusNotFound), calls: 20},
		"namespace is going": {fault: fmt.Errorf("%w: unable to create new content in namespace shop because it is being terminated", answered(http.StatusForbidden)), calls: 20},
	} {
		c := newCluster(t)
		for i := range 20 {
			c.deployment("shop", fmt.Sprintf("app-%02d", i), passes)
		}
		c.reports.listErr, c.reports.fault = tt.list, func(string) error { return tt.fault }
		counts, err := c.write()
		if (err == nil) != (tt.want == "") || err != nil && !strings.Contains(err.Error(), tt.want) || (counts.Failed > 0) != (err != nil) {
			t.Errorf("%s: %+v, %v", name, counts, err)
		}
		if len(c.reports.calls) != tt.calls {
			t.Errorf("%s: %d requests", name, len(c.reports.calls))
		}
		if again, e := c.write(); again.Failed != counts.Failed || fmt.Sprint(e) != fmt.Sprint(err) {
			t.Errorf("%s: then %v, now %v", name, err, e)
		}
	}
	c := newCluster(t)
	c.target(nil, "prod/a/shop/Deployment/unseen")
	if _, err := c.write(); err == nil || !strings.Contains(err.Error(), "unseen") {
		t.Errorf("a workload that nobody saw: %v", err)
	}
}

func TestNames(t *testing.T) {
	t.Parallel()
	c := newCluster(t)
	long := strings.Repeat("a", 250)
	var names []string
	for _, w := range []observe.Workload{
		{Kind: "Deployment", Name: "cart"}, {Kind: "Deployment", Name: long}, {Kind: "DaemonSet", Name: "cart"}, {Kind: "Helm release", Name: "cart"},
		{Kind: "Deployment", Name: "a..b"}, {Kind: "We-ird", Name: "cart"}, {Kind: "x/y", Name: "../z"}, {},
		{Kind: "Service", Name: "s", APIVersion: "a/v1", UID: "1"}, {Kind: "Service", Name: "s", APIVersion: "b/v1", UID: "2"},
	} {
		c.containers = append(c.containers, observe.Container{Namespace: "shop", Pod: "web-0", Spec: &observe.Spec{}, Workload: w})
		if w.Kind == "" {
			w.Kind, w.Name = "Pod", "web-0"
		}
		names = append(names, "prod/a/shop/"+w.Kind+"/"+w.Name)
	}
	c.target([]reportResult{passes}, names...)
	c.wrote("all", policyreport.Counts{Written: 9})
	for key := range c.reports.objects {
		if name := strings.TrimPrefix(key, "shop/"); len(name) > 253 || strings.ContainsAny(name, "/ ") || !strings.HasPrefix(name, "intact-") {
			t.Errorf("name %q", name)
		}
	}
	if s := c.reports.object("shop/intact-pod-web-0").Scope; s["kind"] != "Pod" || s["apiVersion"] != "v1" {
		t.Errorf("a pod by itself: %v", s)
	}
	if o := c.reports.object("shop/intact-service-s"); o.Scope["uid"] != "" || len(o.Metadata.OwnerReferences) != 0 {
		t.Errorf("two of one name: %+v", o)
	}
	c.wrote("the same", policyreport.Counts{Unchanged: 9})
}

func TestAReportThatIsTooLarge(t *testing.T) {
	t.Parallel()
	c := newCluster(t)
	var all []reportResult
	for i := range 3000 {
		all = append(all, result(fmt.Sprintf("RUN%04d", i), check.Fail, policy.Warn, strings.Repeat("x", 990)), result(fmt.Sprintf("ZUN%04d", i), check.Pass, policy.Allow))
	}
	all = append(all, result("ZZZ001", check.Fail, policy.Deny, "the worst"))
	c.deployment("shop", "cart", all...)
	c.wrote("at first", policyreport.Counts{Written: 1})
	got := c.reports.object(cart)
	if size := len(c.reports.json(got)); size > 3<<19 || got.Summary["warn"] != 3000 || got.Summary["pass"] != 3000 || got.Summary["error"] != 1 {
		t.Errorf("%d bytes, %v", size, got.Summary)
	}
	rules := map[string]string{}
	for _, r := range got.Results {
		rules[r.Rule] = r.Message
	}
	if rules["ZZZ001"] != "the worst" || !strings.Contains(rules["report"], "do not fit") {
		t.Errorf("%q, %q", rules["ZZZ001"], rules["report"])
	}
	c.wrote("the same", policyreport.Counts{Unchanged: 1})
	if slices.ContainsFunc(c.reports.calls, func(s string) bool { return strings.HasPrefix(s, "PUT") }) {
		t.Error("written again")
	}
}
