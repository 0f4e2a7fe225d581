package dockerfile

import (
	"bytes"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/moby/buildkit/frontend/dockerfile/parser"

	"github.com/intact-dev/intact/pkg/extract/internal/written"
	"github.com/intact-dev/intact/pkg/internal/lazy"
)

// The parser keeps no columns. What it does to lines before it splits them into
// words is done here once more, with the places kept; where the outcome is not
// the parser's, no place is claimed.

// lineLimit is what the parser reads as one line.
const lineLimit = 64<<10 - 1

// maxNested bounds how deep variables can stand within each other in a line
// that may begin a heredoc: the parser then looks for words in it, and calls
// itself for each.
const maxNested = 200

// Sanitize returns the lines as the parser is to see them: what makes it give
// up as a whole, or never come to an end, is blank, and a problem.
func (r *reader) sanitize() {
	var directives parser.DirectiveParser
	inDirectives := true
	r.plain = utf8.Valid(r.file.Data) && bytes.IndexByte(r.file.Data, 0) < 0
	r.lines = make([][]byte, r.file.Lines())
	for i := range r.lines {
		start, end := r.file.Line(i + 1)
		line := r.file.Data[start:end]
		if i == 0 {
			line = bytes.TrimPrefix(line, bom)
		}
		line = r.legible(line)
		r.lines[i] = line
		if len(line) > lineLimit {
			r.problem(start, "a line of more than %d bytes", lineLimit)
			r.blank(i)
			continue
		}
		if !inDirectives {
			continue
		}
		d, err := directives.ParseLine(bytes.TrimLeftFunc(bytes.TrimRight(line, "\r\n"), unicode.IsSpace))
		if err == nil && d != nil && d.Name == "escape" {
			if d.Value != "`" && d.Value != `\` {
				err = fmt.Errorf("escape is %q; it can be ` or \\", d.Value)
			} else {
				r.escape = d.Value[0]
			}
		}
		if err != nil {
			r.problem(start, "%v", err)
			r.blank(i)
		}
		inDirectives = d != nil
	}
	for i := 0; i < len(r.lines); i++ {
		if !mayNest().Match(r.lines[i]) {
			continue
		}
		text, last := r.join(i)
		words := strings.Fields(strings.ToLower(text.String()))
		switch {
		case len(words) > 1 && words[0] == "onbuild" && words[1] == "onbuild":
			r.problemAt(text, i, "ONBUILD ONBUILD is no instruction")
		case strings.Contains(text.String(), "<<") && strings.Count(text.String(), "${") > maxNested:
			r.problemAt(text, i, "an instruction with << and more than %d variables", maxNested)
		default:
			i = last - 1
			continue
		}
		for ; i < last; i++ {
			r.blank(i)
		}
		i--
	}
}

// mayNest are the instructions that the parser looks into.
var mayNest = lazy.Regexp(`(?i)^\s*(onbuild|run|copy|add)\b`)

// legible returns line with a question mark for each byte that is no text: the
// scanner of words complains about them on the standard error.
func (r *reader) legible(line []byte) []byte {
	if r.plain || utf8.Valid(line) && bytes.IndexByte(line, 0) < 0 {
		return line
	}
	out := bytes.Clone(line)
	for i := 0; i < len(out); {
		c, n := utf8.DecodeRune(out[i:])
		if c == 0 || c == utf8.RuneError && n == 1 {
			out[i] = '?'
		}
		i += n
	}
	return out
}

// blank takes line i away from the parser, and keeps its number.
func (r *reader) blank(i int) { r.lines[i] = []byte("\n") }

// join returns the instruction that begins at line i, from 0, as one text, and
// the line behind it; what a heredoc holds is not part of it.
func (r *reader) join(i int) (text written.Text, next int) {
	var b written.Builder
	for first := true; i < len(r.lines); first = false {
		start, _ := r.file.Line(i + 1)
		raw := r.lines[i]
		if i == 0 && bytes.HasPrefix(r.file.Data, bom) {
			start += len(bom)
		}
		i++
		line := bytes.TrimRight(raw, "\r\n")
		trimmed := bytes.TrimLeftFunc(line, unicode.IsSpace)
		if first {
			start += len(line) - len(trimmed)
			line = trimmed
		} else if len(trimmed) == 0 || trimmed[0] == '#' {
			continue
		}
		line, continues := r.continuation(line)
		b.AddFile(r.file, start, start+len(line))
		if !continues {
			break
		}
	}
	return b.Text(), i
}

// continuation takes the escape off a line that goes on in the next one.
func (r *reader) continuation(line []byte) ([]byte, bool) {
	s := bytes.TrimRight(line, " \t")
	n := len(s)
	if n == 0 || s[n-1] != r.escape || n > 1 && s[n-2] == r.escape {
		return line, false
	}
	return s[:n-1], true
}

var bom = []byte("\xef\xbb\xbf")
