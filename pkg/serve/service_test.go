package serve_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/fstest"
	"time"

	"github.com/intact-dev/intact/pkg/checks"
	"github.com/intact-dev/intact/pkg/config"
	"github.com/intact-dev/intact/pkg/gather"
	"github.com/intact-dev/intact/pkg/image"
	"github.com/intact-dev/intact/pkg/internal/testimage"
	"github.com/intact-dev/intact/pkg/internal/testregistry"
	"github.com/intact-dev/intact/pkg/policy"
	"github.com/intact-dev/intact/pkg/policy/signing"
	"github.com/intact-dev/intact/pkg/ref"
	"github.com/intact-dev/intact/pkg/report"
	"github.com/intact-dev/intact/pkg/scan"
	"github.com/intact-dev/intact/pkg/serve"
	"github.com/intact-dev/intact/pkg/serve/happening"
	"github.com/intact-dev/intact/pkg/serve/notify"
	"github.com/intact-dev/intact/pkg/serve/ops"
	"github.com/intact-dev/intact/pkg/source/registry"
	"github.com/intact-dev/intact/pkg/store"
	"github.com/intact-dev/intact/policies"
)

// A world is a service in this process with a registry and a place that is told.
type world struct {
	t        *testing.T
	registry *testregistry.Server
	source   *registry.Source
	store    *store.Store
	service  *serve.Service
	config   atomic.Pointer[string]
	change   func(*serve.Snapshot) // of each one that is loaded; nil = none
	busy     atomic.Int64          // how often the place at / asked to come again in an hour; below zero it does not
	moved    atomic.Bool           // the place is at /moved

	mu   sync.Mutex
	told []happening.Happening
}

const secret = "0123456789abcdef0123456789abcdef"

