package registry

import (
	"strconv"
	"strings"
	"unicode/utf8"
)

// A reading is a text with some of its escapes undone.
type reading struct {
	text string
	// from[i] is where byte i begins in the text that was read first, from[i+1]
	// where it ends.
	from []int
}

// readingDepth is how many encodings on top of each other are undone: what a
// server made of a secret, what a URL does, and the quotes of our messages.
const readingDepth = 3

// readings returns text, and what it says with quotes and percent signs undone
// in any order.
func readings(text string) []reading {
	first := reading{text: text, from: make([]int, len(text)+1)}
	for i := range first.from {
		first.from[i] = i
	}
	all, seen := []reading{first}, map[string]bool{text: true}
	for level, depth := all, 0; depth < readingDepth && len(level) > 0; depth++ {
		var next []reading
		for _, r := range level {
			for _, undo := range []func(string) (string, int){unquote, unpercent} {
				if u := r.undo(undo); !seen[u.text] {
					seen[u.text] = true
					next = append(next, u)
				}
			}
		}
		all, level = append(all, next...), next
	}
	for i := range all {
		all[i].text = fold(all[i].text)
	}
	return all
}

// undo applies f, which returns what stands at the start of its argument and how
// many bytes it is written with; 0 for itself.
func (r reading) undo(f func(string) (string, int)) reading {
	if !strings.ContainsAny(r.text, `%\`) {
		return r
	}
	var b strings.Builder
	from := make([]int, 0, len(r.from))
	for i := 0; i < len(r.text); {
		s, n := f(r.text[i:])
		if n == 0 {
			s, n = r.text[i:i+1], 1
		}
		b.WriteString(s)
		for range len(s) {
			from = append(from, r.from[i])
		}
		i += n
	}
	return reading{text: b.String(), from: append(from, r.from[len(r.text)])}
}

// unquote reads one escape of a quoted string of JSON or Go. One that our cut
// has halved says nothing.
func unquote(s string) (string, int) {
	switch {
	case len(s) < 2 || s[0] != '\\':
		return "", 0
	case s[1] == '/':
		return "/", 2 // of JSON alone
	case strings.HasPrefix(s[1:], cut):
		return "", 1
	}
	quote := byte('"')
	if s[1] == '\'' {
		quote = '\''
	}
	c, multibyte, rest, err := strconv.UnquoteChar(s, quote)
	switch {
	case err != nil:
		return "", 0
	case c < utf8.RuneSelf || !multibyte:
		return string([]byte{byte(c)}), len(s) - len(rest)
	}
	return string(c), len(s) - len(rest)
}

// unpercent reads one %XX, or what our cut has left of it.
func unpercent(s string) (string, int) {
	if len(s) < 3 || s[0] != '%' {
		return "", 0
	}
	if i := strings.Index(s[:min(len(s), 2+len(cut))], cut); i >= 0 {
		return "", i
	}
	c, err := strconv.ParseUint(s[1:3], 16, 8)
	if err != nil {
		return "", 0
	}
	return string([]byte{byte(c)}), 3
}

// windows returns where each window of secretPart bytes begins in the text.
func (r reading) windows() map[uint64][]int {
	at := map[uint64][]int{}
	for i := range len(r.text) - secretPart + 1 {
		w := window(r.text[i:])
		at[w] = append(at[w], i)
	}
	return at
}

// window returns the first secretPart bytes of s.
func window(s string) (w uint64) {
	for i := range secretPart {
		w = w<<8 | uint64(s[i])
	}
	return w
}

// mark sets hidden where secret, or a part of it that counts, is in the text. A
// window that was found is taken out of windows, so that the work is linear in
// text and secret: both tokens and messages are chosen by servers.
func (r reading) mark(secret string, windows map[uint64][]int, hidden []bool) {
	if len(secret) < secretPart {
		r.markAll(secret, len(secret), hidden)
	}
	for i := range len(secret) - secretPart + 1 {
		w := window(secret[i:])
		if at := windows[w]; at != nil {
			for _, start := range at {
				r.fill(start, secretPart, hidden)
			}
			delete(windows, w)
		}
	}
	for n := secretLeast; n < min(secretPart, len(secret)); n++ {
		r.markAll(secret[:n]+cut, n, hidden)
	}
}

// markAll hides the first n bytes of s wherever it is in the text.
func (r reading) markAll(s string, n int, hidden []bool) {
	for at := 0; ; at++ {
		i := strings.Index(r.text[at:], s)
		if i < 0 {
			return
		}
		at += i
		r.fill(at, n, hidden)
	}
}

func (r reading) fill(start, n int, hidden []bool) {
	for i := r.from[start]; i < r.from[start+n]; i++ {
		hidden[i] = true
	}
}
