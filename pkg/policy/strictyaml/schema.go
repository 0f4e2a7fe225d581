package strictyaml

import (
	"bytes"
	"encoding/json"
	"fmt"
	"reflect"
	"strings"
)

// A Schemer describes itself in JSON Schema.
type Schemer interface {
	JSONSchema() map[string]any
}

// Schema returns the JSON Schema (2020-12) of the documents that [Decode] reads
// into a value of v's type. It is deterministic.
func Schema(id, title string, v any) ([]byte, error) {
	s := schemaOf(reflect.TypeOf(v), "")
	s["$schema"] = "https://json-schema.org/draft/2020-12/schema"
	s["$id"] = id
	s["title"] = title
	var out bytes.Buffer
	enc := json.NewEncoder(&out)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	if err := enc.Encode(s); err != nil {
		return nil, fmt.Errorf("write JSON schema %s: %w", id, err)
	}
	return out.Bytes(), nil
}

func schemaOf(t reflect.Type, tag reflect.StructTag) map[string]any {
	var s map[string]any
	if own, ok := reflect.Zero(t).Interface().(Schemer); ok {
		s = own.JSONSchema()
	} else {
		s = schemaOfKind(t, tag)
	}
	if doc := tag.Get("doc"); doc != "" {
		s["description"] = doc
	}
	return s
}

func schemaOfKind(t reflect.Type, tag reflect.StructTag) map[string]any {
	// The texts inside a list or mapping carry its enum and pattern, not its doc.
	inner := reflect.StructTag(fmt.Sprintf("enum:%q pattern:%q", tag.Get("enum"), tag.Get("pattern")))
	s := map[string]any{}
	switch t.Kind() {
	case reflect.Pointer:
		return schemaOf(t.Elem(), inner)
	case reflect.Bool:
		s["type"] = "boolean"
	case reflect.Int, reflect.Int64:
		s["type"] = "integer"
	case reflect.String:
		s["type"] = "string"
		s["minLength"] = 1
		if enum := tag.Get("enum"); enum != "" {
			s["enum"] = strings.Split(enum, "|")
		}
		if pattern := tag.Get("pattern"); pattern != "" {
			s["pattern"] = pattern
		}
	case reflect.Slice:
		s["type"] = "array"
		s["items"] = schemaOf(t.Elem(), inner)
		if tag.Get("empty") != "ok" {
			s["minItems"] = 1
		}
	case reflect.Map:
		s["type"] = "object"
		s["additionalProperties"] = schemaOf(t.Elem(), inner)
		if tag.Get("empty") != "ok" {
			s["minProperties"] = 1
		}
	case reflect.Struct:
		objectSchema(s, t)
	}
	return s
}

func objectSchema(s map[string]any, t reflect.Type) {
	properties := map[string]any{}
	var required []string
	for i := range t.NumField() {
		f := t.Field(i)
		key := f.Tag.Get("yaml")
		if key == "" || key == "-" {
			continue
		}
		properties[key] = schemaOf(f.Type, f.Tag)
		if f.Tag.Get("required") == "true" {
			required = append(required, key)
		}
	}
	s["type"] = "object"
	s["additionalProperties"] = false
	s["minProperties"] = 1
	s["properties"] = properties
	if required != nil {
		s["required"] = required
	}
}
