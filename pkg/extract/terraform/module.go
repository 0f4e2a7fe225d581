package terraform

import (
	"bytes"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"

	"github.com/intact-dev/intact/pkg/extract"
	"github.com/intact-dev/intact/pkg/extract/internal/resource"
	"github.com/intact-dev/intact/pkg/extract/internal/written"
	"github.com/intact-dev/intact/pkg/fact"
	"github.com/intact-dev/intact/pkg/internal/limits"
	"github.com/intact-dev/intact/pkg/ref"
)

// A source is one parsed file.
type source struct {
	*written.File
	body     *hclsyntax.Body
	problems []extract.Problem
	ignores  map[int][]extract.Ignore // by the line that they are for; nil = none
}

// A module is what the files of one folder say together.
type module struct {
	dir       string
	files     []*source
	variables map[string]*hclsyntax.Block
	locals    map[string]*hclsyntax.Attribute
	outputs   map[string]*hclsyntax.Block
	calls     map[string]*hclsyntax.Block
	resources map[string]*hclsyntax.Block // by address: "docker_image.app", "data.aws_ami.base"
}

// maxFile bounds a file of HCL, whose parser goes one call deeper with each
// bracket; those that people write have some kilobytes.
const maxFile = 1 << 20

// parse reads one file. What is broken in it is left out and told.
func (e *evaluation) parse(p string) (*source, error) {
	if s, ok := e.sources[p]; ok {
		return s, nil
	}
	b, err := extract.ReadFile(e.fsys, p)
	if err != nil {
		return nil, err
	}
	if strings.HasSuffix(p, ".json") {
		f := written.NewFile(p, b)
		e.files[p] = f
		s, err := e.parseJSON(f, strings.HasSuffix(p, ".tfvars.json"))
		if err != nil {
			return nil, err
		}
		e.sources[p] = s
		return s, nil
	}
	if len(b) > maxFile {
		return nil, fmt.Errorf("read %q: %w", p, &limits.ExceededError{What: "size of a file of HCL", Limit: maxFile})
	}
	if err := nesting(b, p); err != nil {
		return nil, err
	}
	s := &source{File: written.NewFile(p, b)}
	f, diags := hclsyntax.ParseConfig(b, p, hcl.InitialPos)
	s.body, _ = f.Body.(*hclsyntax.Body)
	for _, d := range diags {
		if d.Severity == hcl.DiagError {
			s.problems = append(s.problems, problem(p, d))
		}
	}
	if s.body == nil {
		s.body = &hclsyntax.Body{}
	}
	s.ignores = ignores(s.File)
	e.sources[p], e.files[p] = s, s.File
	return s, nil
}

func problem(p string, d *hcl.Diagnostic) extract.Problem {
	o := ref.Origin{Kind: "file", Where: p}
	if d.Subject != nil {
		o.Line, o.Column = d.Subject.Start.Line, max(1, d.Subject.Start.Column)
	}
	return extract.Problem{Origin: o, Cause: fact.Unsupported, Why: "not valid HCL: " + strings.TrimSuffix(d.Summary+"; "+d.Detail, "; ")}
}

// load reads the files of a folder; one that cannot be read is a problem of its own
// result.
func (e *evaluation) load(dir string) (*module, error) {
	if m, ok := e.modules[dir]; ok {
		return m, nil
	}
	entries, err := fs.ReadDir(e.fsys, dir)
	if err != nil {
		return nil, fmt.Errorf("read folder %q: %w", dir, err)
	}
	m := &module{dir: dir, variables: map[string]*hclsyntax.Block{}, locals: map[string]*hclsyntax.Attribute{}, outputs: map[string]*hclsyntax.Block{},
		calls: map[string]*hclsyntax.Block{}, resources: map[string]*hclsyntax.Block{}}
	e.modules[dir] = m
	var overrides []*source
	for _, d := range entries {
		if d.IsDir() || !config(d.Name()) {
			continue
		}
		s, err := e.parse(path.Join(dir, d.Name()))
		if err != nil {
			e.unread(path.Join(dir, d.Name()), err)
			continue
		}
		e.read[s.Path] = true
		if base, _, _ := strings.Cut(path.Base(s.Path), "."); base == "override" || strings.HasSuffix(base, "_override") {
			overrides = append(overrides, s)
			continue
		}
		m.files = append(m.files, s)
		m.add(s)
	}
	for _, s := range overrides {
		m.override(s)
		m.files = append(m.files, s)
	}
	return m, nil
}

