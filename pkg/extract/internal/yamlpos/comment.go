package yamlpos

import (
	"bytes"
	"strings"

	"github.com/intact-dev/intact/pkg/extract"
)

// ParseIgnore reads what stands behind a comment's mark: "intact:ignore REF001
// the reason".
func ParseIgnore(comment string) (i extract.Ignore, ok bool) {
	rest, ok := strings.CutPrefix(strings.TrimSpace(comment), ignoreWord)
	if !ok || rest != "" && rest[0] != ' ' && rest[0] != '\t' {
		return i, false
	}
	i.Check, i.Reason, _ = strings.Cut(strings.TrimSpace(rest), " ")
	i.Reason = strings.TrimSpace(i.Reason)
	return i, i.Check != ""
}

const (
	ignoreWord = "intact:ignore"
	// A Flux marker looks like {"$imagepolicy": "namespace:policy:tag"}; Flux writes
	// what it stands behind anew.
	markerWord = `"$imagepolicy"`
)

// Ignored are the comments that want checks silenced for n: on its line, on that
// of its alias, and on lines of nothing else right above it.
func (n Node) Ignored() []extract.Ignore {
	if n.n == nil || !n.doc.file.has(&n.doc.file.ignores, ignoreWord) {
		return nil
	}
	out := n.doc.file.ignoredAt(n.Pos().Line)
	if p, ok := n.Alias(); ok {
		out = append(out[:len(out):len(out)], n.doc.file.ignoredAt(p.Line)...)
	}
	return out
}

// Marker returns the comment on n's line by which Flux finds what it updates:
// {"$imagepolicy": "flux-system:app"}; "" if there is none.
//
// https://fluxcd.io/flux/guides/image-update/#configure-image-update-for-custom-resources
func (n Node) Marker() string {
	if n.n == nil || !n.doc.file.has(&n.doc.file.markers, markerWord) {
		return ""
	}
	f, line := n.doc.file, n.Pos().Line
	if f.markerLine != line {
		f.markerLine, f.marker = line, f.comment(line)
	}
	text := strings.TrimSpace(f.marker)
	if strings.HasPrefix(text, "{") && strings.Contains(text, markerWord) {
		return text
	}
	return ""
}

func (f *File) has(known *answer, word string) bool {
	if *known == 0 {
		if *known = -1; bytes.Contains(f.text, []byte(word)) {
			*known = 1
		}
	}
	return *known > 0
}

// ignoredAt keeps what it found for the last line: a file may be one line.
func (f *File) ignoredAt(line int) []extract.Ignore {
	if f.ignoredLine != line {
		f.ignoredLine, f.ignored = line, f.readIgnored(line)
	}
	return f.ignored
}

func (f *File) readIgnored(line int) (dst []extract.Ignore) {
	if i, ok := ParseIgnore(f.comment(line)); ok {
		i.Line = line
		dst = append(dst, i)
	}
	// What is indented more may be the end of a text in a block above.
	indent := indentation(f.line(line))
	for line--; line > 0; line-- {
		text := f.line(line)
		at := indentation(text)
		if at > indent || at == len(text) || text[at] != '#' {
			break
		}
		i, ok := ParseIgnore(string(text[at+1:]))
		if !ok {
			break
		}
		i.Line = line
		dst = append(dst, i)
	}
	return dst
}

func indentation(line []byte) int { return len(line) - len(bytes.TrimLeft(line, " ")) }

// line returns a line of the text without its end.
func (f *File) line(n int) []byte {
	f.Place(0)
	if n < 1 || n > len(f.lines) {
		return nil
	}
	start, end := f.lines[n-1], len(f.text)
	if n < len(f.lines) {
		end = f.lines[n]
	}
	return bytes.TrimRight(f.text[start:end], "\r\n")
}

// comment returns what stands behind the # of a line; "" if there is none. A # in
// quotes is none.
func (f *File) comment(n int) string {
	text := f.line(n)
	quote := byte(0)
	for i, b := range text {
		switch {
		case quote != 0:
			if b == quote && !(b == '"' && text[i-1] == '\\') {
				quote = 0
			}
		case (b == '"' || b == '\'') && (i == 0 || bytes.IndexByte([]byte(" \t[{,:("), text[i-1]) >= 0):
			quote = b
		case b == '#' && (i == 0 || text[i-1] == ' ' || text[i-1] == '\t'):
			return string(text[i+1:])
		}
	}
	return ""
}
