package yamlpos

import (
	"bytes"
	"strings"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"

	"github.com/intact-dev/intact/pkg/ref"
)

// A Pos is where a text stands in a file.
type Pos struct {
	Line, Column int // 1-based, in bytes; of the first byte within the quotes
	// Start and End are the offsets of a scalar's text in the file, without quotes;
	// -1 if its bytes are not there as they are: it has escapes, is folded, or the
	// file is UTF-16.
	Start, End int
}

// Exact reports whether the offsets are known.
func (p Pos) Exact() bool { return p.Start >= 0 }

// Pos returns where n is written: of an alias, what it stands for. The zero Node
// is nowhere.
func (n Node) Pos() Pos {
	if n.n == nil {
		return Pos{Start: -1, End: -1}
	}
	return n.doc.pos(n.n)
}

// Origin is Pos as the origin of a reference in file.
func (n Node) Origin(file, path string) ref.Origin {
	p := n.Pos()
	return ref.Origin{Kind: "file", Where: file, Line: p.Line, Column: p.Column, Path: path}
}

// Alias returns the place of the alias that n was reached by; ok is false if it
// was by none.
func (n Node) Alias() (p Pos, ok bool) {
	if n.via == nil {
		return Pos{Start: -1, End: -1}, false
	}
	return n.doc.pos(n.via), true
}

// Source returns the rest of the line from where n begins, as it is in the file:
// what a template wrote that YAML reads as something else.
func (n Node) Source() string {
	if n.n == nil {
		return ""
	}
	at := n.doc.offset(n.n.Line, n.n.Column)
	if at < 0 {
		return ""
	}
	return strings.TrimRight(string(firstLine(n.doc.file.text[at:])), " \t\r")
}

func (d *Doc) pos(n *yaml.Node) Pos {
	start, end := d.extent(n)
	if start < 0 {
		if d.outer.n != nil {
			p := d.outer.Pos()
			return Pos{p.Line, p.Column, -1, -1}
		}
		start, end = max(0, d.offset(n.Line, n.Column)), -1
	}
	p := Pos{Start: -1, End: -1}
	p.Line, p.Column = d.file.Place(start)
	if end >= 0 {
		p.Start, p.End, _ = d.file.Span(start, end)
	}
	return p
}

// extent returns where n's text starts and ends in the file's text. end is -1 if
// it is not there as it is, start too if nothing is known.
func (d *Doc) extent(n *yaml.Node) (start, end int) {
	start = d.offset(n.Line, n.Column)
	if start < 0 || n.Kind != yaml.ScalarNode || n.Tag == "!!null" {
		return start, -1
	}
	text := d.file.text
	if n.Anchor != "" || n.Style&yaml.TaggedStyle != 0 || start < len(text) && (text[start] == '&' || text[start] == '!') {
		start = properties(text, start)
	}
	at := start
	quote := byte(0)
	switch {
	case n.Style&yaml.DoubleQuotedStyle != 0:
		quote = '"'
	case n.Style&yaml.SingleQuotedStyle != 0:
		quote = '\''
	case n.Style&(yaml.LiteralStyle|yaml.FoldedStyle) != 0:
		return start, -1
	}
	if quote != 0 {
		if at >= len(text) || text[at] != quote || strings.IndexByte(n.Value, quote) >= 0 || quote == '"' && strings.IndexByte(n.Value, '\\') >= 0 {
			return start, -1
		}
		at++
	}
	stop := at + len(n.Value)
	if stop > len(text) || string(text[at:stop]) != n.Value || quote != 0 && (stop == len(text) || text[stop] != quote) {
		return start, -1
	}
	return at, stop
}

// properties skips a node's anchor and tag, and what may stand between them and
// its content.
func properties(text []byte, at int) int {
	for at < len(text) {
		switch text[at] {
		case '&', '!':
			for at < len(text) && strings.IndexByte(" \t\r\n", text[at]) < 0 {
				at++
			}
		case ' ', '\t', '\r', '\n':
			at++
		case '#':
			at += len(firstLine(text[at:]))
		default:
			return at
		}
	}
	return at
}

// offset returns where the parser's line and column, in characters, are in the
// file's text; -1 if they are not there.
func (d *Doc) offset(line, column int) int {
	l := d.index()
	if line < 1 || line > len(l.starts) {
		return d.start + len(d.text)
	}
	at := l.starts[line-1]
	if at < 0 {
		return -1
	}
	return l.column(d.file.text, line, at, column)
}

func (d *Doc) index() *lines {
	if d.lines.starts == nil {
		d.lines.starts = parserLines(d.text)
		for i := range d.lines.starts {
			d.lines.starts[i] += d.start
		}
	}
	return d.lines
}

// Lines are where the parser's lines are in a file's text.
type lines struct {
	starts []int // offsets; -1 = not there as they are
	// marks are the offsets of every markEvery-th character of long lines, so that a
	// file that is one line is not read anew for each of its values.
	marks map[int][]int
}

const markEvery = 256

// column returns the offset of a character of the line that starts at an offset.
func (l *lines) column(text []byte, line, start, column int) int {
	if column <= markEvery {
		return skip(text, start, column-1)
	}
	marks := l.marks[line]
	if marks == nil {
		marks = []int{start}
	}
	for len(marks) <= (column-1)/markEvery {
		marks = append(marks, skip(text, marks[len(marks)-1], markEvery))
	}
	if l.marks == nil {
		l.marks = map[int][]int{}
	}
	l.marks[line] = marks
	return skip(text, marks[(column-1)/markEvery], (column-1)%markEvery)
}

// skip returns the offset n characters behind at.
func skip(text []byte, at, n int) int {
	for range n {
		if at >= len(text) {
			return len(text)
		}
		if text[at] < utf8.RuneSelf {
			at++
			continue
		}
		_, size := utf8.DecodeRune(text[at:])
		at += size
	}
	return at
}

// parserLines returns where the lines of text start for the parser: it counts
// those of YAML 1.1, where NEL, LS and PS end a line too.
func parserLines(text []byte) []int {
	if bytes.IndexByte(text, 0x85) < 0 && bytes.IndexByte(text, 0xe2) < 0 {
		return lineStarts(text)
	}
	starts := []int{0}
	for i, r := range string(text) {
		if lineBreak(r) && !(r == '\r' && i+1 < len(text) && text[i+1] == '\n') {
			starts = append(starts, i+utf8.RuneLen(r))
		}
	}
	return starts
}

func lineBreak(r rune) bool {
	return r == '\n' || r == '\r' || r == '\u0085' || r == '\u2028' || r == '\u2029'
}
