package scan_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/intact-dev/intact/pkg/fact"
	"github.com/intact-dev/intact/pkg/image"
	"github.com/intact-dev/intact/pkg/internal/testimage"
	"github.com/intact-dev/intact/pkg/observe"
	"github.com/intact-dev/intact/pkg/policy"
	"github.com/intact-dev/intact/pkg/ref"
	"github.com/intact-dev/intact/pkg/report"
	"github.com/intact-dev/intact/pkg/scan"
)

// A fixed inventory is what a test says that runs.
type fixed struct {
	containers []observe.Container
	inventory  observe.Inventory
	err        error
}

func (f fixed) Observe(_ context.Context, yield func(observe.Container)) (observe.Inventory, error) {
	for _, c := range f.containers {
		yield(c)
	}
	return f.inventory, f.err
}

// runtime is a cluster in which f runs, its images pulled from e's registry.
func (e *engine) runtime(f fixed) scan.Runtime {
	f.inventory.Kind, f.inventory.Name = "kubernetes", "test"
	return scan.Runtime{Observer: f, Name: "test", Place: func(context.Context, observe.Container) (scan.Place, string, error) {
		return scan.Place{Source: e.source, Prober: e.source, Referrer: e.source}, "", nil
	}}
}

var amd64 = ref.Platform{OS: "linux", Architecture: "amd64"}

// pod is a container of the Deployment shop/cart that was declared as image and
// runs reported.
func pod(t *testing.T, name, image, reported string) observe.Container {
	t.Helper()
	r, err := ref.Parse(image)
	if err != nil {
		t.Fatal(err)
	}
	return observe.Container{
		Spec: &observe.Spec{Container: fact.Container{
			Name: "cart", Role: fact.RoleMain, Phase: fact.PhaseRunning, Runtime: "kubernetes",
			Image: image, Ref: r, Template: image, Owner: "Deployment", Platform: amd64,
		}},
		Namespace: "shop", Pod: name, ID: name, Node: "n-" + name, Reported: reported,
		Workload: observe.Workload{Kind: "Deployment", Name: "cart", Template: "7d4b9c", Current: fact.Yes},
	}
}

func (e *engine) run(t *testing.T, f fixed) *report.Report {
	t.Helper()
	o := e.options
	o.Depth, o.Facts, o.Runtimes = policy.DepthManifest, true, []scan.Runtime{e.runtime(f)}
	return scan.Run(t.Context(), nil, o)
}

// only returns the facts of the one target of a kind.
func only(t *testing.T, r *report.Report, kind ref.Kind) *fact.Set {
	t.Helper()
	i := slices.IndexFunc(r.Targets, func(t report.Target) bool { return t.Kind == kind })
	if i < 0 || slices.ContainsFunc(r.Targets[i+1:], func(t report.Target) bool { return t.Kind == kind }) {
		t.Fatalf("not one target of kind %s among %d", kind, len(r.Targets))
	}
	return r.Targets[i].Facts[0].Set
}

func twoPlatforms(variant string) testimage.Spec {
	amd, arm := app(variant), app(variant)
	amd.Platform, arm.Platform = "linux/amd64", "linux/arm64"
	return testimage.Spec{Index: true, Images: []testimage.Image{amd, arm}}
}

func TestWhatRunsIsKnownByEveryNameThatARuntimeHasForIt(t *testing.T) {
	t.Parallel()
	e := newEngine(t, "")
	built := build(t, twoPlatforms("v1"))
	e.put(t, "shop/cart", "1.0.0", built)
	name := e.server.Host + "/shop/cart"
	index, manifest, config := built.Root.Descriptor.Digest, built.Images[0].Manifest.Descriptor.Digest, built.Images[0].Config.Descriptor.Digest
	for _, reported := range []string{
		name + "@" + string(index), name + "@" + string(manifest), string(config),
		"docker-pullable://" + name + "@" + string(index), "docker://" + string(config),
		"elsewhere.example/copy@" + string(manifest),
	} {
		set := only(t, e.run(t, fixed{containers: []observe.Container{pod(t, "a", name+":1.0.0", reported)}}), ref.KindImage)
		got := set.Running
		if got.State != fact.Known || got.V.Index != index || got.V.Manifest != manifest || got.V.Config != config || got.V.Found != name {
			t.Errorf("%s: %+v", reported, got)
		}
		if f := set.Forecast; f.State != fact.Known || f.V.Now.Answer != fact.AnswerSame || f.V.PointsTo != index {
			t.Errorf("%s: forecast %+v", reported, f)
		}
		if set.Image.State != fact.Known || set.Config.V.User != "65532" {
			t.Errorf("%s: the platform's facts are %v, %+v", reported, set.Image.State, set.Config)
		}
	}
}

