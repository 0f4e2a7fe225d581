package devcontainer

import (
	"bytes"
	"strings"

	"github.com/intact-dev/intact/pkg/extract/internal/written"
)

// plain returns JSON with comments and commas at the ends of lists as JSON:
// blanks stand for what it does not have, so that all else stays in its place.
//
// https://code.visualstudio.com/docs/languages/json#_json-with-comments
func plain(data []byte) []byte {
	out := bytes.Clone(data)
	comma := -1 // the last byte that means something, if it is a comma
	blank := func(from, to int) {
		for i := from; i < to; i++ {
			if out[i] != '\n' && out[i] != '\r' {
				out[i] = ' '
			}
		}
	}
	for i := 0; i < len(out); i++ {
		switch c := out[i]; {
		case c == '"':
			comma = -1
			for i++; i < len(out) && out[i] != '"' && out[i] != '\n'; i++ {
				if out[i] == '\\' {
					i++
				}
			}
		case bytes.HasPrefix(out[i:], []byte("//")):
			end := len(out)
			if n := bytes.IndexByte(out[i:], '\n'); n >= 0 {
				end = i + n
			}
			blank(i, end)
			i = end - 1
		case bytes.HasPrefix(out[i:], []byte("/*")):
			end := len(out)
			if n := bytes.Index(out[i+2:], []byte("*/")); n >= 0 {
				end = i + 2 + n + 2
			}
			blank(i, end)
			i = end - 1
		case c == ',':
			comma = i
		case c == ']' || c == '}':
			if comma >= 0 {
				out[comma] = ' '
			}
			comma = -1
		case c > ' ':
			comma = -1
		}
	}
	return out
}

// expand puts the defaults of variables in. All else that they can be is of the
// machine.
//
// https://containers.dev/implementors/json_reference/#variables-in-devcontainerjson
func expand(t written.Text) written.Value {
	var b written.Builder
	out := written.Value{}
	s := t.String()
	for at := 0; ; {
		i := strings.Index(s[at:], "${")
		end := -1
		if i >= 0 {
			end = strings.IndexByte(s[at+i:], '}')
		}
		if end < 0 {
			b.Add(t.Slice(at, len(s)))
			break
		}
		start, stop := at+i, at+i+end
		b.Add(t.Slice(at, start))
		kind, rest, _ := strings.Cut(s[start+2:stop], ":")
		name, _, hasDefault := strings.Cut(rest, ":")
		if (kind == "localEnv" || kind == "env") && hasDefault {
			b.Add(t.Slice(start+2+len(kind)+1+len(name)+1, stop))
		} else {
			b.Add(t.Slice(start, stop+1))
			if out.Unresolved == "" {
				out.Unresolved = "${" + s[start+2:stop] + "} depends on the machine"
			}
		}
		at = stop + 1
	}
	out.Text = b.Text()
	return out
}
