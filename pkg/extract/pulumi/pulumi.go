// Package pulumi finds the images in programs of Pulumi that are written in YAML,
// and in what "pulumi preview --json" and "pulumi stack export" print of any
// program.
//
// https://www.pulumi.com/docs/iac/languages-sdks/yaml/yaml-language-reference/
package pulumi

import (
	"bytes"
	"fmt"
	"io/fs"
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/intact-dev/intact/pkg/extract"
	"github.com/intact-dev/intact/pkg/extract/internal/resource"
	"github.com/intact-dev/intact/pkg/extract/internal/written"
	"github.com/intact-dev/intact/pkg/extract/internal/yamlpos"
	"github.com/intact-dev/intact/pkg/fact"
)

// An Extractor reads Pulumi.yaml, Main.yaml, previews and exports.
type Extractor struct{}

// Match goes by the name, and for previews and exports by their words.
func (Extractor) Match(p string, head []byte) bool {
	switch base := path.Base(p); {
	case isProject(base):
		return true
	case base == "Main.yaml" || base == "Main.yml":
		return bytes.Contains(head, []byte("resources:")) || yamlpos.UTF16(head)
	case strings.HasSuffix(base, ".json"):
		return bytes.Contains(head, []byte(`"urn:pulumi:`)) ||
			bytes.Contains(head, []byte(`"deployment"`)) && bytes.Contains(head, []byte(`"manifest"`))
	}
	return false
}

func isProject(base string) bool { return base == "Pulumi.yaml" || base == "Pulumi.yml" }

// Extract reads one file. A program is read once for each stack that has a file of
// its own, with the values that this gives it.
func (Extractor) Extract(fsys fs.FS, p string) (extract.Result, error) {
	if strings.HasSuffix(p, ".json") {
		return readJSON(fsys, p)
	}
	file, docs, problems, err := open(fsys, p)
	if err != nil {
		return extract.Result{}, err
	}
	out := extract.Result{Problems: problems}
	if len(docs) == 0 {
		return out, nil
	}
	prog := &program{fsys: fsys, file: file, root: docs[0].Root(), main: file}
	prog.project = prog.root
	if !isProject(path.Base(p)) {
		if err := prog.openProject(&out); err != nil {
			return extract.Result{}, err
		}
	}
	stacks, err := stackFiles(fsys, path.Dir(p))
	if err != nil {
		return extract.Result{}, err
	}
	if len(stacks) == 0 {
		stacks = []string{""}
	}
	sink := &resource.Sink{} // one for all, as they may be made of the same bytes
	for _, s := range stacks {
		problems, read := prog.run(s, sink)
		out.Problems = append(out.Problems, problems...)
		out.Read = append(out.Read, read...)
	}
	r := sink.Result()
	out.Objects, out.Problems = r.Objects, append(r.Problems, out.Problems...)
	for _, d := range docs {
		for _, err := range d.Problems() {
			out.Problems = append(out.Problems, yamlpos.Problem(p, err))
		}
	}
	out.Found = resource.Compact(r.Found, func(f extract.Found) string {
		return fmt.Sprint(f.Kind, f.Raw, f.Unresolved, f.Origin, f.Workload, f.Container)
	})
	out.Objects = resource.Compact(out.Objects, func(o extract.Object) string { return fmt.Sprint(o.Origin, o.Fact) })
	out.Problems = resource.Compact(out.Problems, func(p extract.Problem) string { return fmt.Sprint(p) })
	slices.Sort(out.Read)
	out.Read = slices.Compact(out.Read)
	return out, nil
}

// open reads the documents of a file.
func open(fsys fs.FS, p string) (*written.File, []*yamlpos.Doc, []extract.Problem, error) {
	data, err := extract.ReadFile(fsys, p)
	if err != nil {
		return nil, nil, nil, err
	}
	f, perr := yamlpos.Open(data)
	if perr != nil {
		return nil, nil, nil, perr
	}
	var docs []*yamlpos.Doc
	var problems []extract.Problem
	for d, err := range f.Docs(nil) {
		if err != nil {
			problems = append(problems, yamlpos.Problem(p, err))
			continue
		}
		docs = append(docs, d)
	}
	return written.NewFile(p, data), docs, problems, nil
}

// openProject reads the project that a program in a file of its own belongs to.
func (p *program) openProject(out *extract.Result) error {
	for _, name := range []string{"Pulumi.yaml", "Pulumi.yml"} {
		at := path.Join(path.Dir(p.file.Path), name)
		if _, err := fs.Stat(p.fsys, at); err != nil {
			continue
		}
		file, docs, _, err := open(p.fsys, at) // its problems are told by itself
		if err != nil {
			return err
		}
		out.Read = append(out.Read, at)
		if len(docs) > 0 {
			p.project, p.main = docs[0].Root(), file
		}
	}
	return nil
}

// stackFiles are the files with the values of a stack: Pulumi.prod.yaml.
func stackFiles(fsys fs.FS, dir string) ([]string, error) {
	entries, err := fs.ReadDir(fsys, dir)
	if err != nil {
		return nil, fmt.Errorf("read folder %q: %w", dir, err)
	}
	var out []string
	for _, d := range entries {
		name := d.Name()
		if rest, ok := strings.CutPrefix(name, "Pulumi."); ok && !d.IsDir() && !isProject(name) && (strings.HasSuffix(rest, ".yaml") || strings.HasSuffix(rest, ".yml")) {
			out = append(out, path.Join(dir, name))
		}
	}
	return out, nil
}

// run reads the program with the values of a stack; "" = with its defaults alone.
func (p *program) run(stack string, s *resource.Sink) (problems []extract.Problem, read []string) {
	r := &run{program: p, sink: s, stack: map[string]*resource.Value{}, known: map[string]*resource.Value{}, invoked: map[[2]int]bool{}}
	var roots []*yamlpos.Doc // of the stack
	if stack != "" {
		read = append(read, stack)
		file, docs, wrong, err := open(p.fsys, stack)
		problems = wrong
		if err != nil {
			s.Problem(resource.Place{File: written.NewFile(stack, nil)}, "", fact.Unsupported, err.Error())
		}
		for _, d := range docs {
			r.values(resource.YAML{File: file}, d.Root().Get("config"))
		}
		roots = append(roots, docs...)
		base := path.Base(stack)
		r.name = strings.TrimSuffix(strings.TrimPrefix(base, "Pulumi."), path.Ext(base))
	}
	r.read()
	s.KeepTags(func(site *extract.Site) *resource.Definition {
		switch site.File {
		case stack:
			for _, d := range roots {
				if c := p.configOf(d.Root(), site); c != nil {
					return c
				}
			}
		case p.main.Path:
			return p.configOf(p.project, site)
		case p.file.Path:
			return p.configOf(p.root, site)
		}
		return nil
	})
	return problems, read
}

// configOf is the configuration in root in whose value or default the bytes of a
// site stand.
func (p *program) configOf(root yamlpos.Node, s *extract.Site) *resource.Definition {
	for _, key := range []string{"config", "configuration"} {
		for k, v := range root.Get(key).Fields() {
			for _, n := range []yamlpos.Node{v, v.Get("default"), v.Get("value")} {
				if at := n.Pos(); at.Exact() && at.Start <= s.Start && s.End <= at.End {
					name := k.String()
					name = regexp.QuoteMeta(name[strings.LastIndexByte(name, ':')+1:])
					return &resource.Definition{Uses: `\$\{(?:[\w-]+:)?` + name + `\s*\}`, Files: []*written.File{p.file}}
				}
			}
		}
	}
	return nil
}
