package yamlpos

import (
	"iter"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// A Node is a value of a document. The zero Node is what is not there; all
// methods work on it.
type Node struct {
	doc *Doc
	n   *yaml.Node // no alias
	via *yaml.Node // the alias that stands for it, if one does
}

// Doc returns the document that n is of; nil of the zero Node.
func (n Node) Doc() *Doc { return n.doc }

// IsZero reports whether there is nothing, null included.
func (n Node) IsZero() bool { return n.n == nil || n.n.Kind == yaml.ScalarNode && n.n.Tag == "!!null" }

// Exists reports whether there is anything, null included.
func (n Node) Exists() bool { return n.n != nil }

// IsMap reports whether n is a mapping.
func (n Node) IsMap() bool { return n.n != nil && n.n.Kind == yaml.MappingNode }

// IsList reports whether n is a sequence.
func (n Node) IsList() bool { return n.n != nil && n.n.Kind == yaml.SequenceNode }

// Tag returns the tag that the file itself gives n, "!reset"; "" if none but one
// of YAML's own.
func (n Node) Tag() string {
	if n.n == nil || strings.HasPrefix(n.n.Tag, "!!") {
		return ""
	}
	return n.n.Tag
}

// Text returns the text of a scalar, a number's or boolean's too, as it is
// written; ok is false for null and for what is no scalar.
func (n Node) Text() (s string, ok bool) {
	if n.IsZero() || n.n.Kind != yaml.ScalarNode {
		return "", false
	}
	return n.n.Value, true
}

// String is the text of a scalar, "" of all else.
func (n Node) String() string { s, _ := n.Text(); return s }

// IsText reports whether n is a text, and neither a number nor a boolean.
func (n Node) IsText() bool { return n.n != nil && n.n.Kind == yaml.ScalarNode && n.n.Tag == "!!str" }

// Number reports whether n is a number, so that what is read may be written in
// another way: 1.10 is 1.1.
func (n Node) Number() bool { return n.n != nil && (n.n.Tag == "!!int" || n.n.Tag == "!!float") }

// Int returns a whole number.
func (n Node) Int() (int64, bool) {
	if n.n == nil || n.n.Kind != yaml.ScalarNode || n.n.Tag != "!!int" {
		return 0, false
	}
	i, err := strconv.ParseInt(strings.ReplaceAll(n.n.Value, "_", ""), 0, 64)
	return i, err == nil
}

// Bool returns a boolean, by the rules of YAML 1.1, which Kubernetes and Helm
// read files by: an unquoted yes is one.
//
// https://yaml.org/type/bool.html
func (n Node) Bool() (value, ok bool) {
	if n.n == nil || n.n.Kind != yaml.ScalarNode || n.n.Style&(yaml.SingleQuotedStyle|yaml.DoubleQuotedStyle|yaml.LiteralStyle|yaml.FoldedStyle) != 0 {
		return false, false
	}
	switch n.n.Value {
	case "true", "True", "TRUE", "yes", "Yes", "YES", "on", "On", "ON", "y", "Y":
		return true, true
	case "false", "False", "FALSE", "no", "No", "NO", "off", "Off", "OFF", "n", "N":
		return false, true
	}
	return false, false
}

// Get returns the value at a path of keys. Merge keys count. Of a key that is
// there twice it is the last, as most readers have it, and the document's
// Problems tell of it.
func (n Node) Get(path ...string) Node {
	for _, key := range path {
		if !n.IsMap() {
			return Node{}
		}
		n = n.doc.node(n.doc.lookup(n.n, key, 0))
	}
	return n
}

// mergeDepth bounds merges of merges.
const mergeDepth = 32

func (d *Doc) lookup(m *yaml.Node, key string, depth int) *yaml.Node {
	if !d.spend(1 + len(m.Content)/2) {
		return nil
	}
	var found, first *yaml.Node
	merges := false
	for i := 0; i+1 < len(m.Content); i += 2 {
		k := resolve(m.Content[i])
		switch {
		case k.Kind != yaml.ScalarNode:
		case k.Tag == mergeTag:
			merges = true
		case k.Value == key:
			if found == nil {
				first = k
			} else {
				d.duplicate(k, first)
			}
			found = m.Content[i+1]
		}
	}
	if found != nil || !merges || depth == mergeDepth {
		return found
	}
	for other := range merged(m) {
		if found = d.lookup(other, key, depth+1); found != nil {
			return found
		}
	}
	return nil
}

const mergeTag = "!!merge"

// merged yields the mappings that m's merge keys name; the first of them wins.
func merged(m *yaml.Node) iter.Seq[*yaml.Node] {
	return func(yield func(*yaml.Node) bool) {
		for i := 0; i+1 < len(m.Content); i += 2 {
			if resolve(m.Content[i]).Tag != mergeTag {
				continue
			}
			v := resolve(m.Content[i+1])
			all := []*yaml.Node{v}
			if v.Kind == yaml.SequenceNode {
				all = v.Content
			}
			for _, o := range all {
				if o = resolve(o); o.Kind == yaml.MappingNode && !yield(o) {
					return
				}
			}
		}
	}
}

// Fields yields the keys and values of a mapping in their order, then what merge
// keys add. A key that is there twice comes twice.
func (n Node) Fields() iter.Seq2[Node, Node] {
	return func(yield func(Node, Node) bool) {
		switch {
		case !n.IsMap():
		case plain(n.n):
			n.doc.plainFields(n.n, yield)
		default:
			n.doc.fields(n.n, map[string]*yaml.Node{}, 0, yield)
		}
	}
}

// plain reports whether m has few keys and no merge keys, as most have.
func plain(m *yaml.Node) bool {
	if len(m.Content) > 64 {
		return false
	}
	for i := 0; i+1 < len(m.Content); i += 2 {
		if k := m.Content[i]; k.Kind != yaml.ScalarNode || k.Tag == mergeTag {
			return false
		}
	}
	return true
}

func (d *Doc) plainFields(m *yaml.Node, yield func(Node, Node) bool) {
	for i := 0; i+1 < len(m.Content); i += 2 {
		k := m.Content[i]
		if !d.spend(1) {
			return
		}
		for j := i - 2; j >= 0; j -= 2 {
			if m.Content[j].Value == k.Value {
				d.duplicate(k, m.Content[j])
				break
			}
		}
		if !yield(Node{d, k, nil}, d.node(m.Content[i+1])) {
			return
		}
	}
}

func (d *Doc) fields(m *yaml.Node, seen map[string]*yaml.Node, depth int, yield func(Node, Node) bool) bool {
	merges := false
	own := map[string]bool{}
	for i := 0; i+1 < len(m.Content); i += 2 {
		k := resolve(m.Content[i])
		if !d.spend(1) {
			return false
		}
		if k.Tag == mergeTag {
			merges = true
			continue
		}
		if first := seen[k.Value]; first != nil && k.Kind == yaml.ScalarNode {
			if !own[k.Value] {
				continue // of a mapping that this one is merged into
			}
			d.duplicate(k, first)
		}
		seen[k.Value], own[k.Value] = k, true
		if !yield(d.node(m.Content[i]), d.node(m.Content[i+1])) {
			return false
		}
	}
	if !merges || depth == mergeDepth {
		return true
	}
	for other := range merged(m) {
		if !d.fields(other, seen, depth+1, yield) {
			return false
		}
	}
	return true
}

// Items yields the values of a sequence.
func (n Node) Items() iter.Seq2[int, Node] {
	return func(yield func(int, Node) bool) {
		if !n.IsList() {
			return
		}
		for i, c := range n.n.Content {
			if !n.doc.spend(1) || !yield(i, n.doc.node(c)) {
				return
			}
		}
	}
}

func (d *Doc) node(n *yaml.Node) Node {
	if n == nil {
		return Node{}
	}
	if n.Kind == yaml.AliasNode {
		return Node{d, resolve(n), n}
	}
	return Node{d, n, nil}
}

func resolve(n *yaml.Node) *yaml.Node {
	if n.Kind == yaml.AliasNode && n.Alias != nil {
		return n.Alias
	}
	return n
}
