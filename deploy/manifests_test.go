package deploy

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/intact-dev/intact/pkg/config"
	"github.com/intact-dev/intact/pkg/serve/ops"
)

const pinned = "image: {digest: \"" + unset + "\"}\n"

// A variant is one way to deploy, in both kinds of files.
type variant struct {
	name     string
	overlays []string
	files    map[string]string // further ones for kustomize
	values   []string
	set      string
}

func variants() []variant {
	watch := "apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\nresources: [../base]\ncomponents: [../watch%s]\n"
	watching := func(components, values string) variant {
		return variant{name: "watch", overlays: []string{"watching", "init"}, files: map[string]string{"/watching/kustomization.yaml": fmt.Sprintf(watch, components)},
			set: pinned + "watch: {enabled: true" + values + "}\n"}
	}
	return []variant{
		{name: "sqlite", overlays: []string{"base", "init"}, set: pinned},
		{name: "postgres", overlays: []string{"postgres", "postgres-init"}, values: []string{"values-postgres.yaml"}, set: pinned},
		watching("", ""),
		watching(", ../reports-openreports", ", policyReports: openreports"),
		watching(", ../reports-wgpolicyk8s", ", policyReports: wgpolicyk8s"),
	}
}

func (v variant) kustomize(t *testing.T) map[string]object {
	t.Helper()
	return kustomize(t, v.files, v.overlays...)
}

// What the two kinds of files make is the same, but for names and notes.
func TestHelmAndKustomizeMakeTheSame(t *testing.T) {
	t.Parallel()
	for _, v := range variants() {
		want, got := map[string]any{}, map[string]any{}
		for key, o := range v.kustomize(t) {
			if o.text("kind") != "PersistentVolumeClaim" { // the chart makes none
				want[key] = essence(t, o)
			}
		}
		for key, o := range helm(t, v.set, v.values...) {
			// There may be several releases in a cluster.
			key = strings.Replace(key, "ClusterRoleBinding/intact-intact", "ClusterRoleBinding/intact", 1)
			got[key] = essence(t, o)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-kustomize +helm):\n%s", v.name, diff)
		}
	}
}

// essence is what an object does: all but its metadata, in one order.
func essence(t *testing.T, o object) any {
	t.Helper()
	delete(o, "metadata")
	if o.text("kind") == "ConfigMap" {
		c := loadConfig(t, o)
		return fmt.Sprintf("%+v %+v %v", c.Ledger, c.Serve.Endpoints[0].Auth, o["immutable"])
	}
	return sorted(map[string]any(o))
}

// sorted sorts lists of named things, whose order says nothing.
func sorted(v any) any {
	switch v := v.(type) {
	case map[string]any:
		for k := range v {
			v[k] = sorted(v[k])
		}
	case []any:
		for i := range v {
			v[i] = sorted(v[i])
		}
		slices.SortStableFunc(v, func(a, b any) int { return strings.Compare(nameOf(a), nameOf(b)) })
	}
	return v
}

func nameOf(v any) string {
	m, _ := v.(map[string]any)
	name, _ := m["name"].(string)
	return name
}

func loadConfig(t *testing.T, o object) *config.Config {
	t.Helper()
	text := o.text("data", "config.yaml")
	c, err := config.Load("/etc/intact/config.yaml", func(string) ([]byte, error) { return []byte(text), nil })
	if err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	if c.Serve == nil || len(c.Serve.Endpoints) == 0 {
		t.Fatalf("the config serves nothing:\n%s", text)
	}
	return c
}

