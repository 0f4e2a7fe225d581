package checks_test

import (
	"math/rand/v2"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/intact-dev/intact/pkg/check"
	"github.com/intact-dev/intact/pkg/checks"
	"github.com/intact-dev/intact/pkg/fact"
)

// Severities as an engine gives them.
const (
	allow = iota
	warn
	open
	deny
)

func failed(id string, severity int) checks.Weighed {
	return checks.Weighed{Result: check.Result{Check: id, Outcome: check.Fail}, Severity: severity}
}

func on(w checks.Weighed, platform string) checks.Weighed {
	w.Platform = platform
	return w
}

func with(w checks.Weighed, o check.Outcome) checks.Weighed {
	w.Outcome = o
	return w
}

func TestFold(t *testing.T) {
	t.Parallel()
	root := fact.Set{Settings: fact.Of(fact.Settings{}), User: fact.Of(fact.User{})}
	uid := int64(1000)
	other := fact.Set{Settings: fact.Of(fact.Settings{RunAsUser: &uid, ReadOnlyRoot: true}), User: fact.Of(fact.User{})}
	other.Filesystem = fact.Of(fact.Filesystem{Entrypoint: fact.Entrypoint{Program: "/app"}})
	missing := other
	missing.Filesystem = fact.Of(fact.Filesystem{Entrypoint: fact.Entrypoint{Missing: "no such file"}})
	privileged := fact.Set{Settings: fact.Of(fact.Settings{ReadOnlyRoot: true, Privileged: true})}
	refused := fact.Set{Judged: fact.Of(fact.Judged{Decision: "deny", Reasons: []string{"REF001", "SIG001"}})}
	const (
		readOnly  = "the root file system is read-only: nothing of the image can be changed in this container"
		otherUser = "the workload runs it as another user: runAsUser 1000"
	)

	for name, tt := range map[string]struct {
		set  *fact.Set
		in   []checks.Weighed
		want []checks.Mark
	}{
		"nothing": {},
		"alone":   {in: []checks.Weighed{failed("RUN002", warn), failed("DIG001", deny)}, want: make([]checks.Mark, 2)},
		"mutable_reference": {
			in: []checks.Weighed{
				failed("REF001", warn), failed("RUN002", warn), failed("RUN003", warn), failed("RUN008", warn), failed("SET004", warn), failed("REF003", warn),
			},
			want: []checks.Mark{{PartOf: "RUN008"}, {PartOf: "RUN008"}, {PartOf: "RUN008"}, {}, {PartOf: "RUN008"}, {PartOf: "RUN008"}},
		},
		"a_tag_that_moved_back_has_moved": {
			in:   []checks.Weighed{failed("TAG002", warn), failed("TAG003", warn)},
			want: []checks.Mark{{PartOf: "TAG003"}, {}},
		},
		"a_pod_that_left_its_template_left_the_files": {
			in:   []checks.Weighed{failed("RUN015", warn), failed("RUN011", warn), failed("RUN001", warn)},
			want: []checks.Mark{{PartOf: "RUN001"}, {}, {}},
		},
		"what_is_denied_speaks_for_what_is_warned_about": {
			in:   []checks.Weighed{failed("RUN008", warn), failed("RUN003", deny), failed("SET004", allow)},
			want: []checks.Mark{{PartOf: "RUN003"}, {}, {PartOf: "RUN003"}},
		},
		"of_two_denied_the_first_by_order": {
			in:   []checks.Weighed{failed("RUN003", deny), failed("RUN002", deny), failed("RUN008", warn)},
			want: []checks.Mark{{PartOf: "RUN002"}, {}, {PartOf: "RUN002"}},
		},
		"what_does_not_fail_is_not_folded": {
			in: []checks.Weighed{
				failed("RUN008", warn), with(failed("RUN002", warn), check.Undecided), with(failed("SET004", allow), check.Pass),
			},
			want: make([]checks.Mark, 3),
		},
		"what_is_open_is_listed_by_its_cause": {
			in:   []checks.Weighed{failed("RUN008", warn), {Result: check.Result{Check: "RUN002", Outcome: check.Fail}, Severity: open, Open: true}},
			want: make([]checks.Mark, 2),
		},
		"one_setting": {
			in:   []checks.Weighed{failed("RUN007", deny), failed("SET001", deny)},
			want: []checks.Mark{{PartOf: "SET001"}, {}},
		},
		"platforms_apart": {
			in:   []checks.Weighed{on(failed("LAY001", warn), "linux/arm64"), on(failed("LAY005", warn), "linux/amd64")},
			want: make([]checks.Mark, 2),
		},
		"one_check_on_two_platforms": {
			in:   []checks.Weighed{on(failed("LAY005", warn), "linux/arm64"), on(failed("LAY005", warn), "linux/amd64"), on(failed("LAY001", warn), "linux/amd64")},
			want: []checks.Mark{{}, {}, {PartOf: "LAY005"}},
		},
		"root_of_the_image": {
			set: &root,
			in:  []checks.Weighed{on(failed("LAY001", deny), "linux/amd64"), failed("SET003", deny), on(failed("LAY005", deny), "linux/amd64")},
			want: []checks.Mark{
				{PartOf: "LAY005"}, {PartOf: "LAY005"}, {},
			},
		},
		"root_of_the_image_is_not_that_of_the_container": {
			set:  &other,
			in:   []checks.Weighed{failed("SET003", warn), failed("LAY005", warn), failed("LAY001", warn)},
			want: []checks.Mark{{}, {Moot: otherUser}, {}},
		},
		"read_only_root": {
			set:  &other,
			in:   []checks.Weighed{failed("LAY002", deny), failed("LAY007", warn), failed("LAY001", allow), failed("LAY004", warn), with(failed("SET002", allow), check.Pass)},
			want: []checks.Mark{{Moot: readOnly}, {Moot: readOnly}, {Moot: readOnly}, {}, {}},
		},
		"read_only_root_with_code_mounted_over": {
			set:  &other,
			in:   []checks.Weighed{failed("LAY002", deny), failed("SET002", warn)},
			want: make([]checks.Mark, 2),
		},
		"read_only_root_and_mounts_not_looked_at": {
			set:  &other,
			in:   []checks.Weighed{failed("LAY002", deny), with(failed("SET002", allow), check.NotAsked)},
			want: make([]checks.Mark, 2),
		},
		"read_only_root_that_can_be_mounted_again": {
			set:  &privileged,
			in:   []checks.Weighed{failed("LAY002", deny), with(failed("SET002", allow), check.Pass)},
			want: make([]checks.Mark, 2),
		},
		"a_missing_program_is_not_moot": {
			set:  &missing,
			in:   []checks.Weighed{failed("LAY007", warn), with(failed("SET002", allow), check.Pass)},
			want: make([]checks.Mark, 2),
		},
		"refused_for_its_signature": {
			set:  &refused,
			in:   []checks.Weighed{failed("RUN010", warn), failed("LAY002", deny), failed("SIG001", deny), failed("REF001", warn)},
			want: []checks.Mark{{PartOf: "SIG001"}, {}, {}, {}},
		},
		"refused_for_what_is_part_of_something": {
			set:  &refused,
			in:   []checks.Weighed{failed("RUN010", deny), failed("RUN008", deny), failed("REF001", deny)},
			want: []checks.Mark{{PartOf: "RUN008"}, {}, {PartOf: "RUN008"}},
		},
		"refused_for_what_is_not_there": {
			set:  &refused,
			in:   []checks.Weighed{failed("RUN010", deny), failed("SIG001", warn), failed("DIG001", deny)},
			want: make([]checks.Mark, 3),
		},
		"refused_and_nobody_says_why": {
			set:  &fact.Set{},
			in:   []checks.Weighed{failed("RUN010", warn), failed("SIG001", deny)},
			want: make([]checks.Mark, 2),
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if tt.want == nil {
				tt.want = []checks.Mark{}
			}
			if d := cmp.Diff(tt.want, checks.Fold(tt.set, tt.in)); d != "" {
				t.Errorf("marks (-want +got):\n%s", d)
			}
		})
	}
}

