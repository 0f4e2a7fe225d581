package material

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"

	"github.com/intact-dev/intact/pkg/internal/limits"
)

// CheckJSON refuses a document that two readers can understand differently:
// duplicate keys, bytes after the end, invalid UTF-8, and, with fold, keys that
// differ by case only. It keeps nothing but the keys of the objects that it is
// in, so that a large attestation costs no second copy.
func CheckJSON(b []byte, fold bool) error {
	if !utf8.Valid(b) {
		return errors.New("is not valid UTF-8")
	}
	decoder := json.NewDecoder(bytes.NewReader(b))
	decoder.UseNumber()
	var open []level
	for {
		token, err := decoder.Token()
		if err == io.EOF {
			if len(open) > 0 {
				return io.ErrUnexpectedEOF
			}
			return errors.New("is empty")
		}
		if err != nil {
			return err
		}
		key := len(open) > 0 && open[len(open)-1].takesKey
		switch t := token.(type) {
		case json.Delim:
			switch t {
			case '{', '[':
				if len(open) == limits.JSONDepth {
					return fmt.Errorf("is nested more than %d deep", limits.JSONDepth)
				}
				open = append(open, level{object: t == '{', takesKey: t == '{'})
				continue
			default:
				open = open[:len(open)-1]
			}
		case string:
			if key {
				if err := open[len(open)-1].add(t, fold); err != nil {
					return err
				}
				continue
			}
		}
		if len(open) == 0 {
			break
		}
		open[len(open)-1].takesKey = open[len(open)-1].object
	}
	if _, err := decoder.Token(); err != io.EOF {
		return errors.New("goes on after its end")
	}
	return nil
}

// A level is an object or array that is being read.
type level struct {
	object, takesKey bool
	keys             map[string]bool
}

func (l *level) add(key string, fold bool) error {
	l.takesKey = false
	if fold {
		key = strings.ToLower(key)
	}
	if l.keys[key] {
		return fmt.Errorf("has the key %q twice", shorten(key))
	}
	if l.keys == nil {
		l.keys = map[string]bool{}
	}
	l.keys[key] = true
	return nil
}

func shorten(s string) string {
	if len(s) > 64 {
		return s[:64] + "…"
	}
	return s
}
