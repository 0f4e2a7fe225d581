package gather_test

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/intact-dev/intact/pkg/fact"
	"github.com/intact-dev/intact/pkg/gather"
	"github.com/intact-dev/intact/pkg/image"
	"github.com/intact-dev/intact/pkg/internal/testimage"
	"github.com/intact-dev/intact/pkg/ref"
)

func errOf(c fact.Cause) error {
	return &image.Error{Op: "get blob", Cause: c, Err: errors.New("so says the test")}
}

// read opens an image of one platform and reads its layers.
func read(t *testing.T, m *memory, l *gather.Layers) (gather.Contents, *image.Image) {
	t.Helper()
	img := open(t, m, "example.com/app:t", image.Options{Select: amd64})
	m.forget()
	return l.Read(t.Context(), img, img.Children[0]), img
}

func partCauses(c gather.Contents) []string {
	if c.Layers.State != fact.Known {
		return []string{"all: " + string(c.Layers.Cause)}
	}
	var out []string
	for _, p := range c.Layers.Parts {
		switch {
		case p.State != fact.Known:
			out = append(out, string(p.Cause))
		case p.V.Digest != p.V.Descriptor.Digest:
			out = append(out, "wrong")
		default:
			out = append(out, "right")
		}
	}
	return out
}

func TestLayers(t *testing.T) {
	t.Parallel()
	built := build(t, testimage.Spec{Images: []testimage.Image{app("linux/amd64", "x")}})
	second := built.Images[0].Layers[1].Descriptor.Digest
	blob := "blob " + string(second)
	for name, tt := range map[string]struct {
		spoil func(*memory)
		want  []string
		tree  fact.Cause // of what follows from all layers; "" = known
		asked int        // times for the second layer
	}{
		"good":              {want: []string{"right", "right"}, asked: 1},
		"cut_once":          {spoil: func(m *memory) { m.fails[blob] = []error{errOf(fact.CutShort)} }, want: []string{"right", "right"}, asked: 2},
		"network_lost_once": {spoil: func(m *memory) { m.fails[blob] = []error{errOf(fact.Network)} }, want: []string{"right", "right"}, asked: 2},
		"cut_always":        {spoil: func(m *memory) { m.fails[blob] = slices.Repeat([]error{errOf(fact.CutShort)}, 9) }, want: []string{"right", "cut-short"}, tree: fact.CutShort, asked: 3},
		"gone":              {spoil: func(m *memory) { delete(m.blobs, second) }, want: []string{"right", "not-found"}, tree: fact.NotFound, asked: 1},
		"refused":           {spoil: func(m *memory) { m.fails[blob] = []error{errOf(fact.Forbidden)} }, want: []string{"right", "forbidden"}, tree: fact.Forbidden, asked: 1},
		"wrong_bytes": {spoil: func(m *memory) {
			m.blobs[second] = bytes.Replace(m.blobs[second], m.blobs[second][20:21], []byte{m.blobs[second][20] ^ 1}, 1)
		}, want: []string{"right", "wrong"}, tree: fact.Dependency, asked: 1},
		"one_byte_more": {spoil: func(m *memory) { m.blobs[second] = append(slices.Clone(m.blobs[second]), 0) }, want: []string{"right", "wrong"}, tree: fact.Dependency, asked: 1},
		"no_bytes":      {spoil: func(m *memory) { m.blobs[second] = nil }, want: []string{"right", "wrong"}, tree: fact.Dependency, asked: 1},
		"config_down": {spoil: func(m *memory) {
			m.fails["blob "+string(built.Images[0].Config.Descriptor.Digest)] = []error{errOf(fact.Network)}
		}, want: []string{"all: network"}, tree: fact.Network},
		"config_wrong": {spoil: func(m *memory) { m.blobs[built.Images[0].Config.Descriptor.Digest] = []byte("{}") }, want: []string{"all: dependency"}, tree: fact.Dependency},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m := newMemory()
			m.add(built, "t")
			if tt.spoil != nil {
				tt.spoil(m)
			}
			l := gather.NewLayers(2, cacheIn(t, t.TempDir()), nil)
			got, img := read(t, m, l)
			if diff := cmp.Diff(tt.want, partCauses(got)); diff != "" {
				t.Error(diff)
			}
			if got.Filesystem.State != map[bool]fact.State{true: fact.Known}[tt.tree == ""] || got.Filesystem.Cause != tt.tree {
				t.Errorf("tree: %s, %q %s; want %q", got.Filesystem.State, got.Filesystem.Cause, got.Filesystem.Why, tt.tree)
			}
			asked := 0
			for _, q := range m.forget() {
				if q == blob {
					asked++
				}
			}
			if asked != tt.asked {
				t.Errorf("the layer was asked for %d times, want %d", asked, tt.asked)
			}
			if saw := l.Seen(img).Read(second); saw != (slices.Contains([]string{"right", "wrong"}, tt.want[len(tt.want)-1])) {
				t.Errorf("seen: %v", saw)
			}
			// What was not right is read again.
			if tt.tree != "" && tt.asked > 0 {
				if again, _ := read(t, m, l); !slices.Contains(m.forget(), blob) {
					t.Errorf("a layer that is %q was taken from the cache: %q", tt.want, partCauses(again))
				}
			}
		})
	}
}

