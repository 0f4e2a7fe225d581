package report_test

import (
	"bytes"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/intact-dev/intact/pkg/check"
	"github.com/intact-dev/intact/pkg/fact"
	"github.com/intact-dev/intact/pkg/policy"
	"github.com/intact-dev/intact/pkg/report"
	"github.com/intact-dev/intact/pkg/report/reporttest"
)

func asJSON(t testing.TB, r *report.Report) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := report.WriteJSON(&b, r); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func baseline(t testing.TB, r *report.Report) *report.Baseline {
	t.Helper()
	b, err := report.ReadBaseline(bytes.NewReader(asJSON(t, r)))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestTheSameReportIsKnownWhole(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		r     *report.Report
		known int
	}{"rich": {reporttest.Rich(), 14}, "files": {reporttest.Files(), 7}} {
		b := baseline(t, tt.r)
		for _, target := range tt.r.Targets {
			for _, res := range target.Results {
				for _, f := range res.Findings {
					if !b.Known(report.Key(target), res.Check, f) {
						t.Errorf("%s: %s %q is not known", name, res.Check, f.Message)
					}
				}
			}
		}
		if got := b.Compare(tt.r); got.New != 0 || got.Fixed != 0 || got.Unseen != 0 || got.Known != tt.known {
			t.Errorf("%s: %s", name, got)
		}
	}
}

// A change of the report, and what it makes of the findings.
func TestCompare(t *testing.T) {
	t.Parallel()
	lay := func(r *report.Report) *report.Result { return r.Images[0].Results[1] }
	for name, tt := range map[string]struct {
		change func(r *report.Report)
		want   report.Since
	}{
		"rebuilt": {func(r *report.Report) {
			for i := range r.Targets {
				if r.Targets[i].Image != "" {
					r.Targets[i].Image, r.Targets[i].ImageName = reporttest.IDB, "ghcr.io/acme/api@"+string(reporttest.IDB)
				}
			}
			r.Images[0].ID, r.Images[0].Image = reporttest.IDB, "ghcr.io/acme/api@"+string(reporttest.IDB)
		}, report.Since{Known: 7}},
		"moved_in_its_file": {func(r *report.Report) {
			r.Targets[3].Origins = report.OriginsOf(reporttest.At("deploy/dev/api.yaml", 99, 16), reporttest.At("deploy/dev/job.yaml", 9, 12))
		}, report.Since{Known: 7}},
		"pinned": {func(r *report.Report) {
			for i := 3; i < 5; i++ {
				r.Targets[i].Ref += "@" + string(reporttest.IDA)
				r.Targets[i].Results[0] = reporttest.Result("REF001", check.Pass, policy.LevelWarn, policy.Allow, nil)
			}
		}, report.Since{Known: 5, Fixed: 2}},
		"one_more_path": {func(r *report.Report) {
			lay(r).Findings = append(lay(r).Findings, check.Finding{Message: "/x", Paths: []fact.Bytes{"/x"}})
		}, report.Since{Known: 7, New: 1}},
		"one_path_joins_a_known_one": {func(r *report.Report) {
			lay(r).Findings[0].Paths = append(lay(r).Findings[0].Paths, "/x")
		}, report.Since{Known: 6, New: 1}},
		"a_path_is_fixed": {func(r *report.Report) { lay(r).Findings = lay(r).Findings[1:] }, report.Since{Known: 6, Fixed: 1}},
		"the_layers_were_not_read": {func(r *report.Report) {
			*lay(r) = *reporttest.Result("LAY002", check.Undecided, policy.LevelWarn, policy.Warn, reporttest.On("linux/amd64", reporttest.Because(fact.Network, "reset")))
		}, report.Since{Known: 5, Unseen: 2}},
		"not_all_was_seen": {func(r *report.Report) {
			lay(r).Findings, lay(r).Cause = lay(r).Findings[1:], fact.Network
		}, report.Since{Known: 6, Unseen: 1}},
		"the_reference_is_gone": {func(r *report.Report) { r.Targets = append(r.Targets[:4], r.Targets[5:]...) }, report.Since{Known: 6, Unseen: 1}},
		"in_one_more_file": {func(r *report.Report) {
			r.Targets[3].Origins = report.OriginsOf(append(slices.Collect(r.Targets[3].Origins.All()), reporttest.At("deploy/new.yaml", 1, 1))...)
			// Its findings stand in a place where nobody knew them: the reference's and the image's.
		}, report.Since{Known: 3, New: 4}},
		"in_one_file_less": {func(r *report.Report) {
			r.Targets[3].Origins = report.OriginsOf(reporttest.At("deploy/dev/api.yaml", 17, 16))
		}, report.Since{Known: 7}},
		"other_words":  {func(r *report.Report) { r.Targets[6].Results[0].Findings[0].Message = "the tag now means another" }, report.Since{Known: 6, New: 1, Fixed: 1}},
		"switched_off": {func(r *report.Report) { lay(r).Level = policy.LevelOff }, report.Since{Known: 5}},
		"accepted": {func(r *report.Report) {
			lay(r).Findings[0].Paths = []fact.Bytes{"/y"}
			lay(r).Accepted, lay(r).Excepted = []report.Accepted{{Finding: 0, By: "an exception"}}, 1
		}, report.Since{Known: 6, Fixed: 1}},
	} {
		r := reporttest.Files()
		tt.change(r)
		if d := cmp.Diff(tt.want, baseline(t, reporttest.Files()).Compare(r)); d != "" {
			t.Errorf("%s: %s", name, d)
		}
	}
}

