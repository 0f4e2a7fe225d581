package gather_test

import (
	"context"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/intact-dev/intact/pkg/fact"
	"github.com/intact-dev/intact/pkg/gather"
	"github.com/intact-dev/intact/pkg/image"
	"github.com/intact-dev/intact/pkg/image/layer"
	"github.com/intact-dev/intact/pkg/internal/testimage"
)

// The tree comes with the facts: no layer is read twice for it, and with a cache
// none is read again later.
func TestTreeIsReadOnce(t *testing.T) {
	t.Parallel()
	m := newMemory()
	m.add(build(t, testimage.Spec{Images: []testimage.Image{app("linux/amd64", "x")}}), "t")
	l := gather.NewLayers(2, cacheIn(t, t.TempDir()), nil)
	img := open(t, m, "example.com/app:t", image.Options{Select: amd64})
	want := gather.NewLayers(2, nil, nil).Read(t.Context(), img, img.Children[0])
	for i, asks := range []bool{true, false} {
		m.forget()
		entries := 0
		got, err := l.Tree(t.Context(), img, img.Children[0], func(tree *layer.Tree) { entries, _ = tree.Len() })
		if err != nil || entries != got.Filesystem.V.Entries || entries == 0 {
			t.Errorf("error %v, %d entries in the tree, %d in the facts", err, entries, got.Filesystem.V.Entries)
		}
		if d := cmp.Diff(want, got); d != "" {
			t.Errorf("time %d: not what Read gives (-Read +Tree):\n%s", i+1, d)
		}
		if asked := m.forget(); len(asked) > 0 != asks {
			t.Errorf("time %d: asked for %q", i+1, asked)
		}
	}
	m.forget()
	if l.Read(t.Context(), img, img.Children[0]); len(m.forget()) > 0 {
		t.Error("Read after Tree read layers again")
	}
}

func TestTreeThatCannotBeHad(t *testing.T) {
	t.Parallel()
	built := build(t, testimage.Spec{Images: []testimage.Image{app("linux/amd64", "x")}})
	second := built.Images[0].Layers[1].Descriptor.Digest
	for name, tt := range map[string]struct {
		spoil func(*memory)
		want  fact.Cause
	}{
		"layer gone":     {func(m *memory) { delete(m.blobs, second) }, fact.NotFound},
		"layer wrong":    {func(m *memory) { m.blobs[second] = nil }, fact.Dependency},
		"network":        {func(m *memory) { m.fails["blob "+string(second)] = []error{errOf(fact.Forbidden)} }, fact.Forbidden},
		"without config": {func(m *memory) { m.blobs[built.Images[0].Config.Descriptor.Digest] = []byte("{}") }, fact.Dependency},
	} {
		m := newMemory()
		m.add(built, "t")
		tt.spoil(m)
		img := open(t, m, "example.com/app:t", image.Options{Select: amd64})
		got, err := gather.NewLayers(2, nil, nil).Tree(t.Context(), img, img.Children[0], func(*layer.Tree) { t.Errorf("%s: there is a tree", name) })
		if image.CauseOf(err) != tt.want || got.Filesystem.State != fact.Unknown {
			t.Errorf("%s: error %v with cause %q; want %q", name, err, image.CauseOf(err), tt.want)
		}
	}
}

func TestOneTreeAtATime(t *testing.T) {
	t.Parallel()
	m := newMemory()
	m.add(build(t, testimage.Spec{Images: []testimage.Image{app("linux/amd64", "x")}}), "t")
	l := gather.NewLayers(4, nil, nil)
	img := open(t, m, "example.com/app:t", image.Options{Select: amd64})
	var inside, most atomic.Int32
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			_, err := l.Tree(t.Context(), img, img.Children[0], func(*layer.Tree) {
				most.Store(max(most.Load(), inside.Add(1)))
				inside.Add(-1)
			})
			if err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if most.Load() != 1 {
		t.Errorf("%d trees at a time", most.Load())
	}
	// Who waits for a tree does not wait longer than its context.
	ctx, cancel := context.WithCancel(t.Context())
	_, err := l.Tree(t.Context(), img, img.Children[0], func(*layer.Tree) {
		cancel()
		if _, err := l.Tree(ctx, img, img.Children[0], func(*layer.Tree) { t.Error("a second tree") }); image.CauseOf(err) != fact.Cancelled {
			t.Errorf("error %v", err)
		}
	})
	if err != nil {
		t.Error(err)
	}
}
