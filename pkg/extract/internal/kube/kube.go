// Package kube finds the images that Kubernetes objects name, in YAML and JSON
// with the places where they are written: of pods wherever a specification of one
// lies, and of the custom resources that it knows. It makes up nothing: what a
// field it does not know means is up to who configures it.
package kube

import (
	"github.com/intact-dev/intact/pkg/extract"
	"github.com/intact-dev/intact/pkg/extract/internal/yamlpos"
)

// A CRD is a custom resource that names images beside those that are known.
type CRD struct {
	Group, Kind string
	// Images are places in an object: spec.image, spec.sidecars[*].image (each
	// element), spec.tools.*.image (each value).
	Images []string
}

// A Reader finds images. It is safe for concurrent use.
type Reader struct {
	CRDs []CRD
}

// An Object names an object of the API. Namespace is "" if it does not say.
type Object struct {
	APIVersion, Kind, Namespace, Name string
}

// An Image is a reference and the object that it is in.
type Image struct {
	extract.Found
	Object Object
}

// Read reads all documents of a file. Those without apiVersion and kind are
// passed over. want may pass over some that are not parsed yet; see
// [yamlpos.File.Docs]. The error means that the file is no text.
func (r *Reader) Read(file string, data []byte, want func([]byte) bool) ([]Image, []extract.Problem, error) {
	f, err := yamlpos.Open(data)
	if err != nil {
		return nil, nil, err
	}
	var images []Image
	var problems []extract.Problem
	for d, err := range f.Docs(want) {
		if err != nil {
			problems = append(problems, yamlpos.Problem(file, err))
			continue
		}
		i, p := r.Doc(file, d)
		images, problems = append(images, i...), append(problems, p...)
	}
	return images, problems, nil
}

// Doc reads one document of file.
func (r *Reader) Doc(file string, d *yamlpos.Doc) ([]Image, []extract.Problem) {
	w := &walk{reader: r, file: file}
	w.document(d.Root())
	w.docProblems(d)
	return w.images, w.problems
}

// Node reads an object that is a value in a document of file.
func (r *Reader) Node(file string, n yamlpos.Node) ([]Image, []extract.Problem) {
	w := &walk{reader: r, file: file}
	w.search(n)
	return w.images, w.problems
}

// Found returns the references alone.
func Found(images []Image) []extract.Found {
	if len(images) == 0 {
		return nil
	}
	out := make([]extract.Found, len(images))
	for i := range images {
		out[i] = images[i].Found
	}
	return out
}
