// Package compose finds the images of Compose files: what services run, what
// they are built on, image volumes and models. Overrides, extends and include
// are followed within the tree; all profiles count.
//
// https://github.com/compose-spec/compose-spec/blob/main/spec.md
package compose

import (
	"bytes"
	"io/fs"
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/intact-dev/intact/pkg/extract"
	"github.com/intact-dev/intact/pkg/extract/internal/dockerfile"
	"github.com/intact-dev/intact/pkg/extract/internal/written"
	"github.com/intact-dev/intact/pkg/extract/internal/yamlpos"
	"github.com/intact-dev/intact/pkg/internal/lazy"
)

// An Extractor reads Compose files. It claims the Dockerfiles that they build,
// the overrides and what they include. The zero value is ready for use.
type Extractor struct {
	// Root is what the folder is called that the tree is: the project of files in
	// it has that name. "" = not known.
	Root string
}

// Match goes by the name (compose.yaml, docker-compose.prod.yml, dev.compose.yaml)
// and for other YAML, and what has no ending, by the content: services that have
// an image, or are built.
func (Extractor) Match(p string, head []byte) bool {
	base := strings.ToLower(path.Base(p))
	ext := path.Ext(base)
	if ext != ".yaml" && ext != ".yml" && ext != "" {
		return false
	}
	return ext != "" && named().MatchString(base) || bytes.Contains(head, []byte("services")) && services().Match(head) && part().Match(head) && !others().Match(head)
}

var (
	named    = lazy.Regexp(`^(?:(?:docker|podman)-)?compose[._-]|[._-](?:docker-)?compose\.ya?ml$|^compose\.ya?ml$`)
	services = lazy.Regexp(`(?m)^["']?services["']?[ \t]*:[ \t]+\{|^["']?services["']?[ \t]*:(?:[ \t]+[&!]\S*)*[ \t]*(?:#.*)?\r?\n(?:[ \t]*(?:#.*)?\r?\n)*[ \t]+["'\w.-]+[ \t]*:`)
	// Of what stands in braces only what stands in a service's own counts.
	part = lazy.Regexp(`(?m)^[ \t]+["']?(?:image|build|extends)["']?[ \t]*:|` +
		`^(?:["']?services["']?[ \t]*:[ \t]+\{[ \t]*|[ \t]+)["'\w.-]+[ \t]*:(?:[ \t]+[&!]\S*)*[ \t]+\{(?:[^{}\n]*[ \t,])?["']?(?:image|build|extends)["']?[ \t]*:`)
	// others have services too: Kubernetes, GitLab's and other CI.
	others = lazy.Regexp(`(?m)^(?:apiVersion|kind|stages|steps|jobs):`)
)

// Extract reads the file at p and what belongs to it. An override beside it is
// put over it, as Compose does.
func (e Extractor) Extract(fsys fs.FS, p string) (extract.Result, error) {
	r := &reader{
		fsys: fsys, root: e.Root, builds: dockerfile.Builds{FS: fsys}, files: map[string]*source{}, read: map[string]bool{}, claims: map[string]bool{},
		uses: map[place]string{}, assigned: map[place]assigned{}, envFiles: map[string]bool{}, made: map[string]bool{},
	}
	main, err := r.open(p)
	if err != nil {
		return extract.Result{}, err
	}
	r.valid(main)
	r.project(project{dir: path.Dir(p), env: r.environment(path.Dir(p), []string{".env"}, nil)}, r.parts(main))
	r.problems = append(r.problems, r.builds.Problems...)
	for _, name := range slices.Sorted(maps.Keys(r.files)) {
		for _, d := range r.files[name].docs {
			for _, e := range d.Problems() {
				r.problems = append(r.problems, yamlpos.Problem(name, e))
			}
		}
	}
	delete(r.claims, p)
	for _, c := range r.builds.Claims {
		r.claims[c], r.read[c] = true, true
	}
	delete(r.read, p)
	r.builtByOthers()
	r.keepTags()
	found := r.builds.Settle(r.refs)
	for i, f := range found {
		if f.Site != nil && r.files[f.Site.File] != nil && r.files[f.Site.File].noSites {
			found[i].Site = nil
		}
	}
	return extract.Result{
		Found: found, Problems: r.problems,
		Read: slices.Sorted(maps.Keys(r.read)), Claims: slices.Sorted(maps.Keys(r.claims)),
	}, nil
}

type reader struct {
	fsys     fs.FS
	root     string // the name of its folder
	builds   dockerfile.Builds
	files    map[string]*source
	read     map[string]bool
	claims   map[string]bool
	refs     []written.Reference
	problems []extract.Problem
	active   []string // files that are being included
	included int
	uses     map[place]string   // the texts that references are made of, as written
	assigned map[place]assigned // variables, by where their values are
	envFiles map[string]bool    // that containers have their environment from
	made     map[string]bool    // images that builds make; true: whatever is there already
	unpulled []unpulled         // what services run that does not say that it is pulled
}
