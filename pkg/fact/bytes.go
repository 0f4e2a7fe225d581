package fact

import (
	"encoding/json"
	"fmt"
	"strings"
	"unicode/utf8"
)

// Bytes is a path, link target or name out of an archive: any bytes. In JSON
// it is a string if it is valid UTF-8 without NUL, else {"b64": "…"}.
type Bytes string

type encodedBytes struct {
	B64 []byte `json:"b64"`
}

// MarshalJSON writes a string or {"b64": …}.
func (b Bytes) MarshalJSON() ([]byte, error) {
	if utf8.ValidString(string(b)) && !strings.ContainsRune(string(b), 0) {
		return json.Marshal(string(b))
	}
	return json.Marshal(encodedBytes{[]byte(b)})
}

// UnmarshalJSON reads a string or {"b64": …}.
func (b *Bytes) UnmarshalJSON(data []byte) error {
	var s string
	if json.Unmarshal(data, &s) == nil {
		*b = Bytes(s)
		return nil
	}
	var e encodedBytes
	if err := json.Unmarshal(data, &e); err != nil {
		return fmt.Errorf("parse bytes: neither a string nor {\"b64\": …}: %w", err)
	}
	*b = Bytes(e.B64)
	return nil
}
