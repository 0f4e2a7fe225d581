package strictjson

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
)

func TestParseReportsEverySecondReading(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		in       string
		want     string // part of the ambiguity; "" = none
		trailing bool
	}{
		"plain":           {in: `{"a":1,"b":[{"a":2},{"a":3}]}`},
		"trailing_spaces": {in: "{}\n\t \r\n"},
		"duplicate":       {in: `{"a":1,"a":2}`, want: `"a" occurs twice`},
		"nested":          {in: `{"l":[{"x":1,"x":1}]}`, want: `"x" occurs twice`},
		"case":            {in: `{"layers":1,"Layers":2}`, want: `"layers" and "Layers" differ only by case`},
		"long_s":          {in: `{"layers":1,"layer\u017f":2}`, want: `differ only by case`},
		"kelvin":          {in: `{"k":1,"\u212a":2}`, want: `differ only by case`},
		"escaped_key":     {in: `{"a":1,"\u0061":2}`, want: `occurs twice`},
		"second_document": {in: `{} {}`, want: "2 bytes after the end", trailing: true},
		"nul":             {in: "{}\x00", want: "1 bytes after the end", trailing: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, got, err := Parse([]byte(tc.in), 64)
			if err != nil {
				t.Fatal(err)
			}
			if tc.want == "" {
				if len(got) != 0 {
					t.Fatalf("got %v, want none", got)
				}
				return
			}
			if len(got) != 1 || !strings.Contains(got[0].Detail, tc.want) || got[0].Trailing != tc.trailing {
				t.Fatalf("got %+v, want one with %q, trailing %v", got, tc.want, tc.trailing)
			}
		})
	}
}

func TestParseRefusesWhatHasNoReading(t *testing.T) {
	t.Parallel()
	for name, in := range map[string]string{
		"empty":        "",
		"cut":          `{"a":`,
		"bom":          "\ufeff{}",
		"utf16":        "\xff\xfe{\x00}\x00",
		"invalid_utf8": "{\"a\":\"\xff\"}",
		"nan":          `{"a":NaN}`,
		"deep":         strings.Repeat("[", 65) + strings.Repeat("]", 65),
		"very_deep":    strings.Repeat(`{"a":`, 100_000),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if v, _, err := Parse([]byte(in), 64); err == nil {
				t.Fatalf("got %v, want an error", v)
			}
		})
	}
}

func TestReaderReportsWrongTypes(t *testing.T) {
	t.Parallel()
	v, _, err := Parse([]byte(`{"s":1,"i":1.0,"j":"1","big":9223372036854775808,"exp":1e400,"o":[],"a":{},"Name":"x","m":{"k":1}}`), 8)
	if err != nil {
		t.Fatal(err)
	}
	o := v.(*Object)
	var r Reader
	r.String(o, "", "s")
	for _, k := range []string{"i", "j", "big", "exp"} {
		if n, ok := r.Int(o, "", k); ok {
			t.Errorf("%s: got %d, want a fault", k, n)
		}
	}
	r.Object(o, "", "o")
	r.Array(o, "", "a")
	r.StringMap(o, "", "m")
	if len(r.Faults) != 8 {
		t.Errorf("got %d faults, want 8: %q", len(r.Faults), r.Faults)
	}
	if r.String(o, "", "name") != "" || len(r.CaseVariants) != 1 {
		t.Errorf("case variant not reported: %q", r.CaseVariants)
	}
}

func FuzzParse(f *testing.F) {
	for _, s := range []string{`{"a":[1,2,{"b":null}]}`, `{"a":1,"A":2}`, `[]x`, `"s"`, `{"a":1e9}`} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		_, ambiguities, err := Parse(b, 64)
		if err == nil && len(ambiguities) == 0 && !json.Valid(bytes.TrimSpace(b)) {
			t.Fatalf("accepted %q without a word, encoding/json does not", b)
		}
	})
}
