package written

import (
	"maps"
	"slices"
	"unicode/utf8"
)

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }

// literal writes the word in codes, up to stop; what has a meaning to the
// grammar stays as it is. It reports whether it understood all of it.
func (t *tracer) literal(stop byte) bool {
	for t.pos < len(t.word.s) {
		c := t.word.s[t.pos]
		switch {
		case stop != 0 && c == stop:
			return true
		case c == '$':
			if !t.dollar() {
				return false
			}
		case t.escape():
		case t.grammar.Quotes && c == '\'':
			t.keep(1)
			for t.pos < len(t.word.s) && t.word.s[t.pos] != '\'' {
				t.encodeOne()
			}
			t.keep(1)
		case t.grammar.Quotes && c == '"':
			if !t.quoted() {
				return false
			}
		case t.grammar.Quotes && c == '<':
			t.keep(1)
		default:
			t.encodeOne()
		}
	}
	return stop == 0
}

// quoted writes what stands in double quotes.
func (t *tracer) quoted() bool {
	t.keep(1)
	for t.pos < len(t.word.s) && t.word.s[t.pos] != '"' {
		switch {
		case t.word.s[t.pos] == '$':
			if !t.dollar() {
				return false
			}
		case t.escape():
		default:
			t.encodeOne()
		}
	}
	t.keep(1)
	return true
}

// escape keeps an escape and what it escapes, if that is what comes.
func (t *tracer) escape() bool {
	r, n := utf8.DecodeRuneInString(t.word.s[t.pos:])
	if t.grammar.Escape == 0 || r != t.grammar.Escape {
		return false
	}
	t.keep(n)
	_, n = utf8.DecodeRuneInString(t.word.s[t.pos:])
	t.keep(n)
	return true
}

// dollar writes a variable. One that is not set becomes a code, so that it can
// be told whether anything came of it.
func (t *tracer) dollar() bool {
	s, start := t.word.s, t.pos
	i := start + 1
	braces := i < len(s) && s[i] == '{'
	if braces {
		i++
	}
	n := nameLen(s[i:])
	switch {
	case n == 0 && !braces && i < len(s) && s[i] == '$' && !t.grammar.Quotes:
		t.keep(2) // an escaped dollar sign
		return true
	case n == 0:
		return false
	}
	v, end := t.variable(s[i:i+n]), i+n
	if !braces || end < len(s) && s[end] == '}' {
		if braces {
			end++
		}
		if v.set {
			t.keep(end - start)
			return true
		}
		t.out.WriteRune(t.code(code{text: t.word.Slice(start, end), unresolved: v.Unresolved, unset: true}))
		t.pos = end
		return true
	}
	if end < len(s) && s[end] == ':' {
		end++
	}
	if end >= len(s) || s[end] != '-' && s[end] != '+' && s[end] != '?' {
		return false // a pattern: it would be matched against codes
	}
	if s[end] == '+' && v.set && v.Unresolved != "" && t.reason == "" {
		t.reason = v.Unresolved
	}
	t.keep(end + 1 - start)
	if !t.literal('}') {
		return false
	}
	t.keep(1)
	return true
}

func nameLen(s string) int {
	for i := range len(s) {
		c := s[i]
		letter := c == '_' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z'
		if !letter && (i == 0 || c < '0' || c > '9') {
			return i
		}
	}
	return len(s)
}

// keep writes n bytes as they are.
func (t *tracer) keep(n int) {
	n = min(n, len(t.word.s)-t.pos)
	t.out.WriteString(t.word.s[t.pos : t.pos+n])
	t.pos += n
}

func (t *tracer) encodeOne() {
	_, n := utf8.DecodeRuneInString(t.word.s[t.pos:])
	t.out.WriteRune(t.code(code{text: t.word.Slice(t.pos, t.pos+n)}))
	t.pos += n
}
