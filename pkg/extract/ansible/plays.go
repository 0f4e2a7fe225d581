package ansible

import (
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/intact-dev/intact/pkg/extract/internal/written"
	"github.com/intact-dev/intact/pkg/extract/internal/yamlpos"
	"github.com/intact-dev/intact/pkg/ref"
)

// plays reads a playbook. Playbooks that it imports are files of their own.
func (e *extraction) plays(root yamlpos.Node, p string) {
	dir := path.Dir(p)
	all := e.groupVars(dir)
	for i, play := range root.Items() {
		at := fmt.Sprintf("[%d]", i)
		for k, v := range play.Fields() {
			if s := v.String(); module(k.String()) == "import_playbook" && !e.r.Exists(path.Join(dir, s)) {
				e.elsewhere(v, at+"."+k.String(), fmt.Sprintf("the playbook %q is not here", s))
			}
		}
		s := &scope{hosts: list(play.Get("hosts")), connection: play.Get("connection").String(), file: p, playbook: dir, chain: []string{p}}
		s = s.with(all...).with(play.Get("vars"))
		for _, v := range oneOrMore(play.Get("vars_files")) {
			if n := e.mapping(path.Join(dir, v.String())); n.IsMap() {
				s = s.with(n)
			}
		}
		if c := e.variable(s, "ansible_connection"); c != "" {
			s.connection = c
		}
		for j, role := range play.Get("roles").Items() {
			name, vars := role, yamlpos.Node{}
			if role.IsMap() {
				if name = role.Get("role"); name.IsZero() {
					name = role.Get("name")
				}
				vars = role.Get("vars")
			}
			e.role(name, fmt.Sprintf("%s.roles[%d]", at, j), s.with(role, vars), "main")
		}
		for _, key := range []string{"pre_tasks", "tasks", "post_tasks", "handlers"} {
			e.tasks(play.Get(key), at+"."+key, s)
		}
	}
}

// list is what a text or list of texts says.
func list(n yamlpos.Node) string {
	var out []string
	for _, x := range oneOrMore(n) {
		out = append(out, x.String())
	}
	return strings.Join(out, ",")
}

func oneOrMore(n yamlpos.Node) []yamlpos.Node {
	if !n.IsList() {
		if n.IsZero() {
			return nil
		}
		return []yamlpos.Node{n}
	}
	var out []yamlpos.Node
	for _, x := range n.Items() {
		out = append(out, x)
	}
	return out
}

// mapping is the mapping that a file of variables has; nothing if there is none.
func (e *extraction) mapping(p string) yamlpos.Node {
	if !e.r.Exists(p) {
		return yamlpos.Node{}
	}
	f, err := e.r.Open(p)
	if err != nil {
		e.r.Unread(p, err)
		return yamlpos.Node{}
	}
	return f.Root()
}

// groupVars are the variables of all hosts, beside a playbook or its inventory.
func (e *extraction) groupVars(dir string) []yamlpos.Node {
	var out []yamlpos.Node
	for _, base := range []string{dir, path.Join(dir, "inventory"), "."} {
		for _, name := range []string{"all.yml", "all.yaml", "all", "all/main.yml", "all/vars.yml"} {
			if n := e.mapping(path.Join(base, "group_vars", name)); n.IsMap() && !slices.Contains(out, n) {
				out = append(out, n)
			}
		}
	}
	return out
}

// alone is the scope of tasks that are read by themselves.
func (e *extraction) alone(p string) *scope {
	s := &scope{file: p, playbook: ".", chain: []string{p}}
	s = s.with(e.groupVars(".")...)
	if i := strings.LastIndex("/"+p, "/tasks/"); i >= 0 {
		s = e.inRole(s, path.Clean("./"+strings.TrimSuffix(p[:i], "/")))
	}
	return s
}

// inRole adds the variables of the role in dir.
func (e *extraction) inRole(s *scope, dir string) *scope {
	out := *s
	out.role = dir
	for _, name := range []string{"main.yml", "main.yaml"} {
		if n := e.mapping(path.Join(dir, "vars", name)); n.IsMap() {
			out = *out.with(n)
		}
		if n := e.mapping(path.Join(dir, "defaults", name)); n.IsMap() {
			out.defaults = append([]yamlpos.Node{n}, s.defaults...)
		}
	}
	return &out
}

// role reads the tasks of a role, from the file of that name.
func (e *extraction) role(name yamlpos.Node, at string, s *scope, file string) {
	text := name.String()
	switch {
	case text == "":
		return
	case strings.Contains(text, "{{"):
		e.elsewhere(name, at, fmt.Sprintf("which role %q is, is not evaluated", text))
		return
	}
	for _, dir := range e.roleFolders(s, text) {
		found := false
		for _, folder := range []string{"tasks", "handlers"} {
			for _, ext := range []string{".yml", ".yaml"} {
				stem := file
				if folder == "handlers" {
					stem = "main"
				}
				if p := path.Join(dir, folder, strings.TrimSuffix(strings.TrimSuffix(stem, ".yml"), ".yaml")+ext); e.r.Exists(p) {
					found = true
					e.include(p, name, at, e.inRole(s, dir))
				}
			}
		}
		if found {
			return
		}
	}
	e.elsewhere(name, at, fmt.Sprintf("the role %q is not here", text))
}

// roleFolders are where a role may be: beside the playbook and above it, in a
// collection of the tree.
func (e *extraction) roleFolders(s *scope, name string) []string {
	out := []string{path.Join(s.playbook, name)}
	if s.role != "" {
		out = append(out, path.Join(path.Dir(s.role), name))
	}
	for dir := s.playbook; ; dir = path.Dir(dir) {
		out = append(out, path.Join(dir, "roles", name))
		if dir == "." || dir == "/" {
			break
		}
	}
	return out
}

// include reads a file of tasks.
func (e *extraction) include(p string, by yamlpos.Node, at string, s *scope) {
	if slices.Contains(s.chain, p) || len(s.chain) > maxDepth {
		e.r.Problem(by, at, fmt.Sprintf("the tasks in %q include themselves, or too many others", p))
		return
	}
	f, err := e.r.Open(p)
	if err != nil {
		e.elsewhere(by, at, err.Error())
		return
	}
	if p != e.first {
		e.r.Claim(p)
	}
	in := *s
	in.file = p
	in.chain = append(s.chain[:len(s.chain):len(s.chain)], p)
	for _, root := range f.Roots() {
		e.tasks(root, "", &in)
	}
}

// elsewhere says that images may be named where they can't be read.
func (e *extraction) elsewhere(n yamlpos.Node, at, why string) {
	e.r.Add(n, strings.TrimPrefix(at, "."), ref.KindImage, written.Unknown(e.r.Text(n), "%s", why))
}
