package compose

import (
	"fmt"
	"io/fs"
	"path"
	"strconv"
	"strings"

	"github.com/compose-spec/compose-go/v2/dotenv"
	"github.com/compose-spec/compose-go/v2/template"

	"github.com/intact-dev/intact/pkg/extract"
	"github.com/intact-dev/intact/pkg/extract/internal/dockerfile"
	"github.com/intact-dev/intact/pkg/extract/internal/written"
	"github.com/intact-dev/intact/pkg/extract/internal/yamlpos"
	"github.com/intact-dev/intact/pkg/fact"
	"github.com/intact-dev/intact/pkg/internal/lazy"
	"github.com/intact-dev/intact/pkg/internal/limits"
	"github.com/intact-dev/intact/pkg/ref"
)

// An environment is what variables a project has from files. That of the shell
// would come before it, and is not of the repository.
type environment struct {
	values map[string]written.Text
	outer  *environment // what counts before it
	failed string       // why a file of it is not known
}

// environment reads files that are called names in dir. The last one counts.
func (r *reader) environment(dir string, names []string, outer *environment) *environment {
	e := &environment{values: map[string]written.Text{}, outer: outer}
	for _, name := range names {
		p := path.Join(dir, name)
		if !fs.ValidPath(p) {
			e.failed = "a file of variables leads out of the tree"
			continue
		}
		if info, err := fs.Stat(r.fsys, p); err != nil || info.IsDir() {
			continue
		}
		r.variables(e, p)
	}
	return e
}

func (r *reader) variables(e *environment, p string) {
	again := r.read[p]
	r.read[p] = true
	fail := func(c fact.Cause, err error) {
		e.failed = p + " could not be read"
		if !again {
			at, why := fileOrigin(p), err.Error()
			if m := errorLine().FindStringSubmatch(why); m != nil {
				at.Line, _ = strconv.Atoi(m[1])
				at.Column, why = 1, why[len(m[0]):]
			}
			r.problem(at, c, "%s", why)
		}
	}
	data, err := extract.ReadFile(r.fsys, p)
	if err != nil {
		fail(causeOf(err), err)
		return
	}
	if len(data) > maxVariables || grows(data) {
		err := &limits.ExceededError{What: "size of the variables of a file", Limit: maxVariables}
		fail(fact.Limit, fmt.Errorf("read %q: %w", p, err))
		return
	}
	values, err := dotenv.UnmarshalBytesWithLookup(data, func(name string) (string, bool) { return e.value(name) })
	if err != nil {
		fail(fact.Unsupported, err)
		return
	}
	f := written.NewFile(p, data)
	places := map[string]int{}
	for _, m := range assignment().FindAllSubmatchIndex(data, -1) {
		places[string(data[m[2]:m[3]])] = m[5]
	}
	for name, value := range values {
		if at, ok := places[name]; ok {
			e.values[name] = written.At(f, at, value)
			r.assigned[place{p, at}] = assigned{name, len(value)}
		} else {
			e.values[name] = written.Made(value)
		}
	}
}

var errorLine = lazy.Regexp(`^line (\d+): `)

// assignment is a line of a file of variables up to the value within quotes.
var assignment = lazy.Regexp(`(?m)^[ \t]*(?:export[ \t]+)?([\w.-]+)[ \t]*[=:]([ \t]*["']?)`)

func (e *environment) get(name string) (written.Text, bool) {
	if e == nil {
		return written.Text{}, false
	}
	if t, ok := e.outer.get(name); ok {
		return t, true
	}
	t, ok := e.values[name]
	return t, ok
}

func (e *environment) value(name string) (string, bool) {
	t, ok := e.get(name)
	return t.String(), ok
}

func (e *environment) failure() string {
	if e == nil || e.failed != "" {
		return e.cause()
	}
	return e.outer.failure()
}

func (e *environment) cause() string {
	if e == nil {
		return ""
	}
	return e.failed
}

// lookup is what text may have variables of.
func (e *environment) lookup(name string) (written.Value, bool) {
	t, ok := e.get(name)
	switch why := e.failure(); {
	case ok:
		return written.Known(t), true
	case why != "":
		return written.Unknown(t, "variable %s is not known: %s", name, why), true
	}
	return written.Unknown(t, "variable %s is not set in .env and has no default", name), false
}

// text is a scalar of s with its variables.
func (e *environment) text(s *source, n yamlpos.Node) written.Value {
	return e.expand(s.file.YAML(n))
}

func (e *environment) expand(t written.Text) written.Value {
	return grammar.Expand(t, e.lookup)
}

var grammar = written.Grammar{Run: func(word string, lookup func(string) (string, bool)) (string, error) {
	// The library says on the standard error which variables are not set.
	word = simple().ReplaceAllStringFunc(word, func(s string) string {
		name := strings.Trim(s, "${}")
		if _, ok := lookup(name); name == "" || ok {
			return s
		}
		return ""
	})
	return template.SubstituteWithOptions(word, lookup, template.WithoutLogging)
}}

var simple = lazy.Regexp(`\$\$|\$[A-Za-z_]\w*|\$\{[A-Za-z_]\w*\}`)

func fileOrigin(p string) ref.Origin { return ref.Origin{Kind: "file", Where: p} }

func causeOf(err error) fact.Cause { return dockerfile.CauseOf(err) }
