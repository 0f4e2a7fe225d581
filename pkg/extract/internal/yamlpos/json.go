package yamlpos

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"

	"github.com/intact-dev/intact/pkg/extract"
)

// JSON is nearly YAML: surrogate pairs of escapes and one value after the other
// are not. So it has its own reader, which makes the same nodes.

// jsonStart returns where JSON would begin in text, -1 if there can be none.
func jsonStart(text []byte) int {
	at := len(text) - len(bytes.TrimLeft(text, " \t\r\n"))
	if rest := text[at:]; marker(firstLine(rest), "---") {
		at += 3
		at += len(text[at:]) - len(bytes.TrimLeft(text[at:], " \t\r\n"))
	}
	if at < len(text) && (text[at] == '{' || text[at] == '[') {
		return at
	}
	return -1
}

// jsonObject reports whether text is JSON rather than a flow of YAML or a
// template, so that an error of the reader of JSON is the better one.
func jsonObject(text []byte) bool {
	rest := bytes.TrimLeft(text[1:], " \t\r\n")
	return text[0] == '{' && len(rest) > 0 && rest[0] == '"'
}

func firstLine(text []byte) []byte {
	line, _, _ := bytes.Cut(text, []byte("\n"))
	return line
}

// A jsonReader makes nodes of tokens. at is how far it has read, and line and
// column are where that is, as the reader of YAML counts them.
type jsonReader struct {
	doc          *Doc
	dec          *json.Decoder
	base, at     int
	line, column int
}

// maxJSONDepth is what the reader of YAML allows too.
const maxJSONDepth = 10_000

var errDeep = errors.New("values are nested too deep")

// parseJSON returns the values in d's text from an offset on; those before an
// error as well.
func (d *Doc) parseJSON(from int) (docs []*Doc, failed *extract.PositionError) {
	r := &jsonReader{doc: d, base: from, line: 1, column: 1}
	r.dec = json.NewDecoder(bytes.NewReader(d.text[from:]))
	r.dec.UseNumber()
	r.seek(from)
	for {
		n, err := r.value(0)
		switch {
		case errors.Is(err, io.EOF):
			return docs, nil
		case err != nil:
			return docs, r.fail(err)
		}
		docs = append(docs, d.with(n))
	}
}

func (r *jsonReader) fail(err error) *extract.PositionError {
	at := r.base + int(r.dec.InputOffset())
	if syntax := (*json.SyntaxError)(nil); errors.As(err, &syntax) {
		at = max(at, r.base+int(syntax.Offset)-1)
	}
	if errors.Is(err, io.ErrUnexpectedEOF) {
		at = len(r.doc.text)
	}
	if bytes.Contains(r.doc.text, []byte("{{")) {
		err = fmt.Errorf("%w%s", err, templateHint)
	}
	return r.doc.errorAt(min(at, len(r.doc.text)), fmt.Errorf("not valid JSON: %w", err))
}

// seek moves on to an offset of the document's text.
func (r *jsonReader) seek(to int) {
	text := r.doc.text
	for r.at < to {
		c, n := utf8.DecodeRune(text[r.at:])
		r.at += n
		if lineBreak(c) && !(c == '\r' && r.at < len(text) && text[r.at] == '\n') {
			r.line, r.column = r.line+1, 1
			continue
		}
		r.column++
	}
}

// value reads one value. io.EOF means that there is none.
func (r *jsonReader) value(depth int) (*yaml.Node, error) {
	before := r.base + int(r.dec.InputOffset())
	tok, err := r.dec.Token()
	if err != nil {
		if depth > 0 && errors.Is(err, io.EOF) {
			err = io.ErrUnexpectedEOF
		}
		return nil, err
	}
	for before < len(r.doc.text) && bytes.IndexByte([]byte(" \t\r\n,:"), r.doc.text[before]) >= 0 {
		before++
	}
	r.seek(before)
	n := &yaml.Node{Kind: yaml.ScalarNode, Line: r.line, Column: r.column}
	switch v := tok.(type) {
	case json.Delim:
		if depth == maxJSONDepth {
			return nil, errDeep
		}
		n.Kind, n.Tag, n.Style = yaml.MappingNode, "!!map", yaml.FlowStyle
		if v == '[' {
			n.Kind, n.Tag = yaml.SequenceNode, "!!seq"
		}
		for r.dec.More() {
			child, err := r.value(depth + 1)
			if err != nil {
				return nil, err
			}
			n.Content = append(n.Content, child)
		}
		if _, err := r.dec.Token(); err != nil {
			if errors.Is(err, io.EOF) {
				err = io.ErrUnexpectedEOF
			}
			return nil, err
		}
	case string:
		n.Tag, n.Value, n.Style = "!!str", v, yaml.DoubleQuotedStyle
	case json.Number:
		n.Tag, n.Value = "!!float", v.String()
		if !bytes.ContainsAny([]byte(n.Value), ".eE") {
			n.Tag = "!!int"
		}
	case bool:
		n.Tag, n.Value = "!!bool", fmt.Sprint(v)
	default:
		n.Tag, n.Value = "!!null", "null"
	}
	return n, nil
}
