// Package krm speaks the protocol of KRM functions, which kustomize, kpt and
// others run: a ResourceList comes in, and the same goes out with results.
//
// https://github.com/kubernetes-sigs/kustomize/blob/master/cmd/config/docs/api-conventions/functions-spec.md
package krm

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"slices"
	"strconv"
	"testing/fstest"

	"github.com/intact-dev/intact/pkg/extract"
	"github.com/intact-dev/intact/pkg/fact"
	"github.com/intact-dev/intact/pkg/internal/limits"
	"github.com/intact-dev/intact/pkg/ref"
	"sigs.k8s.io/kustomize/kyaml/kio"
	"sigs.k8s.io/kustomize/kyaml/kio/kioutil"
	"sigs.k8s.io/kustomize/kyaml/yaml"
)

// Unplaced is the file of items that come without the path they were read from.
const Unplaced = "resources.yaml"

// A List is a ResourceList. It is changed by nothing but Write, which adds
// results.
type List struct {
	io    kio.ByteReadWriter
	nodes []*yaml.RNode
	items []Item
	files map[string]*file
	// problems are items that cannot stand by themselves.
	problems []extract.Problem
}

// An Item is one resource.
type Item struct {
	APIVersion, Kind, Namespace, Name string
	// Path and Index say where it was read from, by its annotations: the file, and
	// which of its documents. Path is "" if they do not.
	Path  string
	Index int
}

// A file is the items of one path, one document each.
type file struct {
	text  bytes.Buffer
	lines int
	items []span
}

// A span is the lines of one item, the first one from 1.
type span struct{ first, item int }

// Read reads a ResourceList of at most [limits.ResourceList] bytes.
func Read(r io.Reader) (*List, error) {
	b, err := io.ReadAll(io.LimitReader(r, limits.ResourceList+1))
	if err != nil {
		return nil, fmt.Errorf("read resource list: %w", err)
	}
	if len(b) > limits.ResourceList {
		return nil, fmt.Errorf("read resource list: %w", &limits.ExceededError{What: "size of a resource list", Limit: limits.ResourceList})
	}
	l := &List{files: map[string]*file{}, io: kio.ByteReadWriter{Reader: bytes.NewReader(b), KeepReaderAnnotations: true, OmitReaderAnnotations: true}}
	if l.nodes, err = l.io.Read(); err != nil {
		return nil, fmt.Errorf("read resource list: %w", err)
	}
	if l.io.WrappingKind != kio.ResourceListKind {
		return nil, errors.New("read resource list: it is none: kind is not ResourceList")
	}
	switch l.io.WrappingAPIVersion {
	case "config.kubernetes.io/v1", "config.kubernetes.io/v1beta1", "config.kubernetes.io/v1alpha1":
	default:
		return nil, fmt.Errorf("read resource list: unknown apiVersion %q: there is config.kubernetes.io/v1, v1beta1 and v1alpha1", l.io.WrappingAPIVersion)
	}
	for i, n := range l.nodes {
		if err := l.add(n); err != nil {
			return nil, fmt.Errorf("read resource list: items[%d]: %w", i, err)
		}
	}
	return l, nil
}

// add puts a node into the file that it came from.
func (l *List) add(n *yaml.RNode) error {
	if n.YNode() == nil || n.YNode().Kind != yaml.MappingNode {
		return errors.New("it is no object")
	}
	it := Item{APIVersion: n.GetApiVersion(), Kind: n.GetKind(), Namespace: n.GetNamespace(), Name: n.GetName()}
	var index string
	var err error
	if it.Path, index, err = kioutil.GetFileAnnotations(n); err != nil {
		return err
	}
	if index != "" {
		if it.Index, err = strconv.Atoi(index); err != nil || it.Index < 0 {
			return fmt.Errorf("its index annotation is %q", index)
		}
	}
	name := cmp.Or(it.Path, Unplaced)
	if !fs.ValidPath(name) || name == "." {
		return fmt.Errorf("its path annotation %q is no relative path within a folder", it.Path)
	}
	text, err := n.String()
	if err != nil {
		return err
	}
	foreign := foreignAlias(n.YNode())
	if foreign != "" {
		text = "" // by itself it is no YAML
	}
	f := l.files[name]
	if f == nil {
		f = &file{}
		l.files[name] = f
	}
	f.text.WriteString("---\n")
	f.items = append(f.items, span{f.lines + 1, len(l.items)})
	f.text.WriteString(text)
	if foreign != "" {
		l.problems = append(l.problems, extract.Problem{
			Origin: ref.Origin{Kind: "file", Where: name, Line: f.lines + 1}, Cause: fact.Unsupported,
			Why: fmt.Sprintf("%s %q has an alias %q of what is in another resource", it.Kind, it.Name, foreign),
		})
	}
	f.lines += 1 + bytes.Count([]byte(text), []byte("\n"))
	l.items = append(l.items, it)
	return nil
}

