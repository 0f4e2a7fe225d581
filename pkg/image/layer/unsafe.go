package layer

import (
	"bytes"
	"path"
	"strings"
)

// judgeName reports the names by which an archive tries to leave the root, and
// what else a runtime refuses or should. Runtimes clean such names; a tool that
// does not is led outside.
func (m *merger) judgeName(e *Entry) {
	switch {
	case e.flags&flagEscapes != 0:
		m.unsafe.add(m.cur, "name that leaves the root through \"..\"", e.Path)
	case e.flags&flagAbsolute != 0:
		m.unsafe.add(m.cur, "absolute name in the archive", e.Path)
	}
	if e.Type == TypeOther {
		m.unsafe.add(m.cur, "type that runtimes do not unpack", e.Path)
	}
	if e.Type == TypeHardlink {
		if l := string(e.Link); strings.HasPrefix(l, "/") || path.Clean(l) == ".." || strings.HasPrefix(path.Clean(l), "../") {
			m.unsafe.add(m.cur, "hard link whose target is not relative to the root", e.Path)
		}
	}
	for _, x := range e.Xattrs {
		if strings.HasPrefix(string(x.Name), xattrOverlay) || strings.HasPrefix(string(x.Name), xattrUserOver) {
			m.unsafe.add(m.cur, "extended attribute of overlayfs, which hides files of lower layers", e.Path)
		}
	}
}

// cleanLink makes a hard link's target a path below the root, as runtimes do.
func cleanLink(link []byte) string { return path.Clean("/" + string(link)) }

// leavesRoot reports whether a relative symbolic link in the directory dir goes
// above the root by its "..". Within a container the kernel stops it there;
// tools that follow it in an unpacked tree are led outside.
func leavesRoot(depth int, link []byte) bool {
	if bytes.HasPrefix(link, []byte("/")) {
		return false
	}
	for name := range bytes.SplitSeq(link, []byte("/")) {
		switch string(name) {
		case "", ".":
		case "..":
			if depth--; depth < 0 {
				return true
			}
		default:
			depth++
		}
	}
	return false
}

// noteReplaced remembers that n takes the place of an executable or a library
// of a lower layer with other content.
func (m *merger) noteReplaced(id nodeID, was, n node, e *Entry) {
	if was.layer == m.cur || was.typ != TypeFile || n.typ != TypeFile && n.typ != TypeSymlink {
		return
	}
	m.log(was.dataLog).at(was.data, &m.old)
	m.log(n.dataLog).at(n.data, &m.now)
	if n.typ == TypeFile && m.old.Sum == m.now.Sum {
		return
	}
	if m.old.Mode&0o111 == 0 && !isLibrary(m.base(id)) {
		return
	}
	m.replaced = append(m.replaced, replacement{node: id, layer: was.layer, link: n.typ == TypeSymlink})
}

// isLibrary tells by the name: libraries are often not executable.
func isLibrary(base []byte) bool {
	return bytes.HasSuffix(base, []byte(".so")) || bytes.Contains(base, []byte(".so.")) ||
		bytes.HasSuffix(base, []byte(".jar")) || bytes.HasSuffix(base, []byte(".dll"))
}
