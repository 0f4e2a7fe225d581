package observe

import (
	"crypto/sha256"
	"encoding/json"
)

// Specs keeps one of each kind of Spec, so that thousands of equal containers
// hold one. The zero value is empty. It may not be used concurrently.
type Specs struct{ all map[[sha256.Size]byte]*Spec }

// One returns the Spec that is equal to s: s itself if there was none.
func (k *Specs) One(s *Spec) *Spec {
	key := s.Key()
	if known, ok := k.all[key]; ok {
		return known
	}
	if k.all == nil {
		k.all = map[[sha256.Size]byte]*Spec{}
	}
	k.all[key] = s
	return s
}

// Key is equal for equal Specs and for no others.
func (s *Spec) Key() [sha256.Size]byte {
	b, err := json.Marshal(s)
	if err != nil {
		panic("observe: a Spec has no JSON form: " + err.Error()) // plain data always has one
	}
	return sha256.Sum256(b)
}
