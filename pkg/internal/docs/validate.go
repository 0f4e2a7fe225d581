package docs

import (
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"regexp"
	"slices"
	"strings"
)

// Validate holds the JSON document doc against a JSON Schema and returns what
// does not agree. It knows the keywords that this repository's schemas use. It
// is stricter than the schema in one way: a property that the schema does not
// list is a problem, so that a schema cannot fall behind unseen.
func Validate(schema, doc []byte) ([]string, error) {
	v := &validator{}
	var d any
	if err := json.Unmarshal(schema, &v.root); err != nil {
		return nil, fmt.Errorf("read schema: %w", err)
	}
	if err := json.Unmarshal(doc, &d); err != nil {
		return nil, fmt.Errorf("read document: %w", err)
	}
	v.check("", v.root, d)
	return v.problems, nil
}

type validator struct {
	root     map[string]any
	problems []string
}

func (v *validator) say(at, format string, args ...any) {
	v.problems = append(v.problems, at+": "+fmt.Sprintf(format, args...))
}

func (v *validator) check(at string, s map[string]any, d any) {
	if ref, ok := s["$ref"].(string); ok {
		defs, _ := v.root["$defs"].(map[string]any)
		target, ok := defs[strings.TrimPrefix(ref, "#/$defs/")].(map[string]any)
		if !ok {
			v.say(at, "the schema has no %s", ref)
			return
		}
		v.check(at, target, d)
	}
	if choices, ok := s["anyOf"].([]any); ok {
		v.anyOf(at, choices, d)
	}
	if t, ok := s["type"].(string); ok && !isType(t, d) {
		v.say(at, "is no %s", t)
		return
	}
	if enum, ok := s["enum"].([]any); ok && !slices.Contains(enum, d) {
		v.say(at, "%v is none of %v", d, enum)
	}
	switch d := d.(type) {
	case map[string]any:
		v.object(at, s, d)
	case []any:
		if least, ok := s["minItems"].(float64); ok && float64(len(d)) < least {
			v.say(at, "has %d items, fewer than %v", len(d), least)
		}
		if items, ok := s["items"].(map[string]any); ok {
			for i, e := range d {
				v.check(fmt.Sprintf("%s[%d]", at, i), items, e)
			}
		}
	case string:
		v.text(at, s, d)
	case float64:
		if least, ok := s["minimum"].(float64); ok && d < least {
			v.say(at, "%v is less than %v", d, least)
		}
	}
}

func (v *validator) anyOf(at string, schemas []any, d any) {
	var all []string
	for _, s := range schemas {
		one := &validator{root: v.root}
		choice, _ := s.(map[string]any)
		one.check(at, choice, d)
		if one.problems == nil {
			return
		}
		all = append(all, one.problems...)
	}
	v.problems = append(v.problems, all...)
}

func (v *validator) object(at string, s, d map[string]any) {
	required, _ := s["required"].([]any)
	for _, name := range required {
		if _, ok := d[name.(string)]; !ok {
			v.say(at, "%v is missing", name)
		}
	}
	properties, described := s["properties"].(map[string]any)
	others, hasOthers := s["additionalProperties"].(map[string]any)
	for _, name := range slices.Sorted(maps.Keys(d)) {
		p, ok := properties[name].(map[string]any)
		switch {
		case ok:
			v.check(at+"."+name, p, d[name])
		case hasOthers:
			v.check(at+"."+name, others, d[name])
		case described || s["additionalProperties"] == false:
			v.say(at, "%q is not in the schema", name)
		}
	}
}

func (v *validator) text(at string, s map[string]any, d string) {
	if least, ok := s["minLength"].(float64); ok && float64(len(d)) < least {
		v.say(at, "%q is shorter than %v", d, least)
	}
	if p, ok := s["pattern"].(string); ok {
		if re, err := regexp.Compile(p); err != nil || !re.MatchString(d) {
			v.say(at, "%q does not match %s", d, p)
		}
	}
}

func isType(t string, d any) bool {
	switch d := d.(type) {
	case nil:
		return t == "null"
	case bool:
		return t == "boolean"
	case string:
		return t == "string"
	case float64:
		return t == "number" || t == "integer" && d == math.Trunc(d)
	case []any:
		return t == "array"
	case map[string]any:
		return t == "object"
	}
	return false
}
