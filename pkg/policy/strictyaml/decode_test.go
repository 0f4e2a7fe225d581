package strictyaml_test

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/intact-dev/intact/pkg/policy/strictyaml"
)

type thing struct {
	Name   string            `yaml:"name" required:"true" pattern:"^[a-z]+$" doc:"its name"`
	Count  int               `yaml:"count"`
	On     bool              `yaml:"on"`
	Day    strictyaml.Date   `yaml:"day"`
	Levels map[string]string `yaml:"levels" enum:"low|high"`
	Parts  []thing           `yaml:"parts"`
	Part   *thing            `yaml:"part"`
	Words  []string          `yaml:"words" empty:"ok"`
}

func TestDecode(t *testing.T) {
	t.Parallel()
	const text = `name: a
count: -3
on: true
day: 2027-01-31
levels: {x: low, y: high}
parts:
  - &p {name: b, on: false}
  - *p
part: {name: c, day: "2027-02-01"}
words: []
`
	var got thing
	doc, err := strictyaml.Decode("f.yaml", []byte(text), &got)
	if err != nil {
		t.Fatal(err)
	}
	day := func(d int, m time.Month) strictyaml.Date {
		return strictyaml.Date{Time: time.Date(2027, m, d, 0, 0, 0, 0, time.UTC)}
	}
	b := thing{Name: "b"}
	want := thing{
		Name: "a", Count: -3, On: true, Day: day(31, time.January), Levels: map[string]string{"x": "low", "y": "high"},
		Parts: []thing{b, b}, Part: &thing{Name: "c", Day: day(1, time.February)}, Words: []string{},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	for want, path := range map[string][]any{
		"f.yaml:1:1":  nil,
		"f.yaml:2:8":  {"count"},
		"f.yaml:5:21": {"levels", "y"},
		"f.yaml:7:5":  {"parts", 1}, // what the alias stands for
		"f.yaml:7:15": {"parts", 0, "name"},
		"f.yaml:9:7":  {"part", "nothing", 3},
		"f.yaml:7:3":  {"parts", 9},
	} {
		if got := doc.Pos(path...).String(); got != want {
			t.Errorf("%v: %s, want %s", path, got, want)
		}
	}
	if got := doc.Errorf([]any{"count"}, "is %d", 3).Error(); got != "f.yaml:2:8: is 3" {
		t.Error(got)
	}
}

func TestDecodeRefuses(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"":                                     "f:1:1: the file is empty",
		"# only\n":                             "f:1:1: the file is empty",
		"---\n---\nname: a\n":                  "f:2:1: a second document",
		"name: a\n---\n":                       "f:2:1: a second document",
		"name: a\n...\n%YAML 1.1\n":            "not valid YAML",
		"[]":                                   "f:1:1: a list; expected a mapping with the keys name, count",
		"{}":                                   "f:1:1: empty",
		"count: 1":                             `f:1:1: the key "name" is missing`,
		"name: a\nname: b":                     `f:2:1: duplicate key "name", first at line 1`,
		"name: a\n\"name\": b":                 `f:2:1: duplicate key "name"`,
		"name: a\nNAME: b":                     `f:2:1: unknown key "NAME"; did you mean "name"?`,
		"name: a\nhidden: b":                   `f:2:1: unknown key "hidden"; known here`,
		"name: a\nzzzzzzzzzzz: b":              `unknown key "zzzzzzzzzzz"; known here: name,`,
		"name: a\n-: b":                        `unknown key "-"`,
		"name: A":                              `f:1:7: "A"; expected the form ^[a-z]+$`,
		"name: 1":                              `f:1:7: the number "1"; expected a text; write it in quotes`,
		"name: 1.10":                           `the number "1.10"; expected a text`,
		"name: true":                           `the truth value "true"; expected a text; write it in quotes`,
		"name: 2027-01-31":                     `the date "2027-01-31"; expected a text`,
		"name: ~":                              `f:1:7: nothing; expected a text`,
		"name:":                                `f:1:6: nothing; expected a text`,
		"name: ''":                             `f:1:7: empty text`,
		"name: [a]":                            `f:1:7: a list; expected a text`,
		"name: {a: b}":                         `f:1:7: a mapping; expected a text`,
		"name: !!binary YQ==":                  `of type "!!binary"; expected a text`,
		"name: !own a":                         `"a" of type "!own"; expected a text`,
		"name: a\ncount: x":                    `f:2:8: the text "x"; expected a whole number`,
		"name: a\ncount: 1.5":                  `expected a whole number`,
		"name: a\ncount: 99999999999999999999": `expected a whole number`,
		"name: a\ncount: 0x10":                 `expected a whole number`,
		"name: a\non: yes":                     `f:2:5: the text "yes"; expected true or false`,
		"name: a\non: 1":                       `expected true or false`,
		"name: a\nday: 31.1.2027":              `"31.1.2027"; expected a date such as 2027-01-31`,
		"name: a\nday: [x]":                    `a list; expected a date`,
		"name: a\nlevels: {x: mid}":            `f:2:13: "mid"; expected low or high`,
		"name: a\nlevels: {x: lo}":             `"lo"; expected low or high; did you mean "low"?`,
		"name: a\nlevels: {1: low}":            `f:2:10: the number "1" as a key`,
		"name: a\nlevels: {[a]: low}":          `a list as a key`,
		"name: a\nlevels: {x: low, x: low}":    `duplicate key "x"`,
		"name: a\nlevels: []":                  `a list; expected a mapping`,
		"name: a\nlevels: {}":                  `empty mapping`,
		"name: a\nparts: []":                   `empty list`,
		"name: a\nparts: {a: b}":               `a mapping; expected a list`,
		"name: a\nwords: [a, 2]":               `f:2:12: the number "2"`,
		"x: &x {name: a}\n<<: *x":              "f:2:1: merge keys",
		"name: &n a\npart: &p {name: b, part: *p}": "the document is too deep",
		"name: *nobody":                     "unknown anchor",
		"name: [a":                          "f:1:1: not valid YAML",
		"count: 1\nname: {{a: b}\non: true": "f:2:1: not valid YAML: did not find expected ',' or '}'",
		"count: 1\nname: \"a":               "f:2:1: not valid YAML: found unexpected end of stream",
		"count: 1\nname: a: b":              "f:2:1: not valid YAML: mapping values are not allowed",
		"name: \x00":                        "f:1:1: not valid YAML: control characters",
		"name: \xff":                        "f:1:1: not valid YAML: ",
		strings.Repeat(" ", strictyaml.MaxSize) + "x":                                     "1048577 bytes are more than the limit",
		"name: a\npart: " + strings.Repeat("{part: ", 40) + "x" + strings.Repeat("}", 40): "the document is too deep",
	} {
		var out thing
		_, err := strictyaml.Decode("f", []byte(text), &out)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%.60q: got %v, want %s", text, err, want)
		}
	}
}

