package overlay

import (
	"path"
	"strings"
	"testing"
)

func FuzzRedirect(f *testing.F) {
	for _, s := range []string{"/usr/lib", "lib", "", "/", "//", "a/b", "..", "/a/../b", "a\x00b", "/a/"} {
		f.Add(s, "/usr")
	}
	f.Fuzz(func(t *testing.T, value, parent string) {
		parent = path.Clean("/" + parent)
		to, err := redirect(value, parent)
		if err != nil {
			return
		}
		if to != path.Clean(to) || !strings.HasPrefix(to, "/") || to == "/" || strings.ContainsRune(value, 0) {
			t.Errorf("redirect %q in %q leads to %q", value, parent, to)
		}
		if !strings.HasPrefix(value, "/") && path.Dir(to) != parent {
			t.Errorf("redirect %q leads out of %q to %q", value, parent, to)
		}
	})
}

func FuzzOverride(f *testing.F) {
	for _, s := range []string{"0:0:755", "1000:1000:0644:file", "0:6:0660:block-8-0", "0:0:0666:char-1-3", "0:0:0600:pipe", "1:2:100644", "a:b:c", "0:0:0:char--", ":::"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		o, err := parseOverride(s)
		if err != nil {
			return
		}
		if o.mode > 0o7777 || strings.Count(s, ":") < 2 {
			t.Errorf("%q is %+v", s, o)
		}
		switch o.typ {
		case "", typeFile, typeDir, typeSymlink, typeChar, typeBlock, typeFIFO, typeSocket:
		default:
			t.Errorf("%q is of type %q", s, o.typ)
		}
	})
}

func FuzzIDMap(f *testing.F) {
	for _, s := range []string{"         0          0 4294967295\n", "0 1000 1\n1 100000 65536\n", "0 0\n", "-1 0 1", "0 0 99999999999"} {
		f.Add([]byte(s), uint32(1000))
	}
	f.Fuzz(func(t *testing.T, b []byte, id uint32) {
		m, err := ParseIDMap(b)
		if err != nil {
			return
		}
		if got := m.inside(id); len(m) == 0 && got != id || len(m) > maxIDRanges {
			t.Errorf("%d is %d by %v", id, got, m)
		}
	})
}
