package gitfiles

import (
	"container/heap"
	"context"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/object"
)

// Marks of a commit: an ancestor of the one, of the other, of a merge base.
const (
	ofA = 1 << iota
	ofB
	stale
	both = ofA | ofB
)

// A visit is what is known of a commit of the history.
type visit struct {
	hash    plumbing.Hash
	parents []plumbing.Hash
	when    int64
	marks   int
	queued  bool
}

// A history is walked from the newest commit down. go-git's MergeBase reads all
// ancestors of one side, and takes a history that it cannot read to its end for one
// that ends there.
type history struct {
	store  *store
	seen   map[plumbing.Hash]*visit
	queue  []*visit
	active int // of the queue, those that are not stale
}

// mergeBases returns the best common ancestors of a and b: those that no other one
// descends from. It is paint_down_to_common of Git's commit-reach.c.
func mergeBases(ctx context.Context, s *store, a, b *object.Commit) ([]*object.Commit, error) {
	h := &history{store: s, seen: map[plumbing.Hash]*visit{}}
	for _, start := range []struct {
		hash plumbing.Hash
		mark int
	}{{a.Hash, ofA}, {b.Hash, ofB}} {
		if err := h.mark(start.hash, start.mark); err != nil {
			return nil, err
		}
	}
	var common []*visit
	for h.active > 0 {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		v := heap.Pop(h).(*visit)
		v.queued = false
		if v.marks&stale == 0 {
			h.active--
		}
		pass := v.marks
		if v.marks == both {
			common = append(common, v)
			pass |= stale
		}
		for _, p := range v.parents {
			if err := h.mark(p, pass); err != nil {
				return nil, err
			}
		}
	}
	var out []*object.Commit
	for _, v := range common {
		if v.marks&stale != 0 {
			continue // an ancestor of another one
		}
		c, err := object.GetCommit(s, v.hash)
		if err != nil {
			return nil, missing(v.hash, err)
		}
		out = append(out, c)
	}
	// With clocks that were wrong an ancestor may have come before its descendant.
	return object.Independents(out)
}

func (h *history) mark(hash plumbing.Hash, marks int) error {
	v := h.seen[hash]
	if v == nil {
		c, err := object.GetCommit(h.store, hash)
		if err != nil {
			return missing(hash, err)
		}
		v = &visit{hash: hash, parents: c.ParentHashes, when: c.Committer.When.Unix()}
		h.seen[hash] = v
	}
	if v.marks&marks == marks {
		return nil
	}
	fresh := v.marks&stale == 0
	v.marks |= marks
	switch still := v.marks&stale == 0; {
	case !v.queued:
		v.queued = true
		heap.Push(h, v)
		if still {
			h.active++
		}
	case fresh && !still:
		h.active--
	}
	return nil
}

// Len is of the queue.
func (h *history) Len() int { return len(h.queue) }

// Less puts the newest first.
func (h *history) Less(i, j int) bool { return h.queue[i].when > h.queue[j].when }

// Swap is of the queue.
func (h *history) Swap(i, j int) { h.queue[i], h.queue[j] = h.queue[j], h.queue[i] }

// Push adds to the queue.
func (h *history) Push(x any) { h.queue = append(h.queue, x.(*visit)) }

// Pop takes from the queue.
func (h *history) Pop() any {
	v := h.queue[len(h.queue)-1]
	h.queue[len(h.queue)-1] = nil
	h.queue = h.queue[:len(h.queue)-1]
	return v
}
