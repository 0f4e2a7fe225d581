package main

import (
	"bytes"
	"context"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/intact-dev/intact/pkg/extract"
	"github.com/intact-dev/intact/pkg/pin"
	"github.com/intact-dev/intact/pkg/ref"
)

// everything resolves every tag.
type everything struct{}

func (everything) Resolve(_ context.Context, r ref.Ref) (ref.Digest, error) {
	return ref.DigestOf([]byte(r.String()), ""), nil
}

// planned plans for the folder dir.
func planned(t *testing.T, dir string, mode pin.Mode) (*extract.Tree, *pin.Plan, *fileTree) {
	t.Helper()
	trees, err := openFiles([]string{dir}, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { closeFiles(trees) })
	files := trees[0]
	tree, err := files.walk(t.Context(), 2)
	if err != nil {
		t.Fatal(err)
	}
	plan, err := pin.Make(t.Context(), files.fsys, tree, pin.Options{Mode: mode, Resolver: everything{},
		Walk: func(ctx context.Context, fsys fs.FS) (*extract.Tree, error) {
			again := *files
			again.fsys = fsys
			return again.walk(ctx, 2)
		},
		Real: func(name string) (string, error) { return pin.Real(files.root, name) },
	})
	if err != nil {
		t.Fatal(err)
	}
	return tree, plan, files
}

// Files that other people wrote: each reference that is resolved gets its digest
// and loses it again, and nothing else changes.
func TestRealFilesArePinnedAndUnpinned(t *testing.T) {
	t.Parallel()
	for _, suite := range []string{"kubernetes-examples", "dockerfiles"} {
		t.Run(suite, func(t *testing.T) {
			t.Parallel()
			from := filepath.Join(repository, "../shared/suites", suite)
			if _, err := os.Stat(from); err != nil {
				t.Skipf("%s is not there", from)
			}
			dir := t.TempDir()
			if err := os.CopyFS(dir, os.DirFS(from)); err != nil {
				t.Fatal(err)
			}
			was, plan, files := planned(t, dir, pin.Add)
			changed := 0
			for i := range plan.Files {
				f := &plan.Files[i]
				for _, c := range f.Changes {
					changed += len(c.Found)
				}
				if err := f.Write(files.root); err != nil {
					t.Fatal(err)
				}
				text := f.New
				for _, c := range f.Changes {
					text = bytes.Replace(text, []byte("@"+string(c.To.Digest)), nil, 1)
					if c.From.Tag == "" {
						text = bytes.Replace(text, []byte(":latest"), nil, 1)
					}
				}
				if !bytes.Equal(text, f.Old) {
					t.Errorf("%s: more than the digests came in:\n%s", f.Name, f.New)
				}
			}
			for _, l := range plan.Left {
				if !strings.Contains(l.Why, "not resolved") {
					t.Errorf("%s: %q is left: %s", files.place(&l.Found), l.Found.Raw, l.Why)
				}
			}
			t.Logf("%d references, %d pinned, %d as they should be, %d left", len(was.Found), changed, plan.Kept, len(plan.Left))
			if changed+plan.Kept+len(plan.Left) != len(was.Found) || changed < 25 {
				t.Errorf("%d pinned, %d as they should be and %d left of %d", changed, plan.Kept, len(plan.Left), len(was.Found))
			}
			_, again, _ := planned(t, dir, pin.Add)
			if len(again.Files) > 0 {
				t.Errorf("%d files change once more", len(again.Files))
			}
			_, back, _ := planned(t, dir, pin.Remove)
			out := 0
			for _, f := range back.Files {
				for _, c := range f.Changes {
					out += len(c.Found)
				}
			}
			if out != changed {
				t.Errorf("%d are taken out of %d", out, changed)
			}
		})
	}
}