// newWorld starts a service by a config in which %[1]s is the registry's host and
// %[2]s the place's URL. before is done before it starts.
func newWorld(t *testing.T, text string, before func(*world)) *world {
	t.Helper()
	w := &world{t: t, registry: testregistry.New(t, testregistry.Options{})}
	w.busy.Store(-1 << 40)
	place := httptest.NewServer(http.HandlerFunc(func(a http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/" && w.busy.Add(1) > 0 {
			a.Header().Set("Retry-After", "3600")
			a.WriteHeader(http.StatusTooManyRequests)
			return
		}
		var e struct{ Data happening.Happening }
		if err := json.NewDecoder(r.Body).Decode(&e); err != nil {
			t.Errorf("notification: %v", err)
		}
		w.mu.Lock()
		defer w.mu.Unlock()
		w.told = append(w.told, e.Data)
	}))
	t.Cleanup(place.Close)
	var err error
	if w.source, err = registry.New(registry.Options{Keychain: registry.Anonymous{}, Retries: -1}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(w.source.Close)
	if w.store, err = store.Open(t.Context(), filepath.Join(t.TempDir(), "store.db"), store.Options{Create: true}); err != nil {
		t.Fatal(err)
	}
	text = fmt.Sprintf(text, w.registry.Host, place.URL)
	w.config.Store(&text)
	if before != nil {
		before(w)
	}
	tracing, err := ops.NewTracing(t.Context(), func(string) string { return "" }, "test", slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	w.service, err = serve.New(t.Context(), serve.Options{
		Store: w.store, Load: w.load, Log: slog.New(slog.DiscardHandler), Metrics: ops.NewMetrics("test"), Tracing: tracing,
		Notify: notify.Options{Source: "https://intact.example"},
		Secret: func(s config.Secret) (string, error) {
			url := place.URL
			if w.moved.Load() {
				url += "/moved"
			}
			return map[string]string{"HOOK": secret, "PLACE": url}[s.Env], nil
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- w.service.Run(ctx, 10*time.Second, func(context.Context) error { return nil }) }()
	t.Cleanup(func() {
		stop()
		if err := errors.Join(<-ended, w.store.Close()); err != nil {
			t.Error(err)
		}
	})
	return w
}

func (w *world) load(context.Context) (*serve.Snapshot, error) {
	files := fstest.MapFS{"config.yaml": {Data: []byte(*w.config.Load())}}
	c, err := config.Load("config.yaml", func(name string) ([]byte, error) { return fs.ReadFile(files, name) })
	if err != nil {
		return nil, err
	}
	p, err := policy.Load(policy.Loader{Embedded: policies.Files, Checks: append(checks.All(), signing.Checks(nil, signing.Options{})...)}, "baseline@1")
	if err != nil {
		return nil, err
	}
	snapshot := &serve.Snapshot{Config: c, Registry: w.source, Options: scan.Options{
		Policy: p, Checks: checks.All(), Clock: time.Now, Depth: policy.DepthManifest, Layers: gather.NewLayers(2, nil, nil),
		Select: image.Selection{Host: ref.Platform{OS: "linux", Architecture: "amd64"}}, Tool: report.Tool{Name: "intact", Version: "test"},
		Signatures: scan.NewSigner(p, scan.SignerOptions{PublicRoot: func(context.Context) ([]byte, error) { return nil, errors.New("no root") }, Clock: time.Now}),
	}}
	if w.change != nil {
		w.change(snapshot)
	}
	return snapshot, nil
}

const hooked = `schema: intact.config/v1
serve:
  endpoints: [{name: local, kind: distribution, registry: %[1]q, repositories: ["%[1]s/acme/**"], auth: {type: bearer, secretEnv: HOOK}}]
  notify: [{name: people, kind: cloudevents, urlEnv: PLACE}]
`

func (w *world) push(repository, tag, content string) ref.Digest {
	w.t.Helper()
	b, err := testimage.Build(testimage.Spec{Images: []testimage.Image{{
		Config: testimage.Config{User: "65532", Entrypoint: []string{"/bin/app"}},
		Layers: []testimage.Layer{{Files: []testimage.File{{Path: "bin/app", Mode: "0755", Content: content}}}},
	}}})
	if err != nil {
		w.t.Fatal(err)
	}
	for _, o := range b.Blobs {
		if _, err := w.registry.PutBlob(repository, o.Body); err != nil {
			w.t.Fatal(err)
		}
	}
	if _, err := w.registry.PutManifest(repository, tag, b.Root.Descriptor.MediaType, b.Root.Body); err != nil {
		w.t.Fatal(err)
	}
	return b.Root.Descriptor.Digest
}

// event posts what Distribution would, and returns the status.
func (w *world) event(id, repository, tag, token string) int {
	return w.post(fmt.Sprintf(`{"events":[{"id":%q,"action":"push","target":{"mediaType":"application/vnd.oci.image.manifest.v1+json","repository":%q,"tag":%q}}]}`, id, repository, tag), token)
}

func (w *world) post(body, token string) int {
	w.t.Helper()
	server := httptest.NewServer(w.service.Hooks())
	defer server.Close()
	r, err := http.NewRequestWithContext(w.t.Context(), http.MethodPost, server.URL+"/hooks/local", strings.NewReader(body))
	if err != nil {
		w.t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+token)
	r.Header.Set("Content-Type", "application/vnd.docker.distribution.events.v2+json")
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		w.t.Fatal(err)
	}
	_ = resp.Body.Close()
	return resp.StatusCode
}

// tells waits until the place was told n times.
func (w *world) tells(n int) []happening.Happening {
	w.t.Helper()
	for range 1500 {
		w.mu.Lock()
		told := w.told
		w.mu.Unlock()
		if len(told) >= n {
			return told
		}
		time.Sleep(10 * time.Millisecond)
	}
	w.t.Fatalf("told %d times, want %d: %+v", len(w.told), n, w.told)
	return nil
}

func TestAPushIsJudgedAndTold(t *testing.T) {
	t.Parallel()
	w := newWorld(t, hooked, nil)
	digest := w.push("acme/app", "1.0.0", "one")
	for range 2 { // delivered twice
		if status := w.event("1", "acme/app", "1.0.0", secret); status/100 != 2 {
			t.Fatalf("status %d", status)
		}
	}
	if told := w.tells(1); told[0].Digest != digest || told[0].Type != happening.ImageJudged || told[0].Cause != "webhook local" {
		t.Errorf("told: %+v", told[0])
	}
	if status := w.event("2", "acme/app", "1.0.0", "wrong"); status != http.StatusUnauthorized {
		t.Errorf("a wrong secret: status %d", status)
	}
	w.push("other/app", "1.0.0", "two")
	if status := w.event("3", "other/app", "1.0.0", secret); status/100 != 2 {
		t.Errorf("another repository: status %d", status)
	}
	second := w.push("acme/app", "1.0.0", "three")
	w.event("4", "acme/app", "1.0.0", secret)
	if told := w.tells(2); len(told) != 2 || told[1].Digest != second || told[1].Before != digest {
		t.Errorf("told: %+v", told)
	}
	if all, err := w.store.Repositories(t.Context()); err != nil || len(all) != 1 {
		t.Errorf("repositories that were looked at: %q, %v", all, err)
	}
}

// A tag that only looks like the place of a signature is an image's.
func TestATagLikeASignatures(t *testing.T) {
	t.Parallel()
	w := newWorld(t, hooked, nil)
	tag := "sha256-" + strings.Repeat("a", 65)
	digest := w.push("acme/app", tag, "one")
	w.event("1", "acme/app", tag, secret)
	if told := w.tells(1); told[0].Digest != digest {
		t.Errorf("told: %+v", told)
	}
}

// What was deleted by its digest alone may be the signature of any image, or a part
// of one: all tags are looked at, once for many of them.
func TestADigestThatIsDeleted(t *testing.T) {
	t.Parallel()
	w := newWorld(t, hooked, nil)
	digest := w.push("acme/app", "1.0.0", "one")
	w.event("1", "acme/app", "1.0.0", secret)
	w.tells(1)
	deleted := func(id string, digest ref.Digest) {
		t.Helper()
		if status := w.post(fmt.Sprintf(`{"events":[{"id":%q,"action":"delete","target":{"repository":"acme/app","digest":%q}}]}`, id, digest), secret); status/100 != 2 {
			t.Fatalf("status %d", status)
		}
		for range 500 {
			s, ok, err := w.service.Queue().State(t.Context(), "hint", fmt.Sprintf("%s/acme/app@%s true false", w.registry.Host, digest))
			if err != nil {
				t.Fatal(err)
			}
			if ok && s.Done >= s.Wanted {
				return
			}
			time.Sleep(10 * time.Millisecond)
		}
		t.Fatal("still not done")
	}
	all := w.registry.Host + "/acme/app@ true false"
	deleted("2", digest)
	if _, ok, err := w.service.Queue().State(t.Context(), "hint", all); ok || err != nil {
		t.Errorf("an image that has a tag: all are looked at, %v", err)
	}
	for i, c := range []string{"a", "b"} {
		deleted(fmt.Sprint("3", i), ref.DigestOf([]byte(c), ""))
	}
	if s, ok, err := w.service.Queue().State(t.Context(), "hint", all); !ok || err != nil || !s.Due.After(time.Now()) {
		t.Errorf("a signature, perhaps: %+v, %v, %v", s, ok, err)
	}
}

func TestWhatNoEventToldOf(t *testing.T) {
	t.Parallel()
	digests := map[string]ref.Digest{}
	w := newWorld(t, strings.Replace(hooked, "  notify:", "  reconcile: {every: 1h, repositories: [\"%[1]s/acme/app\"]}\n  notify:", 1), func(w *world) {
		for _, tag := range []string{"1.0.0", "1.0.1"} {
			digests[tag] = w.push("acme/app", tag, tag)
		}
	})
	for _, h := range w.tells(2) {
		tag := h.Subject[strings.LastIndex(h.Subject, ":")+1:]
		if h.Digest != digests[tag] || h.Cause != "reconcile" {
			t.Errorf("told: %+v", h)
		}
	}
}

// Who is new hears what happens from then on.
func TestANewPlaceIsNotToldOfOldThings(t *testing.T) {
	t.Parallel()
	w := newWorld(t, hooked, func(w *world) {
		old, err := json.Marshal(happening.Happening{ID: "old", Type: happening.ImageJudged, Subject: "old"})
		if err == nil {
			err = w.store.AddHappenings(t.Context(), store.Happening{Key: "old", Type: string(happening.ImageJudged), Subject: "old", At: time.Now(), Data: old})
		}
		if err != nil {
			t.Fatal(err)
		}
	})
	digest := w.push("acme/app", "1.0.0", "one")
	w.event("1", "acme/app", "1.0.0", secret)
	if told := w.tells(1); len(told) != 1 || told[0].Digest != digest {
		t.Errorf("told: %+v", told)
	}
}

// Two reloads at a time: what was read last is what is valid.
func TestTheLastReloadIsValid(t *testing.T) {
	t.Parallel()
	w := newWorld(t, hooked, nil)
	loading, slow := make(chan struct{}), make(chan struct{})
	var loads atomic.Int64
	w.change = func(*serve.Snapshot) {
		if loads.Add(1) == 1 {
			close(loading)
			<-slow
		}
	}
	var group sync.WaitGroup
	reload := func() {
		if err := w.service.Reload(t.Context()); err != nil {
			t.Error(err)
		}
	}
	group.Go(reload)
	<-loading // the config that is there now was read
	next := *w.config.Load() + "  grace: 7m\n"
	w.config.Store(&next)
	done := make(chan struct{})
	group.Go(func() { defer close(done); reload() })
	select {
	case <-done:
	case <-time.After(100 * time.Millisecond): // it waits for the other
	}
	close(slow)
	group.Wait()
	if got := w.service.Snapshot().Config.Serve.Grace; got != 7*time.Minute {
		t.Errorf("grace is %s", got)
	}
	w.push("acme/app", "1.0.0", "one") // and it goes on
	w.event("1", "acme/app", "1.0.0", secret)
	w.tells(1)
}

func TestAConfigWithAnErrorIsRefused(t *testing.T) {
	t.Parallel()
	w := newWorld(t, hooked, nil)
	good := *w.config.Load()
	bad := good + "  watched: []\n"
	w.config.Store(&bad)
	if err := w.service.Reload(t.Context()); err == nil || !strings.Contains(err.Error(), "watched") {
		t.Errorf("error: %v", err)
	}
	if told := w.tells(1); told[0].Type != happening.ConfigRefused {
		t.Errorf("told: %+v", told[0])
	}
	digest := w.push("acme/app", "1.0.0", "one")
	if status := w.event("1", "acme/app", "1.0.0", secret); status/100 != 2 {
		t.Fatalf("the former config does not stay: status %d", status)
	}
	if told := w.tells(2); told[1].Digest != digest {
		t.Errorf("told: %+v", told[1])
	}
	w.config.Store(&good)
	if err := w.service.Reload(t.Context()); err != nil {
		t.Error(err)
	}
}
