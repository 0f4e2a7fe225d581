package scan

import (
	"context"
	"sync"
	"time"

	"github.com/intact-dev/intact/pkg/fact"
	"github.com/intact-dev/intact/pkg/gather"
	"github.com/intact-dev/intact/pkg/image"
	"github.com/intact-dev/intact/pkg/ref"
)

// An opened is one reference that was resolved once for the whole run, however
// many containers and files name it.
type opened struct {
	mu   sync.Mutex
	done bool
	at   time.Time
	img  *image.Image
	err  error

	tag fact.Value[fact.Tag] // what the closing look at a tag showed; set by closeTags
	pin *pinned
	to  ref.Ref
	in  Place
}

// A pinned is how a tag and the digest beside it relate, asked once.
type pinned struct {
	once sync.Once
	fact fact.Value[fact.Pin]
}

// open resolves r in place. Two targets that name the same share one answer: a
// tag that moves in between cannot mean two things in one report. One that could
// not be resolved in the time of one target is asked again for the next, until
// what runs is settled.
func (s *scanner) open(ctx context.Context, place Place, placeKey string, r ref.Ref) *opened {
	key := placeKey + " " + r.Canonical() + ":" + r.Tag + "@" + string(r.Digest)
	s.mu.Lock()
	o := s.opens[key]
	if o == nil {
		o = &opened{to: r, in: place, pin: &pinned{}}
		s.opens[key] = o
	}
	s.mu.Unlock()
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.done || s.settled != nil && !o.at.IsZero() {
		return o
	}
	o.at = s.Clock()
	var documents image.DocumentStore // what lies on this machine is read anew
	if place.Proves().Tags {
		documents = s.Documents
	}
	// No layers are chosen here: which platforms count depends on who asks.
	o.img, o.err = image.Open(ctx, place.Source, r, image.Options{Documents: documents, Jobs: s.jobs()})
	if o.err == nil && o.img.Root.Right() {
		s.learn(o.img)
	}
	// That the time of one target ran out says nothing about the next one's.
	o.done = ctx.Err() == nil
	return o
}

// learn adds what verified bytes say about names of images.
func (s *scanner) learn(img *image.Image) {
	f := gather.Image(img, "")
	if f.State != fact.Known {
		return
	}
	s.graph.AddImage(f.V)
	for _, c := range img.Children {
		if c.ConfigOK && c.ConfigDoc != nil {
			s.graph.AddConfig(c.ConfigDoc.Digest, c.Config.Platform, c.Config.DiffIDs)
		}
	}
}

// pinOf compares the digest of r with where its tag points, once.
func (s *scanner) pinOf(ctx context.Context, o *opened) fact.Value[fact.Pin] {
	o.pin.once.Do(func() { o.pin.fact = gather.Pin(ctx, o.img, o.to, gather.Clock(s.Clock)) })
	return o.pin.fact
}

// closeTags looks at every tag once more, when all else is done. What was opened
// by digest has none.
func (s *scanner) closeTags(ctx context.Context) {
	var all []*opened
	for _, o := range s.opens {
		if o.img != nil {
			all = append(all, o)
		}
	}
	s.each(ctx, len(all), func(ctx context.Context, i int) {
		o := all[i]
		o.tag = gather.Tag(ctx, o.img, o.in.Prober, o.to, o.at, gather.Clock(s.Clock))
	})
}
