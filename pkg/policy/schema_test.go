package policy_test

import (
	"encoding/json"
	"testing"

	"go.yaml.in/yaml/v3"

	"github.com/intact-dev/intact/pkg/policy"
)

// The schema knows every key of a policy that loads, and no other where one is
// refused.
func TestJSONSchema(t *testing.T) {
	t.Parallel()
	b, err := policy.JSONSchema()
	if err != nil {
		t.Fatal(err)
	}
	var schema map[string]any
	if err := json.Unmarshal(b, &schema); err != nil {
		t.Fatal(err)
	}
	var doc map[string]any
	if err := yaml.Unmarshal([]byte(full), &doc); err != nil {
		t.Fatal(err)
	}
	covers(t, "", schema, doc)
	if schema["additionalProperties"] != false {
		t.Error("the schema takes unknown keys")
	}
}

func covers(t *testing.T, at string, schema map[string]any, value any) {
	t.Helper()
	switch value := value.(type) {
	case map[string]any:
		properties, _ := schema["properties"].(map[string]any)
		for key, v := range value {
			s, ok := properties[key].(map[string]any)
			if !ok {
				s, ok = schema["additionalProperties"].(map[string]any)
			}
			if !ok {
				t.Errorf("%s.%s is not in the schema", at, key)
				continue
			}
			covers(t, at+"."+key, s, v)
		}
	case []any:
		items, ok := schema["items"].(map[string]any)
		if !ok {
			t.Errorf("%s is a list and the schema has none", at)
			return
		}
		for _, v := range value {
			covers(t, at+"[]", items, v)
		}
	}
}
