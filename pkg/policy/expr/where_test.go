package expr_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/intact-dev/intact/pkg/fact"
	"github.com/intact-dev/intact/pkg/policy/expr"
)

var github = &fact.Identity{
	Issuer:     "https://token.actions.githubusercontent.com",
	Subject:    "https://github.com/acme/api/.github/workflows/release.yml@refs/tags/v1",
	Extensions: map[string]string{"runnerEnvironment": "github-hosted"},
}

func TestWhere(t *testing.T) {
	t.Parallel()
	holds := expr.Decision{Holds: true}
	refused := func(why string) expr.Decision { return expr.Decision{Why: why} }
	const hosted = `certificate.runnerEnvironment == "github-hosted"`
	for name, tt := range map[string]struct {
		where string
		in    expr.Input
		want  expr.Decision
	}{
		"extension":                {hosted, expr.Input{Certificate: github}, holds},
		"other_extension":          {`certificate.runnerEnvironment == "self-hosted"`, expr.Input{Certificate: github}, refused("it is false")},
		"extension_not_there":      {`certificate.buildTrigger != "push"`, expr.Input{Certificate: github}, refused("buildTrigger is not stated in certificate (has(…) asks for it)")},
		"extension_asked_for":      {`!has(certificate.buildTrigger)`, expr.Input{Certificate: github}, holds},
		"empty_extension_is_there": {`has(certificate.buildTrigger) && certificate.buildTrigger == ""`, expr.Input{Certificate: &fact.Identity{Extensions: map[string]string{"buildTrigger": ""}}}, holds},
		"issuer_and_subject":       {`certificate.issuer.endsWith(".com") && certificate.subject.contains("/acme/")`, expr.Input{Certificate: github}, holds},
		"signed_with_a_key":        {hosted, expr.Input{}, refused("runnerEnvironment is not stated in certificate (has(…) asks for it)")},
		"predicate":                {`predicate.builder.id == "x"`, expr.Input{Predicate: json.RawMessage(`{"builder":{"id":"x"}}`)}, holds},
		"predicate_integer":        {`predicate.n == 9007199254740993`, expr.Input{Predicate: json.RawMessage(`{"n":9007199254740993}`)}, holds},
		"predicate_float":          {`predicate.n > 1`, expr.Input{Predicate: json.RawMessage(`{"n":1.5}`)}, holds},
		"predicate_bool":           {`predicate.ok`, expr.Input{Predicate: json.RawMessage(`{"ok":true}`)}, holds},
		"predicate_no_bool":        {`predicate.ok`, expr.Input{Predicate: json.RawMessage(`{"ok":"true"}`)}, expr.Decision{Undecided: true, Cause: fact.Internal, Why: "the result is of type string"}},
		"predicate_field_missing":  {`predicate.builder.id == "x"`, expr.Input{Predicate: json.RawMessage(`{}`)}, refused("no such key: builder")},
		"predicate_null":           {`predicate.builder.id == "x"`, expr.Input{Predicate: json.RawMessage(`null`)}, refused("no such key: builder")},
		"predicate_not_kept":       {`predicate.ok`, expr.Input{Certificate: github}, expr.Decision{Undecided: true, Why: "the predicate was not kept"}},
		"predicate_not_read":       {hosted, expr.Input{Certificate: github}, holds},
		"predicate_duplicate_key":  {`predicate.a == 1`, expr.Input{Predicate: json.RawMessage(`{"a":2,"a":1}`)}, refused(`the predicate cannot be read: read JSON: duplicate key "a"`)},
		"predicate_trailing":       {`predicate.a == 1`, expr.Input{Predicate: json.RawMessage(`{"a":1} {}`)}, refused(`the predicate cannot be read: read JSON: something follows the value`)},
		"predicate_cut_short":      {`predicate.a == 1`, expr.Input{Predicate: json.RawMessage(`{"a":1`)}, refused(`the predicate cannot be read: read JSON: EOF`)},
		"predicate_deep":           {`predicate.a == 1`, expr.Input{Predicate: json.RawMessage(strings.Repeat("[", 100))}, refused(`the predicate cannot be read: read JSON: nested deeper than 64`)},
		"outside_text_is_quoted":   {`predicate[predicate.k] == 1`, expr.Input{Predicate: json.RawMessage(`{"k":"\u001b[31m"}`)}, refused(`no such key: \x1b[31m`)},
		"list":                     {`predicate.deps.all(d, d.startsWith("git+https://github.com/acme/"))`, expr.Input{Predicate: json.RawMessage(`{"deps":["git+https://github.com/acme/api"]}`)}, holds},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w, err := expr.CompileAttestationWhere(tt.where)
			if err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(tt.want, w.Judge(tt.in)); d != "" {
				t.Errorf("Judge (-want +got):\n%s", d)
			}
		})
	}
}

