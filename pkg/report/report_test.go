package report_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"github.com/intact-dev/intact/pkg/check"
	"github.com/intact-dev/intact/pkg/fact"
	"github.com/intact-dev/intact/pkg/policy"
	"github.com/intact-dev/intact/pkg/report"
	"github.com/intact-dev/intact/pkg/report/reporttest"
)

var update = flag.Bool("update", false, "rewrite the golden files")

func golden(t *testing.T, name, got string) {
	t.Helper()
	file := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s (-update rewrites it): %s", file, diff)
	}
}

func text(t *testing.T, o report.Text, r *report.Report) string {
	t.Helper()
	o.Titles = reporttest.Titles()
	var b strings.Builder
	if err := o.Write(&b, r); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

var ansi = regexp.MustCompile("\x1b\\[[0-9;]*m")

func TestText(t *testing.T) {
	t.Parallel()
	short := text(t, report.Text{}, reporttest.Rich())
	golden(t, "short.txt", short)
	golden(t, "verbose.txt", text(t, report.Text{Verbose: true}, reporttest.Rich()))
	colored := text(t, report.Text{Color: true}, reporttest.Rich())
	golden(t, "color.txt", strings.ReplaceAll(colored, "\x1b", "ESC"))
	if plain := ansi.ReplaceAllString(colored, ""); plain != short {
		t.Errorf("colour changes more than colour: %s", cmp.Diff(short, plain))
	}
	empty := &report.Report{Verdict: policy.Allow, Policy: report.Policy{Name: "baseline@1"}}
	golden(t, "empty.txt", text(t, report.Text{}, empty))
}

// A line is longer than the terminal only if it is one word that cannot be
// broken: a digest, a path.
func TestTextFits(t *testing.T) {
	t.Parallel()
	for _, o := range []report.Text{{}, {Verbose: true}, {Color: true}} {
		for i, line := range strings.Split(text(t, o, reporttest.Rich()), "\n") {
			line = ansi.ReplaceAllString(line, "")
			if utf8.RuneCountInString(line) > 80 && len(strings.Fields(line)) > 1 {
				t.Errorf("line %d has %d columns: %s", i+1, utf8.RuneCountInString(line), line)
			}
			if strings.TrimRight(line, " ") != line {
				t.Errorf("line %d ends in spaces: %q", i+1, line)
			}
		}
	}
}

// Everything that is undecided says why, whatever else the result holds.
func TestTextNamesEveryCause(t *testing.T) {
	t.Parallel()
	for _, o := range []report.Text{{}, {Verbose: true}} {
		got := strings.Join(strings.Fields(text(t, o, reporttest.Rich())), " ")
		for _, want := range []string{
			"UNDECIDED network", "UNDECIDED deadline layer 9: deadline exceeded not decided: DIG007", "UNDECIDED (accepted) limit",
			"the policy asks for it and it was left out: it was switched off", "UNDECIDED rate-limited", "UNDECIDED not gathered",
			"excepted LAY003 1 of 1 findings", "note DIG005",
		} {
			if !strings.Contains(got, want) {
				t.Errorf("verbose %v: %q is missing", o.Verbose, want)
			}
		}
	}
}

func TestJSON(t *testing.T) {
	t.Parallel()
	var b bytes.Buffer
	if err := report.WriteJSON(&b, reporttest.Rich()); err != nil {
		t.Fatal(err)
	}
	golden(t, "rich.json", b.String())
	want := reporttest.Rich()
	want.Elapsed = 0 // for people only
	var tree any
	if err := json.Unmarshal(b.Bytes(), &tree); err != nil {
		t.Fatal(err)
	}
	// A policy's level is written and never read.
	forgetLevels(tree)
	rest, err := json.Marshal(tree)
	if err != nil {
		t.Fatal(err)
	}
	for i := range want.Images {
		for j := range want.Images[i].Results {
			want.Images[i].Results[j].Level = 0
		}
	}
	for i := range want.Targets {
		for j := range want.Targets[i].Results {
			want.Targets[i].Results[j].Level = 0
		}
	}
	var again report.Report
	d := json.NewDecoder(bytes.NewReader(rest))
	d.DisallowUnknownFields()
	if err := d.Decode(&again); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, &again); diff != "" {
		t.Errorf("the report does not come back as it was written: %s", diff)
	}
}

func forgetLevels(v any) {
	switch v := v.(type) {
	case map[string]any:
		delete(v, "level")
		for _, e := range v {
			forgetLevels(e)
		}
	case []any:
		for _, e := range v {
			forgetLevels(e)
		}
	}
}

type full struct{}

var errFull = errors.New("disk full")

func (full) Write([]byte) (int, error) { return 0, errFull }

