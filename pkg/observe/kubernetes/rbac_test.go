package kubernetes

import (
	"bytes"
	"cmp"
	"errors"
	"io"
	"os"
	"slices"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"
	"go.yaml.in/yaml/v3"

	appsv1 "k8s.io/api/apps/v1"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// A right is a verb on a resource.
type right struct{ Verb, Group, Resource string }

// roles reads the rights of each role in deploy/rbac.yaml.
func roles(t *testing.T) map[string][]right {
	t.Helper()
	raw, err := os.ReadFile("../../../deploy/rbac.yaml")
	if err != nil {
		t.Fatal(err)
	}
	d := yaml.NewDecoder(bytes.NewReader(raw))
	d.KnownFields(true)
	out := map[string][]right{}
	for {
		var role struct {
			APIVersion string `yaml:"apiVersion"`
			Kind       string `yaml:"kind"`
			Metadata   struct {
				Name string `yaml:"name"`
			} `yaml:"metadata"`
			Rules []struct {
				APIGroups []string `yaml:"apiGroups"`
				Resources []string `yaml:"resources"`
				Verbs     []string `yaml:"verbs"`
			} `yaml:"rules"`
		}
		if err := d.Decode(&role); errors.Is(err, io.EOF) {
			return out
		} else if err != nil {
			t.Fatal(err)
		}
		if role.APIVersion != "rbac.authorization.k8s.io/v1" || role.Kind != "ClusterRole" || out[role.Metadata.Name] != nil {
			t.Fatalf("%s %s %q", role.APIVersion, role.Kind, role.Metadata.Name)
		}
		var all []right
		for _, r := range role.Rules {
			for _, g := range r.APIGroups {
				for _, res := range r.Resources {
					for _, v := range r.Verbs {
						all = append(all, right{v, g, res})
					}
				}
			}
		}
		out[role.Metadata.Name] = sortedRights(all)
	}
}

func sortedRights(all []right) []right {
	slices.SortFunc(all, func(a, b right) int {
		return cmp.Or(cmp.Compare(a.Group, b.Group), cmp.Compare(a.Resource, b.Resource), cmp.Compare(a.Verb, b.Verb))
	})
	return slices.Compact(all)
}

// used are the rights that f was asked with.
func used(f *fake) []right {
	var out []right
	for _, c := range f.calls {
		if c.group != rollouts.group && c.resource != "apis" { // discovery is for everybody
			out = append(out, right{c.verb, c.group, c.resource})
		}
	}
	return sortedRights(out)
}

// restless is a server on which everything is needed: owners that are newer than
// their lists, and an empty namespace.
func restless(t *testing.T) *fake {
	t.Helper()
	f := newFake(t)
	f.add(namespaces, &corev1.Namespace{ObjectMeta: meta("", "empty", nil, nil)}, &corev1.Namespace{ObjectMeta: meta("", "shop", nil, nil)})
	f.add(secrets, helmSecret("shop", "shop", "superseded", 1, pack("")), helmSecret("shop", "shop", "deployed", 2, nil))
	own := func(name, apiVersion, kind string) {
		f.add(pods, owned(appPod(name, nil), apiVersion, kind, name, uid(kind+"/shop/"+name)))
	}
	own("rs", "apps/v1", "ReplicaSet")
	own("sts", "apps/v1", "StatefulSet")
	own("ds", "apps/v1", "DaemonSet")
	own("job", "batch/v1", "Job")
	own("rc", "v1", "ReplicationController")
	f.before = func(c call) {
		if c.resource != "pods" || c.query.Get("limit") == "1" {
			return
		}
		f.before = nil
		yes := true
		rs := &appsv1.ReplicaSet{ObjectMeta: meta("shop", "rs", nil, nil)}
		f.add(replicaSets, owned(rs, "apps/v1", "Deployment", "web", "d"))
		f.add(deployments, &appsv1.Deployment{ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: "web", UID: "d",
			OwnerReferences: []metav1.OwnerReference{{APIVersion: "example.com/v1", Kind: "App", Name: "app", UID: "a", Controller: &yes}}}})
		f.add(statefulSets, &appsv1.StatefulSet{ObjectMeta: meta("shop", "sts", nil, nil)})
		f.add(daemonSets, &appsv1.DaemonSet{ObjectMeta: meta("shop", "ds", nil, nil)})
		f.add(jobs, owned(&batchv1.Job{ObjectMeta: meta("shop", "job", nil, nil)}, "batch/v1", "CronJob", "cron", uid("CronJob/shop/cron")))
		f.add(cronJobs, &batchv1.CronJob{ObjectMeta: meta("shop", "cron", nil, nil)})
	}
	return f
}

