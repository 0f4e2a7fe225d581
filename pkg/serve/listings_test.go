package serve_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/intact-dev/intact/pkg/internal/testregistry"
)

// lists counts what the registry was asked about signatures.
func (w *world) lists() int {
	n := 0
	for _, q := range w.registry.Requests() {
		if q.Method == http.MethodGet && (q.Kind == testregistry.Referrers || q.Kind == testregistry.ManifestTag && strings.HasPrefix(q.Reference, "sha256-")) {
			n++
		}
	}
	return n
}

// The tags of one image cost one look for signatures, until an event says that
// there may be another.
func TestTagsOfOneImage(t *testing.T) {
	t.Parallel()
	w := newWorld(t, hooked, nil)
	digest := w.push("acme/app", "t0", "one")
	w.event("0", "acme/app", "t0", secret)
	w.tells(1)
	once := w.lists()
	if once == 0 {
		t.Fatal("nothing was asked about signatures")
	}
	for n := range 3 {
		tag := fmt.Sprint("t", n+1)
		w.push("acme/app", tag, "one")
		w.event(tag, "acme/app", tag, secret)
		w.tells(n + 2)
	}
	if n := w.lists(); n != once {
		t.Errorf("4 tags of one image: %d requests about signatures, %d of them for the first", n, once)
	}
	t.Logf("4 tags of one image: %d requests about signatures in place of %d", once, 4*once)
	// A signature's event, and the tags are judged again by what is there then: as
	// nothing changed, nobody is told.
	w.event("s", "acme/app", "sha256-"+digest.Hex()+".sig", secret)
	w.push("acme/app", "t5", "one")
	w.event("t5", "acme/app", "t5", secret)
	w.tells(5)
	if n := w.lists(); n < 2*once {
		t.Errorf("after a signature's event: %d requests, %d for the first look", n, once)
	}
}

// What is pushed by its digest alone may be a signature of anything.
func TestAPushWithoutATag(t *testing.T) {
	t.Parallel()
	w := newWorld(t, hooked, nil)
	w.push("acme/app", "t0", "one")
	w.event("0", "acme/app", "t0", secret)
	w.tells(1)
	once := w.lists()
	referrer := "sha256:" + strings.Repeat("1", 64)
	w.post(fmt.Sprintf(`{"events":[{"id":"r","action":"push","target":{"mediaType":"application/vnd.oci.image.manifest.v1+json","repository":"acme/app","digest":%q}}]}`, referrer), secret)
	w.idle("hint", fmt.Sprintf("%s/acme/app@%s false false", w.registry.Host, referrer))
	w.push("acme/app", "t1", "one")
	w.event("1", "acme/app", "t1", secret)
	w.tells(2)
	if n := w.lists(); n != 2*once {
		t.Errorf("%d requests about signatures, %d of them before", n, once)
	}
}

// idle waits until a task is done.
func (w *world) idle(kind, key string) {
	w.t.Helper()
	for range 1000 {
		s, ok, err := w.service.Queue().State(w.t.Context(), kind, key)
		if err != nil {
			w.t.Fatal(err)
		}
		if ok && s.Done == s.Wanted {
			return
		}
		time.Sleep(5 * time.Millisecond)
	}
	w.t.Fatalf("%s %s is not done", kind, key)
}