func TestTextSaysWhatIsNew(t *testing.T) {
	t.Parallel()
	r := reporttest.Files()
	r.Baseline = &report.Since{Known: 12, New: 1, Fixed: 3, Unseen: 2}
	got := text(t, report.Text{}, r)
	if !strings.Contains(got, "\n\nsince the baseline: 12 known, 1 new, 3 fixed, 2 not seen again\n\ndenied: ") {
		t.Errorf("the end of the text:\n%s", got)
	}
	if d := cmp.Diff(strings.Replace(got, "since the baseline: 12 known, 1 new, 3 fixed, 2 not seen again\n\n", "", 1), text(t, report.Text{}, reporttest.Files())); d != "" {
		t.Errorf("more than that changed: %s", d)
	}
}

// Of a folder of which not every path is listed, more paths are a new finding.
func TestMorePathsThanBefore(t *testing.T) {
	t.Parallel()
	r := reporttest.Rich()
	b, key := baseline(t, r), report.Key(r.Targets[0])
	f := r.Images[0].Results[9].Findings[0]
	for count, want := range map[int]bool{12: true, 11: true, 13: false} {
		f.Count = count
		if b.Known(key, "LAY002", f) != want {
			t.Errorf("%d paths: known is not %v", count, want)
		}
	}
	if f.Dir = "/elsewhere"; b.Known(key, "LAY002", f) {
		t.Error("another folder is known")
	}
}

// Who accepted one thing about a path did not accept another one.
func TestAnotherThingAboutAKnownPathIsNew(t *testing.T) {
	t.Parallel()
	one, two := []string{string(reporttest.IDA), ""}, []string{string(reporttest.IDB), ""}
	finding := check.Finding{
		Message: "given", Paths: []fact.Bytes{"/usr/bin/tool", "/usr/bin/other"}, Dir: "/usr/bin", Count: 2, Detail: "setgid", States: one,
	}
	for name, tt := range map[string]struct {
		change func(f *check.Finding)
		known  bool
	}{
		"the same":                {func(*check.Finding) {}, true},
		"other words":             {func(f *check.Finding) { f.Message, f.Fix, f.Layer = "else", "so", 9 }, true},
		"one path less":           {func(f *check.Finding) { f.Paths, f.States, f.Count = f.Paths[:1], f.States[:1], 1 }, true},
		"setuid":                  {func(f *check.Finding) { f.Detail = "setuid" }, false},
		"other content":           {func(f *check.Finding) { f.States = two }, false},
		"content that is unknown": {func(f *check.Finding) { f.States = nil }, false},
		"a folder":                {func(f *check.Finding) { f.Count = 3 }, false},
	} {
		r := reporttest.Files()
		res := r.Images[0].Results[1]
		res.Findings = []check.Finding{finding}
		b := baseline(t, r)
		f := finding
		tt.change(&f)
		if got := b.Known(report.Key(r.Targets[3]), res.Check, f); got != tt.known {
			t.Errorf("%s: known is %v", name, got)
		}
	}
	r := reporttest.Files()
	folder := finding
	folder.Count, folder.AllStates = 70, reporttest.IDA
	r.Images[0].Results[1].Findings = []check.Finding{folder}
	b, key := baseline(t, r), report.Key(r.Targets[3])
	if !b.Known(key, "LAY002", folder) {
		t.Error("the same folder is not known")
	}
	if folder.AllStates = reporttest.IDB; b.Known(key, "LAY002", folder) {
		t.Error("a folder with other content is known")
	}
}

