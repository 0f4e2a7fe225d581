//go:build linux

package overlaytest

import (
	"crypto/sha256"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/intact-dev/intact/pkg/fact"
	"github.com/intact-dev/intact/pkg/observe"
	"github.com/intact-dev/intact/pkg/ref"
)

// List describes all below a folder by its path, without overlay.Walk.
func List(t *testing.T, root string) map[string]observe.Entry {
	t.Helper()
	out := map[string]observe.Entry{}
	err := filepath.WalkDir(root, func(p string, _ fs.DirEntry, err error) error {
		if err != nil || p == root {
			return err
		}
		e, err := look(p)
		out[strings.TrimPrefix(p, root)] = e
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func look(p string) (observe.Entry, error) {
	var st unix.Stat_t
	if err := unix.Lstat(p, &st); err != nil {
		return observe.Entry{}, err
	}
	e := observe.Entry{Mode: st.Mode & 0o7777, UID: st.Uid, GID: st.Gid}
	switch st.Mode & unix.S_IFMT {
	case unix.S_IFDIR:
		e.Type = "dir"
	case unix.S_IFREG:
		b, err := os.ReadFile(p)
		if err != nil {
			return e, err
		}
		e.Type, e.Size = "file", int64(len(b))
		e.Digest = ref.Digest(fmt.Sprintf("sha256:%x", sha256.Sum256(b)))
	case unix.S_IFLNK:
		target, err := os.Readlink(p)
		if err != nil {
			return e, err
		}
		e.Type, e.Link = "symlink", fact.Bytes(target)
	case unix.S_IFIFO:
		e.Type = "fifo"
	default:
		return e, fmt.Errorf("%q: type %o", p, st.Mode&unix.S_IFMT)
	}
	return e, nil
}
