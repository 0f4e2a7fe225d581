// Package pin writes digests into the references of files, moves them to what
// the tags beside them mean now, and takes them out again. Only the bytes of a
// reference change, and only if reading the changed files again gives the
// references that were meant and nothing else.
package pin

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"

	"github.com/intact-dev/intact/pkg/extract"
	"github.com/intact-dev/intact/pkg/fact"
	"github.com/intact-dev/intact/pkg/ref"
	"golang.org/x/sync/errgroup"
)

// A Resolver says what a tag means now.
type Resolver interface {
	// Resolve returns the digest of what r's tag names: an index, or what else is
	// there. r has a tag and no digest. It may be called concurrently, and is called
	// once for each tag.
	Resolve(ctx context.Context, r ref.Ref) (ref.Digest, error)
}

// A Mode is what is done with references. The zero value writes digests where
// there are none.
type Mode uint8

// Modes.
const (
	Add    Mode = iota
	Update      // and moves those that are there
	Remove
)

// Options say what to do.
type Options struct {
	Mode     Mode
	Resolver Resolver // not used by Remove
	// Walk extracts again what fsys holds, as tree was made.
	Walk func(ctx context.Context, fsys fs.FS) (*extract.Tree, error)
	// Real returns the file that a path leads to, where links are followed; nil =
	// there are no links.
	Real func(name string) (string, error)
	Jobs int // tags that are resolved at once; 0 = 4
}

// A Plan is what would be done.
type Plan struct {
	Files []File // that change, by name
	// Kept counts references that are as they should be.
	Kept int
	// Left are references that are not as they should be and stay so.
	Left []Left
}

// A File is one file that changes.
type File struct {
	Name     string
	Old, New []byte
	Changes  []Change // by place
}

// A Change is one place of a file that changes.
type Change struct {
	// Found are the references that are written there: several, where a value is
	// used more than once.
	Found    []extract.Found
	From, To ref.Ref // of the first
}

// A Left is a reference that stays as it is.
type Left struct {
	Found extract.Found
	Cause fact.Cause
	Why   string
	// Note is set for what is no image, or cannot have it otherwise: nothing was
	// missed.
	Note bool
}

// Make says what would be done to the files of fsys, of which tree holds the
// references. It writes nothing. The error means that ctx ended.
func Make(ctx context.Context, fsys fs.FS, tree *extract.Tree, o Options) (*Plan, error) {
	p := &planner{fsys: fsys, tree: tree, options: o, plan: &Plan{}}
	p.wants = make([]want, len(tree.Found))
	for i := range tree.Found {
		p.wants[i] = p.decide(&tree.Found[i])
	}
	if err := p.resolve(ctx); err != nil {
		return nil, err
	}
	p.group()
	if err := p.apply(ctx); err != nil {
		return nil, err
	}
	p.conclude()
	return p.plan, nil
}

type planner struct {
	fsys    fs.FS
	tree    *extract.Tree
	options Options
	wants   []want // of tree.Found
	groups  []*group
	plan    *Plan
}

// A want is what should become of one reference.
type want struct {
	ref  ref.Ref // as it should be
	asks bool    // for the digest of its tag
	left *Left   // it stays, for this reason
}

func leave(f *extract.Found, c fact.Cause, format string, args ...any) *Left {
	return &Left{Found: *f, Cause: c, Why: fmt.Sprintf(format, args...)}
}

func note(f *extract.Found, why string) *Left { return &Left{Found: *f, Why: why, Note: true} }

