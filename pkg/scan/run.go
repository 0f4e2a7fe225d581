package scan

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/intact-dev/intact/pkg/check"
	"github.com/intact-dev/intact/pkg/fact"
	"github.com/intact-dev/intact/pkg/gather"
	"github.com/intact-dev/intact/pkg/image"
	"github.com/intact-dev/intact/pkg/policy"
	"github.com/intact-dev/intact/pkg/ref"
	"github.com/intact-dev/intact/pkg/report"
	"golang.org/x/sync/errgroup"
)

// Run scans all targets and always returns a report: what could not be done,
// also because ctx ended, stands in it.
func Run(ctx context.Context, targets []Target, o Options) *report.Report {
	s := &scanner{Options: o, images: map[string]*once{}}
	done := make([]scanned, len(targets))
	var g errgroup.Group
	g.SetLimit(o.jobs())
	for i, t := range targets {
		g.Go(func() error {
			ctx, cancel := context.WithTimeout(ctx, o.timeout())
			defer cancel()
			done[i] = s.target(ctx, t)
			return nil
		})
	}
	_ = g.Wait()
	return s.report(targets, done)
}

type scanner struct {
	Options
	mu     sync.Mutex
	images map[string]*once
}

// once examines one image for all targets that lead to it.
type once struct {
	sync.Once
	e *examined
}

// A scanned is what became of one target.
type scanned struct {
	set     *fact.Set
	results []check.Result
	image   *examined // nil if there is none
	key     string
	err     error
}

func (s *scanner) target(ctx context.Context, t Target) (out scanned) {
	out.set = &fact.Set{Reference: t.reference(s.class(t))}
	defer func() {
		out.results = s.referenceResults(out.set)
		if out.image == nil {
			// Every check on the image stands in the report as what it is: not examined.
			out.results = append(out.results, s.unexamined(out.set, t)...)
		}
	}()
	switch {
	case t.Err != nil:
		out.err = t.Err
		s.unknown(out.set, image.CauseOf(t.Err), t.Err.Error())
		return out
	case s.Depth == policy.DepthReference:
		s.unknown(out.set, fact.NotAsked, "what the reference names (--depth manifest)")
		return out
	}
	opened := s.Clock()
	img, err := image.Open(ctx, t.Place.Source, t.Ref, image.Options{Select: s.Select, Documents: s.documents(t), Jobs: s.jobs()})
	if err != nil {
		out.err = err
		s.gone(out.set, t, err)
		return out
	}
	out.key = strings.Join([]string{string(img.Root.Doc.Digest), canonical(t.Name), t.PushTo.String(), t.place()}, " ")
	out.image = s.once(out.key, func() *examined { return s.examine(ctx, t, img) })
	s.referenceFacts(ctx, out.set, t, img, out.image, opened)
	return out
}

// documents is the store for a registry's documents; local ones are read anew.
func (s *scanner) documents(t Target) image.DocumentStore {
	if t.local() {
		return nil
	}
	return s.Documents
}

func (s *scanner) class(t Target) ref.Class {
	if t.Name.Name == "" {
		return ""
	}
	return s.Policy.TagClass(t.Name)
}

func (s *scanner) once(key string, examine func() *examined) *examined {
	s.mu.Lock()
	o := s.images[key]
	if o == nil {
		o = &once{}
		s.images[key] = o
	}
	s.mu.Unlock()
	o.Do(func() {
		o.e = examine()
		o.e.images = s.results(o.e)
	})
	return o.e
}

func (s *scanner) referenceFacts(ctx context.Context, set *fact.Set, t Target, img *image.Image, e *examined, opened time.Time) {
	set.Resolution = gather.Resolution(img, t.Ref)
	set.Image, set.Availability = e.set.Image, e.availability
	set.Pin = gather.Pin(ctx, img, t.Ref, s.Clock)
	local := img.Root.Doc.Digest
	if !img.Source.Proves().Manifest {
		local = ""
	}
	set.Push = gather.Push(ctx, t.Destination, t.PushTo, s.class(t), local, s.Clock)
	// Last: the closing look at the tag covers the whole scan.
	set.Tag = gather.Tag(ctx, img, t.Place.Prober, t.Ref, opened, s.Clock)
}

// unknown marks every fact that only asking could have given.
func (s *scanner) unknown(set *fact.Set, c fact.Cause, why string) {
	known := *set
	*set = *fact.AllMissing(c, why)
	set.Reference = known.Reference
}

// gone records that the root was not obtained. A digest that the registry says
// it does not have is a finding; a tag that is not there names nothing.
func (s *scanner) gone(set *fact.Set, t Target, err error) {
	s.unknown(set, image.CauseOf(err), describe(err))
	if image.CauseOf(err) != fact.NotFound || t.Ref.Digest == "" {
		return
	}
	set.Availability = fact.ListOf(fact.Of(fact.Blob{
		Role: "manifest", Descriptor: ref.Descriptor{Digest: t.Ref.Digest},
	}))
}

func describe(err error) string {
	if hint := image.HintOf(err); hint != "" {
		return fmt.Sprintf("%s (%s)", err, hint)
	}
	return err.Error()
}