func config(name string) bool {
	name = strings.TrimSuffix(name, ".json")
	return !strings.HasPrefix(name, ".") && (strings.HasSuffix(name, ".tf") || strings.HasSuffix(name, ".tofu"))
}

// isValues reports whether a file has values of variables.
func isValues(name string) bool {
	return strings.HasSuffix(strings.TrimSuffix(name, ".json"), ".tfvars")
}

func (m *module) add(s *source) {
	for _, b := range s.body.Blocks {
		switch {
		case b.Type == "locals":
			for name, a := range b.Body.Attributes {
				m.locals[name] = a
			}
		case b.Type == "variable" && len(b.Labels) == 1:
			m.variables[b.Labels[0]] = b
		case b.Type == "output" && len(b.Labels) == 1:
			m.outputs[b.Labels[0]] = b
		case b.Type == "module" && len(b.Labels) == 1:
			m.calls[b.Labels[0]] = b
		case (b.Type == "resource" || b.Type == "data") && len(b.Labels) == 2:
			m.resources[address(b)] = b
		}
	}
}

// override merges a file of overrides: the arguments that it has replace those of
// the block of the same name.
//
// https://developer.hashicorp.com/terraform/language/files/override
func (m *module) override(s *source) {
	for _, b := range s.body.Blocks {
		var old *hclsyntax.Block
		switch {
		case b.Type == "locals":
			for name, a := range b.Body.Attributes {
				m.locals[name] = a
			}
		case b.Type == "variable" && len(b.Labels) == 1:
			old = m.variables[b.Labels[0]]
		case b.Type == "module" && len(b.Labels) == 1:
			old = m.calls[b.Labels[0]]
		case (b.Type == "resource" || b.Type == "data") && len(b.Labels) == 2:
			old = m.resources[address(b)]
		}
		if old == nil {
			continue
		}
		for name, a := range b.Body.Attributes {
			old.Body.Attributes[name] = a
		}
		for _, nested := range b.Body.Blocks {
			old.Body.Blocks = slices.DeleteFunc(old.Body.Blocks, func(o *hclsyntax.Block) bool { return o.Type == nested.Type })
		}
		old.Body.Blocks = append(old.Body.Blocks, b.Body.Blocks...)
	}
}

func address(b *hclsyntax.Block) string {
	a := b.Labels[0] + "." + b.Labels[1]
	if b.Type == "data" {
		a = "data." + a
	}
	return a
}

// ignores finds the comments that want checks silenced: behind what they are for,
// or on lines of their own above it.
func ignores(f *written.File) map[int][]extract.Ignore {
	if !bytes.Contains(f.Data, []byte("intact:ignore")) {
		return nil
	}
	out := map[int][]extract.Ignore{}
	tokens, _ := hclsyntax.LexConfig(f.Data, f.Path, hcl.InitialPos)
	var above []extract.Ignore // on the lines right above
	last, lastCode := 0, 0
	for _, t := range tokens {
		line := t.Range.Start.Line
		if t.Type == hclsyntax.TokenNewline {
			continue
		}
		if t.Type != hclsyntax.TokenComment {
			if len(above) > 0 && line == last+1 {
				out[line] = append(above, out[line]...)
			}
			above, lastCode = nil, t.Range.End.Line
			continue
		}
		text := strings.TrimLeft(strings.TrimSpace(string(t.Bytes)), "#/*")
		i, ok := written.ParseIgnore(strings.TrimSuffix(text, "*/"), line)
		switch {
		case ok && line == lastCode:
			out[line] = append(out[line], i)
		case ok && (len(above) == 0 || line == last+1):
			above, last = append(above, i), line
		default:
			above = nil
		}
	}
	return out
}

// at returns the place where a range begins.
func (e *evaluation) at(r hcl.Range) resource.Place {
	f := e.files[r.Filename]
	if f == nil {
		return resource.Place{Offset: -1}
	}
	return resource.At(f, min(r.Start.Byte, len(f.Data)))
}

func (e *evaluation) ignored(r hcl.Range) []extract.Ignore {
	if s := e.sources[r.Filename]; s != nil {
		return s.ignores[r.Start.Line]
	}
	return nil
}
