package scan

import (
	"hash/maphash"
	"reflect"
	"slices"

	"github.com/intact-dev/intact/pkg/policy"
	"github.com/intact-dev/intact/pkg/report"
)

// Shared holds one of all equal lists: a cluster has thousands of containers of
// which the same is to be said. The lists must not be changed.
type shared[T any] struct {
	seed  maphash.Seed
	lists map[uint64][][]T
	hash  func(h *maphash.Hash, part T) // equal for equal parts; what it leaves out is left to be compared
}

func newShared[T any](hash func(*maphash.Hash, T)) *shared[T] {
	return &shared[T]{seed: maphash.MakeSeed(), lists: map[uint64][][]T{}, hash: hash}
}

func (s *shared[T]) one(list []T) []T {
	if list == nil {
		return nil
	}
	var h maphash.Hash
	h.SetSeed(s.seed)
	for _, part := range list {
		s.hash(&h, part)
	}
	key := h.Sum64()
	for _, known := range s.lists[key] {
		if reflect.DeepEqual(known, list) {
			return known
		}
	}
	s.lists[key] = append(s.lists[key], list)
	return list
}

// Results are shared one by one, too: two references in files differ in few of
// the thirty results about each.
type results struct {
	seed  maphash.Seed
	each  map[uint64][]*report.Result
	lists map[uint64][][]*report.Result
}

func newResults() *results {
	return &results{seed: maphash.MakeSeed(), each: map[uint64][]*report.Result{}, lists: map[uint64][][]*report.Result{}}
}

func (s *results) list(list []*report.Result) []*report.Result {
	if list == nil {
		return nil
	}
	var h maphash.Hash
	h.SetSeed(s.seed)
	for i, r := range list {
		list[i] = s.one(r)
		maphash.WriteComparable(&h, list[i])
	}
	key := h.Sum64()
	for _, known := range s.lists[key] {
		if slices.Equal(known, list) {
			return known
		}
	}
	s.lists[key] = append(s.lists[key], list)
	return list
}

// one returns a copy: r is one of many in one piece of memory.
func (s *results) one(r *report.Result) *report.Result {
	var h maphash.Hash
	h.SetSeed(s.seed)
	hashResult(&h, r)
	key := h.Sum64()
	for _, known := range s.each[key] {
		if reflect.DeepEqual(*known, *r) {
			return known
		}
	}
	kept := *r
	s.each[key] = append(s.each[key], &kept)
	return &kept
}

func hashTexts(h *maphash.Hash, texts ...string) {
	for _, t := range texts {
		_, _ = h.WriteString(t)
		_ = h.WriteByte(0)
	}
}

func hashResult(h *maphash.Hash, r *report.Result) {
	hashTexts(h, r.Check, string(r.Cause), r.Why, r.Platform, r.PartOf)
	_ = h.WriteByte(byte(r.Outcome))
	for _, f := range r.Findings {
		hashTexts(h, f.Message)
		if f.Origin != nil {
			maphash.WriteComparable(h, *f.Origin)
		}
	}
}

func hashReason(h *maphash.Hash, r policy.Reason) {
	hashTexts(h, r.Check, r.Platform, r.Rule, r.Exception, r.Why)
	_ = h.WriteByte(byte(r.Decision))
}

func hashMoot(h *maphash.Hash, m report.Moot) { hashTexts(h, m.Check, m.Why) }
