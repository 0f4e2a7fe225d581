package gotemplate_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"text/template"

	"github.com/google/go-cmp/cmp"

	"github.com/intact-dev/intact/pkg/extract"
	"github.com/intact-dev/intact/pkg/extract/internal/gotemplate"
	"github.com/intact-dev/intact/pkg/internal/limits"
)

// run executes a template with the budget's functions, as it is or written anew.
func run(text string, anew bool) (string, error) {
	b := gotemplate.NewBudget()
	if anew {
		s, err := gotemplate.Rewrite("t", text, gotemplate.Options{})
		if err != nil {
			return "", err
		}
		text = s.Text
	}
	t := template.New("t").Funcs(b.Funcs())
	t.Funcs(template.FuncMap{"tpl": func(text string, data any) (string, error) {
		inner, err := t.Clone()
		if err != nil {
			return "", err
		}
		if inner, err = inner.New("tpl").Parse(text); err != nil {
			return "", err
		}
		var out strings.Builder
		err = inner.Execute(&out, data)
		return out.String(), err
	}})
	if _, err := t.Parse(text); err != nil {
		return "", err
	}
	var out strings.Builder
	err := t.Execute(&out, map[string]any{"a": "x", "n": 3, "list": []any{"p", "q"}, "map": map[string]any{"k": map[string]any{"l": "deep"}}, "text": "{{ .a }}-{{ range .list }}{{ . }}{{ end }}"})
	return out.String(), err
}

var templates = []string{
	"plain", "", " \n", "{{ define \"w\" }} \n{{ end }}<{{ template \"w\" }}>", "{{ .a }}", "  {{- .a -}}  \n x", "{ {{- .a }}", "{ {{- /* c */ -}} {", "}}{{ .a }}", "a{{/* c */}}b", "{{ \"{{\" }}", "{{ `a\n\"b` }}",
	"{{ if .a }}1{{ else }}2{{ end }}", "{{ if .none }}1{{ else if .n }}2{{ else }}3{{ end }}", "{{ if .none }}1{{ else with .n }}2{{ . }}{{ end }}",
	"{{ with .map.k }}{{ .l }}{{ else }}no{{ end }}", "{{ with $x := .n }}{{ $x }}{{ end }}", "{{ .none }}", "{{ .map.none }}", "{{ .map }}", "{{ .list }}", "{{ true }}{{ 1 }}{{ 1.50 }}{{ 'a' }}",
	"{{ range .list }}[{{ . }}]{{ else }}none{{ end }}", "{{ range $i, $x := .list }}{{ $i }}{{ $x }}{{ end }}", "{{ range .none }}{{ else }}none{{ end }}",
	"{{ range 4 }}{{ if eq . 1 }}{{ continue }}{{ end }}{{ if eq . 3 }}{{ break }}{{ end }}{{ . }}{{ end }}", "{{ range $k, $v := .map }}{{ $k }}{{ $v.l }}{{ end }}",
	"{{ $x := 1 }}{{ range .list }}{{ $x = add $x 1 }}{{ end }}{{ $x }}", "{{ $x := .a | upper }}{{ $x }}",
	"{{ define \"x\" }}<{{ . }}>{{ end }}{{ template \"x\" .a }}{{ template \"x\" }}", "{{ define \"e\" }}{{ end }}{{ template \"e\" . }}", "{{ block \"b\" .n }}({{ . }}){{ end }}",
	"{{ define \"r\" }}{{ if gt . 0 }}{{ . }}{{ template \"r\" (sub . 1) }}{{ end }}{{ end }}{{ template \"r\" .n }}",
	"{{ (index .list 1) | quote }}", "{{ (.map).k.l }}", "{{ (dict \"a\" (dict \"b\" 1)).a.b }}", "{{ printf \"%s-%d\" .a .n }}", "{{ .list | join \",\" | upper | quote }}",
	"{{ tpl .text . }}", "{{ tpl (printf \"%s!\" .text) . | upper }}", "{{ . | tpl \"{{ .n }}\" }}", "{{ tpl \"{{ tpl .text . }}\" . }}", "{{ and .a .n }}{{ or .none .a }}{{ not .a }}",
	"{{ default \"d\" .none }}{{ ternary 1 2 true }}{{ coalesce .none .a }}{{ len .list }}{{ until 3 }}{{ seq 1 2 7 }}{{ repeat 2 .a }}{{ .a | nindent 2 }}",
	"{{ $d := dict }}{{ $_ := set $d \"k\" 1 }}{{ $d.k }}{{ merge (dict \"a\" 1) (dict \"b\" 2) }}", "{{ list 1 nil \"a\" }}", "{{ eq .none nil }}", "{{ 1 | add 2 | mul 3 }}", "{{ print nil }}{{ print .none 1 }}",
	"{{ regexReplaceAll \"a(b)\" \"xab\" \"${1}$1\" }}{{ splitList \",\" \"a,b\" }}{{ (split \",\" \"a,b\")._1 }}", "{{ trunc 1 .a }}{{ int \"3\" }}{{ kindOf .none }}{{ typeOf .n }}",
	"{{ .n.x }}", "{{ index .list 7 }}", "{{ fail }}", "{{ template \"none\" }}", "{{ div 1 0 }}", "{{ if }}", "{{", "{{ end }}", "{{ .a | what }}", "{{ range }}{{ end }}", "{{ define \"x\" }}1{{ end }}{{ define \"x\" }}2{{ end }}", "{{ \"a }}",
}

