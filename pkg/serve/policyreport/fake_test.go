package policyreport_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"testing"
	"time"

	"github.com/intact-dev/intact/pkg/check"
	"github.com/intact-dev/intact/pkg/fact"
	"github.com/intact-dev/intact/pkg/observe"
	"github.com/intact-dev/intact/pkg/policy"
	"github.com/intact-dev/intact/pkg/ref"
	"github.com/intact-dev/intact/pkg/report"
	"github.com/intact-dev/intact/pkg/serve/policyreport"
)

// An object is a report as the server keeps it.
type object struct {
	APIVersion, Kind string
	Metadata         struct {
		Name, Namespace, UID, ResourceVersion string
		Labels, Annotations                   map[string]string
		OwnerReferences                       []map[string]any
	}
	Source  string
	Scope   map[string]string
	Summary map[string]int
	Results []struct {
		Rule, Result, Severity, Message string
		Timestamp                       struct{ Seconds int64 }
		Properties                      map[string]string
	}
}

// A fake is a server of one kind of objects.
type fake struct {
	t       *testing.T
	objects map[string]map[string]any // by namespace/name
	version int
	calls   []string // but lists
	listErr error
	// fault answers a request in the place of the server, if it returns an error.
	fault func(call string) error
}

type answered int

func (a answered) Error() string { return fmt.Sprintf("the server answered %d", int(a)) }
func (a answered) Status() int   { return int(a) }

func newFake(t *testing.T) *fake { return &fake{t: t, objects: map[string]map[string]any{}} }

func (f *fake) List(_ context.Context, selector string, each func([]byte) error) error {
	if selector != "app.kubernetes.io/managed-by=intact" {
		f.t.Errorf("selector %q", selector)
	}
	for _, o := range f.objects {
		labels, _ := o["metadata"].(map[string]any)["labels"].(map[string]any)
		if labels["app.kubernetes.io/managed-by"] != "intact" {
			continue
		}
		for range 2 { // it may come twice
			if err := each(f.json(o)); err != nil {
				return err
			}
		}
	}
	return f.listErr
}

func (f *fake) Send(_ context.Context, method, namespace, name string, body []byte) ([]byte, error) {
	key := namespace + "/" + name
	f.calls = append(f.calls, method+" "+key)
	if f.fault != nil {
		if err := f.fault(method + " " + key); err != nil {
			return nil, err
		}
	}
	was, there := f.objects[key]
	var in map[string]any
	if len(body) > 0 {
		if err := json.Unmarshal(body, &in); err != nil {
			f.t.Fatal(err)
		}
	}
	switch {
	case method == http.MethodPost && there:
		return nil, answered(http.StatusConflict)
	case method != http.MethodPost && !there:
		return nil, answered(http.StatusNotFound)
	case method == http.MethodGet:
		return f.json(was), nil
	case method == http.MethodDelete:
		if f.stale(in["preconditions"], was) {
			return nil, answered(http.StatusConflict)
		}
		delete(f.objects, key)
		return []byte("{}"), nil
	case method == http.MethodPut && f.stale(in["metadata"], was):
		return nil, answered(http.StatusConflict)
	}
	f.put(key, in)
	return body, nil
}

func (f *fake) put(key string, o map[string]any) {
	f.version++
	o["metadata"].(map[string]any)["resourceVersion"] = strconv.Itoa(f.version)
	o["metadata"].(map[string]any)["uid"] = "uid of " + key
	f.objects[key] = o
}

// edit is somebody else's change.
func (f *fake) edit(key string, change func(map[string]any)) {
	var o map[string]any
	if err := json.Unmarshal(f.json(f.objects[key]), &o); err != nil {
		f.t.Fatal(err)
	}
	change(o)
	f.put(key, o)
}

func (f *fake) stale(claim any, was map[string]any) bool {
	return claim.(map[string]any)["resourceVersion"] != was["metadata"].(map[string]any)["resourceVersion"]
}

func (f *fake) json(v any) []byte {
	b, err := json.Marshal(v)
	if err != nil {
		f.t.Fatal(err)
	}
	return b
}

func (f *fake) object(key string) object {
	f.t.Helper()
	if f.objects[key] == nil {
		f.t.Fatalf("there is no %s", key)
	}
	var o object
	if err := json.Unmarshal(f.json(f.objects[key]), &o); err != nil {
		f.t.Fatal(err)
	}
	return o
}

