package gitfiles

import (
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"slices"

	"github.com/intact-dev/intact/pkg/extract"
	"github.com/intact-dev/intact/pkg/fact"
	"github.com/intact-dev/intact/pkg/ref"
)

// A Change is what is known of files beside what they declare. The zero value
// knows of none.
type Change struct {
	// Renamed are files that only have another name: from that at HEAD to that at
	// the base.
	Renamed map[string]string
	// Reread reports whether what the problem is about may have changed. A part that
	// cannot be read at either end may hide anything; nil = it may always have.
	Reread func(extract.Problem) bool
}

// Touched returns what head declares and base does not declare in the same way, in
// head's order. Where in a file it stands does not matter; everything that it says
// does. Of several that are alike in one file, of which base has fewer, all count.
// Problems count if base has them not, or if Reread says so, Notices if base has
// them not. Files and Passed are
// head's.
func Touched(base, head *extract.Tree, c Change) *extract.Tree {
	out := &extract.Tree{Files: head.Files, Passed: head.Passed}
	had, has := map[key]int{}, map[key]int{}
	for _, f := range base.Found {
		had[ofFound(f, nil, true)]++
	}
	for _, o := range base.Objects {
		had[ofObject(o, nil)]++
	}
	for _, p := range base.Problems {
		had[ofProblem(p, nil)]++
	}
	for _, f := range head.Found {
		has[ofFound(f, c.Renamed, true)]++
	}
	for _, o := range head.Objects {
		has[ofObject(o, c.Renamed)]++
	}
	for _, f := range head.Found {
		if k := ofFound(f, c.Renamed, true); has[k] > had[k] {
			out.Found = append(out.Found, f)
		}
	}
	for _, o := range head.Objects {
		if k := ofObject(o, c.Renamed); has[k] > had[k] {
			out.Objects = append(out.Objects, o)
		}
	}
	for _, p := range head.Problems {
		if had[ofProblem(p, c.Renamed)] == 0 || c.Reread == nil || c.Reread(p) {
			out.Problems = append(out.Problems, p)
		}
	}
	noticed := map[key]bool{}
	for _, n := range base.Notices {
		noticed[ofNotice(n, nil)] = true
	}
	for _, n := range head.Notices {
		if !noticed[ofNotice(n, c.Renamed)] {
			out.Notices = append(out.Notices, n)
		}
	}
	return out
}

// A key stands for all that something says.
type key [sha256.Size]byte

func hash(parts ...any) key {
	b, err := json.Marshal(parts)
	if err != nil {
		// Plain data is always encoded; if it were not, nothing would be the same.
		b = fmt.Appendf(nil, "%#v", parts)
	}
	return sha256.Sum256(b)
}

// A place is an origin without line and column.
type place struct{ Where, Path string }

func placeOf(o ref.Origin, renamed map[string]string) place {
	if from, ok := renamed[o.Where]; ok {
		o.Where = from
	}
	return place{o.Where, o.Path}
}

func ofFound(f extract.Found, renamed map[string]string, ignores bool) key {
	var related []place
	for _, o := range f.Related {
		related = append(related, placeOf(o, renamed))
	}
	var site place
	if f.Site != nil {
		site = placeOf(ref.Origin{Where: f.Site.File, Path: string(f.Site.Style)}, renamed)
	}
	var ignored []extract.Ignore
	if ignores {
		ignored = unplaced(f.Ignored)
	}
	return hash("found", placeOf(f.Origin, renamed), f.Raw, f.Ref, f.Kind, f.Class, f.Unresolved, related, site,
		f.Workload, f.Container, f.Role, f.Settings, f.Platform, ignored)
}

func ofObject(o extract.Object, renamed map[string]string) key {
	return hash("object", placeOf(o.Origin, renamed), o.Fact, unplaced(o.Ignored))
}

func ofProblem(p extract.Problem, renamed map[string]string) key {
	return hash("problem", placeOf(p.Origin, renamed), p.Cause, p.Why)
}

func ofNotice(n extract.Notice, renamed map[string]string) key {
	return hash("notice", placeOf(n.Origin, renamed), n.Raw, n.Why)
}

func unplaced(ignored []extract.Ignore) []extract.Ignore {
	ignored = slices.Clone(ignored)
	for i := range ignored {
		ignored[i].Line = 0
	}
	return ignored
}

// silenced are notices of comments that silence checks at what base has without
// them.
func silenced(base, touched *extract.Tree, renamed map[string]string) []Notice {
	before := map[key]map[string]bool{} // checks, by what they are silenced at
	for _, f := range base.Found {
		k := ofFound(f, nil, false)
		if before[k] == nil {
			before[k] = map[string]bool{}
		}
		for _, i := range f.Ignored {
			before[k][i.Check] = true
		}
	}
	var out []Notice
	for _, f := range touched.Found {
		had := before[ofFound(f, renamed, false)]
		for _, i := range f.Ignored {
			if had == nil || had[i.Check] {
				continue
			}
			at := f.Origin
			at.Line, at.Column = i.Line, 0
			out = append(out, Notice{at, fmt.Sprintf("a comment that came in the range silences %s at %q: %q", i.Check, f.Raw, i.Reason)})
		}
	}
	return out
}

// hidden are notices of what HEAD still holds and no longer shows: all is what it
// declares by the rules of the base, shown by its own.
func hidden(all, shown *extract.Tree) []Notice {
	have := map[ref.Origin]bool{}
	at := func(o ref.Origin) ref.Origin { return ref.Origin{Where: o.Where, Line: o.Line, Column: o.Column} }
	for _, f := range shown.Found {
		have[at(f.Origin)] = true
	}
	for _, o := range shown.Objects {
		have[at(o.Origin)] = true
	}
	var out []Notice
	for _, f := range all.Found {
		if !have[at(f.Origin)] {
			out = append(out, Notice{f.Origin, fmt.Sprintf("%q is no longer read: the rules for reading files that came in the range leave it out", f.Raw)})
		}
	}
	for _, o := range all.Objects {
		if !have[at(o.Origin)] {
			out = append(out, Notice{o.Origin, fmt.Sprintf("%s %q is no longer read: the rules for reading files that came in the range leave it out", o.Fact.Type, o.Fact.Name)})
		}
	}
	return out
}

// A Notice is something about a range that the reader should know and that is
// nothing to judge.
type Notice struct {
	Origin ref.Origin // zero if it is about no file
	Why    string
}

func problemAt(where string, c fact.Cause, why string) extract.Problem {
	return extract.Problem{Origin: ref.Origin{Kind: "file", Where: where}, Cause: c, Why: why}
}
