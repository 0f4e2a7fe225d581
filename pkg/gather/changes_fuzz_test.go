package gather

import (
	"slices"
	"testing"

	"github.com/intact-dev/intact/pkg/fact"
	"github.com/intact-dev/intact/pkg/observe"
)

// FuzzChanges compares whatever somebody tells: each byte picks a path and what
// is told of it.
func FuzzChanges(f *testing.F) {
	f.Add([]byte{0, 1, 2, 3, 4, 5, 6, 7})
	f.Add([]byte("\x10\x21\x32\x43\x54\x65\x76\x87\x98\xa9\xba"))
	f.Add([]byte{0xff, 0x00, 0xff})
	o := original(f)
	o.Mounts = []fact.Bytes{"/var/run/x", "//", "bin/../data/cache/c"}
	paths := []fact.Bytes{"/", "/app", "/app/server", "/bin", "/bin/ls", "/bin/new", "/data", "/data/cache", "/data/cache/a", "/data/cache/z", "/etc/passwd/x", "/lib/libc.so", "/new/dir/x", "relative/../x", "", "/var/run"}
	f.Fuzz(func(t *testing.T, data []byte) {
		var all []observe.Written
		for _, b := range data {
			p := string(paths[b&15])
			switch b >> 4 {
			case 0, 1:
				all = append(all, wFile(p, elf+"ls", mode(uint32(b)*8)))
			case 2:
				all = append(all, wDir(p))
			case 3:
				all = append(all, wDir(p, opaque()))
			case 4:
				all = append(all, wDir(p, renamed(paths[(b+3)&15])))
			case 5:
				all = append(all, gone(p))
			case 6:
				all = append(all, observe.Written{Path: fact.Bytes(p), Err: errNotRead})
			case 7:
				all = append(all, wMeta(p, string(paths[(b+5)&15])))
			case 8:
				all = append(all, wLink(p, "/x"))
			case 9:
				all = append(all, claimed(p, "changed"))
			case 10:
				all = append(all, wDir(p, opaque(), failed(errNotRead)))
			case 11:
				all = append(all, entry(p, "char", 0o600, nil))
			case 12:
				all = append(all, observe.Written{Path: fact.Bytes(p)})
			default:
				all = append(all, claimed(p, "added"))
			}
		}
		l := Changes(t.Context(), telling(nil, all...), o)
		problems := 0
		for _, p := range l.Parts {
			switch {
			case p.State == fact.Unknown && p.Cause != fact.NotGathered && p.Why != "":
				problems++
			case p.State != fact.Known || p.V.Path == "" || p.V.What == "" || !slices.Contains(kinds, p.V.Kind):
				t.Errorf("part %+v", p)
			case problems > 0:
				t.Error("a change after a problem")
			}
		}
		for _, w := range all {
			if w.Err != nil && problems == 0 {
				t.Errorf("nothing is said of %q, which could not be read", w.Path)
			}
		}
	})
}
