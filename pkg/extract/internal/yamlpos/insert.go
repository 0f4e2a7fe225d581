package yamlpos

import (
	"bytes"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/intact-dev/intact/pkg/extract"
)

// Site returns where n's text can be changed; nil if its bytes are not in the
// file.
func (n Node) Site(file string, style extract.Style) *extract.Site {
	return n.Part(file, style, 0, len(n.String()))
}

// Part is Site for a part of n's text, from and to in bytes.
func (n Node) Part(file string, style extract.Style, from, to int) *extract.Site {
	p := n.Pos()
	if !p.Exact() {
		return nil
	}
	return &extract.Site{File: file, Start: p.Start + from, End: p.Start + to, Style: style}
}

// Beside returns where a key that is not there yet can be written into the mapping
// m, behind the one named after, whose value is a scalar: a Site without bytes.
// Nil if it can't be done with an insertion.
func (m Node) Beside(file string, style extract.Style, after, key string) *extract.Site {
	if !m.IsMap() || m.n.Anchor != "" {
		return nil // what is shared is not of this place alone
	}
	var k, v *yaml.Node
	for i := 0; i+1 < len(m.n.Content); i += 2 {
		if m.n.Content[i].Value == after {
			k, v = m.n.Content[i], m.n.Content[i+1]
		}
	}
	if k == nil || v.Kind != yaml.ScalarNode {
		return nil
	}
	_, end := m.doc.extent(v)
	if end < 0 {
		return nil
	}
	text := m.doc.file.text
	quoted := v.Style&(yaml.DoubleQuotedStyle|yaml.SingleQuotedStyle) != 0
	if quoted {
		end++
	}
	s := &extract.Site{File: file, Style: style}
	if m.n.Style&yaml.FlowStyle != 0 {
		s.Before = ", " + key + ": "
		if k.Style&yaml.DoubleQuotedStyle != 0 { // JSON
			s.Before, s.After = `, "`+key+`": "`, `"`
		}
	} else {
		start := m.doc.offset(k.Line, k.Column)
		_, column := m.doc.file.Place(start)
		before := text[start-column+1 : start]
		if len(bytes.Trim(before, " -")) > 0 {
			return nil // a tab, an explicit key, an anchor
		}
		rest := firstLine(text[end:])
		ending := "\n"
		if bytes.HasSuffix(rest, []byte("\r")) {
			rest, ending = rest[:len(rest)-1], "\r\n"
		}
		if bytes.IndexByte(rest, '\r') >= 0 {
			return nil
		}
		end += len(rest)
		s.Before = ending + strings.Repeat(" ", len(before)) + key + ": "
	}
	var ok bool
	if s.Start, s.End, ok = m.doc.file.Span(end, end); !ok {
		return nil
	}
	return s
}
