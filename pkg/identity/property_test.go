package identity_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/intact-dev/intact/pkg/fact"
	"github.com/intact-dev/intact/pkg/identity"
	"github.com/intact-dev/intact/pkg/ref"
)

// A world is what is true: images that really are, and in which order and how
// far somebody comes to know them. A name that begins with 512 is the same bytes
// as the one without.
type world struct {
	bytes   []byte // what decides; 0 when it is used up
	configs map[string]truth
	images  map[string]string // manifest to config
	indexes map[string][]child
	tell    []func(*identity.Graph)
	names   []string
}

type truth struct {
	platform string
	layers   []string
}

var (
	statedPlatforms = []string{"linux/amd64", "linux/arm64", "linux/arm/v6", "linux/arm/v7", "linux/386", "unknown/unknown"}
	nodePlatforms   = []string{"", "linux/amd64", "linux/arm64", "linux/arm", "linux/arm/v7", "linux/s390x"}
)

func (w *world) pick(n int) int {
	if len(w.bytes) == 0 {
		return 0
	}
	b := w.bytes[0]
	w.bytes = w.bytes[1:]
	return int(b) % n
}

// sometimes returns name by its other algorithm.
func (w *world) sometimes(name string) string {
	if w.pick(4) == 3 {
		return "512" + name
	}
	return name
}

func newWorld(t *testing.T, b []byte) *world {
	w := &world{bytes: b, configs: map[string]truth{}, images: map[string]string{}, indexes: map[string][]child{}}
	for i := range 1 + w.pick(4) {
		layers := [][]string{{"a"}, {"a", "b"}, {"a", "c"}, nil}[w.pick(4)]
		w.configs[fmt.Sprintf("config %d", i)] = truth{statedPlatforms[w.pick(len(statedPlatforms))], layers}
	}
	for i := range 1 + w.pick(5) {
		config := fmt.Sprintf("config %d", w.pick(len(w.configs)))
		w.images[fmt.Sprintf("manifest %d", i)] = w.sometimes(config)
	}
	for i := range w.pick(4) {
		var entries []child
		for range w.pick(4) {
			m := fmt.Sprintf("manifest %d", w.pick(len(w.images)))
			platform := ""
			if p := w.pick(8); p < len(statedPlatforms) {
				platform = statedPlatforms[p]
			}
			entries = append(entries, child{platform, w.sometimes(m), w.images[m]})
		}
		w.indexes[fmt.Sprintf("index %d", i)] = entries
	}
	w.name()
	for range 2 + w.pick(10) {
		w.tell = append(w.tell, w.telling(t))
	}
	return w
}

func (w *world) name() {
	for c := range w.configs {
		w.names = append(w.names, c, "512"+c)
	}
	for m := range w.images {
		w.names = append(w.names, m, "512"+m)
	}
	for i := range w.indexes {
		w.names = append(w.names, i, "512"+i)
	}
	slices.Sort(w.names)
}

// telling is one thing that is found out.
func (w *world) telling(t *testing.T) func(*identity.Graph) {
	name := w.names[w.pick(len(w.names))]
	plain := strings.TrimPrefix(name, "512")
	if c, ok := w.configs[plain]; ok {
		p, layers := on(t, c.platform), digs(c.layers...)
		if w.pick(3) == 2 {
			layers = nil
		}
		return func(g *identity.Graph) { g.AddConfig(dig(name), p, layers) }
	}
	img := fact.Image{Root: ref.Descriptor{Digest: dig(name)}, Class: fact.ClassImage}
	if config, ok := w.images[plain]; ok {
		if w.pick(4) != 3 {
			img.Platforms = []fact.Child{{Class: fact.ClassImage, Manifest: dig(name), Config: dig(config)}}
		}
		return func(g *identity.Graph) { g.AddImage(img) }
	}
	img.Class = fact.ClassIndex
	img.Others = []fact.Child{attestation(name + " attestation")}
	for _, c := range w.indexes[plain] {
		if w.pick(4) == 3 {
			c.config = "" // it was not read
		}
		if f := c.fact(t); f.Platform.Unknown() {
			img.Others = append(img.Others, f)
		} else {
			img.Platforms = append(img.Platforms, f)
		}
	}
	switch w.pick(6) {
	case 4:
		img.Incomplete = "limit"
		img.Platforms = img.Platforms[:len(img.Platforms)/2]
	case 5:
		img.Platforms, img.Others = nil, nil
	}
	return func(g *identity.Graph) { g.AddImage(img) }
}

// means returns the configs, by their plain names, that name may stand for on a
// node: what exactly matches, and what may.
func (w *world) means(t *testing.T, name, node string) []string {
	name = strings.TrimPrefix(name, "512")
	if c, ok := w.images[name]; ok {
		return []string{strings.TrimPrefix(c, "512")}
	}
	entries, ok := w.indexes[name]
	if !ok {
		return []string{name}
	}
	var out []string
	for _, e := range entries {
		config := strings.TrimPrefix(e.config, "512")
		p := e.platform
		if p == "" {
			p = w.configs[config].platform
		}
		if on(t, e.platform).Unknown() || node != "" && !on(t, p).Matches(on(t, node)) {
			continue
		}
		out = append(out, config)
	}
	return out
}

// holds fails if got is not true.
func (w *world) holds(t *testing.T, a, b, node string, got fact.Comparison) {
	xs, ys := w.means(t, a, node), w.means(t, b, node)
	if len(xs) == 0 || len(ys) == 0 || slices.Equal(xs, ys) && got.Answer == same {
		return // another rule than that of exact matches decides
	}
	for _, x := range xs {
		for _, y := range ys {
			if got.Answer == same && x != y || got.Answer == different && x == y {
				t.Fatalf("%s (%v) and %s (%v) on %q: %+v", a, xs, b, ys, node, got)
			}
		}
	}
}

