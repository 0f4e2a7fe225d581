package kube

import (
	"strconv"
	"strings"

	"github.com/intact-dev/intact/pkg/extract"
	"github.com/intact-dev/intact/pkg/extract/internal/yamlpos"
	"github.com/intact-dev/intact/pkg/fact"
)

// A walk goes through a document. It keeps where it is, so that only what is
// found has its path written.
type walk struct {
	reader *Reader
	file   string
	path   []step

	object Object // that it is in
	family family
	podOf  string       // the name of the pod, if the object is one
	outer  yamlpos.Node // what holds for all pods of the object

	images   []Image
	problems []extract.Problem
}

// A step is a key, or an index if key is "".
type step struct {
	key   string
	index int
}

func (w *walk) at() string {
	var b strings.Builder
	for _, s := range w.path {
		if s.key == "" {
			b.WriteString("[" + strconv.Itoa(s.index) + "]")
			continue
		}
		if b.Len() > 0 {
			b.WriteByte('.')
		}
		b.WriteString(s.key)
	}
	return b.String()
}

// in runs do below some keys.
func (w *walk) in(do func(), keys ...string) {
	n := len(w.path)
	for _, k := range keys {
		w.path = append(w.path, step{key: k})
	}
	do()
	w.path = w.path[:n]
}

// each runs do for each element of a list.
func (w *walk) each(list yamlpos.Node, do func(yamlpos.Node)) {
	n := len(w.path)
	for i, item := range list.Items() {
		w.path = append(w.path[:n], step{index: i})
		do(item)
	}
	w.path = w.path[:n]
}

// search looks for objects in n, and for pods.
func (w *walk) search(n yamlpos.Node) {
	switch {
	case n.IsList():
		w.each(n, w.search)
	case n.IsMap():
		if o, ok := objectOf(n); ok {
			w.enter(o, n)
			return
		}
		w.fields(n, false)
	}
}

// enter is search for an object: a document, an item of a list, or one that
// another object makes.
func (w *walk) enter(o Object, n yamlpos.Node) {
	object, family, podOf, outer := w.object, w.family, w.podOf, w.outer
	defer func() { w.object, w.family, w.podOf, w.outer = object, family, podOf, outer }()
	w.object, w.family, w.podOf, w.outer = o, familyOf(o), "", yamlpos.Node{}
	if w.family == familyNone {
		return
	}
	if o.Kind == "Pod" && o.APIVersion == "v1" {
		w.podOf = o.Name
	}
	w.custom(n)
	w.fields(n, true)
	w.configured(n)
}

// fields looks into the values of a mapping. Those of the object itself hold
// nothing in metadata and status.
func (w *walk) fields(n yamlpos.Node, top bool) {
	shaped := false
	for k, v := range n.Fields() {
		if !v.IsMap() && !v.IsList() {
			continue
		}
		key := k.String()
		if top && (key == "metadata" || key == "status") {
			continue
		}
		if _, ok := shapes[key]; ok {
			shaped = true
			if v.IsList() && containers(v, false) {
				continue
			}
		}
		w.path = append(w.path, step{key: key})
		w.search(v)
		w.path = w.path[:len(w.path)-1]
	}
	if shaped && w.object.Kind != "" {
		w.shape(n)
	}
}

// objectOf reads what an object says of itself.
func objectOf(n yamlpos.Node) (o Object, ok bool) {
	if !isObject(n) {
		return o, false
	}
	o.APIVersion, o.Kind = n.Get("apiVersion").String(), n.Get("kind").String()
	m := n.Get("metadata")
	o.Namespace = m.Get("namespace").String()
	if o.Name = m.Get("name").String(); o.Name == "" {
		o.Name = m.Get("generateName").String()
	}
	return o, true
}

// document searches a document. One that says only in part what kind of object it
// is, or with a placeholder, is taken for an object all the same, and that it is
// not understood is said.
func (w *walk) document(n yamlpos.Node) {
	spec := n.Get("spec")
	part := n.IsMap() && !isObject(n) && (podShaped(spec) || spec.Exists() && (n.Get("kind").Exists() || n.Get("apiVersion").Exists()))
	if !part {
		w.search(n)
		return
	}
	w.problem(n, "which kind of object this is, is not known: apiVersion or kind is missing, or no text")
	w.enter(Object{APIVersion: "unknown/v0", Kind: "unknown", Name: n.Get("metadata", "name").String()}, n)
}

// podShaped reports whether n, or its template, has containers.
func podShaped(n yamlpos.Node) bool {
	return n.Get("containers").IsList() || n.Get("template", "spec", "containers").IsList()
}

func isObject(n yamlpos.Node) bool {
	return n.Get("kind").String() != "" && n.Get("apiVersion").String() != ""
}

// Group is the API group of o, "" for the core.
func (o Object) Group() string {
	g, _, ok := strings.Cut(o.APIVersion, "/")
	if !ok {
		return ""
	}
	return g
}

// inner looks into documents that are written as a text in n.
func (w *walk) inner(n yamlpos.Node, do func(yamlpos.Node)) {
	for d, err := range n.Inner() {
		if err != nil {
			w.problems = append(w.problems, yamlpos.Problem(w.file, err))
			continue
		}
		do(d.Root())
		w.docProblems(d)
	}
}

func (w *walk) docProblems(d *yamlpos.Doc) {
	for _, p := range d.Problems() {
		w.problems = append(w.problems, yamlpos.Problem(w.file, p))
	}
}

func (w *walk) problem(n yamlpos.Node, why string) {
	w.problems = append(w.problems, extract.Problem{Origin: n.Origin(w.file, w.at()), Cause: fact.Unsupported, Why: why})
}
