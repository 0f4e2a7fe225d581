package webhook

import (
	"encoding/json"
	"errors"
	"fmt"
)

// Of bodies. The deepest real one has about 12 levels; a batch of Event Grid
// holds at most 5,000 events.
//
// https://learn.microsoft.com/azure/event-grid/delivery-and-retry#output-batching
const (
	maxDepth  = 64
	maxEvents = 5000
)

// Causes of bodies that are not taken. They repeat nothing of a body.
var (
	errTooMany = fmt.Errorf("more than %d events in one delivery", maxEvents)
	errTooDeep = fmt.Errorf("nested deeper than %d", maxDepth)
	errNoJSON  = errors.New("not JSON")
	errShape   = errors.New("not of the sender's form")
)

// decode reads body into v, which names only what is needed; the rest may be
// anything. Depth is bounded before anything is built.
func decode(body []byte, v any) error {
	if depth(body) > maxDepth {
		return errTooDeep
	}
	err := json.Unmarshal(body, v)
	var syntax *json.SyntaxError
	var kind *json.UnmarshalTypeError
	switch {
	case err == nil:
		return nil
	case errors.Is(err, errTooMany):
		return errTooMany
	case errors.As(err, &syntax):
		return fmt.Errorf("%w: at byte %d of %d", errNoJSON, syntax.Offset, len(body))
	case errors.As(err, &kind):
		return fmt.Errorf("%w: at byte %d, expected %s", errShape, kind.Offset, kind.Type.Kind())
	}
	return errShape
}

// depth counts brackets outside of texts.
func depth(body []byte) int {
	deepest, now, text, escaped := 0, 0, false, false
	for _, c := range body {
		switch {
		case escaped:
			escaped = false
		case text:
			escaped = c == '\\'
			text = c != '"'
		case c == '"':
			text = true
		case c == '{' || c == '[':
			now++
			deepest = max(deepest, now)
		case c == '}' || c == ']':
			now--
		}
	}
	return deepest
}

// A list holds at most maxEvents, and no more are ever made of a body. An
// element that is not understood is nil.
type list[T any] []*T

// UnmarshalJSON reads an array.
func (l *list[T]) UnmarshalJSON(b []byte) error {
	if string(b) == "null" {
		return nil
	}
	n, err := elements(b)
	if err != nil {
		return err
	}
	raw := make([]json.RawMessage, 0, n)
	if err := json.Unmarshal(b, &raw); err != nil {
		return errShape
	}
	for _, r := range raw {
		v := new(T)
		if string(r) == "null" || json.Unmarshal(r, v) != nil {
			v = nil
		}
		*l = append(*l, v)
	}
	return nil
}

// elements counts those of an array that is known to be JSON.
func elements(b []byte) (int, error) {
	if len(b) == 0 || b[0] != '[' {
		return 0, errShape
	}
	n, now, text, escaped := 1, 0, false, false
	for _, c := range b {
		switch {
		case escaped:
			escaped = false
		case text:
			escaped = c == '\\'
			text = c != '"'
		case c == '"':
			text = true
		case c == '{' || c == '[':
			now++
		case c == '}' || c == ']':
			now--
		case c == ',' && now == 1:
			n++
		}
	}
	if n > maxEvents {
		return 0, errTooMany
	}
	return n, nil
}
