package notify

import (
	"cmp"
	"slices"
	"time"

	"github.com/intact-dev/intact/pkg/serve/happening"
)

// Window is the time over which messages to one place are counted, and in which
// the same thing is told once.
const Window = time.Hour

// A Step is what to do about one place now.
type Step struct {
	// Send are to be sent one by one, in this order. Each is [Sent] when it was.
	Send []happening.Happening
	// Fold is one summary to send, nil = none. When it was, it is Summary itself and
	// the happenings of Folded are InFold.
	Fold   *happening.Happening
	Folded []happening.Happening
	// Held and Repeated are to be kept as such. They go on waiting.
	Held, Repeated []happening.Happening
	// Done were told before, by their ID, and need not wait.
	Done []happening.Happening
	// Again is when waiting ones can be told, at the latest; zero = none waits.
	Again time.Time
	// Full is until when nothing more can be sent after this step, however alarming;
	// zero = there is room.
	Full time.Time
}

// Plan says what to tell a place at now. Told is what is kept of the place, waiting
// are the happenings that it was not told, in any order; limit is how many messages
// an hour it gets, at least one. Plan keeps nothing: whoever calls it stores the
// fates, after sending, and asks again when something happens or at [Step.Again].
// A Told with [Held] or [Repeated] does not keep its happening from waiting.
//
// Within each hour at most limit messages are sent, and a quarter of them is kept
// for what is alarming, so that much that is not cannot push it back. What is over
// the limit is held, and told in one summary as soon as there is room again.
//
// A repeat is what happens with the title of the one before it of the same
// subject, within an hour of when that was told: after "denied, allowed" a third
// "denied" is news, in whatever order they come here. Repeats are counted in a
// summary, an hour after it was told. Changes of what runs are no repeats.
func Plan(now time.Time, limit int, told []Told, waiting []happening.Happening) Step {
	p := newPlanner(now, limit, told)
	waiting = slices.Clone(waiting)
	slices.SortStableFunc(waiting, func(a, b happening.Happening) int {
		return cmp.Or(a.At.Compare(b.At), cmp.Compare(a.ID, b.ID))
	})
	seen := map[string]bool{}
	for _, h := range waiting {
		if !seen[h.ID] { // twice in waiting is once
			seen[h.ID] = true
			p.sort(h)
		}
	}
	p.fold()
	for _, h := range p.fresh {
		p.tell(h)
	}
	if !p.room(true) {
		p.step.Full = p.roomAt(true)
	}
	return p.step
}

// A planner is one call of Plan.
type planner struct {
	now   time.Time
	limit int
	fate  map[string]Told
	known map[string][]record // by subject, in the order of what happened
	sent  []time.Time         // messages within the window, oldest first
	held  []happening.Happening
	due   []happening.Happening // repeats whose hour is over
	fresh []happening.Happening // neither held nor repeats
	step  Step
}

// A record is one thing that people were told, or will be, of a subject.
type record struct {
	happened, told time.Time
	title          string
	held           bool
}

func newPlanner(now time.Time, limit int, told []Told) *planner {
	p := &planner{now: now, limit: max(1, limit), fate: map[string]Told{}, known: map[string][]record{}}
	for _, t := range told {
		p.fate[t.ID] = t
		if t.message() && p.recent(t.At) {
			p.sent = append(p.sent, t.At)
		}
		if t.known() {
			p.record(t.Subject, record{happened: t.Happened, told: t.At, title: t.Title})
		}
	}
	slices.SortFunc(p.sent, time.Time.Compare)
	return p
}

// recent reports whether what was told at a time still counts. What the clock says
// is later than now was told all the same, but by a clock that was wrong by more
// than the window nobody is kept from hearing for longer than that.
func (p *planner) recent(at time.Time) bool { return p.now.Sub(at).Abs() < Window }

func (p *planner) record(subject string, r record) {
	list := p.known[subject]
	i := len(list)
	for i > 0 && r.happened.Before(list[i-1].happened) {
		i--
	}
	p.known[subject] = slices.Insert(list, i, r)
}

