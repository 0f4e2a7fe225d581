package layer

import (
	"bytes"
	"fmt"
	"slices"
	"strings"

	"github.com/intact-dev/intact/pkg/fact"
	"github.com/intact-dev/intact/pkg/image"
	"github.com/intact-dev/intact/pkg/internal/limits"
)

// Merge stacks layers, lowest first, as containerd's overlay snapshotter shows
// them: the last entry of a name wins, whiteouts and opaque directories remove
// what lower layers hold (never what their own layer holds), a file that takes
// the place of a directory removes all in it, a directory over a directory
// merges with it, parents that no layer states are 0755 and root's, and a hard
// link shares what its target was at that time. An entry below a symbolic link
// of its own layer goes where the link leads, inside the root; below one of a
// lower layer it goes into a directory that takes the link's place, because
// each layer is unpacked by itself. Both are reported as unsafe.
//
// It fails if a layer is not [Contents.Readable], since the tree is not known
// then, and at a limit; the error carries the cause, see [image.CauseOf].
//
// https://github.com/containerd/containerd/blob/v2.1.0/pkg/archive/tar.go
func Merge(layers []*Contents) (*Tree, error) {
	if len(layers) > limits.Layers {
		return nil, mergeError(fact.Limit, &limits.ExceededError{What: "number of layers", Limit: limits.Layers, Got: int64(len(layers))})
	}
	for i, c := range layers {
		if c == nil || !c.Readable() {
			return nil, mergeError(fact.Dependency, fmt.Errorf("layer %d could not be read", i))
		}
	}
	m := newMerger(layers)
	for i := range layers {
		if err := m.layer(uint16(i)); err != nil {
			return nil, mergeError(fact.Limit, fmt.Errorf("layer %d: %w", i, err))
		}
	}
	return m.Tree, nil
}

// A merger adds layers to a tree.
type merger struct {
	*Tree
	cur       uint16
	lastPath  []byte // the directory last resolved, and its node
	lastDir   nodeID
	lastOK    bool
	old, now  Entry
	observe   observer // nil but for the search of ambiguities
	throughTo bool     // the last resolution went through a link
	work      int      // path components walked behind links
	err       error

	stated int // bytes of records of hard links that state other than their targets

	maxNodes, maxWork, maxStated int
}

func mergeError(c fact.Cause, err error) error {
	return &image.Error{Op: "merge layers", Cause: c, Err: err}
}

func newMerger(layers []*Contents) *merger {
	return &merger{Tree: newTree(layers), maxNodes: maxNodes, maxWork: maxWork, maxStated: limits.PathBytes}
}

// Bounds of the work that names can cause. A name of 4,096 bytes states 2,000
// directories, and leads through 40 links of as many.
const (
	maxNodes = limits.Entries + 1<<16
	maxWork  = 20 * limits.Entries
)

// An observer is told what happens within one layer.
type observer interface {
	again(id nodeID, before, now *Entry)
	removes(id nodeID, e *Entry, opaque bool)
}

// layer adds one layer: what it removes first, for that concerns lower layers
// alone, then what it holds.
func (m *merger) layer(i uint16) error {
	m.cur, m.lastOK = i, false
	c := m.layers[i]
	if c.whiteouts > 0 && i > 0 {
		for e := range c.Entries.All() {
			m.remove(e)
		}
		m.lastOK = false
	}
	for ref, e := range c.Entries.records() {
		m.put(ref, e)
		if m.count > m.maxNodes {
			m.err = &limits.ExceededError{What: "number of paths of the merged layers", Limit: int64(m.maxNodes)}
		}
		if m.work > m.maxWork {
			m.err = &limits.ExceededError{What: "directories walked behind links", Limit: int64(m.maxWork)}
		}
		if m.err != nil {
			return m.err
		}
	}
	return nil
}

// remove applies a whiteout to the lower layers.
func (m *merger) remove(e *Entry) {
	kind, name := whiteoutOf(e.base())
	if kind != whiteoutPath && kind != whiteoutDir {
		return
	}
	dir, ok := m.below(e.dir())
	if !ok {
		return
	}
	if kind == whiteoutDir {
		m.clear(dir)
	} else if id, ok := m.childOf(dir, name); ok {
		m.kill(id)
	}
}

