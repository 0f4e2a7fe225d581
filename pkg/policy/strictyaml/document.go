// Package strictyaml reads YAML documents strictly into Go values: an unknown
// or duplicate key, a second document, a wrong type, an empty list where
// something must be said, is an error with its file, line and column. It is
// pure.
//
// A struct's fields are bound by tags:
//
//	yaml:"name"       the key; "-" = none
//	required:"true"   the key must be there
//	enum:"a|b"        a text must be one of these; of a list or mapping, each value
//	pattern:"^\d+$"   a text must match; of a list or mapping, each value
//	empty:"ok"        an empty list or mapping is accepted
//	doc:"…"           what it is, for the JSON Schema
package strictyaml

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strconv"

	"github.com/intact-dev/intact/pkg/internal/lazy"
	"go.yaml.in/yaml/v3"
)

// Limits of one document. Policies in use are a few kilobytes; the counts keep
// an alias bomb (a few hundred bytes that expand to billions of nodes) short.
const (
	MaxSize  = 1 << 20 // bytes
	maxNodes = 100_000 // visited, aliases counted each time
	maxDepth = 32
)

// A Document is a decoded file that still knows where everything stood.
type Document struct {
	File string
	root *yaml.Node
}

// An Unmarshaler reads itself from a node. The error is a message without a
// place.
type Unmarshaler interface {
	UnmarshalNode(n *yaml.Node) error
}

// Decode reads the one document in data into out, a pointer to a struct. file
// is used in messages only. The error is of type [Errors].
func Decode(file string, data []byte, out any) (*Document, error) {
	doc := &Document{File: file}
	if len(data) > MaxSize {
		return nil, Errors{doc.errorAt(nil, "%d bytes are more than the limit of %d", len(data), MaxSize)}
	}
	dec := yaml.NewDecoder(bytes.NewReader(data))
	var first, second yaml.Node
	switch err := dec.Decode(&first); {
	case errors.Is(err, io.EOF):
		return nil, Errors{doc.errorAt(&yaml.Node{Line: 1, Column: 1}, "the file is empty; expected a mapping")}
	case err != nil:
		return nil, Errors{doc.syntaxError(data, err)}
	}
	switch err := dec.Decode(&second); {
	case errors.Is(err, io.EOF):
	case err != nil:
		return nil, Errors{doc.syntaxError(data, err)}
	default:
		return nil, Errors{doc.errorAt(&second, "a second document; expected one document in the file")}
	}
	if first.Kind != yaml.DocumentNode || len(first.Content) != 1 {
		return nil, Errors{doc.errorAt(&first, "no document; expected a mapping")}
	}
	doc.root = first.Content[0]
	d := &decoder{doc: doc}
	d.decodeRoot(doc.root, out)
	if err := d.errs.Err(); err != nil {
		return nil, err
	}
	return doc, nil
}

// Pos returns the place of the value at path, whose parts are keys (string) and
// indexes (int). If there is no such value, it is that of the nearest one above.
func (d *Document) Pos(path ...any) Pos { return d.pos(d.find(path)) }

// Errorf returns an error about the value at path.
func (d *Document) Errorf(path []any, format string, args ...any) *Error {
	return d.errorAt(d.find(path), format, args...)
}

func (d *Document) find(path []any) *yaml.Node {
	n := resolve(d.root)
	for _, part := range path {
		next := step(n, part)
		if next == nil {
			return n
		}
		n = next
	}
	return n
}

func step(n *yaml.Node, part any) *yaml.Node {
	switch part := part.(type) {
	case int:
		if n.Kind == yaml.SequenceNode && part < len(n.Content) {
			return resolve(n.Content[part])
		}
	case string:
		for i := 0; n.Kind == yaml.MappingNode && i+1 < len(n.Content); i += 2 {
			if n.Content[i].Value == part {
				return resolve(n.Content[i+1])
			}
		}
	}
	return nil
}

func resolve(n *yaml.Node) *yaml.Node {
	if n.Kind == yaml.AliasNode && n.Alias != nil {
		return n.Alias
	}
	return n
}

func (d *Document) pos(n *yaml.Node) Pos {
	if n == nil {
		return Pos{File: d.File}
	}
	return Pos{File: d.File, Line: max(n.Line, 1), Column: max(n.Column, 1)}
}

func (d *Document) errorAt(n *yaml.Node, format string, args ...any) *Error {
	return &Error{Pos: d.pos(n), Msg: fmt.Sprintf(format, args...)}
}

// The YAML library counts the lines of these errors from 0 and those of all
// others from 1.
var countedFromZero = lazy.Regexp(
	`^did not find expected (?:<(?:stream-start|document start)>|node content|'-' indicator|key|',' or '[\]}]')$`)

var syntaxLine = lazy.Regexp(`^yaml: (?:line (\d+): )?(.*)`)

// syntaxError takes the line out of the parser's message. It knows no column,
// so 1 stands for the whole line.
func (d *Document) syntaxError(data []byte, err error) *Error {
	n := &yaml.Node{Line: 1, Column: 1}
	text := err.Error()
	if m := syntaxLine().FindStringSubmatch(text); m != nil {
		if line, err := strconv.Atoi(m[1]); err == nil {
			n.Line = line
		}
		text = m[2]
		if m[1] != "" && countedFromZero().MatchString(text) {
			n.Line++
		}
		// It takes the end of the file for a line of its own.
		n.Line = min(n.Line, 1+bytes.Count(bytes.TrimSuffix(data, []byte("\n")), []byte("\n")))
	}
	return d.errorAt(n, "not valid YAML: %s", text)
}