// foreignAlias returns the name of an alias in n whose anchor is not in n, or "".
// Aliases are not followed: no text can make that long.
func foreignAlias(n *yaml.Node) string {
	own := map[*yaml.Node]bool{}
	var aliases []*yaml.Node
	var walk func(n *yaml.Node)
	walk = func(n *yaml.Node) {
		own[n] = true
		if n.Kind == yaml.AliasNode {
			aliases = append(aliases, n)
			return
		}
		for _, c := range n.Content {
			walk(c)
		}
	}
	walk(n)
	for _, a := range aliases {
		if !own[a.Alias] {
			return a.Value
		}
	}
	return ""
}

// FS holds the items as the files that they were read from. Lines in them are
// not those of the files.
func (l *List) FS() fs.FS {
	out := fstest.MapFS{}
	for name, f := range l.files {
		out[name] = &fstest.MapFile{Data: f.text.Bytes(), Mode: 0o444}
	}
	return out
}

// Files are the names of the files in FS, sorted.
func (l *List) Files() []string {
	var out []string
	for name := range l.files {
		out = append(out, name)
	}
	slices.Sort(out)
	return out
}

// Items are the resources in their order.
func (l *List) Items() []Item { return l.items }

// at returns the item in whose lines of the file line is.
func (l *List) at(name string, line int) (Item, bool) {
	f := l.files[name]
	if f == nil || line < 1 || line > f.lines {
		return Item{}, false
	}
	i, _ := slices.BinarySearchFunc(f.items, line, func(s span, line int) int {
		if s.first <= line {
			return -1
		}
		return 1
	})
	return l.items[f.items[i-1].item], true
}

// Config returns the settings of the functionConfig: the spec of an object, or
// the data of a ConfigMap. All values are strings.
func (l *List) Config() (map[string]string, error) {
	if l.io.FunctionConfig == nil || yaml.IsMissingOrNull(l.io.FunctionConfig) {
		return nil, nil
	}
	field := "spec"
	if l.io.FunctionConfig.GetKind() == "ConfigMap" {
		field = "data"
	}
	n := l.io.FunctionConfig.Field(field)
	if n == nil || yaml.IsMissingOrNull(n.Value) {
		return nil, nil
	}
	out := map[string]string{}
	if n.Value.YNode().Kind != yaml.MappingNode {
		return nil, fmt.Errorf("read functionConfig: %s is no mapping", field)
	}
	err := n.Value.VisitFields(func(m *yaml.MapNode) error {
		key := m.Key.YNode().Value
		if m.Value.YNode().Kind != yaml.ScalarNode {
			return fmt.Errorf("read functionConfig: %s.%s is no text", field, key)
		}
		if _, twice := out[key]; twice {
			return fmt.Errorf("read functionConfig: %s.%s occurs twice", field, key)
		}
		out[key] = m.Value.YNode().Value
		return nil
	})
	return out, err
}

// Write writes the list with results behind those that it came with.
func (l *List) Write(w io.Writer, results []*Result) error {
	out := l.io
	out.Writer = w
	if len(results) > 0 {
		b, err := yaml.Marshal(results)
		if err != nil {
			return fmt.Errorf("write resource list: %w", err)
		}
		n, err := yaml.Parse(string(b))
		if err != nil {
			return fmt.Errorf("write resource list: %w", err)
		}
		if old := l.io.Results; old != nil && old.YNode().Kind == yaml.SequenceNode {
			n.YNode().Content = append(slices.Clone(old.Content()), n.Content()...)
		}
		out.Results = n
	}
	if err := out.Write(l.nodes); err != nil {
		return fmt.Errorf("write resource list: %w", err)
	}
	return nil
}
