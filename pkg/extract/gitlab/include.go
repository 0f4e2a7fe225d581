package gitlab

import (
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/bmatcuk/doublestar/v4"

	"github.com/intact-dev/intact/pkg/extract/internal/written"
	"github.com/intact-dev/intact/pkg/extract/internal/yamlpos"
	"github.com/intact-dev/intact/pkg/ref"
)

// Inputs are the values that a file is included with.
type inputs struct {
	given    yamlpos.Node
	givenIn  *inputs // those of the file that gives them
	declared yamlpos.Node
}

// maxIncludes is how many includes a pipeline has at most.
//
// https://docs.gitlab.com/ci/yaml/#include
const maxIncludes = 150

// include puts the file at q below what is there, and what it includes below
// that. given are its inputs. chain are the files that led here.
func (p *pipeline) include(q string, given *inputs, chain []string) error {
	f, err := p.e.r.Open(q)
	if err != nil {
		return err
	}
	in := given
	if in == nil {
		in = &inputs{}
	}
	roots := f.Roots()
	if len(roots) > 1 && !roots[0].Get("spec").IsZero() {
		in.declared = roots[0].Get("spec", "inputs")
		roots = roots[1:]
	}
	chain = append(chain[:len(chain):len(chain)], q)
	for _, root := range roots {
		p.root = append(p.root, layer{n: root, in: in})
		// Of two includes the later one counts.
		all := layer{n: root.Get("include"), at: "include", in: in}.oneOrMore()
		for i := len(all) - 1; i >= 0; i-- {
			p.included(all[i], chain)
		}
	}
	return nil
}

// included follows one include.
func (p *pipeline) included(l layer, chain []string) {
	if p.includes++; p.includes > maxIncludes {
		if p.includes == maxIncludes+1 {
			p.e.r.Limit(l.n, l.at, "includes of a pipeline", maxIncludes)
		}
		return
	}
	target, is := l.n, "local"
	if l.n.IsMap() {
		for _, is = range []string{"local", "remote", "template", "project", "component", "artifact", ""} {
			if target = l.n.Get(is); !target.IsZero() {
				break
			}
		}
	}
	s, ok := target.Text()
	if !ok {
		p.problem(l, "an include names a file; this names none")
		return
	}
	if strings.Contains(s, "://") {
		is = "remote"
	}
	if is != "local" {
		p.elsewhere(l, target, fmt.Sprintf("the include of %s %q is not here", is, s))
		return
	}
	if strings.Contains(s, "$") {
		p.elsewhere(l, target, fmt.Sprintf("which file the include %q names is not evaluated", s))
		return
	}
	for _, q := range p.files(l, s) {
		if slices.Contains(chain, q) {
			p.problem(layer{n: target, at: l.at, in: l.in}, fmt.Sprintf("the include %q includes itself", s))
			continue
		}
		if err := p.include(q, &inputs{given: l.n.Get("inputs"), givenIn: l.in}, chain); err != nil {
			p.elsewhere(l, target, fmt.Sprintf("the include %q is not here", s))
			continue
		}
		p.e.r.Claim(q)
	}
}

// elsewhere says that images may be named where they can't be read.
func (p *pipeline) elsewhere(l layer, target yamlpos.Node, why string) {
	p.e.r.Add(target, l.at, ref.KindImage, written.Unknown(p.e.r.Text(target), "%s", why))
}

// files are those that a local include names, which may be a pattern.
func (p *pipeline) files(l layer, s string) []string {
	q := p.e.local(s)
	if !strings.ContainsAny(s, "*") {
		return []string{q}
	}
	all, err := doublestar.Glob(p.e.fsys, q, doublestar.WithFilesOnly(), doublestar.WithNoFollow())
	if err != nil || len(all) == 0 {
		p.elsewhere(l, l.n, fmt.Sprintf("no file is named as the include %q wants", s))
		return nil
	}
	var out []string
	for _, q := range all {
		if ext := path.Ext(q); ext == ".yml" || ext == ".yaml" {
			out = append(out, q)
		}
	}
	slices.Sort(out)
	slices.Reverse(out)
	return out
}
