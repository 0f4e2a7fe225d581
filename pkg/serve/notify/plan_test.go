package notify_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/intact-dev/intact/pkg/policy"
	"github.com/intact-dev/intact/pkg/serve/happening"
	"github.com/intact-dev/intact/pkg/serve/notify"
)

// at is minutes after noon.
func at(minutes int) time.Time { return now.Add(time.Duration(minutes) * time.Minute) }

// h is a happening at a minute; its title is its verdict.
func h(id string, minute int, subject string, d policy.Decision) happening.Happening {
	return happening.Happening{ID: id, At: at(minute), Type: happening.ImageJudged, Subject: subject, Title: d.String(), Verdict: d}
}

func told(fate notify.Fate, minute int, x happening.Happening) notify.Told {
	return notify.Told{ID: x.ID, Fate: fate, At: at(minute), Subject: x.Subject, Title: x.Title, Happened: x.At}
}

// sentAt are n messages about other subjects, sent at a minute.
func sentAt(n, minute int) []notify.Told {
	var out []notify.Told
	for i := range n {
		id := fmt.Sprintf("old-%d-%d", minute, i)
		out = append(out, told(notify.Sent, minute, h(id, minute, "r/"+id, policy.Allow)))
	}
	return out
}

// A result is a Step by IDs.
type result struct {
	Send, Folded, Held, Repeated, Done []string
	Title                              string
	Again                              time.Time
}

func resultOf(s notify.Step) result {
	ids := func(list []happening.Happening) (out []string) {
		for _, x := range list {
			out = append(out, x.ID)
		}
		return out
	}
	r := result{Send: ids(s.Send), Folded: ids(s.Folded), Held: ids(s.Held), Repeated: ids(s.Repeated), Done: ids(s.Done), Again: s.Again}
	if s.Fold != nil {
		r.Title = s.Fold.Title
	}
	return r
}

