package webhook_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"
)

// A dribble gives its bytes, says so, and ends when it is told.
type dribble struct {
	left  int
	given chan<- struct{}
	end   <-chan struct{}
}

func (d *dribble) Read(p []byte) (int, error) {
	if d.left == 0 {
		if d.given != nil {
			d.given <- struct{}{}
			d.given = nil
		}
		<-d.end
		return 0, io.EOF
	}
	n := min(len(p), d.left)
	clear(p[:n])
	d.left -= n
	return n, nil
}

const large = `
  - {name: big, kind: generic, registry: ghcr.io, repositories: ["**"], maxBody: 8388608, auth: {type: hmac, secretEnv: X}}
`

// Bodies of all requests together are bounded, by what came and not by what was
// announced; what they took is given back.
func TestBodiesTogetherAreBounded(t *testing.T) {
	t.Parallel()
	k := &keeper{}
	h := handler(t, k, large) // 16 MiB together
	given, end := make(chan struct{}), make(chan struct{})
	var wait sync.WaitGroup
	begin := func(size int) {
		r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/hooks/big", &dribble{left: size, given: given, end: end})
		r.Header.Set("Content-Type", "application/json")
		r.ContentLength = 8 << 20
		wait.Go(func() { ask(t, h, r) })
		<-given
	}
	for range 100 {
		begin(1) // each announces 8 MiB
	}
	full := post(t, "/hooks/big", `{"image":"ghcr.io/a/b:1"}`, "X-Intact-Signature", sign(`{"image":"ghcr.io/a/b:1"}`))
	if w := ask(t, h, full.Clone(t.Context())); w.Code != http.StatusAccepted {
		t.Errorf("beside slow ones: %d", w.Code)
	}
	begin(5 << 20)
	r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/hooks/big", io.LimitReader(spaces{}, 8<<20))
	r.Header.Set("Content-Type", "application/json")
	if w := ask(t, h, r); w.Code != http.StatusTooManyRequests || w.Header().Get("Retry-After") == "" || k.count("big/busy") != 1 {
		t.Errorf("too much together: %d %v", w.Code, k.counts)
	}
	close(end)
	wait.Wait()
	r = httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/hooks/big", io.LimitReader(spaces{}, 8<<20))
	r.Header.Set("Content-Type", "application/json")
	if w := ask(t, h, r); w.Code != http.StatusUnauthorized {
		t.Errorf("after they went: %d", w.Code)
	}
}

// What a sender says of its own time is measured by our clock, which may step.
func TestNexusIsTakenOnce(t *testing.T) {
	t.Parallel()
	const list = `
  - {name: nx, kind: nexus, registry: "nexus.acme.example:8082", repositories: ["**"], auth: {type: hmac, secretEnv: X}}
`
	for at, want := range map[time.Duration]int{0: 202, -59 * time.Minute: 202, -61 * time.Minute: 401, 61 * time.Minute: 401} {
		k := &keeper{}
		h := handler(t, k, list)
		body := `{"timestamp":"` + now.Add(at).Format("2006-01-02T15:04:05.000-0700") + `","repositoryName":"hosted","action":"CREATED","component":{"format":"docker","name":"a/b","version":"1"}}`
		for _, id := range []string{"1", "1", "2"} {
			w := ask(t, h, post(t, "/hooks/nx", body, "X-Nexus-Webhook-Delivery", id, "X-Nexus-Webhook-Signature", mac(sha1New, secretText, body)))
			if w.Code != want {
				t.Errorf("%s: %d, want %d", at, w.Code, want)
			}
		}
		if want == 401 && (len(k.kept) > 0 || k.count("nx/replayed") != 3) || want == 202 && k.count("nx/duplicate") != 1 {
			t.Errorf("%s: %v", at, k.counts)
		}
	}
}

// A sender whose body is the same for two pushes of one tag is believed each
// time: the second may be of another image.
func TestPushesThatLookTheSameAreTwo(t *testing.T) {
	t.Parallel()
	const list = `
  - {name: quay, kind: quay, registry: quay.io, repositories: ["**"], auth: {type: path, secretEnv: X}}
  - {name: jfrog, kind: artifactory, registry: acme.jfrog.io, repositories: ["**"], auth: {type: header, secretEnv: X}}
`
	k := &keeper{}
	clock := now
	s := server(t, k, list, func(o *optionsOf) { o.Now = func() time.Time { clock = clock.Add(time.Millisecond); return clock } })
	for range 2 {
		send(t, s, "/hooks/quay/"+secretText, text(`{"repository":"a/b","updated_tags":["1"]}`))
		send(t, s, "/hooks/jfrog", text(`{"domain":"docker","event_type":"pushed","data":{"repo_key":"k","image_name":"b","tag":"1"}}`), "X-JFrog-Event-Auth", secretText)
	}
	if k.count("quay/accepted") != 2 || k.count("jfrog/accepted") != 2 {
		t.Errorf("%v", k.counts)
	}
}

// An id that no signature covers hides nothing: somebody who repeats a body under
// an id that is still to come must not keep out what the sender will send.
func TestAnIDInAHeaderHidesNoOtherDelivery(t *testing.T) {
	t.Parallel()
	const list = `
  - {name: hub, kind: github, repositories: [ghcr.io/**], auth: {type: hmac, secretEnv: X}}
`
	k := &keeper{}
	h := handler(t, k, list)
	for _, tag := range []string{"1", "1", "2"} {
		body := `{"action":"published","package":{"name":"app","package_type":"CONTAINER","owner":{"login":"acme"},"package_version":{"version":"` + tag + `"}}}`
		ask(t, h, post(t, "/hooks/hub", body, "X-GitHub-Event", "package", "X-GitHub-Delivery", "7", "X-Hub-Signature-256", sign(body)))
	}
	if k.count("hub/accepted") != 2 || k.count("hub/duplicate") != 1 {
		t.Errorf("%v", k.counts)
	}
}
