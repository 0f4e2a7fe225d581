package markdown_test

import (
	"errors"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode"

	"github.com/google/go-cmp/cmp"
	"github.com/intact-dev/intact/pkg/policy"
	"github.com/intact-dev/intact/pkg/report"
	"github.com/intact-dev/intact/pkg/report/markdown"
	"github.com/intact-dev/intact/pkg/report/reporttest"
)

var update = flag.Bool("update", false, "rewrite the golden files")

func written(t *testing.T, r *report.Report, limit int) string {
	t.Helper()
	var b strings.Builder
	if err := markdown.Write(&b, r, markdown.Options{Limit: limit, Titles: reporttest.Titles()}); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestGolden(t *testing.T) {
	t.Parallel()
	files := reporttest.Files()
	files.Baseline = &report.Since{Known: 12, New: 1, Fixed: 3, Unseen: 2}
	for name, r := range map[string]*report.Report{
		"rich.md": reporttest.Rich(), "files.md": files, "empty.md": {Verdict: policy.Allow, Policy: report.Policy{Name: "baseline@1"}},
	} {
		got := written(t, r, 0)
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
		if d := cmp.Diff(string(want), got); d != "" {
			t.Errorf("%s (-update rewrites it): %s", file, d)
		}
	}
}

// outside returns line without its code spans, by the rule of CommonMark: a span
// begins with a run of backticks and ends with the next run of that length.
func outside(line string) string {
	var out strings.Builder
	for line != "" {
		if line[0] != '`' {
			out.WriteByte(line[0])
			line = line[1:]
			continue
		}
		fence := line[:len(line)-len(strings.TrimLeft(line, "`"))]
		rest := line[len(fence):]
		end := -1
		for i := 0; i < len(rest); {
			if rest[i] != '`' {
				i++
				continue
			}
			n := len(rest[i:]) - len(strings.TrimLeft(rest[i:], "`"))
			if n == len(fence) {
				end = i + n
				break
			}
			i += n
		}
		if end < 0 {
			out.WriteString(line)
			break
		}
		line = rest[end:]
	}
	return out.String()
}

const hostile = "``` <img src=x> [a](https://evil.example) www.evil.example @team #1 | `x` **b** evil"

func TestNothingFromOutsideIsMarkup(t *testing.T) {
	t.Parallel()
	for _, r := range []*report.Report{reporttest.Rich(), reporttest.Files()} {
		reporttest.Poison(r, "Kind", "Level")
		for i := range r.Targets {
			r.Targets[i].Ref = "`" + hostile + r.Targets[i].Ref
			reporttest.EditOrigins(&r.Targets[i].Origins, func(o *report.Origin) { o.Where += hostile + "``" })
			for n := range r.Targets[i].Results {
				res := r.Targets[i].Results[n]
				res.Check, res.Why = res.Check+hostile, hostile
				for m := range res.Findings {
					res.Findings[m].Message, res.Findings[m].Fix = hostile+"`", "\n# evil"
				}
			}
		}
		r.Policy.Name, r.Notices = hostile, append(r.Notices, hostile)
		text := written(t, r, 0)
		for _, line := range strings.Split(text, "\n") {
			for _, c := range line {
				if unicode.IsControl(c) || unicode.In(c, unicode.Cf, unicode.Zl, unicode.Zp) {
					t.Fatalf("%U in %q", c, line)
				}
			}
			if o := outside(line); strings.ContainsAny(o, "<@[]`|") || strings.Contains(o, "evil") || strings.Contains(o, "://") || strings.Contains(o, "www") {
				t.Errorf("outside of code: %q in %q", o, line)
			}
		}
	}
}

func TestWhatDoesNotFitIsCounted(t *testing.T) {
	t.Parallel()
	whole := written(t, reporttest.Files(), 0)
	short := written(t, reporttest.Files(), 1500)
	if len(short) > 1500 || len(short) >= len(whole) {
		t.Fatalf("%d bytes of %d", len(short), len(whole))
	}
	if !strings.Contains(short, "of 13 entries do not fit in here**, the first of them under \"Not examined\"") {
		t.Errorf("what is left out is not told:\n%s", short)
	}
	if fits := written(t, reporttest.Files(), len(whole)+1000); fits != whole {
		t.Error("what fits was cut")
	}
}

func TestCode(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"":       "` `",
		"a":      "`a`",
		"a`b":    "``a`b``",
		"``a":    "``` ``a ```",
		"a\nb":   "`a\\nb`",
		" a ":    "`  a  `",
		"a``b`c": "```a``b`c```",
	} {
		if got := markdown.Code(in); got != want {
			t.Errorf("Code(%q) = %s, want %s", in, got, want)
		}
	}
}

func FuzzCode(f *testing.F) {
	f.Add("``` `a`")
	f.Add(reporttest.Evil)
	f.Fuzz(func(t *testing.T, s string) {
		got := markdown.Code(s)
		if o := outside("a " + got + " b"); o != "a  b" {
			t.Errorf("Code(%q) = %q leaves %q", s, got, o)
		}
	})
}

type full struct{}

var errFull = errors.New("disk full")

func (full) Write([]byte) (int, error) { return 0, errFull }

func TestWriteErrors(t *testing.T) {
	t.Parallel()
	if err := markdown.Write(full{}, reporttest.Rich(), markdown.Options{}); !errors.Is(err, errFull) {
		t.Error(err)
	}
}
