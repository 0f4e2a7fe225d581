package report

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"encoding/json"
	"iter"
	"slices"

	"github.com/intact-dev/intact/pkg/ref"
)

// Origins are the places of one target, in order; in JSON a list. The zero value
// is null. They do not change and may be used concurrently.
//
// They are held packed: a fleet has a hundred thousand of them, and one pod of a
// workload differs from the next in its node and five letters.
type Origins struct {
	n      int
	texts  *texts // nil in the zero value alone
	packed string // see OriginList.put
}

// OriginsOf returns the origins of list, an empty list for none.
func OriginsOf(list ...Origin) Origins {
	var p Packer
	return p.Pack(list...)
}

// Len is how many there are.
func (o Origins) Len() int { return o.n }

// All yields each, in order.
func (o Origins) All() iter.Seq[Origin] {
	return func(yield func(Origin) bool) {
		r := o.reader()
		for r.next() {
			if !yield(o.texts.origin(r.entry)) {
				return
			}
		}
	}
}

// Compare orders by the first origin that differs: by kind, where it is, line,
// column, path, node, and what runs there.
func (o Origins) Compare(other Origins) int {
	a, b := o.reader(), other.reader()
	for {
		more, ok := a.next(), b.next()
		if !more || !ok {
			return cmp.Compare(o.n, other.n)
		}
		if c := compareOrigins(o.texts.origin(a.entry), other.texts.origin(b.entry)); c != 0 {
			return c
		}
	}
}

// Equal reports whether both hold the same.
func (o Origins) Equal(other Origins) bool {
	return (o.texts == nil) == (other.texts == nil) && slices.Equal(slices.Collect(o.All()), slices.Collect(other.All()))
}

func compareOrigins(a, b Origin) int {
	return cmp.Or(cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.Where, b.Where), cmp.Compare(a.Line, b.Line),
		cmp.Compare(a.Column, b.Column), cmp.Compare(a.Path, b.Path), cmp.Compare(a.Node, b.Node), cmp.Compare(a.Running, b.Running))
}

// MarshalJSON writes o as a list.
func (o Origins) MarshalJSON() ([]byte, error) {
	if o.texts == nil {
		return []byte("null"), nil
	}
	return json.Marshal(slices.AppendSeq(make([]Origin, 0, o.n), o.All()))
}

// UnmarshalJSON reads a list.
func (o *Origins) UnmarshalJSON(b []byte) error {
	if bytes.Equal(b, []byte("null")) {
		*o = Origins{}
		return nil
	}
	var list []Origin
	if err := json.Unmarshal(b, &list); err != nil {
		return err
	}
	*o = OriginsOf(list...)
	return nil
}

// Texts are what many origins name.
type texts struct{ all []string }

func (t *texts) origin(e entry) Origin {
	return Origin{
		Origin:  ref.Origin{Kind: t.all[e.kind], Where: t.all[e.where], Line: e.line, Column: e.column, Path: e.path},
		Running: t.all[e.running], Node: t.all[e.node], Platform: t.all[e.platform],
	}
}

// An entry is an Origin with places in texts for what it names.
type entry struct {
	kind, where, running, node, platform uint32
	line, column                         int
	path                                 string
}

// A reader unpacks Origins.
type reader struct {
	rest string
	base entry
	entry
}

func (o Origins) reader() *reader { return &reader{rest: o.packed} }

func (r *reader) next() bool {
	if r.rest == "" {
		return false
	}
	e, flags := r.base, r.number()
	for i, field := range []*uint32{&e.node, &e.kind, &e.where, &e.running, &e.platform} {
		if flags>>i&1 != 0 {
			*field = uint32(r.number()) // as it was put
		}
	}
	if flags&flagPosition != 0 {
		e.line, e.column = int(r.number()), int(r.number())
	}
	shared, more := r.number(), r.number()
	path := r.rest[:more]
	r.rest = r.rest[more:]
	if shared > 0 {
		path = r.base.path[:shared] + path
	}
	if e.path = path; flags > flagNode {
		r.base = e
	}
	r.entry = e
	return true
}

func (r *reader) number() uint64 {
	v, n := binary.Uvarint([]byte(r.rest[:min(len(r.rest), binary.MaxVarintLen64)]))
	r.rest = r.rest[n:]
	return v
}
