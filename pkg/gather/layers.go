package gather

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"weak"

	"github.com/intact-dev/intact/pkg/fact"
	"github.com/intact-dev/intact/pkg/image"
	"github.com/intact-dev/intact/pkg/image/layer"
	"github.com/intact-dev/intact/pkg/ref"
)

// Contents are the facts that follow from the layers of one platform.
type Contents struct {
	Layers     fact.List[fact.Layer]
	User       fact.Value[fact.User]
	Filesystem fact.Value[fact.Filesystem]
}

// Progress is told what is being read. Its methods may be called concurrently.
type Progress interface {
	// Layer says that a layer of size compressed bytes is being read, and returns
	// what to tell about it.
	Layer(d ref.Descriptor) LayerProgress
}

// LayerProgress follows one layer.
type LayerProgress interface {
	Add(n int64) // compressed bytes read since the last call
	Done(ok bool)
}

// Layers reads layers, a bounded number at a time, and keeps their facts. It
// may be used concurrently.
type Layers struct {
	slots    chan struct{}
	windows  *layer.Windows
	cache    *ContentCache // nil = none
	progress Progress      // nil = none
	trees    chan struct{} // one merged tree is looked at at a time

	disagreed atomic.Int64 // layers on which two decoders disagreed

	mu   sync.Mutex
	read map[readKey]map[ref.Digest]bool // by image, what was read from its source
}

// NewLayers returns a reader of jobs layers at a time. cache and progress may
// be nil.
func NewLayers(jobs int, cache *ContentCache, progress Progress) *Layers {
	return &Layers{
		slots: make(chan struct{}, max(1, jobs)), windows: layer.NewWindows(), cache: cache, progress: progress,
		trees: make(chan struct{}, 1), read: map[readKey]map[ref.Digest]bool{},
	}
}

// NotRead are the contents of a platform whose layers nobody asked for; what
// follows from the config alone is still said.
func NotRead(c *image.Child, why string) Contents {
	return withoutLayers(c, fact.NotAsked, why)
}

func withoutLayers(c *image.Child, cause fact.Cause, why string) Contents {
	out := Contents{
		Layers:     fact.MissingList[fact.Layer](cause, why),
		User:       fact.Missing[fact.User](cause, why),
		Filesystem: fact.Missing[fact.Filesystem](cause, why),
	}
	if Config(c).State == fact.Known {
		if u := layer.ResolveUser(nil, c.Config.User); u.State == fact.Known {
			out.User = u
		}
	}
	return out
}

// Read reads all layers of one child. If its facts are kept from an earlier
// scan nothing is read.
func (l *Layers) Read(ctx context.Context, img *image.Image, c *image.Child) Contents {
	p, unread := l.platform(img, c)
	if p == nil {
		return unread
	}
	if kept, ok := p.cache.platform(c.Desc.Digest); ok {
		return kept
	}
	out, _ := p.run(ctx)
	return out
}

// Tree is Read for somebody who needs the merged tree as well, so that no layer
// is read twice: its Contents are those of Read, and use gets the tree. A large
// one takes hundreds of megabytes, so calls of Tree wait for each other: use must
// not keep the tree, and must not call Tree. If there is no tree use is not called
// and the error says why, with its cause.
//
// Facts that are kept of an earlier scan do not make up for the layers: of those
// that the cache does not hold the bytes are read.
func (l *Layers) Tree(ctx context.Context, img *image.Image, c *image.Child, use func(*layer.Tree)) (Contents, error) {
	if err := l.takeTrees(ctx); err != nil {
		return withoutLayers(c, image.CauseOf(err), err.Error()), noTree(c, image.CauseOf(err), err.Error())
	}
	defer l.giveTrees()
	out, tree, err := l.tree(ctx, img, c)
	if err == nil {
		use(tree)
	}
	return out, err
}

