package written

import (
	"slices"

	"github.com/intact-dev/intact/pkg/extract"
)

// A Reference is a Found and the text that it was made of.
type Reference struct {
	extract.Found
	Text Text
}

// Settle returns what was found. A place that other references have a part of
// as well, and that would mean something else to them with a digest, is no place
// to change.
func Settle(refs []Reference) []extract.Found {
	uses := map[string]*useList{}
	for _, r := range refs {
		for i, run := range r.Text.runs {
			if run.file == nil || run.loose {
				continue
			}
			l := uses[run.file.Path]
			if l == nil {
				l = &useList{raw: map[span]string{}}
				uses[run.file.Path] = l
			}
			l.add(span{run.off, run.off + r.Text.end(i) - run.at}, r.Raw)
		}
	}
	for _, l := range uses {
		slices.SortFunc(l.spans, func(a, b span) int { return a.start - b.start })
	}
	out := make([]extract.Found, 0, len(refs))
	for _, r := range refs {
		if s := r.Site; s != nil && uses[s.File] != nil && uses[s.File].others(span{s.Start, s.End}, r.Raw) {
			r.Site = nil
		}
		out = append(out, r.Found)
	}
	return out
}

type span struct{ start, end int }

// A useList is the parts of one file that references are made of.
type useList struct {
	spans   []span
	raw     map[span]string // what is made of each; "" if not one and the same
	longest int
}

func (l *useList) add(s span, raw string) {
	was, seen := l.raw[s]
	switch {
	case !seen:
		l.spans = append(l.spans, s)
		l.raw[s] = raw
		l.longest = max(l.longest, s.end-s.start)
	case was != raw:
		l.raw[s] = ""
	}
}

// others reports whether anything but raw is made of s or a part of it.
func (l *useList) others(s span, raw string) bool {
	i, _ := slices.BinarySearchFunc(l.spans, s.start-l.longest, func(u span, start int) int { return u.start - start })
	for ; i < len(l.spans) && l.spans[i].start < s.end; i++ {
		if l.spans[i].end > s.start && l.raw[l.spans[i]] != raw {
			return true
		}
	}
	return false
}
