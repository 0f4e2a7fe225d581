package checks

import (
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/intact-dev/intact/pkg/fact"
)

// siblings is how many directories of one parent get mounts of their own before
// the parent gets one.
const siblings = 4

// written plans for what the container was seen to write, and returns that, and
// whether all was seen.
func (p *planner) written() (files []string, whole bool) {
	c := p.s.Changes
	switch c.State {
	case fact.Absent: // nothing runs yet
		return nil, false
	case fact.Unknown:
		p.Unknown = append(p.Unknown, "what it writes while it runs: "+orElse(c.Why, "nobody looked"))
		return nil, false
	}
	code, stuck, in := map[string][]string{}, map[string][]string{}, map[string][]string{}
	whole = true
	for _, part := range c.Parts {
		if part.State != fact.Known {
			p.Unknown = append(p.Unknown, "some of what it writes while it runs: "+part.Why)
			whole = false
			continue
		}
		file := cleanPath(part.V.Path)
		if p.provided(file) {
			continue
		}
		switch part.V.Kind {
		case fact.FileExecutable, fact.FileLibrary, fact.FileScript:
			what := orElse(part.V.What, "changed")
			code[what] = append(code[what], file)
			continue
		}
		dir, against := p.within(file)
		if against != "" {
			stuck[against] = append(stuck[against], file)
			continue
		}
		files = append(files, file)
		in[dir] = append(in[dir], file)
	}
	for _, what := range sortedKeys(code) {
		p.Against = append(p.Against, "it changes its own code: "+some(code[what])+" "+what)
	}
	for _, against := range sortedKeys(stuck) {
		p.Against = append(p.Against, "it writes "+some(stuck[against])+" "+against)
	}
	p.gathered(in)
	return files, whole
}

// gathered plans a mount for each directory that was written, or for the parent
// of many.
func (p *planner) gathered(written map[string][]string) {
	for {
		children := map[string][]string{}
		for dir := range written {
			children[path.Dir(dir)] = append(children[path.Dir(dir)], dir)
		}
		merged := false
		for _, parent := range sortedKeys(children) {
			_, both := written[parent]
			// A directory of the root holds too much to be replaced for what is below it.
			many := len(children[parent]) > siblings && path.Dir(parent) != "/"
			if parent == "/" || !both && !many || p.codeAt(parent) != "" {
				continue
			}
			for _, dir := range children[parent] {
				written[parent] = append(written[parent], written[dir]...)
				delete(written, dir)
			}
			merged = true
		}
		if !merged {
			break
		}
	}
	for _, dir := range sortedKeys(written) {
		p.need(dir, "it was seen to write "+some(written[dir]), -1)
	}
}

func sortedKeys(m map[string][]string) []string {
	var out []string
	for k := range m {
		out = append(out, k)
	}
	slices.Sort(out)
	return out
}

// some names a few of paths and counts the others.
func some(paths []string) string {
	slices.Sort(paths)
	var names []string
	for _, f := range paths[:min(len(paths), listed)] {
		names = append(names, show(f))
	}
	text := strings.Join(names, ", ")
	if n := len(paths) - listed; n > 0 {
		text += fmt.Sprintf(" and %s more", thousands(n))
	}
	return text
}
