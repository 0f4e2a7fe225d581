package scan

import (
	"hash/maphash"
	"reflect"

	"github.com/intact-dev/intact/pkg/report"
)

// Shared holds one of all equal lists of results: a cluster has thousands of
// containers of which the same is to be said. The lists must not be changed.
type shared struct {
	seed  maphash.Seed
	lists map[uint64][][]report.Result
}

func newShared() *shared {
	return &shared{seed: maphash.MakeSeed(), lists: map[uint64][][]report.Result{}}
}

func (s *shared) one(results []report.Result) []report.Result {
	key := s.hash(results)
	for _, l := range s.lists[key] {
		if reflect.DeepEqual(l, results) {
			return l
		}
	}
	s.lists[key] = append(s.lists[key], results)
	return results
}

// hash is equal for equal results; what it leaves out is left to be compared.
func (s *shared) hash(results []report.Result) uint64 {
	var h maphash.Hash
	h.SetSeed(s.seed)
	for _, r := range results {
		for _, part := range []string{r.Check, string(r.Cause), r.Why, r.Platform, r.PartOf} {
			_, _ = h.WriteString(part)
			_ = h.WriteByte(0)
		}
		_ = h.WriteByte(byte(r.Outcome))
		for _, f := range r.Findings {
			_, _ = h.WriteString(f.Message)
			_ = h.WriteByte(0)
		}
	}
	return h.Sum64()
}
