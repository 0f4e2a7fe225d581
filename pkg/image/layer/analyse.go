package layer

import (
	"fmt"
	"slices"

	"github.com/intact-dev/intact/pkg/fact"
)

// Analyse says what the merged layers show about change, for the command of cfg
// and the image's user. If the user is not Known, what depends on him is left
// empty: the checks that need it need the user's fact too.
func Analyse(t *Tree, cfg fact.Config, user fact.Value[fact.User]) fact.Filesystem {
	createdBy := CreatedBy(cfg, len(t.layers))
	run := resolveCommand(t, cfg)
	a := &analysis{t: t, by: createdBy, exec: newExecPath(t, cfg, run)}
	if user.State == fact.Known && user.V.UID != 0 {
		a.user = userAccess(t, user.V)
	}
	a.unsafe = t.unsafe.clone()
	a.root()
	if a.user != nil {
		for _, id := range a.exec.unfollowed {
			a.unsafe.add(t.at(id).layer, "link that was not followed: the links of the image lead too far", []byte(t.path(id)))
		}
	}
	for _, r := range t.replaced {
		a.addReplaced(r)
	}

	var fs fact.Filesystem
	fs.Entries, fs.Bytes = a.entries, a.bytes
	fs.WorldWritable = a.world.list(createdBy)
	fs.UserCode = a.code.list(createdBy)
	fs.Privileged = a.privileged.list(createdBy)
	fs.Unsafe = a.unsafe.list(createdBy)
	fs.Replaced = a.replaced.list(createdBy)
	if user.State == fact.Known {
		fs.Tools = findTools(t, cfg, user.V, createdBy)
	}
	fs.Code, fs.Open = a.places.codeFact(len(a.exec.unfollowed)), a.places.openFact()
	fs.Entrypoint = run.entry
	fs.Entrypoint.Writable = a.writableSteps(run)
	return fs
}

// CreatedBy returns the history line of each layer; none if the history does
// not fit the layers.
func CreatedBy(cfg fact.Config, layers int) []string {
	var out []string
	for _, h := range cfg.History {
		if !h.Empty {
			out = append(out, h.CreatedBy)
		}
	}
	if len(out) != layers {
		return nil
	}
	return out
}

type analysis struct {
	t    *Tree
	by   []string
	user *access // nil if the user is root or not known
	exec *execPath

	entries int
	bytes   int64
	e       Entry

	world, code, privileged, unsafe, replaced grouper
	places                                    places
}

// root walks the whole tree.
func (a *analysis) root() {
	a.t.entry(0, &a.e)
	open := a.opened(noneOpen, []byte("/"))
	a.visit(0, nil, start(), open)
	a.closed(open)
}

// An openDir is a directory that is kept as open to others than root, with the
// number of entries seen before it. Those below it of the same kind are not kept.
type openDir struct {
	at     int // among the places; -1 = none
	before int
	uid    uint32
	gid    uint32
	mode   uint16
}

var noneOpen = openDir{at: -1}

// opened says which kept directory stands for the one that was read last, whose
// parent is stood for by above; it is kept if no other is.
func (a *analysis) opened(above openDir, path []byte) openDir {
	e := &a.e
	switch {
	case !isOpen(e):
		return noneOpen
	case above.at >= 0 && above.uid == e.UID && above.gid == e.GID && above.mode == e.Mode:
		return above
	}
	return openDir{a.places.addOpen(e, path), a.entries, e.UID, e.GID, e.Mode}
}

// closed counts what was seen in a directory, if it is kept itself.
func (a *analysis) closed(d openDir) {
	if d.at >= 0 {
		a.places.open[d.at].Files = a.entries - d.before
	}
}

