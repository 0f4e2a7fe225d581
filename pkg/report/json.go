package report

import (
	"encoding/json"
	"fmt"
	"io"
	"unicode/utf16"
	"unicode/utf8"
)

// escapeJSON writes characters that a terminal obeys or hides as \u escapes. Of
// JSON only the insides of strings can hold any.
func escapeJSON(b []byte) []byte {
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
func WriteJSON(w io.Writer, r *Report) error {
	b, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return fmt.Errorf("write report: %w", err)
	}
	if _, err := w.Write(append(escapeJSON(b), '\n')); err != nil {
		return fmt.Errorf("write report: %w", err)
	}
	return nil
}
