//go:build e2e && linux

package e2e_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/intact-dev/intact/pkg/internal/testground"
)

// A notified is what a place of the service was told.
type notified struct {
	Type string
	Data struct {
		Subject, Title, Verdict, Digest, Before, Cause string
		Lines                                          []string
	}
	at time.Time
}

// A place collects CloudEvents.
type place struct {
	*httptest.Server
	mu   sync.Mutex
	told []notified
}

func newPlace(t *testing.T) *place {
	t.Helper()
	p := &place{}
	p.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		var n notified
		if err == nil {
			err = json.Unmarshal(body, &n)
		}
		if err != nil {
			t.Errorf("notification: %v: %s", err, body)
		}
		n.at = time.Now()
		p.mu.Lock()
		defer p.mu.Unlock()
		p.told = append(p.told, n)
	}))
	t.Cleanup(p.Close)
	return p
}

// of are the notifications about a subject so far.
func (p *place) of(subject string) []notified {
	p.mu.Lock()
	defer p.mu.Unlock()
	var out []notified
	for _, n := range p.told {
		if n.Data.Subject == subject {
			out = append(out, n)
		}
	}
	return out
}

// await waits until there are n notifications about a subject.
func (p *place) await(t *testing.T, subject string, n int, within time.Duration) []notified {
	t.Helper()
	for end := time.Now().Add(within); ; time.Sleep(20 * time.Millisecond) {
		if got := p.of(subject); len(got) >= n {
			return got
		}
		if time.Now().After(end) {
			t.Fatalf("told %d times of %s within %s, want %d", len(p.of(subject)), subject, within, n)
		}
	}
}

// A serving is a service of some replicas, a registry that tells them of pushes,
// and a place that they tell.
type serving struct {
	*ground
	dir, config string
	place       *place
	addresses   []string
}

const (
	hookSecret = "canary-4d1f8a1c9b"
	apiToken   = "canary-0123456789abcdef0123456789abcdef"
)

// startServing starts a registry and replicas of the service that keep their store
// at ledger, a line of the config. more are lines of its section serve.
func startServing(t *testing.T, g *ground, replicas int, ledger, grace string, more ...string) *serving {
	t.Helper()
	var hooks []testground.Hook
	addresses := freeAddresses(t, replicas)
	for _, address := range addresses {
		hooks = append(hooks, testground.Hook{URL: "http://" + address + "/hooks/local", Authorization: "Bearer " + hookSecret})
	}
	g.registry = must(testground.StartRegistry(t.Context(), t.TempDir(), hooks...))(t)
	t.Cleanup(func() { ok(t, g.registry.Close()) })
	s := prepare(t, g, ledger, grace, append(more, fmt.Sprintf("reconcile: {every: 1h, registries: [%q]}", g.registry.Addr))...)
	for _, address := range addresses {
		s.serve(t, address)
	}
	return s
}

func freeAddresses(t *testing.T, n int) []string {
	t.Helper()
	out := make([]string, n)
	for i := range out {
		out[i] = must(testground.FreeAddr())(t)
	}
	return out
}

// prepare writes a config, with more lines in its section serve, and makes the
// store.
func prepare(t *testing.T, g *ground, ledger, grace string, more ...string) *serving {
	t.Helper()
	s := &serving{ground: g, dir: t.TempDir(), place: newPlace(t)}
	s.config = filepath.Join(s.dir, "config.yaml")
	policy := fmt.Sprintf("schema: intact.policy/v1\nname: served\nextends: baseline@1\ndepth: layers\nchecks: {TAG: deny, SIG: deny}\nsignatures:\n"+
		"  - {images: [\"**\"], anyOf: [{name: release, key: %q, transparencyLog: not-required}]}\n", g.key.Public)
	ok(t, os.WriteFile(filepath.Join(s.dir, "policy.yaml"), []byte(policy), 0o600))
	ok(t, os.WriteFile(s.config, fmt.Appendf(nil, `schema: intact.config/v1
ledger: {%s}
serve:
  policy: policy.yaml
  grace: %s
  endpoints:
    - {name: local, kind: distribution, registry: %q, repositories: ["%s/**"], auth: {type: bearer, secretEnv: HOOK_SECRET}}
  notify: [{name: people, kind: cloudevents, urlEnv: PLACE_URL}]
  api: {tokens: [{name: tester, role: writer, tokenEnv: API_TOKEN}]}
  %s
`, ledger, grace, g.registry.Addr, g.registry.Addr, strings.Join(more, "\n  ")), 0o600))
	s.run(t, "store", "init", "--config", s.config)
	return s
}