func TestATagThatMovedIsForecast(t *testing.T) {
	t.Parallel()
	e := newEngine(t, "")
	old, now := build(t, twoPlatforms("v1")), build(t, twoPlatforms("v2"))
	e.put(t, "shop/cart", "1.0.0", old)
	e.put(t, "shop/cart", "1.0.0", now)
	name := e.server.Host + "/shop/cart"
	c := pod(t, "a", name+":1.0.0", name+"@"+string(old.Root.Descriptor.Digest))
	c.NodeTag = old.Root.Descriptor.Digest
	r := e.run(t, fixed{containers: []observe.Container{c}})
	set := only(t, r, ref.KindImage)
	want := fact.Forecast{
		Tag: "1.0.0", PullPolicy: "IfNotPresent", PointsTo: now.Root.Descriptor.Digest,
		Now: set.Forecast.V.Now, OnNode: old.Root.Descriptor.Digest, Cached: set.Forecast.V.Cached,
	}
	if d := cmp.Diff(want, set.Forecast.V); d != "" || want.Now.Answer != fact.AnswerDifferent || want.Cached == nil || want.Cached.Answer != fact.AnswerSame {
		t.Errorf("forecast (-want +got):\n%s%+v", d, set.Forecast.V)
	}
	if r.Images[0].ID != old.Root.Descriptor.Digest {
		t.Errorf("examined %s, but %s runs", r.Images[0].ID, old.Root.Descriptor.Digest)
	}
}

func TestEqualContainersAreOneTargetAndTagsAreAskedOnce(t *testing.T) {
	t.Parallel()
	e := newEngine(t, "")
	built := build(t, twoPlatforms("v1"))
	e.put(t, "shop/cart", "1.0.0", built)
	name := e.server.Host + "/shop/cart"
	var all []observe.Container
	for i := range 50 {
		c := pod(t, fmt.Sprintf("cart-%02d", i), name+":1.0.0", name+"@"+string(built.Root.Descriptor.Digest))
		c.Namespace = fmt.Sprintf("shop-%d", i%7)
		all = append(all, c)
	}
	r := e.run(t, fixed{containers: all})
	set := only(t, r, ref.KindImage)
	if n := r.Targets[slices.IndexFunc(r.Targets, func(t report.Target) bool { return t.Kind == ref.KindImage })].Origins.Len(); n != 50 {
		t.Errorf("%d origins", n)
	}
	if len(set.Tag.V.Answers) == 0 || len(r.Images) != 1 {
		t.Errorf("tag %+v, %d images", set.Tag, len(r.Images))
	}
	tags := 0
	for _, q := range e.server.Requests() {
		if q.Reference == "1.0.0" {
			tags++
		}
	}
	if tags != 2 {
		t.Errorf("the tag was asked for %d times, want a GET and a closing HEAD", tags)
	}
}

