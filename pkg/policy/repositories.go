package policy

import "strings"

// Repositories are patterns of repositories outside of a policy, in its grammar.
// The zero value names none.
type Repositories struct{ patterns []pattern }

// ParseRepositories parses patterns: exact repositories, prefixes ending in /**,
// or **. The error is of the pattern at index.
func ParseRepositories(texts []string) (out Repositories, index int, err error) {
	for i, text := range texts {
		p, err := parsePattern(text)
		if err != nil {
			return Repositories{}, i, err
		}
		out.patterns = append(out.patterns, p)
	}
	return out, 0, nil
}

// Match reports whether a pattern names the canonical repository name.
func (r Repositories) Match(name string) bool {
	for _, p := range r.patterns {
		if _, ok := p.match(name); ok {
			return true
		}
	}
	return false
}

// Hosts returns the registries that the patterns name, "" for **.
func (r Repositories) Hosts() []string {
	var out []string
	for _, p := range r.patterns {
		host := ""
		if len(p.segments) > 0 {
			host = p.segments[0]
		}
		out = append(out, host)
	}
	return out
}

// String returns the patterns as they were written.
func (r Repositories) String() string {
	var texts []string
	for _, p := range r.patterns {
		texts = append(texts, p.text)
	}
	return strings.Join(texts, ", ")
}

// Equal reports whether r and s were written the same.
func (r Repositories) Equal(s Repositories) bool { return r.String() == s.String() }