func TestATemplateWrittenAnewDoesTheSame(t *testing.T) {
	t.Parallel()
	for _, text := range templates {
		want, wantErr := run(text, false)
		got, err := run(text, true)
		if (err == nil) != (wantErr == nil) || err == nil && got != want {
			t.Errorf("%q: %q (%v), want %q (%v)", text, got, err, want, wantErr)
		}
	}
}

func FuzzRewrite(f *testing.F) {
	for _, text := range templates {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		s, err := gotemplate.Rewrite("t", text, gotemplate.Options{After: func(int) string { return "" }})
		if err != nil {
			if p := (*extract.PositionError)(nil); !errors.As(err, &p) || p.Line < 1 {
				t.Fatal(err)
			}
			return
		}
		if _, err := gotemplate.Rewrite("t", s.Text, gotemplate.Options{}); err != nil {
			t.Fatalf("%q became %q: %v", text, s.Text, err)
		}
		if strings.Contains(text, "rand") || strings.Contains(text, "shuffle") || strings.Contains(text, "ago") || strings.Contains(text, "keys") ||
			strings.Contains(text, "values") || strings.Contains(text, "date") || strings.Contains(text, "tpl") {
			return // not the same twice, or endless by itself
		}
		if strings.Count(text, "range")+strings.Count(text, "template")+strings.Count(text, "block") > 1 {
			return
		}
		want, wantErr := run(text, false)
		got, err := run(text, true)
		if limit := (*limits.ExceededError)(nil); errors.As(err, &limit) {
			return
		}
		if (err == nil) != (wantErr == nil) || err == nil && got != want {
			t.Fatalf("%q: %q (%v), want %q (%v)", text, got, err, want, wantErr)
		}
	})
}

// Charts put their values into others all the time.
func TestLargeValuesThatChange(t *testing.T) {
	t.Parallel()
	if _, err := run(`{{ $d := dict }}{{ range $i := until 300 }}{{ $_ := set $d (toString $i) (dict "a" $i "b" (list 1 2)) }}{{ end }}{{ range until 100 }}{{ $_ := set $d "x" (dict "context" $d.a) }}{{ end }}{{ len $d }}`, true); err != nil {
		t.Error(err)
	}
}

func TestErrorsAreWhereTheyWere(t *testing.T) {
	t.Parallel()
	text := "a\n  {{- /* two\nlines */}}\n{{ define \"x\" }}\n\n  {{ .n.x }}\n{{ end }}\n{{ if\n  .a }}\n    {{ template \"x\" . }}{{ .n.x }}{{ end }}"
	s, err := gotemplate.Rewrite("t", text, gotemplate.Options{})
	if err != nil {
		t.Fatal(err)
	}
	at := map[string]string{}
	for i, line := range strings.Split(s.Text, "\n") {
		for _, what := range []string{"{{.n.x", `{{template "x"`, "{{if .a"} {
			if column := strings.Index(line, what); column >= 0 {
				l, c := s.Was(i+1, column+3)
				at[what] += fmt.Sprintf("%d:%d ", l, c)
			}
		}
	}
	if diff := cmp.Diff(map[string]string{"{{.n.x": "10:28 6:6 ", `{{template "x"`: "10:17 ", "{{if .a": "9:3 "}, at); diff != "" {
		t.Errorf("(-want +got):\n%s%s", diff, s.Text)
	}
	p := (*extract.PositionError)(nil)
	if _, err := gotemplate.Rewrite("t", "a\n\n{{ if }}", gotemplate.Options{}); !errors.As(err, &p) || p.Line != 3 || err.Error() != "no template: missing value for if" {
		t.Errorf("%+v", err)
	}
}