// below finds a directory of the lower layers, without following links: a
// layer is unpacked apart from them.
func (m *merger) below(dir []byte) (nodeID, bool) {
	id := nodeID(0)
	for name := range bytes.SplitSeq(dir, []byte("/")) {
		if len(name) == 0 {
			continue
		}
		var ok bool
		if id, ok = m.childOf(id, name); !ok || m.at(id).typ != TypeDir {
			return 0, false
		}
	}
	return id, true
}

// put adds one entry.
func (m *merger) put(ref recordRef, e *Entry) {
	m.judgeName(e)
	dir, ok := m.parent(e.dir())
	if !ok {
		m.unsafe.add(m.cur, "below a chain of links without end", e.Path)
		return
	}
	if m.throughTo {
		m.unsafe.add(m.cur, "entry below a symbolic link", e.Path)
	}
	base := e.base()
	kind, name := whiteoutOf(base)
	switch {
	case kind == whiteoutIgnored:
		return
	case kind == whiteoutInvalid:
		m.unsafe.add(m.cur, "whiteout of no name", e.Path)
		return
	case kind == whiteoutDir:
		if m.observe != nil {
			m.observe.removes(dir, e, true)
		}
		return
	case kind == whiteoutPath:
		if m.observe != nil {
			id, ok := m.find(dir, name)
			if !ok {
				n := node{name: ref, data: ref, nameLog: m.cur, dataLog: m.cur, typ: TypeOther}
				id = m.createWhiteout(dir, name, n)
			}
			m.observe.removes(id, e, false)
		}
		return
	}
	n := node{name: ref, data: ref, nameLog: m.cur, dataLog: m.cur, layer: m.cur, flags: nodeStated, typ: e.Type}
	if e.Type == TypeHardlink && !m.link(&n, e) {
		return
	}
	if len(e.Path) == 0 {
		m.root(n, e)
		return
	}
	id, ok := m.find(dir, base)
	if !ok {
		m.create(dir, base, n)
		return
	}
	m.replace(id, n, e)
}

// root takes over the metadata of the root directory; nothing else can be put
// in its place.
func (m *merger) root(n node, e *Entry) {
	if n.typ != TypeDir {
		m.unsafe.add(m.cur, "entry that would replace the root directory", e.Path)
		return
	}
	r := m.at(0)
	if r.flags&nodeStated != 0 && r.layer == m.cur {
		m.again(0, n)
	}
	n.child, n.name, n.nameLog = r.child, r.name, r.nameLog
	*r = n
}

func (m *merger) again(id nodeID, n node) {
	if m.observe == nil {
		return
	}
	m.entry(id, &m.old)
	m.log(n.dataLog).at(n.data, &m.now)
	m.now.Type = n.typ
	m.observe.again(id, &m.old, &m.now)
}

// replace puts n where id is or was.
func (m *merger) replace(id nodeID, n node, e *Entry) {
	was := *m.at(id)
	if was.layer == m.cur && was.flags&nodeStated != 0 && was.flags&nodeDead == 0 {
		m.again(id, n)
	}
	m.noteReplaced(id, was, n, e)
	dead := was.flags&nodeDead != 0
	if !dead && was.typ == TypeDir && n.typ != TypeDir {
		m.clear(id)
	}
	if was.typ != TypeDir || n.typ != TypeDir || dead {
		m.lastOK = false
	}
	if dead {
		m.revive(id)
	}
	now := m.at(id)
	n.parent, n.child, n.next = now.parent, now.child, now.next
	n.name, n.nameLog = now.name, now.nameLog
	*now = n
}

// link resolves a hard link: it is what its target is now, with the owner, mode
// and attributes that its own entry states, for runtimes set them once more.
func (m *merger) link(n *node, e *Entry) bool {
	target := strings.Trim(cleanLink(e.Link), "/")
	dir, base := "", target
	if i := strings.LastIndexByte(target, '/'); i >= 0 {
		dir, base = target[:i], target[i+1:]
	}
	r := resolver{t: m.Tree, work: &m.work}
	at, why := r.walk(0, []byte(dir), true)
	if why == "" {
		if id, ok := m.childOf(at, []byte(base)); ok && m.at(id).typ != TypeDir {
			to := m.at(id)
			n.data, n.dataLog, n.typ = to.data, to.dataLog, to.typ
			m.log(to.dataLog).at(to.data, &m.old)
			if !states(&m.old, e) {
				m.unsafe.add(m.cur, "hard link that states another owner, mode or attribute than its target", e.Path)
				m.restate(n, e)
			}
			return true
		}
	}
	m.unsafe.add(m.cur, "hard link to nothing", e.Path)
	return false
}

