package layer

import (
	"encoding/binary"
	"slices"
)

// An account is a user as the kernel's permission checks see one.
type account struct {
	uid    uint32
	groups []uint32 // all, sorted
	// other is nobody in particular: only what everyone may do counts.
	other bool
}

func newAccount(uid uint32, gids []uint32) account {
	groups := slices.Clone(gids)
	slices.Sort(groups)
	return account{uid: uid, groups: slices.Compact(groups)}
}

func (a account) in(gid uint32) bool {
	_, ok := slices.BinarySearch(a.groups, gid)
	return ok && !a.other
}

func (a account) owns(e *Entry) bool { return !a.other && a.uid == e.UID }

// may reports whether a has all permissions of want (4 read, 2 write, 1
// search) on e: by its access list if it has one, else by its mode. An owner
// may give himself every permission, so he has it.
func (a account) may(e *Entry, want uint16) bool {
	if a.owns(e) {
		return true
	}
	if value, ok := e.xattr(xattrACL); ok {
		if granted, ok := a.acl(value, e); ok {
			return granted&want == want
		}
	}
	if a.in(e.GID) {
		return e.Mode>>3&want == want
	}
	return e.Mode&want == want
}

// acl evaluates a POSIX access list as the kernel stores it.
//
// https://man7.org/linux/man-pages/man5/acl.5.html
func (a account) acl(value []byte, e *Entry) (granted uint16, ok bool) {
	const userObj, user, groupObj, group, maskTag, other = 1, 2, 4, 8, 16, 32
	if len(value) < 4 || binary.LittleEndian.Uint32(value) != 2 || (len(value)-4)%8 != 0 {
		return 0, false
	}
	mask, world := uint16(7), uint16(0)
	var byName, byGroup uint16
	named, grouped := false, false
	for b := value[4:]; len(b) > 0; b = b[8:] {
		tag, perm := binary.LittleEndian.Uint16(b), binary.LittleEndian.Uint16(b[2:])&7
		id := binary.LittleEndian.Uint32(b[4:])
		switch {
		case tag == user && !a.other && id == a.uid:
			byName, named = perm, true
		case tag == groupObj && a.in(e.GID), tag == group && a.in(id):
			// One entry must grant all that is wanted; that any of them grants a
			// part is counted as granted, so that nothing writable is missed.
			byGroup, grouped = byGroup|perm, true
		case tag == maskTag:
			mask = perm
		case tag == other:
			world = perm
		}
	}
	switch {
	case named:
		return byName & mask, true
	case grouped:
		return byGroup & mask, true
	}
	return world, true
}

// access is what an account can do on the way down a tree.
type access struct {
	who account
	t   *Tree
	e   Entry
	dir Entry
}

// A reach is what an account can do in one directory.
type reach struct {
	search  bool // look up names in it
	replace bool // change the entries of it
	sticky  bool // … only its own, or all if it owns the directory
	own     bool // the directory
	taken   bool // it, or one above it, can be replaced as a whole
}

// enter returns what the account can do in the directory dir, given what it
// can do in the one above.
func (a *access) enter(above reach, dir nodeID) reach {
	a.t.entry(dir, &a.dir)
	taken := above.taken || dir != 0 && a.canReplace(above, &a.dir)
	r := reach{taken: taken, own: a.who.owns(&a.dir)}
	r.search = (above.search || taken) && (taken || a.who.may(&a.dir, 1))
	r.replace = taken || r.search && a.who.may(&a.dir, 3)
	r.sticky = a.dir.Mode&modeSticky != 0 && !taken
	return r
}

// start is the reach above the root.
func start() reach { return reach{search: true} }

// canReplace reports whether an entry of the directory can be removed, renamed
// and made anew.
func (a *access) canReplace(r reach, e *Entry) bool {
	return r.taken || r.replace && (!r.sticky || r.own || a.who.owns(e))
}

// canChange reports whether a node of the directory can be changed: written, or
// replaced.
func (a *access) canChange(r reach, id nodeID) bool {
	a.t.entry(id, &a.e)
	if a.canReplace(r, &a.e) {
		return true
	}
	if a.e.Type == TypeSymlink || !r.search {
		return false
	}
	return a.who.may(&a.e, 2)
}

// reachOf returns what the account can do in the directory that holds id.
func (a *access) reachOf(id nodeID) reach {
	var up []nodeID
	for p := id; p != 0; {
		p = a.t.at(p).parent
		up = append(up, p)
	}
	r := start()
	for _, dir := range slices.Backward(up) {
		r = a.enter(r, dir)
	}
	return r
}

// changeable reports whether the account can change one node.
func (a *access) changeable(id nodeID) bool { return a.canChange(a.reachOf(id), id) }

// WritableBy reports whether a user with the given groups (the primary one
// among them) can change what path leads to: write it, give himself the right
// to as its owner, or put something else in its place or in that of a directory
// or link on the way. Root can. A path that does not exist can be changed by
// who can make it. Mode bits, owners, search permission, sticky directories and
// POSIX access lists count; read-only mounts do not.
func (t *Tree) WritableBy(uid uint32, gids []uint32, path string) bool {
	if uid == 0 {
		return true
	}
	a := &access{who: newAccount(uid, gids), t: t}
	for _, id := range t.steps(path) {
		if a.changeable(id) {
			return true
		}
	}
	return false
}

// steps returns the links that path leads through and what it leads to; if that
// does not exist, the deepest directory that does.
func (t *Tree) steps(path string) []nodeID {
	r := resolver{t: t, want: true}
	id, why := r.walk(0, []byte(path), true)
	if why == "" {
		return append(r.steps, id)
	}
	for path != "" && path != "/" {
		path = parentOf(path)
		up := resolver{t: t}
		if id, why := up.walk(0, []byte(path), true); why == "" {
			return append(r.steps, id)
		}
	}
	return append(r.steps, 0)
}

func parentOf(path string) string {
	for i := len(path) - 1; i >= 0; i-- {
		if path[i] == '/' {
			return path[:max(i, 1)]
		}
	}
	return "/"
}
