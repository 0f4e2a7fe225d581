package bake_test

import (
	"bytes"
	"fmt"
	"io/fs"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/intact-dev/intact/pkg/extract/bake"
)

func TestMatch(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		path, head string
		want       bool
	}{
		{"docker-bake.hcl", "", true},
		{"a/docker-bake.json", "", true},
		{"docker-bake.override.hcl", "", true},
		{"bake.hcl", "", true},
		{"app.bake.hcl", "", true},
		{"build.hcl", "# x\ntarget \"a\" {\n", true},
		{"main.hcl", "resource \"target\" \"a\" {\n", false},
		{"build.tf", "target \"a\" {\n", false},
		{"baker.json", "", false},
		{"bake.yaml", "", false},
	} {
		if got := (bake.Extractor{}).Match(tt.path, []byte(tt.head)); got != tt.want {
			t.Errorf("%s %q: %v", tt.path, tt.head, got)
		}
	}
}

// What is made to grow without bound, or to go deep, is not evaluated, and what
// stands beside it is.
func TestHostile(t *testing.T) {
	t.Parallel()
	double := "variable \"A0\" { default = \"aaaaaaaa\" }\n"
	square := "variable \"A0\" { default = 999999 }\n"
	calls := "function \"f0\" {\n  params = [x]\n  result = \"${x}\"\n}\n"
	for i := 1; i < 60; i++ {
		double += fmt.Sprintf("variable \"A%d\" { default = \"${A%d}${A%d}\" }\n", i, i-1, i-1)
		square += fmt.Sprintf("variable \"A%d\" { default = A%d * A%d }\n", i, i-1, i-1)
		calls += fmt.Sprintf("function \"f%d\" {\n  params = [x]\n  result = \"${f%d(x)}${f%d(x)}\"\n}\n", i, i-1, i-1)
	}
	target := func(image string) string {
		return "target \"a\" {\n  contexts = { x = \"docker-image://" + image + "\", y = \"docker-image://y:1\" }\n  dockerfile-inline = \"FROM x\"\n}\n"
	}
	for name, text := range map[string]string{
		"doubled":   double + target("${A59}"),
		"squared":   square + target("${A59}"),
		"calls":     calls + target("${f59(\"a\")}"),
		"recursion": "function \"f\" {\n  params = [x]\n  result = f(x)\n}\n" + target("${f(1)}"),
		"loops":     target("${join(\"\", [for a in [1,2]: join(\"\", [for b in [1,2]: b])])}"),
		"width":     target("${format(\"%999999999d\", 1)}"),
		"exponent":  target("${1e999999999}"),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r, err := bake.Extractor{}.Extract(fstest.MapFS{"docker-bake.hcl": {Data: []byte(text)}}, "docker-bake.hcl")
			if err != nil || len(r.Found) != 2 || r.Found[0].Unresolved == "" || r.Found[1].Raw != "y:1" {
				t.Errorf("%.300s %v", fmt.Sprintf("%+v", r), err)
			}
		})
	}
	for name, text := range map[string]string{
		"brackets":     "a = " + strings.Repeat("[", 50_000),
		"bangs":        "a = " + strings.Repeat("!", 50_000),
		"questions":    "a = " + strings.Repeat("1 ? 2 : ", 20_000),
		"templates":    "a = " + strings.Repeat("\"${", 20_000),
		"large":        "a = \"" + strings.Repeat("x", 2<<20) + "\"",
		"no_UTF-8":     "a = \"\xff\x00\"\n",
		"JSON_in_HCL":  "{\"target\": {}}",
		"half_a_block": "target \"a\" {",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r, err := bake.Extractor{}.Extract(fstest.MapFS{"docker-bake.hcl": {Data: []byte(text)}}, "docker-bake.hcl")
			if err == nil && len(r.Problems) == 0 {
				t.Error("nothing is wrong with it")
			}
			deep := name == "brackets" || name == "bangs" || name == "questions" || name == "templates"
			if deep && (err == nil || !strings.Contains(err.Error(), "depth of expressions")) {
				t.Errorf("it was read, however deep: %v", err)
			}
		})
	}
}

// Each reference is where it is said to be, and what a pin would change is part
// of it.
func FuzzExtract(f *testing.F) {
	f.Add([]byte("variable \"V\" { default = \"1\" }\ntarget \"a\" {\n  args = { A = \"a:${V}\" }\n  contexts = { x = \"docker-image://x:1\" }\n}\n"), []byte("ARG A\nFROM $A\n"), false)
	f.Add([]byte("function \"f\" {\n  params = [x]\n  result = upper(x)\n}\ntarget \"a\" {\n  matrix = { v = [\"1\", f(\"a\")] }\n  name = v\n  dockerfile-inline = <<EOT\nFROM a:${v}\nEOT\n  inherits = [\"a\"]\n}\n"), []byte(""), false)
	f.Add([]byte("{\"target\": {\"a\": {\"args\": {\"A\": \"a\\u003a1\", \"B\": 1}, \"cache-from\": [\"type=registry,ref=${C}\"]}}}"), []byte("ARG A B\nFROM $A:$B\n"), true)
	f.Fuzz(func(t *testing.T, text, docker []byte, json bool) {
		p := "docker-bake.hcl"
		if json {
			p = "docker-bake.json"
		}
		fsys := fstest.MapFS{p: {Data: text}, "Dockerfile": {Data: docker}}
		r, err := bake.Extractor{}.Extract(fsys, p)
		if err != nil {
			return
		}
		for _, f := range r.Found {
			data, err := fs.ReadFile(fsys, f.Origin.Where)
			if err != nil || f.Origin.Line < 1 || f.Origin.Column < 1 || f.Origin.Line > 1+len(data) {
				t.Errorf("%q is at %+v: %v", f.Raw, f.Origin, err)
			}
			if f.Unresolved == "" && f.Ref.String() != f.Raw || f.Unresolved != "" && (f.Ref.Name != "" || f.Site != nil) {
				t.Errorf("%+v", f)
			}
			if s := f.Site; s != nil {
				data, err := fs.ReadFile(fsys, s.File)
				if err != nil || s.Start >= s.End || !bytes.Contains([]byte(f.Raw), data[s.Start:s.End]) {
					t.Errorf("%q is to be changed at %+v: %v", f.Raw, s, err)
				}
			}
		}
	})
}
