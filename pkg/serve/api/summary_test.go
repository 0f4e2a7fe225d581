package api_test

import (
	"encoding/json"
	"reflect"
	"testing"

	"github.com/google/go-cmp/cmp"

	v1 "github.com/intact-dev/intact/pkg/serve/api/v1"
	"github.com/intact-dev/intact/pkg/serve/judge"
)

// What a judge keeps is what the API says, member by member.
func TestSummariesAreWhatIsKept(t *testing.T) {
	t.Parallel()
	names := func(v any) map[string]string {
		out := map[string]string{}
		for f := range fieldsOf(v) {
			out[f.Tag.Get("json")] = f.Type.Kind().String()
		}
		return out
	}
	if d := cmp.Diff(names(judge.Summary{}), names(v1.Summary{})); d != "" {
		t.Error(d)
	}
	var s v1.Summary
	if err := json.Unmarshal([]byte(summaryDeny), &s); err != nil || s.Change == nil || s.Type != "image.judged" {
		t.Errorf("%+v %v", s, err)
	}
}

func fieldsOf(v any) func(func(reflect.StructField) bool) {
	return func(yield func(reflect.StructField) bool) {
		for i := range reflect.TypeOf(v).NumField() {
			if !yield(reflect.TypeOf(v).Field(i)) {
				return
			}
		}
	}
}