// What every pod has, whatever else is changed.
func TestPodsMayDoLittle(t *testing.T) {
	t.Parallel()
	pods := 0
	for _, v := range variants() {
		for key, o := range v.kustomize(t) {
			if o.text("kind") != "Deployment" && o.text("kind") != "Job" {
				continue
			}
			pods++
			spec := func(keys ...any) any { return o.at(append([]any{"spec", "template", "spec"}, keys...)...) }
			want := map[string]any{
				"securityContext.runAsNonRoot":        true,
				"securityContext.runAsUser":           float64(65532),
				"securityContext.seccompProfile.type": "RuntimeDefault",
				"enableServiceLinks":                  false,
			}
			if v.name != "watch" || o.text("kind") == "Job" {
				want["automountServiceAccountToken"] = false
			}
			for at, w := range want {
				var keys []any
				for k := range strings.SplitSeq(at, ".") {
					keys = append(keys, k)
				}
				if got := spec(keys...); got != w {
					t.Errorf("%s: %s: %s is %v", v.name, key, at, got)
				}
			}
			if diff := cmp.Diff(map[string]any{"allowPrivilegeEscalation": false, "privileged": false, "readOnlyRootFilesystem": true,
				"capabilities": map[string]any{"drop": []any{"ALL"}}}, spec("containers", 0, "securityContext")); diff != "" {
				t.Errorf("%s: %s: %s", v.name, key, diff)
			}
			if spec("containers", 1) != nil || spec("initContainers") != nil {
				t.Errorf("%s: %s has further containers", v.name, key)
			}
			if spec("containers", 0, "resources", "limits", "memory") == nil {
				t.Errorf("%s: %s has no limit of memory", v.name, key)
			}
		}
	}
	if pods != 2*len(variants()) {
		t.Errorf("%d pods", pods)
	}
}

// The pod has time for what the program is told to finish, and the flags are ones
// that it has.
func TestArguments(t *testing.T) {
	t.Parallel()
	cli, err := os.ReadFile("../docs/cli.md")
	if err != nil {
		t.Fatal(err)
	}
	_, serve, _ := strings.Cut(string(cli), "\n## intact serve\n")
	serve, _, _ = strings.Cut(serve, "\n## ")
	o := kustomize(t, nil, "base")["Deployment/intact"]
	var grace time.Duration
	args, _ := o.at("spec", "template", "spec", "containers", 0, "args").([]any)
	for _, a := range args[1:] {
		name, v, _ := strings.Cut(a.(string), "=")
		if !strings.Contains(serve, "`"+name+" ") {
			t.Errorf("intact serve has no %s", name)
		}
		if name == "--grace-period" {
			grace, _ = time.ParseDuration(v)
		}
	}
	for probe, want := range map[string]string{"startupProbe": ops.AlivePath, "livenessProbe": ops.AlivePath, "readinessProbe": ops.ReadyPath} {
		if got := o.text("spec", "template", "spec", "containers", 0, probe, "httpGet", "path"); got != want {
			t.Errorf("%s asks %q, and the program answers at %q", probe, got, want)
		}
	}
	seconds, _ := o.at("spec", "template", "spec", "terminationGracePeriodSeconds").(float64)
	if total := time.Duration(seconds) * time.Second; grace <= 0 || total < grace+10*time.Second {
		t.Errorf("pods are killed after %s, and the program may take %s", total, grace)
	}
}

// A store is made once: by nothing that starts again.
func TestTheStoreIsMadeOnce(t *testing.T) {
	t.Parallel()
	for _, v := range variants() {
		for key, o := range kustomize(t, v.files, v.overlays[0]) {
			if b := fmt.Sprint(o); strings.Contains(b, "--init") || o.text("kind") == "Job" {
				t.Errorf("%s: %s makes a store", v.name, key)
			}
		}
		for key, o := range helm(t, v.set, v.values...) {
			if o.text("kind") == "Job" && o.text("metadata", "annotations", "helm.sh/hook") != "pre-install" {
				t.Errorf("%s: %s runs at %q", v.name, key, o.text("metadata", "annotations", "helm.sh/hook"))
			}
		}
	}
	for key := range helm(t, pinned+"store: {init: false}\n") {
		if strings.HasPrefix(key, "Job/") {
			t.Errorf("%s without store.init", key)
		}
	}
}

func TestValuesAreRefused(t *testing.T) {
	t.Parallel()
	tests := map[string]struct{ set, want string }{
		"no digest":             {"", "image.digest is not set"},
		"a tag alone":           {"image: {tag: 1.2.3}", "image.digest is not set"},
		"no digest of ours":     {"image: {digest: latest}", "/image/digest"},
		"allowed, and no tag":   {"image: {allowTag: true}", "there is no image.tag"},
		"replicas of SQLite":    {pinned + "replicas: 2", "store.kind: postgres"},
		"a password":            {pinned + "store: {kind: postgres, postgres: {url: 'postgres://a:b@c/d'}}", "/store/postgres/url"},
		"a mistyped value":      {pinned + "gracePeriods: 3", "gracePeriods"},
		"a ledger of its own":   {pinned + "config: {ledger: {sqlite: a}}", "/config"},
		"a config among files":  {pinned + "files: {config.yaml: x}", "propertyName 'config.yaml'"},
		"other reports":         {pinned + "watch: {enabled: true, policyReports: sarif}", "/watch/policyReports"},
		"another kind of store": {pinned + "store: {kind: mysql}", "/store/kind"},
	}
	for name, tt := range tests {
		if _, err := render(t, tt.set); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: %v, want %q", name, err, tt.want)
		}
	}
}

