// Package yamlrefs collects references from YAML files that are made of several:
// it reads each file once, keeps values together with the places they are written
// at, and makes what extractors hand on.
package yamlrefs

import (
	"errors"
	"fmt"
	"io/fs"
	"slices"

	"github.com/intact-dev/intact/pkg/extract"
	"github.com/intact-dev/intact/pkg/extract/internal/written"
	"github.com/intact-dev/intact/pkg/extract/internal/yamlpos"
	"github.com/intact-dev/intact/pkg/fact"
	"github.com/intact-dev/intact/pkg/internal/limits"
	"github.com/intact-dev/intact/pkg/ref"
)

// A Reader reads the files of one Extract call. It is not safe for concurrent
// use.
type Reader struct {
	fsys  fs.FS
	order []*File
	files map[string]*File
	docs  map[*yamlpos.Doc]*File
	nodes map[place]yamlpos.Node // the values that texts were made of
	refs  []*reference
	via   map[yamlpos.Node]bool
	seen  map[string]bool
	out   extract.Result
}

// A place is an offset in a file's decoded text.
type place struct {
	file *written.File
	off  int
}

// A File is one YAML file.
type File struct {
	Path string
	Docs []*yamlpos.Doc // those that could be read

	inner []*yamlpos.Doc // in texts of theirs
	text  *written.File  // decoded, without a byte order mark
	shift int            // how many bytes of the file stand before text
}

// NewReader returns a Reader of files in fsys.
func NewReader(fsys fs.FS) *Reader {
	return &Reader{
		fsys: fsys, files: map[string]*File{}, docs: map[*yamlpos.Doc]*File{},
		nodes: map[place]yamlpos.Node{}, via: map[yamlpos.Node]bool{}, seen: map[string]bool{},
	}
}

// Open reads the file at path, if it was not read before. A document of it that
// is broken is a Problem.
func (r *Reader) Open(path string) (*File, error) {
	if f := r.files[path]; f != nil {
		return f, nil
	}
	data, err := extract.ReadFile(r.fsys, path)
	if err != nil {
		return nil, err
	}
	y, err := yamlpos.Open(data)
	if err != nil {
		return nil, fmt.Errorf("read %q: %w", path, err)
	}
	f := &File{Path: path, text: written.NewFile(path, y.Text())}
	f.shift, _, _ = y.Span(0, 0)
	for d, err := range y.Docs(nil) {
		if err != nil {
			r.problemAt(path, "", err)
			continue
		}
		f.Docs = append(f.Docs, d)
		r.docs[d] = f
	}
	r.files[path] = f
	r.order = append(r.order, f)
	return f, nil
}

// Exists reports whether there is something at path, without reading it: a file,
// or what only Open can tell of, such as a link out of the tree.
func (r *Reader) Exists(path string) bool {
	if !fs.ValidPath(path) {
		return false
	}
	info, err := fs.Stat(r.fsys, path)
	return err == nil && !info.IsDir() || err != nil && !errors.Is(err, fs.ErrNotExist)
}

// Roots are the values of the documents.
func (f *File) Roots() []yamlpos.Node {
	out := make([]yamlpos.Node, 0, len(f.Docs))
	for _, d := range f.Docs {
		out = append(out, d.Root())
	}
	return out
}

// Root is the value of the first document; what is not there if there is none.
func (f *File) Root() yamlpos.Node {
	if len(f.Docs) == 0 {
		return yamlpos.Node{}
	}
	return f.Docs[0].Root()
}

// Inner returns the values of the documents that are written as a text in n.
func (r *Reader) Inner(n yamlpos.Node, path string) []yamlpos.Node {
	var out []yamlpos.Node
	f := r.File(n)
	if f == nil {
		return nil
	}
	for d, err := range n.Inner() {
		if err != nil {
			r.problemAt(f.Path, path, err)
			continue
		}
		f.inner = append(f.inner, d)
		r.docs[d] = f
		out = append(out, d.Root())
	}
	return out
}

// File returns the file that n is in; nil of the zero Node.
func (r *Reader) File(n yamlpos.Node) *File { return r.docs[n.Doc()] }

// Text returns n's text with its places. Where its bytes are not in the file as
// they are, it has none.
func (r *Reader) Text(n yamlpos.Node) written.Text {
	s, ok := n.Text()
	f := r.File(n)
	if !ok || f == nil {
		return written.Text{}
	}
	p := n.Pos()
	if !p.Exact() {
		return written.Made(s)
	}
	r.nodes[place{f.text, p.Start - f.shift}] = n
	return f.text.Text(p.Start-f.shift, p.End-f.shift)
}

// Problem tells of what could not be read at n.
func (r *Reader) Problem(n yamlpos.Node, path string, why string) {
	if f := r.File(n); f != nil {
		r.out.Problems = append(r.out.Problems, extract.Problem{Origin: n.Origin(f.Path, path), Cause: fact.Unsupported, Why: why})
	}
}

// Limit tells of a limit that was hit at n, once for each file.
func (r *Reader) Limit(n yamlpos.Node, path string, what string, limit int) {
	f := r.File(n)
	if f == nil || r.seen[f.Path+"\x00"+what] {
		return
	}
	r.seen[f.Path+"\x00"+what] = true
	err := &limits.ExceededError{What: what, Limit: int64(limit)}
	r.out.Problems = append(r.out.Problems, extract.Problem{Origin: n.Origin(f.Path, path), Cause: fact.Limit, Why: err.Error()})
}

func (r *Reader) problemAt(file, path string, err *extract.PositionError) {
	cause := fact.Unsupported
	if limit := (*limits.ExceededError)(nil); errors.As(err, &limit) {
		cause = fact.Limit
	}
	r.out.Problems = append(r.out.Problems, extract.Problem{
		Origin: ref.Origin{Kind: "file", Where: file, Line: err.Line, Column: err.Column, Path: path}, Cause: cause, Why: err.Error(),
	})
}

// Unread tells of a file that could not be read.
func (r *Reader) Unread(path string, err error) {
	at := extract.PositionError{Err: err}
	if position := (*extract.PositionError)(nil); errors.As(err, &position) {
		at.Line, at.Column = position.Line, position.Column
	}
	if !r.seen[path] {
		r.seen[path] = true
		r.problemAt(path, "", &at)
	}
}

// Claim says that what the file at path holds is in the result. What plainly is of
// another kind is left to those who read that kind as well, whatever names it.
func (r *Reader) Claim(path string) {
	if f := r.files[path]; f != nil && foreign(f) {
		return
	}
	if !slices.Contains(r.out.Claims, path) {
		r.out.Claims = append(r.out.Claims, path)
	}
}

// Result returns what was found. The file at path is the one that was asked for.
func (r *Reader) Result(path string) extract.Result {
	for _, f := range r.order {
		for _, d := range slices.Concat(f.Docs, f.inner) {
			for _, p := range d.Problems() {
				r.problemAt(f.Path, "", p)
			}
		}
		if f.Path != path {
			r.out.Read = append(r.out.Read, f.Path)
		}
	}
	r.out.Found = r.settle()
	return r.out
}

// foreign reports whether f has the keys of an object of Kubernetes, a workflow of
// Actions, a Compose file, a template of CloudFormation or the steps of a build.
func foreign(f *File) bool {
	for _, d := range f.Docs {
		root := d.Root()
		if root.Get("apiVersion").Exists() || root.Get("on").Exists() && root.Get("jobs").Exists() || root.Get("services").IsMap() ||
			root.Get("Resources").IsMap() || root.Get("kind").Exists() || root.Get("steps").IsList() && !root.Get("parameters").Exists() {
			return true
		}
	}
	return false
}
