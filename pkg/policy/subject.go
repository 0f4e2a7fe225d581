package policy

import (
	"fmt"
	"strings"

	"github.com/intact-dev/intact/pkg/policy/strictyaml"
)

// A Subject is what one verdict is about. What does not apply is "".
type Subject struct {
	// Image is the canonical repository (ref.Ref.Canonical), as it is pulled; the
	// policy maps mirrors. "" for a local image without a name.
	Image     string
	Cluster   string
	Namespace string
	Path      string // of the file that names it, with slashes
}

// A scope limits decisions to some subjects. Every list that is there must hold
// one that matches.
type scope struct {
	clusters, namespaces, paths []glob
	images                      []pattern
}

func compileScope(doc *strictyaml.Document, path []any, s scopeDoc) (*scope, strictyaml.Errors) {
	var errs strictyaml.Errors
	globs := func(key string, texts []string) []glob {
		gs, err := parseGlobs(texts)
		if err != nil {
			errs = append(errs, doc.Errorf(append(path, key), "%v", err))
		}
		return gs
	}
	for i, t := range s.Paths {
		if name := strings.Trim(t, "/"); name != t {
			errs = append(errs, doc.Errorf(with(path, "paths", i), "pattern %q is of no file: paths are from the root of the repository; write %s/**", t, name))
		}
	}
	out := &scope{
		clusters: globs("clusters", s.Clusters), namespaces: globs("namespaces", s.Namespaces), paths: globs("paths", s.Paths),
	}
	var more strictyaml.Errors
	out.images, more = compilePatterns(doc, append(path, "images"), s.Images)
	if s.Clusters == nil && s.Namespaces == nil && s.Paths == nil && s.Images == nil {
		errs = append(errs, doc.Errorf(path, "the scope names no clusters, namespaces, images or paths; put its checks under checks"))
	}
	return out, append(errs, more...)
}

func compilePatterns(doc *strictyaml.Document, path []any, texts []string) ([]pattern, strictyaml.Errors) {
	var out []pattern
	var errs strictyaml.Errors
	for i, t := range texts {
		p, err := parsePattern(t)
		if err != nil {
			errs = append(errs, doc.Errorf(with(path, i), "%v", err))
			continue
		}
		out = append(out, p)
	}
	return out, errs
}

// with returns path and more, sharing nothing.
func with(path []any, more ...any) []any {
	return append(append(make([]any, 0, len(path)+len(more)), path...), more...)
}

func (s *scope) match(sub Subject, image string) bool {
	if s == nil {
		return true
	}
	return (s.clusters == nil || sub.Cluster != "" && matchAny(s.clusters, sub.Cluster)) &&
		(s.namespaces == nil || sub.Namespace != "" && matchAny(s.namespaces, sub.Namespace)) &&
		(s.paths == nil || sub.Path != "" && matchAny(s.paths, sub.Path)) &&
		(s.images == nil || matchImage(s.images, image))
}

func matchImage(patterns []pattern, name string) bool {
	for _, p := range patterns {
		if _, ok := p.match(name); ok {
			return true
		}
	}
	return false
}

// origin names a place in a policy for people: "prod" and "scopes[0]".
func origin(policy string, list string, i int) string {
	return fmt.Sprintf("%s %s[%d]", policy, list, i)
}

// A Place is where a subject runs, as far as the policy's scopes tell places
// apart: subjects of one image with equal Places are judged alike.
type Place string

// PlaceOf returns the Place of s. Its Cluster, Namespace and Path count.
func (p *Policy) PlaceOf(s Subject) Place {
	if p == nil {
		return ""
	}
	var b []byte
	for i := range p.layers {
		when := p.layers[i].when
		if when == nil || when.clusters == nil && when.namespaces == nil && when.paths == nil {
			continue
		}
		in := byte('0')
		if (&scope{clusters: when.clusters, namespaces: when.namespaces, paths: when.paths}).match(s, "") {
			in = '1'
		}
		b = append(b, in)
	}
	return Place(b)
}
