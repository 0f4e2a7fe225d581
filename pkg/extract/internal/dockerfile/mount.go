package dockerfile

import (
	"encoding/csv"
	"strings"

	"github.com/moby/buildkit/frontend/dockerfile/parser"

	"github.com/intact-dev/intact/pkg/extract/internal/written"
	"github.com/intact-dev/intact/pkg/ref"
)

// mountFrom returns the field from of a mount, a line of comma-separated values.
func (r *reader) mountFrom(mount written.Text, line int) (from written.Text, ok bool) {
	for _, field := range r.fields(mount, line) {
		key, _, hasValue := strings.Cut(field.String(), "=")
		if hasValue && strings.EqualFold(key, "from") { // the last counts
			from, ok = field.Slice(len(key)+1, field.Len()), true
		}
	}
	return from, ok
}

func (r *reader) fields(t written.Text, line int) []written.Text {
	s := t.String()
	c := csv.NewReader(strings.NewReader(s))
	values, err := c.Read()
	var out []written.Text
	if err != nil {
		r.problemAt(t, line, "a mount that is no list of values: %v", err)
		for part := range strings.SplitSeq(s, ",") {
			out = append(out, written.Made(part))
		}
		return out
	}
	for i, value := range values {
		_, column := c.FieldPos(i)
		start := column - 1
		if start < len(s) && s[start] == '"' {
			start++
		}
		if end := start + len(value); end <= len(s) && s[start:end] == value {
			out = append(out, t.Slice(start, end))
		} else {
			out = append(out, written.Made(value)) // quotes within quotes
		}
	}
	return out
}

// syntax finds the image that reads the file instead of the builder's own
// parser: that is what the first lines may ask for.
//
// https://docs.docker.com/reference/dockerfile/#syntax
func (r *reader) syntax() {
	if v, ok := r.build.Args["BUILDKIT_SYNTAX"]; ok {
		r.syntaxFound(v, 0)
		return
	}
	name, _, where, ok := parser.DetectSyntax(r.file.Data)
	if !ok {
		return
	}
	line := 1
	if len(where) > 0 {
		line = max(1, where[0].Start.Line)
	}
	start, end := r.file.Line(line)
	text := string(r.file.Data[start:end])
	at := strings.IndexByte(text, '=') + 1
	i := strings.Index(text[at:], name)
	if i < 0 { // JSON
		at, i = 0, strings.Index(string(r.file.Data[start:]), name)
	}
	if i < 0 {
		r.syntaxFound(written.Known(written.Made(name)), start)
		return
	}
	start += at + i
	r.syntaxFound(written.Known(r.file.Text(start, start+len(name))), start)
}

func (r *reader) syntaxFound(v written.Value, offset int) {
	f := v.Found(ref.KindImage, written.Use{File: r.file, Offset: offset, Path: "syntax"})
	r.found = append(r.found, written.Reference{Found: f, Text: v.Text})
}

// CacheRef returns what an entry of cache-from names in a registry: "type=registry,
// ref=a:1", or the reference alone.
//
// https://docs.docker.com/build/cache/backends/registry/
func CacheRef(t written.Text) (written.Text, bool) {
	if t.Len() == 0 || !strings.Contains(t.String(), "=") {
		return t, t.Len() > 0
	}
	kind, name := "", written.Text{}
	for at, rest := 0, t.String(); rest != ""; {
		field, _, _ := strings.Cut(rest, ",")
		key, value, _ := strings.Cut(field, "=")
		switch key {
		case "type":
			kind = value
		case "ref":
			name = t.Slice(at+len("ref="), at+len(field))
		}
		at = min(at+len(field)+1, t.Len())
		rest = t.String()[at:]
	}
	return name, kind == "registry" && name.Len() > 0
}
