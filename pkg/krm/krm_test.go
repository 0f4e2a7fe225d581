package krm_test

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/intact-dev/intact/pkg/check"
	"github.com/intact-dev/intact/pkg/extract/kubernetes"
	"github.com/intact-dev/intact/pkg/fact"
	"github.com/intact-dev/intact/pkg/krm"
	"github.com/intact-dev/intact/pkg/policy"
	"github.com/intact-dev/intact/pkg/report"
	"github.com/intact-dev/intact/pkg/report/reporttest"
	"sigs.k8s.io/kustomize/kyaml/kio"
	"sigs.k8s.io/kustomize/kyaml/yaml"
)

const list = `apiVersion: config.kubernetes.io/v1
kind: ResourceList
functionConfig:
  apiVersion: intact.dev/v1
  kind: Intact
  metadata: {name: images}
  spec:
    policy: strict
    depth: manifest
items:
- apiVersion: v1
  kind: Service
  metadata:
    name: web
    annotations:
      internal.config.kubernetes.io/index: "0"
      internal.config.kubernetes.io/path: "deploy/web.yaml"
  spec: # a comment
    ports:
    - port: 80
- apiVersion: apps/v1
  kind: Deployment
  metadata:
    name: web
    namespace: shop
    annotations:
      internal.config.kubernetes.io/index: "1"
      internal.config.kubernetes.io/path: "deploy/web.yaml"
  spec:
    template:
      spec:
        initContainers:
        - name: init
          image: docker.io/library/busybox
        containers:
        - name: web
          image: "ghcr.io/acme/web:2" # kept
- apiVersion: batch/v1
  kind: Job
  metadata:
    name: one
  spec:
    template:
      spec:
        containers:
        - name: one
          image: ghcr.io/acme/one@sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa
results:
- message: of an earlier function
  severity: info
`