func TestReplicasThatDifferAreOneGroup(t *testing.T) {
	t.Parallel()
	e := newEngine(t, "")
	old, now := build(t, twoPlatforms("v1")), build(t, twoPlatforms("v2"))
	e.put(t, "shop/cart", "1.0.0", old)
	e.put(t, "shop/cart", "1.0.0", now)
	name := e.server.Host + "/shop/cart"
	var all []observe.Container
	for i := range 3 {
		all = append(all, pod(t, fmt.Sprint("a", i), name+":1.0.0", name+"@"+string(old.Root.Descriptor.Digest)))
	}
	// The same image by another name, on another platform: no other version.
	arm := pod(t, "arm", name+":1.0.0", name+"@"+string(old.Images[1].Manifest.Descriptor.Digest))
	arm.Spec.Container.Platform = ref.Platform{OS: "linux", Architecture: "arm64"}
	all = append(all, arm, pod(t, "b", name+":1.0.0", name+"@"+string(now.Root.Descriptor.Digest)))
	g := only(t, e.run(t, fixed{containers: all}), report.KindGroup).Group.V
	if len(g.Versions) != 2 || g.Versions[0].Count != 4 || g.Versions[1].Count != 1 || g.Versions[1].Apart.Answer != fact.AnswerDifferent {
		t.Errorf("versions %+v", g.Versions)
	}
	if g.Versions[1].Signed != "unsigned" || !slices.Equal(g.Versions[1].Nodes, []string{"n-b"}) {
		t.Errorf("the odd one: %+v", g.Versions[1])
	}
}

func TestAnImageThatNoRegistryHasIsNotClean(t *testing.T) {
	t.Parallel()
	e := newEngine(t, "")
	name := e.server.Host + "/shop/cart"
	gone := "sha256:cccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccc"
	for _, reported := range []string{name + "@" + gone, gone} {
		r := e.run(t, fixed{containers: []observe.Container{pod(t, "a", name+":1.0.0", reported)}})
		if r.Verdict != policy.Undecided {
			t.Errorf("%s: the verdict is %s", reported, r.Verdict)
		}
		got := only(t, r, ref.KindImage).Running
		if got.State != fact.Known || got.V.Found != "" || len(got.V.Asked) == 0 || got.V.Unheard != "" {
			t.Errorf("%s: %+v", reported, got)
		}
	}
}

func TestARegistryThatDoesNotAnswerProvesNothing(t *testing.T) {
	t.Parallel()
	e := newEngine(t, "")
	built := build(t, twoPlatforms("v1"))
	e.put(t, "shop/cart", "1.0.0", built)
	e.server.MustMode(t, "shop/cart", "broken")
	name := e.server.Host + "/shop/cart"
	r := e.run(t, fixed{containers: []observe.Container{pod(t, "a", name+":1.0.0", name+"@"+string(built.Root.Descriptor.Digest))}})
	if got := only(t, r, ref.KindImage).Running; got.V.Found != "" || got.V.Unheard == "" || got.V.UnheardCause == fact.NotFound {
		t.Errorf("%+v", got)
	}
	if r.Verdict != policy.Undecided {
		t.Errorf("the verdict is %s", r.Verdict)
	}
}

func TestAnIncompleteInventoryIsUndecided(t *testing.T) {
	t.Parallel()
	e := newEngine(t, "")
	gap := observe.Gap{What: "pods of namespace pay", Cause: fact.Forbidden, Why: "pods is forbidden", Hint: "allow list on pods"}
	r := e.run(t, fixed{inventory: observe.Inventory{Gaps: []observe.Gap{gap}}})
	if r.Verdict != policy.Undecided || len(r.Inventories) != 1 || len(r.Inventories[0].Gaps) != 1 {
		t.Errorf("the verdict is %s, the inventories are %+v", r.Verdict, r.Inventories)
	}
	r = e.run(t, fixed{err: &image.Error{Op: "list pods", Cause: fact.ServerError}})
	if r.Verdict != policy.Undecided || r.Inventories[0].Gaps[0].Cause != fact.ServerError {
		t.Errorf("lost on the way: %s, %+v", r.Verdict, r.Inventories)
	}
	if r = e.run(t, fixed{}); r.Verdict != policy.Allow {
		t.Errorf("an empty cluster: %s", r.Verdict)
	}
}

