package serve

import (
	"testing"

	"github.com/intact-dev/intact/pkg/ref"
	"github.com/intact-dev/intact/pkg/serve/webhook"
)

// Hints that ask for different things are not taken for one.
func TestHintsOfOneDigestAreOneOnlyIfTheyAskForTheSame(t *testing.T) {
	t.Parallel()
	d := ref.DigestOf([]byte("x"), "")
	event := func(action webhook.Action, digest, subject ref.Digest) webhook.Event {
		return webhook.Event{Registry: "ghcr.io", Repository: "acme/api", Action: action, Digest: digest, Subject: subject}
	}
	keys := map[string]string{}
	for name, e := range map[string]webhook.Event{
		"pushed by digest": event(webhook.Push, d, ""), "deleted by digest": event(webhook.Delete, d, ""), "its signature": event(webhook.Signature, "", d),
		"something": event(webhook.Other, "", ""), "something deleted": event(webhook.Delete, "", ""),
	} {
		task, err := hintTask(e, "test")
		if err != nil {
			t.Fatal(err)
		}
		if other, twice := keys[task.Key]; twice {
			t.Errorf("%s and %s are both %q", name, other, task.Key)
		}
		keys[task.Key] = name
	}
	again, err := hintTask(event(webhook.Signature, ref.DigestOf([]byte("another signature"), ""), d), "test")
	if err != nil || keys[again.Key] != "its signature" {
		t.Errorf("two signatures of one image: %q, %v", again.Key, err)
	}
}