// before is what people know to have happened last before h, to its subject.
func (p *planner) before(h happening.Happening) (record, bool) {
	list := p.known[h.Subject]
	for i := len(list) - 1; i >= 0; i-- {
		if !list[i].happened.After(h.At) {
			return list[i], true
		}
	}
	return record{}, false
}

// times is how many happenings h stands for.
func (p *planner) times(h happening.Happening) int { return max(1, p.fate[h.ID].Times) }

// superseded reports whether people know something else that happened to the
// subject of h after it.
func (p *planner) superseded(h happening.Happening) bool {
	return h.Subject != "" && slices.ContainsFunc(p.known[h.Subject], func(r record) bool { return r.happened.After(h.At) && r.title != h.Title })
}

// sort says what h is. All before it were sorted.
func (p *planner) sort(h happening.Happening) {
	fate := p.fate[h.ID].Fate
	before, any := p.before(h)
	// Two changes of what runs are never the same, however alike their titles are:
	// each is what the look before did not find.
	same := any && before.title == h.Title && h.Type != happening.RunningChanged
	switch {
	case fate != "" && fate != Held && fate != Repeated:
		p.step.Done = append(p.step.Done, h)
		return
	case fate == Held || same && before.held:
		p.held = append(p.held, h)
		p.record(h.Subject, record{happened: h.At, title: h.Title, held: true})
		return
	case same && p.recent(before.told):
		p.step.Repeated = append(p.step.Repeated, h)
		p.again(before.told.Add(Window))
		return
	case same && fate == Repeated:
		p.due = append(p.due, h)
		return
	}
	p.fresh = append(p.fresh, h)
	p.record(h.Subject, record{happened: h.At, told: p.now, title: h.Title})
}

// quiet is how many messages there may be before only alarms are sent.
func (p *planner) quiet() int { return p.limit - p.limit/4 }

// room reports whether one more message may be sent.
func (p *planner) room(alarming bool) bool { return len(p.sent) < p.most(alarming) }

func (p *planner) most(alarming bool) int {
	if alarming {
		return p.limit
	}
	return p.quiet()
}

// wait looks again when there is room. There is none now.
func (p *planner) wait(alarming bool) { p.again(p.roomAt(alarming)) }

func (p *planner) roomAt(alarming bool) time.Time {
	return p.sent[len(p.sent)-p.most(alarming)].Add(Window)
}

func (p *planner) again(at time.Time) {
	if p.step.Again.IsZero() || at.Before(p.step.Again) {
		p.step.Again = at
	}
}

// fold makes the summary of what was held and of repeats, if there is room.
func (p *planner) fold() {
	all := slices.Concat(p.held, p.due)
	if len(all) == 0 {
		return
	}
	alarming := slices.ContainsFunc(all, happening.Happening.Alarming)
	switch {
	case !p.room(alarming):
		p.step.Held = append(p.step.Held, p.held...)
		p.step.Repeated = append(p.step.Repeated, p.due...)
		p.wait(alarming)
		return
	case len(all) == 1 && len(p.held) == 1 && p.times(all[0]) == 1 && !p.superseded(all[0]):
		p.send(all[0]) // a summary of one would say less
		return
	}
	slices.SortStableFunc(all, func(a, b happening.Happening) int { return a.At.Compare(b.At) })
	s := summary(p.now, all, p.times, p.superseded)
	p.step.Fold, p.step.Folded = &s, all
	p.sent = append(p.sent, p.now)
}

// tell sends a fresh one, or holds it.
func (p *planner) tell(h happening.Happening) {
	if p.room(h.Alarming()) {
		p.send(h)
		return
	}
	p.step.Held = append(p.step.Held, h)
	p.wait(h.Alarming())
}

func (p *planner) send(h happening.Happening) {
	p.step.Send = append(p.step.Send, h)
	p.sent = append(p.sent, p.now)
}
