//go:build e2e

package webhook_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/intact-dev/intact/pkg/internal/testground"
	"github.com/intact-dev/intact/pkg/internal/testimage"
	"github.com/intact-dev/intact/pkg/serve/webhook"
)

// A relay hands deliveries on.
type relay chan webhook.Delivery

func (r relay) Accept(_ context.Context, d webhook.Delivery) (bool, error) { r <- d; return true, nil }

// A real registry tells of a push, a signature's tag and a deletion, once each,
// and its layers and pulls are no events.
func TestRegistryTellsOfPushes(t *testing.T) {
	kept := relay(make(chan webhook.Delivery, 100))
	k := &keeper{}
	s := server(t, k, three, func(o *webhook.Options) { o.Inbox = kept; o.Now = time.Now })
	// Read by the registry in the place of its file.
	t.Setenv("REGISTRY_NOTIFICATIONS_ENDPOINTS", `[{"name":"intact","url":"`+s.URL+`/hooks/dist","headers":{"Authorization":["`+secretText+`"]},"timeout":"2s","threshold":3,"backoff":"1s"}]`)
	r, err := testground.StartRegistry(t.Context(), t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = r.Close() })
	spec := testimage.Spec{Images: []testimage.Image{{Layers: []testimage.Layer{{}}}}}
	built, err := testground.PushSpec(t.Context(), t.TempDir(), spec, r.Addr+"/team/app:1.2.3")
	if err != nil {
		t.Fatal(err)
	}
	digest := built.Root.Descriptor.Digest
	if err := testground.Push(t.Context(), layoutOf(t, built), "image", r.Addr+"/team/app:"+testimage.SigTag(digest)); err != nil {
		t.Fatal(err)
	}
	if err := r.Delete(t.Context(), "team/app", string(digest)); err != nil {
		t.Fatal(err)
	}
	var got []string
	for range 3 {
		select {
		case d := <-kept:
			for _, e := range d.Events {
				got = append(got, strings.Join([]string{string(e.Action), e.Ref().String(), string(e.Digest), string(e.Subject)}, " "))
			}
		case <-time.After(30 * time.Second):
			t.Fatalf("after %q nothing comes; counted: %v", got, k.counts)
		}
	}
	sig := testimage.SigTag(digest)
	want := []string{
		"push registry.acme.example:5000/team/app:1.2.3 " + string(digest) + " ",
		"signature registry.acme.example:5000/team/app:" + sig + " " + string(digest) + " " + string(digest),
		"delete registry.acme.example:5000/team/app " + string(digest) + " ",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	t.Logf("%v", k.counts)
}

func layoutOf(t *testing.T, built *testimage.Built) string {
	t.Helper()
	dir := t.TempDir()
	if err := testimage.WriteLayout(dir, testimage.Entry{Built: built, Name: "image"}); err != nil {
		t.Fatal(err)
	}
	return dir
}
