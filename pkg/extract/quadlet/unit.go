package quadlet

import (
	"bytes"
	"strings"

	"github.com/intact-dev/intact/pkg/extract/internal/written"
)

// An assignment is a key of a unit with its value.
type assignment struct {
	section, key string
	value        written.Text
	file         *written.File
	line         int // from 1, where it begins
}

// A broken is a line that is none of a unit.
type broken struct {
	line int
	why  string
}

// parse reads a unit as systemd does: a line that ends with a backslash goes on
// in the next one, and comments between them are left out.
//
// https://www.freedesktop.org/software/systemd/man/latest/systemd.syntax.html
func parse(f *written.File) (out []assignment, bad []broken) {
	section := ""
	for n := 1; n <= f.Lines(); {
		first := n
		var b written.Builder
		for {
			start, end := f.Line(n)
			if n == 1 && bytes.HasPrefix(f.Data, bom) {
				start += len(bom)
			}
			n++
			line := bytes.TrimRight(f.Data[start:end], "\r\n")
			trimmed := bytes.TrimLeft(line, " \t")
			if len(trimmed) > 0 && (trimmed[0] == '#' || trimmed[0] == ';') {
				if n > f.Lines() || b.Text().Len() == 0 {
					break
				}
				continue // within a line that goes on
			}
			goesOn := len(line) > 0 && line[len(line)-1] == '\\' && n <= f.Lines()
			if len(line) > 0 && line[len(line)-1] == '\\' {
				line = line[:len(line)-1]
			}
			b.AddFile(f, start, start+len(line))
			if !goesOn {
				break
			}
			b.Add(written.Made(" "))
		}
		text := b.Text().Trim()
		s := text.String()
		switch i := strings.IndexByte(s, '='); {
		case s == "":
		case s[0] == '[':
			if section = strings.Trim(s, "[]"); s[len(s)-1] != ']' {
				bad = append(bad, broken{first, "a section without its ]"})
			}
		case i <= 0:
			bad = append(bad, broken{first, "neither a section nor a key with a value"})
		case section == "":
			bad = append(bad, broken{first, "a key before the first section"})
		default:
			out = append(out, assignment{section, strings.TrimSpace(s[:i]), text.Slice(i+1, len(s)).Trim(), f, first})
		}
	}
	return out, bad
}

var bom = []byte("\xef\xbb\xbf")

// expand looks for what systemd puts in when the unit starts, which nobody who
// reads the file knows.
//
// https://www.freedesktop.org/software/systemd/man/latest/systemd.unit.html#Specifiers
func expand(t written.Text) written.Value {
	var b written.Builder
	s := t.String()
	unresolved := ""
	at := 0
	for i := 0; i < len(s); i++ {
		why := ""
		switch {
		case s[i] == '%' && i+1 < len(s) && s[i+1] == '%', s[i] == '$' && i+1 < len(s) && s[i+1] == '$':
			b.Add(t.Slice(at, i+1))
			i++
			at = i + 1
		case s[i] == '%' && i+1 < len(s):
			why = "specifier " + s[i:i+2] + " is known when the unit starts"
		case s[i] == '$':
			why = "the variable is known when the unit starts"
		}
		if unresolved == "" {
			unresolved = why
		}
	}
	b.Add(t.Slice(at, len(s)))
	return written.Value{Text: unquote(b.Text()), Unresolved: unresolved}
}

// unquote takes quotes off a value that is one word in them.
func unquote(t written.Text) written.Text {
	s := t.String()
	if n := len(s); n >= 2 && (s[0] == '"' || s[0] == '\'') && s[n-1] == s[0] && strings.IndexByte(s[1:n-1], s[0]) < 0 {
		return t.Slice(1, n-1)
	}
	return t
}

// A unit is a unit file with what its drop-ins add.
type unit []assignment

// last returns the value that counts of a key that can have one: the last, none
// if that is empty.
func (u unit) last(section, key string) (assignment, bool) {
	for i := len(u) - 1; i >= 0; i-- {
		if u[i].section == section && u[i].key == key {
			return u[i], u[i].value.Len() > 0
		}
	}
	return assignment{}, false
}

// all returns the values of a key that can have many; an empty one takes away
// those before it.
func (u unit) all(section, key string) []assignment {
	var out []assignment
	for _, a := range u {
		switch {
		case a.section != section || a.key != key:
		case a.value.Len() == 0:
			out = nil
		default:
			out = append(out, a)
		}
	}
	return out
}

func (u unit) text(section, key string) string {
	a, _ := u.last(section, key)
	return unquote(a.value).String()
}

func (u unit) bool(section, key string) (value, stated bool) {
	switch strings.ToLower(u.text(section, key)) {
	case "1", "yes", "true", "on", "y", "t":
		return true, true
	case "0", "no", "false", "off", "n", "f":
		return false, true
	}
	return false, false
}

// words splits a value as a command line, without quotes.
func words(t written.Text) []written.Text {
	var out []written.Text
	var b written.Builder
	s := t.String()
	var quote byte
	in, from := false, 0 // what of the word is not in b begins at from
	for i := 0; i <= len(s); i++ {
		switch end := i == len(s); {
		case end || quote == 0 && (s[i] == ' ' || s[i] == '\t'):
			b.Add(t.Slice(from, i))
			if in {
				out = append(out, b.Text())
			}
			b, in, from = written.Builder{}, false, i+1
		case quote != 0 && s[i] == quote:
			b.Add(t.Slice(from, i))
			quote, from = 0, i+1
		case quote == 0 && (s[i] == '"' || s[i] == '\''):
			b.Add(t.Slice(from, i))
			quote, from, in = s[i], i+1, true
		default:
			in = true
		}
	}
	return out
}
