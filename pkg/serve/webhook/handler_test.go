package webhook_test

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/intact-dev/intact/pkg/config"
	"github.com/intact-dev/intact/pkg/serve/webhook"
)

var now = time.Date(2026, 11, 26, 2, 30, 0, 0, time.UTC)

const (
	secretText = "canary-0123456789abcdef0123456789abcdef"
	digestOne  = "sha256:1111111111111111111111111111111111111111111111111111111111111111"
)

// A keeper is an inbox and a counter.
type keeper struct {
	mu     sync.Mutex
	fail   error
	kept   []webhook.Delivery
	counts map[string]int // endpoint/reason
}

func (k *keeper) Accept(_ context.Context, d webhook.Delivery) (bool, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.fail != nil {
		return false, k.fail
	}
	for _, old := range k.kept {
		if old.Endpoint == d.Endpoint && old.Key == d.Key {
			return false, nil
		}
	}
	k.kept = append(k.kept, d)
	return true, nil
}

func (k *keeper) Count(endpoint string, reason webhook.Reason) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.counts == nil {
		k.counts = map[string]int{}
	}
	k.counts[endpoint+"/"+string(reason)]++
}

func (k *keeper) count(key string) int { k.mu.Lock(); defer k.mu.Unlock(); return k.counts[key] }

