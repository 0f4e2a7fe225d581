package gitfiles

import (
	"fmt"
	"io/fs"
	"sync"

	"github.com/intact-dev/intact/pkg/extract"
)

// A recorder notes what is looked at in a tree, whether it was there or not.
type recorder struct {
	*treeFS
	mu   sync.Mutex
	seen map[look]bool
}

// A look is a name and whether a link at its end was followed.
type look struct {
	name   string
	follow bool
}

func record(f *treeFS) *recorder { return &recorder{treeFS: f, seen: map[look]bool{}} }

func (r *recorder) note(name string, follow bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.seen[look{name, follow}] = true
}

// Open notes and opens.
func (r *recorder) Open(name string) (fs.File, error) {
	r.note(name, true)
	return r.treeFS.Open(name)
}

// Stat notes and looks.
func (r *recorder) Stat(name string) (fs.FileInfo, error) {
	r.note(name, true)
	return r.treeFS.Stat(name)
}

// Lstat notes and looks.
func (r *recorder) Lstat(name string) (fs.FileInfo, error) {
	r.note(name, false)
	return r.treeFS.Lstat(name)
}

// ReadLink notes and reads.
func (r *recorder) ReadLink(name string) (string, error) {
	r.note(name, false)
	return r.treeFS.ReadLink(name)
}

// ReadDir notes and lists.
func (r *recorder) ReadDir(name string) ([]fs.DirEntry, error) {
	r.note(name, true)
	return r.treeFS.ReadDir(name)
}

// same reports whether all that was looked at is the same in another tree.
func (r *recorder) same(other *treeFS) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	for l := range r.seen {
		if r.state(l.name, l.follow) != other.state(l.name, l.follow) {
			return false
		}
	}
	return true
}

// A memory keeps what extractors made of the files at the base, so that what they
// would make the same of at HEAD is not read again, and knows what they made anew.
type memory struct {
	mu    sync.Mutex
	known map[run]*outcome
	fresh map[string]bool // files that an extraction at HEAD was about that could not be taken over
}

// A run is one extractor on one file.
type run struct {
	extractor int
	path      string
}

type outcome struct {
	inputs *recorder
	result extract.Result
	err    error
	panics any
}

func newMemory() *memory { return &memory{known: map[run]*outcome{}, fresh: map[string]bool{}} }

// wrap makes extractors that write into m, or at HEAD take from it.
func (m *memory) wrap(extractors []extract.Extractor, head bool) []extract.Extractor {
	out := make([]extract.Extractor, len(extractors))
	for i, e := range extractors {
		out[i] = &remembering{Extractor: e, index: i, memory: m, head: head}
	}
	return out
}

type remembering struct {
	extract.Extractor
	index  int
	memory *memory
	head   bool
}

// Extract extracts, or takes over what was made at the base.
func (r *remembering) Extract(fsys fs.FS, p string) (extract.Result, error) {
	tree, ok := fsys.(*treeFS)
	if !ok {
		return extract.Result{}, fmt.Errorf("read %q: not from a commit", p)
	}
	if !r.head {
		o := r.one(tree, p)
		r.memory.mu.Lock()
		r.memory.known[run{r.index, p}] = o
		r.memory.mu.Unlock()
		return o.again()
	}
	r.memory.mu.Lock()
	before := r.memory.known[run{r.index, p}]
	r.memory.mu.Unlock()
	if before != nil && before.inputs.same(tree) {
		return before.again()
	}
	o := r.one(tree, p)
	r.memory.mu.Lock()
	r.memory.fresh[p] = true
	for _, problem := range o.result.Problems {
		r.memory.fresh[problem.Origin.Where] = true
	}
	r.memory.mu.Unlock()
	return o.again()
}

func (r *remembering) one(tree *treeFS, p string) (o *outcome) {
	o = &outcome{inputs: record(tree)}
	defer func() {
		if v := recover(); v != nil {
			o.panics = v // the walk reports it
		}
	}()
	o.result, o.err = r.Extractor.Extract(o.inputs, p)
	return o
}

func (o *outcome) again() (extract.Result, error) {
	if o.panics != nil {
		panic(o.panics)
	}
	return o.result, o.err
}