// visit walks a directory. above is what the user can do in the one above, open
// the kept directory that stands for it.
func (a *analysis) visit(dir nodeID, path []byte, above reach, open openDir) {
	if a.user != nil {
		above = a.user.enter(above, dir)
	}
	n := len(path)
	for _, id := range a.t.children(dir) {
		path = append(append(path[:n], '/'), a.t.base(id)...)
		a.node(id, path, above)
		if a.t.at(id).typ == TypeDir {
			own := a.opened(open, path)
			a.visit(id, path, above, own)
			if own.at != open.at {
				a.closed(own)
			}
		}
	}
}

func (a *analysis) node(id nodeID, path []byte, in reach) {
	n := a.t.at(id)
	e := &a.e
	a.t.entry(id, e)
	a.entries++
	if e.Type == TypeFile {
		a.bytes += e.Size
	}
	a.properties(n, e, path)
	if !a.exec.has(id) {
		return
	}
	if e.Type != TypeDir {
		a.places.addCode(path)
	}
	if a.user != nil && a.user.canChange(in, id) {
		a.code.addType(n.layer, "", path, a.e.Type)
	}
}

// properties of a node whoever the user is.
//
// A world-writable directory with the sticky bit, such as /tmp, is none: what
// one user makes there no other can replace, and every image needs one. A link
// has no mode of its own.
func (a *analysis) properties(n *node, e *Entry, path []byte) {
	if e.Mode&0o002 != 0 && (e.Type == TypeFile || e.Type == TypeDir && e.Mode&modeSticky == 0) {
		a.world.addType(n.layer, "", path, e.Type)
	}
	if e.Type == TypeFile {
		if e.Mode&modeSetuid != 0 {
			a.privileged.add(n.layer, "setuid", path)
		}
		if e.Mode&modeSetgid != 0 && e.Mode&0o010 != 0 {
			a.privileged.add(n.layer, "setgid", path)
		}
		if value, ok := e.xattr(xattrCapability); ok {
			if names := capabilities(value); names != "" {
				a.privileged.add(n.layer, names, path)
			}
		}
	}
	switch {
	case e.Type == TypeChar && e.Major == 0 && e.Minor == 0:
		a.unsafe.add(n.layer, "device 0:0, which overlayfs takes for a whiteout", path)
	case e.Type == TypeChar || e.Type == TypeBlock:
		a.unsafe.add(n.layer, fmt.Sprintf("device: %s", e.Type), path)
	case e.Type == TypeSymlink && leavesRoot(countSlashes(path)-1, e.Link):
		a.unsafe.add(n.layer, "link: its target goes above the root", path)
	}
}

func countSlashes(path []byte) (n int) {
	for _, c := range path {
		if c == '/' {
			n++
		}
	}
	return n
}

func (a *analysis) addReplaced(r replacement) {
	n := a.t.at(r.node)
	if n.flags&nodeDead != 0 || n.layer <= r.layer {
		return
	}
	detail := fmt.Sprintf("replaces that of layer %d", r.layer+1)
	if r.link {
		detail = fmt.Sprintf("a link replaces that of layer %d", r.layer+1)
	}
	a.replaced.add(n.layer, detail, []byte(a.t.path(r.node)))
}

// writableSteps returns the steps of the command's resolution that the user, or
// everyone, can change.
func (a *analysis) writableSteps(run *command) []fact.Bytes {
	everyone := &access{t: a.t, who: account{other: true}}
	var out []fact.Bytes
	for _, id := range run.steps {
		if everyone.changeable(id) || a.user != nil && a.user.changeable(id) {
			if p := a.t.path(id); !slices.Contains(out, p) {
				out = append(out, p)
			}
		}
	}
	return out
}

func (g *grouper) clone() grouper {
	var c grouper
	for key, group := range g.groups {
		if c.groups == nil {
			c.groups, c.sizes = make(map[groupKey]*fact.PathGroup), make(map[groupKey]int)
		}
		cp := *group
		cp.Paths = slices.Clone(group.Paths)
		c.groups[key] = &cp
	}
	for key, n := range g.sizes {
		c.sizes[key] = n
	}
	return c
}
