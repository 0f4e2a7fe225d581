package notify

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/intact-dev/intact/pkg/policy"
	"github.com/intact-dev/intact/pkg/serve/happening"
)

// Folded is the type of a summary. It is told to places only: it is no happening
// of its own, and its parts are in the list of events.
const Folded happening.Type = "notify.folded"

// summary makes one message of several: how many of what, then what they are, the
// alarming first, equal ones counted. Its verdict is the worst of theirs. Times says
// how many each stands for, superseded reports those that are overtaken.
func summary(now time.Time, all []happening.Happening, times func(happening.Happening) int, superseded func(happening.Happening) bool) happening.Happening {
	verdicts := make([]policy.Decision, 0, len(all))
	subject, n := all[0].Subject, 0
	for _, h := range all {
		n += times(h)
		verdicts = append(verdicts, verdictOf(h))
		if h.Subject != subject {
			subject = ""
		}
	}
	lines := entriesOf(all, times)
	ids := sha256.New() // the same if [Keep] came in between
	for _, e := range lines {
		fmt.Fprintf(ids, "%d %s %d ", len(e.last.ID), e.last.ID, e.n)
	}
	return happening.Happening{
		ID: "folded-" + hex.EncodeToString(ids.Sum(nil)[:16]), Type: Folded, At: now, Subject: subject,
		Title: fmt.Sprintf("%d more: %s", n, tally(all, times)), Lines: listed(lines, superseded), Verdict: policy.Worst(verdicts...),
	}
}

// verdictOf is what h adds to a summary's verdict: a lost place is no good news.
func verdictOf(h happening.Happening) policy.Decision {
	switch {
	case h.Type == happening.ImageJudged, h.Type == happening.RunningChanged:
		return h.Verdict
	case h.Alarming():
		return policy.Undecided
	}
	return policy.Warn
}

// tally is "30 denied, 7 moved", in the order of concern.
func tally(all []happening.Happening, times func(happening.Happening) int) string {
	order := []string{"denied", "undecided", "not seen", "config refused", "deleted", "moved", "allowed with warnings", "allowed"}
	n := map[string]int{}
	for _, h := range all {
		word := wordFor(h)
		n[word] += times(h)
		if !slices.Contains(order, word) {
			order = append(order, word)
		}
	}
	var parts []string
	for _, word := range order {
		if n[word] > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", n[word], word))
		}
	}
	return strings.Join(parts, ", ")
}

func wordFor(h happening.Happening) string {
	switch h.Type {
	case happening.ImageJudged, happening.RunningChanged:
		switch {
		case h.Verdict == policy.Deny:
			return "denied"
		case h.Verdict == policy.Undecided:
			return "undecided"
		case h.Before != "" && h.Before != h.Digest:
			return "moved"
		case h.Verdict == policy.Warn:
			return "allowed with warnings"
		}
		return "allowed"
	case happening.TagDeleted:
		return "deleted"
	case happening.RunningUnseen:
		return "not seen"
	case happening.RunningUnreported:
		return "not reported"
	case happening.ConfigRefused:
		return "config refused"
	}
	return string(h.Type)
}

// An entry is one line of a summary: all of a subject and title.
type entry struct {
	last happening.Happening
	n    int
}

// entriesOf are the lines of a summary of all, which are in the order of time.
func entriesOf(all []happening.Happening, times func(happening.Happening) int) []entry {
	at := map[[2]string]int{}
	var entries []entry
	for _, h := range all {
		key := [2]string{h.Subject, h.Title}
		i, known := at[key]
		if !known {
			i = len(entries)
			at[key] = i
			entries = append(entries, entry{})
		}
		entries[i].n += times(h)
		entries[i].last = h
	}
	slices.SortStableFunc(entries, func(a, b entry) int {
		rank := func(e entry) int {
			switch {
			case e.last.Subject == "": // of many subjects, see [Keep]
				return 2
			case e.last.Alarming():
				return 0
			}
			return 1
		}
		return cmp.Or(cmp.Compare(rank(a), rank(b)), a.last.At.Compare(b.last.At), cmp.Compare(a.last.ID, b.last.ID))
	})
	return entries
}

// listed are the lines in words, with the time and the digest of the last.
func listed(entries []entry, superseded func(happening.Happening) bool) []string {
	lines := make([]string, 0, len(entries))
	for _, e := range entries {
		when := e.last.At.UTC().Format("15:04")
		if e.n > 1 {
			when = fmt.Sprintf("%d times, last %s", e.n, when)
		}
		if e.last.Digest != "" {
			when += ", " + string(e.last.Digest)
		}
		if superseded(e.last) {
			when += ", overtaken"
		}
		// Cut each by itself, so that a long subject does not hide the rest.
		what := clip(e.last.Title, 200)
		if e.last.Subject == "" || !strings.HasPrefix(e.last.Title, e.last.Subject) {
			what = clip(cmp.Or(e.last.Subject, "others"), 200) + ": " + what
		}
		lines = append(lines, fmt.Sprintf("%s (%s)", what, when))
	}
	return lines
}
