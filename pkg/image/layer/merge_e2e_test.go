//go:build e2e

package layer

import (
	"archive/tar"
	"bytes"
	"encoding/json"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/intact-dev/intact/pkg/fact"
	"github.com/intact-dev/intact/pkg/ref"
)

// TestMergeAgainstUmoci unpacks generated layers with umoci and compares every
// path, mode, owner, link and content with the merged tree. What the tree
// reports as ambiguous or unsafe is left out: there runtimes differ.
func TestMergeAgainstUmoci(t *testing.T) {
	if _, err := exec.LookPath("umoci"); err != nil {
		t.Skip("umoci (Debian package umoci) is not installed")
	}
	if os.Geteuid() != 0 {
		t.Skip("owners can be unpacked by root only")
	}
	for seed := range uint64(40) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			g := &generator{r: rand.New(rand.NewPCG(seed, 7)), dirs: []string{"."}}
			var layers [][]byte
			var contents []*Contents
			for range 2 + g.r.IntN(4) {
				blob := archive(t, g.layer()...)
				layers = append(layers, blob)
				c := read(t, blob, plainType)
				for _, p := range c.Fact.Problems {
					if !p.Note {
						t.Fatalf("the generator made an ambiguous layer: %+v", p)
					}
				}
				contents = append(contents, c)
			}
			tree, err := Merge(contents)
			if err != nil {
				t.Fatal(err)
			}
			if f := Analyse(tree, fact.Config{}, fact.Value[fact.User]{}); len(f.Unsafe) > 0 {
				t.Fatalf("the generator made an unsafe layer: %v", f.Unsafe)
			}
			t.Logf("%d layers, %d entries, %d paths", len(layers), tree.stated(), len(listed(tree)))
			if diff := cmp.Diff(unpacked(t, layers), listed(tree)); diff != "" {
				t.Errorf("tree (-umoci +intact):\n%s", diff)
			}
		})
	}
}

// A generator makes layers that follow the specification.
type generator struct {
	r     *rand.Rand
	dirs  []string // of the merged tree so far
	files []string
}

func (g *generator) layer() []member {
	out := []member{dir("./", 0o755)}
	used := map[string]bool{".": true}
	fresh := func(p string) bool {
		for u := range used {
			if u != "." && (u == p || strings.HasPrefix(p, u+"/") && !slices.Contains(g.dirs, u) || strings.HasPrefix(u, p+"/")) {
				return false
			}
		}
		used[p] = true
		return true
	}
	var inLayer []string
	for range 5 + g.r.IntN(20) {
		parent := g.dirs[g.r.IntN(len(g.dirs))]
		name := filepath.Join(parent, fmt.Sprintf("%c%d", 'a'+rune(g.r.IntN(4)), g.r.IntN(3)))
		mode := int64(g.r.IntN(0o1000)) | 0o400
		uid, gid := g.r.IntN(3)*500, g.r.IntN(3)*500
		switch op := g.r.IntN(10); op {
		case 0, 1, 2:
			if fresh(name) {
				g.forget(name)
				out = append(out, file(name, fmt.Sprint(g.r.IntN(5)), mode).owner(uid, gid))
				g.files, inLayer = append(g.files, name), append(inLayer, name)
			}
		case 3, 4:
			if fresh(name) {
				g.forgetFile(name)
				out = append(out, dir(name, mode|0o700).owner(uid, gid))
				g.dirs = append(g.dirs, name)
			}
		case 5:
			if fresh(name) {
				g.forget(name)
				out = append(out, link(name, []string{"target", "/abs/target", "./x"}[g.r.IntN(3)]).owner(uid, gid))
				g.files = append(g.files, name)
			}
		case 6:
			if len(inLayer) > 0 {
				target := inLayer[g.r.IntN(len(inLayer))]
				if fresh(name) {
					g.forget(name)
					for _, m := range out {
						if m.h.Name == target {
							h := hard(name, target).owner(m.h.Uid, m.h.Gid)
							h.h.Mode = m.h.Mode
							out = append(out, h)
						}
					}
					g.files = append(g.files, name)
				}
			}
		case 7:
			if all := append(slices.Clone(g.files), g.dirs[1:]...); len(all) > 0 {
				gone := all[g.r.IntN(len(all))]
				if !touched(used, gone) {
					used[gone] = true
					g.forget(gone)
					out = append(out, wh(filepath.Join(filepath.Dir(gone), ".wh."+filepath.Base(gone))))
				}
			}
		case 8:
			d := g.dirs[g.r.IntN(len(g.dirs))]
			if d != "." && !touched(used, d) {
				used[d] = true
				g.forget(d)
				g.dirs = append(g.dirs, d)
				out = append(out, dir(d, 0o755), wh(filepath.Join(d, ".wh..wh..opq")))
			}
		case 9: // a file whose parent no layer states
			p := fmt.Sprintf("new%d/x%d/f", g.r.IntN(1000), g.r.IntN(1000))
			if fresh(p) {
				out = append(out, file(p, "x", 0o644))
				g.dirs = append(g.dirs, filepath.Dir(filepath.Dir(p)), filepath.Dir(p))
				g.files = append(g.files, p)
			}
		}
	}
	return out
}

// stated counts the entries of all layers.
func (t *Tree) stated() (n int) {
	for _, c := range t.layers {
		n += c.Entries.Len()
	}
	return n
}

