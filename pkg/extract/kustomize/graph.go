package kustomize

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strconv"
	"strings"

	"sigs.k8s.io/kustomize/kyaml/filesys"

	"github.com/intact-dev/intact/pkg/extract"
	"github.com/intact-dev/intact/pkg/extract/internal/kube"
	"github.com/intact-dev/intact/pkg/extract/internal/yamlpos"
	"github.com/intact-dev/intact/pkg/fact"
	"github.com/intact-dev/intact/pkg/internal/limits"
	"github.com/intact-dev/intact/pkg/ref"
)

// A graph is an overlay and all that it is made of. What kustomize gets to see
// of it lies in two trees in memory: as it is, and with a mark in the place of
// each tag and digest, by which what is rendered is known again.
type graph struct {
	fsys          fs.FS
	reader        *kube.Reader
	plain, marked filesys.FileSystem

	stack       []string // of folders that are being visited
	visits      int
	files       map[string]*source
	overlays    map[string]*overlay // nil while they are read, and if they can't be
	read        []string
	dropped     bool // something is left out that could name images
	endless     bool // it is made of too much to be rendered
	definitions bool // definitions of custom resources are rendered as well
	asked       bool // something speaks of them
	schema      bool // it has schemas of its own, which stay in the library

	entries []*entry
	marks   []mark

	found    []extract.Found
	problems []extract.Problem
}

func newGraph(fsys fs.FS, r *kube.Reader, definitions bool) *graph {
	return &graph{fsys: fsys, reader: r, definitions: definitions, plain: filesys.MakeFsInMemory(), marked: filesys.MakeFsInMemory(), files: map[string]*source{}, overlays: map[string]*overlay{}}
}

// An overlay is one kustomization.
type overlay struct {
	file, dir string
	root      yamlpos.Node
	source    *source
	drop      map[string]map[int]bool // elements of lists that kustomize does not get; nil = none of them
	visits    int                     // kustomizations that it is made of
}

// maxVisits bounds the kustomizations that one is made of, one that is used twice
// counted twice: thirty that each use the next one twice are a billion.
const maxVisits = 1000

// visit reads the kustomization in dir, and what it names. Nil means that there
// is none that can be read; a problem says why.
func (g *graph) visit(dir, file string) *overlay {
	if o, ok := g.overlays[file]; ok {
		if o != nil && !g.spend(file, o.visits) {
			return nil
		}
		return o
	}
	g.overlays[file] = nil
	before := g.visits
	s := g.load(file)
	if s == nil || s.broken || !g.spend(file, 1) {
		return nil
	}
	o := &overlay{file: file, dir: dir, source: s, root: s.root(), drop: map[string]map[int]bool{}}
	if !o.root.IsMap() {
		why := "it is not a mapping"
		if o.root.IsZero() {
			why = "it is empty"
		}
		g.problem(fileOrigin(file), errors.New("no kustomization: "+why))
		return nil
	}
	if len(s.docs) > 1 {
		g.problem(s.docs[1].Root().Origin(file, ""), errors.New("only the first document of a kustomization counts"))
	}
	g.stack = append(g.stack, dir)
	defer func() { g.stack = g.stack[:len(g.stack)-1] }()
	g.ask(s)
	g.images(o)
	for _, key := range []string{"resources", "bases", "components"} {
		o.each(key, "", func(i int, n yamlpos.Node) bool { return g.resource(o, key, i, n) })
	}
	g.patches(o)
	for _, key := range []string{"crds", "configurations"} {
		o.each(key, "", func(_ int, n yamlpos.Node) bool { return g.side(o, n) })
	}
	o.each("replacements", "path", func(_ int, n yamlpos.Node) bool { return n.IsZero() || g.side(o, n) })
	if n := o.root.Get("openapi", "path"); !n.IsZero() && !g.side(o, n) {
		o.dropAll("openapi")
	}
	g.schema = g.schema || !o.root.Get("openapi").IsZero()
	g.leaveOut(o)
	if err := g.write(o); err != nil {
		g.problem(fileOrigin(file), err)
		return nil
	}
	o.visits = g.visits - before
	g.overlays[file] = o
	return o
}

// spend counts kustomizations.
func (g *graph) spend(file string, n int) bool {
	was := g.visits
	if g.visits += n; g.visits <= maxVisits {
		return true
	}
	if was <= maxVisits {
		g.endless = true
		g.problem(fileOrigin(file), &limits.ExceededError{What: "kustomizations of an overlay", Limit: maxVisits})
	}
	return false
}

func (o *overlay) dropAll(key string) { o.drop[key] = nil }

// each asks of the elements of a list, or of one key of each, whether kustomize
// is to see them.
func (o *overlay) each(list, key string, keep func(int, yamlpos.Node) bool) {
	for i, n := range o.root.Get(list).Items() {
		if key != "" {
			n = n.Get(key)
		}
		if !keep(i, n) {
			if o.drop[list] == nil {
				o.drop[list] = map[int]bool{}
			}
			o.drop[list][i] = true
		}
	}
}

func (o *overlay) at(n yamlpos.Node, path string) ref.Origin { return n.Origin(o.file, path) }

