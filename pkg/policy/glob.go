package policy

import (
	"fmt"
	"regexp"
	"strings"
)

// A glob matches the path of a file or the name of a cluster or namespace. In
// it * stands for any characters but /, a last segment ** for everything below,
// and ** alone for everything.
type glob struct {
	text   string
	re     *regexp.Regexp
	prefix bool
}

func parseGlob(s string) (glob, error) {
	g := glob{text: s}
	rest, prefix := strings.CutSuffix(s, "/**")
	if s == "**" {
		rest, prefix = "", true
	}
	g.prefix = prefix
	if strings.Contains(rest, "**") {
		return g, fmt.Errorf("pattern %q: ** is supported as the last segment only", s)
	}
	for _, seg := range strings.Split(rest, "/") {
		if seg == "." || seg == ".." {
			return g, fmt.Errorf("pattern %q: %q is no name; write the path without it", s, seg)
		}
	}
	expr := strings.ReplaceAll(regexp.QuoteMeta(rest), `\*`, `[^/]*`)
	switch {
	case s == "**":
		expr = `.+`
	case prefix:
		expr += `/.+`
	}
	re, err := regexp.Compile(`^(?s:` + expr + `)$`)
	if err != nil {
		return g, fmt.Errorf("pattern %q: %w", s, err)
	}
	g.re = re
	return g, nil
}

// match reports whether g names s. Paths that hold . or .. or empty segments
// are only matched in full: as text they can lie below a prefix that they leave.
func (g glob) match(s string) bool {
	if s == g.text {
		return true
	}
	return g.re.MatchString(s) && !crooked(s)
}

// coversDir reports whether g names everything below dir.
func (g glob) coversDir(dir string) bool {
	if !g.prefix || crooked(dir) {
		return false
	}
	return g.re.MatchString(strings.TrimSuffix(dir, "/") + "/x")
}

func crooked(s string) bool {
	for i, seg := range strings.Split(s, "/") {
		if seg == "." || seg == ".." || seg == "" && i > 0 && s != "/" {
			return true
		}
	}
	return false
}

func parseGlobs(texts []string) ([]glob, error) {
	var out []glob
	for _, t := range texts {
		g, err := parseGlob(t)
		if err != nil {
			return nil, err
		}
		out = append(out, g)
	}
	return out, nil
}

func matchAny(globs []glob, s string) bool {
	for _, g := range globs {
		if g.match(s) {
			return true
		}
	}
	return false
}