// serve starts one replica and waits until it answers.
func (s *serving) serve(t *testing.T, address string) {
	t.Helper()
	var log bytes.Buffer
	cmd := exec.Command(s.bin, "serve", "--config", s.config, "--listen", address)
	cmd.Env = s.environment(t)
	cmd.Stderr = &log
	ok(t, cmd.Start())
	t.Cleanup(func() {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		if err := cmd.Wait(); err != nil {
			t.Errorf("the service ended with %v\n%s", err, log.String())
		}
		if strings.Contains(log.String(), hookSecret) || strings.Contains(log.String(), apiToken) || strings.Contains(log.String(), s.place.URL) {
			t.Error("a secret is in the log")
		}
		if t.Failed() {
			t.Log(log.String())
		}
	})
	s.addresses = append(s.addresses, address)
	for end := time.Now().Add(20 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		if conn, err := net.Dial("tcp", address); err == nil {
			ok(t, conn.Close())
			return
		}
		if time.Now().After(end) {
			t.Fatalf("the service does not listen at %s\n%s", address, log.String())
		}
	}
}

func (s *serving) environment(t *testing.T) []string {
	t.Helper()
	return append(os.Environ(), "HOME="+s.dir, "XDG_CONFIG_HOME="+s.dir, "XDG_CACHE_HOME="+filepath.Join(s.dir, "cache"),
		"HOOK_SECRET="+hookSecret, "API_TOKEN="+apiToken, "INTACT_SERVER_TOKEN="+apiToken, "PLACE_URL="+s.place.URL+"/secret-path-77")
}

// run runs the command and returns what it printed.
func (s *serving) run(t *testing.T, args ...string) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), s.bin, args...)
	cmd.Env = s.environment(t)
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("intact %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return string(out)
}

// get asks the last replica.
func (s *serving) get(t *testing.T, path string, status int) string {
	t.Helper()
	r := must(http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+s.addresses[len(s.addresses)-1]+path, nil))(t)
	r.Header.Set("Authorization", "Bearer "+apiToken)
	resp := must(http.DefaultClient.Do(r))(t)
	body := must(io.ReadAll(resp.Body))(t)
	ok(t, resp.Body.Close())
	if resp.StatusCode != status {
		t.Errorf("%s: %s\n%s", path, resp.Status, body)
	}
	return string(body)
}

// answers: whichever replica judged, each one tells of it.
func (s *serving) answers(t *testing.T, ref, before, after string) {
	t.Helper()
	at := "?reference=" + url.QueryEscape(ref)
	for path, wants := range map[string][]string{
		"/api/v1/history" + at:         {before, after},
		"/api/v1/verdicts/latest" + at: {after, `"deny"`},
		"/api/v1/events":               {before, after, "image.judged"},
		"/readyz":                      {"inbox", "queue", "store", "no rule of the policy needs the public one"},
		"/metrics":                     {"intact_"},
		"/api/v1/openapi.json":         {"/api/v1/verdicts/latest"},
	} {
		body := s.get(t, path, http.StatusOK)
		for _, want := range wants {
			if !strings.Contains(body, want) {
				t.Errorf("%s lacks %s:\n%.3000s", path, want, body)
			}
		}
	}
}

