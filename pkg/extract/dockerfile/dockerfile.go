// Package dockerfile finds what a Dockerfile or Containerfile builds on: the
// images of FROM, COPY --from and RUN --mount from, and the one that
// "# syntax=" lets read the file. Build arguments have their defaults.
//
// https://docs.docker.com/reference/dockerfile/
package dockerfile

import (
	"io/fs"

	"github.com/intact-dev/intact/pkg/extract"
	"github.com/intact-dev/intact/pkg/extract/internal/dockerfile"
	"github.com/intact-dev/intact/pkg/extract/internal/written"
)

// An Extractor reads Dockerfiles.
type Extractor struct{}

// Extract reads one file.
func (Extractor) Extract(fsys fs.FS, p string) (extract.Result, error) {
	b, err := extract.ReadFile(fsys, p)
	if err != nil {
		return extract.Result{}, err
	}
	refs, problems, err := dockerfile.Read(written.NewFile(p, b), dockerfile.Build{})
	return extract.Result{Found: written.Settle(refs), Problems: problems}, err
}
