package dockerfile

import (
	"slices"
	"strings"
	"unicode"

	"github.com/moby/buildkit/frontend/dockerfile/command"
	"github.com/moby/buildkit/frontend/dockerfile/parser"

	"github.com/intact-dev/intact/pkg/extract/internal/written"
)

// An instruction is one of the file, in words that have a place.
type instruction struct {
	word  string // in lower case
	text  written.Text
	flags []written.Text // without quotes
	args  []written.Text // of FROM and ARG, with them
	line  int            // from 0
	on    *instruction   // of ONBUILD
}

// space is what the parser splits words at.
const space = "\t\v\f\r "

// instruction takes text apart, as the parser did if n is set.
func (r *reader) instruction(text written.Text, line int, n *parser.Node) instruction {
	text = text.Trim()
	word, rest := cut(text)
	in := instruction{word: strings.ToLower(word.String()), text: text, line: line}
	in.flags, rest = r.flags(rest)
	if n != nil && !slices.EqualFunc(in.flags, n.Flags, r.same) {
		in.flags = made(n.Flags)
	}
	switch in.word {
	case command.From:
		for rest.Len() > 0 {
			var arg written.Text
			arg, rest = cut(rest)
			in.args = append(in.args, arg)
		}
	case command.Arg:
		in.args = r.quotedWords(rest)
	case command.Onbuild:
		var child *parser.Node
		if n != nil && n.Next != nil && len(n.Next.Children) > 0 {
			child = n.Next.Children[0]
		}
		on := r.instruction(rest, line, child)
		in.on = &on
		return in
	default:
		return in
	}
	if n != nil {
		var want []string
		for next := n.Next; next != nil; next = next.Next {
			want = append(want, next.Value)
		}
		if !slices.EqualFunc(in.args, want, r.same) {
			in.args = made(want)
		}
	}
	return in
}

// same reports whether the parser's s is t.
func (r *reader) same(t written.Text, s string) bool {
	return string(r.legible([]byte(t.String()))) == s
}

func made(words []string) []written.Text {
	var out []written.Text
	for _, w := range words {
		out = append(out, written.Made(w))
	}
	return out
}

// cut splits t at its first white space.
func cut(t written.Text) (word, rest written.Text) {
	i := strings.IndexAny(t.String(), space)
	if i < 0 {
		return t, written.Text{}
	}
	return t.Slice(0, i), t.Slice(i, t.Len()).Trim()
}

// flags returns the words at the beginning that begin with --, without quotes
// and escapes, and what follows them.
//
// https://github.com/moby/buildkit/blob/v0.34.2/frontend/dockerfile/parser/split_command.go
func (r *reader) flags(t written.Text) (flags []written.Text, rest written.Text) {
	s := t.String()
	for i := 0; ; {
		for i < len(s) && unicode.IsSpace(rune(s[i])) {
			i++
		}
		if !strings.HasPrefix(s[i:], "--") {
			return flags, t.Slice(i, len(s)).Trim()
		}
		var b written.Builder
		var quote byte
		for ; i < len(s) && (quote != 0 || !unicode.IsSpace(rune(s[i]))); i++ {
			switch c := s[i]; {
			case quote != 0 && c == quote:
				quote = 0
				continue
			case quote == 0 && (c == '\'' || c == '"'):
				quote = c
				continue
			case c == r.escape && i+1 == len(s):
				continue
			case c == r.escape:
				i++
			}
			b.Add(t.Slice(i, i+1))
		}
		flag := b.Text()
		if flag.String() == "--" {
			return flags, t.Slice(i, len(s)).Trim()
		}
		flags = append(flags, flag)
	}
}

// quotedWords splits t at white space outside of quotes, which stay.
//
// https://github.com/moby/buildkit/blob/v0.34.2/frontend/dockerfile/parser/line_parsers.go
func (r *reader) quotedWords(t written.Text) []written.Text {
	var out []written.Text
	s := t.String()
	start := -1
	var quote byte
	for i := 0; i < len(s); i++ {
		c := s[i]
		if start < 0 && !unicode.IsSpace(rune(c)) {
			start = i
		}
		switch {
		case start < 0:
		case c == r.escape && quote != '\'':
			i++
		case quote != 0:
			if c == quote {
				quote = 0
			}
		case c == '\'' || c == '"':
			quote = c
		case unicode.IsSpace(rune(c)):
			out = append(out, t.Slice(start, i))
			start = -1
		}
	}
	if start >= 0 {
		out = append(out, t.Slice(start, len(s)))
	}
	return out
}
