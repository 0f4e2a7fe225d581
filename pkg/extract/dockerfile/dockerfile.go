// Package dockerfile finds what a Dockerfile or Containerfile builds on: the
// images of FROM, COPY --from and RUN --mount from, and the one that
// "# syntax=" lets read the file. Build arguments have their defaults.
//
// https://docs.docker.com/reference/dockerfile/
package dockerfile

import (
	"io/fs"
	"path"
	"regexp"
	"strings"

	"github.com/intact-dev/intact/pkg/extract"
	"github.com/intact-dev/intact/pkg/extract/internal/dockerfile"
	"github.com/intact-dev/intact/pkg/extract/internal/written"
)

// An Extractor reads Dockerfiles.
type Extractor struct{}

// Match goes by the name: Dockerfile, Containerfile, either with a suffix
// (Dockerfile.dev, Dockerfile-dev), or as one (app.dockerfile).
func (Extractor) Match(p string, head []byte) bool {
	base := strings.ToLower(path.Base(p))
	for _, name := range []string{"dockerfile", "containerfile"} {
		rest, begins := strings.CutPrefix(base, name)
		switch {
		case base == name || strings.HasSuffix(base, "."+name):
			return true
		case !begins || other[path.Ext(rest)]:
		case rest[0] == '.':
			return true
		case rest[0] == '-' || rest[0] == '_':
			return fromLine.Match(head)
		}
	}
	return false
}

// other are the endings of files about Dockerfiles.
var other = map[string]bool{
	".dockerignore": true, ".containerignore": true, ".md": true, ".rst": true, ".txt": true, ".go": true, ".py": true, ".rb": true,
	".js": true, ".ts": true, ".java": true, ".sh": true, ".json": true, ".yaml": true, ".yml": true, ".toml": true, ".lock": true,
}

var fromLine = regexp.MustCompile(`(?mi)^\s*FROM\s+\S`)

// Extract reads one file.
func (Extractor) Extract(fsys fs.FS, p string) (extract.Result, error) {
	b, err := extract.ReadFile(fsys, p)
	if err != nil {
		return extract.Result{}, err
	}
	refs, problems, err := dockerfile.Read(written.NewFile(p, b), dockerfile.Build{})
	return extract.Result{Found: written.Settle(refs), Problems: problems}, err
}