// An asker asks a graph everything and remembers what it said.
type asker struct {
	names     []string
	digests   []ref.Digest
	platforms []ref.Platform
	answers   map[[3]int]fact.Comparison
	definite  int
}

func newAsker(t *testing.T, names []string) *asker {
	a := &asker{names: names, digests: digs(names...), answers: map[[3]int]fact.Comparison{}}
	for _, p := range nodePlatforms {
		a.platforms = append(a.platforms, on(t, p))
	}
	return a
}

// ask holds g to what is so in every world, and calls next with each answer and
// the one before.
func (a *asker) ask(t *testing.T, g *identity.Graph, next func(x, y, node string, was, got fact.Comparison)) {
	for i, x := range a.digests {
		for j, y := range a.digests[:i+1] {
			for k, node := range a.platforms {
				got := g.Compare(x, y, node)
				if other := g.Compare(y, x, node); other != got {
					t.Fatalf("not symmetric: %s, %s on %q: %+v, %+v", a.names[i], a.names[j], node, got, other)
				}
				if x == y && got.Answer != same {
					t.Fatalf("not reflexive: %s on %q: %+v", a.names[i], node, got)
				}
				if (got.Answer == unknown) != (got.Proof == "") || (got.Answer == unknown) != (got.Why != "") {
					t.Fatalf("no reason: %s, %s on %q: %+v", a.names[i], a.names[j], node, got)
				}
				was := a.answers[[3]int{i, j, k}]
				if was.Answer != unknown && got.Answer != unknown && was.Answer != got.Answer {
					t.Fatalf("%s, %s on %q was %+v and is %+v", a.names[i], a.names[j], node, was, got)
				}
				next(a.names[i], a.names[j], nodePlatforms[k], was, got)
				a.answers[[3]int{i, j, k}] = got
				if x != y && got.Answer != unknown {
					a.definite++
				}
			}
		}
	}
}

// properties finds things out one by one and asks after each of them. What is
// proved is true and stays proved: so less knowledge never proves more.
func properties(t *testing.T, b []byte) (definite int) {
	w := newWorld(t, b)
	var g identity.Graph
	a := newAsker(t, w.names)
	for step, tell := range w.tell {
		tell(&g)
		a.ask(t, &g, func(x, y, node string, was, got fact.Comparison) {
			if got.Answer != unknown && was.Answer == unknown {
				w.holds(t, x, y, node, got)
			}
			if was.Answer != unknown && got.Answer == unknown {
				t.Fatalf("step %d: %s, %s on %q was %+v and is %+v", step, x, y, node, was, got)
			}
		})
	}
	return a.definite
}

// hostile tells of documents that can be read as more than one kind, name each
// other in circles and say anything. Answers may get lost then, but never turn
// into their opposite.
func hostile(t *testing.T, b []byte) {
	w := &world{bytes: b}
	for i := range 6 {
		w.names = append(w.names, fmt.Sprintf("document %d", i))
	}
	anyName := func() string { return w.names[w.pick(len(w.names))] }
	images, layers := map[string]fact.Image{}, map[string][]ref.Digest{}
	for _, name := range w.names {
		layers[name] = digs([]string{"a", "b"}[:w.pick(3)]...)
		img := index(t, name)
		for range w.pick(4) {
			img.Platforms = append(img.Platforms, child{statedPlatforms[w.pick(5)], anyName(), ""}.fact(t))
		}
		images[name] = img
	}
	configs := map[string]string{}
	for _, name := range w.names {
		configs[name] = anyName()
		for i, c := range images[name].Platforms {
			if w.pick(2) == 1 {
				images[name].Platforms[i].Config = dig(configs[nameOf(w.names, c.Manifest)])
			}
		}
	}
	var g identity.Graph
	a := newAsker(t, w.names)
	for len(w.bytes) > 0 {
		switch name := anyName(); w.pick(3) {
		case 0:
			g.AddConfig(dig(name), on(t, "linux/amd64"), layers[name])
		case 1:
			g.AddImage(manifest(t, name, configs[name]))
		case 2:
			g.AddImage(images[name])
		}
		a.ask(t, &g, func(string, string, string, fact.Comparison, fact.Comparison) {})
		for _, d := range a.digests {
			for _, p := range a.platforms {
				if i, m, c := g.Names(d, p); g.KindOf(d) != "" && i != d && m != d && c != d {
					t.Fatalf("%s is none of its names", d)
				}
			}
		}
	}
}

func nameOf(names []string, d ref.Digest) string {
	return names[slices.IndexFunc(names, func(n string) bool { return dig(n) == d })]
}

// TestProperties holds Compare to what is true in worlds made at random.
func TestProperties(t *testing.T) {
	t.Parallel()
	random := rand.NewChaCha8([32]byte{1})
	definite := 0
	for range 25 {
		b := make([]byte, 120)
		if _, err := random.Read(b); err != nil {
			t.Fatal(err)
		}
		definite += properties(t, b)
		hostile(t, b)
	}
	if definite < 2000 {
		t.Errorf("only %d answers were definite", definite)
	}
}

func FuzzCompare(f *testing.F) {
	f.Add([]byte{})
	f.Add([]byte("one index, two manifests, three configs"))
	f.Add([]byte{3, 1, 0, 1, 1, 2, 2, 3, 3, 4, 0, 0, 1, 0, 2, 0, 3, 0, 0, 3, 2, 0, 0, 0, 1, 0, 1, 0})
	f.Fuzz(func(t *testing.T, b []byte) {
		if len(b) > 96 {
			return
		}
		properties(t, b)
		hostile(t, b)
	})
}
