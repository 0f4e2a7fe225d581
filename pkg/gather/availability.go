package gather

import (
	"context"
	"errors"

	"github.com/intact-dev/intact/pkg/fact"
	"github.com/intact-dev/intact/pkg/image"
	"github.com/intact-dev/intact/pkg/ref"
	"golang.org/x/sync/errgroup"
)

// A Seen tells which blobs of an image were read in full from the source during
// this scan, so that they need not be asked for again.
type Seen interface{ Read(d ref.Digest) bool }

// Availability asks whether everything that the selected platforms need can be
// pulled. What the registry has is always asked, whatever a cache knows of the
// bytes; what was just read from it needs no asking.
func Availability(ctx context.Context, img *image.Image, prober image.Prober, seen Seen, jobs int) fact.List[fact.Blob] {
	if !img.Root.Right() {
		return fact.MissingList[fact.Blob](fact.Dependency, "the root manifest is wrong or unreadable")
	}
	type question struct {
		blob fact.Blob
		ask  func(ctx context.Context) (bool, error)
	}
	var questions []question
	known := func(present bool) func(context.Context) (bool, error) {
		return func(context.Context) (bool, error) { return present, nil }
	}
	for _, c := range img.Children {
		// A root that is no index is what is pulled, whatever it is.
		if !c.Selected && c.Manifest != img.Root {
			continue
		}
		m := question{blob: fact.Blob{Role: "manifest", Descriptor: bare(c.Desc), Platform: c.Platform}, ask: known(true)}
		switch {
		case c.Err != nil && image.CauseOf(c.Err) == fact.NotFound && c.Desc.Digest != "":
			m.ask = known(false)
		case c.Err != nil:
			m.ask = func(context.Context) (bool, error) { return false, c.Err }
		case c.FromStore && c.Manifest != img.Root:
			m.ask = func(ctx context.Context) (bool, error) {
				return headManifest(ctx, prober, img.Ref.WithDigest(c.Desc.Digest))
			}
		}
		questions = append(questions, m)
		if c.Manifest == nil || !c.Manifest.Right() {
			continue
		}
		blobs := c.Manifest.Manifest.Layers
		roles := make([]string, len(blobs), len(blobs)+1)
		for i := range roles {
			roles[i] = "layer"
		}
		if cfg := c.Manifest.Manifest.Config; cfg != nil {
			blobs, roles = append(blobs[:len(blobs):len(blobs)], *cfg), append(roles, "config")
		}
		for i, d := range blobs {
			q := question{blob: fact.Blob{Role: roles[i], Descriptor: bare(d), Platform: c.Platform}}
			switch {
			case d.Digest == "":
				q.ask = func(context.Context) (bool, error) { return false, errNoDigest }
			case seen != nil && seen.Read(d.Digest), roles[i] == "config" && c.ConfigDoc != nil && !c.ConfigFromStore:
				q.ask = known(true)
			default:
				q.ask = func(ctx context.Context) (bool, error) {
					present, err := hasBlob(ctx, prober, img.Ref, d)
					if err == nil && !present && (len(d.URLs) > 0 || image.IsForeignType(d.MediaType)) {
						// Whoever pushed the image chose that, not who asks. URLs are never followed.
						return false, errForeign
					}
					return present, err
				}
			}
			questions = append(questions, q)
		}
	}
	if len(questions) == 0 && img.Incomplete == nil {
		return fact.MissingList[fact.Blob](fact.NotAsked, "no platform of the index was selected")
	}
	out := fact.ListOf(make([]fact.Value[fact.Blob], len(questions))...)
	var g errgroup.Group
	g.SetLimit(max(1, jobs))
	for i, q := range questions {
		g.Go(func() error {
			present, err := q.ask(ctx)
			if err != nil {
				out.Parts[i] = missing[fact.Blob](err)
				return nil
			}
			q.blob.Present = present
			out.Parts[i] = fact.Of(q.blob)
			return nil
		})
	}
	_ = g.Wait()
	if img.Incomplete != nil {
		out.Parts = append(out.Parts, missing[fact.Blob](img.Incomplete))
	}
	return out
}

var errForeign = &image.Error{Op: "ask for layer", Cause: fact.Unsupported, Err: errors.New("a foreign layer is not in the registry, which need not hold it, and its URLs are never fetched (see DIG007)")}

var errNoDigest = &image.Error{Op: "ask for blob", Cause: fact.Dependency, Err: errors.New("its descriptor has no usable digest")}

var errNoProber = &image.Error{Op: "ask for blob", Cause: fact.Unsupported, Err: errors.New("the source cannot be asked without reading")}

func headManifest(ctx context.Context, prober image.Prober, r ref.Ref) (bool, error) {
	if prober == nil {
		return false, errNoProber
	}
	_, err := prober.Head(ctx, r)
	if err != nil && image.CauseOf(err) == fact.NotFound {
		return false, nil
	}
	return err == nil, err
}

func hasBlob(ctx context.Context, prober image.Prober, r ref.Ref, d ref.Descriptor) (bool, error) {
	if prober == nil {
		return false, errNoProber
	}
	return prober.HasBlob(ctx, r, d)
}

// bare drops what a descriptor carries beside type, digest and size.
func bare(d ref.Descriptor) ref.Descriptor {
	return ref.Descriptor{MediaType: d.MediaType, Digest: d.Digest, Size: d.Size}
}
