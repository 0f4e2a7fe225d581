package serve

import (
	"testing"
	"time"

	"github.com/intact-dev/intact/pkg/ref"
	"github.com/intact-dev/intact/pkg/serve/webhook"
)

func TestEventsOfOwnPushesAreIgnoredOnce(t *testing.T) {
	t.Parallel()
	now := time.Unix(1_000_000, 0)
	mine := ref.DigestOf([]byte("mine"), "")
	for _, tt := range []struct {
		name  string
		event webhook.Event
		after time.Duration
		want  bool
	}{
		{"by digest", webhook.Event{Action: webhook.Push, Digest: mine}, 0, true},
		{"a fallback tag", webhook.Event{Action: webhook.Signature, Tag: "sha256-0", Digest: mine}, ownTime, true},
		{"too late", webhook.Event{Action: webhook.Push, Digest: mine}, ownTime + 1, false},
		{"of somebody else", webhook.Event{Action: webhook.Push, Digest: ref.DigestOf([]byte("theirs"), "")}, 0, false},
		{"no digest", webhook.Event{Action: webhook.Push}, 0, false},
		{"a tag of people", webhook.Event{Action: webhook.Push, Tag: "1.0.0", Digest: mine}, 0, false},
		{"deleted", webhook.Event{Action: webhook.Delete, Digest: mine}, 0, false},
		{"anything", webhook.Event{Action: webhook.Other, Digest: mine}, 0, false},
	} {
		var o own
		if o.heard(tt.event, now) {
			t.Errorf("%s: nothing was pushed", tt.name)
		}
		o.push(mine, now)
		if got := o.heard(tt.event, now.Add(tt.after)); got != tt.want {
			t.Errorf("%s: %v", tt.name, got)
		}
		if tt.want && o.heard(tt.event, now.Add(tt.after)) {
			t.Errorf("%s: ignored twice", tt.name)
		}
	}
}

func TestOwnPushesDoNotPileUp(t *testing.T) {
	t.Parallel()
	now := time.Unix(1_000_000, 0)
	var o own
	for i := range mostOwn + 5 {
		o.push(ref.DigestOf([]byte{byte(i), byte(i >> 8)}, ""), now)
	}
	if len(o.until) != mostOwn {
		t.Errorf("%d are kept, at most %d", len(o.until), mostOwn)
	}
	o.push(ref.DigestOf(nil, ""), now.Add(2*ownTime))
	if len(o.until) != 1 {
		t.Errorf("%d are kept, of which one may still be heard of", len(o.until))
	}
}
