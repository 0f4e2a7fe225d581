package gitfiles_test

import (
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"sort"
	"strings"
	"testing"
	"time"

	"github.com/go-git/go-billy/v5/osfs"
	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/cache"
	"github.com/go-git/go-git/v5/plumbing/filemode"
	"github.com/go-git/go-git/v5/plumbing/object"
	"github.com/go-git/go-git/v5/storage/filesystem"
	"github.com/intact-dev/intact/pkg/extract"
	"github.com/intact-dev/intact/pkg/extract/compose"
	"github.com/intact-dev/intact/pkg/extract/dockerfile"
	"github.com/intact-dev/intact/pkg/extract/kubernetes"
	"github.com/intact-dev/intact/pkg/gitfiles"
)

// A repo is a repository that a test makes, with its work tree in dir.
type repo struct {
	t     testing.TB
	dir   string
	store *filesystem.Storage
	clock int64
}

// newRepo makes an empty one, with HEAD on the branch main.
func newRepo(t testing.TB) *repo {
	t.Helper()
	dir := t.TempDir()
	r := &repo{t: t, dir: dir, clock: 1_700_000_000}
	r.store = filesystem.NewStorage(osfs.New(filepath.Join(dir, ".git")), cache.NewObjectLRUDefault())
	r.must(r.store.Init())
	r.must(r.store.SetReference(plumbing.NewSymbolicReference(plumbing.HEAD, "refs/heads/main")))
	r.write(".git/config", "[core]\n\trepositoryformatversion = 0\n")
	return r
}

func (r *repo) must(err error) {
	r.t.Helper()
	if err != nil {
		r.t.Fatal(err)
	}
}

// write writes a file of the work tree or of .git.
func (r *repo) write(name, text string) {
	r.t.Helper()
	name = filepath.Join(r.dir, filepath.FromSlash(name))
	r.must(os.MkdirAll(filepath.Dir(name), 0o700))
	r.must(os.WriteFile(name, []byte(text), 0o600))
}

func (r *repo) put(t plumbing.ObjectType, encode func(plumbing.EncodedObject) error) plumbing.Hash {
	r.t.Helper()
	o := r.store.NewEncodedObject()
	o.SetType(t)
	r.must(encode(o))
	h, err := r.store.SetEncodedObject(o)
	r.must(err)
	return h
}

func (r *repo) blob(text string) plumbing.Hash {
	return r.put(plumbing.BlobObject, func(o plumbing.EncodedObject) error {
		w, err := o.Writer()
		if err != nil {
			return err
		}
		defer func() { _ = w.Close() }()
		_, err = w.Write([]byte(text))
		return err
	})
}

// Files are the content of a commit by path. A text that begins with "-> " is a link,
// with "@ " a submodule at that commit.
type files map[string]string

// with returns the files with others on top; "" removes one.
func (f files) with(pairs ...string) files {
	out := files{}
	for p, text := range f {
		out[p] = text
	}
	for i := 0; i < len(pairs); i += 2 {
		if out[pairs[i]] = pairs[i+1]; pairs[i+1] == "" {
			delete(out, pairs[i])
		}
	}
	return out
}

func (r *repo) tree(f files) plumbing.Hash {
	r.t.Helper()
	subs := map[string]files{}
	var entries []object.TreeEntry
	for p, text := range f {
		dir, rest, nested := strings.Cut(p, "/")
		switch to, link := strings.CutPrefix(text, "-> "); {
		case nested:
			if subs[dir] == nil {
				subs[dir] = files{}
			}
			subs[dir][rest] = text
		case link:
			entries = append(entries, object.TreeEntry{Name: p, Mode: filemode.Symlink, Hash: r.blob(to)})
		case strings.HasPrefix(text, "@ "):
			entries = append(entries, object.TreeEntry{Name: p, Mode: filemode.Submodule, Hash: plumbing.NewHash(text[2:])})
		default:
			entries = append(entries, object.TreeEntry{Name: p, Mode: filemode.Regular, Hash: r.blob(text)})
		}
	}
	for dir, sub := range subs {
		entries = append(entries, object.TreeEntry{Name: dir, Mode: filemode.Dir, Hash: r.tree(sub)})
	}
	sort.Sort(object.TreeEntrySorter(entries))
	return r.put(plumbing.TreeObject, (&object.Tree{Entries: entries}).Encode)
}

// commit makes a commit, later than all before.
func (r *repo) commit(f files, parents ...plumbing.Hash) plumbing.Hash {
	r.t.Helper()
	r.clock++
	return r.commitTree(r.tree(f), r.clock, parents...)
}

func (r *repo) commitTree(tree plumbing.Hash, clock int64, parents ...plumbing.Hash) plumbing.Hash {
	r.t.Helper()
	who := object.Signature{Name: "A Developer", Email: "dev@example.com", When: time.Unix(clock, 0).UTC()}
	c := &object.Commit{Author: who, Committer: who, Message: fmt.Sprintf("commit %d\n\nparent of nothing\n", clock), TreeHash: tree, ParentHashes: parents}
	return r.put(plumbing.CommitObject, c.Encode)
}

func (r *repo) ref(name string, h plumbing.Hash) {
	r.t.Helper()
	r.must(r.store.SetReference(plumbing.NewHashReference(plumbing.ReferenceName(name), h)))
}

// history makes a commit of each, one after the other, with main at the last.
func (r *repo) history(all ...files) []plumbing.Hash {
	r.t.Helper()
	var out, parents []plumbing.Hash
	for _, f := range all {
		parents = []plumbing.Hash{r.commit(f, parents...)}
		out = append(out, parents[0])
	}
	r.ref("refs/heads/main", out[len(out)-1])
	return out
}

func (r *repo) open(rev string) *gitfiles.Range {
	r.t.Helper()
	g, err := gitfiles.Open(r.t.Context(), r.dir, rev)
	r.must(err)
	r.t.Cleanup(func() { _ = g.Close() })
	return g
}

// options read excludes from .intact.yaml, one a line, as the rules of a commit.
func options(fsys fs.FS) (extract.Options, error) {
	o := extract.Options{Extractors: []extract.Extractor{compose.Extractor{}, dockerfile.Extractor{}, kubernetes.Extractor{}}}
	b, err := fs.ReadFile(fsys, ".intact.yaml")
	if err == nil {
		if strings.Contains(string(b), "broken") {
			return o, fmt.Errorf("%s: broken", path.Base(".intact.yaml"))
		}
		o.Excludes = strings.Fields(string(b))
	}
	return o, nil
}

func (r *repo) read(rev string, starts ...string) *gitfiles.Reading {
	r.t.Helper()
	if len(starts) == 0 {
		starts = []string{"."}
	}
	out, err := r.open(rev).Read(r.t.Context(), starts, options)
	r.must(err)
	return out
}

// touched are the references that were touched, as "file:line raw".
func touched(r *gitfiles.Reading) []string {
	var out []string
	for _, f := range r.Touched.Found {
		out = append(out, fmt.Sprintf("%s:%d %s", f.Origin.Where, f.Origin.Line, f.Raw))
	}
	return out
}

func problems(r *gitfiles.Reading) []string {
	var out []string
	for _, p := range r.Touched.Problems {
		out = append(out, fmt.Sprintf("%s: %s", p.Origin.Where, p.Why))
	}
	return out
}

func notices(r *gitfiles.Reading) []string {
	var out []string
	for _, n := range r.Notices {
		out = append(out, fmt.Sprintf("%s:%d %s", n.Origin.Where, n.Origin.Line, n.Why))
	}
	return out
}
