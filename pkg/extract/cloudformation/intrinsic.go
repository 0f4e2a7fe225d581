package cloudformation

import (
	"cmp"
	"fmt"
	"strings"

	"github.com/intact-dev/intact/pkg/extract/internal/resource"
	"github.com/intact-dev/intact/pkg/extract/internal/written"
	"github.com/intact-dev/intact/pkg/extract/internal/yamlpos"
)

// function returns the intrinsic function that n calls, and its argument.
//
// https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/intrinsic-function-reference.html
func function(n yamlpos.Node) (name string, arg yamlpos.Node, ok bool) {
	if tag := n.Tag(); len(tag) > 1 && tag[0] == '!' && tag[1] != '!' {
		return tag[1:], n, true
	}
	count := 0
	for k, v := range n.Fields() {
		if count++; count > 1 {
			return "", arg, false
		}
		name, arg = k.String(), v
	}
	short, fn := strings.CutPrefix(name, "Fn::")
	return short, arg, count == 1 && (fn || name == "Ref" || name == "Condition")
}

const (
	maxDepth = 100
	maxSteps = 200_000
	maxText  = 1 << 16
)

// special evaluates what is no plain value.
func (t *template) special(n yamlpos.Node) (*resource.Value, bool) {
	name, arg, ok := function(n)
	if !ok {
		if s, text := n.Text(); text && strings.Contains(s, "{{resolve:") {
			return t.dynamic(n, s), true
		}
		return nil, false
	}
	t.steps++
	if t.depth >= maxDepth || t.steps > maxSteps {
		return t.unknown(n, name, "functions are nested too deep, or there are too many"), true
	}
	t.depth++
	defer func() { t.depth-- }()
	v := t.call(n, name, arg)
	if v.Kind == resource.Scalar || v.Kind == resource.Unknown {
		c := *v
		c.At = t.yaml().Place(n)
		c.Ignored = append(c.Ignored[:len(c.Ignored):len(c.Ignored)], n.Ignored()...)
		v = &c
	}
	return v, true
}

func (t *template) call(n yamlpos.Node, name string, arg yamlpos.Node) *resource.Value {
	switch name {
	case "Ref":
		return t.ref(n, arg.String())
	case "Sub":
		return t.sub(n, arg)
	case "Join":
		return t.join(n, arg)
	case "FindInMap":
		return t.findInMap(n, arg)
	case "If":
		return t.choose(n, arg)
	case "Select":
		return t.pick(n, arg)
	case "Split":
		return t.split(n, arg)
	case "GetAtt":
		return t.attribute(n, arg)
	}
	return t.unknown(n, name, "the function "+name+" is evaluated only when it is deployed")
}

// unknown is what a function makes, which is not known. Its text names it.
func (t *template) unknown(n yamlpos.Node, name, why string) *resource.Value {
	s := n.String()
	if s == "" {
		s = name
	}
	return resource.NotKnown(t.yaml().Place(n), written.Made("${"+s+"}"), why)
}

// dynamic is a text with {{resolve:ssm:…}} in it, which is read when it is deployed.
//
// https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/dynamic-references.html
func (t *template) dynamic(n yamlpos.Node, s string) *resource.Value {
	y := t.yaml()
	v := &resource.Value{Kind: resource.Scalar, Text: y.Text(n), At: y.Place(n), Ignored: n.Ignored()}
	for at := 0; ; {
		start := strings.Index(s[at:], "{{resolve:")
		if start < 0 {
			break
		}
		start += at
		end := len(s)
		if i := strings.Index(s[start:], "}}"); i >= 0 {
			end = start + i + 2
		}
		v.Holes = append(v.Holes, resource.Hole{Start: start, End: end, Why: s[start:end] + " is read when it is deployed"})
		at = end
	}
	if len(v.Holes) == 1 && v.Holes[0].Start == 0 && v.Holes[0].End == len(s) {
		v.Kind, v.Why, v.Holes = resource.Unknown, v.Holes[0].Why, nil
		if strings.HasPrefix(s, "{{resolve:ssm:") {
			v.From = resource.FromParameter
		}
	}
	return v
}

// ref is a parameter, a resource, or one of those that every stack has.
func (t *template) ref(n yamlpos.Node, name string) *resource.Value {
	p := t.root.Get("Parameters", name)
	switch {
	case name == "AWS::NoValue":
		return &resource.Value{Kind: resource.Null, At: t.yaml().Place(n)}
	case strings.HasPrefix(name, "AWS::"):
		return t.named(n, name, name+" is known only when it is deployed")
	case p.IsMap():
		return t.parameter(n, name, p)
	}
	v := t.named(n, name, name+" is known only when it is deployed")
	if !t.root.Get("Resources", name).IsZero() {
		v.From = name
	}
	return v
}

func (t *template) named(n yamlpos.Node, name, why string) *resource.Value {
	return resource.NotKnown(t.yaml().Place(n), written.Made("${"+name+"}"), why)
}

