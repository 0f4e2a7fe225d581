package kustomize

import (
	"fmt"
	"io/fs"
	"path"
	"strconv"
	"strings"

	"github.com/intact-dev/intact/pkg/extract"
	"github.com/intact-dev/intact/pkg/extract/internal/kube"
	"github.com/intact-dev/intact/pkg/extract/internal/yamlpos"
	"github.com/intact-dev/intact/pkg/internal/limits"
	"github.com/intact-dev/intact/pkg/ref"
)

// An entry is an element of images.
type entry struct {
	file, path string
	node       yamlpos.Node
	used       bool
}

// name is what images are called that e has changed.
func (e *entry) name() string {
	if n := e.node.Get("newName").String(); n != "" {
		return n
	}
	return e.node.Get("name").String()
}

func (g *graph) images(o *overlay) {
	for _, list := range []string{"images", "imageTags"} {
		for i, n := range o.root.Get(list).Items() {
			e := &entry{file: o.file, path: list + "[" + strconv.Itoa(i) + "]", node: n}
			g.entries = append(g.entries, e)
			g.markPart(o.source, n.Get("newTag"), tagMark, e)
			g.markPart(o.source, n.Get("digest"), digestMark, e)
		}
	}
}

// patches reads the patches of o, in files and in place.
func (g *graph) patches(o *overlay) {
	o.each("patchesStrategicMerge", "", func(i int, n yamlpos.Node) bool {
		at := o.at(n, "patchesStrategicMerge["+strconv.Itoa(i)+"]")
		if isInline(n.String()) {
			return g.inline(o, n)
		}
		return g.patchFile(o, n, at)
	})
	for _, list := range []string{"patches", "patchesJson6902"} {
		o.each(list, "", func(i int, n yamlpos.Node) bool {
			if p := n.Get("path"); !p.IsZero() {
				return g.patchFile(o, p, o.at(p, list+"["+strconv.Itoa(i)+"].path"))
			}
			return g.inline(o, n.Get("patch"))
		})
	}
}

func (g *graph) patchFile(o *overlay, n yamlpos.Node, at ref.Origin) bool {
	p, ok := g.inside(o, n, at)
	if !ok {
		return false
	}
	s := g.load(p)
	if s == nil || s.broken {
		return g.refuse(at, fmt.Errorf("the patch %q is left out", n.String()))
	}
	if !s.patch {
		s.patch = true
		g.ask(s)
		for _, d := range s.docs {
			if !g.operations(s, d.Root()) {
				return g.refuse(at, errCopies)
			}
		}
	}
	s.part = s.part || o.holds(p)
	return g.put(p, s)
}

// inline reads a patch that is written in the kustomization.
func (g *graph) inline(o *overlay, n yamlpos.Node) bool {
	for d, err := range n.Inner() {
		if err != nil {
			g.problems = append(g.problems, yamlpos.Problem(o.file, err))
			return false
		}
		count(d.Root())
		images, problems := g.reader.Doc(o.file, d)
		g.problems = append(g.problems, problems...)
		o.source.images = append(o.source.images, images...)
		for _, i := range images {
			g.markFound(o.source, i.Found, nil)
		}
		if !g.operations(o.source, d.Root()) {
			return g.refuse(o.at(n, ""), errCopies)
		}
	}
	return true
}

// maxCopies bounds the operations of one patch that copy: each can double what is
// there.
const maxCopies = 8

var errCopies = &limits.ExceededError{What: "copies in a JSON patch", Limit: maxCopies}

// operations reads a JSON patch: operations with the values that they set.
//
// https://www.rfc-editor.org/rfc/rfc6902#section-4
func (g *graph) operations(s *source, list yamlpos.Node) bool {
	copies := 0
	for i, op := range list.Items() {
		switch op.Get("op").String() {
		case "copy":
			copies++
		case "add", "replace":
			to := op.Get("path").String()
			g.values(s, op.Get("value"), to[strings.LastIndexByte(to, '/')+1:], "["+strconv.Itoa(i)+"].value")
		}
	}
	return copies <= maxCopies
}

// values marks the texts in fields that are called image, or the reference of a
// volume's.
func (g *graph) values(s *source, n yamlpos.Node, key, at string) {
	for k, v := range n.Fields() {
		g.values(s, v, k.String(), at+"."+k.String())
	}
	for i, v := range n.Items() {
		g.values(s, v, "", at+"["+strconv.Itoa(i)+"]")
	}
	text, ok := n.Text()
	if !ok || key != "image" && key != "reference" {
		return
	}
	f := extract.Found{Raw: text, Kind: ref.KindImage, Origin: n.Origin(s.path, at), Ignored: n.Ignored()}
	if f.Ref, f.Unresolved = kube.Parse(text); f.Unresolved == "" {
		f.Site = n.Site(s.path, extract.StyleReference)
	}
	s.images = append(s.images, kube.Image{Found: f})
	g.markFound(s, f, nil)
}

// leaveOut tells what is not done: plugins, and charts.
func (g *graph) leaveOut(o *overlay) {
	for _, list := range []string{"helmCharts", "helmChartInflationGenerator"} {
		for i, n := range o.root.Get(list).Items() {
			g.dropped = true
			name, key := n.Get("name"), ".name"
			if name.IsZero() {
				name, key = n.Get("chartName"), ".chartName"
			}
			raw := strings.TrimSuffix(strings.TrimPrefix(n.Get("repo").String(), "oci://")+"/"+name.String(), "/")
			if v := n.Get("version").String(); v != "" {
				raw += ":" + v
			}
			g.found = append(g.found, extract.Found{Raw: strings.TrimPrefix(raw, "/"), Kind: ref.KindArtifact, Ignored: name.Ignored(),
				Origin: o.at(name, list+"["+strconv.Itoa(i)+"]"+key), Unresolved: "a chart, which is not rendered with the overlay: --rendered takes a folder of what you render",
				Chart: extract.Chart{Path: name.String(), Version: n.Get("version").String()}})
		}
		o.dropAll(list)
	}
	for _, list := range []string{"generators", "transformers", "validators"} {
		o.each(list, "", func(i int, v yamlpos.Node) bool {
			at := o.at(v, list+"["+strconv.Itoa(i)+"]")
			return list == "transformers" && g.transformer(o, v) ||
				g.refuse(at, fmt.Errorf("%s are not run: what they would change is not known", list))
		})
	}
	o.dropAll("vars") // what they would have been put into is unresolved
}

// transformer puts the configuration of a transformer that is built in and reads
// no other files.
func (g *graph) transformer(o *overlay, n yamlpos.Node) bool {
	p := path.Join(o.dir, n.String())
	if info, err := fs.Stat(g.fsys, p); err != nil || info.IsDir() || path.IsAbs(n.String()) {
		return false
	}
	s := g.load(p)
	if s == nil || s.broken || len(s.docs) == 0 {
		return false
	}
	for _, d := range s.docs {
		r := d.Root()
		switch r.Get("kind").String() {
		case "LabelTransformer", "AnnotationsTransformer", "NamespaceTransformer", "PrefixTransformer", "SuffixTransformer",
			"PrefixSuffixTransformer", "ReplicaCountTransformer", "ImageTagTransformer", "PatchTransformer", "PatchJson6902Transformer":
		default:
			return false
		}
		if r.Get("apiVersion").String() != "builtin" || !r.Get("path").IsZero() || !r.Get("jsonOp").IsZero() ||
			strings.Contains(r.Get("patch").String(), "copy") { // see maxCopies
			return false
		}
	}
	g.ask(s)
	s.part = s.part || o.holds(p)
	return g.put(p, s)
}
