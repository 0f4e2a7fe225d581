package cloudformation

import (
	"cmp"
	"strings"

	"github.com/intact-dev/intact/pkg/extract/internal/resource"
	"github.com/intact-dev/intact/pkg/extract/internal/yamlpos"
)

// sub puts variables into a text: ${Name}, ${Resource.Attribute}; ${!Name} stands
// for itself.
//
// https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/intrinsic-function-reference-sub.html
func (t *template) sub(n, arg yamlpos.Node) *resource.Value {
	vars := yamlpos.Node{}
	if arg.IsList() {
		args := items(arg)
		if len(args) != 2 {
			return t.unknown(n, "Sub", "the function Sub is given no text and variables")
		}
		arg, vars = args[0], args[1]
	}
	s, ok := arg.Text()
	if !ok || len(s) > maxText {
		return t.unknown(n, "Sub", "the function Sub is given no text, or too much of it")
	}
	y := t.yaml()
	text, at := y.Text(arg), y.Place(n)
	var j resource.Joiner
	add := func(from, to int) {
		if from < to {
			j.Add(&resource.Value{Kind: resource.Scalar, Text: text.Slice(from, to), At: at})
		}
	}
	from := 0
	for {
		start := strings.Index(s[from:], "${")
		if start < 0 {
			break
		}
		start += from
		end := strings.IndexByte(s[start:], '}')
		if end < 0 {
			break
		}
		end += start
		name := strings.TrimSpace(s[start+2 : end])
		add(from, start)
		switch {
		case strings.HasPrefix(name, "!"):
			j.Literal("${" + name[1:] + "}")
		default:
			v := t.variable(n, vars, name)
			if v.Kind == resource.List || v.Kind == resource.Map || v.Kind == resource.Null {
				v = t.named(n, name, name+" is no text")
			}
			if v.From == resource.FromParameter || v.Kind == resource.Unknown {
				v = t.named(n, name, v.Why)
			}
			j.Add(v)
		}
		if j.Len() > maxText {
			return t.unknown(n, "Sub", "there is too much text")
		}
		from = end + 1
	}
	add(from, len(s))
	return j.Value(at)
}

func (t *template) variable(n, vars yamlpos.Node, name string) *resource.Value {
	if v := vars.Get(name); v.Exists() {
		return t.yaml().Value(v)
	}
	if resourceName, _, ok := strings.Cut(name, "."); ok {
		v := t.named(n, name, name+" is known only when it is deployed")
		v.From = resourceName
		return v
	}
	return t.ref(n, name)
}

// choose is Fn::If: by its condition, if that follows from the template.
func (t *template) choose(n, arg yamlpos.Node) *resource.Value {
	args := items(arg)
	if len(args) != 3 {
		return t.unknown(n, "If", "the function If is not given a condition and two values")
	}
	yes, why := t.condition(args[0].String())
	switch {
	case why != "":
		return t.unknown(n, "If", why)
	case yes:
		return t.yaml().Value(args[1])
	}
	return t.yaml().Value(args[2])
}

// condition evaluates a condition of the template by its name.
func (t *template) condition(name string) (yes bool, why string) {
	c := t.root.Get("Conditions", name)
	if !c.Exists() {
		return false, "the condition " + name + " is not declared"
	}
	if t.asked[name] {
		return false, "the condition " + name + " depends on itself"
	}
	t.asked[name] = true
	defer delete(t.asked, name)
	return t.test(c)
}

func (t *template) test(n yamlpos.Node) (yes bool, why string) {
	name, arg, ok := function(n)
	t.steps++
	if !ok || t.steps > maxSteps || t.depth >= maxDepth {
		return false, "a condition is not evaluated"
	}
	t.depth++
	defer func() { t.depth-- }()
	switch name {
	case "Condition":
		return t.condition(arg.String())
	case "Equals":
		args := items(arg)
		if len(args) != 2 {
			break
		}
		a, b := t.yaml().Value(args[0]), t.yaml().Value(args[1])
		if why := cmp.Or(a.Unknown(), b.Unknown()); why != "" {
			return false, why
		}
		return a.Text.String() == b.Text.String(), ""
	case "Not":
		for _, a := range items(arg) {
			yes, why := t.test(a)
			return !yes, why
		}
	case "And", "Or":
		unknown := ""
		for _, a := range items(arg) {
			yes, why := t.test(a)
			unknown = cmp.Or(unknown, why)
			if why == "" && yes == (name == "Or") {
				return yes, ""
			}
		}
		return name == "And", unknown
	}
	return false, "a condition is not evaluated"
}
