package checks

import (
	"fmt"
	"slices"
	"time"

	"github.com/intact-dev/intact/pkg/check"
	"github.com/intact-dev/intact/pkg/fact"
	"github.com/intact-dev/intact/pkg/ref"
)

// historyNeeds are the facts of the checks that compare a tag with a record.
func historyNeeds() []fact.Kind {
	return []fact.Kind{fact.KReference, fact.KTagHistory, fact.KResolution}
}

// notRecorded says why nothing can be said of what a tag was before. class is the
// class of tags that a check is about; "" = all.
func notRecorded(class ref.Class, other string) func(*fact.Set) string {
	return func(s *fact.Set) string {
		if why := notWritten(s); why != "" {
			return why
		}
		if s.Reference.State == fact.Known {
			switch r := s.Reference.V; {
			case r.Ref.Digest != "":
				return "pinned by digest: REF004 compares its tag"
			case class == ref.Fixed && !isFixed(r), class == ref.Floating && isFixed(r):
				return other
			}
		}
		if s.TagHistory.State == fact.Absent {
			return "no record says what the tag was before (intact lock writes one; --ledger reads one)"
		}
		return ""
	}
}

// A move is a tag that is another digest than the one recorded.
type move struct {
	r     fact.Reference
	tag   string
	by    string
	from  fact.Past
	to    ref.Digest
	seen  time.Time // zero = not told
	older *fact.Past
	// recorded says that the record itself has what the tag is now, since when.
	recorded bool
	since    time.Time // zero = not told
	// same says that the images of all platforms are what they were.
	same bool
}

// moveOf compares what the tag is now, by the bytes of the one deciding answer,
// with the record. It returns nil if it has not moved, or with an answer where
// that cannot be told.
func moveOf(s *fact.Set) (*move, check.Answer) {
	if s.Reference.State != fact.Known || s.TagHistory.State != fact.Known || s.Resolution.State != fact.Known {
		return nil, notTold("no tag was resolved")
	}
	h, now := s.TagHistory.V, s.Resolution.V
	switch {
	case now.By != "tag":
		return nil, notTold("no tag was resolved")
	case !h.Before.Digest.Comparable(now.Digest):
		return nil, undecided(fact.Unsupported, "the tag %s is %s now, which cannot be compared with %s in %s", h.Tag, now.Digest.Short(), h.Before.Digest.Short(), h.By)
	case h.Before.Digest == now.Digest:
		return recordedMove(s), check.Answer{}
	}
	m := &move{r: s.Reference.V, tag: h.Tag, by: h.By, from: h.Before, to: now.Digest, seen: s.Resolution.At, same: sameImages(s, h.Before)}
	m.older = find(h.Earlier, now.Digest)
	return m, check.Answer{}
}

// recordedMove is the last move of a tag that the record knows already. A lock was
// agreed on, and holds nothing to report; a ledger has only seen it, and that it
// wrote a move down makes it no better.
func recordedMove(s *fact.Set) *move {
	h, now := s.TagHistory.V, s.Resolution.V
	if h.By == lockFile || len(h.Earlier) == 0 || !h.Earlier[0].Digest.Comparable(now.Digest) || h.Earlier[0].Digest == now.Digest {
		return nil
	}
	return &move{
		r: s.Reference.V, tag: h.Tag, by: h.By, from: h.Earlier[0], to: now.Digest, recorded: true, since: h.Before.At,
		older: find(h.Earlier[1:], now.Digest), same: sameImages(s, h.Earlier[0]),
	}
}

func find(past []fact.Past, d ref.Digest) *fact.Past {
	if i := slices.IndexFunc(past, func(p fact.Past) bool { return p.Digest == d }); i >= 0 {
		return &past[i]
	}
	return nil
}

// lockFile is the record that people review.
const lockFile = "intact.lock"

// sameImages reports whether the index that the tag names now lists, for the same
// platforms, the same manifests as the record: then only what hangs beside them
// is new, such as attestations.
func sameImages(s *fact.Set, past fact.Past) bool {
	before := past.Platforms
	if s.Image.State != fact.Known || s.Image.V.Incomplete != "" || s.Image.V.Root.Digest != s.Resolution.V.Digest || len(before) == 0 {
		return false
	}
	now := s.Image.V.Platforms
	for _, c := range now {
		if before[c.Platform.String()] != c.Manifest {
			return false
		}
	}
	return len(now) == len(before)
}

// finding says from what to what, and since when.
func (m *move) finding() check.Finding {
	f := check.Finding{
		Message: fmt.Sprintf("%q: the tag %s is %s now; it was %s%s, by %s", m.r.Text, m.tag, m.to, m.from.Digest, sinceDay(m.from.At), m.by),
		Origin:  originOf(m.r),
	}
	switch {
	case m.recorded && !m.since.IsZero():
		f.Message = fmt.Sprintf("%q: the tag %s is %s%s; it was %s%s, by %s",
			m.r.Text, m.tag, m.to, sinceDay(m.since), m.from.Digest, sinceDay(m.from.At), m.by)
	case !m.seen.IsZero():
		f.Message = fmt.Sprintf("%q: the tag %s is %s, seen %s; it was %s%s, by %s",
			m.r.Text, m.tag, m.to, m.seen.UTC().Format(time.DateOnly), m.from.Digest, sinceDay(m.from.At), m.by)
	}
	if m.same {
		f.Message += "; the images of all platforms are the same ones, only the index around them is new"
		f.Note = true
		return f
	}
	f.Fix = m.fix()
	f.Consequences = mutable()
	return f
}

func sinceDay(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return " since " + t.UTC().Format(time.DateOnly)
}

// fix names the two digests that may be meant.
func (m *move) fix() string {
	r := m.r.Ref
	r.Tag = m.tag
	return fmt.Sprintf("write %s to keep what was recorded, or %s to take what the tag is now%s", pinTo(r, m.from.Digest), pinTo(r, m.to), m.accept())
}

// accept is how to record what a tag is now.
func (m *move) accept() string {
	if m.by == lockFile {
		return "; intact lock --update records the new one"
	}
	return ""
}
