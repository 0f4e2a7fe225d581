package observe_test

import (
	"fmt"
	"reflect"
	"testing"

	"github.com/intact-dev/intact/pkg/fact"
	"github.com/intact-dev/intact/pkg/observe"
)

// Every field counts, also one that is added later: a Spec with all of them set
// gets another key by a change of any.
func TestKeyHasEveryField(t *testing.T) {
	t.Parallel()
	base := full()
	keys := map[[32]byte]string{base.Key(): "unchanged"}
	n := 0
	var change func(path string, at func(*observe.Spec) reflect.Value)
	change = func(path string, at func(*observe.Spec) reflect.Value) {
		here := full()
		v := at(here)
		switch v.Kind() {
		case reflect.Struct:
			for i := range v.NumField() {
				change(path+"."+v.Type().Field(i).Name, func(s *observe.Spec) reflect.Value { return at(s).Field(i) })
			}
			return
		case reflect.String:
			v.SetString(v.String() + "x")
		case reflect.Bool:
			v.SetBool(!v.Bool())
		case reflect.Int64:
			v.SetInt(v.Int() + 1)
		case reflect.Pointer:
			change("*"+path, func(s *observe.Spec) reflect.Value { return at(s).Elem() })
			v.SetZero()
		case reflect.Slice:
			change(path+"[0]", func(s *observe.Spec) reflect.Value { return at(s).Index(0) })
			v.SetLen(0)
		default:
			t.Fatalf("%s is of kind %s", path, v.Kind())
		}
		n++
		if other, twice := keys[here.Key()]; twice {
			t.Errorf("a change of %s gives the key of %s", path, other)
		}
		keys[here.Key()] = path
	}
	change("Spec", func(s *observe.Spec) reflect.Value { return reflect.ValueOf(s).Elem() })
	if n < 40 {
		t.Errorf("only %d changes were tried", n)
	}
}

// full is a Spec with every field set.
func full() *observe.Spec {
	var s observe.Spec
	n := 0
	var fill func(v reflect.Value)
	fill = func(v reflect.Value) {
		n++
		switch v.Kind() {
		case reflect.Struct:
			for i := range v.NumField() {
				fill(v.Field(i))
			}
		case reflect.String:
			v.SetString(fmt.Sprintf("text %d", n))
		case reflect.Bool:
			v.SetBool(true)
		case reflect.Int64:
			v.SetInt(int64(n))
		case reflect.Pointer:
			v.Set(reflect.New(v.Type().Elem()))
			fill(v.Elem())
		case reflect.Slice:
			v.Set(reflect.MakeSlice(v.Type(), 1, 1))
			fill(v.Index(0))
		}
	}
	fill(reflect.ValueOf(&s).Elem())
	return &s
}

// What runs together does not become one by where it is cut.
func TestKeyKeepsTextsApart(t *testing.T) {
	t.Parallel()
	a := &observe.Spec{Container: fact.Container{Name: "ab", Role: "c"}, PullSecrets: []string{"a", "b"}}
	b := &observe.Spec{Container: fact.Container{Name: "a", Role: "bc"}, PullSecrets: []string{"ab"}}
	if a.Key() == b.Key() {
		t.Error("two Specs have one key")
	}
}

func TestSpecsKeepOneOfEach(t *testing.T) {
	t.Parallel()
	var all observe.Specs
	a := all.One(full())
	if all.One(full()) != a {
		t.Error("equal Specs are two")
	}
	b := full()
	b.PullSecrets = nil
	if all.One(b) != b {
		t.Error("another Spec is the same")
	}
	c := full()
	c.PullSecrets = []string{}
	if all.One(c) != b {
		t.Error("an empty list is not like none")
	}
}

func BenchmarkOne(b *testing.B) {
	var all observe.Specs
	s := full()
	for b.Loop() {
		all.One(s)
	}
}
