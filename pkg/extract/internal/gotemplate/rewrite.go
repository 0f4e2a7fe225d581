// Package gotemplate keeps templates of text/template, which cannot be
// interrupted, within bounds: it writes them anew so that they do the same and
// ask a budget on their way, and gives them functions that do so too.
package gotemplate

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"sort"
	"strconv"
	"strings"
	"text/template/parse"

	"github.com/intact-dev/intact/pkg/extract"
	"github.com/intact-dev/intact/pkg/internal/lazy"
	"github.com/intact-dev/intact/pkg/internal/limits"
)

// A Source is a template that asks the budget.
type Source struct {
	Text  string
	Trees map[string]*parse.Tree // of the template as it was, by name

	// Lists are the parts of it that are rendered or not, as a whole, in an order
	// that depends on its form alone: text that is put in changes no number.
	Lists []List

	original string
	places   []place // in the order of Text
}

// A List is a part of a template that is rendered or not.
type List struct {
	Word  string // "" for the template itself, define, if, with, range
	Name  string // of the definition
	Else  bool   // what is rendered otherwise
	Of    int    // the number of the List that it is the other of
	Fixed bool   // its condition also sets a variable, and can't be forced
	Nodes *parse.ListNode
}

// Options change what is written. The zero value changes nothing.
type Options struct {
	// After is text to write behind an action that writes something, by its offset.
	After func(offset int) string
	// Number is what the budget notes the template's Lists by, as they are entered.
	Number int
	// Force says by the number of a List with the Word if what its condition is.
	Force map[int]bool
}

// A place says where in the original a part of the new text was.
type place struct{ now, was int }

// maxActions bounds the actions of one template: each may lie in the one before,
// and the parser has no bound of its own.
const maxActions = 100_000

// Rewrite parses a template and writes it anew. The error is an
// [*extract.PositionError].
func Rewrite(name, text string, o Options) (*Source, error) {
	if n := strings.Count(text, "{{"); n > maxActions {
		return nil, &extract.PositionError{Line: 1, Column: 1, Err: &limits.ExceededError{What: "actions of a template", Limit: maxActions}}
	}
	t := parse.New(name)
	t.Mode = parse.SkipFuncCheck
	trees := map[string]*parse.Tree{}
	if _, err := t.Parse(text, "", "", trees); err != nil {
		return nil, syntaxError(name, err)
	}
	s := &Source{Trees: trees, original: text}
	w := &writer{source: s, options: o}
	for _, key := range slices.SortedFunc(maps.Keys(trees), func(a, b string) int { return int(trees[a].Root.Pos) - int(trees[b].Root.Pos) }) {
		root := trees[key].Root
		switch {
		case parse.IsEmptyTree(root):
			// One of white space does not take the place of another: it has to stay so.
			if key == name {
				w.list(root)
				break
			}
			fmt.Fprintf(&w.out, "{{define %s}}", strconv.Quote(key))
			w.list(root)
			w.out.WriteString("{{end}}")
		case key == name:
			w.body(root, List{})
		default:
			fmt.Fprintf(&w.out, "{{define %s}}", strconv.Quote(key))
			w.body(root, List{Word: "define", Name: key})
			w.out.WriteString("{{end}}")
		}
	}
	s.Text = w.out.String()
	return s, nil
}

var errorLine = lazy.Regexp(`^template: (?s:.*?):(\d+)(?::(\d+))?: (?s:(.*))`)

func syntaxError(name string, err error) *extract.PositionError {
	p := &extract.PositionError{Line: 1, Column: 1, Err: err}
	text, ok := strings.CutPrefix(err.Error(), "template: "+name+":")
	if m := errorLine().FindStringSubmatch("template: x:" + text); ok && m != nil {
		p.Line, _ = strconv.Atoi(m[1])
		p.Err = errors.New("no template: " + m[3])
	}
	return p
}

// Was returns the place in the original of a line, and a column in bytes from 0,
// of the new text: 1-based.
func (s *Source) Was(line, column int) (int, int) {
	at := 0
	for ; line > 1; line-- {
		n := strings.IndexByte(s.Text[at:], '\n')
		if n < 0 {
			break
		}
		at += n + 1
	}
	at += column
	i := sort.Search(len(s.places), func(i int) bool { return s.places[i].now > at })
	if i == 0 {
		return 1, 1
	}
	before := s.original[:min(s.places[i-1].was, len(s.original))]
	return 1 + strings.Count(before, "\n"), len(before) - strings.LastIndexByte(before, '\n')
}

// A writer writes trees.
type writer struct {
	source  *Source
	out     strings.Builder
	options Options
}

func (w *writer) at(n parse.Node) {
	w.source.places = append(w.source.places, place{w.out.Len(), int(n.Position())})
}

