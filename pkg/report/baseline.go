package report

import (
	"crypto/sha256"
	"fmt"
	"strings"

	"github.com/intact-dev/intact/pkg/check"
	"github.com/intact-dev/intact/pkg/fact"
	"github.com/intact-dev/intact/pkg/policy"
)

// By what findings are accepted beside a policy's exceptions.
const (
	// ByBaseline: an earlier report has it.
	ByBaseline = "in the baseline report"
	// ByComment begins what a comment in a file says.
	ByComment = "comment in the file: "
)

// A Since says what changed since an earlier report, in numbers of findings of
// checks that are not off.
type Since struct {
	Known int `json:"known"` // in both: counted, not failed on
	New   int `json:"new"`   // not in the earlier one, and accepted by nothing else
	Fixed int `json:"fixed"` // no longer there, and what it was about was examined
	// Unseen are not told any more because what they were about was not examined
	// this time, or is no longer declared or running under that name.
	Unseen int `json:"unseen"`
}

// String says s in words: "12 known, 1 new, 3 fixed, 2 not seen again".
func (s Since) String() string {
	return fmt.Sprintf("%d known, %d new, %d fixed, %d not seen again", s.Known, s.New, s.Fixed, s.Unseen)
}

// A Baseline is the findings of an earlier report, by what they were about: the
// reference without its digest, and the file or workload that holds it. The zero
// value has none. It does not change and may be used concurrently.
type Baseline struct {
	groups   []map[id]int // finding → how many paths of a folder it is about
	at       map[id][]int // a reference in one place → groups
	findings []earlier
}

// An id is a hash, so that the report of a large fleet fits in memory.
type id [16]byte

func idOf(parts ...string) id {
	sum := sha256.Sum256([]byte(strings.Join(parts, "\x00")))
	return id(sum[:16])
}

// An earlier is one finding of the baseline.
type earlier struct {
	result string // check and platform
	ids    []id
	at     []id // the same for all findings about one target or image
}

// placed are the ids of what a key names in each of its places: a reference that
// is written in one more file is known in the others.
func placed(key string) []id {
	parts := strings.Split(key, "\x00")
	if len(parts) <= 3 {
		return []id{idOf(parts...)}
	}
	out := make([]id, 0, len(parts)-3)
	for _, where := range parts[3:] {
		out = append(out, idOf(parts[0], parts[1], parts[2], where))
	}
	return out
}

// idsOf names a finding of a check: by each path it is about, what is wrong with it
// and what became of it, or by its words if it is about none. Of a folder with more paths than are listed the second result
// is their number, for the last id.
func idsOf(check string, f check.Finding) ([]id, int) {
	var out []id
	for i, path := range f.Paths {
		state := ""
		if i < len(f.States) {
			state = f.States[i]
		}
		out = append(out, idOf(check, "path", string(path), f.Detail, state))
	}
	switch {
	case f.Count > len(f.Paths):
		return append(out, idOf(check, "folder", string(f.Dir), f.Detail, string(f.AllStates))), f.Count
	case len(out) == 0:
		out = append(out, idOf(append([]string{check, "words", f.Message}, f.Lines...)...))
	}
	return out, 1
}

// Known reports whether b has the finding f of a check about the target of that
// key, see [Key], in each of its places. Other paths, or other words, are
// another finding; so is one that names another digest.
func (b *Baseline) Known(key, check string, f check.Finding) bool {
	ids, count := idsOf(check, f)
	for _, at := range placed(key) {
		for i, one := range ids {
			n := 1
			if i == len(ids)-1 {
				n = count
			}
			if !b.has(at, one, n) {
				return false
			}
		}
	}
	return true
}

func (b *Baseline) has(at, finding id, n int) bool {
	for _, g := range b.at[at] {
		if b.groups[g][finding] >= n {
			return true
		}
	}
	return false
}

// Findings is how many findings b has.
func (b *Baseline) Findings() int { return len(b.findings) }

// Compare says what changed between b and r, which was judged with what b knows.
func (b *Baseline) Compare(r *Report) Since {
	var s Since
	now := &Baseline{at: map[id][]int{}}
	examined := map[id]bool{}
	users := map[*Image][]string{}
	index := r.imageIndex()
	for i := range r.Targets {
		t := &r.Targets[i]
		key := Key(*t)
		if img := r.imageOf(*t, index); img != nil {
			users[img] = append(users[img], key)
		}
		b.compare(&s, now, examined, []string{key}, t.Results)
	}
	for i := range r.Images {
		b.compare(&s, now, examined, users[&r.Images[i]], r.Images[i].Results)
	}
	for _, f := range b.findings {
		there, seen := false, true
		for _, at := range f.at {
			for _, one := range f.ids {
				there = there || now.has(at, one, 1)
			}
			seen = seen && examined[idOf(string(at[:]), f.result)]
		}
		switch {
		case there:
		case seen:
			s.Fixed++
		default:
			s.Unseen++
		}
	}
	return s
}

// compare counts the results about one target, or about one image that the
// targets of keys name, and notes in now and examined what there is.
func (b *Baseline) compare(s *Since, now *Baseline, examined map[id]bool, keys []string, results []*Result) {
	at := now.add(keys, results)
	for _, r := range results {
		if r.Outcome == check.Pass || r.Outcome == check.NotApplicable || r.Outcome == check.Fail && r.Cause == fact.NotGathered {
			for _, one := range at {
				examined[idOf(string(one[:]), nameOfResult(r))] = true
			}
		}
		if r.Level == policy.LevelOff || r.PartOf != "" {
			continue
		}
		for i, f := range r.Findings {
			switch by := r.AcceptedBy(i); {
			case f.Note || r.Outcome != check.Fail:
			case b.knownTo(keys, r.Check, f):
				s.Known++
			case by == "":
				s.New++
			}
		}
	}
}

func nameOfResult(r *Result) string { return r.Check + " " + r.Platform }

func (b *Baseline) knownTo(keys []string, check string, f check.Finding) bool {
	for _, key := range keys {
		if !b.Known(key, check, f) {
			return false
		}
	}
	return len(keys) > 0
}

// add adds the findings of results about the targets of keys and returns the ids
// of their places.
func (b *Baseline) add(keys []string, results []*Result) []id {
	var at []id
	for _, key := range keys {
		at = append(at, placed(key)...)
	}
	group := map[id]int{}
	for _, r := range results {
		for _, f := range r.Findings {
			if f.Note || r.Outcome != check.Fail {
				continue
			}
			ids, count := idsOf(r.Check, f)
			for i, one := range ids {
				n := 1
				if i == len(ids)-1 {
					n = count
				}
				group[one] = max(group[one], n)
			}
			b.findings = append(b.findings, earlier{nameOfResult(r), ids, at})
		}
	}
	if len(group) > 0 {
		for _, one := range at {
			b.at[one] = append(b.at[one], len(b.groups))
		}
		b.groups = append(b.groups, group)
	}
	return at
}
