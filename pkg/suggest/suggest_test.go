package suggest_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"
	apps "k8s.io/api/apps/v1"
	batch "k8s.io/api/batch/v1"
	core "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/strategicpatch"
	"k8s.io/apimachinery/pkg/util/validation"
	"sigs.k8s.io/yaml"

	"github.com/intact-dev/intact/pkg/checks"
	"github.com/intact-dev/intact/pkg/fact"
	"github.com/intact-dev/intact/pkg/suggest"
)

var update = flag.Bool("update", false, "rewrite what is wanted")

type caseDoc struct {
	Workload   suggest.Workload
	Containers []struct {
		Name  string
		Role  fact.Role
		Facts fact.Set
	}
}

func (c caseDoc) patch(t *testing.T) []byte {
	t.Helper()
	var containers []suggest.Container
	for _, x := range c.Containers {
		containers = append(containers, suggest.Container{Name: x.Name, Role: x.Role, Plan: checks.ReadOnlyRoot(&x.Facts)})
	}
	got, err := suggest.Patch(c.Workload, containers)
	if err != nil {
		t.Fatal(err)
	}
	return got
}

// objects are the API types of the kinds that take a patch.
func object(kind string) any {
	switch kind {
	case "Pod":
		return &core.Pod{}
	case "ReplicationController":
		return &core.ReplicationController{}
	case "Deployment":
		return &apps.Deployment{}
	case "ReplicaSet":
		return &apps.ReplicaSet{}
	case "StatefulSet":
		return &apps.StatefulSet{}
	case "DaemonSet":
		return &apps.DaemonSet{}
	case "Job":
		return &batch.Job{}
	case "CronJob":
		return &batch.CronJob{}
	}
	return &core.PodSpec{}
}

// decode holds a patch to the API types: no field that they do not have, none
// twice.
func decode(t *testing.T, kind string, patch []byte) any {
	t.Helper()
	into := object(kind)
	if err := yaml.UnmarshalStrict(patch, into); err != nil {
		t.Fatalf("the API does not take this: %v\n%s", err, patch)
	}
	return into
}

func TestPatch(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("testdata/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatalf("no cases: %v", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txtar"), func(t *testing.T) {
			t.Parallel()
			archive, err := txtar.ParseFile(file)
			if err != nil || len(archive.Files) == 0 || len(bytes.TrimSpace(archive.Comment)) == 0 {
				t.Fatalf("no case, or no comment says why it is there: %v", err)
			}
			var c caseDoc
			d := json.NewDecoder(bytes.NewReader(archive.Files[0].Data))
			d.DisallowUnknownFields()
			if err := d.Decode(&c); err != nil {
				t.Fatal(err)
			}
			got := c.patch(t)
			decode(t, c.Workload.Kind, got)
			if *update {
				archive.Files = append(archive.Files[:1], txtar.File{Name: "want.yaml", Data: got})
				if err := os.WriteFile(file, txtar.Format(archive), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			if d := cmp.Diff(string(archive.Files[1].Data), string(got)); d != "" {
				t.Errorf("(-want +got):\n%s", d)
			}
		})
	}
}

// The patch changes what it is for and leaves the rest as it is.
func TestPatch_merges(t *testing.T) {
	t.Parallel()
	plan := checks.Plan{Feasible: fact.Yes, Mounts: []checks.PlannedMount{{Path: "/tmp", Why: []string{"x"}}}}
	patch, err := suggest.Patch(suggest.Workload{Kind: "Deployment", Namespace: "shop", Name: "cart"}, []suggest.Container{
		{Name: "cart", Role: fact.RoleMain, Plan: plan}, {Name: "proxy", Role: fact.RoleSidecar, Plan: plan},
	})
	if err != nil {
		t.Fatal(err)
	}
	before := apps.Deployment{}
	yes := true
	before.Spec.Template.Spec = core.PodSpec{
		Containers: []core.Container{
			{
				Name: "cart", Image: "ghcr.io/acme/cart:1", SecurityContext: &core.SecurityContext{RunAsNonRoot: &yes},
				VolumeMounts: []core.VolumeMount{{Name: "data", MountPath: "/data"}},
			},
			{Name: "other", Image: "ghcr.io/acme/other:1"},
		},
		InitContainers: []core.Container{{Name: "proxy", Image: "ghcr.io/acme/proxy:1"}},
		Volumes:        []core.Volume{{Name: "data"}, {Name: "tmp", VolumeSource: core.VolumeSource{HostPath: &core.HostPathVolumeSource{Path: "/x"}}}},
	}
	original, err := json.Marshal(before)
	if err != nil {
		t.Fatal(err)
	}
	asJSON, err := yaml.YAMLToJSON(patch)
	if err != nil {
		t.Fatal(err)
	}
	merged, err := strategicpatch.StrategicMergePatch(original, asJSON, apps.Deployment{})
	if err != nil {
		t.Fatal(err)
	}
	var after apps.Deployment
	if err := json.Unmarshal(merged, &after); err != nil {
		t.Fatal(err)
	}
	spec := after.Spec.Template.Spec
	cart := spec.Containers[slices.IndexFunc(spec.Containers, func(c core.Container) bool { return c.Name == "cart" })]
	if len(spec.Containers) != 2 || cart.Image != "ghcr.io/acme/cart:1" || !*cart.SecurityContext.RunAsNonRoot || !*cart.SecurityContext.ReadOnlyRootFilesystem || len(cart.VolumeMounts) != 2 {
		t.Errorf("cart: %+v", cart)
	}
	if p := spec.InitContainers[0]; p.Image != "ghcr.io/acme/proxy:1" || !*p.SecurityContext.ReadOnlyRootFilesystem {
		t.Errorf("proxy: %+v", p)
	}
	var names []string
	for _, v := range spec.Volumes {
		names = append(names, v.Name)
		if v.Name == "tmp" && (v.HostPath == nil || v.EmptyDir != nil) {
			t.Errorf("the volume tmp was changed: %+v", v)
		}
	}
	slices.Sort(names)
	if d := cmp.Diff([]string{"cart-tmp", "data", "proxy-tmp", "tmp"}, names); d != "" {
		t.Errorf("volumes (-want +got):\n%s", d)
	}
}