func TestLayerThatOccursTwiceIsReadOnce(t *testing.T) {
	t.Parallel()
	spec := testimage.Spec{Images: []testimage.Image{app("linux/amd64", "x")}}
	twin := spec.Images[0].Layers[1]
	twin.CreatedBy = "COPY again"
	twin.DescriptorFields = map[string]any{"urls": []string{"https://elsewhere.example/x"}}
	spec.Images[0].Layers = append(spec.Images[0].Layers, twin)
	m := newMemory()
	m.add(build(t, spec), "t")
	got, _ := read(t, m, gather.NewLayers(4, nil, nil))
	if asked := m.forget(); len(asked) != 2 {
		t.Errorf("asked %q, want each digest once", asked)
	}
	type row struct {
		Index     int
		CreatedBy string
		Foreign   bool
	}
	var rows []row
	for _, p := range got.Layers.Parts {
		rows = append(rows, row{p.V.Index, p.V.CreatedBy, p.V.Foreign})
	}
	if diff := cmp.Diff([]row{{0, "COPY base", false}, {1, "COPY app", false}, {2, "COPY again", true}}, rows); diff != "" {
		t.Error(diff)
	}
}

// Runtimes on Linux take an image that says it is Windows': the files are Unix'.
func TestFilesThatAreNotOfWindows(t *testing.T) {
	t.Parallel()
	problems := func(file string) (out int) {
		img := app("windows/amd64", "x")
		img.Layers = []testimage.Layer{{Files: []testimage.File{{Path: "Files/Windows/app.exe", Content: "x"}, {Path: "Hives/System_Delta"}, {Path: file, Content: "x"}}}}
		img.Layers = append(img.Layers, img.Layers[0])
		m := newMemory()
		m.add(build(t, testimage.Spec{Images: []testimage.Image{img}}), "t")
		got, _ := read(t, m, gather.NewLayers(4, nil, nil))
		for _, p := range got.Layers.Parts {
			for _, problem := range p.V.Problems {
				if problem.Kind == fact.ProblemMediaType {
					out++
				}
			}
		}
		return out
	}
	if n := problems("UtilityVM/Files/x"); n != 0 {
		t.Errorf("%d problems of an image of Windows", n)
	}
	if n := problems("bin/app"); n != 2 {
		t.Errorf("%d problems of two layers of Unix that say they are Windows'", n)
	}
}

// age takes out when bytes were seen: the one thing in which a cache may differ.
func age(c gather.Contents) gather.Contents {
	c.Layers.Parts = slices.Clone(c.Layers.Parts)
	for i := range c.Layers.Parts {
		c.Layers.Parts[i].V.SeenAt = time.Time{}
	}
	return c
}