func read(t testing.TB, text string) *krm.List {
	t.Helper()
	l, err := krm.Read(strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func TestItemsAndWhatTheyDeclare(t *testing.T) {
	t.Parallel()
	l := read(t, list)
	want := []krm.Item{
		{APIVersion: "v1", Kind: "Service", Name: "web", Path: "deploy/web.yaml"},
		{APIVersion: "apps/v1", Kind: "Deployment", Namespace: "shop", Name: "web", Path: "deploy/web.yaml", Index: 1},
		{APIVersion: "batch/v1", Kind: "Job", Name: "one"},
	}
	if d := cmp.Diff(want, l.Items()); d != "" {
		t.Error(d)
	}
	got := l.Extract(kubernetes.Extractor{})
	var found []string
	for _, f := range got.Found {
		found = append(found, f.Origin.Where+" "+f.Origin.Path+" "+f.Raw)
	}
	if d := cmp.Diff([]string{
		"deploy/web.yaml spec.template.spec.initContainers[0].image docker.io/library/busybox",
		"deploy/web.yaml spec.template.spec.containers[0].image ghcr.io/acme/web:2",
		"resources.yaml spec.template.spec.containers[0].image ghcr.io/acme/one@sha256:" + strings.Repeat("a", 64),
	}, found); d != "" || len(got.Problems) > 0 {
		t.Errorf("%s %v", d, got.Problems)
	}
	config, err := l.Config()
	if d := cmp.Diff(map[string]string{"policy": "strict", "depth": "manifest"}, config); d != "" || err != nil {
		t.Errorf("%v %s", err, d)
	}
}

// reported is a report on what l declares, in which each reference fails a check.
func reported(l *krm.List) *report.Report {
	r := &report.Report{Verdict: policy.Deny, Policy: report.Policy{Name: "strict@1"}, Counts: report.Counts{Deny: 2, Warn: 1}}
	for i, f := range l.Extract(kubernetes.Extractor{}).Found {
		level, decision := policy.LevelDeny, policy.Deny
		if i == 2 {
			level, decision = policy.LevelWarn, policy.Warn
		}
		r.Targets = append(r.Targets, report.Target{
			Kind: f.Kind, Ref: f.Raw, Container: f.Container, Origins: report.OriginsOf(report.Origin{Origin: f.Origin}), Verdict: policy.Verdict{Decision: decision},
			Results: []*report.Result{reporttest.Result("REF001", check.Fail, level, decision, reporttest.Findings(check.Finding{Message: fmt.Sprintf("%q has no digest", f.Raw), Fix: "write one"}))},
		})
	}
	r.Targets = append(r.Targets, report.Target{Kind: report.KindGap, Ref: "x", Results: []*report.Result{
		reporttest.Result("DIG001", check.Undecided, policy.LevelDeny, policy.Undecided, reporttest.Because(fact.Limit, "too large")),
		reporttest.Result("REF001", check.Undecided, policy.LevelDeny, policy.Undecided, reporttest.Because(fact.Limit, "too large"))}})
	return r
}

func TestResultsStandAtTheirResources(t *testing.T) {
	t.Parallel()
	l := read(t, list)
	var got []string
	for _, r := range l.Results(reported(l)) {
		line := r.String()
		if r.File != nil {
			line += fmt.Sprintf(" (%s, %d)", r.File.Path, r.File.Index)
		}
		got = append(got, line)
	}
	want := []string{
		`[error] apps/v1/Deployment/shop/web spec.template.spec.initContainers[0].image: REF001 "docker.io/library/busybox" has no digest; fix: write one (deploy/web.yaml, 1)`,
		`[error] apps/v1/Deployment/shop/web spec.template.spec.containers[0].image: REF001 "ghcr.io/acme/web:2" has no digest; fix: write one (deploy/web.yaml, 1)`,
		"[error]: x: not examined (limit): too large; not decided: DIG001 REF001",
		`[warning] batch/v1/Job/one spec.template.spec.containers[0].image: REF001 "ghcr.io/acme/one@sha256:` + strings.Repeat("a", 64) + `" has no digest; fix: write one`,
		"[info]: denied: 2 deny, 1 warn, 0 undecided, 0 pass, 0 not asked; policy strict@1",
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
}

// What goes out is what came in, with comments and annotations, and results
// behind those that were there.
func TestWriteChangesNoItem(t *testing.T) {
	t.Parallel()
	l := read(t, list)
	var out bytes.Buffer
	if err := l.Write(&out, nil); err != nil {
		t.Fatal(err)
	}
	items := func(s string) string {
		a, b := strings.Index(s, "items:"), strings.Index(s, "results:")
		if a < b {
			return s[a:b]
		}
		return s[a:]
	}
	config := strings.Index(out.String(), "functionConfig:")
	if d := cmp.Diff(strings.ReplaceAll(items(list), `path: "deploy/web.yaml"`, "path: deploy/web.yaml"), strings.ReplaceAll(items(out.String()[:config]), `path: "deploy/web.yaml"`, "path: deploy/web.yaml")); d != "" {
		t.Errorf("the items changed: %s", d)
	}
	if !strings.Contains(out.String(), "# kept") || !strings.Contains(out.String(), "# a comment") || !strings.Contains(out.String(), "of an earlier function") {
		t.Errorf("something is lost:\n%s", out.String())
	}
	out.Reset()
	if err := l.Write(&out, l.Results(reported(l))); err != nil {
		t.Fatal(err)
	}
	back := kio.ByteReadWriter{Reader: &out, OmitReaderAnnotations: true}
	nodes, err := back.Read()
	if err != nil {
		t.Fatal(err)
	}
	var messages []string
	for _, n := range back.Results.Content() {
		messages = append(messages, yaml.NewRNode(n).Field("severity").Value.YNode().Value)
	}
	if d := cmp.Diff([]string{"info", "error", "error", "error", "warning", "info"}, messages); d != "" || len(nodes) != 3 {
		t.Errorf("%d items, results %s", len(nodes), d)
	}
}

func TestConfigMapAndMistakes(t *testing.T) {
	t.Parallel()
	head := "apiVersion: config.kubernetes.io/v1\nkind: ResourceList\nitems: []\nfunctionConfig:\n"
	for name, tt := range map[string]struct {
		config string
		want   map[string]string
		err    string
	}{
		"config map": {"  {apiVersion: v1, kind: ConfigMap, data: {policy: audit}}\n", map[string]string{"policy": "audit"}, ""},
		"nothing":    {"  {apiVersion: v1, kind: ConfigMap}\n", nil, ""},
		"null":       {"  null\n", nil, ""},
		"list":       {"  {kind: X, spec: [a]}\n", nil, "spec is no mapping"},
		"deep":       {"  {kind: X, spec: {policy: {a: b}}}\n", nil, "spec.policy is no text"},
		"twice":      {"  kind: X\n  spec:\n    policy: a\n    policy: b\n", nil, "twice"},
	} {
		l, err := krm.Read(strings.NewReader(head + tt.config))
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		got, err := l.Config()
		if tt.err != "" {
			if err == nil || !strings.Contains(err.Error(), tt.err) {
				t.Errorf("%s: %v", name, err)
			}
			continue
		}
		if d := cmp.Diff(tt.want, got); d != "" || err != nil {
			t.Errorf("%s: %v %s", name, err, d)
		}
	}
}

func TestReadSaysWhatIsWrong(t *testing.T) {
	t.Parallel()
	item := func(annotations string) string {
		return "apiVersion: config.kubernetes.io/v1\nkind: ResourceList\nitems:\n- {apiVersion: v1, kind: Pod, metadata: {name: a, annotations: {" + annotations + "}}}\n"
	}
	for name, tt := range map[string]struct{ in, want string }{
		"nothing":        {"", "kind is not ResourceList"},
		"a manifest":     {"apiVersion: v1\nkind: Pod\nmetadata: {name: a}\n", "kind is not ResourceList"},
		"broken":         {"apiVersion: [\n", "read resource list: "},
		"a version":      {"apiVersion: config.kubernetes.io/v9\nkind: ResourceList\nitems: []\n", `unknown apiVersion "config.kubernetes.io/v9"`},
		"a text":         {"apiVersion: config.kubernetes.io/v1\nkind: ResourceList\nitems: [a]\n", "items[0]: it is no object"},
		"a path upwards": {item("internal.config.kubernetes.io/path: ../x.yaml"), `path annotation "../x.yaml"`},
		"a whole path":   {item("config.kubernetes.io/path: /etc/passwd"), `path annotation "/etc/passwd"`},
		"an index":       {item("internal.config.kubernetes.io/index: x"), "items[0]: "},
	} {
		if _, err := krm.Read(strings.NewReader(tt.in)); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := krm.Read(strings.NewReader(strings.Repeat("# x\n", 9<<20))); err == nil || !strings.Contains(err.Error(), "size of a resource list exceeds the limit of 33554432") {
		t.Errorf("a large one: %v", err)
	}
}

// An anchor in one item that another uses leaves that one unread, not unseen.
func TestAnAnchorOfAnotherItemIsAProblem(t *testing.T) {
	t.Parallel()
	l := read(t, `apiVersion: config.kubernetes.io/v1
kind: ResourceList
items:
- {apiVersion: v1, kind: Pod, metadata: {name: a}, spec: &s {containers: [{name: a, image: a}]}}
- {apiVersion: v1, kind: Pod, metadata: {name: b}, spec: *s}
`)
	got := l.Extract(kubernetes.Extractor{})
	if len(got.Found) != 1 || len(got.Problems) != 1 || !strings.Contains(got.Problems[0].Why, `Pod "b" has an alias "s" of what is in another resource`) {
		t.Fatalf("%+v", got)
	}
	r := &report.Report{Targets: []report.Target{{Kind: report.KindGap, Origins: report.OriginsOf(report.Origin{Origin: got.Problems[0].Origin}), Results: []*report.Result{
		reporttest.Result("REF001", check.Undecided, policy.LevelDeny, policy.Undecided, reporttest.Because(got.Problems[0].Cause, got.Problems[0].Why))}}}}
	if res := l.Results(r)[0]; res.Severity != "error" || res.ResourceRef == nil || res.ResourceRef.Name != "b" {
		t.Errorf("%s", res)
	}
}

func FuzzRead(f *testing.F) {
	f.Add([]byte(list))
	f.Add([]byte("apiVersion: config.kubernetes.io/v1\nkind: ResourceList\nitems: {a: b}\nfunctionConfig: 1\n"))
	f.Add([]byte("kind: List\nitems: [&a {b: *a}]\n"))
	f.Fuzz(func(t *testing.T, b []byte) {
		l, err := krm.Read(bytes.NewReader(b))
		if err != nil {
			return
		}
		_, _ = l.Config()
		_ = l.Write(&bytes.Buffer{}, l.Results(reported(l)))
	})
}
