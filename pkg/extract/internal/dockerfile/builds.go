package dockerfile

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"

	"github.com/intact-dev/intact/pkg/extract"
	"github.com/intact-dev/intact/pkg/extract/internal/written"
	"github.com/intact-dev/intact/pkg/fact"
	"github.com/intact-dev/intact/pkg/internal/limits"
	"github.com/intact-dev/intact/pkg/ref"
)

// Builds are the Dockerfiles that a file builds, each way of building them read
// once.
type Builds struct {
	FS       fs.FS
	Refs     []written.Reference
	Problems []extract.Problem
	Claims   []string // the files that were read

	files  map[string]*written.File
	done   map[string]bool
	inline []*inline
}

// Read reads the Dockerfile called name of the build context, a folder that is
// written at the place at, from where a file in dir says both.
func (b *Builds) Read(dir string, context, name written.Value, build Build, at ref.Origin) {
	for _, v := range []written.Value{context, name} {
		if v.Unresolved != "" {
			b.problem(at, fact.Unsupported, "what is built from %q is not known: %s", v.Text.String(), v.Unresolved)
			return
		}
	}
	ctx, file := context.Text.String(), name.Text.String()
	if remote(ctx) {
		b.problem(at, fact.Unsupported, "it is built from %q, which is not in the tree: what that builds on is not known", ctx)
		return
	}
	folder, err := written.Inside(dir, ctx)
	if err == nil && file != "" {
		file, err = written.Inside(folder, file)
	}
	if err != nil {
		b.problem(at, fact.Blocked, "what is built there is not read: %v", err)
		return
	}
	if file != "" {
		b.read(file, build, at)
		return
	}
	for _, n := range []string{"Dockerfile", "dockerfile", "Containerfile"} {
		file = path.Join(folder, n)
		if _, err := fs.Stat(b.FS, file); err == nil {
			break
		}
		file = path.Join(folder, "Dockerfile")
	}
	b.read(file, build, at)
}

// remote reports whether a build context is fetched.
func remote(context string) bool {
	return strings.Contains(context, "://") || strings.HasPrefix(context, "git@") || strings.HasPrefix(context, "github.com/") || context == "-"
}

func (b *Builds) read(p string, build Build, at ref.Origin) {
	if !b.first(p, build) {
		return
	}
	f := b.files[p]
	if f == nil {
		data, err := extract.ReadFile(b.FS, p)
		if err != nil {
			b.problem(at, CauseOf(err), "what is built there is not known: %v", err)
			return
		}
		f = written.NewFile(p, data)
		if b.files == nil {
			b.files = map[string]*written.File{}
		}
		b.files[p] = f
		b.Claims = append(b.Claims, p)
	}
	refs, problems, err := Read(f, build)
	if err != nil {
		b.problem(ref.Origin{Kind: "file", Where: p}, CauseOf(err), "%v", err)
	}
	b.Refs = append(b.Refs, refs...)
	for _, problem := range problems {
		if !slices.Contains(b.Problems, problem) {
			b.Problems = append(b.Problems, problem)
		}
	}
}

// first reports whether what was not built in the same way before.
func (b *Builds) first(what string, build Build) bool {
	key := what
	for _, name := range sorted(build.Args) {
		v := build.Args[name]
		key += fmt.Sprintf("\x00%s=%s\x00%s", name, v.Text, v.Unresolved)
	}
	for _, name := range sorted(build.Contexts) {
		key += "\x00" + name
	}
	if b.done[key] {
		return false
	}
	if b.done == nil {
		b.done = map[string]bool{}
	}
	b.done[key] = true
	return true
}

func (b *Builds) problem(at ref.Origin, c fact.Cause, format string, args ...any) {
	p := extract.Problem{Origin: at, Cause: c, Why: fmt.Sprintf(format, args...)}
	if !slices.Contains(b.Problems, p) {
		b.Problems = append(b.Problems, p)
	}
}

// CauseOf says why a file that another one names was not read.
func CauseOf(err error) fact.Cause {
	var limit *limits.ExceededError
	switch {
	case errors.As(err, &limit):
		return fact.Limit
	case errors.Is(err, fs.ErrNotExist):
		return fact.NotFound
	case errors.Is(err, fs.ErrPermission):
		return fact.Forbidden
	}
	return fact.Unsupported
}
