package ledger

import (
	"fmt"

	"github.com/intact-dev/intact/pkg/ref"
	"golang.org/x/mod/sumdb/tlog"
)

// A Verifier goes through a whole log, leaf by leaf. It rebuilds the tree from
// the leaves alone, and compares what is stored with it. The zero value is ready
// for the first leaf. Its memory grows with the number of tags, not of leaves.
type Verifier struct {
	edge Edge
	now  map[[2]string]ref.Digest
}

// A Fault is something in a log that does not hold.
type Fault struct {
	Leaf int64  // the number of the leaf, from 0; -1 = of the log as a whole
	Why  string // for people
}

// String says which leaf and what about it.
func (f Fault) String() string {
	if f.Leaf < 0 {
		return f.Why
	}
	return fmt.Sprintf("leaf %d: %s", f.Leaf, f.Why)
}

// Add takes the next leaf, and the hashes that are stored for it: those from
// tlog.StoredHashIndex(0, n) on, as many as [Hashes] says. It returns what it
// decoded and what does not hold. A leaf that cannot be decoded is a fault, and
// still a leaf of the tree.
func (v *Verifier) Add(leaf []byte, stored []tlog.Hash) (Transition, []Fault) {
	n := v.edge.Size()
	var faults []Fault
	fault := func(format string, args ...any) { faults = append(faults, Fault{n, fmt.Sprintf(format, args...)}) }
	t, err := Decode(leaf)
	if err != nil {
		fault("%s", err)
	} else {
		if v.now == nil {
			v.now = map[[2]string]ref.Digest{}
		}
		key := [2]string{t.Repository, t.Tag}
		if now := v.now[key]; now != t.From {
			fault("%s:%s comes from %s, but the leaf before left it at %s", t.Repository, t.Tag, orNone(t.From), orNone(now))
		}
		v.now[key] = t.To
	}
	want, err := v.edge.Append(leaf)
	if err != nil {
		fault("%s", err)
		return t, faults
	}
	if len(stored) != len(want) {
		fault("%d of its %d hashes are stored", len(stored), len(want))
	}
	for level := range min(len(stored), len(want)) {
		switch {
		case stored[level] == want[level]:
		case level == 0:
			fault("it is not what was logged: its hash is %s, the stored one %s", want[0], stored[0])
		default:
			fault("the stored hash of the %d leaves up to it (level %d) is %s, not %s", 1<<level, level, stored[level], want[level])
		}
	}
	return t, faults
}

// Hashes is how many hashes are stored for leaf n.
func Hashes(n int64) int { return int(tlog.StoredHashCount(n+1) - tlog.StoredHashCount(n)) }

// Size is the number of leaves so far.
func (v *Verifier) Size() int64 { return v.edge.Size() }

// Tree is the tree of the leaves so far.
func (v *Verifier) Tree() (tlog.Tree, error) { return v.edge.Tree() }

// Now is what the leaves so far say that each tag means, by repository and tag;
// "" = gone. The caller must not change it.
func (v *Verifier) Now() map[[2]string]ref.Digest { return v.now }
