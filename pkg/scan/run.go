package scan

import (
	"context"
	"fmt"
	"strings"
	"sync"

	"github.com/intact-dev/intact/pkg/check"
	"github.com/intact-dev/intact/pkg/fact"
	"github.com/intact-dev/intact/pkg/gather"
	"github.com/intact-dev/intact/pkg/identity"
	"github.com/intact-dev/intact/pkg/image"
	"github.com/intact-dev/intact/pkg/policy"
	"github.com/intact-dev/intact/pkg/ref"
	"github.com/intact-dev/intact/pkg/report"
	"golang.org/x/sync/errgroup"
)

// Run scans all targets and always returns a report: what could not be done,
// also because ctx ended, stands in it.
func Run(ctx context.Context, targets []Target, o Options) *report.Report {
	s := &scanner{Options: o, images: map[string]*once{}, opens: map[string]*opened{}, graph: &identity.Graph{}, places: map[placedKey]*placed{}}
	done := make([]*scanned, len(targets))
	s.each(ctx, len(targets), func(ctx context.Context, i int) { done[i] = s.target(ctx, targets[i]) })
	places := s.inventories(ctx)
	running := s.containers(ctx, places)
	// Last: the closing look at the tags covers the whole scan.
	s.closeTags(ctx)
	if s.Seen != nil {
		s.Seen(s.seen())
	}
	return s.report(targets, done, running)
}

// each calls f for every i below n, a bounded number at a time, each with the
// time that one target has.
func (s *scanner) each(ctx context.Context, n int, f func(ctx context.Context, i int)) {
	var g errgroup.Group
	g.SetLimit(s.jobs())
	for i := range n {
		g.Go(func() error {
			ctx, cancel := context.WithTimeout(ctx, s.timeout())
			defer cancel()
			f(ctx, i)
			return nil
		})
	}
	_ = g.Wait()
}

type scanner struct {
	Options
	graph *identity.Graph
	// settled is what was known when all containers had been looked at, nil until
	// then: what is learned of former revisions later changes nothing about them.
	settled *identity.Graph

	mu     sync.Mutex
	places map[placedKey]*placed
	images map[string]*once
	opens  map[string]*opened
}

// once examines one image for all targets that lead to it.
type once struct {
	sync.Once
	e *examined
}

// A scanned is what became of one target.
type scanned struct {
	set    *fact.Set
	image  *examined // nil if there is none
	opened *opened   // nil if nothing was
	err    error
}

func (s *scanner) target(ctx context.Context, t Target) *scanned {
	out := &scanned{set: &fact.Set{Reference: t.reference(s.class(t)), TagHistory: fact.None[fact.TagHistory]()}}
	if !t.local() {
		out.set.TagHistory = s.before(t.Ref, "")
	}
	switch {
	case t.Err != nil:
		out.err = t.Err
		s.unknown(out.set, image.CauseOf(t.Err), t.Err.Error())
		return out
	case s.Depth == policy.DepthReference:
		s.unknown(out.set, fact.NotAsked, "what the reference names (--depth manifest)")
		return out
	}
	o := s.open(ctx, t.Place, t.place(), t.Ref)
	if o.err != nil {
		out.err = o.err
		s.gone(out.set, t, o.err)
		return out
	}
	out.opened = o
	img := o.img.Selecting(s.Select)
	if !t.local() {
		out.set.TagHistory = s.before(t.Ref, o.img.Root.Doc.Digest)
	}
	key := strings.Join([]string{string(img.Root.Doc.Digest), canonical(t.Name), t.PushTo.String(), t.place()}, " ")
	out.image = s.once(key, func() *examined { return s.examine(ctx, t, img) })
	s.referenceFacts(ctx, out.set, t, o, out.image)
	return out
}

// judged evaluates the checks on a target, once all is gathered.
func (s *scanner) judged(t Target, d *scanned) []check.Result {
	if d.opened != nil {
		d.set.Tag = d.opened.tag
	}
	out := s.referenceResults(d.set)
	if d.image == nil {
		// Every check on the image stands in the report as what it is: not examined.
		out = append(out, s.unexamined(d.set, t)...)
	}
	return out
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
		o.e.id = imageName(o.e)
		o.e.images = s.results(o.e)
	})
	return o.e
}

func (s *scanner) referenceFacts(ctx context.Context, set *fact.Set, t Target, o *opened, e *examined) {
	set.Resolution = gather.Resolution(o.img, t.Ref)
	set.Image, set.Availability = e.set.Image, e.availability
	set.Pin = s.pinOf(ctx, o)
	local := o.img.Root.Doc.Digest
	if !o.img.Source.Proves().Manifest {
		local = ""
	}
	set.Push = gather.Push(ctx, t.Destination, t.PushTo, s.class(t), local, s.Clock)
}

// unknown marks every fact that only asking could have given.
func (s *scanner) unknown(set *fact.Set, c fact.Cause, why string) {
	known := *set
	*set = *fact.AllMissing(c, why)
	set.Reference, set.TagHistory = known.Reference, known.TagHistory
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
