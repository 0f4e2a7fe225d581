// Package ansible finds the images that plays and roles run, and the tasks that
// change hosts and containers in place.
//
// https://docs.ansible.com/ansible/latest/reference_appendices/playbooks_keywords.html
package ansible

import (
	"bytes"
	"io/fs"
	"path"
	"strings"

	"github.com/intact-dev/intact/pkg/extract"
	"github.com/intact-dev/intact/pkg/extract/internal/yamlpos"
	"github.com/intact-dev/intact/pkg/extract/internal/yamlrefs"
	"github.com/intact-dev/intact/pkg/internal/lazy"
	"github.com/intact-dev/intact/pkg/ref"
)

// An Extractor reads playbooks, and task files that no playbook uses. A playbook
// stands for the files that it is made of.
type Extractor struct{}

var (
	tasksPath = lazy.Regexp(`(?:^|/)(?:tasks|handlers)/(?:.*/)?[^/]+\.ya?ml$`)
	// A play has hosts; a list of tasks has modules, of which those count that run
	// images.
	playWords = lazy.Regexp(`(?m)^-?[ \t]+["']?(?:hosts|(?:ansible\.builtin\.)?import_playbook)["']?[ \t]*:`)
	taskWords = lazy.Regexp(`(?m)^-?[ \t]+["']?(?:[a-z_]+\.[a-z_]+\.)?(?:docker_[a-z_0-9]+|podman_[a-z_]+|k8s(?:_exec|_cp)?)["']?[ \t]*:`)
)

// Match goes by the path, or by what a list begins with.
func (Extractor) Match(p string, head []byte) bool {
	if ext := path.Ext(p); ext != ".yml" && ext != ".yaml" {
		return false
	}
	if yamlpos.UTF16(head) {
		return tasksPath().MatchString(p)
	}
	return listed(head) && (tasksPath().MatchString(p) || playWords().Match(head) || taskWords().Match(head))
}

// listed reports whether a file begins with a list: manifests, charts and values
// are none.
func listed(head []byte) bool {
	for line := range bytes.Lines(bytes.TrimPrefix(head, []byte("\xef\xbb\xbf"))) {
		text := bytes.TrimSpace(line)
		switch {
		case len(text) == 0, text[0] == '#', text[0] == '%', bytes.HasPrefix(text, []byte("---")):
			continue
		}
		return text[0] == '-' || text[0] == '['
	}
	return false
}

// Extract reads one file.
func (Extractor) Extract(fsys fs.FS, p string) (extract.Result, error) {
	r := yamlrefs.NewReader(fsys)
	f, err := r.Open(p)
	if err != nil {
		return extract.Result{}, err
	}
	e := &extraction{r: r, fsys: fsys, first: p, budget: maxTasks, placed: map[ref.Origin]*extract.Found{}}
	for _, root := range f.Roots() {
		switch {
		case playbook(root):
			e.plays(root, p)
		case root.IsList():
			e.tasks(root, "", e.alone(p))
		}
	}
	out := r.Result(p)
	out.Found = append(out.Found, e.extra.Found...)
	out.Problems = append(out.Problems, e.extra.Problems...)
	return out, nil
}

// playbook reports whether a list is one of plays.
func playbook(root yamlpos.Node) bool {
	for _, item := range root.Items() {
		for k := range item.Fields() {
			if s := k.String(); s == "hosts" || module(s) == "import_playbook" {
				return true
			}
		}
	}
	return false
}

// module is the name of a module or action without its collection.
func module(name string) string {
	if i := strings.LastIndexByte(name, '.'); i >= 0 {
		return name[i+1:]
	}
	return name
}

const (
	// maxTasks bounds the tasks that are read for one file, those of roles each time
	// that they are used.
	maxTasks = 50_000
	maxDepth = 32 // of blocks and of files that include files
)

// An extraction is one file being read with those that it is made of.
type extraction struct {
	r      *yamlrefs.Reader
	fsys   fs.FS
	first  string
	budget int
	placed map[ref.Origin]*extract.Found // images of objects, by their places
	extra  extract.Result                // what else is in objects
}

// A scope is what a task is in.
type scope struct {
	vars       []yamlpos.Node // the ones that count most first
	defaults   []yamlpos.Node // of a role, which count least
	item       map[string]yamlpos.Node
	hosts      string // as the play writes it; "" = not known here
	connection string
	file       string   // that tasks are read from
	role       string   // the folder of the role, "" outside of one
	playbook   string   // the folder of the playbook
	chain      []string // the files that led here
	depth      int
}

func (s *scope) with(vars ...yamlpos.Node) *scope {
	out := *s
	out.vars = nil
	for _, v := range vars {
		if v.IsMap() {
			out.vars = append(out.vars, v)
		}
	}
	out.vars = append(out.vars, s.vars...)
	return &out
}
