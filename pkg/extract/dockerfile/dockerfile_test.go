package dockerfile_test

import (
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"

	"github.com/intact-dev/intact/pkg/extract"
	"github.com/intact-dev/intact/pkg/extract/dockerfile"
)

func TestMatch(t *testing.T) {
	t.Parallel()
	const from = "# why\nARG V=1 \\\n  W=2\nFROM a:$V AS b\nRUN x\n"
	for _, tt := range []struct {
		path, head string
		want       bool
	}{
		{"Dockerfile", "", true},
		{"a/dockerfile", "", true},
		{"Containerfile", "", true},
		{"Dockerfile.dev", "", true},
		{"Containerfile.in", "", true},
		{"app.Dockerfile", "", true},
		{"app.containerfile", "", true},
		{"Dockerfile-dev", "FROM a\n", true},
		{"Dockerfile_dev", "what it is\n", false},
		{"Dockerfile.dockerignore", from, false},
		{"Dockerfile.md", from, false},
		{"Dockerfile.go", from, true},
		{"Containerfile.py", "FROM\ta\r\nRUN\tx\r\n", true},
		{"Dockerfile.go", "// what it is\npackage a\n", false},
		{"Dockerfile.sh", "#!/bin/sh\nset -e\n", false},
		{"build", "\ufeffFROM a\nRUN x\n", true},
		{"build", "FROM\ta\nRUN x\n", true},
		{"Dockerfiles/readme", "hello\n", false},
		{"build", from, true},
		{"app.docker", from, true},
		{"build.sql", from, false},
		{"query", "FROM users SELECT a\nRUN\n", false},
		{"query", "FROM users\nWHERE a\n", false},
		{"mail", "From me@example.com Mon Jan 1\nFrom: a\n", false},
		{"build", "# syntax=docker/dockerfile:1\n", true},
		{"build", "FROM a\n", false},
		{"binary", "FROM\x00a\n", false},
	} {
		if got := (dockerfile.Extractor{}).Match(tt.path, []byte(tt.head)); got != tt.want {
			t.Errorf("%s %q: %v", tt.path, tt.head, got)
		}
	}
}

func TestExtract(t *testing.T) {
	t.Parallel()
	fsys := fstest.MapFS{"a/Dockerfile": {Data: []byte("# syntax=docker/dockerfile:1.7\nFROM a:1\nFROM b:1 AS c\nFROM c\nFRM\n")}}
	got, err := dockerfile.Extractor{}.Extract(fsys, "a/Dockerfile")
	if err != nil {
		t.Fatal(err)
	}
	var where []string
	for _, f := range got.Found {
		where = append(where, f.Raw+" "+f.Origin.Path)
	}
	if d := cmp.Diff([]string{"docker/dockerfile:1.7 syntax", "a:1 stages[0].from", "b:1 stages[1].from"}, where); d != "" {
		t.Error(d)
	}
	if len(got.Problems) != 1 || got.Problems[0].Origin.Line != 5 {
		t.Errorf("%+v", got.Problems)
	}
	if _, err := (dockerfile.Extractor{}).Extract(fsys, "b"); err == nil {
		t.Error("a file that is not there is read")
	}
}

// instruction is FROM and its like in the files of the suite, none of which has
// a heredoc.
var instruction = regexp.MustCompile("(?mi)^(?:FROM[ \t]+(?:`\r?\n[ \t]*)?|#[ \t]*syntax[ \t]*=[ \t]*)(\\S+)")

// The Dockerfiles of BuildKit's parser: each image is found, with its place.
func TestSuite(t *testing.T) {
	t.Parallel()
	dir := filepath.Join("..", "..", "..", "..", "shared", "suites", "dockerfiles")
	if _, err := os.Stat(dir); err != nil {
		t.Skip("the test data of other projects is not there: ../shared/suites/dockerfiles")
	}
	fsys := os.DirFS(dir)
	files, total := 0, 0
	err := fs.WalkDir(fsys, ".", func(p string, d fs.DirEntry, err error) error {
		if err != nil || path.Base(p) != "Dockerfile" {
			return err
		}
		files++
		data, err := fs.ReadFile(fsys, p)
		if err != nil {
			return err
		}
		var want, got []string
		for _, m := range instruction.FindAllSubmatch(data, -1) {
			if string(m[1]) != "scratch" {
				want = append(want, string(m[1]))
			}
		}
		r, err := dockerfile.Extractor{}.Extract(fsys, p)
		if err != nil {
			t.Errorf("%s: %v", p, err)
		}
		for _, f := range r.Found {
			got = append(got, f.Raw)
			if f.Unresolved != "" || f.Site == nil || string(data[f.Site.Start:f.Site.End]) != f.Raw || f.Site.Style != extract.StyleReference {
				t.Errorf("%s: %+v", p, f)
			}
			line := strings.Split(string(data), "\n")[f.Origin.Line-1]
			if !strings.HasPrefix(line[f.Origin.Column-1:], f.Raw) {
				t.Errorf("%s: %q is not at %d of %q", p, f.Raw, f.Origin.Column, line)
			}
		}
		if d := cmp.Diff(want, got); d != "" {
			t.Errorf("%s: %s", p, d)
		}
		negative := strings.Contains(p, "negative")
		if negative != (len(r.Problems) > 0) {
			t.Errorf("%s: problems %+v", p, r.Problems)
		}
		total += len(got)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if files != 38 || total < 29 {
		t.Errorf("%d references in %d files", total, files)
	}
}
