package ansible

import (
	"fmt"
	"strings"

	"github.com/intact-dev/intact/pkg/extract/internal/written"
	"github.com/intact-dev/intact/pkg/extract/internal/yamlpos"
	"github.com/intact-dev/intact/pkg/extract/internal/yamlrefs"
	"github.com/intact-dev/intact/pkg/internal/lazy"
)

var (
	// expression is what Jinja puts into a text.
	expression = lazy.Regexp(`(?s)\{\{-?(.*?)-?\}\}`)
	// simple is a variable, perhaps with a default. All else is not evaluated.
	simple = lazy.Regexp(`^\s*([A-Za-z_]\w*)((?:\.\w+|\[['"]\w+['"]\])*)\s*` +
		`(?:\|\s*(?:default|d)\(\s*(?:'([^'{}]*)'|"([^"{}]*)"|([A-Za-z_]\w*))\s*(?:,\s*[Tt]rue\s*)?\)\s*)?(?:\|\s*(?:string|trim|mandatory)\s*)?$`)
	step = lazy.Regexp(`\w+`)
)

const (
	maxNested = 8   // variables that name variables
	maxUsed   = 200 // variables that are looked up for one text
)

// An expansion is of one text.
type expansion struct {
	e     *extraction
	s     *scope
	names []string
	used  int
}

// expand puts variables into the text of n.
func (x *expansion) expand(n yamlpos.Node, depth int) written.Value {
	return x.text(x.e.r.Text(n), depth)
}

func (x *expansion) text(t written.Text, depth int) written.Value {
	switch {
	case strings.Contains(t.String(), "{%"):
		return written.Unknown(t, "its statements are not evaluated")
	case !strings.Contains(t.String(), "{{"):
		return written.Known(t)
	case depth == maxNested:
		return written.Unknown(t, "its variables name each other, or too many others")
	}
	return yamlrefs.Substitute(t, expression(), func(match []string) written.Value {
		m := simple().FindStringSubmatch(match[1])
		if m == nil {
			return written.Value{Unresolved: fmt.Sprintf("what %q is, is not evaluated", match[0])}
		}
		if x.used++; x.used > maxUsed {
			return written.Value{Unresolved: "its variables name each other, or too many others"}
		}
		n := x.s.find(m[1])
		for _, key := range step().FindAllString(m[2], -1) {
			n = n.Get(key)
		}
		if _, ok := n.Text(); ok {
			x.names = append(x.names, m[1])
			x.e.r.Via(n)
			return x.expand(n, depth+1)
		}
		if !n.IsZero() || !strings.Contains(match[1], "|") || !strings.Contains(match[1], "(") {
			return written.Value{Unresolved: fmt.Sprintf("the variable %q is not set in the files", m[1]+m[2])}
		}
		if m[5] != "" {
			return x.text(written.Made("{{ "+m[5]+" }}"), depth+1)
		}
		return written.Known(written.Made(m[3] + m[4]))
	})
}

// find is the value of a variable; nothing if it is not set.
func (s *scope) find(name string) yamlpos.Node {
	if v, ok := s.item[name]; ok {
		return v
	}
	for _, vars := range s.vars {
		if v := vars.Get(name); !v.IsZero() {
			return v
		}
	}
	for _, vars := range s.defaults {
		if v := vars.Get(name); !v.IsZero() {
			return v
		}
	}
	return yamlpos.Node{}
}

// variable is the text of a variable, "" if it is not known.
func (e *extraction) variable(s *scope, name string) string {
	n := s.find(name)
	if n.IsZero() {
		return ""
	}
	return e.plain(n, s)
}

// plain is the text of n with its variables, as it is written where they are not
// known.
func (e *extraction) plain(n yamlpos.Node, s *scope) string {
	x := expansion{e: e, s: s}
	return x.expand(n, 0).Text.String()
}

// resolve is the value that n is by name: a list or mapping in a variable.
func (e *extraction) resolve(n yamlpos.Node, s *scope) yamlpos.Node {
	for range maxNested {
		text, ok := n.Text()
		if !ok {
			break
		}
		m := expression().FindStringSubmatch(text)
		if m == nil || m[0] != strings.TrimSpace(text) {
			break
		}
		name := simple().FindStringSubmatch(m[1])
		if name == nil {
			break
		}
		v := s.find(name[1])
		for _, key := range step().FindAllString(name[2], -1) {
			v = v.Get(key)
		}
		if v.IsZero() {
			break
		}
		n = v
	}
	return n
}
