package reporttest

import (
	"reflect"
	"slices"

	"github.com/intact-dev/intact/pkg/report"
)

// Evil is what an attacker would print: a line feed, a cursor movement, an
// OSC-8 link, a change of direction, characters that are not to be seen, bytes
// that are no text.
const Evil = "e\nALLOWED\r\x1b[2J\x1b]8;;http://x\x07\u202e\u2066\u200b\u3164\ufe0f\u034f\U000e0041\ufeff\u0085\u2028\x9b\xff\x00\x7f"

// poison puts Evil at the end of every string in v.
func poison(v reflect.Value, keep []string) {
	switch v.Kind() {
	case reflect.String:
		v.SetString(v.String() + Evil)
	case reflect.Pointer, reflect.Interface:
		if !v.IsNil() {
			poison(v.Elem(), keep)
		}
	case reflect.Slice:
		for i := range v.Len() {
			poison(v.Index(i), keep)
		}
	case reflect.Struct:
		if o, ok := v.Addr().Interface().(*report.Origins); ok {
			EditOrigins(o, func(o *report.Origin) { poison(reflect.ValueOf(o), keep) })
			return
		}
		for i := range v.NumField() {
			if f := v.Type().Field(i); f.IsExported() && !slices.Contains(keep, f.Name) {
				poison(v.Field(i), keep)
			}
		}
	}
}

// EditOrigins changes each of o.
func EditOrigins(o *report.Origins, change func(*report.Origin)) {
	list := slices.Collect(o.All())
	for i := range list {
		change(&list[i])
	}
	*o = report.OriginsOf(list...)
}

// Poison puts Evil at the end of every string in r but those in fields of the
// names keep.
func Poison(r *report.Report, keep ...string) { poison(reflect.ValueOf(r), keep) }
