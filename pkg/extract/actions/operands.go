package actions

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/rhysd/actionlint"

	"github.com/intact-dev/intact/pkg/extract/internal/written"
	"github.com/intact-dev/intact/pkg/extract/internal/yamlpos"
)

// expression returns what n can be. src is its text, where its literals are.
//
// https://docs.github.com/en/actions/reference/workflows-and-actions/expressions
func (v *evaluation) expression(n actionlint.ExprNode, src written.Text, depth int) []operand {
	switch n := n.(type) {
	case *actionlint.StringNode:
		return []operand{{text: literal(n, src), falsy: n.Value == ""}}
	case *actionlint.NullNode:
		return []operand{{falsy: true}}
	case *actionlint.BoolNode:
		return []operand{{text: written.Made(strconv.FormatBool(n.Value)), falsy: !n.Value}}
	case *actionlint.IntNode:
		return []operand{{text: written.Made(strconv.Itoa(n.Value)), falsy: n.Value == 0}}
	case *actionlint.FloatNode:
		return []operand{{text: written.Made(number(n.Value)), falsy: n.Value == 0}}
	case *actionlint.LogicalOpNode:
		return v.logical(n, src, depth)
	case *actionlint.NotOpNode:
		var out []operand
		for _, o := range v.expression(n.Operand, src, depth) {
			if o.unresolved != "" {
				return either()
			}
			out = append(out, truth(o.falsy))
		}
		return out
	case *actionlint.CompareOpNode:
		return v.compare(n, src, depth)
	case *actionlint.VariableNode, *actionlint.ObjectDerefNode, *actionlint.IndexAccessNode:
		return v.value(n, depth)
	case *actionlint.FuncCallNode:
		return []operand{{unresolved: fmt.Sprintf("what the function %s returns is not evaluated", n.Callee)}}
	}
	return []operand{{unresolved: "its expression is not evaluated"}}
}

func truth(b bool) operand {
	return operand{text: written.Made(strconv.FormatBool(b)), falsy: !b}
}

// either is a condition that files do not decide.
func either() []operand { return []operand{truth(true), truth(false)} }

// literal is a string with its place, if it is there without escapes.
func literal(n *actionlint.StringNode, src written.Text) written.Text {
	at := n.Token().Offset + 1
	if end := at + len(n.Value); end < src.Len() && src.String()[at:end] == n.Value && src.String()[end] == '\'' {
		return src.Slice(at, end)
	}
	return written.Made(n.Value)
}

// logical: an operator yields one of its operands. Which one is open if the left
// is not known.
func (v *evaluation) logical(n *actionlint.LogicalOpNode, src written.Text, depth int) []operand {
	var out []operand
	right := false
	for _, o := range v.expression(n.Left, src, depth) {
		and := n.Kind == actionlint.LogicalOpNodeKindAnd
		switch {
		case o.unresolved != "" && and:
			out, right = append(out, operand{falsy: true}), true
		case o.unresolved != "":
			out, right = append(out, o), true
		case o.falsy == and:
			out = append(out, o)
		default:
			right = true
		}
	}
	if right {
		out = append(out, v.expression(n.Right, src, depth)...)
	}
	if len(out) > maxTexts {
		out, v.cut = out[:maxTexts], true
	}
	return out
}

func (v *evaluation) compare(n *actionlint.CompareOpNode, src written.Text, depth int) []operand {
	left, right := v.expression(n.Left, src, depth), v.expression(n.Right, src, depth)
	if !n.Kind.IsEqualityOp() || len(left) != 1 || len(right) != 1 {
		return either()
	}
	a, b := left[0], right[0]
	if a.unresolved != "" || b.unresolved != "" || !a.object.IsZero() || !b.object.IsZero() {
		return either()
	}
	equal := strings.EqualFold(a.text.String(), b.text.String())
	return []operand{truth(equal == (n.Kind == actionlint.CompareOpNodeKindEq))}
}

// value is what a path into a context names: matrix.os, env.TAG, inputs['x'].
func (v *evaluation) value(n actionlint.ExprNode, depth int) []operand {
	v.steps++
	path, ok := pathOf(n)
	if !ok {
		return []operand{{unresolved: "its expression is not evaluated"}}
	}
	name := strings.Join(path, ".")
	if len(path) < 2 {
		return []operand{{unresolved: fmt.Sprintf("%q is no text that a file says", name)}}
	}
	switch path[0] {
	case "matrix":
		v.names = append(v.names, word("matrix", path[1]))
		at, ok := v.job.values[path[1]]
		for _, key := range path[2:] {
			at = index(at, key)
		}
		switch {
		case ok:
			return v.node(at, name, depth)
		case v.job.unresolved != "":
			return []operand{{unresolved: v.job.unresolved}}
		}
		return []operand{{falsy: true}}
	case "env":
		for _, env := range v.c.env {
			if x := v.e.entries(env)[path[1]]; !x.value.IsZero() {
				v.names = append(v.names, x.key)
				return v.node(x.value, name, depth)
			}
		}
		return []operand{{unresolved: fmt.Sprintf("%s is not set in the file", name)}}
	case "inputs":
		return v.input(path[1], depth)
	}
	return []operand{{unresolved: fmt.Sprintf("%s is known only when the workflow runs", name)}}
}

// input is one's default; who starts the workflow may give another.
func (v *evaluation) input(name string, depth int) []operand {
	v.names = append(v.names, word("inputs", name))
	var out []operand
	if x := v.e.entries(v.c.given)[name]; v.c.giver != nil && !x.value.IsZero() {
		v.given = true
		if x.value.IsMap() || x.value.IsList() {
			return v.node(x.value, "inputs."+name, depth)
		}
		v.e.r.Via(x.value)
		for _, job := range v.c.giver.combinations {
			of := evaluation{e: v.e, c: *v.c.giver, job: job, steps: v.steps}
			out = append(out, of.text(x.value, depth+1)...)
			v.names, v.steps, v.cut = append(v.names, of.names...), of.steps, v.cut || of.cut
			if len(out) > maxTexts {
				v.cut = true
				return out[:maxTexts]
			}
		}
		return out
	}
	for _, inputs := range v.c.inputs {
		if at := v.e.entries(inputs)[name].value.Get("default"); !at.IsZero() {
			out = append(out, v.node(at, "inputs."+name, depth)...)
		}
	}
	if len(out) == 0 {
		out = []operand{{unresolved: fmt.Sprintf("the input %q has no default", name)}}
	}
	return out
}

func (v *evaluation) node(n yamlpos.Node, name string, depth int) []operand {
	switch {
	case n.IsZero():
		return []operand{{falsy: true}}
	case n.IsMap() || n.IsList():
		return []operand{{object: n, unresolved: fmt.Sprintf("%s is no text", name)}}
	}
	v.e.r.Via(n)
	return v.text(n, depth+1)
}
