package gitfiles

import (
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-git/go-billy/v5/memfs"
	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/cache"
	"github.com/go-git/go-git/v5/plumbing/filemode"
	"github.com/go-git/go-git/v5/plumbing/object"
	"github.com/go-git/go-git/v5/storage/filesystem"
)

// Against the definition, over histories of every shape, with clocks that are wrong.
func TestMergeBasesAreTheBestCommonAncestors(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(1, 2))
	several := 0
	for range 12 {
		st := filesystem.NewStorage(memfs.New(), cache.NewObjectLRUDefault())
		var all []plumbing.Hash
		above := map[plumbing.Hash]map[plumbing.Hash]bool{} // a commit and its ancestors
		for i := range 14 {
			c := &object.Commit{Message: string(rune('a' + i))}
			c.Committer.When = time.Unix(int64(1000+i+random.IntN(12)), 0)
			seen := map[plumbing.Hash]bool{}
			for n := random.IntN(3); n > 0 && i > 0; n-- {
				p := all[max(0, i-1-random.IntN(4))]
				if slices.Contains(c.ParentHashes, p) {
					continue
				}
				c.ParentHashes = append(c.ParentHashes, p)
				for h := range above[p] {
					seen[h] = true
				}
			}
			o := st.NewEncodedObject()
			if err := c.Encode(o); err != nil {
				t.Fatal(err)
			}
			h, err := st.SetEncodedObject(o)
			if err != nil {
				t.Fatal(err)
			}
			seen[h] = true
			above[h], all = seen, append(all, h)
		}
		s := &store{main: st, EncodedObjectStorer: st}
		for _, a := range all {
			for _, b := range all {
				got := basesOf(t, s, a, b)
				if want := best(above, a, b); !slices.Equal(got, want) {
					t.Errorf("%s %s: %v, want %v", a, b, got, want)
				} else if len(want) > 1 {
					several++
				}
			}
		}
	}
	if several < 10 {
		t.Errorf("only %d pairs with several merge bases: the histories are too simple", several)
	}
}

func basesOf(t *testing.T, s *store, a, b plumbing.Hash) []string {
	t.Helper()
	ca, err := object.GetCommit(s, a)
	if err != nil {
		t.Fatal(err)
	}
	cb, err := object.GetCommit(s, b)
	if err != nil {
		t.Fatal(err)
	}
	found, err := mergeBases(t.Context(), s, ca, cb)
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, c := range found {
		out = append(out, c.Hash.String())
	}
	slices.Sort(out)
	return out
}

// best are the common ancestors that are no other one's ancestor.
func best(above map[plumbing.Hash]map[plumbing.Hash]bool, a, b plumbing.Hash) []string {
	var out []string
	for c := range above[a] {
		if !above[b][c] {
			continue
		}
		better := false
		for d := range above[a] {
			better = better || d != c && above[b][d] && above[d][c]
		}
		if !better {
			out = append(out, c.String())
		}
	}
	slices.Sort(out)
	return out
}

func FuzzParse(f *testing.F) {
	for _, s := range []string{"HEAD", "@", "HEAD~3^2", "origin/main", "a..b", "HEAD@{1}", "x^{tree}", "", "~", "\x00", "v1.0^0~1"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		r, err := parse(text)
		if err != nil {
			return
		}
		if r.name == "" || strings.ContainsAny(r.name, "~^: \n") || strings.Contains(r.name, "..") || strings.Contains(r.name, "@{") {
			t.Errorf("%q: name %q", text, r.name)
		}
		if !strings.HasPrefix(text, r.name) && !strings.HasPrefix(text, "@") {
			t.Errorf("%q: name %q is not its beginning", text, r.name)
		}
	})
}

func FuzzPointers(f *testing.F) {
	f.Add("gitdir: ../x\n")
	f.Add("gitdir:")
	f.Add("version https://git-lfs.github.com/spec/v1\noid sha256:1\nsize 2\n")
	f.Fuzz(func(t *testing.T, text string) {
		if to, ok := target(text, "gitdir:"); ok && (to == "" || strings.ContainsAny(to, "\n\x00")) {
			t.Errorf("%q leads to %q", text, to)
		}
		if isLFS([]byte(text)) && !strings.HasPrefix(text, "version https://") {
			t.Errorf("%q is a pointer of Git LFS", text)
		}
	})
}

// Links of hostile trees end, and end in the tree.
func FuzzLinks(f *testing.F) {
	f.Add("../x", "d/../d/a", "d/a")
	f.Add("/", "a", "a/b/c")
	f.Add("a", "a", "a")
	f.Add("./d//b", "../../a", "d/b/x")
	f.Add("d/../x", "b", "a")
	f.Fuzz(func(t *testing.T, a, b, name string) {
		s := &store{main: filesystem.NewStorage(memfs.New(), cache.NewObjectLRUDefault()), trees: map[plumbing.Hash]*object.Tree{}}
		link := func(text string) plumbing.Hash {
			o := s.main.NewEncodedObject()
			o.SetType(plumbing.BlobObject)
			w, err := o.Writer()
			if err != nil {
				t.Fatal(err)
			}
			_, _ = w.Write([]byte(text))
			h, err := s.main.SetEncodedObject(o)
			if err != nil {
				t.Fatal(err)
			}
			return h
		}
		top, sub, file := plumbing.Hash{1}, plumbing.Hash{2}, plumbing.Hash{3}
		la, lb := link(a), link(b)
		s.trees[top] = &object.Tree{Entries: []object.TreeEntry{
			{Name: "a", Mode: filemode.Symlink, Hash: la}, {Name: "d", Mode: filemode.Dir, Hash: sub}, {Name: "x", Mode: filemode.Regular, Hash: file}}}
		s.trees[sub] = &object.Tree{Entries: []object.TreeEntry{{Name: "a", Mode: filemode.Symlink, Hash: la}, {Name: "b", Mode: filemode.Symlink, Hash: lb}}}
		fsys := &treeFS{s, top}
		n, err := fsys.find("open", name, true)
		if err != nil {
			return
		}
		if a == "d/../x" && name == "a" && n.name != "x" {
			t.Errorf("a link to x led to %q", n.name)
		}
		again, err := fsys.find("open", n.name, false)
		if err != nil || again != n {
			t.Errorf("%q leads to %q, which is %+v, %v", name, n.name, again, err)
		}
	})
}
