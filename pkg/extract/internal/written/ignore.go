package written

import (
	"strings"

	"github.com/intact-dev/intact/pkg/extract"
)

// maxComment is how many lines above one are looked at for comments.
const maxComment = 50

const ignoreWord = "intact:ignore"

// IgnoresAbove returns what the comments directly above a line, from 1, want
// silenced. A comment is a line that begins with one of marks.
func (f *File) IgnoresAbove(line int, marks ...string) []extract.Ignore {
	if !f.ignores {
		return nil
	}
	var out []extract.Ignore
	for n := line - 1; n > max(0, line-1-maxComment); n-- {
		start, end := f.Line(n)
		text, ok := comment(string(f.Data[start:end]), marks)
		if !ok {
			break
		}
		if i, ok := ParseIgnore(text, n); ok {
			out = append([]extract.Ignore{i}, out...)
		}
	}
	return out
}

// IgnoresBeside returns what a comment at the end of a line, from 1, wants
// silenced.
func (f *File) IgnoresBeside(line int, marks ...string) []extract.Ignore {
	if !f.ignores {
		return nil
	}
	start, end := f.Line(line)
	text := string(f.Data[start:end])
	for _, m := range marks {
		for at := 0; ; at += len(m) {
			i := strings.Index(text[at:], m)
			if i < 0 {
				break
			}
			at += i
			if at == 0 || text[at-1] != ' ' && text[at-1] != '\t' {
				continue
			}
			if i, ok := ParseIgnore(text[at+len(m):], line); ok {
				return []extract.Ignore{i}
			}
		}
	}
	return nil
}

func comment(line string, marks []string) (string, bool) {
	line = strings.TrimSpace(line)
	for _, m := range marks {
		if text, ok := strings.CutPrefix(line, m); ok {
			return text, true
		}
	}
	return "", false
}

// ParseIgnore parses the text of a comment at line: intact:ignore ID reason.
func ParseIgnore(comment string, line int) (extract.Ignore, bool) {
	rest, ok := strings.CutPrefix(strings.TrimSpace(comment), ignoreWord)
	if !ok || rest == "" || rest[0] != ' ' && rest[0] != '\t' {
		return extract.Ignore{}, false
	}
	id, reason, _ := strings.Cut(strings.TrimSpace(rest), " ")
	return extract.Ignore{Check: id, Reason: strings.TrimSpace(reason), Line: line}, id != ""
}
