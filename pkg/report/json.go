package report

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"iter"
	"slices"
	"strings"
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
// Images, targets and their origins are encoded one by one: the report of a large
// fleet has hundreds of megabytes, and is never held as a whole.
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
	b, err = writeList(out, b, "images", 2, slices.Values(r.Images), writeWhole[Image])
	if err == nil {
		b, err = writeList(out, b, "targets", 2, slices.Values(r.Targets), writeTarget)
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

// writeList writes frame up to the empty list called name, which stands so many
// spaces deep, and in it all parts, and returns the rest of frame.
func writeList[T any](w io.Writer, frame []byte, name string, deep int, parts iter.Seq[T], write func(w io.Writer, prefix string, part T) error) ([]byte, error) {
	line := "\n" + strings.Repeat(" ", deep)
	open := line + `"` + name + `": [`
	i := bytes.Index(frame, []byte(open)) + len(open)
	if _, err := w.Write(frame[:i]); err != nil {
		return nil, err
	}
	head, end := line+"  ", ""
	for part := range parts {
		if _, err := io.WriteString(w, head); err != nil {
			return nil, err
		}
		if err := write(w, strings.Repeat(" ", deep+2), part); err != nil {
			return nil, err
		}
		head, end = ","+line+"  ", line
	}
	_, err := io.WriteString(w, end)
	return frame[i:], err
}

func writeWhole[T any](w io.Writer, prefix string, part T) error {
	b, err := json.MarshalIndent(&part, prefix, "  ")
	if err != nil {
		return err
	}
	_, err = w.Write(escapeJSON(b))
	return err
}

func writeTarget(w io.Writer, prefix string, t Target) error {
	if t.Origins.Len() == 0 {
		return writeWhole(w, prefix, t)
	}
	frame := t
	frame.Origins = OriginsOf()
	b, err := json.MarshalIndent(&frame, prefix, "  ")
	if err != nil {
		return err
	}
	b, err = writeList(w, escapeJSON(b), "origins", len(prefix)+2, t.Origins.All(), writeWhole[Origin])
	if err == nil {
		_, err = w.Write(b)
	}
	return err
}