// states reports whether a hard link's entry changes nothing about target.
func states(target, link *Entry) bool {
	if target.UID != link.UID || target.GID != link.GID || target.Mode != link.Mode {
		return false
	}
	for _, x := range link.Xattrs {
		if value, ok := target.xattr(string(x.Name)); !ok || !bytes.Equal(value, x.Value) {
			return false
		}
	}
	return true
}

// restate gives n, a hard link to what m.old holds, the owner, mode and attributes
// of its entry. Other names of the file keep those they have: not all tools set
// them again, so each name shows what it may have.
func (m *merger) restate(n *node, e *Entry) {
	now := m.old
	now.Path, now.UID, now.GID, now.Mode = e.base(), e.UID, e.GID, e.Mode
	now.Xattrs = slices.Clone(e.Xattrs)
	for _, x := range m.old.Xattrs {
		if _, ok := e.xattr(string(x.Name)); !ok {
			now.Xattrs = append(now.Xattrs, x)
		}
	}
	sortXattrs(now.Xattrs)
	if m.stated += now.charge(); m.stated > m.maxStated {
		m.err = &limits.ExceededError{What: "bytes of hard links that state other than their targets", Limit: int64(m.maxStated)}
		return
	}
	n.data, n.dataLog = m.extra.add(&now), extraLog
}

// parent finds the directory that an entry goes into, and makes it where it is
// missing.
func (m *merger) parent(dir []byte) (nodeID, bool) {
	if m.lastOK && bytes.Equal(dir, m.lastPath) {
		return m.lastDir, true
	}
	hops := 0
	m.throughTo = false
	id, ok := m.descend(0, dir, &hops)
	if m.throughTo && ok && m.depth(id) >= limits.PathDepth {
		m.err = &limits.ExceededError{What: "depth of a path behind a link", Limit: limits.PathDepth}
	}
	m.lastOK = ok && !m.throughTo
	m.lastPath, m.lastDir = append(m.lastPath[:0], dir...), id
	return id, ok
}

func (m *merger) descend(from nodeID, dir []byte, hops *int) (nodeID, bool) {
	id := from
	for name := range bytes.SplitSeq(dir, []byte("/")) {
		if *hops > 0 {
			m.work++
		}
		switch string(name) {
		case "", ".":
			continue
		case "..":
			id = m.at(id).parent
			continue
		}
		child, ok := m.find(id, name)
		if !ok {
			id = m.implicit(id, name)
			continue
		}
		c := m.at(child)
		switch {
		case c.flags&nodeDead == 0 && c.typ == TypeDir:
			id = child
		case c.flags&nodeDead == 0 && c.typ == TypeSymlink && c.layer == m.cur:
			m.throughTo = true
			if *hops++; *hops > limits.SymlinkHops {
				return 0, false
			}
			var e Entry
			m.entry(child, &e)
			start := id
			if bytes.HasPrefix(e.Link, []byte("/")) {
				start = 0
			}
			if id, ok = m.descend(start, e.Link, hops); !ok {
				return 0, false
			}
		default:
			m.throughTo = m.throughTo || c.flags&nodeDead == 0 && c.typ == TypeSymlink
			ref := m.extra.add(&Entry{Path: name, Type: TypeDir, Mode: 0o755})
			m.replace(child, node{name: ref, data: ref, nameLog: extraLog, dataLog: extraLog,
				layer: m.cur, flags: nodeImplicit, typ: TypeDir}, &Entry{Type: TypeDir})
			id = child
		}
	}
	return id, true
}

func (m *merger) implicit(dir nodeID, name []byte) nodeID {
	ref := m.extra.add(&Entry{Path: name, Type: TypeDir, Mode: 0o755})
	return m.create(dir, name, node{name: ref, data: ref, nameLog: extraLog, dataLog: extraLog,
		layer: m.cur, flags: nodeImplicit, typ: TypeDir})
}

// createWhiteout makes a dead node under a name that only a whiteout gave.
func (m *merger) createWhiteout(dir nodeID, name []byte, n node) nodeID {
	n.name = m.extra.add(&Entry{Path: name, Type: TypeOther})
	n.nameLog, n.layer, n.flags = extraLog, m.cur, 0
	id := m.create(dir, name, n)
	m.at(id).flags = nodeDead
	return id
}
