//go:build e2e && linux

package e2e_test

import (
	"fmt"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"
)

// Verdicts of the service are statements that cosign verifies and that a policy can
// want, and the events of their own pushes cause nothing.
func TestServeAttests(t *testing.T) {
	g := newGround(t)
	verifier := g.otherKey(t)
	s := startServing(t, g, 1, "sqlite: intact.db", "0s", fmt.Sprintf("attest: {key: %q, push: true}", verifier.Private))
	built, ref := s.push(t, app("attested"), "acme/app:1.0.0")
	if first := s.place.await(t, ref, 1, 10*time.Second); first[0].Data.Verdict != "deny" {
		t.Errorf("not signed yet: %+v", first[0])
	}
	at := atDigest(ref, built)
	wanting := g.wanting(t, verifier.Public)
	// Of what was denied a statement says so.
	await(t, func() bool { return verifyAttestation(t, g.v3, verifier.Public, at) == nil })
	g.scan(t, "--policy", wanting, at).want(t, 1, []string{"SIG001", "SIG005"}, "DENIED")

	ok(t, s.v2.SignV2(t.Context(), s.key, at))
	if second := s.place.await(t, ref, 2, 10*time.Second); second[1].Data.Verdict == "deny" || strings.Contains(strings.Join(second[1].Data.Lines, "\n"), "not attested") {
		t.Errorf("signed: %+v", second[1])
	}
	ok(t, verifyAttestation(t, g.v3, verifier.Public, at))
	g.scan(t, "--policy", wanting, at).want(t, 0, nil, "ALLOWED")

	// Its own pushes are events, too: nothing goes round in circles.
	time.Sleep(3 * time.Second)
	if told := s.place.of(ref); len(told) != 2 {
		t.Errorf("told %d times, want 2: %+v", len(told), told)
	}
	if metrics := s.get(t, "/metrics", http.StatusOK); judgings(metrics) != 2 {
		t.Errorf("judged %d times, want 2:\n%s", judgings(metrics), metrics)
	}
}

var judged = regexp.MustCompile(`(?m)^intact_judgements_total\{[^}]*\} ([0-9]+)`)

// judgings counts them by the metrics.
func judgings(metrics string) (n int) {
	for _, m := range judged.FindAllStringSubmatch(metrics, -1) {
		i, _ := strconv.Atoi(m[1])
		n += i
	}
	return n
}

// await waits until it is so.
func await(t *testing.T, so func() bool) {
	t.Helper()
	for end := time.Now().Add(20 * time.Second); !so(); time.Sleep(50 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("not so within 20 seconds")
		}
	}
}
