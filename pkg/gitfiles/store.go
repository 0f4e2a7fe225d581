package gitfiles

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/cache"
	"github.com/go-git/go-git/v5/plumbing/filemode"
	"github.com/go-git/go-git/v5/plumbing/object"
	"github.com/go-git/go-git/v5/plumbing/storer"
	"github.com/go-git/go-git/v5/storage/filesystem"
	"github.com/intact-dev/intact/pkg/internal/limits"
)

// A store reads the objects of a repository. go-git's storage is not made for
// concurrent use, so mu is held around it: by blob, tree and size themselves, by
// the callers of what else uses it.
type store struct {
	storer.EncodedObjectStorer // main; what writes is not used
	mu                         sync.Mutex
	main                       *filesystem.Storage
	alternates                 []*filesystem.Storage
	objects                    cache.Object
	shallow                    map[plumbing.Hash]bool
	trees                      map[plumbing.Hash]*object.Tree
}

func (s *store) close() {
	_ = s.main.Close()
	for _, a := range s.alternates {
		_ = a.Close()
	}
}

// EncodedObject also looks into the alternates. A commit that the clone was cut
// off at has no parents, as for Git: they are not here.
func (s *store) EncodedObject(t plumbing.ObjectType, h plumbing.Hash) (plumbing.EncodedObject, error) {
	o, err := s.main.EncodedObject(t, h)
	for i := 0; errors.Is(err, plumbing.ErrObjectNotFound) && i < len(s.alternates); i++ {
		o, err = s.alternates[i].EncodedObject(t, h)
	}
	if err == nil && s.shallow[h] && o.Type() == plumbing.CommitObject {
		return graft(o)
	}
	return o, err
}

// A grafted is a commit without its parents, under its own name.
type grafted struct {
	plumbing.EncodedObject
	body []byte
}

func graft(o plumbing.EncodedObject) (plumbing.EncodedObject, error) {
	r, err := o.Reader()
	if err != nil {
		return nil, err
	}
	defer func() { _ = r.Close() }()
	b, err := io.ReadAll(r)
	if err != nil {
		return nil, err
	}
	head, message, _ := bytes.Cut(b, []byte("\n\n"))
	var out []byte
	for line := range bytes.Lines(head) {
		if !bytes.HasPrefix(line, []byte("parent ")) {
			out = append(out, line...)
		}
	}
	return &grafted{EncodedObject: o, body: append(append(out, "\n\n"...), message...)}, nil
}

// Size returns the size without the parents.
func (g *grafted) Size() int64 { return int64(len(g.body)) }

// Reader returns the commit without the parents.
func (g *grafted) Reader() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(g.body)), nil }

// missing says that an object is not there. It never wraps fs.ErrNotExist: the file
// is in the commit.
func missing(h plumbing.Hash, err error) error {
	if errors.Is(err, plumbing.ErrObjectNotFound) {
		return fmt.Errorf("the object %s is not in this clone: it is a partial or damaged one", h)
	}
	return fmt.Errorf("the object %s: %v", h, err)
}

// blob opens the content of a file. Up to the size of a source file it is read at
// once; what is larger is streamed.
func (s *store) blob(h plumbing.Hash) (io.ReadCloser, int64, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	o, err := s.EncodedObject(plumbing.BlobObject, h)
	if err != nil {
		return nil, 0, missing(h, err)
	}
	r, err := o.Reader()
	if err != nil {
		return nil, 0, missing(h, err)
	}
	if o.Size() > limits.SourceFile {
		return &locked{mu: &s.mu, r: r}, o.Size(), nil
	}
	defer func() { _ = r.Close() }()
	b, err := io.ReadAll(io.LimitReader(r, o.Size()+1))
	if err == nil && int64(len(b)) != o.Size() {
		err = io.ErrUnexpectedEOF
	}
	if err != nil {
		return nil, 0, missing(h, err)
	}
	return io.NopCloser(bytes.NewReader(b)), o.Size(), nil
}

// A locked reader reads from the storage while nobody else does.
type locked struct {
	mu *sync.Mutex
	r  io.ReadCloser
}

// Read reads on.
func (l *locked) Read(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.r.Read(p)
}

// Close ends it.
func (l *locked) Close() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.r.Close()
}

func (s *store) size(h plumbing.Hash) (int64, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	n, err := s.main.EncodedObjectSize(h)
	for i := 0; errors.Is(err, plumbing.ErrObjectNotFound) && i < len(s.alternates); i++ {
		n, err = s.alternates[i].EncodedObjectSize(h)
	}
	if err != nil {
		return 0, missing(h, err)
	}
	return n, nil
}

// maxTrees bounds the folders that are kept; then all are read anew.
const maxTrees = 4096

// tree reads a folder. One that no checkout could write is an error: names such
// as ".." lead elsewhere.
func (s *store) tree(h plumbing.Hash) (*object.Tree, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if t := s.trees[h]; t != nil {
		return t, nil
	}
	t, err := object.GetTree(s, h)
	if err != nil {
		return nil, missing(h, err)
	}
	if err := valid(t); err != nil {
		return nil, fmt.Errorf("the tree %s: %w", h, err)
	}
	// By name alone; Git puts folders where "name/" would be.
	slices.SortFunc(t.Entries, func(a, b object.TreeEntry) int { return strings.Compare(a.Name, b.Name) })
	if len(s.trees) >= maxTrees {
		clear(s.trees)
	}
	s.trees[h] = t
	return t, nil
}

func valid(t *object.Tree) error {
	names := make(map[string]bool, len(t.Entries))
	for _, e := range t.Entries {
		switch {
		case !validName(e.Name):
			return fmt.Errorf("%q is no name of a file", e.Name)
		case names[e.Name]:
			return fmt.Errorf("it has %q twice", e.Name)
		}
		switch e.Mode {
		case filemode.Dir, filemode.Regular, filemode.Deprecated, filemode.Executable, filemode.Symlink, filemode.Submodule:
		default:
			return fmt.Errorf("%q has the mode %s, which no file has", e.Name, e.Mode)
		}
		names[e.Name] = true
	}
	return nil
}
