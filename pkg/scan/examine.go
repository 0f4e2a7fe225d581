package scan

import (
	"context"
	"sync"

	"github.com/intact-dev/intact/pkg/check"
	"github.com/intact-dev/intact/pkg/fact"
	"github.com/intact-dev/intact/pkg/gather"
	"github.com/intact-dev/intact/pkg/image"
	"github.com/intact-dev/intact/pkg/policy"
	"github.com/intact-dev/intact/pkg/ref"
)

// An examined is one root digest in one repository with all facts about it.
type examined struct {
	img          *image.Image
	id           string  // repository@digest, as reports say it
	name         ref.Ref // what it is judged as; may be zero
	place        string  // of a local image, as written
	set          *fact.Set
	children     []examinedChild
	availability fact.List[fact.Blob]
	unsigned     Unsigned
	images       []check.Result
}

type examinedChild struct {
	child *image.Child
	label string
	set   *fact.Set
}

// examine gathers the facts of an opened image.
func (o Options) examine(ctx context.Context, t Target, img *image.Image) *examined {
	e := &examined{img: img, name: t.Name, place: t.place()}
	claims := img.Source.Proves()
	switch {
	case !claims.Signatures:
		e.unsigned.NotApplicable = claims.NoSignatures
	case t.PushTo.Tag != "":
		e.unsigned.NotAsked = "not pushed yet"
	}
	e.set = &fact.Set{Image: gather.Image(img, canonical(t.Name)), Documents: gather.RootDocuments(img)}
	e.set.Config, e.set.Layers, e.set.User, e.set.Filesystem = noContent(e.set.Image)
	var wg sync.WaitGroup
	wg.Go(func() { e.set.Listings, e.set.Signatures = o.signatures(ctx, t, img, e.unsigned) })
	for _, c := range img.Children {
		if c.Class == fact.ClassIndex {
			continue
		}
		e.children = append(e.children, o.child(ctx, img, c, e.set))
	}
	wg.Wait()
	e.availability = o.availability(ctx, t, img)
	return e
}

// noContent are the facts about content of what has none of its own: an index
// has no config and no layers, and of a root that is not known nothing below it
// is known either.
func noContent(root fact.Value[fact.Image]) (fact.Value[fact.Config], fact.List[fact.Layer], fact.Value[fact.User], fact.Value[fact.Filesystem]) {
	if root.State == fact.Known {
		return fact.None[fact.Config](), fact.NoList[fact.Layer](), fact.None[fact.User](), fact.None[fact.Filesystem]()
	}
	c, why := root.Cause, root.Why
	return fact.Missing[fact.Config](c, why), fact.MissingList[fact.Layer](c, why), fact.Missing[fact.User](c, why), fact.Missing[fact.Filesystem](c, why)
}

func canonical(r ref.Ref) string {
	if r.Name == "" {
		return ""
	}
	return r.Canonical()
}

func (o Options) signatures(ctx context.Context, t Target, img *image.Image, u Unsigned) (fact.List[fact.Listing], fact.List[fact.Signature]) {
	cause, why := fact.NotAsked, ""
	switch {
	case u.NotApplicable != "":
		why = u.NotApplicable
	case u.NotAsked != "":
		why = u.NotAsked
	case !img.Root.Right():
		cause, why = fact.Dependency, "the root manifest is wrong or unreadable"
	default:
		return o.Signatures.Gather(ctx, t.Place, img, t.Name)
	}
	return fact.MissingList[fact.Listing](cause, why), fact.MissingList[fact.Signature](cause, why)
}

// child gathers the facts of one manifest below the root. The image fact of its
// set is about itself, so that checks for images leave attestations alone.
func (o Options) child(ctx context.Context, img *image.Image, c *image.Child, root *fact.Set) examinedChild {
	set := &fact.Set{Documents: gather.Documents(c), Config: gather.Config(c), Image: root.Image}
	if root.Image.State == fact.Known {
		set.Image.V.Class = c.Class
		set.Image.V.Root = ref.Descriptor{MediaType: c.Desc.MediaType, Digest: c.Desc.Digest, Size: c.Desc.Size}
	}
	var contents gather.Contents
	if why := o.notRead(img, c); why != "" {
		contents = gather.NotRead(c, why)
	} else {
		contents = o.Layers.Read(ctx, img, c)
	}
	set.Layers, set.User, set.Filesystem = contents.Layers, contents.User, contents.Filesystem
	return examinedChild{child: c, label: gather.Label(c), set: set}
}

// notRead says why the layers of c are not wanted, or "".
func (o Options) notRead(img *image.Image, c *image.Child) string {
	switch {
	case o.Depth != policy.DepthLayers:
		return "layers (--depth layers)"
	case c.Class == fact.ClassImage && !c.Selected:
		return c.Platform.String() + " layers (--platform all)"
	case c.Class != fact.ClassImage && img.Root.Right() && img.Root.Doc.Class == fact.ClassIndex && !o.Select.All:
		return "blobs of attestations and artifacts in the index (--platform all)"
	}
	return ""
}

func (o Options) availability(ctx context.Context, t Target, img *image.Image) fact.List[fact.Blob] {
	switch {
	case o.Depth == policy.DepthReference:
		return fact.MissingList[fact.Blob](fact.NotAsked, "what the registry has (--depth manifest)")
	case t.runs && o.Depth != policy.DepthLayers:
		// A cluster's images have thousands of blobs; what runs is there, and a
		// rollback's are asked for.
		return fact.MissingList[fact.Blob](fact.NotAsked, "whether registries still have all blobs of what runs (--depth layers)")
	}
	return gather.Availability(ctx, img, t.Place.Prober, o.Layers.Seen(img), o.jobs())
}