func TestWriteErrors(t *testing.T) {
	t.Parallel()
	if err := report.WriteJSON(full{}, reporttest.Rich()); !errors.Is(err, errFull) {
		t.Errorf("json: %v", err)
	}
	if err := (report.Text{}).Write(full{}, reporttest.Rich()); !errors.Is(err, errFull) {
		t.Errorf("text: %v", err)
	}
}

func TestTextEscapesEveryString(t *testing.T) {
	t.Parallel()
	r := reporttest.Rich()
	reporttest.Poison(r)
	lines := map[bool]int{}
	for _, verbose := range []bool{false, true} {
		o := report.Text{Verbose: verbose, Titles: map[string]string{}}
		for id, title := range reporttest.Titles() {
			o.Titles[id+reporttest.Evil] = title + reporttest.Evil
		}
		var b strings.Builder
		if err := o.Write(&b, r); err != nil {
			t.Fatal(err)
		}
		if !utf8.ValidString(b.String()) {
			t.Error("the text is not UTF-8")
		}
		for i, line := range strings.Split(b.String(), "\n") {
			lines[verbose]++
			if strings.HasPrefix(line, "ALLOWED") {
				t.Errorf("line %d was broken by what it prints: %q", i+1, line)
			}
			for _, c := range line {
				if unicode.IsControl(c) || unicode.In(c, unicode.Cf, unicode.Zl, unicode.Zp, unicode.Other_Default_Ignorable_Code_Point, unicode.Variation_Selector) {
					t.Errorf("line %d has %U: %q", i+1, c, line)
					break
				}
			}
		}
	}
	if lines[false] < 60 || lines[true] <= lines[false] {
		t.Errorf("%v lines: not everything was printed", lines)
	}
}

func TestEscape(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"":              "",
		"plain ünïcödé": "plain ünïcödé",
		"日本":            "日本",
		"a\nb":          `a\nb`,
		"\x1b[31m":      `\x1b[31m`,
		"\u202egpj.exe": `\u202egpj.exe`,
		"a\u200bb":      `a\u200bb`,
		"a\u3164b":      `a\u3164b`,
		"a\ufe0fb":      `a\ufe0fb`,
		"\xff":          `\xff`,
		"\u009b":        `\u009b`,
		"\ufffd":        "\ufffd",
	} {
		if got := report.Escape(in); got != want {
			t.Errorf("Escape(%q) = %s, want %s", in, got, want)
		}
	}
}

func FuzzEscape(f *testing.F) {
	f.Add(reporttest.Evil)
	f.Add("plain")
	f.Fuzz(func(t *testing.T, s string) {
		got := report.Escape(s)
		if !utf8.ValidString(got) {
			t.Errorf("Escape(%q) is not UTF-8", s)
		}
		for _, c := range got {
			if unicode.IsControl(c) || unicode.In(c, unicode.Cf) {
				t.Errorf("Escape(%q) has %U", s, c)
			}
		}
		if again := report.Escape(got); again != got {
			t.Errorf("Escape(Escape(%q)) is another: %q", s, again)
		}
	})
}

func TestOpen(t *testing.T) {
	t.Parallel()
	finding := check.Finding{Message: "x"}
	for name, tt := range map[string]struct {
		r    report.Result
		want bool
	}{
		"zero":                     {report.Result{}, true},
		"pass":                     {*reporttest.Result("A", check.Pass, policy.LevelDeny, policy.Allow, nil), false},
		"undecided":                {*reporttest.Result("A", check.Undecided, policy.LevelWarn, policy.Warn, reporttest.Because(fact.Network, "x")), true},
		"undecided_off":            {*reporttest.Result("A", check.Undecided, policy.LevelOff, policy.Allow, nil), false},
		"fail":                     {*reporttest.Result("A", check.Fail, policy.LevelDeny, policy.Deny, reporttest.Findings(finding)), false},
		"fail_excepted":            {*reporttest.Result("A", check.Fail, policy.LevelDeny, policy.Allow, func(r *report.Result) { r.Excepted, r.Findings = 1, []check.Finding{finding} }), false},
		"fail_excepted_not_whole":  {*reporttest.Result("A", check.Fail, policy.LevelDeny, policy.Undecided, func(r *report.Result) { r.Excepted, r.Findings = 1, []check.Finding{finding} }), true},
		"the_same_where_it_warns":  {*reporttest.Result("A", check.Fail, policy.LevelDeny, policy.Warn, func(r *report.Result) { r.Excepted, r.Findings = 1, []check.Finding{finding} }), true},
		"warn_some_excepted":       {*reporttest.Result("A", check.Fail, policy.LevelWarn, policy.Warn, func(r *report.Result) { r.Excepted, r.Findings = 1, []check.Finding{finding, finding} }), false},
		"not_asked_and_taken_away": {*reporttest.Result("A", check.NotAsked, policy.LevelDeny, policy.Undecided, nil), true},
	} {
		if got := tt.r.Open(); got != tt.want {
			t.Errorf("%s: open %v, want %v", name, got, tt.want)
		}
	}
}