func TestCacheHitEqualsAFreshRead(t *testing.T) {
	t.Parallel()
	spec := testimage.Spec{Images: []testimage.Image{app("linux/amd64", "x")}}
	spec.Images[0].Layers[1].Files = append(spec.Images[0].Layers[1].Files,
		testimage.File{Path: "a\xff", Mode: "0777"}, testimage.File{Path: "dev/null", Type: "char"}, testimage.File{Path: "bin/su", Mode: "4755"})
	built := build(t, spec)
	m := newMemory()
	m.add(built, "t")
	fresh, _ := read(t, m, gather.NewLayers(2, nil, nil))
	dir := t.TempDir()
	first, _ := read(t, m, gather.NewLayers(2, cacheIn(t, dir), nil))
	if diff := cmp.Diff(fresh, first); diff != "" {
		t.Errorf("the scan that fills the cache: %s", diff)
	}
	l := gather.NewLayers(2, cacheIn(t, dir), nil)
	second, img := read(t, m, l)
	if asked := m.forget(); len(asked) != 0 {
		t.Errorf("asked %q although everything is kept", asked)
	}
	if diff := cmp.Diff(fresh, age(second)); diff != "" {
		t.Errorf("from the cache: %s", diff)
	}
	for i, p := range second.Layers.Parts {
		if p.V.SeenAt.IsZero() {
			t.Errorf("layer %d does not say when its bytes were seen", i)
		}
		if l.Seen(img).Read(p.V.Digest) {
			t.Errorf("layer %d is said to have been read from the source", i)
		}
	}
	// The same layers in another image: its own manifest is not known.
	other := spec
	other.Images = slices.Clone(spec.Images)
	other.Images[0].Config.Env = []string{"PATH=/bin"}
	m.add(build(t, other), "t")
	third, _ := read(t, m, gather.NewLayers(2, cacheIn(t, dir), nil))
	if asked := m.forget(); len(asked) != 0 {
		t.Errorf("asked %q although the layers are kept", asked)
	}
	uncached, _ := read(t, m, gather.NewLayers(2, nil, nil))
	if diff := cmp.Diff(uncached, age(third)); diff != "" {
		t.Errorf("layers of another image, from the cache: %s", diff)
	}
}

