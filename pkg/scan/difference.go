package scan

import (
	"context"

	"github.com/intact-dev/intact/pkg/difference"
	"github.com/intact-dev/intact/pkg/fact"
	"github.com/intact-dev/intact/pkg/gather"
	"github.com/intact-dev/intact/pkg/image"
	"github.com/intact-dev/intact/pkg/policy"
	"github.com/intact-dev/intact/pkg/ref"
)

// Difference says what is new in one image against another: both are read from
// place by digest, as far as the options' depth and platforms go. What the cache
// holds is not asked for again. An image that cannot be had is no error: the
// result says what was not compared.
func Difference(ctx context.Context, place Place, repository string, before, after ref.Digest, o Options) difference.Result {
	ctx, cancel := context.WithTimeout(ctx, o.timeout())
	defer cancel()
	was, beforeSide := o.side(ctx, place, repository, before)
	is, afterSide := o.side(ctx, place, repository, after)
	files := difference.Files{}
	if was != nil && is != nil && before != after {
		for name, p := range afterSide.Platforms {
			old, ok := beforeSide.Platforms[name]
			if !ok || old.Manifest == p.Manifest || old.ID != "" && old.ID == p.ID {
				continue
			}
			if files[name] = o.changedFiles(ctx, was, is, name); files[name].Cause == fact.NotAsked {
				delete(files, name)
			}
		}
	}
	return difference.Compare(beforeSide, afterSide, files)
}

// side opens one of the two images.
func (o Options) side(ctx context.Context, place Place, repository string, d ref.Digest) (*image.Image, difference.Side) {
	out := difference.Side{Digest: d, Platforms: map[string]difference.Platform{}}
	img, err := image.Open(ctx, o.kept(place.Source), ref.Ref{Name: repository, Digest: d}, image.Options{Documents: o.Documents, Select: o.Select, Jobs: o.jobs()})
	if err != nil {
		out.Image = fact.Missing[fact.Image](image.CauseOf(err), describe(err))
		return nil, out
	}
	img.Source = place.Source
	if out.Image = gather.Image(img, repository); out.Image.State != fact.Known {
		return nil, out
	}
	for _, c := range img.Children {
		if !c.Runnable() || c.Named {
			continue
		}
		p := difference.Platform{Manifest: c.Desc.Digest, Config: gather.Config(c)}
		if c.ConfigOK && c.ConfigDoc != nil {
			p.ID = c.ConfigDoc.Digest
		}
		out.Platforms[gather.Label(c)] = p
	}
	return img, out
}

// kept is src for manifests that the cache does not hold: a registry may count each
// that it is asked for as a pull.
//
// https://docs.docker.com/docker-hub/usage/pulls/
func (o Options) kept(src image.Source) image.Source {
	if o.Documents == nil {
		return src
	}
	return keptManifests{src, o.Documents}
}

type keptManifests struct {
	image.Source
	documents image.DocumentStore
}

// Manifest is that of the cache if it is what r names. Nobody said then of what
// media type it is but itself.
func (k keptManifests) Manifest(ctx context.Context, r ref.Ref) (*image.Answer, error) {
	if r.Digest != "" {
		if b, ok := k.documents.Load(r.Digest); ok && ref.DigestOf(b, r.Digest) == r.Digest {
			return &image.Answer{Body: b}, nil
		}
	}
	return k.Source.Manifest(ctx, r)
}

// changedFiles compares the trees of one platform, if its layers are wanted.
func (o Options) changedFiles(ctx context.Context, before, after *image.Image, name string) fact.List[fact.FileChange] {
	was, is := childOf(before, name), childOf(after, name)
	switch {
	case o.Depth != policy.DepthLayers:
		return fact.MissingList[fact.FileChange](fact.NotAsked, "files (--depth layers)")
	case was == nil || is == nil || !is.Selected:
		return fact.MissingList[fact.FileChange](fact.NotAsked, "files of "+name+" (--platform all)")
	}
	return o.Layers.Difference(ctx, gather.Part{Image: before, Child: was}, gather.Part{Image: after, Child: is})
}

func childOf(img *image.Image, label string) *image.Child {
	for _, c := range img.Children {
		if c.Runnable() && !c.Named && gather.Label(c) == label {
			return c
		}
	}
	return nil
}
