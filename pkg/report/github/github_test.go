package github_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"unicode"

	"github.com/google/go-cmp/cmp"
	"github.com/intact-dev/intact/pkg/report"
	"github.com/intact-dev/intact/pkg/report/github"
	"github.com/intact-dev/intact/pkg/report/reporttest"
)

// A command is what the runner makes of a line: it drops blanks in front, wants
// "::", and takes everything up to the next "::" for the name and properties.
type command struct {
	name  string
	props map[string]string
	data  string
}

func parse(line string) (command, bool) {
	line = strings.TrimLeftFunc(line, unicode.IsSpace)
	rest, ok := strings.CutPrefix(line, "::")
	if !ok {
		return command{}, false
	}
	head, data, ok := strings.Cut(rest, "::")
	if !ok {
		return command{}, false
	}
	name, list, _ := strings.Cut(head, " ")
	c := command{name: name, props: map[string]string{}, data: strings.NewReplacer("%0D", "\r", "%0A", "\n", "%25", "%").Replace(data)}
	for _, p := range strings.Split(list, ",") {
		key, v, _ := strings.Cut(p, "=")
		c.props[key] = strings.NewReplacer("%0D", "\r", "%0A", "\n", "%3A", ":", "%2C", ",", "%25", "%").Replace(v)
	}
	return c, true
}

func written(t *testing.T, r *report.Report, rest string) (commands []command, log []string) {
	t.Helper()
	var b strings.Builder
	if err := github.Write(&b, r, reporttest.Titles(), rest); err != nil {
		t.Fatal(err)
	}
	for _, line := range strings.Split(strings.TrimSuffix(b.String(), "\n"), "\n") {
		if c, ok := parse(line); ok {
			commands = append(commands, c)
			continue
		}
		if strings.Contains(line, "##[") {
			t.Errorf("the runner takes %q for a command of the old form", line)
		}
		log = append(log, line)
	}
	return commands, log
}

func TestAnnotations(t *testing.T) {
	t.Parallel()
	commands, log := written(t, reporttest.Files(), "the job summary")
	var got []string
	for _, c := range commands {
		got = append(got, fmt.Sprintf("%s %s:%s:%s %s: %s", c.name, c.props["file"], c.props["line"], c.props["col"], c.props["title"], strings.SplitN(c.data, "\n", 2)[0]))
	}
	want := []string{
		"error deploy/dev/api.yaml:17:16 LAY002 code the image's user can change: /app/run, layer 2: COPY . /app",
		"error deploy/dev/api.yaml:17:16 LAY002 code the image's user can change: /srv/run, layer 3: COPY . /srv",
		`error deploy/prod/api.yaml:21:16 REF001 no digest: "ghcr.io/acme/api:1.4.2" has no digest`,
		"error deploy/none.yaml:1:8 undecided: not examined (not gathered): nothing was examined",
		"error deploy/broken.yaml:4: undecided: not examined (unsupported): did not find expected node content",
		"error deploy/dev/api.yaml:17:16 undecided: not examined (network): list signatures: connection refused",
		`error deploy/task.yaml:5:14 undecided: not examined (unsupported): "$(params.image)" is not resolved: a parameter`,
		`warning deploy/task.yaml:5:14 undecided: not examined (unsupported): "$(params.image)" is not resolved: a parameter`,
		"warning :: undecided: not examined (forbidden): 403 Forbidden",
		`warning deploy/dev/api.yaml:17:16 REF001 no digest: "ghcr.io/acme/api:1.4.2" has no digest`,
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
	if d := cmp.Diff([]string{
		"intact: 3 more: see the job summary",
		"intact: denied: 1 deny, 4 warn, 7 undecided, 2 pass, 0 not asked, 1 excepted",
	}, log); d != "" {
		t.Error(d)
	}
	// Without a summary the log tells the rest.
	if _, log = written(t, reporttest.Files(), ""); len(log) != 4 || !strings.HasPrefix(log[0], "intact: warning: deploy/dev/job.yaml:9: REF001 no digest: ") {
		t.Errorf("the log: %q", log)
	}
}

func TestTextFromOutsideIsNoCommand(t *testing.T) {
	t.Parallel()
	const evil = "::add-mask::x%0A::set-env name=A::b\r\n::error::c, file=d,line=1 ##[add-path]e"
	for _, r := range []*report.Report{reporttest.Rich(), reporttest.Files()} {
		reporttest.Poison(r, "Kind", "Level")
		for i := range r.Targets {
			target := &r.Targets[i]
			target.Ref = evil + target.Ref
			reporttest.EditOrigins(&target.Origins, func(o *report.Origin) { o.Where = evil + fmt.Sprint(i) })
			for n := range target.Results {
				res := target.Results[n]
				res.Check, res.Why = evil+res.Check, evil
				for m := range res.Findings {
					res.Findings[m].Message, res.Findings[m].Lines = fmt.Sprint(evil, i, n, m), []string{evil}
				}
			}
		}
		for _, rest := range []string{"", "the job summary"} {
			commands, log := written(t, r, rest)
			if len(commands) == 0 || len(commands) > github.Annotations {
				t.Errorf("%d commands", len(commands))
			}
			for _, c := range commands {
				if c.name != "error" && c.name != "warning" && c.name != "notice" {
					t.Errorf("a command %q: %v", c.name, c)
				}
				for key := range c.props {
					if key != "file" && key != "line" && key != "col" && key != "title" {
						t.Errorf("a property %q: %v", key, c.props)
					}
				}
				if strings.ContainsAny(c.props["file"]+c.props["title"], "\r\n") || strings.Contains(c.data, "\r") {
					t.Errorf("lines were broken: %v", c)
				}
			}
			for _, l := range log {
				if !strings.HasPrefix(l, "intact: ") {
					t.Errorf("a line of its own: %q", l)
				}
			}
		}
	}
}

func TestBaselineCounts(t *testing.T) {
	t.Parallel()
	r := reporttest.Files()
	r.Baseline = &report.Since{Known: 3, New: 1, Fixed: 2}
	if _, log := written(t, r, "x"); !strings.HasSuffix(log[len(log)-1], "; since the baseline: 3 known, 1 new, 2 fixed, 0 not seen again") {
		t.Errorf("%q", log)
	}
}

type full struct{}

var errFull = errors.New("disk full")

func (full) Write([]byte) (int, error) { return 0, errFull }

func TestWriteErrors(t *testing.T) {
	t.Parallel()
	if err := github.Write(full{}, reporttest.Rich(), nil, ""); !errors.Is(err, errFull) {
		t.Error(err)
	}
}
