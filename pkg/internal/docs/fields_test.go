package docs

import (
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

var (
	fieldRow  = regexp.MustCompile("(?m)^\\| (`[^|]+`) \\|")
	fieldName = regexp.MustCompile("`([^`]+)`")
)

// Every field of a report that report.md names is in the schema.
func TestReportFields(t *testing.T) {
	t.Parallel()
	b, err := os.ReadFile(filepath.Join(root, "docs", "schemas", "report.v1.json"))
	if err != nil {
		t.Fatal(err)
	}
	var schema map[string]any
	if err := json.Unmarshal(b, &schema); err != nil {
		t.Fatal(err)
	}
	_, text, ok := strings.Cut(page(t, "report.md"), "\n## JSON\n")
	if !ok {
		t.Fatal("report.md has no section on JSON")
	}
	text, _, _ = strings.Cut(text, "\n## ")
	report, result, ok := strings.Cut(text, "\nA result:\n")
	if !ok {
		t.Fatal("report.md has no table of the fields of a result")
	}
	n := 0
	for table, start := range map[string]string{report: "report.Report", result: "report.Result"} {
		for _, row := range fieldRow.FindAllStringSubmatch(table, -1) {
			for _, f := range fieldName.FindAllStringSubmatch(row[1], -1) {
				n++
				if !hasField(schema, start, f[1]) {
					t.Errorf("%s has no field %q", start, f[1])
				}
			}
		}
	}
	if n < 20 {
		t.Errorf("%d fields in the tables", n)
	}
}

// hasField follows a path such as targets[].results[] from the definition start.
func hasField(schema map[string]any, start, path string) bool {
	defs := schema["$defs"].(map[string]any)
	at, _ := defs[start].(map[string]any)
	for _, name := range strings.Split(path, ".") {
		properties, _ := at["properties"].(map[string]any)
		at, _ = properties[strings.TrimSuffix(name, "[]")].(map[string]any)
		if choices, ok := at["anyOf"].([]any); ok {
			at, _ = choices[0].(map[string]any)
		}
		if items, ok := at["items"].(map[string]any); ok {
			at = items
		}
		if ref, ok := at["$ref"].(string); ok {
			at, _ = defs[strings.TrimPrefix(ref, "#/$defs/")].(map[string]any)
		}
		if at == nil {
			return false
		}
	}
	return true
}
