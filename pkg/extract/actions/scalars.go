package actions

import (
	"strconv"
	"strings"

	"github.com/rhysd/actionlint"

	"github.com/intact-dev/intact/pkg/extract/internal/written"
	"github.com/intact-dev/intact/pkg/extract/internal/yamlpos"
)

// pathOf returns the names of a path, in lower case.
func pathOf(n actionlint.ExprNode) ([]string, bool) {
	var out []string
	for {
		switch x := n.(type) {
		case *actionlint.VariableNode:
			out = append([]string{strings.ToLower(x.Name)}, out...)
			return out, true
		case *actionlint.ObjectDerefNode:
			out = append([]string{strings.ToLower(x.Property)}, out...)
			n = x.Receiver
		case *actionlint.IndexAccessNode:
			switch i := x.Index.(type) {
			case *actionlint.StringNode:
				out = append([]string{strings.ToLower(i.Value)}, out...)
			case *actionlint.IntNode:
				out = append([]string{strconv.Itoa(i.Value)}, out...)
			default:
				return nil, false
			}
			n = x.Operand
		default:
			return nil, false
		}
	}
}

// index is a property of an object or an item of a list.
func index(n yamlpos.Node, key string) yamlpos.Node {
	if !n.IsList() {
		return get(n, key)
	}
	i, err := strconv.Atoi(key)
	if all := items(n); err == nil && i >= 0 && i < len(all) {
		return all[i]
	}
	return yamlpos.Node{}
}

// An entry is a key and value of a mapping.
type entry struct {
	key   string
	value yamlpos.Node
}

// entries are those of n, by their keys in lower case: case does not count.
func (e *extraction) entries(n yamlpos.Node) map[string]entry {
	if m, ok := e.known[n]; ok {
		return m
	}
	m := map[string]entry{}
	for k, v := range n.Fields() {
		m[strings.ToLower(k.String())] = entry{k.String(), v}
	}
	e.known[n] = m
	return m
}

// scalar is a value without expressions. A number that is written in another way
// than GitHub prints it (3.10) stands nowhere as it is.
func (v *evaluation) scalar(n yamlpos.Node, t written.Text) operand {
	if n.Number() {
		if f, err := strconv.ParseFloat(t.String(), 64); err == nil {
			if s := number(f); s != t.String() {
				t = written.Made(s)
			}
			return operand{text: t, falsy: f == 0}
		}
	}
	b, isBool := plainBool(n)
	return operand{text: t, falsy: t.Len() == 0 || isBool && !b}
}

// plainBool is a boolean by YAML 1.2, which GitHub reads files by.
func plainBool(n yamlpos.Node) (value, ok bool) {
	value, ok = n.Bool()
	s := strings.ToLower(n.String())
	return value, ok && (s == "true" || s == "false")
}

func number(f float64) string { return strconv.FormatFloat(f, 'f', -1, 64) }
