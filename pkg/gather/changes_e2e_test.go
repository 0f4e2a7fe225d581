//go:build linux && e2e

package gather

import (
	"archive/tar"
	"bytes"
	"context"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/intact-dev/intact/pkg/fact"
	"github.com/intact-dev/intact/pkg/image/layer"
	"github.com/intact-dev/intact/pkg/internal/overlay"
	"github.com/intact-dev/intact/pkg/internal/overlay/overlaytest"
	"github.com/intact-dev/intact/pkg/observe"
	"github.com/intact-dev/intact/pkg/ref"
)

// Random operations on real mounts: every difference between what the container
// sees and its image is told, and nothing else is.
func TestChangesAgainstTheMount(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Fatal("overlays are mounted by root")
	}
	for _, options := range []string{"", ",redirect_dir=on,metacopy=on"} {
		for seed := range uint64(15) {
			m := overlaytest.New(t, options, false, 100+seed)
			lower := overlaytest.List(t, m.Lower)
			o := Original{Tree: treeOnDisk(t, m.Lower, lower)}
			if l := compareMount(t, m, o); len(l) != 0 {
				t.Fatalf("nothing was done, and changes are %v", l)
			}
			for range 40 {
				m.Operate()
			}
			d := differ{lower: lower, merged: overlaytest.List(t, m.Merged), told: map[string][]fact.FileChange{}}
			for _, f := range compareMount(t, m, o) {
				d.told[string(f.Path)] = append(d.told[string(f.Path)], f)
			}
			if problems := d.problems(); len(problems) > 0 {
				t.Errorf("seed %d%s:\n%s\nafter\n%s", seed, options, strings.Join(problems, "\n"), strings.Join(m.Log, "\n"))
			}
			m.Unmount()
		}
	}
}

func compareMount(t *testing.T, m *overlaytest.Mount, o Original) []fact.FileChange {
	t.Helper()
	var out []fact.FileChange
	l := Changes(t.Context(), func(ctx context.Context, yield func(observe.Written)) error {
		return overlay.Walk(ctx, m.Upper, overlay.Options{Form: overlay.FormKernel}, func(w observe.Written) error {
			yield(w)
			return nil
		})
	}, o)
	for _, p := range l.Parts {
		if p.State != fact.Known {
			t.Errorf("not known: %s %s", p.Cause, p.Why)
		}
		out = append(out, p.V)
	}
	return out
}

// A differ compares two lists of files in the plainest way.
type differ struct {
	lower, merged map[string]observe.Entry
	told          map[string][]fact.FileChange
}

func (d *differ) problems() []string {
	var out []string
	say := func(format string, args ...any) { out = append(out, fmt.Sprintf(format, args...)) }
	for p, was := range d.lower {
		now, ok := d.merged[p]
		switch {
		case !ok && was.Type == "dir":
			if !d.emptied(p) && !d.covered(p, "removed", "replaced") {
				say("%s is gone and not told", p)
			}
		case !ok:
			if !d.covered(p, "removed", "replaced") {
				say("%s is gone and not told", p)
			}
		case now.Type != was.Type:
			if !d.is(p, "replaced") && !d.covered(path.Dir(p), "replaced") {
				say("%s is a %s, was a %s, and is told as %v", p, now.Type, was.Type, d.told[p])
			}
		case now.Digest != was.Digest || now.Link != was.Link:
			if !d.is(p, "changed") {
				say("%s has other content and is told as %v", p, d.told[p])
			}
		case now.Mode != was.Mode && now.Type != "symlink":
			if !d.is(p, "mode") {
				say("%s has another mode and is told as %v", p, d.told[p])
			}
		case now.UID != was.UID || now.GID != was.GID:
			if !d.is(p, "owner") {
				say("%s has another owner and is told as %v", p, d.told[p])
			}
		case len(d.told[p]) > 0:
			say("%s is as it was and is told as %v", p, d.told[p])
		}
	}
	for p, now := range d.merged {
		if _, ok := d.lower[p]; !ok && !d.is(p, "added") && !d.renamed(p) && !(now.Type == "dir" && d.below(p)) {
			say("%s is new and is told as %v", p, d.told[p])
		}
	}
	for p, changes := range d.told {
		for _, f := range changes {
			if _, now := d.merged[p]; !now == (f.What != "removed") && !d.renamed(p) {
				say("%s is told as %v", p, f)
			}
			if was, ok := d.lower[p]; ok && f.What == "removed" && was.Type == "dir" && d.counted(changes) != d.files(p) {
				say("%s held %d files, %d are told", p, d.files(p), d.counted(changes))
			}
		}
	}
	slices.Sort(out)
	return out
}

