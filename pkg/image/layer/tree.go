package layer

import (
	"bytes"
	"hash/maphash"
	"slices"

	"github.com/intact-dev/intact/pkg/fact"
)

// A Tree is the merged layers of one image, as an overlay shows them. It holds
// references into the logs of the layers, 28 bytes and a hash slot per node.
// It is never changed after [Merge] and may be used concurrently.
type Tree struct {
	layers []*Contents
	extra  Entries // names of directories that no layer states
	nodes  [][]node
	count  int
	table  table
	seed   maphash.Seed

	unsafe   grouper
	replaced []replacement
}

// A nodeID numbers the nodes of a tree; 0 is the root.
type nodeID = uint32

// A node is a path of the tree. Its name and what it holds are read from the
// layers' logs; a hard link has the name of its own entry and the content of
// another.
type node struct {
	parent, child, next nodeID // next is the next child of parent; 0 is the end
	name, data          recordRef
	nameLog, dataLog    uint16
	layer               uint16 // that set it last
	flags               nodeFlags
	typ                 Type
}

type nodeFlags uint8

const (
	nodeDead     nodeFlags = 1 << iota // removed; may come back
	nodeUnlinked                       // not in its parent's list
	nodeImplicit                       // a directory that no layer states: 0755, root
	nodeStated                         // of the layer being merged: an entry names it
)

// extraLog stands for Tree.extra in nameLog and dataLog.
const extraLog = 1<<16 - 1

const (
	nodeShift = 13
	nodeChunk = 1 << nodeShift
)

// A replacement is an executable or library of a lower layer that a later one
// gave other content.
type replacement struct {
	node  nodeID
	layer uint16 // of the earlier content
	link  bool   // a link took its place
}

func newTree(layers []*Contents) *Tree {
	t := &Tree{layers: layers, seed: maphash.MakeSeed()}
	ref := t.extra.add(&Entry{Type: TypeDir, Mode: 0o755})
	t.nodes = [][]node{make([]node, 1, 64)}
	t.count = 1
	*t.at(0) = node{name: ref, data: ref, nameLog: extraLog, dataLog: extraLog, flags: nodeImplicit, typ: TypeDir}
	return t
}

func (t *Tree) at(id nodeID) *node { return &t.nodes[id>>nodeShift][id&(nodeChunk-1)] }

func (t *Tree) log(i uint16) *Entries {
	if i == extraLog {
		return &t.extra
	}
	return t.layers[i].Entries
}

// base returns the name of a node in its directory.
func (t *Tree) base(id nodeID) []byte {
	n := t.at(id)
	return t.log(n.nameLog).baseAt(n.name)
}

// entry reads what a node holds into e, which has no Path then.
func (t *Tree) entry(id nodeID, e *Entry) {
	n := t.at(id)
	t.log(n.dataLog).at(n.data, e)
	e.Type = n.typ
}

// path returns the absolute path of a node.
func (t *Tree) path(id nodeID) fact.Bytes {
	if id == 0 {
		return "/"
	}
	var parts [][]byte
	for ; id != 0; id = t.at(id).parent {
		parts = append(parts, t.base(id))
	}
	slices.Reverse(parts)
	return fact.Bytes("/" + string(bytes.Join(parts, []byte("/"))))
}

func (t *Tree) hash(parent nodeID, name []byte) uint64 {
	return maphash.Bytes(t.seed, name) ^ (uint64(parent)+1)*0x9e3779b97f4a7c15
}

func (t *Tree) hashOf(id nodeID) uint64 { return t.hash(t.at(id).parent, t.base(id)) }

// find returns the node name of the directory dir, which may be dead.
func (t *Tree) find(dir nodeID, name []byte) (nodeID, bool) {
	return t.table.find(t.hash(dir, name), func(id nodeID) bool {
		return t.at(id).parent == dir && bytes.Equal(t.base(id), name)
	})
}

// childOf returns the living node name of the directory dir.
func (t *Tree) childOf(dir nodeID, name []byte) (nodeID, bool) {
	id, ok := t.find(dir, name)
	return id, ok && t.at(id).flags&nodeDead == 0
}

// create adds a node; it is linked and alive.
func (t *Tree) create(parent nodeID, name []byte, n node) nodeID {
	id := nodeID(t.count)
	last := len(t.nodes) - 1
	if len(t.nodes[last]) == nodeChunk {
		t.nodes = append(t.nodes, make([]node, 0, nodeChunk))
		last++
	}
	p := t.at(parent)
	n.parent, n.next = parent, p.child
	p.child = id
	t.nodes[last] = append(t.nodes[last], n)
	t.count++
	t.table.insert(id, t.hash(parent, name), t.hashOf)
	return id
}

// kill removes a node and all below it.
func (t *Tree) kill(id nodeID) {
	t.at(id).flags |= nodeDead
	t.clear(id)
}

// clear removes all below a node. The list of children is given up, so that no
// node is visited again before it comes back.
func (t *Tree) clear(id nodeID) {
	n := t.at(id)
	child := n.child
	n.child = 0
	for child != 0 {
		c := t.at(child)
		next := c.next
		c.flags |= nodeDead | nodeUnlinked
		c.next = 0
		t.clear(child)
		child = next
	}
}

// revive brings a removed node back.
func (t *Tree) revive(id nodeID) {
	n := t.at(id)
	if n.flags&nodeUnlinked != 0 {
		p := t.at(n.parent)
		n.next, p.child = p.child, id
	}
	n.flags &^= nodeDead | nodeUnlinked
}

// children returns the living children of a directory, sorted by name.
func (t *Tree) children(id nodeID) []nodeID {
	var out []nodeID
	for c := t.at(id).child; c != 0; c = t.at(c).next {
		if t.at(c).flags&nodeDead == 0 {
			out = append(out, c)
		}
	}
	slices.SortFunc(out, func(a, b nodeID) int { return bytes.Compare(t.base(a), t.base(b)) })
	return out
}