// touched reports whether this layer has something at, below or above p.
func touched(used map[string]bool, p string) bool {
	for u := range used {
		if u != "." && (u == p || strings.HasPrefix(u, p+"/") || strings.HasPrefix(p, u+"/")) {
			return true
		}
	}
	return false
}

// forget drops p and all below it.
func (g *generator) forget(p string) {
	gone := func(s string) bool { return s == p || strings.HasPrefix(s, p+"/") }
	g.dirs, g.files = slices.DeleteFunc(g.dirs, gone), slices.DeleteFunc(g.files, gone)
}

func (g *generator) forgetFile(p string) {
	g.files = slices.DeleteFunc(g.files, func(s string) bool { return s == p })
	g.dirs = slices.DeleteFunc(g.dirs, func(s string) bool { return s == p })
}

func listed(tree *Tree) []string {
	var out []string
	tree.Walk(func(e *Entry, _ int) bool {
		s := fmt.Sprintf("%s %s %d:%d", e.Path, e.Type, e.UID, e.GID)
		switch e.Type {
		case TypeSymlink:
			s += " " + string(e.Link)
		case TypeFile:
			s += fmt.Sprintf(" %o %x", e.Mode, e.Sum)
		default:
			s += fmt.Sprintf(" %o", e.Mode)
		}
		out = append(out, s)
		return true
	})
	slices.Sort(out)
	return out
}

// unpacked writes an image layout, lets umoci unpack it and lists the result.
func unpacked(t *testing.T, layers [][]byte) []string {
	t.Helper()
	work := t.TempDir()
	layout := filepath.Join(work, "layout")
	type object map[string]any
	put := func(b []byte, mediaType string) object {
		d := ref.DigestOf(b, "")
		path := filepath.Join(layout, "blobs", "sha256", d.Hex())
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, b, 0o644); err != nil {
			t.Fatal(err)
		}
		return object{"mediaType": mediaType, "digest": d, "size": len(b)}
	}
	encode := func(v any) []byte {
		b, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	var descriptors []object
	var diffIDs []ref.Digest
	for _, l := range layers {
		diffIDs = append(diffIDs, ref.DigestOf(l, ""))
		descriptors = append(descriptors, put(gz(t, l), gzipType))
	}
	config := put(encode(object{"architecture": "amd64", "os": "linux", "config": object{},
		"rootfs": object{"type": "layers", "diff_ids": diffIDs}}), "application/vnd.oci.image.config.v1+json")
	manifest := put(encode(object{"schemaVersion": 2, "mediaType": "application/vnd.oci.image.manifest.v1+json",
		"config": config, "layers": descriptors}), "application/vnd.oci.image.manifest.v1+json")
	manifest["annotations"] = object{"org.opencontainers.image.ref.name": "latest"}
	for name, v := range map[string]any{"index.json": object{"schemaVersion": 2, "manifests": []object{manifest}},
		"oci-layout": object{"imageLayoutVersion": "1.0.0"}} {
		if err := os.WriteFile(filepath.Join(layout, name), encode(v), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	bundle := filepath.Join(work, "bundle")
	if out, err := exec.CommandContext(t.Context(), "umoci", "unpack", "--image", layout+":latest", bundle).CombinedOutput(); err != nil {
		t.Fatalf("umoci unpack: %v\n%s", err, out)
	}
	return listDisk(t, filepath.Join(bundle, "rootfs"))
}

func listDisk(t *testing.T, root string) []string {
	t.Helper()
	var out []string
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil || path == root {
			return err
		}
		info, err := os.Lstat(path)
		if err != nil {
			return err
		}
		h, err := tar.FileInfoHeader(info, "")
		if err != nil {
			return err
		}
		stat := info.Sys().(*syscall.Stat_t)
		s := fmt.Sprintf("%s %%s %d:%d", strings.TrimPrefix(path, root), stat.Uid, stat.Gid)
		switch {
		case info.Mode()&fs.ModeSymlink != 0:
			target, err := os.Readlink(path)
			if err != nil {
				return err
			}
			out = append(out, fmt.Sprintf(s, "symbolic link")+" "+target)
		case info.IsDir():
			out = append(out, fmt.Sprintf(s, "directory")+fmt.Sprintf(" %o", h.Mode&0o7777))
		default:
			b, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			digest := ref.DigestOf(b, "")
			out = append(out, fmt.Sprintf(s, "file")+fmt.Sprintf(" %o %s", h.Mode&0o7777, digest.Hex()))
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(out)
	return out
}

// TestTwoMillionEntries is the largest image that the limits allow.
func TestTwoMillionEntries(t *testing.T) {
	c := manyEntries(t, 2_000_000)
	tree, err := Merge([]*Contents{c})
	if err != nil {
		t.Fatal(err)
	}
	f := Analyse(tree, fact.Config{}, fact.Of(fact.User{UID: 1000}))
	if f.Entries != 2_002_001 {
		t.Errorf("%d entries", f.Entries)
	}
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		t.Fatal(err)
	}
	var peak int
	_, after, _ := bytes.Cut(status, []byte("VmHWM:"))
	if _, err := fmt.Sscan(string(after), &peak); err != nil {
		t.Fatal(err)
	}
	t.Logf("peak memory %d KiB", peak)
	if peak > 256<<10 {
		t.Errorf("peak memory %d KiB", peak)
	}
}
