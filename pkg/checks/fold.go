package checks

import (
	"slices"

	"github.com/intact-dev/intact/pkg/check"
	"github.com/intact-dev/intact/pkg/fact"
)

// A Weighed is a result with what the policy made of it.
type Weighed struct {
	check.Result
	// Severity is larger the more severe the decision is; 0 leads to nothing.
	Severity int
	// Open is set for a failure that the policy could not decide on. It is listed
	// by its cause and is neither head nor part of a story.
	Open bool
}

// A Mark says how a result stands to the others of its target. The zero value is
// on its own.
type Mark struct {
	// PartOf is the check of which it is a consequence, or the same cause seen from
	// another side; "" = it stands for itself.
	PartOf string `json:"partOf,omitempty"`
	// Moot says why it does not matter in this container. It changes nothing and
	// hides nothing.
	Moot string `json:"moot,omitempty"`
}

// A story is one cause that several checks see. Where more than one of them
// fails, one speaks for all.
type story struct {
	// checks in the order in which they are chosen to speak, among those that the
	// policy takes for equally severe.
	checks []string
	// when says that it is one cause, from the facts of a container; nil = always.
	when func(*fact.Set) bool
}

// stories are the causes that more than one check sees. No check is in two.
func stories() []story {
	return []story{
		// A mutable reference: what it leads to is nodes that keep what they have, a
		// restart that brings something else, replicas that differ.
		{checks: []string{"RUN008", "REF001", "REF002", "REF003", "SET004", "RUN002", "RUN003"}},
		// A tag that has moved since it was recorded.
		{checks: []string{"TAG003", "TAG002", "TAG004"}},
		// A pod that is another image than its template is another than the files, too.
		{checks: []string{"RUN001", "RUN015"}},
		// One setting, declared and in force.
		{checks: []string{"SET001", "RUN007"}},
		// The image's root user, where the workload leaves the user to it: all paths can
		// be changed then, whatever their mode.
		{checks: []string{"LAY005", "SET003", "LAY001"}, when: imageIsRoot},
	}
}

// Fold says which results are consequences of which: one cause, one finding. s
// holds the facts of the container that the results are about; nil if they are
// about an image alone. Results about another platform than the container's are
// left out by the caller. The marks are in the order of results.
//
// Of the failures of one story and platform the head is one of the most severe
// ones, so that nothing is hidden behind what the policy takes for less, and is
// itself part of nothing. A mark changes no outcome and no verdict.
func Fold(s *fact.Set, results []Weighed) []Mark {
	heads := make([]int, len(results))
	for i := range heads {
		heads[i] = i
	}
	for _, st := range stories() {
		if s == nil || st.when == nil || st.when(s) {
			foldStory(st, results, heads)
		}
	}
	if s != nil && s.Judged.State == fact.Known {
		foldRefused(s.Judged.V.Reasons, results, heads)
	}
	marks := make([]Mark, len(results))
	for i := range results {
		head := i
		for heads[head] != head {
			head = heads[head]
		}
		if results[head].Check != results[i].Check {
			marks[i].PartOf = results[head].Check
		}
	}
	if s != nil {
		moot(s, results, marks)
	}
	return marks
}

// fails reports whether r can be part of a story.
func (w Weighed) fails() bool { return w.Outcome == check.Fail && !w.Open }

// samePlatform reports whether two results are about one platform, or one of them
// about none in particular.
func samePlatform(a, b Weighed) bool {
	return a.Platform == b.Platform || a.Platform == "" || b.Platform == ""
}

func foldStory(st story, results []Weighed, heads []int) {
	for i, r := range results {
		if !r.fails() || !slices.Contains(st.checks, r.Check) {
			continue
		}
		for j, h := range results {
			if h.fails() && slices.Contains(st.checks, h.Check) && samePlatform(r, h) && speaksFor(h, results[heads[i]], st.checks) {
				heads[i] = j
			}
		}
	}
}

// speaksFor reports whether a speaks for a story rather than b. It is a strict
// order, so that heads never go round in a circle.
func speaksFor(a, b Weighed, order []string) bool {
	if a.Severity != b.Severity {
		return a.Severity > b.Severity
	}
	return slices.Index(order, a.Check) < slices.Index(order, b.Check)
}

// foldRefused makes RUN010, which says that the policy refuses what runs, part of
// the worst failure for which it does.
func foldRefused(reasons []string, results []Weighed, heads []int) {
	order := append(slices.Clone(reasons), "RUN010")
	for i, r := range results {
		if r.Check != "RUN010" || !r.fails() {
			continue
		}
		for j, h := range results {
			if h.fails() && slices.Contains(reasons, h.Check) && samePlatform(r, h) && speaksFor(h, results[heads[i]], order) {
				heads[i] = j
			}
		}
	}
}

// imageDecidesUser reports whether nothing but the image says who runs.
func imageDecidesUser(s *fact.Set) bool {
	set := s.Settings
	return set.State == fact.Known && set.V.RunAsUser == nil && set.V.User == "" && !set.V.RunAsNonRoot
}

func imageIsRoot(s *fact.Set) bool { return imageDecidesUser(s) && runnerOf(s).root == fact.Yes }

// moot marks what an image is found to allow and this container does not.
func moot(s *fact.Set, results []Weighed, marks []Mark) {
	if s.Settings.State != fact.Known {
		return
	}
	// A mount over code, or one that may be, makes a read-only root worth nothing
	// there; so does the right to mount.
	readOnly := s.Settings.V.ReadOnlyRoot && !canRemount(s.Settings.V) && slices.ContainsFunc(results, func(r Weighed) bool {
		return r.Check == "SET002" && r.Outcome == check.Pass
	})
	for i, r := range results {
		if r.Outcome != check.Fail {
			continue
		}
		switch r.Check {
		case "LAY001", "LAY002", "LAY007":
			// LAY007 also says that a program is missing.
			e := s.Filesystem.V.Entrypoint
			whole := r.Check != "LAY007" || s.Filesystem.State == fact.Known && e.Program != "" && e.Missing == ""
			if readOnly && whole {
				marks[i].Moot = "the root file system is read-only: nothing of the image can be changed in this container"
			}
		case "LAY005":
			if !imageDecidesUser(s) && runnerOf(s).root == fact.No {
				marks[i].Moot = "the workload runs it as another user: " + runnerOf(s).says
			}
		}
	}
}
