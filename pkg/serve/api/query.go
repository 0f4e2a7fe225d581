package api

import (
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/intact-dev/intact/pkg/ledger"
	"github.com/intact-dev/intact/pkg/ref"
)

// A parameter is one that a query may have.
type parameter struct {
	name, kind string
	required   bool
	doc        string
}

// Kinds of parameters.
const (
	kindRepository = "repository" // written in any way, read as its canonical name
	kindTag        = "tag"
	kindReference  = "reference"
	kindDigest     = "digest"
	kindNumber     = "number" // from 0
	kindLimit      = "limit"  // from 1 to maxLimit
	kindText       = "text"   // up to maxText bytes
)

// Of queries.
const (
	maxLimit     = 1000
	defaultLimit = 100
	maxText      = 256
	maxQuery     = 4096
)

// A query is what was asked, in its parsed form.
type query struct {
	text    map[string]string
	numbers map[string]int64
	ref     ref.Ref
}

func (q query) has(name string) bool { _, ok := q.text[name]; return ok }

func (q query) limit() int {
	if n, ok := q.numbers["limit"]; ok {
		return int(n)
	}
	return defaultLimit
}

// parseQuery takes the parameters that are known, each once. The error is for the
// caller.
func parseQuery(raw string, known []parameter) (query, error) {
	q := query{text: map[string]string{}, numbers: map[string]int64{}}
	if len(raw) > maxQuery {
		return q, fmt.Errorf("the query is longer than %d bytes", maxQuery)
	}
	values, err := url.ParseQuery(raw)
	if err != nil {
		return q, errors.New("the query is not of the form name=value&name=value with %-escapes")
	}
	for name, all := range values {
		i := slices.IndexFunc(known, func(p parameter) bool { return p.name == name })
		switch {
		case i < 0:
			return q, fmt.Errorf("there is no parameter %.80q here; known are: %s", name, names(known))
		case len(all) > 1:
			return q, fmt.Errorf("the parameter %q is there %d times", name, len(all))
		}
		if err := q.take(known[i], all[0]); err != nil {
			return q, fmt.Errorf("parameter %q: %w", name, err)
		}
	}
	for _, p := range known {
		if p.required && !q.has(p.name) {
			return q, fmt.Errorf("the parameter %q is missing", p.name)
		}
	}
	return q, nil
}

func names(known []parameter) string {
	if len(known) == 0 {
		return "none"
	}
	var out []string
	for _, p := range known {
		out = append(out, p.name)
	}
	return strings.Join(out, ", ")
}

// take parses one value.
func (q *query) take(p parameter, value string) error {
	if !utf8.ValidString(value) || strings.ContainsRune(value, 0) {
		return errors.New("it is not UTF-8 text without NUL")
	}
	var err error
	switch p.kind {
	case kindRepository:
		value, err = repository(value)
	case kindReference:
		q.ref, err = ref.Parse(value)
	case kindDigest:
		_, err = ref.ParseDigest(value)
	case kindNumber:
		q.numbers[p.name], err = between(value, 0, 1<<62)
	case kindLimit:
		q.numbers[p.name], err = between(value, 1, maxLimit)
	default:
		if value == "" || len(value) > maxText {
			err = fmt.Errorf("%d bytes; expected 1 to %d", len(value), maxText)
		}
	}
	q.text[p.name] = value
	return err
}

func between(value string, low, high int64) (int64, error) {
	n, err := strconv.ParseInt(value, 10, 64)
	if err != nil || n < low || n > high || value != number(n) {
		return 0, fmt.Errorf("%.80q; expected a number from %d to %d", value, low, high)
	}
	return n, nil
}

// repository returns the name that is recorded.
func repository(text string) (string, error) {
	r, err := ref.Parse(text)
	if err != nil {
		return "", err
	}
	if r.Tag != "" || r.Digest != "" {
		return "", fmt.Errorf("%q has a tag or a digest; expected registry/repository", text)
	}
	name, _ := ledger.Name(r)
	if again, err := ref.Parse(name); err != nil || again.Canonical() != name {
		// A/x, a:443/x: in lower case and without its port the host is none any more.
		return "", fmt.Errorf("%q has no name under which it is recorded", text)
	}
	return name, nil
}
