package api

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"reflect"
	"strconv"
	"strings"

	"github.com/intact-dev/intact/pkg/internal/lazy"
	v1 "github.com/intact-dev/intact/pkg/serve/api/v1"
)

//go:generate go test -run ^TestTheDocumentIsFresh -update .

// OpenAPI makes the document of the routes. schema returns the JSON Schema of what
// encoding/json writes of a value, with its parts in $defs.
//
// https://spec.openapis.org/oas/v3.1.0
func OpenAPI(schema func(v any) (json.RawMessage, error)) ([]byte, error) {
	d := drawing{schema: schema, schemas: map[string]any{}}
	problem, err := d.refer(v1.Problem{})
	if err != nil {
		return nil, err
	}
	paths := map[string]map[string]any{}
	for _, r := range routes() {
		operation, err := d.operation(r)
		if err != nil {
			return nil, fmt.Errorf("OpenAPI document: %s %s: %w", r.method, r.path, err)
		}
		if paths[v1.Prefix+r.path] == nil {
			paths[v1.Prefix+r.path] = map[string]any{}
		}
		paths[v1.Prefix+r.path][strings.ToLower(r.method)] = operation
	}
	doc := map[string]any{
		"openapi": "3.1.0",
		"info": map[string]any{"title": "intact", "version": "1",
			"description": "What the service recorded, and the wish to have a tag or an image judged. Within /api/v1 members and resources are only ever added.",
			"license":     map[string]any{"name": "Apache-2.0", "identifier": "Apache-2.0"}},
		"paths": paths,
		"components": map[string]any{
			"schemas": d.schemas,
			"securitySchemes": map[string]any{"bearer": map[string]any{"type": "http", "scheme": "bearer",
				"description": "a fixed token or an identity token, by serve.api of the config"}},
			"responses": map[string]any{"problem": map[string]any{"description": "an error (RFC 9457)",
				"content": map[string]any{"application/problem+json": map[string]any{"schema": problem}}}},
		},
	}
	var out bytes.Buffer
	e := json.NewEncoder(&out)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	if err := e.Encode(doc); err != nil {
		return nil, fmt.Errorf("OpenAPI document: %w", err)
	}
	return out.Bytes(), nil
}

// A drawing collects the schemas of a document.
type drawing struct {
	schema  func(v any) (json.RawMessage, error)
	schemas map[string]any
}

// refer adds the schema of v and what it needs.
func (d *drawing) refer(v any) (map[string]any, error) {
	raw, err := d.schema(v)
	if err != nil {
		return nil, err
	}
	raw = bytes.ReplaceAll(raw, []byte(`"#/$defs/`), []byte(`"#/components/schemas/`))
	var whole struct {
		Ref  string         `json:"$ref"`
		Defs map[string]any `json:"$defs"`
	}
	if err := json.Unmarshal(raw, &whole); err != nil {
		return nil, fmt.Errorf("schema of %s: %w", reflect.TypeOf(v), err)
	}
	for name, s := range whole.Defs {
		d.schemas[name] = s
	}
	return map[string]any{"$ref": whole.Ref}, nil
}

func (d *drawing) operation(r route) (map[string]any, error) {
	out := map[string]any{"summary": r.summary, "operationId": operationID(r)}
	if r.doc != "" {
		out["description"] = r.doc
	}
	parameters := []any{}
	for _, m := range inPath().FindAllStringSubmatch(r.path, -1) {
		parameters = append(parameters, map[string]any{"name": m[1], "in": "path", "required": true, "schema": pathSchemas[m[1]]})
	}
	for _, p := range r.query {
		parameters = append(parameters, map[string]any{"name": p.name, "in": "query", "required": p.required, "description": p.doc, "schema": schemaOf(p.kind)})
	}
	if len(parameters) > 0 {
		out["parameters"] = parameters
	}
	if r.takes != nil {
		body, err := d.refer(r.takes)
		if err != nil {
			return nil, err
		}
		out["requestBody"] = map[string]any{"required": true, "content": map[string]any{"application/json": map[string]any{"schema": body}}}
	}
	gives := map[string]any{}
	if r.gives != nil {
		var err error
		if gives, err = d.refer(r.gives); err != nil {
			return nil, err
		}
	}
	responses := map[string]any{strconv.Itoa(r.status): map[string]any{"description": http.StatusText(r.status),
		"content": map[string]any{"application/json": map[string]any{"schema": gives}}}}
	errors := append([]int{404, 500, 503}, r.errors...)
	if r.role != open {
		out["security"] = []any{map[string]any{"bearer": []any{}}}
		out["description"] = strings.TrimSpace(r.doc + " Needs the role " + r.role.String() + ".")
		errors = append(errors, 401, 403)
	}
	for _, status := range errors {
		responses[strconv.Itoa(status)] = map[string]any{"$ref": "#/components/responses/problem"}
	}
	out["responses"] = responses
	return out, nil
}

var inPath = lazy.Regexp(`\{([a-z]+)\}`)

var digestSchema = map[string]any{"type": "string", "pattern": "^sha(256|512):[0-9a-f]+$"}

var pathSchemas = map[string]any{"id": schemaOf(kindNumber), "digest": digestSchema}

func schemaOf(kind string) any {
	switch kind {
	case kindNumber:
		return map[string]any{"type": "integer", "minimum": 0}
	case kindLimit:
		return map[string]any{"type": "integer", "minimum": 1, "maximum": maxLimit, "default": defaultLimit}
	case kindDigest:
		return digestSchema
	case kindText, kindTag:
		return map[string]any{"type": "string", "minLength": 1, "maxLength": maxText}
	}
	return map[string]any{"type": "string", "minLength": 1}
}

// operationID is a name for programs that are generated: getVerdictsIdWhy.
func operationID(r route) string {
	out := strings.ToLower(r.method)
	for _, part := range strings.FieldsFunc(r.path, func(c rune) bool { return strings.ContainsRune("/{}.", c) }) {
		out += strings.ToUpper(part[:1]) + part[1:]
	}
	return out
}
