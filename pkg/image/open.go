package image

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/intact-dev/intact/pkg/fact"
	"github.com/intact-dev/intact/pkg/internal/limits"
	"github.com/intact-dev/intact/pkg/ref"
	"golang.org/x/sync/errgroup"
)

// Options say how much of an image to open. The zero value opens everything
// and selects no platform's layers.
type Options struct {
	// RootOnly leaves children and configs alone.
	RootOnly bool
	// Select marks the platforms whose layers are to be read.
	Select Selection
	// Documents, if not nil, keeps manifests and configs between scans. What comes
	// out of it is hashed as if a registry had sent it.
	Documents DocumentStore
	// Jobs bounds concurrent requests; 0 means 4.
	Jobs int
}

// A DocumentStore keeps small documents by digest. It need not be trusted.
type DocumentStore interface {
	Load(d ref.Digest) ([]byte, bool)
	Keep(d ref.Digest, b []byte)
}

// An Image is pinned: all that hangs from it was reached from Root's bytes by
// digest.
type Image struct {
	Source Source
	// Ref is the repository at the root digest; every request after the first is
	// made in it.
	Ref  ref.Ref
	Root *Fetched
	// Children are all manifests below an index, depth first, or the root itself
	// if it is no index.
	Children []*Child
	// Incomplete says why children may be missing: a limit.
	Incomplete error
}

// A Child is one manifest of an image and its config.
type Child struct {
	Desc     ref.Descriptor
	Platform ref.Platform // the index's word; the config's where there is no index
	Class    fact.Class   // ClassImage until the manifest is known to be something else
	Manifest *Fetched     // nil if it was not obtained
	Err      error        // why not
	Selected bool         // its layers are to be read
	// Named marks a platform that the user named and the image does not have: it
	// is no manifest, only the record that it was asked for.
	Named bool

	ConfigDoc *fact.Document // nil if not obtained or not wanted
	Config    fact.Config
	ConfigOK  bool // the bytes are right and readable
	ConfigErr error
	// FromStore and ConfigFromStore say that the manifest, or the config, came out
	// of the store of documents: the source was not asked whether it has it.
	FromStore       bool
	ConfigFromStore bool
}

// Runnable reports whether a runtime could run it: an image of a known
// platform.
func (c *Child) Runnable() bool { return c.Class == fact.ClassImage && !c.Platform.Unknown() }

// Open resolves r once and opens what its digest names. The error means that
// the root was not obtained; everything below is recorded in the Image. Wrong
// root bytes are no error: then nothing below them is followed.
func Open(ctx context.Context, src Source, r ref.Ref, opts Options) (*Image, error) {
	root, err := FetchManifest(ctx, src, r, ref.Descriptor{})
	if err != nil {
		return nil, err
	}
	img := &Image{Source: src, Ref: r.WithDigest(root.Doc.Digest), Root: root}
	if opts.Documents != nil && root.Right() {
		opts.Documents.Keep(root.Doc.Digest, root.Raw)
	}
	if !root.Right() || opts.RootOnly {
		return img, nil
	}
	o := opener{img: img, opts: opts, first: map[ref.Digest]*Child{root.Doc.Digest: nil}, seen: map[entry]bool{}}
	if root.Manifest.isIndex() {
		o.index(ctx, root, 1)
		o.platformClashes()
	} else {
		c := &Child{Desc: rootDescriptor(root), Class: root.Doc.Class, Manifest: root}
		img.Children = []*Child{c}
	}
	o.configs(ctx)
	opts.Select.apply(img)
	return img, nil
}

func rootDescriptor(f *Fetched) ref.Descriptor {
	t := f.Doc.MediaType
	if t == "" {
		t = f.Doc.HeaderType
	}
	return ref.Descriptor{MediaType: t, Digest: f.Doc.Digest, Size: f.Doc.Size}
}

type opener struct {
	img   *Image
	opts  Options
	first map[ref.Digest]*Child // the first child of each digest; nil for the root
	seen  map[entry]bool
}

// An entry is what a runtime picks from an index.
type entry struct {
	digest   ref.Digest
	platform ref.Platform
}

