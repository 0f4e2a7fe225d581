package yamlpos

import (
	"bytes"
	"iter"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/intact-dev/intact/pkg/extract"
	"github.com/intact-dev/intact/pkg/internal/limits"
)

// innerDepth bounds texts within texts: an application that has the manifest of
// an application that has values is the third.
const innerDepth = 4

// Inner yields the documents that are written as a text in n: a manifest, a patch,
// values. In a literal block (|) their places are as exact as those of the file
// itself; elsewhere they are the place of n.
func (n Node) Inner() iter.Seq2[*Doc, *extract.PositionError] {
	return func(yield func(*Doc, *extract.PositionError) bool) {
		text, ok := n.Text()
		if !ok {
			return
		}
		if n.doc.depth == innerDepth {
			yield(nil, n.doc.errorAtNode(n.n, &limits.ExceededError{What: "depth of documents in texts of documents", Limit: innerDepth}))
			return
		}
		whole := []byte(text)
		starts := n.literal(text)
		for s := range split(whole) {
			d := &Doc{file: n.doc.file, text: whole[s.start:s.end], outer: n, depth: n.doc.depth + 1}
			d.lines = &lines{starts: parserLines(d.text)}
			for i, at := range d.lines.starts {
				d.lines.starts[i] = -1
				if starts != nil {
					d.lines.starts[i] = fileOffset(starts, s.start+at)
				}
			}
			if !d.parse(yield) {
				return
			}
		}
	}
}

// A line of a text and where it is in the file.
type line struct{ text, file int }

func fileOffset(lines []line, at int) int {
	lo, hi := 0, len(lines)
	for hi-lo > 1 {
		if mid := (lo + hi) / 2; lines[mid].text <= at {
			lo = mid
		} else {
			hi = mid
		}
	}
	return lines[lo].file + at - lines[lo].text
}

// literal returns where the lines of n's text, a literal block's, are in the file;
// nil if n is something else or does not stand there line by line.
func (n Node) literal(text string) []line {
	if n.n.Style&yaml.LiteralStyle == 0 {
		return nil
	}
	header := n.doc.offset(n.n.Line, n.n.Column)
	if header < 0 {
		return nil
	}
	file := n.doc.file.text
	at := header + len(firstLine(file[header:])) + 1
	var out []line
	indent := -1
	for pos := 0; pos < len(text); {
		if at > len(file) {
			return nil
		}
		want, _, _ := strings.Cut(text[pos:], "\n")
		have := bytes.TrimSuffix(firstLine(file[at:]), []byte("\r"))
		skip := len(have) - len(want)
		if want == "" && len(bytes.TrimSpace(have)) == 0 {
			skip = len(have)
		}
		if skip < 0 || string(have[skip:]) != want {
			return nil
		}
		if want != "" && indent < 0 {
			indent = skip
		}
		if want != "" && skip != indent || len(bytes.TrimLeft(have[:skip], " ")) > 0 {
			return nil
		}
		out = append(out, line{pos, at + skip})
		pos += len(want) + 1
		at += len(firstLine(file[at:])) + 1
	}
	return out
}