// endpoints reads the list of serve.endpoints.
func endpoints(t testing.TB, list string) []config.Endpoint {
	t.Helper()
	c, err := config.Load("c.yaml", func(string) ([]byte, error) {
		return []byte("schema: intact.config/v1\nserve:\n  endpoints:\n" + list), nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return c.Serve.Endpoints
}

var limits = config.Limits{BodyMemory: 16 << 20, BodyTime: time.Second}

func canary(config.Secret) (string, error) { return secretText, nil }

func handler(t testing.TB, k *keeper, list string) *webhook.Handler {
	t.Helper()
	h, err := webhook.New(endpoints(t, list), webhook.Options{Inbox: k, Counter: k, Secret: canary, Now: func() time.Time { return now }, Limits: limits})
	if err != nil {
		t.Fatal(err)
	}
	return h
}

const three = `
  - {name: dist, kind: distribution, registry: "registry.acme.example:5000", repositories: ["registry.acme.example:5000/team/**"], maxBody: 65536, auth: {type: header, secretEnv: X}}
  - {name: harbor, kind: harbor, registry: harbor.acme.example, repositories: [harbor.acme.example/**], auth: {type: path, secretEnv: X}}
  - {name: own, kind: generic, registries: [ghcr.io, quay.io], repositories: [ghcr.io/acme/**, quay.io/acme/app], auth: {type: hmac, secretEnv: X}}
`

// A recorder bounds bodies as a server does.
type recorder struct{ *httptest.ResponseRecorder }

func (recorder) SetReadDeadline(time.Time) error { return nil }

func ask(t testing.TB, h http.Handler, r *http.Request) *httptest.ResponseRecorder {
	t.Helper()
	w := recorder{httptest.NewRecorder()}
	h.ServeHTTP(w, r)
	return w.ResponseRecorder
}

func post(t testing.TB, path, body string, header ...string) *http.Request {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, path, strings.NewReader(body))
	r.Header.Set("Content-Type", "application/json")
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	return r
}

func sign(text string) string {
	mac := hmac.New(sha256.New, []byte(secretText))
	mac.Write([]byte(text))
	return "sha256=" + hex.EncodeToString(mac.Sum(nil))
}

const pushed = `{"events":[{"id":"e1","action":"push","timestamp":"2026-11-26T02:29:59Z","target":{"mediaType":"application/vnd.oci.image.index.v1+json","digest":"` + digestOne + `","repository":"team/app","tag":"1.2.3","url":"http://169.254.169.254/v2/"},"request":{"host":"evil.example"}}]}`

func TestHandlerAcceptsOnceWhatIsSentTwice(t *testing.T) {
	t.Parallel()
	k := &keeper{}
	h := handler(t, k, three)
	for range 2 {
		w := ask(t, h, post(t, "/hooks/dist", pushed, "Authorization", secretText))
		if w.Code != http.StatusAccepted || w.Body.Len() != 0 {
			t.Fatalf("%d %s", w.Code, w.Body)
		}
	}
	want := []webhook.Delivery{{
		Endpoint: "dist", Received: now,
		Events: []webhook.Event{{
			Endpoint: "dist", Action: webhook.Push, Registry: "registry.acme.example:5000", Repository: "team/app", Tag: "1.2.3",
			Digest: digestOne, MediaType: "application/vnd.oci.image.index.v1+json", At: now.Add(-time.Second),
		}},
	}}
	if len(k.kept) != 1 || len(k.kept[0].Key) > 130 {
		t.Fatalf("kept %d", len(k.kept))
	}
	k.kept[0].Key = ""
	if diff := cmp.Diff(want, k.kept); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(map[string]int{"dist/accepted": 1, "dist/duplicate": 1}, k.counts); diff != "" {
		t.Error(diff)
	}
	if got := k.kept[0].Events[0].Ref().String(); got != "registry.acme.example:5000/team/app:1.2.3" {
		t.Error(got)
	}
}

func TestHandlerRefuses(t *testing.T) {
	t.Parallel()
	const push = `{"image":"ghcr.io/acme/app:1"}`
	stamp := func(d time.Duration) string { return unix(now.Add(d)) }
	withType := func(r *http.Request, value string) *http.Request { r.Header.Set("Content-Type", value); return r }
	method := func(r *http.Request, m string) *http.Request { r.Method = m; return r }
	for _, row := range []struct {
		name   string
		r      *http.Request
		status int
		count  string
	}{
		{"nobody's path", post(t, "/hooks/x", push), 404, "/unknown_endpoint"},
		{"another prefix", post(t, "/dist", pushed, "Authorization", secretText), 404, "/unknown_endpoint"},
		{"a token where none is", post(t, "/hooks/dist/"+secretText, pushed, "Authorization", secretText), 404, "/unknown_endpoint"},
		{"no token", post(t, "/hooks/harbor", `{}`), 401, "harbor/no_credential"},
		{"a wrong token", post(t, "/hooks/harbor/x", `{}`), 401, "harbor/bad_credential"},
		{"a token and more", post(t, "/hooks/harbor/"+secretText+"/", `{}`), 401, "harbor/bad_credential"},
		{"no header", post(t, "/hooks/dist", pushed), 401, "dist/no_credential"},
		{"a wrong header", post(t, "/hooks/dist", pushed, "Authorization", secretText+"x"), 401, "dist/bad_credential"},
		{"no signature", post(t, "/hooks/own", push), 401, "own/no_credential"},
		{"a signature of another body", post(t, "/hooks/own", push, "X-Intact-Signature", sign(push+" ")), 401, "own/bad_credential"},
		{"a signature without its prefix", post(t, "/hooks/own", push, "X-Intact-Signature", sign(push)[7:]), 401, "own/bad_credential"},
		{"an empty signature", post(t, "/hooks/own", push, "X-Intact-Signature", "sha256="), 401, "own/bad_credential"},
		{"an old signature", post(t, "/hooks/own", push, "X-Intact-Timestamp", stamp(-6*time.Minute), "X-Intact-Signature", sign(stamp(-6*time.Minute)+"."+push)), 401, "own/replayed"},
		{"a signature of the future", post(t, "/hooks/own", push, "X-Intact-Timestamp", stamp(6*time.Minute), "X-Intact-Signature", sign(stamp(6*time.Minute)+"."+push)), 401, "own/replayed"},
		{"a time that is not signed", post(t, "/hooks/own", push, "X-Intact-Timestamp", stamp(0), "X-Intact-Signature", sign(push)), 401, "own/bad_credential"},
		{"GET", method(post(t, "/hooks/dist", pushed, "Authorization", secretText), http.MethodGet), 405, "dist/bad_method"},
		{"OPTIONS of who does not ask", method(post(t, "/hooks/dist", pushed, "Authorization", secretText), http.MethodOptions), 405, "dist/bad_method"},
		{"another type", withType(post(t, "/hooks/dist", pushed, "Authorization", secretText), "text/xml"), 415, "dist/bad_content_type"},
		{"no type", withType(post(t, "/hooks/dist", pushed, "Authorization", secretText), ""), 415, "dist/bad_content_type"},
		{"another charset", withType(post(t, "/hooks/dist", pushed, "Authorization", secretText), "application/json; charset=utf-7"), 415, "dist/bad_content_type"},
		{"compressed", post(t, "/hooks/dist", pushed, "Authorization", secretText, "Content-Encoding", "gzip"), 415, "dist/content_encoding"},
		{"compressed twice", post(t, "/hooks/dist", pushed, "Authorization", secretText, "Content-Encoding", "identity, br"), 415, "dist/content_encoding"},
		{"too long and says so", post(t, "/hooks/dist", strings.Repeat(" ", 65537), "Authorization", secretText), 413, "dist/too_large"},
		{"not JSON", post(t, "/hooks/dist", secretText, "Authorization", secretText), 400, "dist/malformed"},
		{"nothing", post(t, "/hooks/dist", "", "Authorization", secretText), 400, "dist/malformed"},
		{"deep", post(t, "/hooks/dist", strings.Repeat("[", 30000), "Authorization", secretText), 400, "dist/malformed"},
		{"of another type", post(t, "/hooks/dist", `{"events":{"`+secretText+`":1}}`, "Authorization", secretText), 400, "dist/malformed"},
		{"too many", post(t, "/hooks/dist", `{"events":[`+strings.Repeat("{},", 5000)+`{}]}`, "Authorization", secretText), 413, "dist/too_many_events"},
	} {
		k := &keeper{}
		w := ask(t, handler(t, k, three), row.r)
		if w.Code != row.status {
			t.Errorf("%s: %d, want %d", row.name, w.Code, row.status)
		}
		if diff := cmp.Diff(map[string]int{row.count: 1}, k.counts); diff != "" || len(k.kept) > 0 {
			t.Errorf("%s: %s %v", row.name, diff, k.kept)
		}
		if row.status == 401 && w.Body.String() != "unauthorized\n" {
			t.Errorf("%s: says %q", row.name, w.Body)
		}
	}
}

func TestHandlerTakesASignedTimeWithinItsWindow(t *testing.T) {
	t.Parallel()
	const push = `{"image":"quay.io/acme/app:1"}`
	for _, at := range []time.Duration{-4 * time.Minute, 0, 4 * time.Minute} {
		k := &keeper{}
		ts := unix(now.Add(at))
		w := ask(t, handler(t, k, three), post(t, "/hooks/own", push, "X-Intact-Timestamp", ts, "X-Intact-Signature", sign(ts+"."+push)))
		if w.Code != http.StatusAccepted || len(k.kept) != 1 {
			t.Errorf("%s: %d", at, w.Code)
		}
	}
}

func TestHandlerSaysWhenTheInboxTakesNothing(t *testing.T) {
	t.Parallel()
	for err, want := range map[error]struct {
		status int
		count  string
	}{
		errors.Join(webhook.ErrFull): {429, "dist/inbox_full"},
		errors.New(secretText):       {503, "dist/inbox_failed"},
	} {
		k := &keeper{fail: err}
		w := ask(t, handler(t, k, three), post(t, "/hooks/dist", pushed, "Authorization", secretText))
		if w.Code != want.status || w.Header().Get("Retry-After") == "" || k.counts[want.count] != 1 || strings.Contains(w.Body.String(), "canary") {
			t.Errorf("%v: %d %v %q", err, w.Code, k.counts, w.Body)
		}
	}
}

// What is authentic and of no interest is taken: an error would make the sender
// send it again, and nothing that comes after it.
func TestHandlerTakesWhatItIgnores(t *testing.T) {
	t.Parallel()
	for name, row := range map[string]struct{ body, want string }{
		"a pull":              {`{"events":[{"id":"1","action":"pull","target":{"repository":"team/app","tag":"1"}}]}`, "not_a_push"},
		"a layer":             {`{"events":[{"id":"1","action":"push","target":{"mediaType":"application/octet-stream","digest":"` + digestOne + `","repository":"team/app"}}]}`, "not_an_image"},
		"another repository":  {strings.ReplaceAll(pushed, "team/app", "other/app"), "other_repository"},
		"a way out":           {strings.ReplaceAll(pushed, "team/app", "team/../other/app"), "invalid_name"},
		"a host in the name":  {strings.ReplaceAll(pushed, "team/app", "evil.example:80/team/app"), "invalid_name"},
		"a tag that is none":  {strings.ReplaceAll(pushed, "1.2.3", "1.2.3@sha256:x"), "invalid_name"},
		"a digest that is no": {strings.ReplaceAll(strings.ReplaceAll(pushed, `,"tag":"1.2.3"`, ""), digestOne, "sha256:0123"), "invalid_digest"},
		"an event of no form": {`{"events":[null]}`, "invalid_event"},
	} {
		k := &keeper{}
		w := ask(t, handler(t, k, three), post(t, "/hooks/dist", row.body, "Authorization", secretText))
		if diff := cmp.Diff(map[string]int{"dist/nothing": 1, "dist/" + row.want: 1}, k.counts); w.Code != 202 || diff != "" || len(k.kept) > 0 {
			t.Errorf("%s: %d %s", name, w.Code, diff)
		}
	}
}

// An invalid digest is a bad hint; the tag beside it is looked at all the same.
func TestHandlerKeepsATagWhoseDigestIsNone(t *testing.T) {
	t.Parallel()
	k := &keeper{}
	ask(t, handler(t, k, three), post(t, "/hooks/dist", strings.ReplaceAll(pushed, digestOne, "sha256:0123"), "Authorization", secretText))
	if len(k.kept) != 1 || k.kept[0].Events[0].Digest != "" || k.kept[0].Events[0].Tag != "1.2.3" || k.counts["dist/invalid_digest"] != 1 {
		t.Errorf("%+v %v", k.kept, k.counts)
	}
}

func server(t testing.TB, k *keeper, list string, change func(*webhook.Options)) *httptest.Server {
	t.Helper()
	o := webhook.Options{Inbox: k, Counter: k, Secret: canary, Now: func() time.Time { return now }, Limits: limits}
	if change != nil {
		change(&o)
	}
	h, err := webhook.New(endpoints(t, list), o)
	if err != nil {
		t.Fatal(err)
	}
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	return s
}

func send(t testing.TB, s *httptest.Server, path string, body io.Reader, header ...string) *http.Response {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.URL+path, body)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/json")
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	resp, err := s.Client().Do(r)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = resp.Body.Close() })
	return resp
}