func (d *differ) is(p, what string) bool {
	return slices.ContainsFunc(d.told[p], func(f fact.FileChange) bool { return f.What == what })
}

// covered reports whether p or a directory above it is told as one of what.
func (d *differ) covered(p string, what ...string) bool {
	for ; p != "/" && p != "."; p = path.Dir(p) {
		if slices.ContainsFunc(what, func(w string) bool { return d.is(p, w) }) {
			return true
		}
	}
	return false
}

// renamed reports whether p is below a directory that is told as renamed.
func (d *differ) renamed(p string) bool {
	for ; p != "/" && p != "."; p = path.Dir(p) {
		for _, f := range d.told[p] {
			if strings.Contains(f.Detail, "renamed from") {
				return true
			}
		}
	}
	return false
}

// below reports whether something is told below p.
func (d *differ) below(p string) bool {
	for q := range d.told {
		if strings.HasPrefix(q, p+"/") {
			return true
		}
	}
	return false
}

// emptied reports whether all that was in a directory is told one by one.
func (d *differ) emptied(p string) bool { return d.below(p) }

// files counts what is no directory below p in the image.
func (d *differ) files(p string) (n int) {
	for q, e := range d.lower {
		if strings.HasPrefix(q, p+"/") && e.Type != "dir" {
			n++
		}
	}
	return n
}

var withFiles = regexp.MustCompile(`directory with (\d+) `)

func (d *differ) counted(changes []fact.FileChange) (n int) {
	for _, f := range changes {
		if m := withFiles.FindStringSubmatch(f.Detail); m != nil && f.What == "removed" {
			k, _ := strconv.Atoi(m[1]) // the pattern has digits alone
			n += k
		}
	}
	return n
}

// treeOnDisk makes an image of a folder.
func treeOnDisk(t *testing.T, root string, entries map[string]observe.Entry) *layer.Tree {
	t.Helper()
	var paths []string
	for p := range entries {
		paths = append(paths, p)
	}
	slices.SortFunc(paths, comparePaths)
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for _, p := range paths {
		e := entries[p]
		h := &tar.Header{Name: strings.TrimPrefix(p, "/"), Mode: int64(e.Mode), Uid: int(e.UID), Gid: int(e.GID), Typeflag: tar.TypeReg, Size: e.Size}
		var body []byte
		switch e.Type {
		case "dir":
			h.Typeflag = tar.TypeDir
		case "symlink":
			h.Typeflag, h.Linkname = tar.TypeSymlink, string(e.Link)
		case "fifo":
			h.Typeflag = tar.TypeFifo
		default:
			var err error
			if body, err = os.ReadFile(filepath.Join(root, p)); err != nil {
				t.Fatal(err)
			}
		}
		if err := w.WriteHeader(h); err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write(body); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	d := ref.Descriptor{MediaType: "application/vnd.oci.image.layer.v1.tar", Digest: ref.DigestOf(b.Bytes(), ""), Size: int64(b.Len())}
	c, err := layer.Read(t.Context(), &b, d, layer.Options{})
	if err != nil {
		t.Fatal(err)
	}
	tree, err := layer.Merge([]*layer.Contents{c})
	if err != nil {
		t.Fatal(err)
	}
	return tree
}