func TestFormerRevisionsAreLookedFor(t *testing.T) {
	t.Parallel()
	e := newEngine(t, "")
	built := build(t, twoPlatforms("v2"))
	e.put(t, "shop/cart", "2.0.0", built)
	name := e.server.Host + "/shop/cart"
	part := func(image string) []observe.RevisionContainer {
		return []observe.RevisionContainer{{Name: "cart", Role: fact.RoleMain, Image: image}}
	}
	c := pod(t, "a", name+":2.0.0", name+"@"+string(built.Root.Descriptor.Digest))
	r := e.run(t, fixed{containers: []observe.Container{c}, inventory: observe.Inventory{Histories: []observe.History{{
		Namespace: "shop", Workload: c.Workload, Revisions: []observe.Revision{
			{Name: "ReplicaSet cart-1", Number: 2, Containers: part(name + ":2.0.0")},
			{Name: "ReplicaSet cart-0", Number: 1, Containers: part(name + ":1.0.0")},
		},
	}}}})
	got := only(t, r, report.KindGroup).Revisions
	if got.State != fact.Known || len(got.Parts) != 2 {
		t.Fatalf("%+v", got)
	}
	there, gone := got.Parts[0].V.Images[0], got.Parts[1].V.Images[0]
	if there.Judged.State != fact.Known || there.Blobs.State != fact.Known || slices.ContainsFunc(there.Blobs.Parts, func(b fact.Value[fact.Blob]) bool {
		return b.State != fact.Known || !b.V.Present
	}) {
		t.Errorf("what is there: %+v", there)
	}
	if gone.Judged.State != fact.Unknown || len(gone.Blobs.Parts) != 1 || gone.Blobs.Parts[0].V.Present {
		t.Errorf("what is gone: %+v", gone)
	}
}

// What cannot be read names no image: that the tag names one does not make it the
// one that runs.
func TestWhatARuntimeReportsAndNobodyCanReadIsNotClean(t *testing.T) {
	t.Parallel()
	e := newEngine(t, "")
	e.put(t, "shop/cart", "1.0.0", build(t, twoPlatforms("v1")))
	name := e.server.Host + "/shop/cart"
	r := e.run(t, fixed{containers: []observe.Container{pod(t, "a", name+":1.0.0", "md5:nothing")}})
	set := only(t, r, ref.KindImage)
	if r.Verdict != policy.Undecided || set.Running.State != fact.Unknown || set.Judged.State != fact.Unknown || set.Image.State != fact.Unknown || len(r.Images) != 0 {
		t.Errorf("the verdict is %s, %d images, running %+v, judged %+v", r.Verdict, len(r.Images), set.Running, set.Judged)
	}
}

// The report is the same bytes whatever was slow.
func TestReportsOfWhatRunsDoNotDependOnTime(t *testing.T) {
	t.Parallel()
	e := newEngine(t, "")
	old, now := build(t, twoPlatforms("v1")), build(t, twoPlatforms("v2"))
	e.put(t, "shop/cart", "1.0.0", old)
	e.put(t, "shop/cart", "1.0.0", now)
	e.put(t, "shop/other", "1.0.0", old)
	name, other := e.server.Host+"/shop/cart", e.server.Host+"/shop/other"
	var all []observe.Container
	for i, reported := range []string{
		name + "@" + string(old.Root.Descriptor.Digest), name + "@" + string(now.Root.Descriptor.Digest), string(old.Images[0].Config.Descriptor.Digest),
		other + "@" + string(old.Images[0].Manifest.Descriptor.Digest), string(now.Images[0].Config.Descriptor.Digest), "sha256:" + digestLetters('e'),
	} {
		all = append(all, pod(t, fmt.Sprint("a", i), name+":1.0.0", reported), pod(t, fmt.Sprint("b", i), other+":1.0.0", reported))
	}
	want := ""
	for i := range 6 {
		e.options.Jobs = 1 + i
		rand.New(rand.NewPCG(1, uint64(i))).Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
		var b strings.Builder
		if err := report.WriteJSON(&b, e.run(t, fixed{containers: all})); err != nil {
			t.Fatal(err)
		}
		if want == "" {
			want = b.String()
		}
		if d := cmp.Diff(want, b.String()); d != "" {
			t.Fatalf("run %d: %s", i, d)
		}
	}
}

func digestLetters(c byte) string { return strings.Repeat(string(c), 64) }