func TestCompileWhere_refuses(t *testing.T) {
	t.Parallel()
	for where, want := range map[string]string{
		`certificate.runnerEnviroment == "x"`: "column 12: undefined field 'runnerEnviroment'",
		`predicate.a == 1`:                    "undeclared reference to 'predicate'",
		`certificate.issuer`:                  "it is of type string; expected true or false",
		``:                                    "it is empty",
		`config.user == ""`:                   "undeclared reference to 'config'",
	} {
		_, err := expr.CompileWhere(where)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("CompileWhere(%q) = %v, want an error with %q", where, err, want)
		}
	}
}

// Three nested loops over a list of a hostile length end at the limit.
func TestWhere_ends(t *testing.T) {
	t.Parallel()
	long := json.RawMessage("[" + strings.Repeat("1,", 1_000) + "1]")
	text, err := json.Marshal(strings.Repeat("a", 10_000_000))
	if err != nil {
		t.Fatal(err)
	}
	for where, predicate := range map[string]json.RawMessage{
		`predicate.all(a, predicate.all(b, predicate.all(c, a == b)))`:  long,
		`predicate.matches("(a*)*(a|b)*$") && predicate.matches("b")`:   text,
		`(predicate + predicate + predicate + predicate).contains("b")`: text,
	} {
		w, err := expr.CompileAttestationWhere(where)
		if err != nil {
			t.Fatal(err)
		}
		got := w.Judge(expr.Input{Predicate: predicate})
		if got.Holds || !got.Undecided || got.Cause != fact.Limit {
			t.Errorf("Judge(%s) = %+v, want undecided by the limit", where, got)
		}
	}
}

func FuzzWhere(f *testing.F) {
	f.Add(`predicate.a.b == 1`, []byte(`{"a":{"b":1}}`))
	f.Add(`predicate.all(x, x > 1)`, []byte(`[1,2,"x",null,1e999]`))
	f.Add(`predicate[0].matches(predicate[1])`, []byte(`["aaaa","(a*)*"]`))
	f.Add(`has(predicate.x) ? predicate.x : true`, []byte(`{"x":"y"}`))
	f.Add(`timestamp(predicate.t) < timestamp("2026-01-01T00:00:00Z")`, []byte(`{"t":"2025-13-01"}`))
	f.Add(`predicate.map(x, string(x)).exists(s, s == certificate.subject)`, []byte(`[{},[]]`))
	f.Fuzz(func(t *testing.T, where string, predicate []byte) {
		w, err := expr.CompileAttestationWhere(where)
		if err != nil {
			return
		}
		got := w.Judge(expr.Input{Certificate: github, Predicate: predicate})
		if !got.Holds && got.Why == "" {
			t.Errorf("Judge(%q, %q) refuses without a reason", where, predicate)
		}
		if got.Holds && got.Undecided {
			t.Errorf("Judge(%q, %q) holds and is undecided", where, predicate)
		}
		if again := w.Judge(expr.Input{Certificate: github, Predicate: predicate}); again.Holds != got.Holds {
			t.Errorf("Judge(%q, %q) is %v, then %v", where, predicate, got.Holds, again.Holds)
		}
	})
}

func BenchmarkCompileWhere(b *testing.B) {
	for b.Loop() {
		if _, err := expr.CompileWhere(`certificate.runnerEnvironment == "github-hosted"`); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkJudge(b *testing.B) {
	w, err := expr.CompileWhere(`certificate.runnerEnvironment == "github-hosted"`)
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		if !w.Judge(expr.Input{Certificate: github}).Holds {
			b.Fatal("refused")
		}
	}
}
