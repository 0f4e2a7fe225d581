package inbox_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"testing"

	"github.com/intact-dev/intact/pkg/store/inbox"
)

func TestOnlyItsOwnerReadsAFile(t *testing.T) {
	t.Parallel()
	if runtime.GOOS == "windows" {
		t.Skip("files have no modes there")
	}
	db := openDB(t, filepath.Join(t.TempDir(), "store.db"))
	box(t, db, inbox.Options{})
	q := queue(t, db)
	if err := q.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := q.Stop(t.Context()); err != nil {
			t.Error(err)
		}
	}()
	for _, name := range []string{"-inbox", "-inbox-wal", "-lock"} {
		info, err := os.Stat(db.File + name)
		if err != nil {
			t.Error(err)
		} else if info.Mode().Perm()&^fs.FileMode(0o600) != 0 {
			t.Errorf("%s has mode %s", name, info.Mode())
		}
	}
}
