package containerd

import (
	"encoding/json"
	"fmt"
	"testing"
	"time"

	containersapi "github.com/containerd/containerd/api/services/containers/v1"
	imagesapi "github.com/containerd/containerd/api/services/images/v1"
	"github.com/containerd/containerd/api/types"
	"google.golang.org/protobuf/types/known/anypb"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/intact-dev/intact/pkg/fact"
	"github.com/intact-dev/intact/pkg/internal/containerdclient/containerdtest"
	"github.com/intact-dev/intact/pkg/internal/testimage"
	"github.com/intact-dev/intact/pkg/observe"
	"github.com/intact-dev/intact/pkg/ref"
)

// Times of the tests: an image is pulled, then a container is made, then the
// image is pulled again.
var (
	pulled  = time.Date(2026, 11, 20, 8, 0, 0, 0, time.UTC)
	created = pulled.Add(time.Hour)
	later   = created.Add(time.Hour)
)

// plainSpec is a runtime specification as ctr makes it, without what does not
// matter here.
const plainSpec = `{"ociVersion":"1.0.2","process":{"user":{"uid":0,"gid":0,"additionalGids":[0]},"args":["/app"],"cwd":"/",
"capabilities":{"bounding":["CAP_CHOWN","CAP_KILL"]},"noNewPrivileges":true},"root":{"path":"rootfs"},
"mounts":[{"destination":"/proc","type":"proc","source":"proc"}],
"linux":{"maskedPaths":["/proc/kcore"],"readonlyPaths":["/proc/sys"]}}`

// record is a container on the snapshot of the same name.
func record(id, image string) *containersapi.Container {
	return &containersapi.Container{ID: id, Image: image, Snapshotter: "overlayfs", SnapshotKey: id,
		Spec: specAny(plainSpec), CreatedAt: timestamppb.New(created)}
}

func specAny(s string) *anypb.Any {
	return &anypb.Any{TypeUrl: "types.containerd.io/opencontainers/runtime-spec/1/Spec", Value: []byte(s)}
}

// A podRecord is what the CRI plugin keeps with a container.
type podRecord struct {
	namespace, pod, uid, name string
	attempt                   int
	config, target, specified string
	privileged                bool
	volumes                   []map[string]any
}

func (p podRecord) json(t testing.TB) []byte {
	t.Helper()
	b, err := json.Marshal(map[string]any{"Version": "v1", "Metadata": map[string]any{
		"ID": "x", "SandboxID": "sandbox-of-" + p.pod, "ImageRef": p.config, "ImageDigest": p.target,
		"Config": map[string]any{
			"metadata": map[string]any{"name": p.name, "attempt": p.attempt},
			"image":    map[string]any{"image": p.config, "user_specified_image": p.specified},
			"labels":   map[string]string{labelPodNamespace: p.namespace, labelPodName: p.pod, labelPodUID: p.uid},
			"mounts":   p.volumes,
			"linux":    map[string]any{"security_context": map[string]any{"privileged": p.privileged}},
		}}})
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// ofPod makes c a container of the CRI plugin.
func ofPod(t testing.TB, c *containersapi.Container, p podRecord) *containersapi.Container {
	t.Helper()
	c.Extensions = map[string]*anypb.Any{extensionContainer: {TypeUrl: "github.com/containerd/cri/pkg/store/container/Metadata", Value: p.json(t)}}
	return c
}

func stored(name string, d ref.Descriptor, updated time.Time) *imagesapi.Image {
	return &imagesapi.Image{Name: name, Target: &types.Descriptor{MediaType: d.MediaType, Digest: string(d.Digest), Size: d.Size},
		UpdatedAt: timestamppb.New(updated)}
}

// keep puts everything of b into the content store of n.
func keep(n *containerdtest.Namespace, b *testimage.Built) {
	if n.Blobs == nil {
		n.Blobs = map[ref.Digest][]byte{}
	}
	for _, list := range [][]testimage.Object{b.Manifests, b.Blobs} {
		for _, o := range list {
			n.Blobs[o.Descriptor.Digest] = o.Body
		}
	}
}

// build is an image for one or more platforms whose layers hold content.
func build(t testing.TB, content, entrypoint string, platforms ...string) *testimage.Built {
	t.Helper()
	spec := testimage.Spec{Index: len(platforms) > 0}
	if len(platforms) == 0 {
		platforms = []string{"linux/amd64"}
	}
	for _, p := range platforms {
		spec.Images = append(spec.Images, testimage.Image{Platform: p, Config: testimage.Config{Entrypoint: []string{entrypoint}}, Layers: []testimage.Layer{
			{Files: []testimage.File{{Path: "base", Content: "base"}}}, {Files: []testimage.File{{Path: "app", Content: content + p}}}}})
	}
	b, err := testimage.Build(spec)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// chainOf is the name of the snapshot of an image's layers, as unpacking names it.
func chainOf(t testing.TB, b testimage.BuiltImage) string {
	t.Helper()
	var diffIDs []ref.Digest
	for _, tar := range b.Tars {
		diffIDs = append(diffIDs, ref.DigestOf(tar, ""))
	}
	if len(diffIDs) != 2 {
		t.Fatalf("the image has %d layers", len(diffIDs))
	}
	return string(ref.DigestOf(fmt.Appendf(nil, "%s %s", diffIDs[0], diffIDs[1]), ""))
}

func start(t testing.TB, s *containerdtest.Server, opts Options) *Observer {
	t.Helper()
	opts.Address = s.Start(t)
	if opts.Name == "" {
		opts.Name = "host"
	}
	o, err := New(t.Context(), opts)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = o.Close() })
	return o
}

// only observes and returns the one container that there is.
func only(t *testing.T, o *Observer) (observe.Container, observe.Inventory) {
	t.Helper()
	all, inv := every(t, o)
	if len(all) != 1 {
		t.Fatalf("%d containers, want one: %+v; gaps %+v", len(all), all, inv.Gaps)
	}
	return all[0], inv
}

func every(t *testing.T, o *Observer) ([]observe.Container, observe.Inventory) {
	t.Helper()
	var all []observe.Container
	inv, err := o.Observe(t.Context(), func(c observe.Container) { all = append(all, c) })
	if err != nil {
		t.Fatal(err)
	}
	return all, inv
}

func countOf(inv observe.Inventory, what string) int {
	for _, c := range inv.Counts {
		if c.What == what {
			return c.N
		}
	}
	return 0
}

func causes(inv observe.Inventory) []fact.Cause {
	var out []fact.Cause
	for _, g := range inv.Gaps {
		out = append(out, g.Cause)
	}
	return out
}
