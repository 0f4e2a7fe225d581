package report

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"unicode/utf16"
	"unicode/utf8"
)

// escapeJSON writes characters that a terminal obeys or hides as \u escapes. Of
// JSON only the insides of strings can hold any.
func escapeJSON(b []byte) []byte {
	plain := true
	for _, c := range b {
		if c >= utf8.RuneSelf || c < ' ' && c != '\n' || c == 0x7f {
			plain = false
			break
		}
	}
	if plain {
		return b
	}
	var out []byte
	for _, r := range string(b) {
		switch {
		case !hidden(r) || r == '\n':
			out = utf8.AppendRune(out, r)
		case r > 0xffff:
			hi, lo := utf16.EncodeRune(r)
			out = fmt.Appendf(out, `\u%04x\u%04x`, hi, lo)
		default:
			out = fmt.Appendf(out, `\u%04x`, r)
		}
	}
	return out
}

// WriteJSON writes r as indented JSON with a line feed at the end. Outside text
// is escaped as JSON demands, and also <, > and &, so that the report can stand
// in a page.
//
// Images and targets are encoded one by one: the report of a large fleet has
// hundreds of megabytes, and is never held as a whole.
func WriteJSON(w io.Writer, r *Report) error {
	out := bufio.NewWriterSize(w, 64<<10)
	frame := *r
	frame.Images, frame.Targets = []Image{}, []Target{}
	b, err := json.MarshalIndent(&frame, "", "  ")
	if err != nil {
		return fmt.Errorf("write report: %w", err)
	}
	b = append(escapeJSON(b), '\n')
	// A line feed is never inside of a string.
	b, err = writeList(out, b, "\n  \"images\": [", r.Images)
	if err == nil {
		b, err = writeList(out, b, "\n  \"targets\": [", r.Targets)
	}
	if err == nil {
		_, err = out.Write(b)
	}
	if err == nil {
		err = out.Flush()
	}
	if err != nil {
		return fmt.Errorf("write report: %w", err)
	}
	return nil
}

// writeList writes frame up to the empty list that begins with open, and in it
// all parts, and returns the rest of frame.
func writeList[T any](w io.Writer, frame []byte, open string, parts []T) ([]byte, error) {
	i := bytes.Index(frame, []byte(open)) + len(open)
	if _, err := w.Write(frame[:i]); err != nil {
		return nil, err
	}
	for i := range parts {
		b, err := json.MarshalIndent(&parts[i], "    ", "  ")
		if err != nil {
			return nil, err
		}
		head := "\n    "
		if i > 0 {
			head = ",\n    "
		}
		if _, err := io.WriteString(w, head); err != nil {
			return nil, err
		}
		if _, err := w.Write(escapeJSON(b)); err != nil {
			return nil, err
		}
	}
	if len(parts) > 0 {
		if _, err := io.WriteString(w, "\n  "); err != nil {
			return nil, err
		}
	}
	return frame[i:], nil
}