func TestValuesChangeWhatTheySay(t *testing.T) {
	t.Parallel()
	container := []any{"spec", "template", "spec", "containers", 0}
	tag := helm(t, "image: {tag: 1.2.3, allowTag: true}")["Deployment/intact"]
	if tag.text(append(container, "image")...) != "ghcr.io/intact-dev/intact:1.2.3" || tag.text(append(container, "imagePullPolicy")...) != "Always" {
		t.Errorf("by tag: %v", tag.at(container...))
	}
	both := helm(t, pinned+"\n---\nimage: {tag: 1.2.3, pullSecrets: [a, b]}\ngracePeriod: 60\npodLabels: {team: x}\nfiles: {policy.yaml: 'a: b'}\n---\nnetworkPolicy: {from: [{podSelector: {}}]}\n")
	d := both["Deployment/intact"]
	want := []any{"ghcr.io/intact-dev/intact:1.2.3@" + unset, "b", float64(75), "x", "a: b", map[string]any{}}
	got := []any{d.at(append(container, "image")...), d.at("spec", "template", "spec", "imagePullSecrets", 1, "name"), d.at("spec", "template", "spec", "terminationGracePeriodSeconds"),
		d.at("spec", "template", "metadata", "labels", "team"), strings.TrimSpace(both["ConfigMap/intact"].text("data", "policy.yaml")), both["NetworkPolicy/intact"].at("spec", "ingress", 0, "from", 0, "podSelector")}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	texts, err := render(t, pinned+"\n---\nstore: {init: false}\n")
	if err != nil {
		t.Fatal(err)
	}
	if notes := texts["intact/templates/NOTES.txt"]; !strings.Contains(notes, "/hooks/main (distribution)") || !strings.Contains(notes, "No store was made") {
		t.Errorf("notes:\n%s", notes)
	}
}

// In whatever namespace it is, it is the service's own account that is bound.
func TestTheRightAccountIsBound(t *testing.T) {
	t.Parallel()
	for reports, roles := range map[string]map[string]string{
		"":                         {"intact": "intact"},
		", ../reports-openreports": {"intact": "intact", "intact-reports": "intact-open-reports"},
		", ../reports-wgpolicyk8s": {"intact": "intact", "intact-reports": "intact-policy-reports"},
	} {
		mine := map[string]string{"/mine/kustomization.yaml": "namespace: security\nresources: [../postgres]\ncomponents: [../watch" + reports + "]\n"}
		all := kustomize(t, mine, "mine")
		bound := map[string]string{}
		for key := range all {
			if name, ok := strings.CutPrefix(key, "ClusterRoleBinding/"); ok {
				bound[name] = isBound(t, all, name)
			}
		}
		if diff := cmp.Diff(roles, bound); diff != "" {
			t.Error(diff)
		}
	}
}

// isBound returns the role that a binding gives to the account of the pods.
func isBound(t *testing.T, all map[string]object, name string) string {
	t.Helper()
	binding, account, pod := all["ClusterRoleBinding/"+name], all["ServiceAccount/intact"], all["Deployment/intact"]
	if ns := account.text("metadata", "namespace"); ns != "security" || binding.text("subjects", 0, "namespace") != ns || pod.text("metadata", "namespace") != ns {
		t.Errorf("the account is in %q, bound is %v", ns, binding.at("subjects", 0))
	}
	if pod.at("spec", "template", "spec", "automountServiceAccountToken") != true || pod.text("spec", "template", "spec", "serviceAccountName") != account.text("metadata", "name") {
		t.Errorf("the pod has no token of it: %v", pod.at("spec", "template", "spec", "serviceAccountName"))
	}
	roles, err := os.ReadFile("rbac.yaml")
	if err != nil {
		t.Fatal(err)
	}
	if _, there := objects(t, roles)["ClusterRole/"+binding.text("roleRef", "name")]; !there {
		t.Errorf("rbac.yaml has no role %q", binding.text("roleRef", "name"))
	}
	return binding.text("roleRef", "name")
}
