// Package cloudbuild finds the builder images of Google Cloud Build's steps. The
// images that a build makes are none that it uses.
//
// https://cloud.google.com/build/docs/build-config-file-schema
package cloudbuild

import (
	"fmt"
	"io/fs"
	"os"
	"strings"

	"github.com/intact-dev/intact/pkg/extract"
	"github.com/intact-dev/intact/pkg/extract/internal/written"
	"github.com/intact-dev/intact/pkg/extract/internal/yamlpos"
	"github.com/intact-dev/intact/pkg/extract/internal/yamlrefs"
	"github.com/intact-dev/intact/pkg/internal/lazy"
	"github.com/intact-dev/intact/pkg/ref"
)

// An Extractor reads build configurations.
type Extractor struct{}

var configPath = lazy.Regexp(`(?:^|[/._-])cloudbuild(?:[._-][^/]*)?\.(?:ya?ml|json)$`)

// Match goes by the name: cloudbuild.yaml, cloudbuild-test.json, ci.cloudbuild.yml.
func (Extractor) Match(p string, _ []byte) bool { return configPath().MatchString(p) }

// Extract reads one file.
func (Extractor) Extract(fsys fs.FS, p string) (extract.Result, error) {
	r := yamlrefs.NewReader(fsys)
	f, err := r.Open(p)
	if err != nil {
		return extract.Result{}, err
	}
	for _, root := range f.Roots() {
		e := &extraction{r: r, substitutions: root.Get("substitutions")}
		steps := root.Get("steps")
		if !steps.IsList() {
			r.Problem(root, "steps", "a build has a list of steps; there is none to read here")
		}
		for i, step := range steps.Items() {
			e.step(step.Get("name"), fmt.Sprintf("steps[%d].name", i))
		}
	}
	return r.Result(p), nil
}

type extraction struct {
	r             *yamlrefs.Reader
	substitutions yamlpos.Node
}

func (e *extraction) step(n yamlpos.Node, at string) {
	if n.IsZero() {
		return
	}
	if _, ok := n.Text(); !ok {
		e.r.Problem(n, at, "an image is a text; this is none")
		return
	}
	x := expansion{e: e, active: map[string]bool{}}
	v := x.expand(e.r.Text(n), 0)
	e.r.Add(n, at, ref.KindImage, v, x.names...)
}

// An expansion is of one text.
type expansion struct {
	e      *extraction
	active map[string]bool
	names  []string
}

// grammar is $NAME and ${NAME}; $$ is a dollar sign.
//
// https://cloud.google.com/build/docs/configuring-builds/substitute-variable-values
var grammar = written.Grammar{Run: func(word string, lookup func(string) (string, bool)) (string, error) {
	return os.Expand(word, func(name string) string {
		if name == "$" {
			return name
		}
		s, _ := lookup(name)
		return s
	}), nil
}}

const (
	// maxNested bounds substitutions that name substitutions.
	maxNested = 8
	// maxUsed bounds how many are looked up for one text.
	maxUsed = 200
)

func (x *expansion) expand(t written.Text, depth int) written.Value {
	if !strings.Contains(t.String(), "$") {
		return written.Known(t)
	}
	return grammar.Expand(t, func(name string) (written.Value, bool) { return x.substitution(name, depth) })
}

// substitution is its default; a trigger may set another.
func (x *expansion) substitution(name string, depth int) (written.Value, bool) {
	n := x.e.substitutions.Get(name)
	_, ok := n.Text()
	switch {
	case !ok && strings.HasPrefix(name, "_"):
		return written.Value{Unresolved: fmt.Sprintf("the substitution $%s has no default", name)}, false
	case !ok:
		return written.Value{Unresolved: fmt.Sprintf("Cloud Build sets $%s when the build runs", name)}, false
	case x.active[name] || depth == maxNested || len(x.names) > maxUsed:
		return written.Value{Unresolved: fmt.Sprintf("the substitution $%s names itself, or too many others", name)}, false
	}
	x.names = append(x.names, name)
	x.e.r.Via(n)
	x.active[name] = true
	defer delete(x.active, name)
	v := x.expand(x.e.r.Text(n), depth+1)
	if v.Unresolved != "" {
		// Not its text: that may have grown without bound.
		return written.Value{Unresolved: v.Unresolved}, false
	}
	return v, true
}