// decide says what should become of f, before anything is asked.
func (p *planner) decide(f *extract.Found) want {
	w := want{ref: f.Ref}
	switch {
	case f.Kind == ref.KindAction && f.Class != ref.Fixed && p.options.Mode != Remove:
		w.left = note(f, "an action, and which commit its revision names is not in a registry: REF007 says how to write it")
	case f.Kind == ref.KindMachineImage && f.Class != ref.Fixed && p.options.Mode != Remove:
		w.left = note(f, "a machine image, which no registry has: REF006 says how to write it")
	case f.Kind == ref.KindArtifact && f.Chart.Path != "" && f.Unresolved != "":
		if p.options.Mode != Remove {
			w.left = note(f, "a chart that is not rendered here: its images are pinned where its values set them")
		}
	case f.Built && p.options.Mode != Remove:
		w.left = note(f, f.Unresolved)
	case f.Built || f.Kind == ref.KindAction || f.Kind == ref.KindMachineImage:
	case f.Unresolved != "":
		w.left = leave(f, fact.Unsupported, "it is not resolved: %s", f.Unresolved)
	case p.options.Mode == Remove:
		p.decideRemove(f, &w)
	case f.Ref.Digest != "" && p.options.Mode == Add:
	case f.Ref.Digest != "" && f.Ref.Tag == "":
		w.left = note(f, "it has a digest and no tag: nothing says what to move it to")
	default:
		if w.ref.Digest = ""; w.ref.Tag == "" {
			w.ref.Tag = "latest"
		}
		w.asks = true
	}
	return w
}

func (p *planner) decideRemove(f *extract.Found, w *want) {
	switch {
	case f.Ref.Digest == "":
	case f.Ref.Tag == "":
		w.left = note(f, "it has a digest and no tag: without the digest it would name something else")
	default:
		w.ref.Digest = ""
	}
}

// resolve asks for each tag once.
func (p *planner) resolve(ctx context.Context) error {
	type answer struct {
		digest ref.Digest
		err    error
	}
	answers := map[string]*answer{}
	var g errgroup.Group
	g.SetLimit(cmp.Or(p.options.Jobs, 4))
	for i := range p.wants {
		w := &p.wants[i]
		if !w.asks {
			continue
		}
		key := w.ref.Canonical() + ":" + w.ref.Tag
		if answers[key] != nil {
			continue
		}
		a := &answer{}
		answers[key] = a
		asked := ref.Ref{Name: w.ref.Canonical(), Tag: w.ref.Tag}
		g.Go(func() error {
			if ctx.Err() != nil {
				return ctx.Err()
			}
			a.digest, a.err = p.options.Resolver.Resolve(ctx, asked)
			return nil
		})
	}
	if err := g.Wait(); err != nil {
		return err
	}
	for i := range p.wants {
		w := &p.wants[i]
		if !w.asks {
			continue
		}
		f := &p.tree.Found[i]
		switch a := answers[w.ref.Canonical()+":"+w.ref.Tag]; {
		case ctx.Err() != nil && a.err != nil:
			return ctx.Err()
		case a.err != nil:
			w.ref, w.left = f.Ref, &Left{Found: *f, Cause: causeOf(a.err), Why: a.err.Error()}
		default:
			w.ref.Digest = a.digest
		}
		if w.left == nil && w.ref.Digest == f.Ref.Digest {
			w.ref = f.Ref
		}
	}
	return nil
}

// A CausedError is an error of a Resolver that knows its cause.
type CausedError struct {
	Cause fact.Cause
	Err   error
}

// Error returns what is wrong.
func (e *CausedError) Error() string { return e.Err.Error() }

// Unwrap returns the cause.
func (e *CausedError) Unwrap() error { return e.Err }

func causeOf(err error) fact.Cause {
	var c *CausedError
	if errors.As(err, &c) {
		return c.Cause
	}
	return fact.Internal
}

// conclude counts what stays.
func (p *planner) conclude() {
	for i := range p.wants {
		switch w := &p.wants[i]; {
		case w.left != nil:
			p.plan.Left = append(p.plan.Left, *w.left)
		case w.ref == p.tree.Found[i].Ref:
			p.plan.Kept++
		}
	}
	slices.SortStableFunc(p.plan.Left, func(a, b Left) int { return compare(a.Found.Origin, b.Found.Origin) })
}

func compare(a, b ref.Origin) int {
	return cmp.Or(strings.Compare(a.Where, b.Where), cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column))
}

// at is the place of f, for messages.
func at(f *extract.Found) string {
	return fmt.Sprintf("%s:%d:%d", f.Origin.Where, f.Origin.Line, f.Origin.Column)
}
