package api

import (
	"os"
	"strings"
	"testing"

	v1 "github.com/intact-dev/intact/pkg/serve/api/v1"
)

// docs/api.md has every route, with its parameters and its role, and no other.
func TestRoutesAreDocumented(t *testing.T) {
	t.Parallel()
	b, err := os.ReadFile("../../../docs/api.md")
	if err != nil {
		t.Fatal(err)
	}
	page := string(b)
	for _, r := range routes() {
		path := v1.Prefix + r.path
		for i, p := range r.query {
			path += string("?&"[min(i, 1)]) + p.name + "="
		}
		who := r.role.String()
		if r.role == open {
			who = "nobody"
		}
		if row := "| `" + r.method + " " + path + "` | " + who + " |"; !strings.Contains(page, row) {
			t.Errorf("docs/api.md has no row %s", row)
		}
	}
	if n := strings.Count(page, "| `GET ") + strings.Count(page, "| `POST "); n != len(routes()) {
		t.Errorf("docs/api.md has %d rows, and there are %d routes", n, len(routes()))
	}
}