// deploy/rbac.yaml grants what is used, and nothing else.
func TestRightsAreThoseThatAreUsed(t *testing.T) {
	t.Parallel()
	named := roles(t)
	team := []string{"team"}
	tests := []struct {
		name  string
		o     Options
		roles []string
		// whole cluster: namespaces are listed where pods of all may not be, so this
		// right is used on another occasion.
		besides []right
	}{
		{"cluster", Options{Team: team}, []string{"intact"}, []right{{"get", "", "namespaces"}}},
		{"namespaces", Options{Team: team, Namespaces: []string{"empty", "shop"}}, []string{"intact-namespace", "intact-nodes"}, nil},
		{"config_maps", Options{Team: team, ConfigMaps: true, Namespaces: []string{"empty", "shop"}}, []string{"intact-namespace", "intact-nodes", "intact-config-maps"}, nil},
		{"secrets", Options{Team: team, Secrets: true, Namespaces: []string{"empty", "shop"}}, []string{"intact-namespace", "intact-nodes", "intact-secrets"}, nil},
		{"pull_secrets", Options{Team: team, PullSecrets: true, Namespaces: []string{"empty", "shop"}}, []string{"intact-namespace", "intact-nodes", "intact-pull-secrets"}, nil},
		{"helm_releases", Options{Team: team, HelmReleases: true, Namespaces: []string{"empty", "shop"}}, []string{"intact-namespace", "intact-nodes", "intact-helm-releases"}, nil},
	}
	left := map[string]bool{}
	for name := range named {
		left[name] = true
	}
	for _, tt := range tests {
		f := restless(t)
		var granted []right
		for _, r := range tt.roles {
			delete(left, r)
			granted = append(granted, named[r]...)
		}
		granted = sortedRights(granted)
		f.deny = func(c call) bool { return !slices.Contains(granted, right{c.verb, c.group, c.resource}) }
		_, inv := see(t, f, tt.o)
		for _, g := range inv.Gaps {
			if g.Cause == "forbidden" {
				t.Errorf("%s: %s: %s", tt.name, g.What, g.Why)
			}
		}
		if tt.o.PullSecrets {
			if _, err := f.open(tt.o).PullSecret(t.Context(), "shop", "sh.helm.release.v1.shop.v1"); err == nil {
				t.Error("a release is no pull secret")
			}
		}
		calls := used(f)
		if tt.o.Namespaces != nil { // tried for teams, and not needed
			calls = slices.DeleteFunc(calls, func(r right) bool { return r == right{"list", "", "namespaces"} })
		}
		if diff := gocmp.Diff(granted, sortedRights(append(calls, tt.besides...))); diff != "" {
			t.Errorf("%s: granted and not used (-), used and not granted (+):\n%s", tt.name, diff)
		}
	}
	for name, kinds := range map[string][2]string{
		"intact-open-reports":   {"openreports.io", "reports"},
		"intact-policy-reports": {"wgpolicyk8s.io", "policyreports"},
	} {
		delete(left, name)
		var want []right
		for _, verb := range verbs {
			want = append(want, right{verb, kinds[0], kinds[1]}, right{verb, kinds[0], "cluster" + kinds[1]})
		}
		want = append(want, right{"list", kinds[0], kinds[1]}, right{"list", kinds[0], "cluster" + kinds[1]})
		if diff := gocmp.Diff(sortedRights(want), named[name]); diff != "" {
			t.Errorf("%s: used (-), granted (+):\n%s", name, diff)
		}
	}
	if len(left) > 0 {
		t.Errorf("roles that nothing was tried with: %v", left)
	}
}
