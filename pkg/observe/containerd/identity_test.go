package containerd

import (
	"strings"
	"testing"

	containersapi "github.com/containerd/containerd/api/services/containers/v1"
	"github.com/containerd/containerd/api/types/task"
	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/intact-dev/intact/pkg/internal/containerdclient/containerdtest"
	"github.com/intact-dev/intact/pkg/internal/testimage"
	"github.com/intact-dev/intact/pkg/ref"
)

// What a container of ctr or nerdctl runs: containerd keeps the name of its
// image, and a name may move.
func TestIdentityByName(t *testing.T) {
	t.Parallel()
	const name = "docker.io/acme/app:1"
	index := build(t, "one", "/app", "linux/amd64", "linux/arm64")
	single := build(t, "one", "/app")
	other := build(t, "two", "/app")
	sameLayers := build(t, "one", "/elsewhere")
	if chainOf(t, single.Images[0]) != chainOf(t, sameLayers.Images[0]) || single.Root.Descriptor.Digest == sameLayers.Root.Descriptor.Digest {
		t.Fatal("the images do not differ in their config alone")
	}
	digest := func(b *testimage.Built) string { return string(b.Root.Descriptor.Digest) }
	config := func(b *testimage.Built) string { return string(b.Images[0].Config.Descriptor.Digest) }
	pinned := "docker.io/acme/app@" + digest(single)
	type want struct {
		reported string
		manifest ref.Digest
		also     []string
		tag      ref.Digest
	}
	tests := []struct {
		name string
		// change alters the container; place what is stored.
		change func(*containersapi.Container)
		place  func(*containerdtest.Namespace)
		runs   *testimage.Built // what its snapshot was made of
		want   want
		gaps   int
	}{
		{name: "index", runs: index, place: func(n *containerdtest.Namespace) {
			n.Images = append(n.Images, stored(name, index.Root.Descriptor, pulled))
		}, want: want{"docker.io/acme/app@" + digest(index), index.Images[0].Manifest.Descriptor.Digest, []string{config(index)}, index.Root.Descriptor.Digest}},

		{name: "manifest", runs: single, place: func(n *containerdtest.Namespace) {
			n.Images = append(n.Images, stored(name, single.Root.Descriptor, pulled))
		}, want: want{"docker.io/acme/app@" + digest(single), single.Root.Descriptor.Digest, []string{config(single)}, single.Root.Descriptor.Digest}},

		{name: "further_names_with_the_digest", runs: single, place: func(n *containerdtest.Namespace) {
			n.Images = append(n.Images, stored(name, single.Root.Descriptor, pulled),
				stored("mirror.example/acme/app@"+digest(single), single.Root.Descriptor, later),
				stored("mirror.example/acme/lie@"+digest(other), single.Root.Descriptor, later))
		}, want: want{"docker.io/acme/app@" + digest(single), single.Root.Descriptor.Digest,
			[]string{"mirror.example/acme/app@" + digest(single), config(single)}, single.Root.Descriptor.Digest}},

		{name: "the_name_moved_to_other_layers", runs: single, place: func(n *containerdtest.Namespace) {
			n.Images = append(n.Images, stored(name, other.Root.Descriptor, later))
		}, want: want{reported: name, tag: other.Root.Descriptor.Digest}},

		{name: "the_name_moved_to_the_same_layers_and_another_program", runs: single, place: func(n *containerdtest.Namespace) {
			n.Images = append(n.Images, stored(name, sameLayers.Root.Descriptor, later))
		}, want: want{reported: name, tag: sameLayers.Root.Descriptor.Digest}},

		{name: "the_clock_says_it_did_not_move_and_the_layers_say_it_did", runs: single, place: func(n *containerdtest.Namespace) {
			n.Images = append(n.Images, stored(name, other.Root.Descriptor, pulled))
		}, want: want{reported: name, tag: other.Root.Descriptor.Digest}},

		{name: "the_time_is_not_known", runs: single, place: func(n *containerdtest.Namespace) {
			i := stored(name, single.Root.Descriptor, pulled)
			i.UpdatedAt = nil
			n.Images = append(n.Images, i)
		}, want: want{reported: name, tag: single.Root.Descriptor.Digest}},

		{name: "made_with_a_digest", runs: single, change: func(c *containersapi.Container) { c.Image = pinned }, place: func(n *containerdtest.Namespace) {
			n.Images = append(n.Images, stored(pinned, single.Root.Descriptor, later))
		}, want: want{pinned, single.Root.Descriptor.Digest, []string{config(single)}, ""}},

		{name: "made_with_a_digest_that_its_name_does_not_stand_for", runs: other, change: func(c *containersapi.Container) { c.Image = pinned }, place: func(n *containerdtest.Namespace) {
			n.Images = append(n.Images, stored(pinned, other.Root.Descriptor, later))
		}, want: want{reported: "docker.io/acme/app"}, gaps: 1},

		{name: "made_with_a_digest_and_on_other_layers", runs: other, change: func(c *containersapi.Container) { c.Image = pinned }, place: func(n *containerdtest.Namespace) {
			n.Images = append(n.Images, stored(pinned, single.Root.Descriptor, pulled))
		}, want: want{reported: "docker.io/acme/app"}, gaps: 1},

		{name: "made_with_a_digest_and_the_image_was_removed", runs: single, change: func(c *containersapi.Container) { c.Image = pinned },
			place: func(*containerdtest.Namespace) {}, want: want{reported: pinned}},

		{name: "the_image_was_removed", runs: single, place: func(*containerdtest.Namespace) {}, want: want{reported: name}},

		{name: "the_target_is_no_digest", runs: single, place: func(n *containerdtest.Namespace) {
			n.Images = append(n.Images, stored(name, ref.Descriptor{Digest: "sha256:short"}, pulled))
		}, want: want{reported: name}},

		{name: "the_content_was_removed", runs: single, place: func(n *containerdtest.Namespace) {
			n.Images = append(n.Images, stored(name, single.Root.Descriptor, pulled))
			n.Blobs = nil
		}, want: want{"docker.io/acme/app@" + digest(single), "", nil, single.Root.Descriptor.Digest}},

		{name: "the_config_was_changed_on_the_disk", runs: single, place: func(n *containerdtest.Namespace) {
			n.Images = append(n.Images, stored(name, single.Root.Descriptor, pulled))
			n.Blobs[ref.Digest(config(single))] = sameLayers.Images[0].Config.Body
		}, want: want{"docker.io/acme/app@" + digest(single), "", nil, single.Root.Descriptor.Digest}},

		{name: "its_root_is_no_snapshot", runs: single, change: func(c *containersapi.Container) { c.SnapshotKey = "" }, place: func(n *containerdtest.Namespace) {
			n.Images = append(n.Images, stored(name, single.Root.Descriptor, pulled))
		}, want: want{reported: name, tag: single.Root.Descriptor.Digest}},

		{name: "a_name_without_a_registry", runs: single, change: func(c *containersapi.Container) { c.Image = "app:1" }, place: func(n *containerdtest.Namespace) {
			n.Images = append(n.Images, stored("app:1", single.Root.Descriptor, pulled), stored("docker.io/library/app:1", other.Root.Descriptor, pulled))
		}, want: want{"docker.io/library/app@" + digest(single), single.Root.Descriptor.Digest, []string{config(single)}, single.Root.Descriptor.Digest}},

		{name: "a_name_that_is_no_reference", runs: single, change: func(c *containersapi.Container) { c.Image = "My App" }, place: func(n *containerdtest.Namespace) {
			n.Images = append(n.Images, stored("My App", single.Root.Descriptor, pulled))
		}, want: want{digest(single), single.Root.Descriptor.Digest, []string{config(single)}, ""}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			n := &containerdtest.Namespace{Tasks: map[string]task.Status{"c": task.Status_RUNNING},
				Snapshots: map[string]containerdtest.Snapshot{"overlayfs/c": {Parent: chainOf(t, tt.runs.Images[0])}}}
			for _, b := range []*testimage.Built{index, single, other, sameLayers} {
				keep(n, b)
			}
			c := record("c", name)
			if tt.change != nil {
				tt.change(c)
			}
			n.Containers = append(n.Containers, c)
			tt.place(n)
			got, inv := only(t, start(t, &containerdtest.Server{Namespaces: map[string]*containerdtest.Namespace{"default": n}}, Options{}))
			if len(inv.Gaps) != tt.gaps {
				t.Errorf("gaps %+v, want %d", inv.Gaps, tt.gaps)
			}
			if diff := cmp.Diff(tt.want, want{got.Reported, got.Manifest, got.Also, got.NodeTag}, cmp.AllowUnexported(want{})); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// Which of an index's images runs is told by its layers; where two have the same,
// by the machine's platform; else not at all.
func TestIdentityInAnIndex(t *testing.T) {
	t.Parallel()
	layer := testimage.Layer{Files: []testimage.File{{Path: "app", Content: "a script"}}}
	layers := []testimage.Layer{layer, {Files: []testimage.File{{Path: "b", Content: "b"}}}}
	spec := testimage.Spec{Index: true, Images: []testimage.Image{
		{Platform: "linux/arm64", Layers: layers}, {Platform: "linux/amd64", Layers: layers}, {Platform: "linux/riscv64", Layers: layers[:1]}}}
	twins := spec
	twins.Images = append([]testimage.Image{{Platform: "linux/amd64", Layers: layers, Config: testimage.Config{User: "app"}}}, spec.Images...)
	for name, tt := range map[string]struct {
		spec testimage.Spec
		want int // of the spec's images; -1 = none
	}{"platform": {spec, 1}, "twins": {twins, -1}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b, err := testimage.Build(tt.spec)
			if err != nil {
				t.Fatal(err)
			}
			n := &containerdtest.Namespace{Tasks: map[string]task.Status{"c": task.Status_RUNNING}, Containers: []*containersapi.Container{record("c", "docker.io/acme/app:1")},
				Snapshots: map[string]containerdtest.Snapshot{"overlayfs/c": {Parent: chainOf(t, b.Images[0])}}}
			n.Images = append(n.Images, stored("docker.io/acme/app:1", b.Root.Descriptor, pulled))
			keep(n, b)
			got, _ := only(t, start(t, &containerdtest.Server{Namespaces: map[string]*containerdtest.Namespace{"default": n}}, Options{}))
			want := ref.Digest("")
			if tt.want >= 0 {
				want = b.Images[tt.want].Manifest.Descriptor.Digest
			}
			if got.Manifest != want || !strings.HasSuffix(got.Reported, string(b.Root.Descriptor.Digest)) {
				t.Errorf("runs %s of %s, want %s", got.Manifest, got.Reported, want)
			}
		})
	}
}

// An image without layers has no snapshot below the container's.
func TestIdentityWithoutLayers(t *testing.T) {
	t.Parallel()
	b, err := testimage.Build(testimage.Spec{Images: []testimage.Image{{}}})
	if err != nil {
		t.Fatal(err)
	}
	n := &containerdtest.Namespace{Tasks: map[string]task.Status{"c": task.Status_RUNNING}, Containers: []*containersapi.Container{record("c", "docker.io/acme/empty:1")},
		Snapshots: map[string]containerdtest.Snapshot{"overlayfs/c": {}}}
	n.Images = append(n.Images, stored("docker.io/acme/empty:1", b.Root.Descriptor, pulled))
	keep(n, b)
	got, _ := only(t, start(t, &containerdtest.Server{Namespaces: map[string]*containerdtest.Namespace{"default": n}}, Options{}))
	if got.Manifest != b.Root.Descriptor.Digest {
		t.Errorf("runs %+v", got)
	}
}

// A pod's container has the config of its image in its record, fixed when it was
// made; the CRI may be asked as well.
func TestIdentityOfPods(t *testing.T) {
	t.Parallel()
	index := build(t, "one", "/app", "linux/amd64", "linux/arm64")
	moved := build(t, "two", "/app", "linux/amd64")
	config := string(index.Images[0].Config.Descriptor.Digest)
	target := string(index.Root.Descriptor.Digest)
	manifest := index.Images[0].Manifest.Descriptor.Digest
	const name = "registry.example/acme/cart:2"
	names := func(n *containerdtest.Namespace, withDigest bool) {
		n.Images = append(n.Images, stored(name, moved.Root.Descriptor, later), stored(config, index.Root.Descriptor, pulled))
		if withDigest {
			n.Images = append(n.Images, stored("registry.example/acme/cart@"+target, index.Root.Descriptor, pulled),
				stored("a.example/mirror/cart@"+target, index.Root.Descriptor, pulled))
		}
	}
	type want struct {
		reported string
		manifest ref.Digest
		also     []string
		image    string
	}
	tests := []struct {
		name  string
		pod   podRecord
		place func(*containerdtest.Namespace)
		cri   *containerdtest.CRI
		want  want
		gaps  int
	}{
		{name: "by_containerd_alone", pod: podRecord{config: config, specified: name}, place: func(n *containerdtest.Namespace) { names(n, true) }, gaps: 1,
			want: want{"a.example/mirror/cart@" + target, manifest, []string{"registry.example/acme/cart@" + target, config}, name}},
		{name: "side_loaded", pod: podRecord{config: config, specified: name}, place: func(n *containerdtest.Namespace) { names(n, false) }, gaps: 1,
			want: want{"registry.example/acme/cart@" + target, manifest, []string{config}, name}},
		{name: "target_in_the_record", pod: podRecord{config: config, target: target, specified: name}, place: func(n *containerdtest.Namespace) {}, gaps: 1,
			want: want{"registry.example/acme/cart@" + target, manifest, []string{config}, name}},
		{name: "nothing_in_the_store", pod: podRecord{config: config, specified: name}, place: func(n *containerdtest.Namespace) { n.Blobs = nil }, gaps: 1,
			want: want{reported: config, image: name}},
		{name: "older_plugins_do_not_keep_what_was_asked_for", pod: podRecord{config: config}, place: func(n *containerdtest.Namespace) { names(n, false) }, gaps: 1,
			want: want{"registry.example/acme/cart@" + target, manifest, []string{config}, name}},
		{name: "with_the_cri", pod: podRecord{config: config, specified: name}, place: func(n *containerdtest.Namespace) { names(n, true) },
			cri:  running("c", "registry.example/acme/cart@"+target, config, ""),
			want: want{"registry.example/acme/cart@" + target, manifest, []string{"a.example/mirror/cart@" + target, config}, name}},
		{name: "the_cri_says_only_the_config", pod: podRecord{config: config, specified: name}, place: func(n *containerdtest.Namespace) { names(n, false) },
			cri: running("c", config, config, ""), want: want{config, manifest, nil, name}},
		{name: "the_cri_names_what_the_store_lacks", pod: podRecord{config: config, specified: name}, place: func(n *containerdtest.Namespace) { n.Blobs = nil },
			cri: running("c", "registry.example/acme/cart@"+target, config, ""), want: want{"registry.example/acme/cart@" + target, "", []string{config}, name}},
		{name: "the_cri_knows_what_was_asked_for", pod: podRecord{config: config}, place: func(n *containerdtest.Namespace) { names(n, false) },
			cri: running("c", config, config, "cart:2"), want: want{config, manifest, nil, "cart:2"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			tt.pod.namespace, tt.pod.pod, tt.pod.name = "shop", "cart-7d4b9c-x2x", "cart"
			n := &containerdtest.Namespace{Tasks: map[string]task.Status{"c": task.Status_RUNNING},
				Containers: []*containersapi.Container{ofPod(t, record("c", name), tt.pod)}}
			keep(n, index)
			keep(n, moved)
			tt.place(n)
			got, inv := only(t, start(t, &containerdtest.Server{Namespaces: map[string]*containerdtest.Namespace{"k8s.io": n}, CRI: tt.cri}, Options{}))
			if diff := cmp.Diff(tt.want, want{got.Reported, got.Manifest, got.Also, got.Spec.Container.Image}, cmp.AllowUnexported(want{})); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			if got.Namespace != "shop" || got.Pod != "cart-7d4b9c-x2x" || got.Spec.Container.Name != "cart" || got.ID != "c" {
				t.Errorf("it is %s/%s [%s] %s", got.Namespace, got.Pod, got.Spec.Container.Name, got.ID)
			}
			if len(inv.Gaps) != tt.gaps {
				t.Errorf("gaps %+v, want %d", inv.Gaps, tt.gaps)
			}
			if tt.cri != nil && !got.Since.Equal(later) {
				t.Errorf("since %v", got.Since)
			}
		})
	}
}

// Where a tag points on the machine is where the store says, of the name as
// clients complete it.
func TestNodeTag(t *testing.T) {
	t.Parallel()
	a, b := ref.DigestOf([]byte("a"), ""), ref.DigestOf([]byte("b"), "")
	n := &containerdtest.Namespace{Tasks: map[string]task.Status{}}
	for image, digest := range map[string]ref.Digest{"docker.io/library/nginx:latest": a, "docker.io/library/nginx:1": b, "odd:1": b} {
		n.Images = append(n.Images, stored(image, ref.Descriptor{Digest: digest}, pulled))
	}
	s := newStore(nil, nil)
	if got := s.nodeTag(ref.Ref{}); got != "" {
		t.Errorf("of no reference: %q", got)
	}
	n.Containers = []*containersapi.Container{{ID: "x", CreatedAt: timestamppb.New(created)}}
	for image, want := range map[string]ref.Digest{"nginx": a, "nginx:1": b, "docker.io/library/nginx:1": b, "odd:1": b, "odd:2": "",
		"nginx:1@" + string(a): b, "nginx@" + string(a): "", "": ""} {
		n.Containers[0].Image = image
		got, _ := only(t, start(t, &containerdtest.Server{Namespaces: map[string]*containerdtest.Namespace{"default": n}}, Options{}))
		if got.NodeTag != want {
			t.Errorf("%q points to %q, want %q", image, got.NodeTag, want)
		}
	}
}
