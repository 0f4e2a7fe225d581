package written

import (
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"
)

// A Value is a text, or why it is not known.
type Value struct {
	// Text is what can be said of an unresolved one: "alpine:${VERSION}".
	Text       Text
	Unresolved string // "" = resolved
}

// Known returns a resolved Value.
func Known(t Text) Value { return Value{Text: t} }

// Unknown returns an unresolved Value with its reason, as far as it is known.
func Unknown(t Text, format string, args ...any) Value {
	return Value{Text: t, Unresolved: fmt.Sprintf(format, args...)}
}

// A Grammar is how variables are written into text: $NAME, ${NAME},
// ${NAME:-word} and their like. The library that defines it does the work; the
// rest says what it takes for more than plain text.
type Grammar struct {
	// Escape and Quotes are those of a shell word; 0 and false where there are none.
	Escape rune
	Quotes bool
	// Run puts the variables that lookup knows into word.
	Run func(word string, lookup func(name string) (string, bool)) (string, error)
}

// A Lookup returns what a variable is. One that is not set has the reason why
// text that needs it is not known; an operator may say what to do without it.
type Lookup func(name string) (v Value, set bool)

const (
	// maxVariables bounds the variables in one text, since each can stand within
	// another and a library then calls itself.
	maxVariables = 200
	// maxText bounds a text with variables, and what comes of it: a reference has at
	// most 255 bytes of name, 128 of tag and 137 of digest.
	maxText = 4096
)

// Expand puts variables into word. The library runs twice: on the text itself,
// and on one in which each character stands for its place. Only if both say the
// same are the places known.
func (g Grammar) Expand(word Text, lookup Lookup) Value {
	if g.plain(word.s) {
		return Known(word)
	}
	if !utf8.ValidString(word.s) || strings.ContainsRune(word.s, 0) {
		return Unknown(word, "it is not UTF-8")
	}
	if len(word.s) > maxText || strings.Count(word.s, "$") > maxVariables {
		return Unknown(word, "it is too long, or has too many variables, for a reference")
	}
	t := &tracer{grammar: g, lookup: lookup, vars: map[string]*variable{}}
	plain, err := g.Run(word.s, t.plain)
	switch {
	case t.used > maxText:
		return Unknown(word, "with its variables it is too long for a reference")
	case err != nil:
		return Unknown(word, "%v", innermost(err))
	}
	v, ok := t.traced(word, plain)
	if !ok {
		v = t.untraced(plain)
	}
	if len(v.Text.s) > maxText && v.Unresolved != "" {
		v.Text = word // what is not known is shown, and must not double from text to text
	}
	return v
}

// plain reports whether s stands for itself. Most texts do.
func (g Grammar) plain(s string) bool {
	if !g.Quotes && g.Escape == 0 {
		return strings.IndexByte(s, '$') < 0
	}
	for i := range len(s) {
		switch c := s[i]; {
		case c <= ' ', c >= 0x7f, c == '$', c == '<', c == '\'', c == '"', rune(c) == g.Escape:
			return false
		}
	}
	return true
}

// innermost is the cause alone; what goes around it says which text it is in.
func innermost(err error) error {
	for {
		next := errors.Unwrap(err)
		if next == nil {
			return err
		}
		err = next
	}
}
