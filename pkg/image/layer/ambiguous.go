package layer

import (
	"bytes"
	"hash/maphash"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"

	"github.com/intact-dev/intact/pkg/fact"
)

// ambiguities reports what readers of the layer's archive settle differently:
// names that occur twice, whiteouts of what the same layer holds. The layer is
// merged alone into a tree of its own for that.
func ambiguities(c *Contents, out *problemList) error {
	a := &ambiguous{out: out, m: newMerger([]*Contents{c})}
	a.m.observe = a
	if err := a.m.layer(0); err != nil {
		return err
	}
	for _, w := range a.whiteouts {
		if a.m.at(w).flags&nodeDead == 0 {
			a.add(a.m.path(w), "whiteout of a path that the same layer holds", false)
		}
	}
	a.clashes()
	return nil
}

type ambiguous struct {
	out       *problemList
	m         *merger
	whiteouts []nodeID
}

func (a *ambiguous) add(path fact.Bytes, detail string, note bool) {
	a.out.add(fact.Problem{Kind: fact.ProblemAmbiguous, Detail: detail, Path: path, Note: note})
}

// again: the image specification forbids two entries of one name. Runtimes let
// the last one win, other readers show the first.
func (a *ambiguous) again(id nodeID, before, now *Entry) {
	if before.same(now) {
		a.add(a.m.path(id), "path that occurs more than once, always the same", true)
		return
	}
	a.add(a.m.path(id), "path that occurs more than once and differs; the last entry wins", false)
}

func (a *ambiguous) removes(id nodeID, e *Entry, opaque bool) {
	if e.Size > 0 || e.Type != TypeFile {
		a.add(fact.Bytes(e.Path), "whiteout that is no empty file", false)
	}
	if !opaque {
		a.whiteouts = append(a.whiteouts, id)
		return
	}
	if a.m.at(id).child != 0 {
		a.add(a.m.path(id), "opaque whiteout that stands after entries of its directory", true)
	}
}

// clashes notes siblings whose names are one on file systems that fold case or
// normalise Unicode. A name that is lower-case ASCII is its own folded form.
func (a *ambiguous) clashes() {
	t := a.m.Tree
	var folded table
	var seed = maphash.MakeSeed()
	hash := func(id nodeID) uint64 { return maphash.String(seed, fold(t.base(id))) ^ uint64(t.at(id).parent)<<1 }
	for i := 1; i < t.count; i++ {
		id := nodeID(i)
		base := t.base(id)
		if t.at(id).flags&nodeDead != 0 || isFolded(base) {
			continue
		}
		name, parent := fold(base), t.at(id).parent
		if _, ok := t.childOf(parent, []byte(name)); ok && name != string(base) {
			a.add(t.path(id), "name that equals another but for case or Unicode form", true)
			continue
		}
		h := hash(id)
		if _, ok := folded.find(h, func(o nodeID) bool { return t.at(o).parent == parent && fold(t.base(o)) == name }); ok {
			a.add(t.path(id), "name that equals another but for case or Unicode form", true)
			continue
		}
		folded.insert(id, h, hash)
	}
}

func isFolded(name []byte) bool {
	for _, c := range name {
		if c >= utf8.RuneSelf || 'A' <= c && c <= 'Z' {
			return false
		}
	}
	return true
}

func fold(name []byte) string {
	if !utf8.Valid(name) {
		return string(bytes.ToLower(name))
	}
	return strings.ToLower(norm.NFC.String(string(name)))
}
