package extract

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync/atomic"

	"github.com/intact-dev/intact/pkg/fact"
	"github.com/intact-dev/intact/pkg/internal/limits"
	"golang.org/x/sync/errgroup"
)

// extract runs the extractors one after the other, each on all its files at
// once: what the first ones claim is left to them.
func (w *walker) extract(ctx context.Context) error {
	claimed := map[string]bool{}
	for i, e := range w.options.Extractors {
		slices.Sort(w.by[i])
		paths := slices.DeleteFunc(slices.Clone(w.by[i]), func(p string) bool { return claimed[p] })
		results, err := w.run(ctx, e, paths)
		if err != nil {
			return err
		}
		// An overlay claims the base that it is made of, so the base does not stand
		// for itself. Two that claim each other both stand.
		own := map[string]bool{}
		for p, r := range results {
			for _, c := range r.Claims {
				own[c] = own[c] || c != p && !slices.Contains(results[c].Claims, p)
			}
		}
		for _, p := range slices.Sorted(maps.Keys(results)) {
			if own[p] {
				continue
			}
			r := results[p]
			w.tree.Found = append(w.tree.Found, r.Found...)
			w.tree.Objects = append(w.tree.Objects, r.Objects...)
			w.tree.Problems = append(w.tree.Problems, r.Problems...)
			w.tree.Notices = append(w.tree.Notices, r.Notices...)
			for _, c := range r.Claims {
				claimed[c] = true
			}
		}
	}
	w.tree.Files = w.wanted
	for c := range claimed {
		if !slices.ContainsFunc(w.by, func(paths []string) bool { _, ok := slices.BinarySearch(paths, c); return ok }) {
			w.tree.Files++
		}
	}
	return nil
}

// run returns what e says about each file about which it says something. Most
// files say nothing, and cost no memory.
func (w *walker) run(ctx context.Context, e Extractor, paths []string) (map[string]Result, error) {
	results := map[string]Result{}
	var g errgroup.Group
	var next atomic.Int64
	for range max(2, w.options.Jobs) {
		g.Go(func() error {
			for i := next.Add(1) - 1; i < int64(len(paths)); i = next.Add(1) - 1 {
				if ctx.Err() != nil {
					return ctx.Err()
				}
				r, problem := w.one(e, paths[i])
				w.mu.Lock()
				if len(r.Found)+len(r.Objects)+len(r.Problems)+len(r.Notices)+len(r.Claims) > 0 {
					results[paths[i]] = r
				}
				if problem != nil {
					w.tree.Problems = append(w.tree.Problems, *problem)
				}
				w.mu.Unlock()
			}
			return nil
		})
	}
	return results, g.Wait()
}

// one runs e on one file. A panic is a fault of ours, and one file's.
func (w *walker) one(e Extractor, p string) (r Result, problem *Problem) {
	defer func() {
		if v := recover(); v != nil {
			r, problem = Result{}, &Problem{Origin: fileOrigin(p), Cause: fact.Internal, Why: fmt.Sprintf("the extractor panicked: %v", v)}
		}
	}()
	r, err := e.Extract(w.fsys, p)
	if err == nil {
		return r, nil
	}
	at := fileOrigin(p)
	c := fact.Unsupported
	var limit *limits.ExceededError
	var position *PositionError
	switch {
	case errors.As(err, &limit):
		c = fact.Limit
	case errors.As(err, &position):
		at.Line, at.Column = position.Line, position.Column
	}
	return r, &Problem{Origin: at, Cause: c, Why: err.Error()}
}