func TestNothingIsKnownOfAnotherTargetOrCheck(t *testing.T) {
	t.Parallel()
	r := reporttest.Files()
	b, f := baseline(t, r), r.Targets[4].Results[0].Findings[0]
	other := r.Targets[4]
	if b.Known(report.Key(other), "REF002", f) {
		t.Error("known of another check")
	}
	for name, change := range map[string]func(t *report.Target){
		"ref":       func(t *report.Target) { t.Ref = "ghcr.io/acme/api:1.4.3" },
		"kind":      func(t *report.Target) { t.Kind = "artifact" },
		"container": func(t *report.Target) { t.Container = "other" },
		"file":      func(t *report.Target) { t.Origins = report.OriginsOf(reporttest.At("deploy/dev/api.yaml2", 1, 1)) },
		"argument":  func(t *report.Target) { t.Origins = report.Origins{} },
	} {
		other := r.Targets[4]
		if change(&other); b.Known(report.Key(other), "REF001", f) {
			t.Errorf("known of another %s", name)
		}
	}
	var none report.Baseline
	if none.Known(report.Key(r.Targets[4]), "REF001", f) || none.Findings() != 0 {
		t.Error("the zero value knows something")
	}
}

func TestReadBaselineSaysWhatIsWrong(t *testing.T) {
	t.Parallel()
	good := string(asJSON(t, reporttest.Files()))
	for name, tt := range map[string]struct{ in, want string }{
		"empty":             {"", "unexpected EOF"},
		"text":              {"denied: 1 deny", "invalid character"},
		"a list":            {"[]", "[ stands where { should"},
		"another document":  {`{"version": "2.1.0"}`, `it has no "schema"`},
		"no targets":        {`{"schema": "intact.report/v1", "images": []}`, `it has no "targets"`},
		"another version":   {strings.Replace(good, "report/v1", "report/v2", 1), `its schema is "intact.report/v2"`},
		"cut short":         {good[:len(good)/2], "unexpected EOF"},
		"two documents":     {good + good, "more behind its end"},
		"a key twice":       {`{"schema": "intact.report/v1", "images": [], "images": [], "targets": []}`, `the key "images" occurs twice`},
		"a key twice below": {strings.Replace(good, `"ref": `, `"ref": "x", "ref": `, 1), `targets[0]: the key "ref" occurs twice`},
		"an outcome":        {strings.Replace(good, `"outcome": "fail"`, `"outcome": "great"`, 1), `parse outcome "great"`},
		"a wrong type":      {strings.Replace(good, `"findings": [`, `"findings": ["x",`, 1), "images[0]: "},
		"an image twice":    {`{"schema": "intact.report/v1", "images": [{"image": "a"}, {"image": "a"}], "targets": []}`, `images[1]: the image "a" stands there twice`},
		"deep":              {`{"schema": "intact.report/v1", "images": [], "targets": [` + strings.Repeat(`{"a":`, 100) + `1` + strings.Repeat("}", 100) + `]}`, "nested deeper than 64"},
	} {
		b, err := report.ReadBaseline(strings.NewReader(tt.in))
		if err == nil || !strings.Contains(err.Error(), tt.want) || !strings.HasPrefix(err.Error(), "read baseline report: ") || b != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := report.ReadBaseline(strings.NewReader(strings.Replace(good, `"schema"`, `"later": {"x": [1]}, "schema"`, 1))); err != nil {
		t.Errorf("a field of later: %v", err)
	}
}

func FuzzReadBaseline(f *testing.F) {
	f.Add(asJSON(f, reporttest.Files()))
	f.Add(asJSON(f, reporttest.Rich()))
	f.Add([]byte(`{"schema": "intact.report/v1", "images": [{"id":"a","results":[{"check":"X","outcome":"fail","findings":[{"message":"m","count":3,"dir":{"b64":"AA=="}}]}]}], "targets": [{"image":"a"}]}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		got, err := report.ReadBaseline(bytes.NewReader(b))
		if (got == nil) == (err == nil) {
			t.Fatalf("%v and %v", got, err)
		}
		if err == nil {
			got.Compare(reporttest.Files())
		}
	})
}
