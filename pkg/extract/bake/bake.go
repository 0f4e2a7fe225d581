// Package bake finds what the targets of a Bake file are built on: named
// contexts that are images, caches in registries, and the Dockerfiles as they
// are built with the arguments that the file gives. Tags are what a build makes
// and no references.
//
// https://docs.docker.com/build/bake/reference/
package bake

import (
	"io/fs"
	"path"
	"slices"
	"strings"

	"github.com/intact-dev/intact/pkg/extract"
	"github.com/intact-dev/intact/pkg/extract/internal/dockerfile"
	"github.com/intact-dev/intact/pkg/extract/internal/written"
	"github.com/intact-dev/intact/pkg/internal/lazy"
	"github.com/intact-dev/intact/pkg/ref"
)

// An Extractor reads Bake files in HCL and JSON. It claims the Dockerfiles that
// they build, and the override.
type Extractor struct{}

// Match goes by the name: docker-bake.hcl, docker-bake.json, bake.hcl,
// app.bake.hcl; other HCL is one if it has targets.
func (Extractor) Match(p string, head []byte) bool {
	base := strings.ToLower(path.Base(p))
	return named().MatchString(base) || path.Ext(base) == ".hcl" && target().Match(head)
}

var (
	named  = lazy.Regexp(`^(?:.*[._-])?bake(?:[._-].*)?\.(?:hcl|json)$`)
	target = lazy.Regexp(`(?m)^target[ \t]+"[^"\n]+"[ \t]*\{`)
)

// Extract reads the file at p, and the override beside docker-bake.hcl or
// docker-bake.json.
func (Extractor) Extract(fsys fs.FS, p string) (extract.Result, error) {
	r := &reader{dir: path.Dir(p), builds: dockerfile.Builds{FS: fsys}, targets: map[string]*targetDef{}, seen: map[ref.Origin]string{}}
	r.eval = newEvaluator()
	if err := r.file(fsys, p); err != nil {
		return extract.Result{}, err
	}
	var out extract.Result
	base := path.Base(p)
	if ext := path.Ext(base); base == "docker-bake"+ext {
		over := path.Join(r.dir, "docker-bake.override"+ext)
		if _, err := fs.Stat(fsys, over); err == nil {
			out.Claims = append(out.Claims, over)
			if err := r.file(fsys, over); err != nil {
				r.problem(ref.Origin{Kind: "file", Where: over}, err)
			}
		}
	}
	r.all()
	r.keepTags()
	out.Found = r.builds.Settle(r.refs)
	out.Problems = append(r.problems, r.builds.Problems...)
	out.Claims = append(out.Claims, r.builds.Claims...)
	slices.Sort(out.Claims)
	out.Read = slices.Clone(out.Claims)
	return out, nil
}

type reader struct {
	dir      string // that paths start from
	builds   dockerfile.Builds
	eval     *evaluator
	targets  map[string]*targetDef
	order    []string
	grouped  map[string]bool // targets that a group or the command line would build by name
	refs     []written.Reference
	problems []extract.Problem
	seen     map[ref.Origin]string // what was found, since targets inherit
	made     int                   // targets of matrices
}
