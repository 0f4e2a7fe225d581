package gather_test

import (
	"slices"
	"testing"

	"github.com/intact-dev/intact/pkg/gather"
	"github.com/intact-dev/intact/pkg/internal/testimage"
)

// The largest layer is read first, so that at the end none is left to read alone.
func TestLargestLayerFirst(t *testing.T) {
	t.Parallel()
	spec := testimage.Spec{Images: []testimage.Image{app("linux/amd64", "x")}}
	for i, n := range []int64{20_000, 300, 90_000, 4000} {
		spec.Images[0].Layers = append(spec.Images[0].Layers, testimage.Layer{
			Compression: "none",
			Files:       []testimage.File{{Path: string(rune('a' + i)), Size: n}},
		})
	}
	m := newMemory()
	built := build(t, spec)
	m.add(built, "t")
	got, _ := read(t, m, gather.NewLayers(1, nil, nil))
	var sizes []int64
	for _, q := range m.forget() {
		for _, p := range got.Layers.Parts {
			if q == "blob "+string(p.V.Digest) {
				sizes = append(sizes, p.V.Descriptor.Size)
			}
		}
	}
	if len(sizes) != 6 || !slices.IsSortedFunc(sizes, func(a, b int64) int { return int(b - a) }) {
		t.Errorf("layers of %d bytes were read in this order, want the largest first", sizes)
	}
	for i, p := range got.Layers.Parts {
		if p.V.Index != i {
			t.Errorf("layer %d is reported as number %d", p.V.Index, i)
		}
	}
}
