package notify_test

import (
	"fmt"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/intact-dev/intact/pkg/policy"
	"github.com/intact-dev/intact/pkg/serve/happening"
	"github.com/intact-dev/intact/pkg/serve/notify"
)

func TestKeep(t *testing.T) {
	t.Parallel()
	const deny, allow = policy.Deny, policy.Allow
	held := func(x happening.Happening, times int) notify.Told {
		k := told(notify.Held, 5, x)
		k.Times = times
		return k
	}
	a1, a2, a3, b := h("1", 1, "r/a:1", deny), h("2", 2, "r/a:1", deny), h("3", 3, "r/a:1", allow), h("4", 4, "r/b:1", deny)
	other := a2
	other.ID, other.Title = "5", "moved"
	for _, tt := range []struct {
		name    string
		minute  int
		told    []notify.Told
		waiting []happening.Happening
		want    []notify.Told
		ids     []string
	}{
		{name: "nothing"},
		{name: "what is one line is one, the last", told: []notify.Told{held(a1, 0), held(a2, 0), held(a3, 0), held(b, 0)}, waiting: []happening.Happening{a2, a1, a3, b},
			want: []notify.Told{held(a2, 2), held(a3, 0), held(b, 0)}, ids: []string{"2", "3", "4"}},
		{name: "numbers are added", told: []notify.Told{held(a1, 7), held(a2, 2)}, waiting: []happening.Happening{a1, a2},
			want: []notify.Told{held(a2, 9)}, ids: []string{"2"}},
		{name: "another title is another line", told: []notify.Told{held(a2, 0), held(other, 0)}, waiting: []happening.Happening{a2, other},
			want: []notify.Told{held(a2, 0), held(other, 0)}, ids: []string{"2", "5"}},
		{name: "repeats and held ones are told at different times", told: []notify.Told{held(a1, 0), told(notify.Repeated, 5, a2)}, waiting: []happening.Happening{a1, a2},
			want: []notify.Told{held(a1, 0), told(notify.Repeated, 5, a2)}, ids: []string{"1", "2"}},
		{name: "what is not decided stays", waiting: []happening.Happening{a1, a2}, ids: []string{"1", "2"}},
		{name: "twice is once", told: []notify.Told{held(a1, 0)}, waiting: []happening.Happening{a1, a1}, want: []notify.Told{held(a1, 0)}, ids: []string{"1"}},
		{name: "marks of what does not wait go", told: []notify.Told{held(a1, 3)}},
		{name: "what people know is kept for two hours", minute: 119,
			told: []notify.Told{told(notify.Sent, 0, a1), told(notify.InFold, 0, a2), told(notify.Summary, 0, a3), told(notify.Refused, 0, b)},
			want: []notify.Told{told(notify.InFold, 0, a2), told(notify.Sent, 0, a1)}},
		{name: "messages for one", minute: 59, told: []notify.Told{told(notify.Summary, 0, a3), told(notify.Refused, 0, b)},
			want: []notify.Told{told(notify.Summary, 0, a3), told(notify.Refused, 0, b)}},
		{name: "and then it goes", minute: 121, told: []notify.Told{told(notify.Sent, 0, a1), told(notify.InFold, 0, a2)}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got, waiting := notify.Keep(at(tt.minute), tt.told, tt.waiting)
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Error(diff)
			}
			var ids []string
			for _, x := range waiting {
				ids = append(ids, x.ID)
			}
			if diff := cmp.Diff(tt.ids, ids); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// A place that is full, or down, for ever, while everything that happens has a title
// of its own: what is kept of it does not grow, alarms are named before the rest, and
// all are counted when there is room.
func TestWhatIsKeptIsBounded(t *testing.T) {
	t.Parallel()
	const n, pages = 500, 12
	kept := sentAt(10, 0)
	var waiting []happening.Happening
	for page := range pages {
		for i := range n {
			id := fmt.Sprintf("%d-%d", page, i)
			x := h(id, 1+page, "r/"+id+":1", policy.Allow)
			if i%10 == 0 {
				x = h(id, 1+page, "r/"+id+":1", policy.Deny)
			}
			waiting = append(waiting, x)
		}
		s := notify.Plan(at(1+page), 10, kept, waiting)
		if len(s.Send) > 0 || s.Fold != nil || !s.Full.Equal(at(60)) {
			t.Fatalf("page %d: got %+v", page, s)
		}
		times := map[string]int{}
		for _, k := range kept {
			times[k.ID] = k.Times
		}
		kept = slices.DeleteFunc(kept, notify.Told.Waits)
		for _, x := range s.Held {
			mark := told(notify.Held, 1+page, x)
			mark.Times = times[x.ID]
			kept = append(kept, mark)
		}
		kept, waiting = notify.Keep(at(1+page), kept, waiting)
		if len(kept) > 1100 || len(waiting) > 1100 {
			t.Fatalf("page %d: %d and %d are kept", page, len(kept), len(waiting))
		}
	}
	s := notify.Plan(at(60), 10, kept, waiting)
	if s.Fold == nil || s.Fold.Title != "6000 more: 600 denied, 5400 allowed" || !s.Full.IsZero() {
		t.Fatalf("got %+v, full till %s", s.Fold, s.Full)
	}
	if first, others := s.Fold.Lines[0], s.Fold.Lines[len(s.Fold.Lines)-1]; len(s.Fold.Lines) != 1001 || first != "r/0-0:1: deny (12:01)" || others != "others: allowed (5000 times, last 12:12)" {
		t.Errorf("%d lines, %q, %q", len(s.Fold.Lines), first, others)
	}
}

// What a place refused is known to nobody: it counts as a message, and the same is
// news when it happens again.
func TestWhatWasRefusedIsNotKnown(t *testing.T) {
	t.Parallel()
	first := h("1", 0, "r/a:1", policy.Deny)
	got := resultOf(notify.Plan(at(10), 2, []notify.Told{told(notify.Refused, 0, first)}, []happening.Happening{first, h("2", 9, "r/a:1", policy.Deny), h("3", 10, "r/b:1", policy.Deny)}))
	if diff := cmp.Diff(result{Done: []string{"1"}, Send: []string{"2"}, Held: []string{"3"}, Again: at(60)}, got); diff != "" {
		t.Error(diff)
	}
}
