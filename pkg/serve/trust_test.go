package serve_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/intact-dev/intact/pkg/observe"
	"github.com/intact-dev/intact/pkg/scan"
	"github.com/intact-dev/intact/pkg/serve"
	"github.com/intact-dev/intact/pkg/serve/watch"
)

// A quiet place has nothing in it, and says when it is looked at.
type quiet chan struct{}

func (q quiet) Observe(ctx context.Context, _ func(observe.Container)) (observe.Inventory, error) {
	select {
	case q <- struct{}{}:
	case <-ctx.Done():
	}
	return observe.Inventory{Kind: "kubernetes"}, nil
}

// A published root is what can be had at the moment.
type published struct {
	mu   sync.Mutex
	root serve.TrustRoot
	err  error
}

func (p *published) get(context.Context) (serve.TrustRoot, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.root, p.err
}

func (p *published) set(root serve.TrustRoot, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.root, p.err = root, err
}

// Another trust root is a reason to look at what runs, the same one is not.
func TestATrustRootThatChanges(t *testing.T) {
	t.Parallel()
	looked, trust := make(quiet), &published{}
	at := time.Date(2026, 11, 26, 12, 0, 0, 0, time.UTC)
	root := serve.TrustRoot{Digest: "sha256:aa", At: at, Expires: at.Add(time.Hour)}
	trust.set(root, nil)
	text := strings.Replace(hooked, "serve:", "contexts: {prod: {kind: kubernetes}}\nserve:\n  watch: [{context: prod, every: 1h}]", 1)
	w := newWorld(t, text, func(w *world) {
		w.change = func(n *serve.Snapshot) {
			n.Runtimes, n.Trust = map[string][]scan.Runtime{"prod": {{Observer: looked, Name: "prod"}}}, trust.get
		}
	})
	<-looked // at the start
	w.tells(1)
	reload := func(looks bool) {
		t.Helper()
		if err := w.service.Reload(t.Context()); err != nil {
			t.Fatal(err)
		}
		if looks {
			<-looked
			return
		}
		all, err := w.service.Queue().Lag(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for _, l := range all { // a run that was wanted stands at the channel
			if l.Kind == watch.Kind && l.Waiting+l.Running > 0 {
				t.Errorf("what runs is looked at again: %+v", l)
			}
		}
	}
	w.rests(watch.Kind)
	reload(false)
	if got := w.service.Trust(); !got.Needed || !got.At.Equal(at) || !got.Expires.Equal(root.Expires) || got.Failed != "" {
		t.Errorf("%+v", got)
	}
	trust.set(serve.TrustRoot{Why: "its metadata has expired"}, errors.New("canary"))
	reload(false)
	if got := w.service.Trust(); !got.At.IsZero() || got.Failed != "its metadata has expired" {
		t.Errorf("%+v", got)
	}
	trust.set(root, nil)
	reload(false) // the same one as before it was away
	root.Digest = "sha256:bb"
	trust.set(root, nil)
	reload(true)
	w.rests(watch.Kind)
	w.change = nil
	reload(false)
	if got := w.service.Trust(); got.Needed || !got.At.IsZero() {
		t.Errorf("none is needed any more: %+v", got)
	}
}
