package expr

import (
	"fmt"
	"reflect"

	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"
)

// A structType is an object type of the schema: what fields there are, so that a
// typo is found when an expression is compiled.
type structType struct {
	cel    *types.Type
	names  []string
	fields map[string]structField
}

type structField struct {
	cel      *types.Type
	index    int  // in the Go struct
	optional bool // not stated if zero
}

// An object is a value of a structType. get returns a field's value and whether
// it is stated; nil if it is not stated and has no value to stand for that.
type object struct {
	typ *structType
	get func(name string) (v ref.Val, stated bool)
	raw any
}

// Get returns a field. One that is not stated and has no default is an error: a
// missing date is no early date.
func (o object) Get(index ref.Val) ref.Val {
	name, ok := index.Value().(string)
	if _, known := o.typ.fields[name]; !ok || !known {
		return types.NewErr("%s has no field %v", o.typ.cel.TypeName(), index.Value())
	}
	v, _ := o.get(name)
	if v == nil {
		return types.WrapErr(&notStatedError{of: o.typ.cel.TypeName(), field: name})
	}
	return v
}

// IsSet is what has() asks.
func (o object) IsSet(field ref.Val) ref.Val {
	name, ok := field.Value().(string)
	if _, known := o.typ.fields[name]; !ok || !known {
		return types.NewErr("%s has no field %v", o.typ.cel.TypeName(), field.Value())
	}
	_, stated := o.get(name)
	return types.Bool(stated)
}

func (o object) ConvertToNative(t reflect.Type) (any, error) {
	if v := reflect.ValueOf(o.raw); v.IsValid() && v.Type().AssignableTo(t) {
		return o.raw, nil
	}
	return nil, fmt.Errorf("convert %s to %v: not possible", o.typ.cel.TypeName(), t)
}

func (o object) ConvertToType(t ref.Type) ref.Val {
	if t.TypeName() == o.typ.cel.TypeName() {
		return o
	}
	return types.NewErr("%s cannot be converted to %s", o.typ.cel.TypeName(), t.TypeName())
}

func (o object) Equal(other ref.Val) ref.Val {
	p, ok := other.(object)
	return types.Bool(ok && o.typ == p.typ && reflect.DeepEqual(o.raw, p.raw))
}

func (o object) Type() ref.Type { return o.typ.cel }

// Value is the object itself, so that fields are always read through Get.
func (o object) Value() any { return o }

// A notStatedError is a field that was read and is not there.
type notStatedError struct{ of, field string }

func (e *notStatedError) Error() string {
	return fmt.Sprintf("%s is not stated in %s (has(…) asks for it)", e.field, e.of)
}