// Whatever fails: what is folded has a head that fails, stands for itself and is
// no less severe, so that without the folded ones the verdict is the same.
func TestFold_hides_nothing(t *testing.T) {
	t.Parallel()
	m := maker{rand.New(rand.NewPCG(5, 8))}
	all := append(checks.All(), check.Check{ID: "RUN010"}, check.Check{ID: "SIG001"})
	for range 3000 {
		s := m.set()
		s.Judged = drawn(m, fact.Judged{Reasons: []string{pick(m, "SIG001", "REF001", "RUN010"), "LAY005"}})
		var in []checks.Weighed
		for _, c := range all {
			if m.IntN(3) > 0 {
				w := with(failed(c.ID, m.IntN(4)), pick(m, check.Fail, check.Fail, check.Fail, check.Pass, check.Undecided))
				w.Open = m.IntN(8) == 0
				in = append(in, w)
			}
		}
		marks := checks.Fold(&s, in)
		worst, left := 0, 0
		for i, w := range in {
			worst = max(worst, w.Severity)
			if marks[i].PartOf == "" {
				left = max(left, w.Severity)
				continue
			}
			if w.Outcome != check.Fail || w.Open {
				t.Fatalf("%s is %s and part of %s", w.Check, w.Outcome, marks[i].PartOf)
			}
			found := false
			for j, h := range in {
				if h.Check == marks[i].PartOf {
					found = true
					if h.Outcome != check.Fail || h.Open || h.Severity < w.Severity || marks[j].PartOf != "" || i == j {
						t.Fatalf("%s (%d) is part of %s (%s, %d, part of %q)", w.Check, w.Severity, h.Check, h.Outcome, h.Severity, marks[j].PartOf)
					}
				}
			}
			if !found {
				t.Fatalf("%s is part of %s, which is not there", w.Check, marks[i].PartOf)
			}
		}
		if worst != left {
			t.Fatalf("the worst is %d, and %d without what is folded", worst, left)
		}
	}
}
