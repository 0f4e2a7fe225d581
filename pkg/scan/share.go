package scan

import (
	"hash/maphash"
	"reflect"

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

func hashTexts(h *maphash.Hash, texts ...string) {
	for _, t := range texts {
		_, _ = h.WriteString(t)
		_ = h.WriteByte(0)
	}
}

func hashResult(h *maphash.Hash, r report.Result) {
	hashTexts(h, r.Check, string(r.Cause), r.Why, r.Platform, r.PartOf)
	_ = h.WriteByte(byte(r.Outcome))
	for _, f := range r.Findings {
		hashTexts(h, f.Message)
	}
}

func hashReason(h *maphash.Hash, r policy.Reason) {
	hashTexts(h, r.Check, r.Platform, r.Rule, r.Exception, r.Why)
	_ = h.WriteByte(byte(r.Decision))
}

func hashMoot(h *maphash.Hash, m report.Moot) { hashTexts(h, m.Check, m.Why) }