// index opens the children of one index, then those of nested ones, in order.
func (o *opener) index(ctx context.Context, parent *Fetched, depth int) {
	if depth > limits.IndexDepth {
		o.img.Incomplete = &Error{Op: "open index", Object: string(parent.Doc.Digest), Cause: fact.Limit,
			Err: &limits.ExceededError{What: "depth of nested indexes", Limit: limits.IndexDepth, Got: int64(depth)}}
		return
	}
	var level, again []*Child
	for _, d := range parent.Manifest.Manifests {
		c := &Child{Desc: d, Class: fact.ClassImage}
		if d.Platform != nil {
			c.Platform = *d.Platform
		}
		key := entry{d.Digest, c.Platform}
		first, twice := o.first[d.Digest]
		if d.Digest != "" && (o.seen[key] || twice && first == nil) {
			continue // each once, so that a DAG of indexes does not explode
		}
		if len(o.img.Children)+len(level) >= limits.IndexChildren {
			o.img.Incomplete = &Error{Op: "open index", Object: string(parent.Doc.Digest), Cause: fact.Limit,
				Err: &limits.ExceededError{What: "number of index children", Limit: limits.IndexChildren}}
			break
		}
		o.seen[key] = true
		level = append(level, c)
		if twice && d.Digest != "" {
			again = append(again, c)
		} else {
			o.first[d.Digest] = c
		}
	}
	var g errgroup.Group
	g.SetLimit(o.jobs())
	for _, c := range level {
		if !slices.Contains(again, c) {
			g.Go(func() error { o.manifest(ctx, c); return nil })
		}
	}
	_ = g.Wait()
	for _, c := range again {
		c.sameAs(o.first[c.Desc.Digest])
	}
	level = slices.DeleteFunc(level, func(c *Child) bool { return c.Class == fact.ClassIndex && slices.Contains(again, c) })
	for _, c := range level {
		if c.Manifest != nil && c.Manifest.Right() && c.Manifest.Manifest.isIndex() {
			c.Class = fact.ClassIndex
			o.img.Children = append(o.img.Children, c)
			o.index(ctx, c.Manifest, depth+1)
			continue
		}
		o.img.Children = append(o.img.Children, c)
	}
}

// sameAs makes c the child that first is, listed once more for another platform:
// a runtime picks by any entry, so each is a platform of its own. What was
// fetched is shared.
func (c *Child) sameAs(first *Child) {
	c.Err, c.FromStore = first.Err, first.FromStore
	if first.Manifest != nil {
		f := *first.Manifest
		f.Doc.Wanted = c.Desc
		c.Manifest = &f
	}
	c.Class = classOfChild(c)
	if first.Class == fact.ClassIndex {
		c.Class = fact.ClassIndex
	}
}

func (o *opener) jobs() int {
	if o.opts.Jobs > 0 {
		return o.opts.Jobs
	}
	return 4
}

func (o *opener) manifest(ctx context.Context, c *Child) {
	defer func() { c.Class = classOfChild(c) }()
	if c.Desc.Digest == "" {
		c.Err = &Error{Op: "get manifest", Cause: fact.Dependency, Err: errors.New("its descriptor has no usable digest")}
		return
	}
	if c.Desc.Size < 0 {
		c.Err = &Error{Op: "get manifest", Object: string(c.Desc.Digest), Cause: fact.Dependency, Err: fmt.Errorf("its descriptor gives the size %d", c.Desc.Size)}
		return
	}
	if b, ok := o.load(c.Desc.Digest); ok {
		c.FromStore = true
		c.Manifest = examine(&Answer{Body: b}, c.Desc)
	} else {
		c.Manifest, c.Err = FetchManifest(ctx, o.img.Source, o.img.Ref.WithDigest(c.Desc.Digest), c.Desc)
		if c.Err == nil && c.Manifest.Right() && o.opts.Documents != nil {
			o.opts.Documents.Keep(c.Desc.Digest, c.Manifest.Raw)
		}
	}
}

// load returns a kept document if its bytes are the ones that d names.
func (o *opener) load(d ref.Digest) ([]byte, bool) {
	if o.opts.Documents == nil {
		return nil, false
	}
	b, ok := o.opts.Documents.Load(d)
	return b, ok && ref.DigestOf(b, d) == d
}

// classOfChild trusts the manifest's bytes before the index's word. BuildKit's
// attestation manifests have an image config, so the annotation or the layers
// tell them apart.
func classOfChild(c *Child) fact.Class {
	if c.Manifest != nil && c.Manifest.Right() && c.Manifest.Doc.Class != fact.ClassImage {
		return c.Manifest.Doc.Class
	}
	read := c.Manifest != nil && c.Manifest.Right()
	if c.Platform.Unknown() && (read && holdsStatements(c.Manifest.Manifest) ||
		!read && c.Desc.Annotations["vnd.docker.reference.type"] == "attestation-manifest") {
		return fact.ClassAttestation
	}
	return fact.ClassImage
}

// platformClashes reports two children for one platform: which of them runs is
// the runtime's choice.
func (o *opener) platformClashes() {
	first := map[ref.Platform]*Child{}
	for _, c := range o.img.Children {
		if !c.Runnable() || c.Platform == (ref.Platform{}) {
			continue
		}
		if other, twice := first[c.Platform.Normalize()]; twice {
			o.img.Root.Doc.Problems = append(o.img.Root.Doc.Problems, fact.Problem{Kind: fact.ProblemAmbiguous,
				Detail: fmt.Sprintf("two images for %s: %s and %s", c.Platform, other.Desc.Digest, c.Desc.Digest)})
			continue
		}
		first[c.Platform.Normalize()] = c
	}
}
