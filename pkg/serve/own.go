package serve

import (
	"sync"
	"time"

	"github.com/intact-dev/intact/pkg/ref"
	"github.com/intact-dev/intact/pkg/serve/webhook"
)

// own are manifests that the service pushed itself, whose events it will hear of
// like any others. Each is ignored once: that it is deleted later is an event about
// the same digest. The zero value is ready; it may be used concurrently.
type own struct {
	mu    sync.Mutex
	until map[ref.Digest]time.Time
}

// How long an event is waited for, and of how many manifests. One that comes later,
// or to another replica, makes somebody look again and find no news.
const (
	ownTime = time.Minute
	mostOwn = 10_000
)

// push says that d is pushed now.
func (o *own) push(d ref.Digest, now time.Time) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for old, until := range o.until {
		if until.Before(now) {
			delete(o.until, old)
		}
	}
	if o.until == nil {
		o.until = map[ref.Digest]time.Time{}
	}
	if len(o.until) < mostOwn {
		o.until[d] = now.Add(ownTime)
	}
}

// heard reports whether e is of a push of ours, of which it has not heard yet.
func (o *own) heard(e webhook.Event, now time.Time) bool {
	if e.Action != webhook.Signature && (e.Action != webhook.Push || e.Tag != "") {
		return false
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	until, is := o.until[e.Digest]
	delete(o.until, e.Digest)
	return is && !until.Before(now)
}
