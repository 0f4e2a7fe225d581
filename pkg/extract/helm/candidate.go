package helm

import (
	"fmt"
	"strings"

	chart "helm.sh/helm/v4/pkg/chart/v2"

	"github.com/intact-dev/intact/pkg/extract"
	"github.com/intact-dev/intact/pkg/extract/internal/yamlpos"
	"github.com/intact-dev/intact/pkg/internal/lazy"
	"github.com/intact-dev/intact/pkg/ref"
)

type kind int

const (
	kindValue   kind = iota // of values
	kindVersion             // appVersion or version of a chart
	kindLiteral             // in a template
	kindAction              // in a line of a template that has an image
)

// A candidate is a text that an image may be made of.
type candidate struct {
	kind   kind
	file   *file
	text   string
	node   yamlpos.Node // of values and versions
	path   []any        // keys and indexes
	offset int          // in file.data, of literals and actions

	id   int
	mark string // what takes its place; "" = a mark is put behind its text
}

// Marks are versions to what compares versions, and no part of an image.
const markFormat = "+ix%04dx"

var (
	markForm = lazy.Regexp(`[+_.-]ix(\d{4})x`)
	maxMarks = 9999
)

func (c *candidate) marked() string {
	if c.mark != "" {
		return c.mark
	}
	return c.text + fmt.Sprintf(markFormat, c.id)
}

// put marks the values that the charts themselves have.
func (m marks) put(c *chart.Chart, files map[*byte]*file) {
	if m == nil {
		return
	}
	for _, raw := range c.Raw {
		if len(raw.Data) == 0 {
			continue
		}
		f := files[&raw.Data[0]]
		if f == nil {
			continue
		}
		switch raw.Name {
		case "values.yaml":
			m.values(f, c.Values)
		case chartFile:
			for _, x := range m {
				switch {
				case x.file != f || x.kind != kindVersion:
				case x.path[0] == "appVersion":
					c.Metadata.AppVersion = x.marked()
				default:
					c.Metadata.Version = x.marked()
				}
			}
		}
	}
	for _, d := range c.Dependencies() {
		m.put(d, files)
	}
}

// values marks those of a file.
func (m marks) values(f *file, values map[string]any) {
	for _, c := range m {
		if c.file == f && c.kind == kindValue {
			set(values, c.path, c.marked())
		}
	}
}

func set(at any, path []any, text string) {
	for i, step := range path {
		last := i == len(path)-1
		switch v := at.(type) {
		case map[string]any:
			key, _ := step.(string)
			if _, ok := v[key]; !ok {
				return
			}
			if last {
				v[key] = text
			}
			at = v[key]
		case []any:
			n, ok := step.(int)
			if !ok || n >= len(v) {
				return
			}
			if last {
				v[n] = text
			}
			at = v[n]
		default:
			return
		}
	}
}

// splice returns a template with marks behind its literals, and what has to stand
// behind its actions, by where they are then.
func (m marks) splice(f *file) (text string, after func(int) string) {
	var b strings.Builder
	last := 0
	actions := map[int]string{}
	for _, c := range m { // by offset
		if c.file != f {
			continue
		}
		mark := fmt.Sprintf(markFormat, c.id)
		switch c.kind {
		case kindLiteral:
			end := c.offset + len(c.text)
			if end < last {
				continue
			}
			b.Write(f.data[last:end])
			b.WriteString(mark)
			last = end
		case kindAction:
			actions[c.offset-last+b.Len()] = mark
		}
	}
	b.Write(f.data[last:])
	if len(actions) == 0 {
		return b.String(), nil
	}
	return b.String(), func(offset int) string { return actions[offset] }
}

// origin is where c is written.
func (c *candidate) origin() ref.Origin {
	if c.kind == kindValue || c.kind == kindVersion {
		if c.file.packed {
			return ref.Origin{Kind: "file", Where: c.file.path, Line: 1, Column: 1, Path: c.file.name + ": " + place(c.path)}
		}
		return c.node.Origin(c.file.path, place(c.path))
	}
	return c.file.place(c.offset)
}

// place is an offset in f as a place in the tree.
func (f *file) place(offset int) ref.Origin {
	if f.packed {
		return ref.Origin{Kind: "file", Where: f.path, Line: 1, Column: 1, Path: f.name}
	}
	before := string(f.data[:min(offset, len(f.data))])
	return ref.Origin{Kind: "file", Where: f.path, Line: 1 + strings.Count(before, "\n"), Column: len(before) - strings.LastIndexByte(before, '\n')}
}

// part is where a part of c's text can be changed; nil if it can't.
func (c *candidate) part(style extract.Style, from, to int) *extract.Site {
	switch {
	case c.file.packed:
		return nil
	case c.kind == kindValue || c.kind == kindVersion:
		return c.node.Part(c.file.path, style, from, to)
	case c.kind == kindLiteral:
		start := c.offset + len(c.file.was) - len(c.file.data)
		if len(c.file.was) == 0 {
			return nil
		}
		return &extract.Site{File: c.file.path, Start: start + from, End: start + to, Style: style}
	}
	return nil
}

func (c *candidate) ignored() []extract.Ignore {
	if c.kind == kindValue || c.kind == kindVersion {
		return c.node.Ignored()
	}
	return c.file.ignored(c.offset)
}

// ignored are the comments of YAML at the end of a template's line and right
// above it.
func (f *file) ignored(offset int) (out []extract.Ignore) {
	lines := strings.Split(string(f.data), "\n")
	at := strings.Count(string(f.data[:offset]), "\n")
	for n := at; n >= 0; n-- {
		before, comment, ok := strings.Cut(lines[n], "#")
		if n < at && (!ok || strings.TrimSpace(before) != "") {
			break
		}
		if i, is := yamlpos.ParseIgnore(comment); ok && is {
			i.Line = n + 1
			out = append(out, i)
		}
	}
	return out
}

func place(path []any) string {
	var b strings.Builder
	for _, s := range path {
		switch s := s.(type) {
		case int:
			fmt.Fprintf(&b, "[%d]", s)
		case string:
			if b.Len() > 0 {
				b.WriteByte('.')
			}
			b.WriteString(s)
		}
	}
	return b.String()
}
