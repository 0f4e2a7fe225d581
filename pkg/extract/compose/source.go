package compose

import (
	"fmt"

	"github.com/intact-dev/intact/pkg/extract"
	"github.com/intact-dev/intact/pkg/extract/internal/dockerfile"
	"github.com/intact-dev/intact/pkg/extract/internal/written"
	"github.com/intact-dev/intact/pkg/extract/internal/yamlpos"
	"github.com/intact-dev/intact/pkg/fact"
	"github.com/intact-dev/intact/pkg/ref"
)

// A source is one Compose file. Its documents are put over each other like
// files.
type source struct {
	file     *written.File
	docs     []*yamlpos.Doc
	services []map[string]yamlpos.Node // of each document
	order    []string                  // of the services, each once
	noSites  bool                      // its bytes are not those of file: UTF-16
}

// open reads a file once.
func (r *reader) open(p string) (*source, error) {
	if s := r.files[p]; s != nil {
		return s, nil
	}
	data, err := extract.ReadFile(r.fsys, p)
	if err != nil {
		return nil, err
	}
	f, err := yamlpos.Open(data)
	if err != nil {
		return nil, err
	}
	s := &source{file: written.NewFile(p, data)}
	if yamlpos.UTF16(data) {
		s.file, s.noSites = written.NewFile(p, f.Text()), true
	}
	r.files[p], r.read[p] = s, true
	seen := map[string]bool{}
	for d, err := range f.Docs(nil) {
		if err != nil {
			r.problems = append(r.problems, yamlpos.Problem(p, err))
			continue
		}
		s.docs = append(s.docs, d)
		all := map[string]yamlpos.Node{}
		for k, v := range d.Root().Get("services").Fields() {
			all[k.String()] = v
			if !seen[k.String()] {
				seen[k.String()] = true
				s.order = append(s.order, k.String())
			}
			if !v.IsMap() && !v.IsZero() {
				r.problem(s.origin(v), fact.Unsupported, "the service %q is no mapping", k.String())
			}
		}
		s.services = append(s.services, all)
		if root := d.Root(); !root.IsMap() && !root.IsZero() {
			r.problem(s.origin(root), fact.Unsupported, "no Compose file: it is no mapping")
		}
	}
	return s, nil
}

// follow opens a file that another one names at the place at; nil if it cannot.
func (r *reader) follow(dir string, v written.Value, at ref.Origin) *source {
	if v.Unresolved != "" {
		r.problem(at, fact.Unsupported, "the file %q is not read: %s", v.Text.String(), v.Unresolved)
		return nil
	}
	p := v.Text.String()
	if remote().MatchString(p) {
		r.problem(at, fact.Unsupported, "%q is not in the tree; what it declares is not known", p)
		return nil
	}
	file, err := written.Inside(dir, p)
	if err != nil {
		r.problem(at, fact.Blocked, "the file is not read: %v", err)
		return nil
	}
	s, err := r.open(file)
	if err != nil {
		r.problem(at, dockerfile.CauseOf(err), "%v", err)
		return nil
	}
	return s
}

func (r *reader) problem(at ref.Origin, c fact.Cause, format string, args ...any) {
	r.problems = append(r.problems, extract.Problem{Origin: at, Cause: c, Why: fmt.Sprintf(format, args...)})
}

func (s *source) origin(n yamlpos.Node) ref.Origin { return n.Origin(s.file.Path, "") }