// What a manifest says of a layer is not what the cache remembers of it.
func TestCachedLayerOfAnotherDescriptor(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		fields map[string]any
		reread bool
	}{
		"media_type":  {map[string]any{"mediaType": testimage.TypeLayer}, true},
		"size":        {map[string]any{"size": 7}, true},
		"sha512_diff": {nil, true},
		"urls":        {map[string]any{"urls": []string{"https://elsewhere.example/x"}}, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			spec := testimage.Spec{Images: []testimage.Image{app("linux/amd64", "x")}}
			m := newMemory()
			built := build(t, spec)
			m.add(built, "t")
			read(t, m, gather.NewLayers(1, cacheIn(t, dir), nil))

			spec.Images[0].Layers[1].DescriptorFields = tt.fields
			if tt.fields == nil {
				for i := range spec.Images[0].Layers {
					spec.Images[0].Layers[i].DiffID = string(ref.DigestOf(built.Images[0].Tars[i], "sha512:"))
				}
			}
			m.add(build(t, spec), "t")
			cached, _ := read(t, m, gather.NewLayers(1, cacheIn(t, dir), nil))
			if asked := len(m.forget()) > 0; asked != tt.reread {
				t.Errorf("read again: %v, want %v", asked, tt.reread)
			}
			fresh, _ := read(t, m, gather.NewLayers(1, nil, nil))
			if diff := cmp.Diff(fresh, age(cached)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestTamperedCacheIsAMiss(t *testing.T) {
	t.Parallel()
	built := build(t, testimage.Spec{Images: []testimage.Image{app("linux/amd64", "x")}})
	m := newMemory()
	m.add(built, "t")
	fresh, _ := read(t, m, gather.NewLayers(1, nil, nil))
	for name, spoil := range map[string]func([]byte) []byte{
		"flip_first":  func(b []byte) []byte { b[0] ^= 1; return b },
		"flip_middle": func(b []byte) []byte { b[len(b)/2] ^= 1; return b },
		"flip_last":   func(b []byte) []byte { b[len(b)-1] ^= 1; return b },
		"cut":         func(b []byte) []byte { return b[:len(b)-1] },
		"empty":       func([]byte) []byte { return nil },
		"longer":      func(b []byte) []byte { return append(b, 0) },
	} {
		dir := t.TempDir()
		read(t, m, gather.NewLayers(1, cacheIn(t, dir), nil))
		err := filepath.WalkDir(filepath.Join(dir, "cache"), func(p string, e fs.DirEntry, err error) error {
			if err != nil || e.IsDir() {
				return err
			}
			b, err := os.ReadFile(p)
			if err != nil {
				return err
			}
			return os.WriteFile(p, spoil(b), 0o600)
		})
		if err != nil {
			t.Fatal(err)
		}
		got, _ := read(t, m, gather.NewLayers(1, cacheIn(t, dir), nil))
		if asked := m.forget(); len(asked) != 2 {
			t.Errorf("%s: asked %q, want both layers again", name, asked)
		}
		if diff := cmp.Diff(fresh, got); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
	// Entries of another key are nobody's.
	dir := t.TempDir()
	read(t, m, gather.NewLayers(1, cacheIn(t, dir), nil))
	if err := os.Remove(filepath.Join(dir, "key")); err != nil {
		t.Fatal(err)
	}
	read(t, m, gather.NewLayers(1, cacheIn(t, dir), nil))
	if asked := m.forget(); len(asked) != 2 {
		t.Errorf("another key: asked %q, want both layers again", asked)
	}
}

func TestLayersEndWithTheContext(t *testing.T) {
	m := newMemory()
	built := build(t, testimage.Spec{Images: []testimage.Image{app("linux/amd64", "x")}})
	m.add(built, "t")
	img := open(t, m, "example.com/app:t", image.Options{Select: amd64})
	m.block = make(chan struct{})
	before := runtime.NumGoroutine()
	for name, tt := range map[string]struct {
		ctx  func() (context.Context, context.CancelFunc)
		want fact.Cause
	}{
		"cancelled": {func() (context.Context, context.CancelFunc) {
			ctx, cancel := context.WithCancel(t.Context())
			cancel()
			return ctx, cancel
		}, fact.Cancelled},
		"deadline": {func() (context.Context, context.CancelFunc) {
			return context.WithTimeout(t.Context(), time.Millisecond)
		}, fact.Deadline},
	} {
		ctx, cancel := tt.ctx()
		// One slot: the second layer waits for the first.
		got := gather.NewLayers(1, nil, nil).Read(ctx, img, img.Children[0])
		cancel()
		if diff := cmp.Diff([]string{string(tt.want), string(tt.want)}, partCauses(got)); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
		if got.Filesystem.Cause != tt.want || !strings.Contains(got.Filesystem.Why, "layer 1") {
			t.Errorf("%s: tree %q %q", name, got.Filesystem.Cause, got.Filesystem.Why)
		}
	}
	for range 1_000_000 {
		if runtime.NumGoroutine() <= before {
			return
		}
		runtime.Gosched()
	}
	t.Errorf("%d goroutines, %d before", runtime.NumGoroutine(), before)
}

func TestNotRead(t *testing.T) {
	t.Parallel()
	m := newMemory()
	m.add(build(t, testimage.Spec{Images: []testimage.Image{app("linux/amd64", "x")}}), "t")
	img := open(t, m, "example.com/app:t", image.Options{})
	got := gather.NotRead(img.Children[0], "layers (--depth layers)")
	if got.Layers.State != fact.Unknown || got.Layers.Cause != fact.NotAsked || got.Filesystem.Cause != fact.NotAsked {
		t.Errorf("layers %+v, tree %+v", got.Layers, got.Filesystem)
	}
	if got.User.State != fact.Known || got.User.V.UID != 65532 {
		t.Errorf("the user follows from the config alone: %+v", got.User)
	}
}

func TestBlobsOfAnArtifactAreHashed(t *testing.T) {
	t.Parallel()
	blob := testimage.Blob("application/wasm", []byte("\x00asm, of a kind"))
	built, err := testimage.Artifact("application/example", ref.Descriptor{}, blob)
	if err != nil {
		t.Fatal(err)
	}
	d := blob.Descriptor.Digest
	m := newMemory()
	m.add(built, "t")
	for name, tt := range map[string]struct {
		body []byte
		want string
	}{
		"right": {m.blobs[d], "right"},
		"wrong": {append([]byte("x"), m.blobs[d][1:]...), "wrong"},
		"more":  {append(slices.Clone(m.blobs[d]), 'x'), "wrong"},
		"less":  {m.blobs[d][1:], "wrong"},
	} {
		m.blobs[d] = tt.body
		got, _ := read(t, m, gather.NewLayers(1, cacheIn(t, t.TempDir()), nil))
		if diff := cmp.Diff([]string{tt.want}, partCauses(got)); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
		if got.Filesystem.State != fact.Absent || got.User.State != fact.Absent {
			t.Errorf("%s: an artifact has a tree: %+v", name, got)
		}
	}
}