func TestPatch_of_every_kind(t *testing.T) {
	t.Parallel()
	plan := checks.Plan{Feasible: fact.Yes, Mounts: []checks.PlannedMount{{Path: "/tmp"}}}
	for _, kind := range []string{"Pod", "ReplicationController", "Deployment", "ReplicaSet", "StatefulSet", "DaemonSet", "Job", "CronJob", "Rollout", ""} {
		got, err := suggest.Patch(suggest.Workload{Kind: kind, Name: "x"}, []suggest.Container{{Name: "x", Plan: plan}})
		if err != nil {
			t.Fatal(err)
		}
		asJSON, err := json.Marshal(decode(t, kind, got))
		if err != nil || !strings.Contains(string(asJSON), `"readOnlyRootFilesystem":true`) {
			t.Errorf("%s: %s", kind, asJSON)
		}
	}
}

func TestPatch_says_nothing_where_nothing_is_to_do(t *testing.T) {
	t.Parallel()
	got, err := suggest.Patch(suggest.Workload{Kind: "Deployment", Name: "x"}, []suggest.Container{
		{Name: "a", Plan: checks.Plan{Done: true, Feasible: fact.Yes}}, {Name: "b", Plan: checks.Plan{NotApplicable: "windows container"}},
	})
	if err != nil || len(got) != 0 {
		t.Errorf("%q, %v", got, err)
	}
}

// Paths come out of images: whatever they are, the YAML says the same, names are
// valid, and a comment ends where its line does.
func TestPatch_takes_any_path(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(7, 9))
	pieces := []string{"/a", "/B b", "/x\n  hostPID: true", "/\x1b[2J", "/\xff", "/é", "/{", "/#", "/'\"", "/" + strings.Repeat("y", 80), "/true", "/-", "/\u2028z", "/null", "/~"}
	patches := 0
	for range 400 {
		want := map[string]bool{}
		tree := fact.Filesystem{Code: fact.Of(fact.Code{}), Open: fact.ListOf[fact.Dir]()}
		for range 1 + r.IntN(4) {
			p := pieces[r.IntN(len(pieces))] + pieces[r.IntN(len(pieces))]
			want[p] = true
			tree.Open.Parts = append(tree.Open.Parts, fact.Of(fact.Dir{Path: fact.Bytes(p), UID: 1000, Files: r.IntN(2)}))
		}
		plan := checks.ReadOnlyRoot(&fact.Set{
			Settings: fact.Of(fact.Settings{}), Config: fact.Of(fact.Config{}), User: fact.Of(fact.User{UID: 1000}), Filesystem: fact.Of(tree),
		})
		got, err := suggest.Patch(suggest.Workload{Kind: "Deployment", Name: "x"}, []suggest.Container{{Name: "c", Plan: plan}})
		if err != nil {
			t.Fatal(err)
		}
		pod := decode(t, "Deployment", got).(*apps.Deployment).Spec.Template.Spec
		if pod.HostPID {
			t.Fatalf("a path became a field:\n%s", got)
		}
		if len(pod.Containers) == 0 {
			if plan.Feasible != fact.No {
				t.Fatalf("feasible: %q, and no patch:\n%s", plan.Feasible, got)
			}
			continue
		}
		patches++
		seen := map[string]bool{}
		for i, m := range pod.Containers[0].VolumeMounts {
			if !want[m.MountPath] || pod.Volumes[i].Name != m.Name || pod.Volumes[i].EmptyDir == nil || seen[m.Name] {
				t.Fatalf("mount %+v of volume %+v", m, pod.Volumes[i])
			}
			seen[m.Name] = true
			if problems := validation.IsDNS1123Label(m.Name); problems != nil {
				t.Fatal(m.Name, problems)
			}
		}
		if len(seen) != len(plan.Mounts) {
			t.Fatalf("%d of %d mounts", len(seen), len(plan.Mounts))
		}
	}
	if patches < 50 {
		t.Errorf("only %d patches: what is drawn does not reach them", patches)
	}
}
