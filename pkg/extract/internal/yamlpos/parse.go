package yamlpos

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"iter"
	"slices"
	"strconv"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"

	"github.com/intact-dev/intact/pkg/extract"
	"github.com/intact-dev/intact/pkg/fact"
	"github.com/intact-dev/intact/pkg/internal/lazy"
	"github.com/intact-dev/intact/pkg/internal/limits"
	"github.com/intact-dev/intact/pkg/ref"
)

// Docs yields the documents of f, and an error for each part of it that is none.
// What follows a broken document is read. want is asked about the text of each
// document before it is parsed, which is most of the work; nil wants all.
func (f *File) Docs(want func(text []byte) bool) iter.Seq2[*Doc, *extract.PositionError] {
	return func(yield func(*Doc, *extract.PositionError) bool) {
		for s := range split(f.text) {
			if want != nil && !want(f.text[s.start:s.end]) {
				continue
			}
			d := &Doc{file: f, text: f.text[s.start:s.end], start: s.start, lines: &lines{}}
			if !d.parse(yield) {
				return
			}
		}
	}
}

// Problem is err, of a document of file, as a part of a result.
func Problem(file string, err *extract.PositionError) extract.Problem {
	p := extract.Problem{
		Origin: ref.Origin{Kind: "file", Where: file, Line: err.Line, Column: err.Column},
		Cause:  fact.Unsupported, Why: err.Error(),
	}
	if limit := (*limits.ExceededError)(nil); errors.As(err, &limit) {
		p.Cause = fact.Limit
	}
	return p
}

// parse yields what d's text holds: mostly one document. JSON may follow JSON, and
// a line may end with a CR, so that split did not see the end of a document.
func (d *Doc) parse(yield func(*Doc, *extract.PositionError) bool) bool {
	if err := d.check(); err != nil {
		return yield(nil, err)
	}
	if body := jsonStart(d.text); body >= 0 {
		if docs, err := d.parseJSON(body); err == nil || len(docs) > 0 || jsonObject(d.text[body:]) {
			for _, doc := range docs {
				if !yield(doc, nil) {
					return false
				}
			}
			return err == nil || yield(nil, err)
		}
	}
	dec := yaml.NewDecoder(bytes.NewReader(d.text))
	for {
		var n yaml.Node
		err := decode(dec, &n)
		switch {
		case errors.Is(err, io.EOF):
			return true
		case err != nil:
			return yield(nil, d.syntaxError(err))
		case len(n.Content) == 0:
			continue
		}
		doc := d.with(n.Content[0])
		bad := doc.nesting()
		if bad != nil {
			doc = nil
		}
		if !yield(doc, bad) {
			return false
		}
	}
}

// with is a document of d's text with its own budget.
func (d *Doc) with(root *yaml.Node) *Doc {
	c := *d
	c.root, c.budget = root, budget(len(d.text))
	return &c
}

// check refuses what the parser would take long for, or could not say where it is.
func (d *Doc) check() *extract.PositionError {
	if !utf8.Valid(d.text) {
		at := 0
		for rest := d.text; ; {
			r, n := utf8.DecodeRune(rest)
			if r == utf8.RuneError && n == 1 {
				break
			}
			at, rest = at+n, rest[n:]
		}
		return d.errorAt(at, errors.New("invalid UTF-8"))
	}
	if len(d.text) <= limits.YAMLNodes {
		return nil
	}
	if n := atLeast(d.text); n > limits.YAMLNodes {
		return d.errorAt(0, &limits.ExceededError{What: "values of one YAML document", Limit: limits.YAMLNodes})
	}
	return nil
}

// atLeast counts what values cost: a line, a comma, an opening bracket or an
// indicator stands for one or two. The lines of a long text count too.
func atLeast(text []byte) int {
	n := 0
	for i, b := range text {
		switch b {
		case '\n', '\r', ',', '[', '{':
			n++
		case ':', '-', '?':
			if i+1 == len(text) || text[i+1] <= ' ' || b == ':' && i > 0 && (text[i-1] == '"' || text[i-1] == '\'') {
				n++
			}
		}
	}
	return n
}

// decode is dec.Decode; a panic of the parser is a fault in what it was given as
// much as one of its own.
func decode(dec *yaml.Decoder, n *yaml.Node) (err error) {
	defer func() {
		if v := recover(); v != nil {
			err = fmt.Errorf("yaml: the parser failed: %v", v)
		}
	}()
	return dec.Decode(n)
}

var syntaxLine = lazy.Regexp(`^yaml: (?:line (\d+): )?(?s:(.*))`)

// The YAML library counts the lines of these errors from 0 and those of all
// others from 1.
var countedFromZero = lazy.Regexp(
	`^did not find expected (?:<(?:stream-start|document start)>|node content|'-' indicator|key|',' or '[\]}]')$`)

const templateHint = "; it looks like a template, which has to be rendered first"

var noAnchor = lazy.Regexp(`^unknown anchor '(.*)' referenced$`)

// syntaxError takes the line out of the parser's message. It knows no column, and
// no line if that is the first.
func (d *Doc) syntaxError(err error) *extract.PositionError {
	line, text := 1, err.Error()
	if m := syntaxLine().FindStringSubmatch(text); m != nil {
		text = m[2]
		if n, err := strconv.Atoi(m[1]); err == nil {
			line = n
			if countedFromZero().MatchString(text) {
				line++
			}
		}
	}
	starts := parserLines(d.text)
	at := starts[min(line, len(starts))-1]
	if text == "control characters are not allowed" {
		at = max(0, bytes.IndexFunc(d.text, control))
	} else if m := noAnchor().FindStringSubmatch(text); m != nil {
		at = max(0, bytes.Index(d.text, []byte("*"+m[1])))
	}
	if bytes.Contains(d.text, []byte("{{")) {
		text += templateHint
	}
	return d.errorAt(at, fmt.Errorf("not valid YAML: %s", text))
}

// control reports whether YAML does not allow r.
//
// https://yaml.org/spec/1.2.2/#51-character-set
func control(r rune) bool {
	switch {
	case r == '\t', r == '\n', r == '\r', r == 0x85, r >= 0x20 && r < 0x7f, r >= 0xa0 && r <= 0xfffd, r >= 0x10000:
		return false
	}
	return true
}

// errorAt is err at an offset of d's text.
func (d *Doc) errorAt(offset int, err error) *extract.PositionError {
	if d.outer.n == nil {
		return d.file.errorAt(d.start+offset, err)
	}
	starts := parserLines(d.text)
	i, found := slices.BinarySearch(starts, offset)
	if !found {
		i--
	}
	if at := d.lines.starts[i]; at >= 0 {
		return d.file.errorAt(at+offset-starts[i], err)
	}
	p := d.outer.Pos()
	return &extract.PositionError{Line: p.Line, Column: p.Column, Err: err}
}
