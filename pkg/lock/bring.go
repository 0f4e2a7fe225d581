package lock

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/intact-dev/intact/pkg/extract"
	"github.com/intact-dev/intact/pkg/ref"
	"golang.org/x/sync/errgroup"
)

// A Resolver says what a tag means now.
type Resolver interface {
	// Resolve returns the entry for r, which has a canonical name, a tag and no
	// digest. It is called once for each tag, and may be called concurrently.
	Resolve(ctx context.Context, r ref.Ref) (Entry, error)
}

// Options say how a lock is brought up to date.
type Options struct {
	Resolver Resolver
	// Update asks again for tags that have an entry. Otherwise an entry stays as it
	// was agreed on.
	Update bool
	// Drop takes out entries that nothing names any more: what is named is all there
	// is.
	Drop bool
	Jobs int // tags that are resolved at once; 0 = 4
}

// Changes are what became of a lock.
type Changes struct {
	Lines []Line // that are different now, by reference
	Left  []Left // what has no entry that could be relied on
	// Pinned counts references with a digest: they need no entry. Others are in
	// no registry: actions, machine images, and what is built beside its file.
	Pinned, Others int
}

// A Line is one entry that came, went or changed.
type Line struct {
	Ref      string
	From, To Entry // the zero Entry: there was none, or is none
}

// A Left is a reference that could not be resolved.
type Left struct {
	Found extract.Found
	Why   string
}

// Bring makes l say what found names. The error means that ctx ended; l is then
// what it was.
func (l *Lock) Bring(ctx context.Context, found []extract.Found, o Options) (*Changes, error) {
	out := &Changes{}
	named := map[string][]*extract.Found{}
	for i := range found {
		f := &found[i]
		switch {
		case f.Built || f.Kind == ref.KindAction || f.Kind == ref.KindMachineImage:
			out.Others++
		case f.Unresolved != "":
			out.Left = append(out.Left, Left{*f, "it is not resolved: " + f.Unresolved})
		case f.Ref.Digest != "":
			out.Pinned++
		default:
			key := f.Ref.Canonical() + ":" + cmp.Or(f.Ref.Tag, "latest")
			named[key] = append(named[key], f)
		}
	}
	entries, errs, err := l.resolve(ctx, named, o)
	if err != nil {
		return nil, err
	}
	before := map[string]Entry{}
	for _, e := range l.Entries() {
		before[e.Ref()] = e
	}
	for _, e := range entries {
		l.Set(e)
	}
	for key, err := range errs {
		for _, f := range named[key] {
			out.Left = append(out.Left, Left{*f, err.Error()})
		}
	}
	if o.Drop {
		keep := map[string]bool{}
		for key := range named {
			keep[key] = true
		}
		l.Keep(keep)
	}
	out.Lines = l.since(before)
	slices.SortFunc(out.Left, func(a, b Left) int {
		x, y := a.Found.Origin, b.Found.Origin
		return cmp.Or(strings.Compare(x.Where, y.Where), cmp.Compare(x.Line, y.Line), cmp.Compare(x.Column, y.Column))
	})
	return out, nil
}

// resolve asks for what is named and has no entry, or for all with Update.
func (l *Lock) resolve(ctx context.Context, named map[string][]*extract.Found, o Options) ([]Entry, map[string]error, error) {
	type answer struct {
		key   string
		entry Entry
		err   error
	}
	var answers []*answer
	for key := range named {
		if _, ok := l.entries[key]; !ok || o.Update {
			answers = append(answers, &answer{key: key})
		}
	}
	var g errgroup.Group
	g.SetLimit(cmp.Or(o.Jobs, 4))
	for _, a := range answers {
		r := named[a.key][0].Ref
		r = ref.Ref{Name: r.Canonical(), Tag: cmp.Or(r.Tag, "latest")}
		g.Go(func() error {
			if ctx.Err() != nil {
				return ctx.Err()
			}
			if a.entry, a.err = o.Resolver.Resolve(ctx, r); a.err == nil && a.entry.Ref() != a.key {
				a.err = fmt.Errorf("asked for %s, and the answer is for %s", a.key, a.entry.Ref())
			}
			return nil
		})
	}
	if err := g.Wait(); err != nil {
		return nil, nil, err
	}
	var entries []Entry
	errs := map[string]error{}
	for _, a := range answers {
		switch {
		case a.err == nil:
			entries = append(entries, a.entry)
		case ctx.Err() != nil:
			return nil, nil, ctx.Err()
		default:
			errs[a.key] = a.err
		}
	}
	return entries, errs, nil
}

// since returns the lines that differ from what was there before.
func (l *Lock) since(before map[string]Entry) []Line {
	var out []Line
	for _, e := range l.Entries() {
		old, ok := before[e.Ref()]
		if !ok || !bytes.Equal(e.line(), old.line()) {
			out = append(out, Line{e.Ref(), old, e})
		}
		delete(before, e.Ref())
	}
	for name, e := range before {
		out = append(out, Line{Ref: name, From: e})
	}
	slices.SortFunc(out, func(a, b Line) int { return strings.Compare(a.Ref, b.Ref) })
	return out
}