func TestServe(t *testing.T) {
	postgres := must(testground.StartPostgres(t.Context()))(t)
	t.Cleanup(func() { ok(t, postgres.Close()) })
	g := newGround(t)
	for name, store := range map[string]struct {
		replicas int
		ledger   func() string
	}{
		"SQLite":     {1, func() string { return "sqlite: intact.db" }},
		"PostgreSQL": {3, func() string { return "postgres: " + fmt.Sprintf("%q", must(postgres.Database(t.Context()))(t)) }},
	} {
		t.Run(name, func(t *testing.T) {
			own := *g
			testMovedToUnsigned(t, startServing(t, &own, store.replicas, store.ledger(), "0s"))
			other := *g
			testSignedAfterPush(t, startServing(t, &other, store.replicas, store.ledger(), "1m"))
		})
	}
}

// testMovedToUnsigned: somebody pushes an image that is not signed over a release.
func testMovedToUnsigned(t *testing.T, s *serving) {
	built, ref := s.push(t, app("release"), "acme/app:1.0.0")
	first := s.place.await(t, ref, 1, 10*time.Second)
	if first[0].Data.Verdict != "deny" {
		t.Errorf("pushed and not yet signed, with no time to sign: %+v", first[0])
	}
	ok(t, s.v2.SignV2(t.Context(), s.key, atDigest(ref, built)))
	s.place.await(t, ref, 2, 10*time.Second)

	evil, _ := s.push(t, app("evil"), "acme/app:1.0.0")
	pushed := time.Now()
	told := s.place.await(t, ref, 3, 10*time.Second)
	last := told[len(told)-1]
	if took := last.at.Sub(pushed); took > 2*time.Second {
		t.Errorf("judged and told %s after the push", took)
	} else {
		t.Logf("judged and told %s after the push", took)
	}
	all := strings.Join(last.Data.Lines, "\n")
	if last.Data.Verdict != "deny" || last.Data.Before != string(built.Root.Descriptor.Digest) || last.Data.Digest != string(evil.Root.Descriptor.Digest) ||
		!strings.Contains(all, "TAG002") || !strings.Contains(all, "SIG001") || !strings.Contains(all, "script: /app/run changed") {
		t.Errorf("told: %+v", last)
	}
	history := s.run(t, "history", "--config", s.config, ref)
	for _, d := range []string{string(built.Root.Descriptor.Digest), string(evil.Root.Descriptor.Digest)} {
		if !strings.Contains(history, d) {
			t.Errorf("the history lacks %s:\n%s", d, history)
		}
	}
	if over := s.run(t, "history", "--server", "http://"+s.addresses[0], ref); !strings.Contains(over, string(evil.Root.Descriptor.Digest)) {
		t.Errorf("the history over the API:\n%s", over)
	}
	s.run(t, "history", "--config", s.config, "--verify")
	s.answers(t, ref, string(built.Root.Descriptor.Digest), string(evil.Root.Descriptor.Digest))
	time.Sleep(time.Second) // what comes twice would come now
	if n := len(s.place.of(ref)); n != 3 {
		t.Errorf("told %d times, want 3: %+v", n, s.place.of(ref))
	}
}

// testSignedAfterPush: signing takes some seconds, and nobody is alarmed.
func testSignedAfterPush(t *testing.T, s *serving) {
	built, ref := s.push(t, app("signed later"), "acme/app:2.0.0")
	time.Sleep(5 * time.Second)
	if told := s.place.of(ref); len(told) > 0 {
		t.Errorf("told before it was signed: %+v", told)
	}
	ok(t, s.v2.SignV2(t.Context(), s.key, atDigest(ref, built)))
	told := s.place.await(t, ref, 1, 20*time.Second)
	if v := told[0].Data.Verdict; v != "allow" && v != "warn" {
		t.Errorf("signed in time: %+v", told[0])
	}
}