// resource reads an element of resources: a file, or a folder with another
// kustomization.
func (g *graph) resource(o *overlay, list string, i int, n yamlpos.Node) bool {
	at := o.at(n, list+"["+strconv.Itoa(i)+"]")
	p, ok := g.inside(o, n, at)
	if !ok {
		return false
	}
	info, err := fs.Stat(g.fsys, p)
	switch {
	case err != nil && remote(n.String()):
		g.dropped = true
		g.found = append(g.found, extract.Found{Raw: n.String(), Kind: ref.KindArtifact, Origin: at, Ignored: n.Ignored(),
			Unresolved: "a remote base, which is not fetched"})
		return false
	case err != nil:
		return g.refuse(at, fmt.Errorf("%q is not there: %w", n.String(), cause(err)))
	case !info.IsDir():
		s := g.load(p)
		if s == nil || s.broken {
			g.dropped = true
			return false
		}
		s.part = s.part || o.holds(p)
		return len(s.cuts) < len(s.docs) && g.put(p, s)
	}
	if slices.ContainsFunc(g.stack, func(dir string) bool { return dir == p || strings.HasPrefix(dir+"/", p+"/") || p == "." }) {
		return g.refuse(at, fmt.Errorf("%q leads back to what it is a part of", n.String()))
	}
	for _, name := range names {
		file := path.Join(p, name)
		if _, err := fs.Stat(g.fsys, file); err == nil {
			if g.visit(p, file) == nil {
				g.dropped = true
				return false
			}
			g.files[file].part = true
			return true
		}
	}
	return g.refuse(at, fmt.Errorf("%q holds no kustomization", n.String()))
}

// holds reports whether p is in the folder of o. Files elsewhere are rendered, but
// not by kustomize as it is configured, so that they go on standing for themselves:
// nobody hides a file by naming it in a kustomization somewhere else.
//
// https://kubectl.docs.kubernetes.io/faq/kustomize/#security-file-foo-is-not-in-or-below-bar
func (o *overlay) holds(p string) bool { return o.dir == "." || strings.HasPrefix(p, o.dir+"/") }

// refuse leaves something out that could name images.
func (g *graph) refuse(at ref.Origin, err error) bool {
	g.dropped = true
	g.problem(at, err)
	return false
}

// inside returns the path that n names, which has to be in the tree.
func (g *graph) inside(o *overlay, n yamlpos.Node, at ref.Origin) (string, bool) {
	text, ok := n.Text()
	if !ok || text == "" {
		return "", g.refuse(at, errors.New("a path is expected"))
	}
	p := path.Join(o.dir, text)
	if path.IsAbs(text) || !fs.ValidPath(p) {
		return "", g.refuse(at, fmt.Errorf("%q leads out of the tree", text))
	}
	return p, true
}

// remote reports whether kustomize would fetch a base that is not in the tree.
func remote(s string) bool {
	return strings.Contains(s, "://") || strings.HasPrefix(s, "git@") || strings.HasPrefix(s, "git::") ||
		strings.HasPrefix(s, "github.com") || strings.Contains(s, ".git") || strings.Contains(s, "?ref=") || strings.Contains(s, "//")
}

// side puts a file that changes what is rendered and names no images.
func (g *graph) side(o *overlay, n yamlpos.Node) bool {
	at := o.at(n, "")
	p, ok := g.inside(o, n, at)
	if !ok {
		return false
	}
	s := g.load(p)
	if s == nil {
		return g.refuse(at, fmt.Errorf("%q can not be read", n.String()))
	}
	g.ask(s)
	return g.put(p, s)
}

// ask notes whether s, a kustomization or a patch, speaks of definitions.
func (g *graph) ask(s *source) {
	g.asked = g.asked || bytes.Contains(s.data, []byte("CustomResourceDefinition"))
}

func (g *graph) put(p string, s *source) bool {
	return g.plain.WriteFile("/"+p, s.plain()) == nil && g.marked.WriteFile("/"+p, s.mark()) == nil
}

func (g *graph) problem(at ref.Origin, err error) {
	p := extract.Problem{Origin: at, Cause: fact.Unsupported, Why: err.Error()}
	if limit := (*limits.ExceededError)(nil); errors.As(err, &limit) {
		p.Cause = fact.Limit
	}
	g.problems = append(g.problems, p)
}

func fileOrigin(p string) ref.Origin { return ref.Origin{Kind: "file", Where: p, Line: 1, Column: 1} }

func cause(err error) error {
	if p := (*fs.PathError)(nil); errors.As(err, &p) {
		return p.Err
	}
	return err
}

// result is what has been found. An overlay that is rendered stands for its
// parts.
func (g *graph) result(rendered bool) extract.Result {
	r := extract.Result{Found: g.found, Problems: g.problems, Read: slices.Clone(g.read)}
	slices.Sort(r.Read)
	for _, p := range r.Read {
		if s := g.files[p]; rendered && s != nil && s.part && !s.broken {
			r.Claims = append(r.Claims, p)
		}
	}
	slices.SortStableFunc(r.Found, func(a, b extract.Found) int {
		return cmp.Or(cmp.Compare(a.Origin.Where, b.Origin.Where), cmp.Compare(a.Origin.Line, b.Origin.Line), cmp.Compare(a.Origin.Column, b.Origin.Column))
	})
	return r
}
