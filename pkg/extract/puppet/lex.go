package puppet

import "strings"

// A kind is what a token is.
type kind byte

const (
	word   kind = 'w' // package, docker::run, present
	text   kind = 't' // '…' or "…": start and end are within the quotes
	opaque kind = 'o' // a text that is put together, or a variable
	mark   kind = 'm' // { } [ ] : ; , and what else stands alone
	arrow  kind = '>' // => and +>
)

// A token is a part of a manifest.
type token struct {
	kind       kind
	start, end int
}

// tokens splits a manifest, as far as declarations of resources need it.
// Comments and regular expressions are left out. open is where a text begins
// that does not end; -1 if there is none.
//
// https://www.puppet.com/docs/puppet/latest/lang_summary.html
func tokens(s string) (out []token, open int) {
	open = -1
	label := "" // of a text that begins on the next line
	for i := 0; i < len(s); {
		switch c := s[i]; {
		case c == '\n' && label != "":
			if i = body(s, i+1, label); i < 0 {
				return out, len(s) - 1
			}
			label = ""
		case c == ' ' || c == '\t' || c == '\r' || c == '\n':
			i++
		case c == '#':
			for i < len(s) && s[i] != '\n' {
				i++
			}
		case strings.HasPrefix(s[i:], "/*"):
			i = skip(s, i+2, "*/")
		case c == '/' && regular(s, out):
			i = expression(s, i)
		case c == '\'' || c == '"':
			end, plain := quoted(s, i)
			t := token{text, i + 1, end}
			if !plain {
				t.kind = opaque
			}
			if end == len(s) {
				open = i
			}
			out = append(out, t)
			i = min(end+1, len(s))
		case c == '$':
			n := 1 + len(name(s[i+1:]))
			out = append(out, token{opaque, i, i + n})
			i += n
		case strings.HasPrefix(s[i:], "=>") || strings.HasPrefix(s[i:], "+>"):
			out = append(out, token{arrow, i, i + 2})
			i += 2
		case strings.HasPrefix(s[i:], "@("):
			end := skip(s, i, ")")
			label, _, _ = strings.Cut(strings.TrimSuffix(s[i+2:end], ")"), "/")
			label = strings.Trim(label, " \"")
			out = append(out, token{opaque, i, end})
			i = end
		default:
			if n := len(name(s[i:])); n > 0 {
				out = append(out, token{word, i, i + n})
				i += n
				continue
			}
			out = append(out, token{mark, i, i + 1})
			i++
		}
	}
	return out, open
}

func skip(s string, from int, to string) int {
	if from > len(s) {
		return len(s)
	}
	if n := strings.Index(s[from:], to); n >= 0 {
		return from + n + len(to)
	}
	return len(s)
}

// quoted returns where a text ends, and whether it says what it is: without
// escapes and variables.
func quoted(s string, i int) (end int, plain bool) {
	quote := s[i]
	plain = true
	for i++; i < len(s) && s[i] != quote; i++ {
		if s[i] == '\\' {
			plain = false
			i++
		} else if s[i] == '$' && quote == '"' {
			plain = false
		}
	}
	return min(i, len(s)), plain && i < len(s)
}

// name is the word that s begins with; its parts are separated by "::".
func name(s string) string {
	i := 0
	for i < len(s) {
		c := s[i]
		switch {
		case c == '_' || c == '-' && i > 0 || c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z':
			i++
		case strings.HasPrefix(s[i:], "::"):
			i += 2
		default:
			return s[:i]
		}
	}
	return s
}

// body returns where the text of lines ends that ends with a line of its label;
// -1 if it does not end.
func body(s string, from int, label string) int {
	for from < len(s) {
		next := skip(s, from, "\n")
		if strings.TrimSpace(strings.TrimLeft(strings.TrimSpace(s[from:next]), "|- ")) == label {
			return next
		}
		from = next
	}
	return -1
}

// regular reports whether a slash begins a regular expression, by what is before
// it.
func regular(s string, before []token) bool {
	if len(before) == 0 {
		return false
	}
	switch last := before[len(before)-1]; s[last.start:last.end] {
	case "~", "{", ",", "(", "[", "node":
		return last.kind == mark || last.kind == word
	}
	return false
}

// expression returns where a regular expression ends, which it does on its line.
func expression(s string, i int) int {
	for i++; i < len(s) && s[i] != '\n' && s[i] != '/'; i++ {
		if s[i] == '\\' {
			i++
		}
	}
	return min(i+1, len(s))
}
