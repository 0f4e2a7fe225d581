//go:build e2e && long && linux

package e2e_test

import (
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/intact-dev/intact/pkg/ref"
)

// A loaded service has tags of a real registry about which it hears all the time,
// and which move now and then.
type loaded struct {
	*serving
	client *http.Client // of the registry
	sender sender
	tags   []string // repository:tag
	images map[string][]image

	next     atomic.Int64 // numbers deliveries
	refused  atomic.Int64 // answers and errors other than an acknowledgement
	mu       sync.Mutex
	sent     map[string]time.Time // when the last acknowledged delivery about a tag set out
	now      map[string]ref.Digest
	accepted int
}

type image struct {
	digest    ref.Digest
	mediaType string
	body      []byte
}

const (
	loadRepositories = 4
	loadTags         = 50 // of each
)

// newLoaded fills a registry that tells nobody of anything, so that the deliveries
// of the test are all there are.
func newLoaded(t *testing.T, ledger string, more ...string) *loaded {
	t.Helper()
	l := &loaded{images: map[string][]image{}, sent: map[string]time.Time{}, now: map[string]ref.Digest{}}
	g := newGround(t)
	l.serving = prepare(t, g, ledger, "0s", more...)
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.MaxIdleConnsPerHost = 256
	l.client = &http.Client{Transport: transport, Timeout: 10 * time.Second}
	t.Cleanup(transport.CloseIdleConnections)
	t.Cleanup(l.sender.close)
	for r := range loadRepositories {
		repository := fmt.Sprintf("acme/r%d", r)
		for v := range 3 {
			built, _ := l.push(t, app(fmt.Sprint(repository, v)), fmt.Sprintf("%s:image%d", repository, v))
			root := built.Root
			l.images[repository] = append(l.images[repository], image{root.Descriptor.Digest, root.Descriptor.MediaType, root.Body})
		}
		for n := range loadTags {
			tag := fmt.Sprintf("%s:1.0.%d", repository, n)
			l.tags = append(l.tags, tag)
			ok(t, l.move(t.Context(), tag, 0))
		}
	}
	return l
}

// move lets a tag mean another image of its repository.
func (l *loaded) move(ctx context.Context, tag string, variant int) error {
	repository, name, _ := strings.Cut(tag, ":")
	i := l.images[repository][variant]
	r, err := http.NewRequestWithContext(ctx, http.MethodPut, "http://"+l.registry.Addr+"/v2/"+repository+"/manifests/"+name, bytes.NewReader(i.body))
	if err != nil {
		return err
	}
	r.Header.Set("Content-Type", i.mediaType)
	resp, err := l.client.Do(r)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusCreated {
		return fmt.Errorf("move %s: %s", tag, resp.Status)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.now[tag] = i.digest
	return nil
}

// envelope is what Distribution sends of a push.
//
// https://distribution.github.io/distribution/about/notifications/
const envelope = `{"events":[{"id":"%[1]s","timestamp":"%[2]s","action":"push","target":{"mediaType":"%[3]s","size":%[4]d,"digest":"%[5]s","length":%[4]d,` +
	`"repository":"%[6]s","url":"http://%[7]s/v2/%[6]s/manifests/%[5]s","tag":"%[8]s"},"request":{"id":"%[1]s","addr":"127.0.0.1:41000","host":"%[7]s",` +
	`"method":"PUT","useragent":"load"},"actor":{},"source":{"addr":"%[7]s","instanceID":"1"}}]}`

// deliver sends a delivery about tag until a replica acknowledges it: where one
// does not, the next one is asked, with the same body; where none does, it waits
// longer each time, so that thousands that wait do not keep the service from starting.
func (l *loaded) deliver(ctx context.Context, tag string, patience time.Duration) error {
	n := l.next.Add(1)
	repository, name, _ := strings.Cut(tag, ":")
	i := l.images[repository][0]
	body := fmt.Appendf(nil, envelope, fmt.Sprintf("%08d-%08x", n, rand.Uint32()), time.Now().UTC().Format(time.RFC3339Nano), i.mediaType, len(i.body), i.digest,
		repository, l.registry.Addr, name)
	pause := 20 * time.Millisecond
	for end := time.Now().Add(patience); ; {
		began := time.Now()
		err := l.sender.post(ctx, l.addresses[int(n)%len(l.addresses)], body)
		if err == nil {
			l.mu.Lock()
			defer l.mu.Unlock()
			l.accepted++
			if began.After(l.sent[tag]) {
				l.sent[tag] = began
			}
			return nil
		}
		l.refused.Add(1)
		if ctx.Err() != nil || time.Now().After(end) {
			return fmt.Errorf("delivery %d about %s: %w", n, tag, err)
		}
		if n++; int(n)%len(l.addresses) == 0 || len(l.addresses) == 1 {
			time.Sleep(pause/2 + rand.N(pause))
			pause = min(2*pause, time.Second)
		}
	}
}

// load sends so many deliveries a second on a fixed schedule, whatever the answers,
// until over is closed or n are sent. It returns how long after its time each was
// acknowledged. Meanwhile ten times a second a tag moves, and a delivery says so.
func (l *loaded) load(t *testing.T, perSecond, n int, over <-chan struct{}) []time.Duration {
	t.Helper()
	every := time.Second / time.Duration(perSecond)
	took := make([]time.Duration, 0, max(0, n))
	var mu sync.Mutex
	var calls sync.WaitGroup
	moving, stop := context.WithCancel(t.Context())
	calls.Go(func() { l.moves(moving, t) })
	start := time.Now()
sending:
	for i := 0; n < 0 || i < n; i++ {
		due := start.Add(time.Duration(i) * every)
		select {
		case <-over:
			break sending
		case <-time.After(time.Until(due)):
		}
		calls.Go(func() {
			if err := l.deliver(t.Context(), l.tags[rand.IntN(len(l.tags))], time.Minute); err != nil {
				t.Error(err)
			}
			mu.Lock()
			defer mu.Unlock()
			took = append(took, time.Since(due))
		})
	}
	stop()
	calls.Wait()
	return took
}

func (l *loaded) moves(ctx context.Context, t *testing.T) {
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for i := 0; ; i++ {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		tag := l.tags[i%len(l.tags)]
		if err := l.move(t.Context(), tag, (i/len(l.tags)+1)%3); err != nil {
			t.Error(err)
			return
		}
		if err := l.deliver(t.Context(), tag, time.Minute); err != nil {
			t.Error(err)
		}
	}
}

// appends measures what the disk takes for a bare append, beside everything else.
func appends(t *testing.T, dir string, over <-chan struct{}) (took []time.Duration) {
	f, err := os.Create(filepath.Join(dir, "bare"))
	if err != nil {
		t.Error(err)
		return nil
	}
	defer f.Close()
	line := make([]byte, 4096)
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case <-over:
			return took
		case <-tick.C:
		}
		at := time.Now()
		_, err1 := f.Write(line)
		if err2 := f.Sync(); err1 != nil || err2 != nil {
			t.Error(err1, err2)
			return took
		}
		took = append(took, time.Since(at))
	}
}

func quantiles(d []time.Duration) (p50, p99, top time.Duration) {
	if len(d) == 0 {
		return 0, 0, 0
	}
	d = slices.Sorted(slices.Values(d))
	return d[len(d)/2], d[len(d)*99/100], d[len(d)-1]
}

// number is a number that a developer may set.
func number(t *testing.T, name string, otherwise int) int {
	t.Helper()
	if v := os.Getenv(name); v != "" {
		return must(strconv.Atoi(v))(t)
	}
	return otherwise
}
