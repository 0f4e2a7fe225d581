package expr

import (
	"encoding/json"
	"fmt"
	"path"
	"reflect"
	"slices"
	"strings"
	"sync"
	"time"

	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"

	"github.com/intact-dev/intact/pkg/fact"
)

// A schema is the object types that expressions can read. It is never changed
// after it was built.
type schema struct {
	*types.Registry
	structs map[string]*structType
	byGo    map[reflect.Type]*structType
}

func newSchema() (*schema, error) {
	r, err := types.NewRegistry()
	if err != nil {
		return nil, fmt.Errorf("build expression schema: %w", err)
	}
	return &schema{Registry: r, structs: map[string]*structType{}, byGo: map[reflect.Type]*structType{}}, nil
}

// FindStructType finds object types for the checker.
func (s *schema) FindStructType(name string) (*types.Type, bool) {
	if t, ok := s.structs[name]; ok {
		return types.NewTypeTypeWithParam(t.cel), true
	}
	return s.Registry.FindStructType(name)
}

// FindStructFieldNames lists the fields of an object type.
func (s *schema) FindStructFieldNames(name string) ([]string, bool) {
	if t, ok := s.structs[name]; ok {
		return t.names, true
	}
	return s.Registry.FindStructFieldNames(name)
}

// FindStructFieldType gives the type of a field. It has no getter, so that
// fields are read through object, which handles what is unknown.
func (s *schema) FindStructFieldType(name, field string) (*types.FieldType, bool) {
	t, ok := s.structs[name]
	if !ok {
		return s.Registry.FindStructFieldType(name, field)
	}
	f, ok := t.fields[field]
	return &types.FieldType{Type: f.cel}, ok
}

// NewValue refuses to build facts in an expression.
func (s *schema) NewValue(name string, fields map[string]ref.Val) ref.Val {
	if _, ok := s.structs[name]; ok {
		return types.NewErr("%s cannot be built in an expression", name)
	}
	return s.Registry.NewValue(name, fields)
}

var (
	timeType = reflect.TypeFor[time.Time]()
	rawType  = reflect.TypeFor[json.RawMessage]()
)

// typeOf returns the type of Go values of type t, and adds the object types that
// it needs. Names are those of JSON.
func (s *schema) typeOf(t reflect.Type) *types.Type {
	switch {
	case t == timeType:
		return types.TimestampType
	case t == rawType:
		return types.DynType
	}
	switch t.Kind() {
	case reflect.String:
		return types.StringType
	case reflect.Bool:
		return types.BoolType
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64,
		reflect.Uint8, reflect.Uint16, reflect.Uint32:
		return types.IntType
	case reflect.Pointer:
		return s.typeOf(t.Elem())
	case reflect.Slice:
		if t.Elem().Kind() == reflect.Uint8 {
			return types.BytesType
		}
		return types.NewListType(s.typeOf(t.Elem()))
	case reflect.Map:
		return types.NewMapType(s.typeOf(t.Key()), s.typeOf(t.Elem()))
	case reflect.Struct:
		return s.structOf(t).cel
	}
	return types.ErrorType
}

func (s *schema) structOf(t reflect.Type) *structType {
	if st, ok := s.byGo[t]; ok {
		return st
	}
	name := path.Base(t.PkgPath()) + "." + t.Name()
	st := &structType{cel: types.NewObjectType(name), fields: map[string]structField{}}
	s.byGo[t], s.structs[name] = st, st
	for i := range t.NumField() {
		f := t.Field(i)
		tag, options, _ := strings.Cut(f.Tag.Get("json"), ",")
		if tag == "" || tag == "-" || !f.IsExported() {
			continue
		}
		st.names = append(st.names, tag)
		st.fields[tag] = structField{cel: s.typeOf(f.Type), index: i, optional: strings.HasPrefix(options, "omit")}
	}
	return st
}

// value wraps a Go value of a type that typeOf has seen.
func (s *schema) value(v reflect.Value) ref.Val {
	switch t := v.Type(); {
	case t == timeType:
		at := v.Interface().(time.Time)
		if at.IsZero() {
			return nil
		}
		return types.Timestamp{Time: at}
	case t == rawType:
		parsed, err := decodeJSON(v.Bytes())
		if err != nil {
			return types.NewErr("%v", err)
		}
		return s.NativeToValue(parsed)
	}
	switch v.Kind() {
	case reflect.String:
		return types.String(v.String())
	case reflect.Bool:
		return types.Bool(v.Bool())
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		return types.Int(v.Int())
	case reflect.Uint8, reflect.Uint16, reflect.Uint32:
		return types.Int(v.Uint())
	case reflect.Pointer:
		if v.IsNil() {
			return nil
		}
		return s.value(v.Elem())
	case reflect.Slice:
		if v.Type().Elem().Kind() == reflect.Uint8 {
			return types.Bytes(v.Bytes())
		}
		parts := make([]ref.Val, v.Len())
		for i := range parts {
			parts[i] = s.value(v.Index(i))
		}
		return types.NewRefValList(s, parts)
	case reflect.Map:
		m := make(map[ref.Val]ref.Val, v.Len())
		for it := v.MapRange(); it.Next(); {
			m[s.value(it.Key())] = s.value(it.Value())
		}
		return types.NewRefValMap(s, m)
	case reflect.Struct:
		return s.object(v)
	}
	return types.NewErr("a value of type %s cannot be read", v.Type())
}

func (s *schema) object(v reflect.Value) ref.Val {
	st := s.byGo[v.Type()]
	return object{typ: st, raw: v.Interface(), get: func(name string) (ref.Val, bool) {
		f := st.fields[name]
		field := v.Field(f.index)
		return s.value(field), !f.optional || !field.IsZero()
	}}
}

// factField returns the field of fact.Set that the kind k names: the type of its
// value or of its parts, and whether it is a list.
func factField(k fact.Kind) (index int, value reflect.Type, list bool) {
	set := reflect.TypeFor[fact.Set]()
	i := slices.IndexFunc(reflect.VisibleFields(set), func(f reflect.StructField) bool {
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		return name == string(k)
	})
	f := set.Field(i).Type
	if fact.IsList(k) {
		parts, _ := f.FieldByName("Parts")
		v, _ := parts.Type.Elem().FieldByName("V")
		return i, v.Type, true
	}
	v, _ := f.FieldByName("V")
	return i, v.Type, false
}

var factSchema = sync.OnceValues(func() (*schema, error) {
	s, err := newSchema()
	if err != nil {
		return nil, err
	}
	for _, k := range fact.Kinds() {
		_, t, _ := factField(k)
		s.typeOf(t)
	}
	return s, nil
})
