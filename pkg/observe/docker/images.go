package docker

import (
	"context"
	"strings"
	"sync"

	"github.com/intact-dev/intact/pkg/fact"
	"github.com/intact-dev/intact/pkg/image"
	"github.com/intact-dev/intact/pkg/internal/dockerengine"
	"github.com/intact-dev/intact/pkg/ref"
)

// A knownImage is what the engine's store has about an image. Zero if the image
// is gone from it.
type knownImage struct {
	id       string
	digests  []string // RepoDigests
	tags     []string // RepoTags
	platform ref.Platform
	kind     fact.DigestKind // of the ID, if the store tells
}

// images asks the store once for each name.
type images struct {
	engine *dockerengine.Engine

	mu    sync.Mutex
	asked map[string]*answer
}

type answer struct {
	once  sync.Once
	image knownImage
	err   error
}

func newImages(e *dockerengine.Engine) *images {
	return &images{engine: e, asked: map[string]*answer{}}
}

// get returns what is known of an image; first says that nobody asked for it
// before.
func (s *images) get(ctx context.Context, name string) (known knownImage, first bool, err error) {
	s.mu.Lock()
	a := s.asked[name]
	if a == nil {
		a = &answer{}
		s.asked[name] = a
	}
	s.mu.Unlock()
	a.once.Do(func() {
		first = true
		got, err := s.engine.Image(ctx, name)
		if image.CauseOf(err) == fact.NotFound && err != nil {
			return
		}
		a.err = err
		a.image = knownImage{id: got.ID, digests: got.RepoDigests, tags: got.RepoTags,
			platform: ref.Platform{OS: got.Os, Architecture: got.Architecture, Variant: got.Variant, OSVersion: got.OsVersion}}
		if d := got.Descriptor; d != nil && string(d.Digest) == got.ID {
			a.image.kind = kindOfType(d.MediaType)
		}
	})
	return a.image, first, a.err
}

// kindOfType tells an index from a manifest by its media type.
func kindOfType(mediaType string) fact.DigestKind {
	switch mediaType {
	case image.TypeOCIIndex, image.TypeDockerList:
		return fact.DigestIndex
	case image.TypeOCIManifest, image.TypeDockerManifest:
		return fact.DigestManifest
	}
	return ""
}

// ask returns what is known of the image with this ID. What could not be learned
// is a gap, noted once.
func (l *look) ask(ctx context.Context, id string) (knownImage, error) {
	if _, err := ref.ParseDigest(id); err != nil {
		return knownImage{}, nil // none, or a form that no store has
	}
	return l.known(ctx, id)
}

// tag returns where the tag of r points in the store; "" if it has none, or if
// the store does not have it.
func (l *look) tag(ctx context.Context, r ref.Ref) (ref.Digest, error) {
	if r.Name == "" || r.Tag == "" && r.Digest != "" {
		return "", nil
	}
	if r.Tag == "" {
		r.Tag = "latest"
	}
	known, err := l.known(ctx, r.Name+":"+r.Tag)
	if err != nil {
		return "", err
	}
	id := known.id
	if id != "" && !strings.Contains(id, ":") { // some versions of Podman
		id = "sha256:" + id
	}
	d, _ := ref.ParseDigest(id)
	return d, nil
}

func (l *look) known(ctx context.Context, name string) (knownImage, error) {
	known, first, err := l.images.get(ctx, name)
	if err == nil || !first && ctx.Err() == nil {
		return known, nil
	}
	return known, l.missed(ctx, "image "+name, err)
}
