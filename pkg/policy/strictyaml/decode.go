package strictyaml

import (
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

type decoder struct {
	doc   *Document
	errs  Errors
	nodes int
	full  bool // a limit was hit, said once
}

func (d *decoder) errorf(n *yaml.Node, format string, args ...any) {
	d.errs = append(d.errs, d.doc.errorAt(n, format, args...))
}

func (d *decoder) decodeRoot(n *yaml.Node, out any) {
	d.decode(n, reflect.ValueOf(out).Elem(), "", 0)
}

// decode reads n into v. tag holds the enum and pattern of the field that v
// belongs to; they apply to the texts in it.
func (d *decoder) decode(n *yaml.Node, v reflect.Value, tag reflect.StructTag, depth int) {
	if d.nodes++; d.full || d.nodes > maxNodes || depth > maxDepth {
		if !d.full {
			d.full = true
			d.errorf(n, "the document is too deep or expands too far; the limits are %d levels and %d values, aliases expanded",
				maxDepth, maxNodes)
		}
		return
	}
	n = resolve(n)
	if v.CanAddr() {
		if u, ok := v.Addr().Interface().(Unmarshaler); ok {
			if err := u.UnmarshalNode(n); err != nil {
				d.errorf(n, "%v", err)
			}
			return
		}
	}
	switch v.Kind() {
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		d.decode(n, v.Elem(), tag, depth+1)
	case reflect.Struct:
		d.decodeStruct(n, v, depth)
	case reflect.Map:
		d.decodeMap(n, v, tag, depth)
	case reflect.Slice:
		d.decodeSlice(n, v, tag, depth)
	case reflect.String:
		d.decodeString(n, v, tag)
	case reflect.Bool:
		if n.Kind != yaml.ScalarNode || n.ShortTag() != "!!bool" {
			d.errorf(n, "%s; expected true or false", describe(n))
			return
		}
		v.SetBool(strings.EqualFold(n.Value, "true"))
	case reflect.Int, reflect.Int64:
		i, err := strconv.ParseInt(n.Value, 10, 64)
		if n.Kind != yaml.ScalarNode || n.ShortTag() != "!!int" || err != nil {
			d.errorf(n, "%s; expected a whole number", describe(n))
			return
		}
		v.SetInt(i)
	default:
		d.errorf(n, "a value of type %s cannot be read", v.Type())
	}
}

func (d *decoder) decodeStruct(n *yaml.Node, v reflect.Value, depth int) {
	if n.Kind != yaml.MappingNode {
		d.errorf(n, "%s; expected a mapping with the keys %s", describe(n), strings.Join(keysOf(v.Type()), ", "))
		return
	}
	if len(n.Content) == 0 {
		d.errorf(n, "empty; expected a mapping with the keys %s", strings.Join(keysOf(v.Type()), ", "))
		return
	}
	seen := map[string]*yaml.Node{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, value := n.Content[i], n.Content[i+1]
		if !d.key(key, seen) {
			continue
		}
		field, ok := fieldOf(v.Type(), key.Value)
		if !ok {
			keys := keysOf(v.Type())
			d.errorf(key, "unknown key %q%s; known here: %s", key.Value, DidYouMean(key.Value, keys), strings.Join(keys, ", "))
			continue
		}
		d.decode(value, v.FieldByIndex(field.Index), field.Tag, depth+1)
	}
	for i := range v.NumField() {
		f := v.Type().Field(i)
		if _, ok := seen[f.Tag.Get("yaml")]; !ok && f.Tag.Get("required") == "true" {
			d.errorf(n, "the key %q is missing", f.Tag.Get("yaml"))
		}
	}
}

// key checks that key is a plain text that did not occur in seen.
func (d *decoder) key(key *yaml.Node, seen map[string]*yaml.Node) bool {
	if key.Kind == yaml.ScalarNode && key.ShortTag() == "!!merge" {
		d.errorf(key, "merge keys (<<) are not supported; write the keys out")
		return false
	}
	if key.Kind != yaml.ScalarNode || key.ShortTag() != "!!str" {
		d.errorf(key, "%s as a key; expected a plain text", describe(key))
		return false
	}
	if first, ok := seen[key.Value]; ok {
		d.errorf(key, "duplicate key %q, first at line %d", key.Value, first.Line)
		return false
	}
	seen[key.Value] = key
	return true
}

func (d *decoder) decodeMap(n *yaml.Node, v reflect.Value, tag reflect.StructTag, depth int) {
	if n.Kind != yaml.MappingNode {
		d.errorf(n, "%s; expected a mapping", describe(n))
		return
	}
	if len(n.Content) == 0 && tag.Get("empty") != "ok" {
		d.errorf(n, "empty mapping; leave the key out if nothing is meant")
		return
	}
	v.Set(reflect.MakeMap(v.Type()))
	seen := map[string]*yaml.Node{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		key := n.Content[i]
		if !d.key(key, seen) {
			continue
		}
		value := reflect.New(v.Type().Elem()).Elem()
		d.decode(n.Content[i+1], value, tag, depth+1)
		v.SetMapIndex(reflect.ValueOf(key.Value).Convert(v.Type().Key()), value)
	}
}

func (d *decoder) decodeSlice(n *yaml.Node, v reflect.Value, tag reflect.StructTag, depth int) {
	if n.Kind != yaml.SequenceNode {
		d.errorf(n, "%s; expected a list", describe(n))
		return
	}
	if len(n.Content) == 0 && tag.Get("empty") != "ok" {
		d.errorf(n, "empty list; leave the key out if nothing is meant")
		return
	}
	// Empty is not the same as left out.
	v.Set(reflect.MakeSlice(v.Type(), 0, len(n.Content)))
	for _, part := range n.Content {
		if d.full {
			return
		}
		value := reflect.New(v.Type().Elem()).Elem()
		d.decode(part, value, tag, depth+1)
		v.Set(reflect.Append(v, value))
	}
}

func (d *decoder) decodeString(n *yaml.Node, v reflect.Value, tag reflect.StructTag) {
	if n.Kind != yaml.ScalarNode || n.ShortTag() != "!!str" {
		hint := ""
		if n.Kind == yaml.ScalarNode && n.ShortTag() != "!!null" {
			hint = "; write it in quotes"
		}
		d.errorf(n, "%s; expected a text%s", describe(n), hint)
		return
	}
	if n.Value == "" {
		d.errorf(n, "empty text; leave the key out if nothing is meant")
		return
	}
	if enum := tag.Get("enum"); enum != "" {
		values := strings.Split(enum, "|")
		if !slices.Contains(values, n.Value) {
			d.errorf(n, "%q; expected %s%s", n.Value, strings.Join(values, " or "), DidYouMean(n.Value, values))
			return
		}
	}
	if pattern := tag.Get("pattern"); pattern != "" && !regexp.MustCompile(pattern).MatchString(n.Value) {
		d.errorf(n, "%q; expected the form %s", n.Value, pattern)
		return
	}
	v.SetString(n.Value)
}
