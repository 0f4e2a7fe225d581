package gather_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/intact-dev/intact/pkg/fact"
	"github.com/intact-dev/intact/pkg/gather"
	"github.com/intact-dev/intact/pkg/image"
	"github.com/intact-dev/intact/pkg/internal/testimage"
)

func TestDifference(t *testing.T) {
	t.Parallel()
	before := testimage.Image{Config: testimage.Config{Entrypoint: []string{"/bin/app"}}, Layers: []testimage.Layer{
		{Files: []testimage.File{
			{Path: "bin/"}, {Path: "bin/app", Mode: "0755", Content: "one"}, {Path: "bin/same", Mode: "0755", Content: "same"},
			{Path: "etc/hosts", Content: "mine"}, {Path: "lib/libc.so.6", Content: "c"}, {Path: "srv/old", Content: "x"},
			{Path: "bin/sh", Link: "busybox"}, {Path: "srv/mode", Mode: "0644", Content: "m"},
		}},
	}}
	after := testimage.Image{Config: before.Config, Layers: []testimage.Layer{
		// Other layers that come to much the same.
		{Files: []testimage.File{
			{Path: "bin/"}, {Path: "bin/app", Mode: "0755", Content: "zero"}, {Path: "bin/same", Mode: "0755", Content: "same"},
			{Path: "etc/hosts", Content: ""}, {Path: "lib/libc.so.6", Content: "c"}, {Path: "bin/sh", Link: "/bin/dash"},
		}},
		{Files: []testimage.File{
			{Path: "bin/app", Mode: "0755", Content: "two"}, {Path: "srv/mode", Mode: "0755", Content: "m"},
			{Path: "opt/run", Mode: "0755", Content: "#!/bin/sh\n"}, {Path: "etc/app.conf", Content: "k=v"},
		}},
	}}
	m := newMemory()
	m.add(build(t, testimage.Spec{Images: []testimage.Image{before}}), "before")
	m.add(build(t, testimage.Spec{Images: []testimage.Image{after}}), "after")
	part := func(tag string) gather.Part {
		img := open(t, m, "example.com/app:"+tag, image.Options{Select: amd64})
		return gather.Part{Image: img, Child: img.Children[0]}
	}
	l := gather.NewLayers(2, nil, nil)
	got := map[string]string{}
	changes := l.Difference(t.Context(), part("before"), part("after"))
	if changes.State != fact.Known {
		t.Fatal(changes.Why)
	}
	for _, c := range changes.Parts {
		got[string(c.V.Path)] = c.V.What + " " + string(c.V.Kind)
	}
	want := map[string]string{
		"/bin/app": "changed executable", "/bin/sh": "changed executable", "/etc/app.conf": "added configuration",
		"/etc/hosts": "changed configuration", "/opt/run": "added script", "/srv/mode": "mode executable", "/srv/old": "removed data",
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
	if same := l.Difference(t.Context(), part("after"), part("after")); same.State != fact.Known || len(same.Parts) > 0 {
		t.Errorf("an image and itself: %v", same)
	}
	m.blobs[part("before").Child.Manifest.Manifest.Layers[0].Digest] = nil
	if lost := gather.NewLayers(1, nil, nil).Difference(t.Context(), part("before"), part("after")); lost.State != fact.Unknown || lost.Cause == fact.NotAsked {
		t.Errorf("a layer is wrong: %v", lost)
	}
}
