package gotemplate

import (
	"reflect"
	"text/template"
	"time"

	"github.com/intact-dev/intact/pkg/internal/limits"
)

// The functions that a rewritten template calls.
const (
	seenName  = "intactSeen"
	stepName  = "intactStep"
	enterName = "intactEnter"
	leaveName = "intactLeave"
	passName  = "intactPass"
	outName   = "intactOut"
	tplName   = "intactTpl"
)

// Bounds of one rendering. The charts of large platforms take a tenth of them.
const (
	maxSteps = 300_000          // turns of loops and calls of functions
	maxDepth = 1000             // of templates in templates; Helm bounds the same name in itself by it
	maxBytes = 64 << 20         // of texts that are made on the way
	maxNodes = 1_000_000        // of one value, what it holds several times counted each time
	maxLooks = 5_000_000        // at parts of values, to know how large these are
	maxLevel = 1000             // of values in a value: writing one is a recursion
	maxTime  = 30 * time.Second // the rest is for steps that are worth more than one
	maxText  = 16 << 20         // of one text or list that a function makes out of numbers
)

// A Budget bounds one rendering. It is not safe for concurrent use.
type Budget struct {
	steps, bytes int
	looks        int
	depth        int
	until        time.Time
	sizes        map[uintptr]sized
	err          *limits.ExceededError
	seen         map[entered]bool
}

// An entered is one List of one template.
type entered struct{ template, list int }

// NewBudget returns one for one rendering, which begins now.
func NewBudget() *Budget {
	return &Budget{steps: maxSteps, bytes: maxBytes, sizes: map[uintptr]sized{}, seen: map[entered]bool{}, until: time.Now().Add(maxTime)}
}

// Used is what part of the budget is spent, from 0 to 1.
func (b *Budget) Used() float64 {
	return max(1-float64(b.steps)/maxSteps, 1-float64(b.bytes)/maxBytes)
}

// Seen reports whether a List was rendered, by the numbers of its template and of
// itself.
func (b *Budget) Seen(template, list int) bool { return b.seen[entered{template, list}] }

// Err is the limit that was exceeded; nil if none was.
func (b *Budget) Err() error {
	if b.err == nil {
		return nil
	}
	return b.err
}

func (b *Budget) exceed(what string, limit int64) error {
	if b.err == nil {
		b.err = &limits.ExceededError{What: what, Limit: limit}
	}
	return b.err
}

// spend pays for one step that writes so many bytes.
func (b *Budget) spend(bytes int) error {
	switch {
	case b.err != nil:
		return b.err
	case b.steps%256 == 0 && time.Now().After(b.until):
		return b.exceed("seconds that rendering a template takes", int64(maxTime/time.Second))
	case bytes < 0 || bytes > b.bytes:
		return b.exceed("bytes that rendering a template makes", maxBytes)
	case b.steps == 0:
		return b.exceed("steps of rendering a template", maxSteps)
	}
	b.steps--
	b.bytes -= bytes
	return nil
}

// own are the functions that only a rewritten template calls.
func (b *Budget) own() template.FuncMap {
	return template.FuncMap{
		seenName: func(template, list int) string {
			b.seen[entered{template, list}] = true
			return ""
		},
		stepName: func(weight int) (string, error) { return "", b.spend(weight) },
		enterName: func(weight int) (string, error) {
			if b.depth++; b.depth > maxDepth {
				return "", b.exceed("depth of templates in templates", maxDepth)
			}
			return "", b.spend(weight)
		},
		leaveName: func() string { b.depth--; return "" },
		// Texts on the way come from functions that take their time.
		passName: func(v any) (any, error) {
			if n := b.written(v); n > 64 {
				return v, b.spend(4 * n)
			}
			return v, b.Err()
		},
		outName: func(v any) (any, error) {
			n := b.written(v)
			if _, ok := v.(string); !ok && v != nil {
				size, err := b.measure(v)
				if err != nil {
					return nil, err
				}
				n = size.bytes + 16*size.nodes
			}
			return v, b.spend(n)
		},
		tplName: func(text string) (string, error) {
			// Parsing and the copy of all templates cost too.
			if err := b.spend(4*len(text) + 5_000); err != nil {
				return "", err
			}
			s, err := Rewrite("tpl", text, Options{Number: -1})
			if err != nil {
				return text, nil //nolint:nilerr // tpl says it better
			}
			return s.Text, nil
		},
	}
}

func (b *Budget) written(v any) int {
	switch v := v.(type) {
	case string:
		return len(v)
	case []byte:
		return len(v)
	}
	return 0
}

// A sized is how large a value is, written out. It keeps the value, so that its
// address stands for no other.
type sized struct {
	nodes, bytes, level int
	of                  reflect.Value
}

// measure refuses values that are larger than they look: that hold themselves, or
// the same again and again.
func (b *Budget) measure(v any) (sized, error) {
	s := b.size(reflect.ValueOf(v), 0)
	if b.err != nil {
		return s, b.err
	}
	return s, nil
}

func (b *Budget) size(v reflect.Value, depth int) sized {
	for v.Kind() == reflect.Interface || v.Kind() == reflect.Pointer {
		if v.IsNil() {
			return sized{nodes: 1}
		}
		v = v.Elem()
	}
	s := sized{nodes: 1}
	if depth > maxLevel {
		_ = b.exceed("depth of a value", maxLevel)
	}
	if b.looks++; b.looks > maxLooks {
		_ = b.exceed("parts of values that are looked at", maxLooks)
	}
	if b.err != nil {
		return s
	}
	switch v.Kind() {
	case reflect.String:
		s.bytes = v.Len()
	case reflect.Map:
		known, ok := b.sizes[v.Pointer()]
		if ok {
			return known
		}
		for iter := v.MapRange(); iter.Next(); {
			s.add(b.size(iter.Key(), depth+1))
			s.add(b.size(iter.Value(), depth+1))
		}
		s.of = v
		b.sizes[v.Pointer()] = s
	case reflect.Slice, reflect.Array:
		if v.Type().Elem().Kind() == reflect.Uint8 {
			s.bytes = v.Len()
			break
		}
		for i := range v.Len() {
			s.add(b.size(v.Index(i), depth+1))
			if b.err != nil {
				break
			}
		}
	}
	switch {
	case s.nodes > maxNodes:
		_ = b.exceed("parts of a value", maxNodes)
	case s.level > maxLevel:
		_ = b.exceed("depth of a value", maxLevel)
	case s.bytes > maxBytes:
		_ = b.exceed("bytes of a value", maxBytes)
	}
	return s
}

func (s *sized) add(o sized) {
	s.nodes, s.bytes, s.level = s.nodes+o.nodes, s.bytes+o.bytes, max(s.level, o.level+1)
}
