package strictjson

import (
	"encoding/json"
	"fmt"
	"strings"
)

// A Reader takes typed members out of objects and collects what is wrong with
// them, so that one pass reports all faults of a document.
type Reader struct {
	// Faults are members of the wrong type or range, with their paths.
	Faults []string
	// CaseVariants are keys that equal a wanted key but for case, where the
	// wanted one is missing: some readers take them, some do not.
	CaseVariants []string
}

func (r *Reader) fault(path, format string, args ...any) {
	if len(r.Faults) < maxAmbiguities {
		r.Faults = append(r.Faults, path+": "+fmt.Sprintf(format, args...))
	}
}

// Get returns the member key of o, or nil.
func (r *Reader) Get(o *Object, path, key string) Value {
	if o == nil {
		return nil
	}
	if v, ok := o.Members[key]; ok {
		return v
	}
	for k := range o.Members {
		if strings.EqualFold(k, key) && len(r.CaseVariants) < maxAmbiguities {
			r.CaseVariants = append(r.CaseVariants, fmt.Sprintf("the key %q stands for %q in some readers only", shorten(k), join(path, key)))
		}
	}
	return nil
}

// Has reports whether o has a member that any reader would take for key.
func (r *Reader) Has(o *Object, key string) bool {
	for k, v := range o.Members {
		if strings.EqualFold(k, key) && v != nil {
			return true
		}
	}
	return false
}

// String returns a string member, "" if it is missing or null.
func (r *Reader) String(o *Object, path, key string) string {
	switch v := r.Get(o, path, key).(type) {
	case nil:
		return ""
	case string:
		return v
	default:
		r.fault(join(path, key), "is %s, not a string", kind(v))
		return ""
	}
}

// Bool returns a boolean member, false if it is missing or null.
func (r *Reader) Bool(o *Object, path, key string) bool {
	switch v := r.Get(o, path, key).(type) {
	case nil:
		return false
	case bool:
		return v
	default:
		r.fault(join(path, key), "is %s, not a boolean", kind(v))
		return false
	}
}

// Int returns an integer member and whether it is there. A number with a
// fraction, an exponent or out of range is a fault.
func (r *Reader) Int(o *Object, path, key string) (int64, bool) {
	switch v := r.Get(o, path, key).(type) {
	case nil:
		return 0, false
	case json.Number:
		n, err := v.Int64()
		if err != nil {
			r.fault(join(path, key), "is %s, not an integer of 64 bits", shorten(v.String()))
			return 0, false
		}
		return n, true
	default:
		r.fault(join(path, key), "is %s, not an integer", kind(v))
		return 0, false
	}
}

// Object returns an object member, nil if it is missing or null.
func (r *Reader) Object(o *Object, path, key string) *Object {
	switch v := r.Get(o, path, key).(type) {
	case nil:
		return nil
	case *Object:
		return v
	default:
		r.fault(join(path, key), "is %s, not an object", kind(v))
		return nil
	}
}

// Array returns an array member, nil if it is missing or null.
func (r *Reader) Array(o *Object, path, key string) []Value {
	switch v := r.Get(o, path, key).(type) {
	case nil:
		return nil
	case []Value:
		return v
	default:
		r.fault(join(path, key), "is %s, not an array", kind(v))
		return nil
	}
}

// Strings returns an array member of strings.
func (r *Reader) Strings(o *Object, path, key string) []string {
	values := r.Array(o, path, key)
	if values == nil {
		return nil
	}
	out := make([]string, 0, len(values))
	for i, v := range values {
		s, ok := v.(string)
		if !ok {
			r.fault(fmt.Sprintf("%s[%d]", join(path, key), i), "is %s, not a string", kind(v))
			continue
		}
		out = append(out, s)
	}
	return out
}

// StringMap returns an object member whose values are strings.
func (r *Reader) StringMap(o *Object, path, key string) map[string]string {
	m := r.Object(o, path, key)
	if m == nil {
		return nil
	}
	out := make(map[string]string, len(m.Members))
	for k, v := range m.Members {
		s, ok := v.(string)
		if !ok {
			r.fault(join(path, key)+"."+shorten(k), "is %s, not a string", kind(v))
			continue
		}
		out[k] = s
	}
	return out
}

func join(path, key string) string {
	if path == "" {
		return key
	}
	return path + "." + key
}

func kind(v Value) string {
	switch v.(type) {
	case nil:
		return "null"
	case bool:
		return "a boolean"
	case json.Number:
		return "a number"
	case string:
		return "a string"
	case []Value:
		return "an array"
	}
	return "an object"
}
