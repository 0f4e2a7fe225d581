package ecs_test

import (
	"testing"
	"testing/fstest"

	"github.com/intact-dev/intact/pkg/extract/ecs"
	"github.com/intact-dev/intact/pkg/extract/internal/resource/resourcetest"
)

func TestCases(t *testing.T) {
	t.Parallel()
	resourcetest.Run(t, ecs.Extractor{})
}

func TestWhatItReads(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		path, head string
		want       bool
	}{
		{"x.json", `{"containerDefinitions": [`, true}, {"task-definition.json", "{", true}, {"deploy/taskdef.json", "{", true}, {"x.yaml", "containerDefinitions:", true},
		{"x.json", "{}", false}, {"x.tf", "containerDefinitions", false}, {"x.json", "\xff\xfe{\x00", true},
	} {
		if got := (ecs.Extractor{}).Match(tt.path, []byte(tt.head)); got != tt.want {
			t.Errorf("%s %q: %v", tt.path, tt.head, got)
		}
	}
}

func FuzzDefinition(f *testing.F) {
	f.Add([]byte(`{"family":"a","containerDefinitions":[{"name":"a","image":"a:1","mountPoints":[{"sourceVolume":"v","containerPath":"/v"}],"linuxParameters":{"tmpfs":[{"containerPath":"/t"}]}}],"volumes":[{"name":"v","host":{}}]}`))
	f.Add([]byte("taskDefinition:\n  containerDefinitions:\n  - &a {image: x, name: 1}\n  - *a\n"))
	f.Add([]byte("[{\"name\":\"a\",\"image\":\"\\u0061\"}]"))
	f.Fuzz(func(t *testing.T, data []byte) {
		r, err := ecs.Extractor{}.Extract(fstest.MapFS{"x.json": {Data: data}}, "x.json")
		if err != nil {
			return
		}
		for _, found := range r.Found {
			if s := found.Site; s != nil && (s.Start < 0 || s.End > len(data) || s.Start > s.End) || found.Origin.Line < 1 {
				t.Fatalf("%+v", found)
			}
		}
	})
}
