package store

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/intact-dev/intact/pkg/ledger"
	"github.com/intact-dev/intact/pkg/ref"
)

// An Observation is what a registry said about a tag.
type Observation struct {
	// Repository and Tag, written in any way: they are recorded by [ledger.Name].
	Repository, Tag string
	Digest          ref.Digest // "" = the registry says that there is no such tag
	// Platforms are the manifests of its platforms, where they were read. What the log
	// cannot hold of them, and of Source, is left out.
	Platforms map[string]ref.Digest
	At        time.Time
	Source    string // who saw it: "scan", "webhook harbor"
	// Look is taken before the registry is asked (see [Store.Look]). With it, what
	// was seen before somebody else recorded a change is refused with [ErrOutdated]
	// and not taken for a change back. The zero value refuses nothing.
	Look Look
}

// A Look is a place in the log: what it had when somebody began to look.
type Look struct {
	size  int64
	taken bool
}

// Look returns the place of now.
func (s *Store) Look(ctx context.Context) (Look, error) {
	l := Look{taken: true}
	if err := s.db.Read.QueryRowContext(ctx, `SELECT size FROM log WHERE id = 1`).Scan(&l.size); err != nil {
		return Look{}, fmt.Errorf("read the size of the log of %s: %w", s, err)
	}
	return l, nil
}

// ErrOutdated is that the tag changed, by somebody else's record, while it was
// looked at: ask the registry again.
var ErrOutdated = errors.New("another change of the tag was recorded while it was looked at")

// An Entry is a transition in the log.
type Entry struct {
	Seq int64 // from 0; -1 = none
	ledger.Transition
}

// An Observed is what became of an observation.
type Observed struct {
	Entry       // the last transition of the tag, with this observation
	Moved bool  // it is new: this observation is the change
	Err   error // [ErrOutdated], or nil
}

// Observe records what was seen. If the tag is what the ledger says already only
// the time is noted; else a leaf is added, and moved is true. The entry is the
// last transition of the tag in both cases; its Seq is -1 if it was never seen and
// is not there. It is in the database when Observe returns; if ctx ends before, it
// may or may not be. To observe the same again changes nothing but the time.
//
// Calls at the same time share a commit. A tag under which signatures are kept is
// an [ledger.ErrReserved].
func (s *Store) Observe(ctx context.Context, o Observation) (e Entry, moved bool, err error) {
	all, err := s.ObserveAll(ctx, []Observation{o})
	if err != nil {
		return Entry{}, false, err
	}
	return all[0].Entry, all[0].Moved, all[0].Err
}

// ObserveAll is Observe of several, in their order and at once: all are recorded,
// or none. Errors of one observation that say nothing about the others are in its
// Observed.
func (s *Store) ObserveAll(ctx context.Context, os []Observation) ([]Observed, error) {
	if len(os) == 0 {
		return nil, nil
	}
	w := &wish{observations: make([]Observation, len(os)), done: make(chan struct{})}
	for i, o := range os {
		n, err := normal(o)
		if err != nil {
			return nil, fmt.Errorf("observe: %w", err)
		}
		w.observations[i] = n
	}
	if err := s.queue.do(ctx, w); err != nil {
		return nil, fmt.Errorf("observe in %s: %w", s, err)
	}
	return w.out, nil
}

// normal is o under its recorded names, once it is found to be one that can be a
// leaf.
func normal(o Observation) (Observation, error) {
	r, err := ref.Parse(o.Repository)
	if err != nil {
		return o, err
	}
	if r.Tag != "" || r.Digest != "" {
		return o, fmt.Errorf("repository %q: it has a tag or a digest", o.Repository)
	}
	if o.Tag == "" {
		return o, fmt.Errorf("repository %q: no tag is named", o.Repository)
	}
	o.Repository, _ = ledger.Name(r)
	if err := ledger.CheckName(o.Repository, o.Tag); err != nil {
		return o, err
	}
	o.At = o.At.UTC().Truncate(time.Microsecond)
	t := ledger.Transition{Repository: o.Repository, Tag: o.Tag, To: o.Digest, Platforms: o.Platforms, At: o.At, Source: o.Source}.Fit()
	o.Platforms, o.Source = t.Platforms, t.Source // an image must not keep itself out of the log
	if o.Digest == "" {
		// Gone is a change from something: any digest tries the rest.
		t.From = ref.DigestOf(nil, "")
	}
	return o, t.Check()
}
