package compose

import (
	"io/fs"
	"path"
	"slices"
	"strings"

	"github.com/intact-dev/intact/pkg/extract/internal/yamlpos"
	"github.com/intact-dev/intact/pkg/fact"
	"github.com/intact-dev/intact/pkg/internal/lazy"
)

// A project is files that are put over each other, in a folder, with variables.
type project struct {
	dir   string
	env   *environment
	name  string // "" = not known
	parts []*source
}

// maxIncluded bounds the includes of a file and those of what it includes: two
// that are included twice each, and so on, are a thousand after ten steps.
const maxIncluded = 1000

var remote = lazy.Regexp(`^(?:[a-z+]+://|git@|github\.com/)`)

// parts returns what belongs to main: what COMPOSE_FILE lists, if main is the
// first of it, or the override beside it.
func (r *reader) parts(main *source) []*source {
	p := main.file.Path
	dir := path.Dir(p)
	out := []*source{main}
	if list, ok := r.environment(dir, []string{".env"}, nil).value("COMPOSE_FILE"); ok && list != "" {
		names := strings.FieldsFunc(list, func(c rune) bool { return c == ':' || c == ';' })
		if len(names) == 0 || path.Join(dir, names[0]) != p {
			return out
		}
		for _, name := range names[1:] {
			if s := r.beside(path.Join(dir, name)); s != nil {
				out = append(out, s)
			}
		}
		return out
	}
	stem, ok := stems[strings.TrimSuffix(path.Base(p), path.Ext(p))]
	if !ok {
		return out
	}
	for _, name := range []string{stem + ".yml", stem + ".yaml"} {
		if s := r.beside(path.Join(dir, name)); s != nil {
			return append(out, s)
		}
	}
	return out
}

// stems are the files that Compose looks for an override of.
//
// https://github.com/compose-spec/compose-go/blob/v2.16.2/cli/options.go
var stems = map[string]string{"compose": "compose.override", "docker-compose": "docker-compose.override"}

// beside opens what belongs to a file, if it is there.
func (r *reader) beside(p string) *source {
	if !fs.ValidPath(p) {
		return nil
	}
	if _, err := fs.Stat(r.fsys, p); err != nil {
		return nil
	}
	s, err := r.open(p)
	if err != nil {
		r.problem(fileOrigin(p), causeOf(err), "%v", err)
		return nil
	}
	r.claim(s)
	return s
}

// claim says that what a file holds is in the result. A file of another kind is
// left to those who read that kind: Compose would refuse it.
func (r *reader) claim(s *source) {
	if r.valid(s) {
		r.claims[s.file.Path] = true
	}
}

// valid reports whether s has the keys of a Compose file and no others, and tells
// of the first that is none: version 1 had its services there.
//
// https://github.com/compose-spec/compose-spec/blob/main/schema/compose-spec.json
func (r *reader) valid(s *source) bool {
	for _, d := range s.docs {
		for k := range d.Root().Fields() {
			switch key := k.String(); {
			case slices.Contains(topLevel, key), strings.HasPrefix(key, "x-"):
			default:
				r.problem(s.origin(k), fact.Unsupported, "%q is no key of a Compose file", key)
				return false
			}
		}
	}
	return true
}

var topLevel = []string{"version", "name", "include", "services", "models", "networks", "volumes", "secrets", "configs", "<<"}

// project finds what the services of parts name.
func (r *reader) project(p project, parts []*source) {
	p.parts = parts
	if p.name == "" {
		p.name = r.projectName(p)
	}
	seen := map[string]bool{}
	for _, s := range parts {
		for _, name := range s.order {
			if !seen[name] {
				seen[name] = true
				r.service(p, name)
			}
		}
		for _, d := range s.docs {
			r.models(p, s, d.Root().Get("models"))
		}
	}
	for _, s := range parts {
		for _, d := range s.docs {
			for _, n := range d.Root().Get("include").Items() {
				r.include(p, s, n)
			}
		}
	}
}

// include: what is included is of the same project, in its own folder, with its
// own .env below the one of the project.
func (r *reader) include(p project, s *source, n yamlpos.Node) {
	at := s.origin(n)
	files, projectDir, envFiles := []yamlpos.Node{n}, yamlpos.Node{}, []string{".env"}
	if n.IsMap() {
		files = list(n.Get("path"))
		projectDir = n.Get("project_directory")
		if e := n.Get("env_file"); !e.IsZero() {
			envFiles = nil
			for _, f := range list(e) {
				envFiles = append(envFiles, path.Join(p.dir, p.env.text(s, f).Text.String()))
			}
		}
	}
	if r.included++; r.included > maxIncluded {
		if r.included == maxIncluded+1 {
			r.problem(at, fact.Limit, "more than %d files are included; the others are not read", maxIncluded)
		}
		return
	}
	var parts []*source
	for _, f := range files {
		if part := r.follow(p.dir, p.env.text(s, f), s.origin(f)); part != nil {
			parts = append(parts, part)
		}
	}
	if len(parts) == 0 {
		return
	}
	first := parts[0].file.Path
	if slices.Contains(r.active, first) || first == p.parts[0].file.Path {
		r.problem(at, fact.Unsupported, "%q is included by what it includes", first)
		return
	}
	for _, part := range parts {
		r.claim(part)
	}
	in := project{dir: path.Dir(first), name: p.name}
	if !projectDir.IsZero() {
		in.dir = path.Join(p.dir, p.env.text(s, projectDir).Text.String())
	}
	for i, e := range envFiles {
		if e == ".env" {
			envFiles[i] = path.Join(in.dir, e)
		}
	}
	in.env = r.environment(".", envFiles, p.env)
	r.active = append(r.active, p.parts[0].file.Path, first)
	r.project(in, parts)
	r.active = r.active[:len(r.active)-2]
}

// list is a list, or the one thing that stands for it.
func list(n yamlpos.Node) []yamlpos.Node {
	if !n.IsList() {
		if n.IsZero() {
			return nil
		}
		return []yamlpos.Node{n}
	}
	var out []yamlpos.Node
	for _, item := range n.Items() {
		out = append(out, item)
	}
	return out
}

// projectName is the one of the .env, the last that a file has, or that of the
// folder.
//
// https://docs.docker.com/compose/how-tos/project-name/
func (r *reader) projectName(p project) string {
	if name, ok := p.env.value("COMPOSE_PROJECT_NAME"); ok && name != "" {
		return normal(name)
	}
	name := ""
	for _, s := range p.parts {
		for _, d := range s.docs {
			if v := p.env.text(s, d.Root().Get("name")); v.Unresolved == "" && v.Text.Len() > 0 {
				name = v.Text.String()
			}
		}
	}
	switch {
	case name != "":
	case p.dir == ".":
		name = r.root
	default:
		name = path.Base(p.dir)
	}
	return normal(name)
}

// normal is a project's name as Compose writes it.
func normal(name string) string {
	name = strings.Map(func(c rune) rune {
		if c >= 'a' && c <= 'z' || c >= '0' && c <= '9' || c == '_' || c == '-' {
			return c
		}
		return -1
	}, strings.ToLower(name))
	return strings.TrimLeft(name, "_-")
}