// parameter is a parameter's default, used at n.
func (t *template) parameter(n yamlpos.Node, name string, p yamlpos.Node) *resource.Value {
	def := p.Get("Default")
	if def.IsZero() {
		return t.named(n, name, fmt.Sprintf("the parameter %q has no default", name))
	}
	y := resource.YAML{File: t.file}
	v := y.Value(def)
	kind := p.Get("Type").String()
	if strings.HasPrefix(kind, ssmType) {
		v = resource.NotKnown(v.At, v.Text, fmt.Sprintf("the parameter %q of SSM is read when it is deployed", def.String()))
		v.From = resource.FromParameter
		if strings.Contains(kind, "AWS::EC2::Image::Id") && n != def {
			v.From = "data.aws_ssm_parameter" // it is found at the parameter
		}
		v.Ignored = def.Ignored()
	}
	if strings.HasPrefix(kind, "List<") || kind == "CommaDelimitedList" {
		list := &resource.Value{Kind: resource.List, At: v.At}
		s, from := v.Text.String(), 0
		for part := range strings.SplitSeq(s, ",") {
			list.Items = append(list.Items, &resource.Value{Kind: resource.Scalar, Text: v.Text.Slice(from, from+len(part)).Trim(), At: v.At})
			from += len(part) + 1
		}
		return list
	}
	return v
}

func (t *template) attribute(n, arg yamlpos.Node) *resource.Value {
	name, rest, _ := strings.Cut(arg.String(), ".")
	if arg.IsList() {
		for i, item := range arg.Items() {
			if i == 0 {
				name = item.String()
			} else {
				rest = item.String()
			}
		}
	}
	v := t.named(n, name+"."+rest, name+"."+rest+" is known only when it is deployed")
	v.From = name
	return v
}

func items(n yamlpos.Node) []yamlpos.Node {
	var out []yamlpos.Node
	for _, item := range n.Items() {
		out = append(out, item)
	}
	return out
}

func (t *template) join(n, arg yamlpos.Node) *resource.Value {
	args := items(arg)
	if len(args) != 2 {
		return t.unknown(n, "Join", "the function Join is given no separator and list")
	}
	sep, list := t.yaml().Value(args[0]), t.yaml().Value(args[1])
	if list.Kind != resource.List {
		return t.unknown(n, "Join", cmp.Or(list.Unknown(), "the function Join is given no list"))
	}
	var j resource.Joiner
	first := true
	for _, item := range list.Items {
		if item.Kind == resource.Null {
			continue
		}
		if item.Kind == resource.List || item.Kind == resource.Map || j.Len() > maxText {
			return t.unknown(n, "Join", "an element is no text, or there is too much of it")
		}
		if !first && sep.Text.Len() > 0 {
			j.Add(sep)
		}
		first = false
		j.Add(item)
	}
	return j.Value(t.yaml().Place(n))
}

func (t *template) findInMap(n, arg yamlpos.Node) *resource.Value {
	args := items(arg)
	if len(args) < 3 {
		return t.unknown(n, "FindInMap", "the function FindInMap is not given three names")
	}
	at := t.root.Get("Mappings")
	for _, a := range args[:3] {
		key := t.yaml().Value(a)
		if why := key.Unknown(); why != "" {
			return t.unknown(n, "FindInMap", why)
		}
		at = at.Get(key.Text.String())
	}
	if at.IsZero() {
		if len(args) > 3 && !args[3].Get("DefaultValue").IsZero() {
			return t.yaml().Value(args[3].Get("DefaultValue"))
		}
		return t.unknown(n, "FindInMap", "the mapping has no such keys")
	}
	return t.yaml().Value(at)
}

func (t *template) pick(n, arg yamlpos.Node) *resource.Value {
	args := items(arg)
	if len(args) != 2 {
		return t.unknown(n, "Select", "the function Select is given no index and list")
	}
	index, list := t.yaml().Value(args[0]), t.yaml().Value(args[1])
	i, ok := index.Int()
	if !ok || list.Kind != resource.List || i < 0 || i >= int64(len(list.Items)) {
		return t.unknown(n, "Select", cmp.Or(index.Unknown(), list.Unknown(), "there is no such element"))
	}
	return list.Items[i]
}

func (t *template) split(n, arg yamlpos.Node) *resource.Value {
	args := items(arg)
	if len(args) != 2 {
		return t.unknown(n, "Split", "the function Split is given no separator and text")
	}
	sep, v := t.yaml().Value(args[0]), t.yaml().Value(args[1])
	if sep.Known() == "" || v.Kind != resource.Scalar || len(v.Holes) > 0 {
		return t.unknown(n, "Split", cmp.Or(sep.Unknown(), v.Unknown(), "there is no text to split"))
	}
	out := &resource.Value{Kind: resource.List, At: t.yaml().Place(n)}
	from := 0
	for part := range strings.SplitSeq(v.Text.String(), sep.Known()) {
		out.Items = append(out.Items, &resource.Value{Kind: resource.Scalar, Text: v.Text.Slice(from, from+len(part)), At: v.At})
		from += len(part) + len(sep.Known())
	}
	return out
}
