//go:build e2e && linux

package e2e_test

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"
)

// What a registry listed as signatures is kept, and a signature that is pushed
// right after it is seen at the next judgement all the same.
func TestServeSeesASignatureAtOnce(t *testing.T) {
	s := startServing(t, newGround(t), 1, "sqlite: intact.db", "1m")
	built, first := s.push(t, app("kept"), "acme/app:3.0.0")
	s.awaiting(t, first)
	ok(t, s.v2.SignV2(t.Context(), s.key, atDigest(first, built)))
	_, second := s.push(t, app("kept"), "acme/app:3.0.1") // while what was listed first is young
	for _, ref := range []string{first, second} {
		if told := s.place.await(t, ref, 1, 10*time.Second); told[0].Data.Verdict == "deny" || told[0].Data.Verdict == "undecided" {
			t.Errorf("%s: %+v", ref, told[0])
		}
	}
	// From now on the tags of the image cost no look for signatures.
	s.looks(t)
	const more = 4
	for n := range more {
		_, ref := s.push(t, app("kept"), fmt.Sprintf("acme/app:3.1.%d", n))
		if told := s.place.await(t, ref, 1, 10*time.Second); told[0].Data.Verdict == "deny" {
			t.Errorf("%s: %+v", ref, told[0])
		}
	}
	if n := s.looks(t); n != 0 {
		t.Errorf("%d more tags of a signed image: %d requests for lists of signatures", more, n)
	}
	// Who asks gets a look of now, over the command, by the tag and by the digest.
	for _, ref := range []string{first, atDigest(first, built)} {
		if out := s.run(t, "scan", "--server", "http://"+s.addresses[0], ref); !strings.Contains(out, "ALLOWED") || !strings.Contains(out, string(built.Root.Descriptor.Digest)) {
			t.Errorf("scan %s:\n%s", ref, out)
		}
		if n := s.looks(t); n == 0 {
			t.Errorf("scan %s: nothing was asked about signatures", ref)
		}
	}
}

// awaiting waits until ref was judged and awaits its signature.
func (s *serving) awaiting(t *testing.T, ref string) {
	t.Helper()
	for end := time.Now().Add(10 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		r := must(http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+s.addresses[0]+"/api/v1/verdicts/latest?reference="+url.QueryEscape(ref), nil))(t)
		r.Header.Set("Authorization", "Bearer "+apiToken)
		resp := must(http.DefaultClient.Do(r))(t)
		ok(t, resp.Body.Close())
		if resp.StatusCode == http.StatusOK {
			break
		}
		if time.Now().After(end) {
			t.Fatalf("%s is not judged: %s", ref, resp.Status)
		}
	}
	if body := s.get(t, "/api/v1/verdicts/latest?reference="+url.QueryEscape(ref), http.StatusOK); !strings.Contains(body, `"awaitingSignature":true`) {
		t.Errorf("%s does not await its signature: %s", ref, body)
	}
}

// looks counts how often the registry was asked what signatures there are, since
// the last call.
func (s *serving) looks(t *testing.T) int {
	t.Helper()
	n := 0
	for _, q := range must(s.registry.Requests(t.Context()))(t) {
		if q.Method == http.MethodGet && (strings.Contains(q.Path, "/manifests/sha256-") || strings.Contains(q.Path, "/referrers/")) {
			n++
		}
	}
	return n
}
