package fact

import (
	"encoding/json"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/intact-dev/intact/pkg/ref"
)

func full() *Set {
	s := AllMissing(Network, "connection refused")
	s.Reference = Of(Reference{Ref: ref.Ref{Name: "nginx", Tag: "1"}, Text: "nginx:1", Kind: ref.KindImage})
	s.Tag = None[Tag]()
	s.Layers = ListOf(Of(Layer{Index: 1}), Missing[Layer](CutShort, "ended early"))
	s.Config = Value[Config]{State: Known, V: Config{User: "app", Created: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)}}
	s.Filesystem = Of(Filesystem{Unsafe: []PathGroup{{Dir: "/\xff", Paths: []Bytes{"/\xff/a\x00b", "/plain"}, Count: 2}}})
	return s
}

func TestZeroValuesKnowNothing(t *testing.T) {
	t.Parallel()
	var s Set
	for _, k := range Kinds() {
		for _, st := range s.Statuses(k) {
			if st.State != Unknown {
				t.Errorf("%s: zero value is %s", k, st.State)
			}
		}
	}
	if got := s.Statuses("nosuch"); len(got) != 1 || got[0].State != Unknown {
		t.Errorf("a fact that does not exist: %+v", got)
	}
}

func TestEveryFieldOfASetIsAKind(t *testing.T) {
	t.Parallel()
	typ := reflect.TypeFor[Set]()
	var names []Kind
	for i := range typ.NumField() {
		name, _, _ := strings.Cut(typ.Field(i).Tag.Get("json"), ",")
		names = append(names, Kind(name))
	}
	if diff := cmp.Diff(names, Kinds()); diff != "" {
		t.Error(diff)
	}
	for _, k := range Kinds() {
		if fieldOf(&Set{}, k) == nil {
			t.Errorf("%s cannot be read by name", k)
		}
		_, parts := reflect.TypeFor[Set]().Field(slices.Index(names, k)).Type.FieldByName("Parts")
		if IsList(k) != parts {
			t.Errorf("IsList(%s) is %t", k, IsList(k))
		}
	}
	missing := reflect.ValueOf(*AllMissing(Network, "x"))
	for i := range missing.NumField() {
		if missing.Field(i).FieldByName("Cause").Interface() != Network {
			t.Errorf("AllMissing leaves out %s", typ.Field(i).Name)
		}
	}
}

func TestOnlyHoldsWhatWasNamed(t *testing.T) {
	t.Parallel()
	s := full()
	got := s.Only(KConfig, KLayers)
	want := &Set{Config: s.Config, Layers: s.Layers}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestSetRoundTripsThroughJSON(t *testing.T) {
	t.Parallel()
	b, err := json.Marshal(full())
	if err != nil {
		t.Fatal(err)
	}
	var got Set
	if err := json.Unmarshal(b, &got); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(full(), &got); diff != "" {
		t.Error(diff)
	}
}

func FuzzSet(f *testing.F) {
	b, err := json.Marshal(full())
	if err != nil {
		f.Fatal(err)
	}
	f.Add(b)
	f.Add([]byte(`{"layers":{"state":"known","parts":[{"state":"absent"}]}}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		var s Set
		if json.Unmarshal(b, &s) != nil {
			return
		}
		first, err := json.Marshal(&s)
		if err != nil {
			t.Fatalf("read but not written: %v", err)
		}
		var again Set
		if err := json.Unmarshal(first, &again); err != nil {
			t.Fatalf("written but not read: %v\n%s", err, first)
		}
		second, err := json.Marshal(&again)
		if err != nil || string(first) != string(second) {
			t.Fatalf("does not stay the same: %v\n%s\n%s", err, first, second)
		}
	})
}
