// Package dockerfile finds what a Dockerfile builds on. What a Bake file, a
// Compose file or a Quadlet says about the build changes what is found; so it is
// shared by their extractors.
package dockerfile

import (
	"fmt"
	"strings"

	"github.com/distribution/reference"
	"github.com/moby/buildkit/frontend/dockerfile/command"
	"github.com/moby/buildkit/frontend/dockerfile/shell"

	"github.com/intact-dev/intact/pkg/extract"
	"github.com/intact-dev/intact/pkg/extract/internal/written"
	"github.com/intact-dev/intact/pkg/fact"
	"github.com/intact-dev/intact/pkg/internal/limits"
)

// A Build is what others say about how a Dockerfile is built. The zero value is
// nothing.
type Build struct {
	// Args are its build arguments.
	Args map[string]written.Value
	// Contexts are the named contexts, by [ContextName]: such a name is no image.
	Contexts map[string]bool
}

// maxLines bounds the lines of one file: the parser keeps some words for each.
const maxLines = 1 << 20

// Read returns what the Dockerfile in f names if it is built as b says. The
// error means that nothing of it could be read.
func Read(f *written.File, b Build) ([]written.Reference, []extract.Problem, error) {
	if strings.HasPrefix(string(f.Data[:min(2, len(f.Data))]), "\xff\xfe") || strings.HasPrefix(string(f.Data[:min(2, len(f.Data))]), "\xfe\xff") {
		return nil, nil, &extract.PositionError{Line: 1, Column: 1, Err: fmt.Errorf("read %q: it is UTF-16; a Dockerfile is UTF-8", f.Path)}
	}
	if f.Lines() > maxLines {
		return nil, nil, fmt.Errorf("read %q: %w", f.Path, &limits.ExceededError{What: "lines of a Dockerfile", Limit: maxLines})
	}
	r := &reader{file: f, build: b, escape: '\\', args: map[string]arg{}, counts: map[string]int{}, byName: map[string]int{}}
	r.sanitize()
	ins := r.split()
	r.syntax()
	r.platformArgs()
	r.nameStages(ins)
	for _, in := range ins {
		r.read(in)
	}
	r.keepTags()
	return r.found, r.problems, nil
}

// ContextName is how a build finds a named context: as short as an image's name
// can be, without the tag latest.
//
// https://github.com/moby/buildkit/blob/v0.34.2/frontend/dockerui/config.go
func ContextName(s string) string {
	named, err := reference.ParseNormalizedNamed(s)
	if err != nil {
		return s
	}
	return strings.TrimSuffix(reference.FamiliarString(named), ":latest")
}

type reader struct {
	file     *written.File
	build    Build
	escape   byte
	lines    [][]byte // as the parser is to see them
	plain    bool     // all of it is text
	args     map[string]arg
	names    []string // of all stages, in lower case; "" for those without
	byName   map[string]int
	stage    int // how many have begun
	counts   map[string]int
	strange  int // unknown instructions
	found    []written.Reference
	problems []extract.Problem
}

// An arg is a build argument of the scope that FROM sees.
type arg struct {
	written.Value
	set   bool
	again bool // a stage declares it too, and so can put it to any use
}

func (r *reader) problem(offset int, format string, args ...any) {
	r.add(offset, fact.Unsupported, format, args...)
}

func (r *reader) add(offset int, c fact.Cause, format string, args ...any) {
	r.problems = append(r.problems, extract.Problem{Origin: r.file.Origin(offset, ""), Cause: c, Why: fmt.Sprintf(format, args...)})
}

// problemAt is a problem where text begins.
func (r *reader) problemAt(text written.Text, line int, format string, args ...any) {
	r.problem(r.offset(text, line), format, args...)
}

// offset is where text begins, or else its line, from 0.
func (r *reader) offset(text written.Text, line int) int {
	if f, off := text.Place(0); f == r.file {
		return off
	}
	start, _ := r.file.Line(line + 1)
	return start
}

// ofPlatform ends the reason why a value is not known that follows from the
// platform alone.
const ofPlatform = "depends on the platform of the build"

// platformArgs are known to every build, and to nobody who reads the file.
func (r *reader) platformArgs() {
	for _, side := range []string{"BUILD", "TARGET"} {
		for _, what := range []string{"PLATFORM", "OS", "OSVERSION", "ARCH", "VARIANT"} {
			r.predefine(side+what, "%s "+ofPlatform)
		}
	}
	r.predefine("TARGETSTAGE", "%s depends on what is built")
}

func (r *reader) predefine(name, why string) {
	v, ok := r.build.Args[name]
	if !ok {
		v = written.Unknown(written.Text{}, why, name)
	}
	r.args[name] = arg{Value: v, set: true}
}

// nameStages notes what the stages are called: their names are no images.
func (r *reader) nameStages(ins []instruction) {
	for _, in := range ins {
		switch {
		case in.word == command.From && len(in.args) >= 3 && strings.EqualFold(in.args[1].String(), "as"):
			name := strings.ToLower(in.args[2].String())
			if _, twice := r.byName[name]; !twice {
				r.byName[name] = len(r.names)
			}
			r.names = append(r.names, name)
		case in.word == command.From:
			r.names = append(r.names, "")
		}
	}
}

// lookup is what FROM knows.
func (r *reader) lookup(name string) (written.Value, bool) {
	a, declared := r.args[name]
	switch {
	case !declared:
		a.Unresolved = fmt.Sprintf("%s is no build argument declared before the first FROM", name)
	case !a.set:
		a.Unresolved = fmt.Sprintf("build argument %s has no default", name)
	}
	return a.Value, a.set
}

func (r *reader) expand(t written.Text) written.Value {
	lex := shell.NewLex(rune(r.escape))
	g := written.Grammar{Escape: rune(r.escape), Quotes: true, Run: func(word string, lookup func(string) (string, bool)) (string, error) {
		out, _, err := lex.ProcessWord(word, env(lookup))
		return out, err
	}}
	return g.Expand(t, r.lookup)
}

// env is a function as the environment of a shell word.
type env func(string) (string, bool)

func (e env) Get(name string) (string, bool) { return e(name) }
func (e env) Keys() []string                 { return nil }