// All errors of a document are told at once, the first twenty in full.
func TestErrors(t *testing.T) {
	t.Parallel()
	var out thing
	_, err := strictyaml.Decode("f", []byte("name: 1\ncount: x\n"+strings.Repeat("zzzzzzz: 1\n", 30)), &out)
	var errs strictyaml.Errors
	if !errors.As(err, &errs) || len(errs) != 32 {
		t.Fatalf("%v", err)
	}
	lines := strings.Split(err.Error(), "\n")
	if len(lines) != 21 || lines[20] != "and 12 more" {
		t.Errorf("%q", lines)
	}
	var one *strictyaml.Error
	if !errors.As(err, &one) || one.Pos.Line != 1 {
		t.Errorf("%v", one)
	}
	if strictyaml.Errors(nil).Err() != nil {
		t.Error("no errors are an error")
	}
}

func TestDidYouMean(t *testing.T) {
	t.Parallel()
	for _, row := range [][3]string{
		{"undecidd", "undecided checks", `; did you mean "undecided"?`},
		{"chekcs", "undecided checks", `; did you mean "checks"?`},
		{"CHECKS", "undecided checks", `; did you mean "checks"?`},
		{"x", "undecided checks", ""},
		{strings.Repeat("x", 100), "checks", ""},
	} {
		if got := strictyaml.DidYouMean(row[0], strings.Fields(row[1])); got != row[2] {
			t.Errorf("%.20q: %q, want %q", row[0], got, row[2])
		}
	}
}

type flat struct {
	Name  string            `yaml:"name" required:"true" pattern:"^[a-z]+$" doc:"its name"`
	Day   strictyaml.Date   `yaml:"day"`
	Map   map[string]string `yaml:"map" enum:"low|high" doc:"levels"`
	Inner *struct {
		On    bool  `yaml:"on"`
		Parts []int `yaml:"parts"`
	} `yaml:"inner"`
}

func TestSchema(t *testing.T) {
	t.Parallel()
	b, err := strictyaml.Schema("https://example.com/s.json", "a title", flat{})
	if err != nil {
		t.Fatal(err)
	}
	var got any
	if err := json.Unmarshal(b, &got); err != nil {
		t.Fatal(err)
	}
	var want any
	if err := json.Unmarshal([]byte(`{
		"$schema": "https://json-schema.org/draft/2020-12/schema", "$id": "https://example.com/s.json", "title": "a title",
		"type": "object", "additionalProperties": false, "minProperties": 1, "required": ["name"],
		"properties": {
			"name": {"type": "string", "minLength": 1, "pattern": "^[a-z]+$", "description": "its name"},
			"day": {"type": "string", "format": "date"},
			"map": {"type": "object", "minProperties": 1, "description": "levels",
				"additionalProperties": {"type": "string", "minLength": 1, "enum": ["low", "high"]}},
			"inner": {"type": "object", "additionalProperties": false, "minProperties": 1, "properties": {
				"on": {"type": "boolean"}, "parts": {"type": "array", "minItems": 1, "items": {"type": "integer"}}}}
		}}`), &want); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func FuzzDecode(f *testing.F) {
	f.Add([]byte("name: a\nparts: [&p {name: b}, *p]\n"))
	f.Add([]byte("name: &n a\npart: &p {name: b, part: *p}"))
	f.Add([]byte("? - a\n: b\n"))
	f.Add([]byte("%YAML 1.1\n---\nname: !!str a\n...\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		var out thing
		doc, err := strictyaml.Decode("f", data, &out)
		if err != nil {
			var errs strictyaml.Errors
			if !errors.As(err, &errs) || len(errs) == 0 || errs[0].Pos.Line < 1 {
				t.Fatalf("an error without a place: %v", err)
			}
			return
		}
		if out.Name == "" || doc.Pos("name").Line < 1 {
			t.Fatalf("a required key is missing: %+v", out)
		}
	})
}
