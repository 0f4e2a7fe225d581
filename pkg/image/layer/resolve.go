package layer

import (
	"bytes"
	"strings"

	"github.com/intact-dev/intact/pkg/internal/limits"
)

// A resolver follows paths through a tree as the kernel does in a container:
// ".." stops at the root, absolute links start there, 40 links are the most.
type resolver struct {
	t     *Tree
	hops  int
	steps []nodeID // every link on the way, if wanted
	want  bool
	work  *int // counts components, if many paths are resolved
}

// walk resolves path from the directory from. If follow is unset a link that
// is the last component is not followed. why is "" if it was found.
func (r *resolver) walk(from nodeID, path []byte, follow bool) (id nodeID, why string) {
	id = from
	if bytes.HasPrefix(path, []byte("/")) {
		id = 0
	}
	for len(path) > 0 {
		var name []byte
		name, path, _ = bytes.Cut(path, []byte("/"))
		if r.work != nil {
			*r.work++
		}
		if len(name) == 0 || string(name) == "." {
			continue
		}
		if r.t.at(id).typ != TypeDir {
			return 0, "not a directory on the way"
		}
		if string(name) == ".." {
			id = r.t.at(id).parent
			continue
		}
		child, ok := r.t.childOf(id, name)
		if !ok {
			return 0, "no such file"
		}
		last := len(bytes.Trim(path, "/")) == 0
		if r.t.at(child).typ != TypeSymlink || last && !follow {
			id = child
			continue
		}
		if r.hops++; r.hops > limits.SymlinkHops {
			return 0, "too many links"
		}
		if r.want {
			r.steps = append(r.steps, child)
		}
		var e Entry
		r.t.entry(child, &e)
		if len(e.Link) == 0 {
			return 0, "link to nothing"
		}
		if id, why = r.walk(id, e.Link, true); why != "" {
			return 0, why
		}
	}
	return id, ""
}

// Lookup returns the entry that path leads to, links followed as in a
// container, and the layer it came from. Its Path is absolute and resolved.
// why is "" if there is one, else what is in the way.
func (t *Tree) Lookup(path string) (e Entry, layer int, why string) {
	r := resolver{t: t}
	id, why := r.walk(0, []byte(path), true)
	if why != "" {
		return Entry{}, 0, why
	}
	t.entry(id, &e)
	e.Path = []byte(t.path(id))
	return e, int(t.at(id).layer), ""
}

// Walk yields every path of the tree below the root, in order, directories
// before what they hold, until yield returns false. The Entry is reused; its
// Path is absolute.
func (t *Tree) Walk(yield func(e *Entry, layer int) bool) {
	var e Entry
	t.walk(0, nil, func(id nodeID, path []byte) bool {
		t.entry(id, &e)
		e.Path = path
		return yield(&e, int(t.at(id).layer))
	})
}

// walk visits all below dir, whose path has no trailing slash.
func (t *Tree) walk(dir nodeID, path []byte, visit func(nodeID, []byte) bool) bool {
	n := len(path)
	for _, id := range t.children(dir) {
		path = append(append(path[:n], '/'), t.base(id)...)
		if !visit(id, path) {
			return false
		}
		if t.at(id).typ == TypeDir && !t.walk(id, path, visit) {
			return false
		}
	}
	return true
}

// Len returns the number of living nodes below the root and the bytes of the
// regular files, hard links counted once for each name.
func (t *Tree) Len() (entries int, bytes int64) {
	var e Entry
	for id := 1; id < t.count; id++ {
		if t.at(nodeID(id)).flags&nodeDead != 0 {
			continue
		}
		entries++
		if t.entry(nodeID(id), &e); e.Type == TypeFile {
			bytes += e.Size
		}
	}
	return entries, bytes
}

// absolute joins a path to the directory it is relative to.
func absolute(dir, path string) string {
	if strings.HasPrefix(path, "/") {
		return path
	}
	return dir + "/" + path
}
