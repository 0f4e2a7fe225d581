// Package kustomize reads overlays: what kustomize renders of them, and where
// what is rendered comes from. Nothing is fetched or executed: remote bases,
// charts and plugins are told and left out.
package kustomize

import (
	"io/fs"
	"path"
	"slices"
	"strings"

	"github.com/intact-dev/intact/pkg/extract"
	"github.com/intact-dev/intact/pkg/extract/internal/kube"
	"github.com/intact-dev/intact/pkg/ref"
)

// A CRD is a custom resource that names images beside those that are known.
type CRD = kube.CRD

// An Extractor reads overlays. The zero value is ready for use.
type Extractor struct {
	// CRDs are further custom resources, and where they name images.
	CRDs []CRD
}

// names are those of a kustomization, in the order in which kustomize looks.
var names = []string{"kustomization.yaml", "kustomization.yml", "Kustomization"}

// Match implements [extract.Extractor].
func (e Extractor) Match(p string, _ []byte) bool {
	base := path.Base(p)
	return base == names[0] || base == names[1] || base == names[2]
}

// Extract implements [extract.Extractor]. The result claims the files that the
// overlay is made of, if it can be rendered; else they stand for themselves.
func (e Extractor) Extract(fsys fs.FS, p string) (extract.Result, error) {
	g := newGraph(fsys, &kube.Reader{CRDs: e.CRDs}, false)
	if s := g.load(p); s != nil {
		if v := s.root().Get("apiVersion").String(); v != "" && !strings.HasPrefix(v, "kustomize.config.k8s.io/") {
			return extract.Result{}, nil // an object of another kind that has its name
		}
	}
	top := g.visit(path.Dir(p), p)
	if g.asked {
		g = newGraph(fsys, g.reader, true)
		top = g.visit(path.Dir(p), p)
	}
	if top == nil || g.endless {
		return g.result(false), nil
	}
	if top.root.Get("kind").String() == "Component" {
		// It is a part of overlays, and makes nothing by itself.
		g.standAlone(p)
		return g.result(false), nil
	}
	plain, err := g.render(g.plain, path.Dir(p))
	if err != nil {
		g.problem(ref.Origin{Kind: "file", Where: p, Line: 1, Column: 1}, err)
		g.standAlone(p)
		return g.result(false), nil
	}
	marked, err := g.render(g.marked, path.Dir(p))
	if err != nil {
		marked = nil // then it is not known where things come from
	}
	g.trace(top, plain, marked)
	r := g.result(true)
	r.Notices = g.gone()
	return r, nil
}

// gone are the images in the files that the overlay is made of that are not in
// what is rendered.
func (g *graph) gone() []extract.Notice {
	type place struct {
		where        string
		line, column int
	}
	of := func(o ref.Origin) place { return place{o.Where, o.Line, o.Column} }
	rendered := map[place]bool{}
	for _, f := range g.found {
		rendered[of(f.Origin)] = true
		for _, o := range f.Related {
			rendered[of(o)] = true
		}
	}
	var out []extract.Notice
	for _, p := range g.read {
		s := g.files[p]
		if s == nil || s.broken {
			continue
		}
		for _, i := range s.images {
			if !rendered[of(i.Origin)] {
				out = append(out, extract.Notice{Origin: i.Origin, Raw: i.Raw, Why: goneWhy})
			}
		}
	}
	return out
}

// goneWhy is what becomes of such an image, as far as the files of the tree say.
const goneWhy = "written in a base or patch, and in nothing that the overlays render: deleted, replaced or never applied"

// standAlone keeps what overrides and patches say by themselves: what they would
// change is not rendered. Those of other kustomizations than file are left to
// these; "" is all.
func (g *graph) standAlone(file string) {
	for _, e := range g.entries {
		if f, ok := kube.Override(e.file, e.path, e.node); ok && !e.used && (file == "" || e.file == file) {
			g.found = append(g.found, f)
		}
	}
	for _, p := range g.read {
		s := g.files[p]
		if s == nil || file != "" && g.overlays[p] != nil && p != file {
			continue
		}
		for _, i := range s.images {
			// Objects in files of their own are read where they are.
			if (g.overlays[p] != nil || i.Object.Kind == "") && !slices.ContainsFunc(g.found, func(f extract.Found) bool { return f.Origin == i.Origin }) {
				g.found = append(g.found, i.Found)
			}
		}
	}
}
