package helm_test

import (
	"strings"
	"testing"

	"github.com/intact-dev/intact/pkg/extract"
	"github.com/intact-dev/intact/pkg/extract/helm"
)

func TestWhichChartsAreRendered(t *testing.T) {
	t.Parallel()
	fsys := tree(`-- out/app.yaml --
---
# Source: app/templates/d.yaml
kind: Deployment
metadata:
  labels:
    helm.sh/chart: app-1.2.0
---
# Source: app/charts/redis/templates/s.yaml
kind: Service
metadata:
  labels: 
    helm.sh/chart: "redis-18.1.0"
---
kind: Other
metadata:
  labels:
    helm.sh/chart: app-9.9.9
-- out/bare/x.yml --
# Source: bare/crds/x.yaml
kind: X
-- out/notes.txt --
# Source: text/templates/x.yaml
-- other/x.yaml --
# Source: outside/templates/x.yaml
`)
	fsys["out/crlf.yaml"] = file(strings.ReplaceAll("---\n# Source: win/templates/x.yaml\nmetadata:\n  labels:\n    chart: win-1.0.0+b\n", "\n", "\r\n"))
	r, err := helm.ReadRendered(fsys, []string{"out"})
	if err != nil || r.Len() != 4 {
		t.Fatalf("%d charts, %v", r.Len(), err)
	}
	for _, tt := range []struct {
		path, version string
		ok            bool
		why           string
	}{
		{"app", "1.2.0", true, ""},
		{"app", "", true, ""},
		{"app", "^1.0.0", true, ""},
		{"app", "1.3.0", false, "what is rendered is app 1.2.0, and 1.3.0 is asked for"},
		{"app/charts/redis", "18.x.x", true, ""},
		{"app/charts/redis", "19.0.0", false, "what is rendered is app/charts/redis 18.1.0, and 19.0.0 is asked for"},
		{"app/charts/pg", "1.0.0", true, ""}, // a part of app, which is rendered as a whole
		{"redis", "18.1.0", true, ""},
		{"pg", "1.0.0", false, ""},
		{"bare", "7", true, ""},
		{"win", "1.0.0+b", true, ""},
		{"text", "", false, ""},
		{"outside", "", false, ""},
		{"", "", false, ""},
	} {
		if ok, why := r.Has(extract.Chart{Path: tt.path, Version: tt.version}); ok != tt.ok || why != tt.why {
			t.Errorf("%s %s: %v %q", tt.path, tt.version, ok, why)
		}
	}
}

func FuzzRendered(f *testing.F) {
	f.Add("---\n# Source: app/charts/redis/templates/s.yaml\n  helm.sh/chart: redis-1.0.0\n", "redis", "^1")
	f.Fuzz(func(t *testing.T, text, name, version string) {
		r, err := helm.ReadRendered(tree("-- a.yaml --\n"+text+"\n"), []string{"."})
		if err != nil {
			t.Fatal(err)
		}
		if ok, why := r.Has(extract.Chart{Path: name, Version: version}); ok && (why != "" || name == "") {
			t.Fatalf("%q is there: %q", name, why)
		}
	})
}
