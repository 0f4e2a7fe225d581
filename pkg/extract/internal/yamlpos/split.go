package yamlpos

import (
	"bytes"
	"iter"
)

// A span is a part of a text.
type span struct{ start, end int }

// split cuts a stream where a document begins ("---") or ends ("..."). No
// document can hold such a line, whatever is wrong with it: not even in quotes.
// What stands before the first "---", comments and directives, is of the document
// that follows. Parts without content are left out.
//
// https://yaml.org/spec/1.2.2/#912-document-markers
func split(text []byte) iter.Seq[span] {
	return func(yield func(span) bool) {
		start, content := 0, false
		for at := 0; at < len(text); {
			line := text[at:]
			next := len(text)
			if n := bytes.IndexByte(line, '\n'); n >= 0 {
				line, next = line[:n], at+n+1
			}
			switch {
			case marker(line, "---"):
				if content && !yield(span{start, at}) {
					return
				}
				if content {
					start = at
				}
				content = true
			case marker(line, "..."):
				if content && !yield(span{start, next}) {
					return
				}
				start, content = next, false
			case !content:
				content = !prologue(line)
			}
			at = next
		}
		if content {
			yield(span{start, len(text)})
		}
	}
}

func marker(line []byte, word string) bool {
	return len(line) >= 3 && string(line[:3]) == word &&
		(len(line) == 3 || line[3] == ' ' || line[3] == '\t' || line[3] == '\r')
}

// prologue reports whether line is one that can stand before "---". One that holds
// a CR within is left to the parser, which ends a line there.
func prologue(line []byte) bool {
	line = bytes.TrimSuffix(line, []byte("\r"))
	if bytes.IndexByte(line, '\r') >= 0 {
		return false
	}
	line = bytes.TrimLeft(line, " \t")
	return len(line) == 0 || line[0] == '#' || line[0] == '%'
}