func (l *Layers) takeTrees(ctx context.Context) error {
	select {
	case l.trees <- struct{}{}:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (l *Layers) giveTrees() { <-l.trees }

func noTree(c *image.Child, cause fact.Cause, why string) error {
	return &image.Error{Op: "merge the layers of", Object: string(c.Desc.Digest), Cause: cause, Err: errors.New(why)}
}

// tree reads and merges the layers of a child.
func (l *Layers) tree(ctx context.Context, img *image.Image, c *image.Child) (Contents, *layer.Tree, error) {
	p, unread := l.platform(img, c)
	if p == nil {
		return unread, nil, noTree(c, unread.Filesystem.Cause, unread.Filesystem.Why)
	}
	out, tree := p.run(ctx)
	switch {
	case out.Filesystem.State == fact.Absent:
		return out, nil, noTree(c, fact.Unsupported, fmt.Sprintf("%s has no file tree", c.Class))
	case tree == nil:
		return out, nil, noTree(c, out.Filesystem.Cause, out.Filesystem.Why)
	}
	return out, tree, nil
}

// platform prepares to read the layers of a child. It is nil if there are none
// to read; what is known without them is then in the Contents.
func (l *Layers) platform(img *image.Image, c *image.Child) (*platformRead, Contents) {
	if c.Manifest == nil || !c.Manifest.Right() {
		for _, p := range Documents(c).Parts {
			if p.State != fact.Known {
				return nil, withoutLayers(c, p.Cause, p.Why)
			}
		}
		return nil, withoutLayers(c, fact.Dependency, "the manifest is wrong or unreadable")
	}
	if cfg := Config(c); cfg.State == fact.Unknown {
		return nil, withoutLayers(c, cfg.Cause, cfg.Why)
	}
	// What lies on this machine can change under its name at any time and costs
	// little to read: only a registry's bytes are worth remembering.
	var cache *ContentCache
	if img.Source.Proves().Tags {
		cache = l.cache
	}
	return &platformRead{Layers: l, cache: cache, img: img, c: c, budget: layer.NewBudget()}, Contents{}
}

// Disagreed returns on how many layers two decoders disagreed: each is a fault
// of ours and was left undecided.
func (l *Layers) Disagreed() int64 { return l.disagreed.Load() }

// Seen tells which blobs of img were read in full during this scan.
func (l *Layers) Seen(img *image.Image) Seen { return seenIn{l, readKeyOf(img)} }

type seenIn struct {
	l   *Layers
	img readKey
}

// A readKey is one opened image: a local image may have no name, and two folders
// can hold one digest. It does not keep the image in memory.
type readKey = weak.Pointer[image.Image]

func readKeyOf(img *image.Image) readKey { return weak.Make(img) }

func (s seenIn) Read(d ref.Digest) bool {
	s.l.mu.Lock()
	defer s.l.mu.Unlock()
	return s.l.read[s.img][d]
}

func (l *Layers) saw(img *image.Image, d ref.Digest) {
	l.mu.Lock()
	defer l.mu.Unlock()
	key := readKeyOf(img)
	if l.read[key] == nil {
		l.read[key] = map[ref.Digest]bool{}
	}
	l.read[key][d] = true
}

// A platformRead is one pass over the layers of one child.
type platformRead struct {
	*Layers
	cache  *ContentCache // nil = none for this source
	img    *image.Image
	c      *image.Child
	budget *layer.Budget
}

// run returns no tree if a layer is missing or wrong, and for what is no image.
func (p *platformRead) run(ctx context.Context) (Contents, *layer.Tree) {
	ds := p.c.Manifest.Manifest.Layers
	contents := make([]*layer.Contents, len(ds))
	parts := make([]fact.Value[fact.Layer], len(ds))
	first := map[ref.Digest]int{} // a layer that occurs twice is read once
	var order []int
	for i, d := range ds {
		if _, twice := first[d.Digest]; twice && d.Digest != "" {
			continue
		}
		first[d.Digest] = i
		order = append(order, i)
	}
	// The largest first, so that at the end no large one is left to read alone.
	slices.SortStableFunc(order, func(i, j int) int { return cmp.Compare(ds[j].Size, ds[i].Size) })
	var wg sync.WaitGroup
	for _, i := range order {
		var declared ref.Digest
		if i < len(p.c.Config.DiffIDs) {
			declared = p.c.Config.DiffIDs[i]
		}
		select {
		case p.slots <- struct{}{}:
			wg.Go(func() {
				defer func() { <-p.slots }()
				contents[i], parts[i] = p.layer(ctx, ds[i], declared)
			})
		case <-ctx.Done():
			parts[i] = missing[fact.Layer](&image.Error{Op: "get layer", Object: string(ds[i].Digest), Cause: image.CauseOf(ctx.Err()), Err: ctx.Err()})
		}
	}
	wg.Wait()
	history := layer.CreatedBy(p.c.Config, len(ds))
	for i, d := range ds {
		j := i
		if d.Digest != "" {
			j = first[d.Digest]
		}
		contents[i], parts[i] = contents[j], parts[j]
		if parts[i].State != fact.Known {
			continue
		}
		f := &parts[i].V
		// The bytes are those of the digest; where they may come from is said by this
		// manifest alone.
		f.Index, f.Descriptor, f.Foreign = i, d, len(d.URLs) > 0 || image.IsForeignType(d.MediaType)
		if i < len(history) {
			f.CreatedBy = history[i]
		}
		if i < len(p.c.Config.DiffIDs) {
			f.DeclaredDiffID = p.c.Config.DiffIDs[i]
		}
		if path := notOfWindows(contents[i]); path != "" && i == j && p.c.Class == fact.ClassImage && p.c.Config.Platform.OS == "windows" {
			f.Problems = append(slices.Clip(f.Problems), fact.Problem{Kind: fact.ProblemMediaType,
				Detail: fmt.Sprintf("the config says windows, and %q is nothing that a layer of Windows holds", path)})
		}
	}
	out := Contents{Layers: fact.ListOf(parts...)}
	if p.c.Class != fact.ClassImage {
		out.User, out.Filesystem = fact.None[fact.User](), fact.None[fact.Filesystem]()
		return out, nil
	}
	return out, p.tree(contents, &out)
}

// tree merges the layers and says what the result shows. One layer that is
// missing or wrong leaves the whole tree unknown.
func (p *platformRead) tree(contents []*layer.Contents, out *Contents) *layer.Tree {
	for i, part := range out.Layers.Parts {
		cause, why := part.Cause, part.Why
		switch {
		case part.State != fact.Known:
			why = fmt.Sprintf("layer %d: %s", i+1, why)
		case part.V.Digest != part.V.Descriptor.Digest:
			cause, why = fact.Dependency, fmt.Sprintf("layer %d is wrong: see DIG003", i+1)
		case part.V.Encrypted:
			cause, why = fact.Encrypted, fmt.Sprintf("layer %d is encrypted", i+1)
		case !contents[i].Readable():
			cause, why = fact.Dependency, fmt.Sprintf("layer %d cannot be read: see DIG008", i+1)
		default:
			continue
		}
		unread := withoutLayers(p.c, cause, why)
		out.User, out.Filesystem = unread.User, unread.Filesystem
		return nil
	}
	if unverifiable(p.c.Manifest.Doc.Problems) {
		// Which layers make up the tree is not sure.
		unread := withoutLayers(p.c, fact.Dependency, "the manifest cannot be relied on: see DIG008")
		out.User, out.Filesystem = unread.User, unread.Filesystem
		return nil
	}
	tree, err := layer.Merge(contents)
	if err != nil {
		unread := withoutLayers(p.c, image.CauseOf(err), err.Error())
		out.User, out.Filesystem = unread.User, unread.Filesystem
		return nil
	}
	out.User = layer.ResolveUser(tree, p.c.Config.User)
	out.Filesystem = fact.Of(layer.Analyse(tree, p.c.Config, out.User))
	p.cache.keepPlatform(p.c.Desc.Digest, *out)
	return tree
}

var errNoUsableDescriptor = errors.New("its descriptor has no usable digest or size")
