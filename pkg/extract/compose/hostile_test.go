package compose_test

import (
	"bytes"
	"fmt"
	"io/fs"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/intact-dev/intact/pkg/extract"
	"github.com/intact-dev/intact/pkg/extract/compose"
)

// A reference in UTF-16 has no bytes that a pin could change; behind a byte order
// mark, and in lines of Windows, it has.
func TestEncodings(t *testing.T) {
	t.Parallel()
	const text = "services:\r\n  a:\r\n    image: a:1\r\n"
	utf16 := []byte("\xff\xfe")
	for _, b := range []byte(text) {
		utf16 = append(utf16, b, 0)
	}
	for name, data := range map[string][]byte{"utf-16": utf16, "bom": []byte("\xef\xbb\xbf" + text)} {
		r, err := compose.Extractor{}.Extract(fstest.MapFS{"compose.yaml": {Data: data}}, "compose.yaml")
		if err != nil || len(r.Found) != 1 {
			t.Fatalf("%s: %+v %v", name, r, err)
		}
		f := r.Found[0]
		if f.Raw != "a:1" || f.Origin.Line != 3 || f.Origin.Column != 12 {
			t.Errorf("%s: %+v", name, f)
		}
		if name == "bom" && (f.Site == nil || string(data[f.Site.Start:f.Site.End]) != "a:1") || name == "utf-16" && f.Site != nil {
			t.Errorf("%s: %+v", name, f.Site)
		}
	}
}

// What is made to grow without end is read in part, and a problem.
func TestHostile(t *testing.T) {
	t.Parallel()
	bomb := "x-0: &a0 [a, a, a, a, a, a, a, a, a]\n"
	for i := 1; i < 12; i++ {
		bomb += fmt.Sprintf("x-%d: &a%d [%s]\n", i, i, strings.TrimSuffix(strings.Repeat(fmt.Sprintf("*a%d, ", i-1), 9), ", "))
	}
	chain := "services:\n"
	for i := range 200 {
		chain += fmt.Sprintf("  s%d: {extends: s%d}\n", i, i+1)
	}
	fan := fstest.MapFS{}
	for i := range 12 {
		next := fmt.Sprintf("f%d.yaml", i+1)
		fan[fmt.Sprintf("f%d.yaml", i)] = &fstest.MapFile{Data: fmt.Appendf(nil, "include: [%s, %s]\nservices: {s%d: {image: 'a:%d'}}\n", next, next, i, i)}
	}
	fan["f12.yaml"] = &fstest.MapFile{Data: []byte("services: {}\n")}
	fan["compose.yaml"] = &fstest.MapFile{Data: []byte("include: [f0.yaml]\n")}
	double, inLine := "A0=aaaaaaaa\n", "A0=\" aaaaaaaa\"; "
	for i := 1; i < 60; i++ {
		double += fmt.Sprintf("A%d=$A%d${A%d}\n", i, i-1, i-1)
		inLine += fmt.Sprintf("A%d=\"$A%d$A%d\"", i, i-1, i-1)
	}
	env := func(text string) fstest.MapFS {
		return fstest.MapFS{"compose.yaml": {Data: []byte("services: {a: {image: 'a:$A59'}}\n")}, ".env": {Data: []byte(text)}}
	}
	one := func(text string) fstest.MapFS { return fstest.MapFS{"compose.yaml": {Data: []byte(text)}} }
	for name, fsys := range map[string]fstest.MapFS{
		"aliases":              one(bomb + "services:\n  a: {image: a:1}\n  b: {volumes: *a11}\ninclude: *a11\n"),
		"chain":                one(chain),
		"fan":                  fan,
		"doubled":              env(double),
		"same line":            env(strings.Replace(inLine, "; ", "", 1)),
		"same name":            env("A59=x\n" + strings.Repeat("A59=$A59$A59\n", 60)),
		"same name, same line": env("A59=x\nB=\" \"" + strings.Repeat("A59=\"$A59$A59\"", 60) + "\n"),
		"variables":            one("services:\n  a: {image: \"" + strings.Repeat("${A:-", 5000) + "\"}\n"),
		"dollars":              one("services:\n  a: {image: \"" + strings.Repeat("$A", 5000) + "\"}\n"),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r, err := compose.Extractor{}.Extract(fsys, "compose.yaml")
			if err != nil {
				t.Fatal(err)
			}
			unknown := false
			for _, f := range r.Found {
				unknown = unknown || f.Unresolved != ""
			}
			if len(r.Problems) == 0 && !unknown || len(r.Problems) > 1100 {
				t.Errorf("%d problems, %d found", len(r.Problems), len(r.Found))
			}
		})
	}
}

// Whatever is in the file and beside it: each reference is where it is said to
// be, and what a pin would change is part of it.
func FuzzExtract(f *testing.F) {
	f.Add([]byte("services:\n  a:\n    image: a:${T:-1}\n    build: {context: ., args: [A=b:$X]}\n"), []byte("X=1\n"), []byte("ARG A\nFROM $A\n"))
	f.Add([]byte("include: [x.yml]\nservices:\n  a: {extends: {file: compose.yaml, service: b}}\n  b: {build: {dockerfile_inline: \"FROM a\"}, image: !reset x}\n"), []byte("COMPOSE_FILE=compose.yaml:x.yml\n"), []byte(""))
	f.Add([]byte("x: &a {image: 'a:1', volumes: [{type: image, source: b}, ./a:/b]}\nservices: {a: {<<: *a, env_file: .env}}\n---\nmodels: {m: {model: x}}\n"), []byte("export A=\"b\\n\"\n"), []byte("FROM a\n"))
	f.Fuzz(func(t *testing.T, text, env, docker []byte) {
		fsys := fstest.MapFS{"compose.yaml": {Data: text}, ".env": {Data: env}, "Dockerfile": {Data: docker}}
		r, err := compose.Extractor{}.Extract(fsys, "compose.yaml")
		if err != nil {
			return
		}
		check(t, fsys, r)
	})
}

func check(t *testing.T, fsys fs.FS, r extract.Result) {
	t.Helper()
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
			if err != nil || !bytes.Contains([]byte(f.Raw), data[s.Start:s.End]) || s.Start >= s.End {
				t.Errorf("%q is to be changed at %+v: %v", f.Raw, s, err)
			}
		}
	}
}
