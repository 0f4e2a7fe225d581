package compose_test

import (
	"testing"

	"github.com/intact-dev/intact/pkg/extract/compose"
)

func TestMatch(t *testing.T) {
	t.Parallel()
	const text = "services:\n  # why\n\n  web:\n    image: a\n"
	for _, tt := range []struct {
		path, head string
		want       bool
	}{
		{"compose.yaml", "", true},
		{"a/compose.yml", "", true},
		{"docker-compose.yml", "", true},
		{"docker-compose.prod.yaml", "", true},
		{"docker-compose-dev.yml", "", true},
		{"compose.override.yaml", "", true},
		{"podman-compose.yml", "", true},
		{"dev.compose.yaml", "", true},
		{"app-compose.yml", "", true},
		{"compose.json", text, false},
		{"composer.yaml", "", false},
		{"stack.yml", text, true},
		{"stack.yml", "version: '3'\r\nservices:\r\n  web:\r\n    image: a\r\n", true},
		{"stack.yml", "services: {web: {image: a}}\n", true},
		{"stack.yml", "services:\n  web: {restart: always, image: a}\n", true},
		{"stack.yml", "services:\n  web: &web {build: .}\n", true},
		{"stack.yml", "services: &all # why\n  web:\n    image: a\n", true},
		{"stack.yml", "'services': !!map\n  'web' :\n    \"image\" : a\n", true},
		{"services.yaml", "services:\n  app.x: {arguments: {image: a}}\n", false},
		{"services.yaml", "services: {a: {ports: [1]}}\n", false},
		{"stack.txt", text, false},
		{"services.yaml", "services:\n  App\\X:\n    class: a\n", false},
		{".gitlab-ci.yml", "services:\n  - name: a\n    image: b\n", false},
		{"app.yaml", "kind: X\n" + text, false},
		{"app.yaml", "a: 1\n", false},
	} {
		if got := (compose.Extractor{}).Match(tt.path, []byte(tt.head)); got != tt.want {
			t.Errorf("%s %q: %v", tt.path, tt.head, got)
		}
	}
}
