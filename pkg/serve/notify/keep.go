package notify

import (
	"cmp"
	"slices"
	"time"

	"github.com/intact-dev/intact/pkg/serve/happening"
)

// What is kept of one place is bounded, however much happens. All of it is in the
// list of events.
const (
	// mostWaiting entries wait at a place with a subject of their own.
	mostWaiting = 1000
	// mostKnown is of how many happenings it is known that they were told. Of older
	// ones people may hear once more.
	mostKnown = 1000
)

// Keep returns what is to be kept of a place: of what was told what a [Plan] may need,
// and what waits, where those that a summary says in one line are one, the last, with
// their number in its Told. If more than a thousand wait, the oldest ones that alarm
// least are counted by their kinds. Only what has a Told with [Held] or [Repeated] is
// made less; the rest is for Plan to decide on.
func Keep(now time.Time, told []Told, waiting []happening.Happening) ([]Told, []happening.Happening) {
	k := keeper{marks: map[string]Told{}, at: map[kin]int{}}
	for _, t := range told {
		if t.Waits() {
			k.marks[t.ID] = t
		}
	}
	seen := map[string]bool{}
	for _, h := range waiting {
		if !seen[h.ID] { // twice in waiting is once
			seen[h.ID] = true
			k.add(h)
		}
	}
	k.bound()
	told = known(now, told)
	for _, h := range k.waiting {
		if t, marked := k.marks[h.ID]; marked {
			told = append(told, t)
		}
	}
	return told, k.waiting
}

// known is what is needed of what was told: messages of the last hour for the limit,
// and by which people know how things are.
func known(now time.Time, told []Told) []Told {
	var out, rest []Told
	for _, t := range told {
		switch age := now.Sub(t.At).Abs(); {
		case t.Waits() || age > 2*Window:
		case t.message() && age < Window:
			out = append(out, t)
		case t.known():
			rest = append(rest, t)
		}
	}
	slices.SortStableFunc(rest, func(a, b Told) int { return b.Happened.Compare(a.Happened) })
	return append(out, rest[:min(len(rest), mostKnown)]...)
}

// kin is what happenings have in common that are one line of a summary.
type kin struct {
	fate                 Fate
	kind                 happening.Type
	subject, title, word string
}

type keeper struct {
	marks   map[string]Told // by ID, of those that wait
	at      map[kin]int     // in waiting
	waiting []happening.Happening
}

// add has h wait, with those of its kin.
func (k *keeper) add(h happening.Happening) {
	t, marked := k.marks[h.ID]
	if !marked {
		k.waiting = append(k.waiting, h)
		return
	}
	id := kin{t.Fate, h.Type, h.Subject, h.Title, wordFor(h)}
	i, there := k.at[id]
	if !there {
		k.at[id] = len(k.waiting)
		k.waiting = append(k.waiting, h)
		return
	}
	before := k.waiting[i]
	last, other := h, before
	if cmp.Or(before.At.Compare(h.At), cmp.Compare(before.ID, h.ID)) > 0 {
		last, other = before, h
	}
	t = k.marks[last.ID]
	t.Times = max(1, t.Times) + max(1, k.marks[other.ID].Times)
	k.marks[last.ID] = t
	delete(k.marks, other.ID)
	k.waiting[i] = last
}

// bound counts those by kinds that are too many.
func (k *keeper) bound() {
	var own []happening.Happening
	for _, h := range k.waiting {
		if _, marked := k.marks[h.ID]; marked && h.Subject != "" {
			own = append(own, h)
		}
	}
	if len(own) <= mostWaiting {
		return
	}
	slices.SortStableFunc(own, func(a, b happening.Happening) int {
		switch {
		case a.Alarming() == b.Alarming():
			return a.At.Compare(b.At)
		case a.Alarming():
			return 1
		}
		return -1
	})
	less := map[string]bool{}
	for _, h := range own[:len(own)-mostWaiting] {
		less[h.ID] = true
	}
	all := k.waiting
	k.waiting, k.at = nil, map[kin]int{}
	for _, h := range all {
		if less[h.ID] {
			t := k.marks[h.ID]
			t.Fate, t.Subject, t.Title = Held, "", wordFor(h)
			k.marks[h.ID] = t
			h.Subject, h.Title, h.Lines = "", wordFor(h), nil
		}
		k.add(h)
	}
}