func TestPlan(t *testing.T) {
	t.Parallel()
	const deny, allow, warn = policy.Deny, policy.Allow, policy.Warn
	denied := h("1", 0, "r/a:1", deny)
	for _, tt := range []struct {
		name    string
		minute  int
		limit   int
		told    []notify.Told
		waiting []happening.Happening
		want    result
	}{
		{name: "nothing waits", limit: 4},
		{name: "in the order of what happened, each once", limit: 4,
			waiting: []happening.Happening{h("2", 1, "r/b:1", allow), h("1", 0, "r/a:1", deny), h("2", 1, "r/b:1", allow)},
			want:    result{Send: []string{"1", "2"}}},
		{name: "told before", minute: 5, limit: 4, told: []notify.Told{told(notify.Sent, 0, denied)}, waiting: []happening.Happening{denied},
			want: result{Done: []string{"1"}}},
		{name: "a quarter is for alarms", minute: 10, limit: 4, told: sentAt(3, 0),
			waiting: []happening.Happening{h("1", 5, "r/a:1", allow), h("2", 6, "r/b:1", deny)},
			want:    result{Send: []string{"2"}, Held: []string{"1"}, Again: at(60)}},
		{name: "alarms over the limit wait as well", minute: 10, limit: 4, told: append(sentAt(2, 0), sentAt(2, 5)...),
			waiting: []happening.Happening{h("1", 5, "r/a:1", deny)},
			want:    result{Held: []string{"1"}, Again: at(60)}},
		{name: "what was over the limit is folded when there is room", minute: 60, limit: 4,
			told:    append(append(sentAt(2, 0), sentAt(2, 5)...), told(notify.Held, 10, h("1", 5, "r/a:1", deny)), told(notify.Held, 10, h("2", 6, "r/b:1", allow))),
			waiting: []happening.Happening{h("1", 5, "r/a:1", deny), h("2", 6, "r/b:1", allow), h("3", 59, "r/c:1", deny)},
			want:    result{Folded: []string{"1", "2"}, Title: "2 more: 1 denied, 1 allowed", Send: []string{"3"}}},
		{name: "not yet", minute: 59, limit: 2, told: append(sentAt(2, 0), told(notify.Held, 10, h("1", 5, "r/a:1", deny))),
			waiting: []happening.Happening{h("1", 5, "r/a:1", deny)},
			want:    result{Held: []string{"1"}, Again: at(60)}},
		{name: "one alone is told by itself", minute: 60, limit: 2, told: append(sentAt(2, 0), told(notify.Held, 10, h("1", 5, "r/a:1", deny))),
			waiting: []happening.Happening{h("1", 5, "r/a:1", deny)},
			want:    result{Send: []string{"1"}}},
		{name: "a summary counts as a message", minute: 30, limit: 1, told: []notify.Told{told(notify.Summary, 20, h("s", 20, "", deny))},
			waiting: []happening.Happening{h("1", 25, "r/a:1", deny)},
			want:    result{Held: []string{"1"}, Again: at(80)}},
		{name: "the same again", minute: 10, limit: 9, told: []notify.Told{told(notify.Sent, 0, denied)},
			waiting: []happening.Happening{h("2", 9, "r/a:1", deny), h("3", 10, "r/b:1", deny)},
			want:    result{Repeated: []string{"2"}, Send: []string{"3"}, Again: at(60)}},
		{name: "each change of what runs is another one", minute: 10, limit: 9,
			told: []notify.Told{{ID: "1", Fate: notify.Sent, At: at(0), Subject: "prod", Title: "deny, was deny; 1 new findings", Happened: at(0)}},
			waiting: []happening.Happening{
				{ID: "2", At: at(9), Type: happening.RunningChanged, Subject: "prod", Title: "deny, was deny; 1 new findings", Verdict: deny},
				{ID: "3", At: at(10), Type: happening.RunningChanged, Subject: "prod", Title: "deny, was deny; 1 new findings", Verdict: deny}},
			want: result{Send: []string{"2", "3"}}},
		{name: "the same twice at once", minute: 10, limit: 9,
			waiting: []happening.Happening{h("1", 8, "r/a:1", deny), h("2", 9, "r/a:1", deny)},
			want:    result{Send: []string{"1"}, Repeated: []string{"2"}, Again: at(70)}},
		{name: "repeats are counted after an hour", minute: 60, limit: 9,
			told:    []notify.Told{told(notify.Sent, 0, denied), told(notify.Repeated, 10, h("2", 9, "r/a:1", deny)), told(notify.Repeated, 20, h("3", 20, "r/a:1", deny))},
			waiting: []happening.Happening{h("2", 9, "r/a:1", deny), h("3", 20, "r/a:1", deny)},
			want:    result{Folded: []string{"2", "3"}, Title: "2 more: 2 denied"}},
		{name: "after an hour it is news", minute: 61, limit: 9, told: []notify.Told{told(notify.Sent, 0, denied)},
			waiting: []happening.Happening{h("2", 61, "r/a:1", deny)},
			want:    result{Send: []string{"2"}}},
		{name: "and so is the same after something else", minute: 20, limit: 9,
			told:    []notify.Told{told(notify.Sent, 0, denied), told(notify.Sent, 10, h("2", 10, "r/a:1", allow))},
			waiting: []happening.Happening{h("3", 20, "r/a:1", deny)},
			want:    result{Send: []string{"3"}}},
		{name: "also if that comes late", minute: 20, limit: 9,
			told:    []notify.Told{told(notify.Sent, 0, denied), told(notify.Repeated, 10, h("3", 10, "r/a:1", deny))},
			waiting: []happening.Happening{h("3", 10, "r/a:1", deny), h("2", 5, "r/a:1", allow)},
			want:    result{Send: []string{"2", "3"}}},
		{name: "or is held", minute: 20, limit: 4,
			told:    append(sentAt(3, 0), told(notify.Sent, 0, denied), told(notify.Held, 10, h("2", 10, "r/a:1", allow))),
			waiting: []happening.Happening{h("2", 10, "r/a:1", allow), h("3", 20, "r/a:1", deny)},
			want:    result{Held: []string{"2", "3"}, Again: at(60)}},
		{name: "a repeat of what is held is held", minute: 20, limit: 1,
			told:    append(sentAt(1, 0), told(notify.Held, 10, denied)),
			waiting: []happening.Happening{denied, h("2", 20, "r/a:1", deny)},
			want:    result{Held: []string{"1", "2"}, Again: at(60)}},
		{name: "and is folded with it", minute: 60, limit: 4,
			told:    append(sentAt(1, 0), told(notify.Held, 10, denied)),
			waiting: []happening.Happening{denied, h("2", 59, "r/a:1", deny)},
			want:    result{Folded: []string{"1", "2"}, Title: "2 more: 2 denied"}},
		{name: "a repeat stays one when something newer was told", minute: 30, limit: 9,
			told:    []notify.Told{told(notify.Sent, 0, denied), told(notify.Repeated, 10, h("2", 10, "r/a:1", deny)), told(notify.Sent, 20, h("3", 20, "r/a:1", allow))},
			waiting: []happening.Happening{h("2", 10, "r/a:1", deny)},
			want:    result{Repeated: []string{"2"}, Again: at(60)}},
		{name: "an old summary does not hide what is so now", minute: 65, limit: 9,
			told: []notify.Told{told(notify.InFold, 60, h("2", 9, "r/a:1", deny)), told(notify.Sent, 20, h("3", 20, "r/a:1", allow))},
			waiting: []happening.Happening{
				h("4", 64, "r/a:1", deny)},
			want: result{Send: []string{"4"}}},
		{name: "a clock that was set back", minute: 0, limit: 1, told: sentAt(1, 30),
			waiting: []happening.Happening{h("1", 0, "r/a:1", deny)},
			want:    result{Held: []string{"1"}, Again: at(90)}},
		{name: "by more than an hour", minute: 0, limit: 1, told: sentAt(1, 120),
			waiting: []happening.Happening{h("1", 0, "r/a:1", deny)},
			want:    result{Send: []string{"1"}}},
		{name: "and what was told by it is told again", minute: 10, limit: 9, told: []notify.Told{{ID: "0", Fate: notify.Sent, At: at(600), Happened: at(0), Subject: denied.Subject, Title: denied.Title}},
			waiting: []happening.Happening{h("1", 10, "r/a:1", deny)},
			want:    result{Send: []string{"1"}}},
		{name: "no limit is the least", minute: 0, limit: 0, waiting: []happening.Happening{h("1", 0, "r/a:1", warn), h("2", 0, "r/b:1", warn)},
			want: result{Send: []string{"1"}, Held: []string{"2"}, Again: at(60)}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got := resultOf(notify.Plan(at(tt.minute), tt.limit, tt.told, tt.waiting))
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestSummary(t *testing.T) {
	t.Parallel()
	waiting := []happening.Happening{
		h("1", 1, "r/a:1", policy.Allow), h("2", 2, "r/a:1", policy.Deny), h("3", 3, "r/a:1", policy.Deny), h("4", 4, "r/b:1", policy.Undecided),
		{ID: "5", At: at(5), Type: happening.TagDeleted, Subject: "r/c:1", Title: "deleted", Verdict: policy.Warn},
		{ID: "6", At: at(6), Type: happening.RunningUnseen, Subject: "kubernetes prod", Title: "no answer"},
		{ID: "7", At: at(7), Type: happening.ImageJudged, Subject: "r/d:main", Title: "moved", Before: "sha256:a", Digest: "sha256:b", Verdict: policy.Allow},
	}
	waiting = append(waiting, happening.Happening{ID: "8", At: at(8), Type: happening.ImageJudged, Subject: "r/e:1", Title: "r/e:1 moved back: denied", Verdict: policy.Deny})
	var marks []notify.Told
	for _, x := range waiting {
		marks = append(marks, told(notify.Held, 8, x))
	}
	s := notify.Plan(at(9), 100, marks, waiting).Fold
	if s == nil || s.ID == "" || s.Type != notify.Folded || s.Verdict != policy.Deny || s.Subject != "" {
		t.Fatalf("got %+v", s)
	}
	want := []string{
		"8 more: 3 denied, 1 undecided, 1 not seen, 1 deleted, 1 moved, 1 allowed",
		"r/a:1: deny (2 times, last 12:03)", "r/b:1: undecided (12:04)", "kubernetes prod: no answer (12:06)", "r/e:1 moved back: denied (12:08)",
		"r/a:1: allow (12:01, overtaken)", "r/c:1: deleted (12:05)", "r/d:main: moved (12:07, sha256:b)",
	}
	if diff := cmp.Diff(want, append([]string{s.Title}, s.Lines...)); diff != "" {
		t.Error(diff)
	}
	if again := notify.Plan(at(30), 100, marks, waiting).Fold; again.ID != s.ID {
		t.Error("a summary that is sent again has another ID")
	}
	marks, waiting = notify.Keep(at(30), marks, waiting)
	again := notify.Plan(at(30), 100, marks, waiting).Fold
	if diff := cmp.Diff(append([]string{s.ID, s.Title}, s.Lines...), append([]string{again.ID, again.Title}, again.Lines...)); diff != "" || len(waiting) != 7 {
		t.Errorf("of what was kept, %d, it says something else: %s", len(waiting), diff)
	}
}

// Whatever happens, in whatever order, and if every step is made from what is
// kept: the limit holds, everything is told, what is so now is what was told
// last, and it comes to an end. So it is if only what [notify.Keep] returns is kept.
func TestPlanByChance(t *testing.T) {
	t.Parallel()
	for seed := range uint64(32) {
		less := seed%2 == 1
		r := rand.New(rand.NewPCG(seed, 1))
		limit := 1 + r.IntN(12)
		kept := map[string]notify.Told{}
		var waiting []happening.Happening
		var messages []time.Time
		shown := map[string]happening.Happening{} // by subject, the latest that was told
		clock, n, counted := now, 0, 0
		var again time.Time
		for steps := 0; ; steps++ {
			if steps > 5000 {
				t.Fatalf("seed %d: no end", seed)
			}
			if n < 80 {
				for range r.IntN(4) {
					n++
					x := h(fmt.Sprint(n), 0, fmt.Sprintf("r/%d:1", r.IntN(5)), []policy.Decision{policy.Deny, policy.Allow, policy.Warn}[r.IntN(3)])
					x.At = clock.Add(-time.Duration(r.IntN(3000)) * time.Second / 10)
					waiting = append(waiting, x)
				}
				clock = clock.Add(time.Duration(r.IntN(600)) * time.Second)
			} else if again.IsZero() {
				break
			} else {
				clock = again
			}
			var list []notify.Told
			for _, k := range kept {
				list = append(list, k)
			}
			s := notify.Plan(clock, limit, list, waiting)
			keep := func(fate notify.Fate, hs ...happening.Happening) {
				for _, x := range hs {
					times := kept[x.ID].Times
					kept[x.ID] = notify.Told{ID: x.ID, Fate: fate, At: clock, Subject: x.Subject, Title: x.Title, Happened: x.At, Times: times}
					if fate == notify.Sent || fate == notify.InFold {
						counted += max(1, times)
						if l, ok := shown[x.Subject]; !ok || !x.At.Before(l.At) {
							shown[x.Subject] = x
						}
						waiting = slices.DeleteFunc(waiting, func(w happening.Happening) bool { return w.ID == x.ID })
					}
				}
			}
			keep(notify.Sent, s.Send...)
			keep(notify.InFold, s.Folded...)
			keep(notify.Held, s.Held...)
			keep(notify.Repeated, s.Repeated...)
			for range s.Send {
				messages = append(messages, clock)
			}
			if s.Fold != nil {
				keep(notify.Summary, *s.Fold)
				messages = append(messages, clock)
			}
			if len(s.Held)+len(s.Repeated) != len(waiting) || len(waiting) > 0 != !s.Again.IsZero() || !s.Again.IsZero() && !s.Again.After(clock) {
				t.Fatalf("seed %d: %d wait, %d held, %d repeated, again %v at %v", seed, len(waiting), len(s.Held), len(s.Repeated), s.Again, clock)
			}
			// What is a repeat says nothing new: people know it so already, or will be
			// told by what is held.
			for _, x := range s.Repeated {
				last, ok := shown[x.Subject]
				for _, y := range s.Held {
					if y.Subject == x.Subject && (!ok || y.At.After(last.At)) {
						last, ok = y, true
					}
				}
				if !last.At.After(x.At) && last.Title != x.Title {
					t.Fatalf("seed %d: %q was told last of %q, and %q is called a repeat", seed, last.Title, x.Subject, x.Title)
				}
			}
			again = s.Again
			if !less {
				continue
			}
			list = list[:0]
			for _, k := range kept {
				list = append(list, k)
			}
			list, waiting = notify.Keep(clock, list, waiting)
			kept = map[string]notify.Told{}
			for _, k := range list {
				kept[k.ID] = k
			}
		}
		if len(waiting) > 0 || counted != n {
			t.Errorf("seed %d: %d wait, %d of %d were told", seed, len(waiting), counted, n)
		}
		for i := range messages {
			if j := i + limit; j < len(messages) && messages[j].Sub(messages[i]) < notify.Window {
				t.Fatalf("seed %d: more than %d messages in an hour", seed, limit)
			}
		}
	}
}
