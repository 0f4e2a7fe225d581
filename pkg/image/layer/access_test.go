package layer

import (
	"bytes"
	"encoding/binary"
	"testing"
)

// acl encodes a POSIX access list of tag, permissions, number.
func acl(entries ...[3]uint32) string {
	var b bytes.Buffer
	b.Write([]byte{2, 0, 0, 0})
	for _, e := range entries {
		_ = binary.Write(&b, binary.LittleEndian, uint16(e[0]))
		_ = binary.Write(&b, binary.LittleEndian, uint16(e[1]))
		_ = binary.Write(&b, binary.LittleEndian, e[2])
	}
	return b.String()
}

func TestWritableBy(t *testing.T) {
	t.Parallel()
	withACL := xattrs("acl", xattrACL, acl([3]uint32{1, 6, 0}, [3]uint32{2, 7, 1000}, [3]uint32{8, 6, 50}, [3]uint32{16, 7, 0}, [3]uint32{32, 4, 0}))
	withACL.h.Mode = 0o674
	masked := xattrs("masked", xattrACL, acl([3]uint32{1, 6, 0}, [3]uint32{2, 7, 1000}, [3]uint32{16, 4, 0}, [3]uint32{32, 4, 0}))
	masked.h.Mode = 0o644
	tree := merged(t, []member{
		dir("./", 0o755),
		file("root", "", 0o644), file("world", "", 0o666), file("group", "", 0o664).owner(0, 50), file("own", "", 0o400).owner(1000, 0),
		file("notgroup", "", 0o606).owner(0, 50),
		dir("open", 0o777), file("open/f", "", 0o644), dir("open/d", 0o755), file("open/d/f", "", 0o644),
		dir("tmp", 0o1777), file("tmp/f", "", 0o644), file("tmp/mine", "", 0o444).owner(1000, 0),
		dir("locked", 0o700), file("locked/f", "", 0o666), dir("locked/d", 0o777), file("locked/d/f", "", 0o666),
		dir("mine", 0o500).owner(1000, 0), file("mine/f", "", 0o644), dir("mine/locked", 0o700), file("mine/locked/f", "", 0o600),
		dir("writeonly", 0o772), file("writeonly/f", "", 0o644),
		link("l", "open/f"), link("open/l", "/root"), link("loop", "loop"), link("lworld", "/world"),
		withACL, masked,
		file("p/implicit", "", 0o644),
	})
	for _, tt := range []struct {
		path string
		uid  uint32
		gids []uint32
		want bool
	}{
		{"/root", 0, nil, true},
		{"/root", 1000, nil, false},
		{"/world", 1000, nil, true},
		{"/group", 1000, nil, false},
		{"/group", 1000, []uint32{7, 50}, true},
		{"/notgroup", 1000, []uint32{50}, false},
		{"/notgroup", 1000, []uint32{51}, true},
		{"/own", 1000, nil, true},
		{"/own", 1001, nil, false},
		{"/open/f", 1000, nil, true},
		{"/open/d/f", 1000, nil, true}, // its directory can be replaced
		{"/tmp", 1000, nil, true},
		{"/tmp/f", 1000, nil, false},
		{"/tmp/mine", 1000, nil, true},
		{"/tmp/mine", 1001, nil, false},
		{"/locked/f", 1000, nil, false},
		{"/locked/d/f", 1000, nil, false},
		{"/mine/f", 1000, nil, true},
		{"/mine/locked/f", 1000, nil, true},
		{"/mine/f", 1001, nil, false},
		{"/writeonly/f", 1000, nil, false},
		{"/l", 1000, nil, true},
		{"/open/l", 1000, nil, true}, // the link itself can be replaced
		{"/lworld", 1000, nil, true},
		{"/acl", 1000, nil, true},
		{"/acl", 1001, []uint32{50}, true},
		{"/acl", 1001, nil, false},
		{"/masked", 1000, nil, false},
		{"/p/implicit", 1000, nil, false},
		{"/none", 1000, nil, false},
		{"/open/none", 1000, nil, true},
		{"/open/none/deeper", 1000, nil, true},
		{"/loop", 1000, nil, false},
		{"open/../root", 1000, nil, false},
	} {
		if got := tree.WritableBy(tt.uid, tt.gids, tt.path); got != tt.want {
			t.Errorf("WritableBy(%d, %v, %q) = %v", tt.uid, tt.gids, tt.path, got)
		}
	}
}

func TestWritableByRootAndWorld(t *testing.T) {
	t.Parallel()
	for mode := range int64(0o1000) {
		tree := merged(t, []member{file("f", "", mode).owner(1, 2)})
		if !tree.WritableBy(0, nil, "/f") {
			t.Fatalf("mode %o: root cannot", mode)
		}
		if !tree.WritableBy(1, nil, "/f") {
			t.Fatalf("mode %o: the owner cannot", mode)
		}
		if got := tree.WritableBy(9, []uint32{9}, "/f"); got != (mode&2 != 0) {
			t.Fatalf("mode %o: others %v", mode, got)
		}
		if got := tree.WritableBy(9, []uint32{2}, "/f"); got != (mode&0o20 != 0) {
			t.Fatalf("mode %o: the group %v", mode, got)
		}
	}
}
