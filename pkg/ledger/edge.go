package ledger

import (
	"fmt"

	"golang.org/x/mod/sumdb/tlog"
)

// An Edge is the right edge of a tree: all that is needed of it to append. The
// zero value is that of the empty tree. It is not safe for concurrent use.
type Edge struct {
	size int64
	// last is the newest complete subtree of each level.
	last [64]tlog.Hash
}

// ReadEdge reads the edge of a tree of size leaves.
func ReadEdge(size int64, r tlog.HashReader) (*Edge, error) {
	e := &Edge{size: size}
	var levels []int
	var indexes []int64
	for level := 0; size>>level > 0; level++ {
		if size>>level&1 == 1 {
			levels = append(levels, level)
			indexes = append(indexes, tlog.StoredHashIndex(level, size>>level-1))
		}
	}
	if len(indexes) == 0 {
		return e, nil
	}
	hashes, err := r.ReadHashes(indexes)
	if err != nil {
		return nil, err
	}
	if len(hashes) != len(indexes) {
		return nil, fmt.Errorf("read the edge of the log: %d hashes of %d", len(hashes), len(indexes))
	}
	for i, level := range levels {
		e.last[level] = hashes[i]
	}
	return e, nil
}

// Size is the number of leaves.
func (e *Edge) Size() int64 { return e.size }

// Append adds a leaf and returns the hashes to store, the first of them at index
// tlog.StoredHashIndex(0, size before).
func (e *Edge) Append(leaf []byte) ([]tlog.Hash, error) {
	hashes, err := tlog.StoredHashes(e.size, leaf, e)
	if err != nil {
		return nil, err
	}
	copy(e.last[:], hashes)
	e.size++
	return hashes, nil
}

// Tree is the size and the root hash.
func (e *Edge) Tree() (tlog.Tree, error) {
	h, err := tlog.TreeHash(e.size, e)
	return tlog.Tree{N: e.size, Hash: h}, err
}

// ReadHashes implements tlog.HashReader for the hashes that it holds: of each
// level the newest.
func (e *Edge) ReadHashes(indexes []int64) ([]tlog.Hash, error) {
	out := make([]tlog.Hash, len(indexes))
	for i, index := range indexes {
		level, n := tlog.SplitStoredHashIndex(index)
		if n != e.size>>level-1 {
			return nil, fmt.Errorf("hash %d of level %d is not on the edge of a log of %d leaves", n, level, e.size)
		}
		out[i] = e.last[level]
	}
	return out, nil
}
