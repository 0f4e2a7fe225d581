package actions

import (
	"fmt"
	"strings"

	"github.com/rhysd/actionlint"

	"github.com/intact-dev/intact/pkg/extract/internal/written"
	"github.com/intact-dev/intact/pkg/extract/internal/yamlpos"
	"github.com/intact-dev/intact/pkg/ref"
)

// The contexts that expressions see, as far as files say what is in them.
type contexts struct {
	env          []yamlpos.Node // the innermost first
	inputs       []yamlpos.Node // declarations
	combinations []combination
	checkouts    []string // folders that the repository is in

	// Of a workflow that another one calls: the inputs that it gives, and what those
	// see. Chain are the files that call each other.
	given yamlpos.Node
	giver *contexts
	chain []string
}

// A result is one text that a value can be.
type result struct {
	written.Value
	names []string // words that mention the variables in it
	given bool     // inputs that were given have a part in it
	// object is the mapping that it is, if it is one; it is then unresolved.
	object yamlpos.Node
}

// maxText bounds a text with expressions and what comes of it; a reference has
// less than 600 bytes.
const maxText = 4096

// maxTexts bounds what one value can be, in one job of the matrix.
const maxTexts = 64

const (
	// maxExpressions bounds values whose expressions name values with expressions.
	maxExpressions = 8
	// maxSteps bounds what is evaluated for one text in one job, maxAllSteps for a
	// file: eight values that each name the next ten times are a hundred million.
	maxSteps    = 100
	maxAllSteps = 20_000
)

// evaluate returns all that n can be.
func (e *extraction) evaluate(n yamlpos.Node, at string, c contexts) []result {
	if !strings.Contains(n.String(), "${{") {
		return []result{{Value: written.Known(e.r.Text(n))}}
	}
	var out []result
	seen := map[string]bool{}
	if len(c.combinations) == 0 {
		c.combinations = []combination{{}} // all were excluded; the value is still there
	}
	for _, job := range c.combinations {
		if e.budget <= 0 {
			e.r.Limit(n, at, "values that the expressions of a file name", maxAllSteps)
			e.r.Add(n, at, ref.KindImage, written.Unknown(e.r.Text(n), "the expressions of the file name too many values"))
			return out
		}
		v := evaluation{e: e, c: c, job: job}
		for _, x := range v.text(n, 0) {
			key := fmt.Sprint(x.text.String(), "\x00", x.unresolved, x.object.Pos())
			for _, o := range x.text.Origins() {
				key += fmt.Sprint("\x00", o.Where, o.Line, ":", o.Column)
			}
			if seen[key] {
				continue
			}
			seen[key] = true
			out = append(out, result{written.Value{Text: x.text, Unresolved: x.unresolved}, v.names, v.given, x.object})
		}
		if v.cut {
			e.r.Limit(n, at, "texts that one value can be", maxTexts)
		}
		e.budget -= v.steps
	}
	return out
}

// An operand is what an expression can be.
type operand struct {
	text       written.Text
	object     yamlpos.Node // a mapping or a list, which is no text
	unresolved string
	falsy      bool
}

// An evaluation is in one job of the matrix.
type evaluation struct {
	e     *extraction
	c     contexts
	job   combination
	names []string
	given bool
	steps int
	cut   bool
}

// text is a scalar with expressions in it.
func (v *evaluation) text(n yamlpos.Node, depth int) []operand {
	whole := v.e.r.Text(n)
	s := whole.String()
	if !strings.Contains(s, "${{") {
		return []operand{v.scalar(n, whole)}
	}
	v.steps++
	if len(s) > maxText {
		return []operand{{text: whole, unresolved: "it is too long for a reference"}}
	}
	if depth == maxExpressions || v.steps > maxSteps {
		return []operand{{text: whole, unresolved: "its expressions name each other, or too many others"}}
	}
	out := []operand{{}}
	for at := 0; at < len(s) && v.steps <= maxSteps; {
		i := strings.Index(s[at:], "${{")
		if i < 0 {
			out = v.join(out, []operand{{text: whole.Slice(at, len(s))}})
			break
		}
		out = v.join(out, []operand{{text: whole.Slice(at, at+i)}})
		at += i
		expr := v.e.parse(s[at+3:])
		if expr.invalid != "" {
			return []operand{{text: whole, unresolved: expr.invalid}}
		}
		end := at + 3 + expr.length
		values := v.expression(expr.node, whole.Slice(at+3, end), depth)
		for i := range values {
			if values[i].unresolved != "" {
				values[i].text = written.Made(s[at:end]) // as it is written
			}
		}
		if at == 0 && end == len(s) {
			return values // which may be no texts
		}
		out = v.join(out, values)
		at = end
		if len(out) == 1 && out[0].unresolved != "" {
			return []operand{{text: whole, unresolved: out[0].unresolved}} // nothing behind it changes that
		}
	}
	if v.steps > maxSteps {
		return []operand{{text: whole, unresolved: "its expressions name each other, or too many others"}}
	}
	return out
}

// A parsed is an expression with the length of its text, its closing braces
// included, or why it is not valid.
type parsed struct {
	node    actionlint.ExprNode
	length  int
	invalid string
}

// parse reads the expression that s begins with.
func (e *extraction) parse(s string) parsed {
	if p, ok := e.parsed[s]; ok {
		return p
	}
	l := actionlint.NewExprLexer(s)
	n, err := actionlint.NewExprParser().Parse(l)
	p := parsed{node: n, length: l.Offset()}
	if err != nil {
		p = parsed{invalid: "its expression is not valid: " + err.Message}
	}
	e.parsed[s] = p
	return p
}

// join writes each of the second behind each of the first.
func (v *evaluation) join(first, second []operand) []operand {
	var out []operand
	for _, a := range first {
		for _, b := range second {
			if len(out) == maxTexts {
				v.cut = true
				return out
			}
			if a.text.Len()+b.text.Len() > maxText {
				out = append(out, operand{text: a.text, unresolved: "it is too long for a reference"})
				continue
			}
			var t written.Builder
			t.Add(a.text)
			t.Add(b.text)
			o := operand{text: t.Text(), unresolved: a.unresolved}
			if o.unresolved == "" {
				o.unresolved = b.unresolved
			}
			if !b.object.IsZero() && o.unresolved == "" {
				o.unresolved = "an expression of it is no text"
			}
			out = append(out, o)
		}
	}
	return out
}