// A body that never ends, arrives slowly, or is larger than it says is given up,
// and the next request is answered.
func TestServerBoundsBodies(t *testing.T) {
	t.Parallel()
	k := &keeper{}
	s := server(t, k, three, func(o *webhook.Options) { o.Limits.BodyTime = time.Second })
	endless := struct{ io.Reader }{io.LimitReader(spaces{}, 1<<30)}
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.URL+"/hooks/dist", endless)
	if err != nil {
		t.Fatal(err)
	}
	r.Header = http.Header{"Content-Type": {"application/json"}, "Authorization": {secretText}}
	// A sender that still writes may see the connection closed before the answer.
	if resp, err := s.Client().Do(r); err == nil {
		defer resp.Body.Close()
		if resp.StatusCode != 413 {
			t.Errorf("endless: %d", resp.StatusCode)
		}
	}
	slow, w := io.Pipe()
	defer w.Close()
	if resp := send(t, s, "/hooks/dist", slow, "Authorization", secretText); resp.StatusCode != 408 {
		t.Errorf("slow: %d", resp.StatusCode)
	}
	for range 3 { // on one connection, past the deadline of a body before
		if resp := send(t, s, "/hooks/dist", strings.NewReader(pushed), "Authorization", secretText); resp.StatusCode != 202 {
			t.Errorf("after it: %d", resp.StatusCode)
		}
	}
	if k.count("dist/too_slow") != 1 || k.count("dist/too_large") != 1 {
		t.Errorf("%v", k.counts)
	}
}

// A patient takes its time, as long as it is let.
type patient struct{ keeper }

func (p *patient) Accept(ctx context.Context, d webhook.Delivery) (bool, error) {
	select {
	case <-ctx.Done():
		return false, ctx.Err()
	case <-time.After(300 * time.Millisecond):
		return p.keeper.Accept(ctx, d)
	}
}

// The time for a body is none for the inbox.
func TestServerLetsTheInboxTakeItsTime(t *testing.T) {
	t.Parallel()
	p := &patient{}
	s := server(t, &p.keeper, three, func(o *webhook.Options) { o.Inbox = p; o.Limits.BodyTime = 100 * time.Millisecond })
	if resp := send(t, s, "/hooks/dist", strings.NewReader(pushed), "Authorization", secretText); resp.StatusCode != 202 {
		t.Errorf("%d %v", resp.StatusCode, p.counts)
	}
}

type spaces struct{}

func (spaces) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = ' '
	}
	return len(p), nil
}