// body writes what can be entered again and again.
func (w *writer) body(l *parse.ListNode, is List) {
	w.at(l)
	fmt.Fprintf(&w.out, "{{%s %d}}", enterName, weight(l))
	w.seen(is, l)
	w.list(l)
	w.out.WriteString("{{" + leaveName + "}}")
}

// seen notes that a list is entered, and returns its number.
func (w *writer) seen(is List, l *parse.ListNode) int {
	n := len(w.source.Lists)
	is.Nodes = l
	w.source.Lists = append(w.source.Lists, is)
	fmt.Fprintf(&w.out, "{{%s %d %d}}", seenName, w.options.Number, n)
	return n
}

func (w *writer) list(l *parse.ListNode) {
	for _, n := range l.Nodes {
		w.node(n)
	}
}

func (w *writer) node(n parse.Node) {
	w.at(n)
	switch n := n.(type) {
	case *parse.TextNode:
		// With what follows a brace at the end would be an action.
		text, brace := strings.CutSuffix(string(n.Text), "{")
		w.out.WriteString(text)
		if brace {
			w.out.WriteString(`{{"{"}}`)
		}
	case *parse.ActionNode:
		last := outName
		if len(n.Pipe.Decl) > 0 {
			last = passName
		}
		w.out.WriteString("{{" + pipe(n.Pipe) + " | " + last + "}}")
		if w.options.After != nil && last == outName {
			w.out.WriteString(w.options.After(int(n.Pos)))
		}
	case *parse.IfNode:
		w.branch("if", &n.BranchNode)
	case *parse.WithNode:
		w.branch("with", &n.BranchNode)
	case *parse.RangeNode:
		w.branch("range", &n.BranchNode)
	case *parse.TemplateNode:
		if n.Pipe != nil {
			pipe(n.Pipe)
		}
		w.out.WriteString(n.String())
	default: // break and continue
		w.out.WriteString(n.String())
	}
}

func (w *writer) branch(word string, b *parse.BranchNode) {
	condition := pipe(b.Pipe) + " | " + passName
	is := List{Word: word, Fixed: len(b.Pipe.Decl) > 0}
	if on, ok := w.options.Force[len(w.source.Lists)]; ok && word == "if" && !is.Fixed {
		condition = strconv.FormatBool(on)
	}
	w.out.WriteString("{{" + word + " " + condition + "}}")
	if word == "range" {
		fmt.Fprintf(&w.out, "{{%s %d}}", stepName, weight(b.List))
	}
	of := w.seen(is, b.List)
	w.list(b.List)
	if b.ElseList != nil {
		w.out.WriteString("{{else}}")
		is.Else, is.Of = true, of
		w.seen(is, b.ElseList)
		w.list(b.ElseList)
	}
	w.out.WriteString("{{end}}")
}

// pipe writes a pipeline. The text that tpl is given is a template too.
func pipe(p *parse.PipeNode) string {
	rewritePipe(p)
	return p.String()
}

func rewritePipe(p *parse.PipeNode) {
	var cmds []*parse.CommandNode
	for i, c := range p.Cmds {
		if i > 0 {
			cmds = append(cmds, command(passName))
		}
		cmds = append(cmds, c)
		for _, a := range c.Args {
			if chain, ok := a.(*parse.ChainNode); ok {
				a = chain.Node
			}
			if inner, ok := a.(*parse.PipeNode); ok {
				rewritePipe(inner)
				inner.Cmds = append(inner.Cmds, command(passName))
			}
		}
		if name, ok := c.Args[0].(*parse.IdentifierNode); ok && name.Ident == "tpl" && len(c.Args) > 1 {
			text := c.Args[1].String()
			if _, ok := c.Args[1].(*parse.PipeNode); ok {
				text = "(" + text + ")"
			}
			c.Args[1] = parse.NewIdentifier("(" + tplName + " " + text + ")")
		}
	}
	p.Cmds = cmds
}

func command(name string) *parse.CommandNode {
	return &parse.CommandNode{NodeType: parse.NodeCommand, Args: []parse.Node{parse.NewIdentifier(name)}}
}

// weight is how much text l writes by itself, each of its loops once not counted.
func weight(l *parse.ListNode) int {
	if l == nil {
		return 0
	}
	sum := 0
	for _, n := range l.Nodes {
		switch n := n.(type) {
		case *parse.TextNode:
			sum += len(n.Text)
		case *parse.IfNode:
			sum += weight(n.List) + weight(n.ElseList)
		case *parse.WithNode:
			sum += weight(n.List) + weight(n.ElseList)
		case *parse.RangeNode:
			sum += weight(n.ElseList)
		}
	}
	return sum
}
