package layer

// A table is an open-addressing hash set of node numbers: 4 bytes a slot, no
// pointers. Keys are compared by the caller.
type table struct {
	slots []uint32 // number + 1; 0 is free
	n     int
}

// find returns the number that eq accepts among those with hash h.
func (t *table) find(h uint64, eq func(uint32) bool) (uint32, bool) {
	if len(t.slots) == 0 {
		return 0, false
	}
	mask := uint64(len(t.slots) - 1)
	for i := h & mask; t.slots[i] != 0; i = (i + 1) & mask {
		if id := t.slots[i] - 1; eq(id) {
			return id, true
		}
	}
	return 0, false
}

// insert adds id, which is not in the table. hash gives the hash of any number
// in it, when it grows.
func (t *table) insert(id uint32, h uint64, hash func(uint32) uint64) {
	if 4*(t.n+1) > 3*len(t.slots) {
		old := t.slots
		t.slots = make([]uint32, max(64, 2*len(old)))
		for _, s := range old {
			if s != 0 {
				t.place(s, hash(s-1))
			}
		}
	}
	t.place(id+1, h)
	t.n++
}

func (t *table) place(slot uint32, h uint64) {
	mask := uint64(len(t.slots) - 1)
	i := h & mask
	for t.slots[i] != 0 {
		i = (i + 1) & mask
	}
	t.slots[i] = slot
}
