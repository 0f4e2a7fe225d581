package docs

import (
	"bytes"
	"encoding"
	"encoding/json"
	"fmt"
	"path"
	"reflect"
	"strings"
	"time"

	"github.com/intact-dev/intact/pkg/fact"
	"github.com/intact-dev/intact/pkg/report"
)

// Schema returns the JSON Schema (2020-12) of what encoding/json writes of
// values of v's type. Comments describe types and fields; they may be nil. A
// reader must allow for fields that are not in it: within a version they are
// only ever added.
func Schema(id, title string, v any, comments Comments) ([]byte, error) {
	g := &generator{comments: comments, defs: map[string]any{}}
	t := reflect.TypeOf(v)
	if err := g.define(t); err != nil {
		return nil, fmt.Errorf("make JSON schema %s: %w", id, err)
	}
	var out bytes.Buffer
	e := json.NewEncoder(&out)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	err := e.Encode(map[string]any{
		"$schema": "https://json-schema.org/draft/2020-12/schema",
		"$id":     id, "title": title, "$ref": pointer(t), "$defs": g.defs,
	})
	return out.Bytes(), err
}

type generator struct {
	comments Comments
	defs     map[string]any
}

var (
	textMarshaler = reflect.TypeFor[encoding.TextMarshaler]()
	jsonMarshaler = reflect.TypeFor[json.Marshaler]()
)

// of returns the schema of t; structs are referred to.
func (g *generator) of(t reflect.Type) (map[string]any, error) {
	switch t {
	case reflect.TypeFor[time.Time]():
		return map[string]any{"type": "string", "format": "date-time"}, nil
	case reflect.TypeFor[[]byte]():
		return map[string]any{"type": "string", "contentEncoding": "base64"}, nil
	case reflect.TypeFor[json.RawMessage]():
		return map[string]any{}, nil // any JSON
	case reflect.TypeFor[report.Origins](): // packed in memory, a list in JSON
		return g.of(reflect.TypeFor[[]report.Origin]())
	case reflect.TypeFor[fact.Bytes]():
		b64 := map[string]any{"type": "string", "contentEncoding": "base64"}
		return map[string]any{"anyOf": []any{
			map[string]any{"type": "string"},
			map[string]any{"type": "object", "properties": map[string]any{"b64": b64}, "required": []any{"b64"}},
		}}, nil
	}
	switch {
	case t.Implements(textMarshaler):
		return texts(t), nil
	case t.Implements(jsonMarshaler):
		return nil, fmt.Errorf("%s writes its own JSON, which this does not know", t)
	}
	switch t.Kind() {
	case reflect.Pointer:
		return g.of(t.Elem())
	case reflect.Struct:
		return map[string]any{"$ref": pointer(t)}, g.define(t)
	case reflect.Slice:
		items, err := g.of(t.Elem())
		return map[string]any{"type": "array", "items": items}, err
	case reflect.Map:
		values, err := g.of(t.Elem())
		return map[string]any{"type": "object", "additionalProperties": values}, err
	case reflect.String:
		return map[string]any{"type": "string"}, nil
	case reflect.Bool:
		return map[string]any{"type": "boolean"}, nil
	case reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		return map[string]any{"type": "integer", "minimum": 0}, nil
	case reflect.Int, reflect.Int32, reflect.Int64:
		return map[string]any{"type": "integer"}, nil
	}
	return nil, fmt.Errorf("no JSON Schema for the Go type %s", t)
}

// texts is the schema of a type that writes itself as text: of a small number,
// which is how this repository writes enumerations, all texts there are.
func texts(t reflect.Type) map[string]any {
	s := map[string]any{"type": "string"}
	if t.Kind() != reflect.Uint8 {
		return s
	}
	var all []any
	seen := map[string]bool{}
	for i := range uint64(256) {
		v := reflect.New(t).Elem()
		v.SetUint(i)
		text, err := v.Interface().(encoding.TextMarshaler).MarshalText()
		if err == nil && !seen[string(text)] {
			seen[string(text)] = true
			all = append(all, string(text))
		}
	}
	s["enum"] = all
	return s
}

func (g *generator) define(t reflect.Type) error {
	name := definition(t)
	if _, ok := g.defs[name]; ok {
		return nil
	}
	s := map[string]any{"type": "object"}
	g.defs[name] = s // before its fields: a type may hold itself
	if c := g.comments.of(t, ""); c != "" {
		s["description"] = c
	}
	properties, required := map[string]any{}, []any{}
	if err := g.fields(t, properties, &required); err != nil {
		return err
	}
	s["properties"] = properties
	if len(required) > 0 {
		s["required"] = required
	}
	return nil
}

func (g *generator) fields(t reflect.Type, properties map[string]any, required *[]any) error {
	for i := range t.NumField() {
		f := t.Field(i)
		name, options, _ := strings.Cut(f.Tag.Get("json"), ",")
		switch {
		case name == "-" || !f.IsExported():
			continue
		case f.Anonymous && name == "":
			if err := g.fields(f.Type, properties, required); err != nil {
				return err
			}
			continue
		case name == "":
			return fmt.Errorf("%s.%s has no name in JSON", t, f.Name)
		}
		s, err := g.of(f.Type)
		if err != nil {
			return err
		}
		optional := strings.Contains(options, "omitempty") || strings.Contains(options, "omitzero")
		if !optional {
			*required = append(*required, name)
			s = orNull(f.Type, s)
		}
		if c := g.comments.of(t, f.Name); c != "" {
			s["description"] = c
		}
		properties[name] = s
	}
	return nil
}

// orNull allows null where encoding/json writes it of a nil value.
func orNull(t reflect.Type, s map[string]any) map[string]any {
	switch t.Kind() {
	case reflect.Slice, reflect.Map, reflect.Pointer:
		return map[string]any{"anyOf": []any{s, map[string]any{"type": "null"}}}
	}
	return s
}

func pointer(t reflect.Type) string { return "#/$defs/" + definition(t) }

// definition names t: report.Image, fact.Value.Reference.
func definition(t reflect.Type) string {
	name, argument, generic := strings.Cut(strings.TrimSuffix(t.Name(), "]"), "[")
	s := path.Base(t.PkgPath()) + "." + name
	if generic {
		s += "." + argument[strings.LastIndex(argument, ".")+1:]
	}
	return s
}
