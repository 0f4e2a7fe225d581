package kustomize

import (
	"fmt"
	"path"
	"slices"
	"strconv"
	"strings"
	"sync"

	"sigs.k8s.io/kustomize/api/krusty"
	"sigs.k8s.io/kustomize/api/types"
	"sigs.k8s.io/kustomize/kyaml/filesys"
	"sigs.k8s.io/kustomize/kyaml/openapi"

	"github.com/intact-dev/intact/pkg/extract"
	"github.com/intact-dev/intact/pkg/extract/internal/kube"
	"github.com/intact-dev/intact/pkg/internal/lazy"
	"github.com/intact-dev/intact/pkg/ref"
)

// one is held while kustomize works: its schemas are variables of the package.
var one sync.Mutex

// render runs kustomize on a folder of a tree in memory. A panic is a fault in
// what it was given as much as one of its own.
func (g *graph) render(tree filesys.FileSystem, dir string) (out [][]byte, err error) {
	one.Lock()
	defer one.Unlock()
	if g.schema {
		defer openapi.ResetOpenAPI()
	}
	defer func() {
		if v := recover(); v != nil {
			out, err = nil, fmt.Errorf("render with kustomize: it failed: %v", v)
		}
	}()
	o := krusty.MakeDefaultOptions()
	o.LoadRestrictions = types.LoadRestrictionsNone // the tree is the border
	all, err := krusty.MakeKustomizer(o).Run(tree, path.Join("/", dir))
	if err != nil {
		return nil, fmt.Errorf("render with kustomize: %w", err)
	}
	for _, r := range all.Resources() {
		switch r.GetKind() {
		case "CustomResourceDefinition", "ConfigMap", "Secret": // can be large, and name none
			out = append(out, nil)
			continue
		}
		text, err := r.AsYAML()
		if err != nil {
			return nil, fmt.Errorf("render with kustomize: %w", err)
		}
		out = append(out, text)
	}
	return out, nil
}

// trace reads what was rendered, and says of each image where it is written.
func (g *graph) trace(top *overlay, plain, marked [][]byte) {
	for i, text := range plain {
		images, problems, err := g.reader.Read(top.file, text, nil)
		if err != nil { // kustomize wrote it
			g.problem(fileOrigin(top.file), err)
			continue
		}
		var same []kube.Image
		if len(marked) == len(plain) {
			same, _, _ = g.reader.Read(top.file, marked[i], nil)
		}
		for j, image := range images {
			f := image.Found
			f.Origin, f.Site, f.Related = fileOrigin(top.file), nil, nil
			f.Ignored = nil
			if len(same) == len(images) {
				g.place(&f, same[j].Raw, image)
			} else {
				g.search(&f)
			}
			g.found = append(g.found, f)
		}
		for _, p := range problems {
			p.Origin.Line, p.Origin.Column = 1, 1
			g.problems = append(g.problems, p)
		}
	}
	if g.dropped {
		g.standAlone("")
	}
}

var marks = lazy.Regexp(`x-intact-(\d{7})|sha256:1d6ac40{51}(\d{7})`)

// place finds by its marks where an image is written. An entry of images counts
// before what it takes the place of.
func (g *graph) place(f *extract.Found, markedRaw string, image kube.Image) {
	var at []*mark
	for _, m := range marks().FindAllStringSubmatch(markedRaw, -1) {
		n, err := strconv.Atoi(m[1] + m[2])
		if err == nil && n < len(g.marks) {
			at = append(at, &g.marks[n])
		}
	}
	if len(at) == 0 {
		g.search(f)
		return
	}
	for _, m := range at {
		m.used = true
	}
	m := at[len(at)-1] // of a digest, if there is one
	e := m.entry
	switch {
	case e == nil:
		e = g.renamed(f.Ref, m.found.Ref)
	case e.name() != f.Ref.Name:
		if other := g.renamed(f.Ref, ref.Ref{}); other != nil {
			e = other
		}
	}
	if e == nil {
		f.Origin, f.Related, f.Ignored = m.found.Origin, m.found.Related, m.found.Ignored
		if f.Ref == m.found.Ref {
			f.Site = m.found.Site
		}
		return
	}
	e.used = true
	g.entry(f, e)
	if m.entry == nil {
		f.Related = append(f.Related, m.found.Origin)
		f.Ignored = append(f.Ignored, m.found.Ignored...)
		return
	}
	if i := g.before(image); i != nil {
		f.Related = append(f.Related, i.Origin)
		f.Ignored = append(f.Ignored, i.Ignored...)
	}
}

// before returns what an image was that an entry of images took the place of:
// that of the same container, of an object whose name is a part of what it is now.
func (g *graph) before(image kube.Image) (found *kube.Image) {
	for _, p := range g.read {
		s := g.files[p]
		if s == nil {
			continue
		}
		for n := range s.images {
			i := &s.images[n]
			if i.Object.Kind != image.Object.Kind || i.Origin.Path != image.Origin.Path || i.Container != image.Container {
				continue
			}
			if i.Object.Name == image.Object.Name {
				return i
			}
			if found == nil && strings.Contains(image.Object.Name, i.Object.Name) {
				found = i
			}
		}
	}
	return found
}

// entry says that f is written in an entry of images.
func (g *graph) entry(f *extract.Found, e *entry) {
	tag, digest := e.node.Get("newTag"), e.node.Get("digest")
	at, key := e.node.Get("newName"), "newName"
	switch {
	case digest.String() != "":
		at, key = digest, "digest"
	case tag.String() != "":
		at, key = tag, "newTag"
	}
	f.Origin = at.Origin(e.file, e.path+"."+key)
	f.Ignored = at.Ignored()
	switch {
	case f.Unresolved != "" || e.node.Get("tagSuffix").String() != "":
	case key == "digest":
		f.Site = digest.Site(e.file, extract.StyleDigest)
	default:
		f.Site = e.node.Beside(e.file, extract.StyleDigest, key, "digest")
	}
	for _, other := range []string{"newName", "newTag", "name"} {
		n := e.node.Get(other)
		o := n.Origin(e.file, e.path+"."+other)
		if n.String() != "" && o.Line != f.Origin.Line {
			f.Related = append(f.Related, o)
			f.Ignored = append(f.Ignored, n.Ignored()...)
			break
		}
	}
}

// renamed returns the entry that gave an image another name, and nothing else.
func (g *graph) renamed(now, was ref.Ref) *entry {
	if now.Name == was.Name {
		return nil
	}
	for _, e := range slices.Backward(g.entries) {
		if e.node.Get("newName").String() == now.Name {
			return e
		}
	}
	return nil
}

// search looks for the one place where the text of f stands.
func (g *graph) search(f *extract.Found) {
	var places []extract.Found
	for _, p := range g.read {
		if s := g.files[p]; s != nil {
			for _, i := range s.images {
				if i.Raw == f.Raw {
					places = append(places, i.Found)
				}
			}
		}
	}
	if len(places) == 0 {
		return
	}
	f.Origin, f.Ignored, f.Related = places[0].Origin, places[0].Ignored, places[0].Related
	if len(places) == 1 {
		f.Site = places[0].Site
		return
	}
	for _, p := range places[1:] {
		f.Related = append(f.Related, p.Origin)
	}
}
