package report

import (
	"cmp"
	"encoding/binary"
	"slices"
)

// A Packer makes Origins that hold what they name together: workloads, nodes,
// images. The zero value is ready. It may not be used concurrently.
type Packer struct {
	texts *texts
	index map[string]uint32
}

// Pack returns the origins of list, in its order.
func (p *Packer) Pack(list ...Origin) Origins {
	l := p.List()
	for _, o := range list {
		l.Add(o)
	}
	return l.Origins()
}

// List returns an empty list.
func (p *Packer) List() *OriginList {
	if p.texts == nil {
		p.texts, p.index = &texts{}, map[string]uint32{}
		p.text("") // what is not set
	}
	return &OriginList{packer: p}
}

func (p *Packer) text(s string) uint32 {
	i, ok := p.index[s]
	if !ok {
		i = uint32(len(p.texts.all)) // 2³² texts do not fit in memory
		p.texts.all, p.index[s] = append(p.texts.all, s), i
	}
	return i
}

// An OriginList is Origins that grow.
type OriginList struct {
	packer *Packer
	n      int
	base   entry
	packed []byte
}

// Add adds o at the end.
func (l *OriginList) Add(o Origin) {
	p := l.packer
	l.put(entry{
		kind: p.text(o.Kind), where: p.text(o.Where), running: p.text(o.Running), node: p.text(o.Node), platform: p.text(o.Platform),
		line: o.Line, column: o.Column, path: o.Path,
	})
}

// Flags of what differs from the base, in the order in which it stands.
const (
	flagNode uint64 = 1 << iota
	flagKind
	flagWhere
	flagRunning
	flagPlatform
	flagPosition
)

// put packs e as what differs from the base: the last entry that differed from
// its own base in more than the node and the path. All numbers are uvarints:
// flags, the texts that differ, line and column, how many bytes of the base's
// path e's begins with, how many more there are; then those.
func (l *OriginList) put(e entry) {
	var flags uint64
	fields := [...]struct{ is, was uint32 }{
		{e.node, l.base.node}, {e.kind, l.base.kind}, {e.where, l.base.where}, {e.running, l.base.running}, {e.platform, l.base.platform},
	}
	for i, f := range fields {
		if f.is != f.was {
			flags |= 1 << i
		}
	}
	if e.line != l.base.line || e.column != l.base.column {
		flags |= flagPosition
	}
	b := binary.AppendUvarint(l.packed, flags)
	for _, f := range fields {
		if f.is != f.was {
			b = binary.AppendUvarint(b, uint64(f.is))
		}
	}
	if flags&flagPosition != 0 {
		b = binary.AppendUvarint(binary.AppendUvarint(b, uint64(e.line)), uint64(e.column))
	}
	shared := 0
	for shared < min(len(e.path), len(l.base.path)) && e.path[shared] == l.base.path[shared] {
		shared++
	}
	b = binary.AppendUvarint(binary.AppendUvarint(b, uint64(shared)), uint64(len(e.path)-shared))
	l.packed = append(b, e.path[shared:]...)
	if l.n++; flags > flagNode {
		l.base = e
	}
}

// Origins returns what l holds. More may be added to l.
func (l *OriginList) Origins() Origins {
	return Origins{n: l.n, texts: l.packer.texts, packed: string(l.packed)}
}

// Sorted returns what l holds, as [Origins.Compare] orders it.
func (l *OriginList) Sorted() Origins {
	all, r := make([]entry, 0, l.n), l.Origins().reader()
	for r.next() {
		all = append(all, r.entry)
	}
	order := func(a, b entry) int { return l.packer.texts.compare(&a, &b) }
	if slices.IsSortedFunc(all, order) {
		return l.Origins()
	}
	slices.SortFunc(all, order)
	out := l.packer.List()
	for _, e := range all {
		out.put(e)
	}
	return out.Origins()
}

// compare is compareOrigins for entries.
func (t *texts) compare(a, b *entry) int {
	text := func(a, b uint32) int {
		if a == b {
			return 0
		}
		return cmp.Compare(t.all[a], t.all[b])
	}
	return cmp.Or(text(a.kind, b.kind), text(a.where, b.where), cmp.Compare(a.line, b.line), cmp.Compare(a.column, b.column),
		cmp.Compare(a.path, b.path), text(a.node, b.node), text(a.running, b.running))
}
