package gather

import (
	"context"
	"time"

	"github.com/intact-dev/intact/pkg/fact"
	"github.com/intact-dev/intact/pkg/image"
	"github.com/intact-dev/intact/pkg/ref"
)

// A Clock tells when an observation was made. It is never used to judge.
type Clock func() time.Time

// Tag collects what the registry said about r's tag: the deciding answer that
// opened img, and a closing HEAD. It is Absent without a tag and for sources
// whose tags nobody else can move.
func Tag(ctx context.Context, img *image.Image, prober image.Prober, asked ref.Ref, opened time.Time, clock Clock) fact.Value[fact.Tag] {
	if asked.Tag == "" || asked.Digest != "" || !img.Source.Proves().Tags {
		return fact.None[fact.Tag]()
	}
	t := fact.Tag{Name: asked.Tag, Answers: []fact.TagAnswer{{Method: "GET", Digest: img.Root.Doc.Digest, At: opened}}}
	if claim := img.Root.Doc.HeaderClaim; claim.Comparable(img.Root.Doc.Digest) {
		t.Answers = append(t.Answers, fact.TagAnswer{Method: "GET header", Digest: claim, At: opened})
	}
	if prober == nil {
		return fact.Missing[fact.Tag](fact.Unsupported, "the source cannot be asked for a tag without reading it")
	}
	a, err := prober.Head(ctx, ref.Ref{Name: asked.Name, Tag: asked.Tag})
	switch {
	case err != nil && image.CauseOf(err) == fact.NotFound:
		t.Answers = append(t.Answers, fact.TagAnswer{Method: "HEAD", Gone: true, At: clock()})
	case err != nil:
		return missing[fact.Tag](err)
	case a.DigestClaim != "":
		t.Answers = append(t.Answers, fact.TagAnswer{Method: "HEAD", Digest: a.DigestClaim, At: clock()})
	default:
		// A registry that states no digest in a HEAD is asked once more in full.
		again, err := image.FetchManifest(ctx, img.Source, ref.Ref{Name: asked.Name, Tag: asked.Tag}, ref.Descriptor{})
		switch {
		case err != nil && image.CauseOf(err) == fact.NotFound:
			t.Answers = append(t.Answers, fact.TagAnswer{Method: "closing GET", Gone: true, At: clock()})
		case err != nil:
			return missing[fact.Tag](err)
		default:
			t.Answers = append(t.Answers, fact.TagAnswer{Method: "closing GET", Digest: again.Doc.Digest, At: clock()})
		}
	}
	v := fact.Of(t)
	v.At, v.Source = clock(), asked.Canonical()
	return v
}

// Pin compares the digest of a reference with where the tag beside it points
// now. The tag is read in full: a HEAD is a claim, and a wrong one would hide
// that the tag moved.
func Pin(ctx context.Context, img *image.Image, asked ref.Ref, clock Clock) fact.Value[fact.Pin] {
	if asked.Tag == "" || asked.Digest == "" || !img.Source.Proves().Tags {
		return fact.None[fact.Pin]()
	}
	p := fact.Pin{Pinned: asked.Digest, Tag: asked.Tag}
	f, err := image.FetchManifest(ctx, img.Source, ref.Ref{Name: asked.Name, Tag: asked.Tag}, ref.Descriptor{})
	switch {
	case err != nil && image.CauseOf(err) == fact.NotFound:
	case err != nil:
		return missing[fact.Pin](err)
	default:
		p.TagPoints = ref.DigestOf(f.Raw, asked.Digest)
		p.ChildOfTag = lists(f.Manifest, asked.Digest)
		p.ParentOfTag = lists(img.Root.Manifest, p.TagPoints)
	}
	v := fact.Of(p)
	v.At, v.Source = clock(), asked.Canonical()
	return v
}

func lists(m *image.Manifest, d ref.Digest) bool {
	if m == nil {
		return false
	}
	for _, c := range m.Manifests {
		if c.Digest == d {
			return true
		}
	}
	return false
}

// Push asks what a push of img to the tag to would do. It is Absent if to is
// the zero Ref.
func Push(ctx context.Context, registry image.Source, to ref.Ref, class ref.Class, local ref.Digest, clock Clock) fact.Value[fact.Push] {
	if to.Tag == "" {
		return fact.None[fact.Push]()
	}
	p := fact.Push{To: to, Class: class, Local: local}
	f, err := image.FetchManifest(ctx, registry, ref.Ref{Name: to.Name, Tag: to.Tag}, ref.Descriptor{})
	switch {
	case err != nil && image.CauseOf(err) == fact.NotFound:
	case err != nil:
		return missing[fact.Push](err)
	default:
		p.Exists, p.Digest = true, ref.DigestOf(f.Raw, local)
	}
	v := fact.Of(p)
	v.At, v.Source = clock(), to.Canonical()
	return v
}