// A cluster is what an observer sees, and what a scan says of it.
type cluster struct {
	t          *testing.T
	form       policyreport.Form
	containers []observe.Container
	gaps       []observe.Gap
	err        error
	report     report.Report

	reports, clusterReports *fake
	now                     time.Time
}

func newCluster(t *testing.T) *cluster {
	return &cluster{
		t: t, form: policyreport.OpenReports, reports: newFake(t), clusterReports: newFake(t), now: time.Unix(1000, 0),
		report: report.Report{Policy: report.Policy{Name: "p", Digest: "sha256:aa"}},
	}
}

func (c *cluster) Observe(_ context.Context, yield func(observe.Container)) (observe.Inventory, error) {
	for _, o := range c.containers {
		yield(o)
	}
	return observe.Inventory{Gaps: c.gaps}, c.err
}

// deployment adds a workload with one container and what is said of it.
func (c *cluster) deployment(namespace, name string, results ...report.Result) *report.Target {
	c.containers = append(c.containers, observe.Container{Namespace: namespace, Pod: name + "-x", Spec: &observe.Spec{}, Workload: observe.Workload{
		Kind: "Deployment", Name: name, APIVersion: "apps/v1", UID: namespace + name,
	}})
	return c.target(results, "prod/a/"+namespace+"/Deployment/"+name)
}

// target adds what is said of a container of workloads.
func (c *cluster) target(results []report.Result, workloads ...string) *report.Target {
	var at []report.Origin
	for _, w := range workloads {
		at = append(at, report.Origin{Origin: ref.Origin{Kind: "kubernetes", Where: w, Path: "pod-1"}}, report.Origin{Origin: ref.Origin{Kind: "kubernetes", Where: w, Path: "pod-2"}})
	}
	var shared []*report.Result
	for i := range results {
		shared = append(shared, &results[i])
	}
	c.report.Targets = append(c.report.Targets, report.Target{
		Kind: ref.KindImage, Ref: "example.com/app:1", Container: "main", Inventory: "prod/a", Results: shared, Origins: report.OriginsOf(at...),
	})
	return &c.report.Targets[len(c.report.Targets)-1]
}

func (c *cluster) clear() {
	c.containers, c.report.Targets, c.report.Images, c.gaps, c.err = nil, nil, nil, nil, nil
	c.reports.calls, c.clusterReports.calls = nil, nil
}

// write is one pass.
func (c *cluster) write() (policyreport.Counts, error) {
	c.t.Helper()
	c.report.Inventories = []report.Inventory{{Name: "prod/a"}, {Name: "other", Gaps: []report.Gap{{What: "another cluster"}}}}
	for _, g := range c.gaps {
		c.report.Inventories[0].Gaps = append(c.report.Inventories[0].Gaps, report.Gap(g))
	}
	if c.err != nil { // as a scan has it
		c.report.Inventories[0].Gaps = append(c.report.Inventories[0].Gaps, report.Gap{What: "the rest of the inventory", Why: c.err.Error()})
	}
	seen := policyreport.See(c)
	_, _ = seen.Observe(c.t.Context(), func(observe.Container) {})
	w := &policyreport.Writer{Form: c.form, Place: "prod/a", Reports: c.reports, ClusterReports: c.clusterReports}
	return w.Write(c.t.Context(), &c.report, seen, c.now)
}

// wrote writes and compares what became of reports.
func (c *cluster) wrote(what string, want policyreport.Counts) {
	c.t.Helper()
	if got, err := c.write(); err != nil || got != want {
		c.t.Errorf("%s: %+v, want %+v; %v", what, got, want, err)
	}
}

func result(id string, o check.Outcome, d policy.Decision, messages ...string) report.Result {
	r := report.Result{Result: check.Result{Check: id, Outcome: o}, Decision: d}
	if d == policy.Warn {
		r.Level = policy.LevelWarn
	}
	if o == check.Undecided {
		r.Cause, r.Why = fact.Network, "no answer"
	}
	for _, m := range messages {
		r.Findings = append(r.Findings, check.Finding{Message: m, Fix: "do something"})
	}
	return r
}
