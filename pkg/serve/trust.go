package serve

import (
	"cmp"
	"context"
	"slices"
	"sync"
	"time"

	"github.com/intact-dev/intact/pkg/ref"
	"github.com/intact-dev/intact/pkg/serve/ops"
	"github.com/intact-dev/intact/pkg/serve/watch"
	"github.com/intact-dev/intact/pkg/store/jobs"
)

// A TrustRoot is what keyless signatures are verified with, as published.
type TrustRoot struct {
	Digest ref.Digest
	// At is when it was had from where it is published, Expires when what vouches for
	// it ends.
	At, Expires time.Time
	// Why says why it is not fresh, or with an error why there is none, in words that
	// everybody may read; "" = it is fresh.
	Why string
}

// trust is the trust root of the Snapshot that is valid, and the one before it.
type trust struct {
	mu  sync.Mutex // held for long: only [Service.renew] takes it
	now struct {
		sync.Mutex
		root   TrustRoot
		failed string
		last   ref.Digest // of the last one that was had
	}
}

// rootTime is how long a trust root may take to come.
const rootTime = 2 * time.Minute

// renew gets the trust root of the Snapshot that is valid. If it is another one
// than before, what runs is looked at again. That it cannot be had is no error: it
// is told by health and the log, and tried again.
func (s *Service) renew(ctx context.Context) error {
	s.trust.mu.Lock()
	defer s.trust.mu.Unlock()
	now := s.Snapshot()
	var root TrustRoot
	failed := ""
	if now.Trust != nil {
		limited, cancel := context.WithTimeout(ctx, rootTime)
		defer cancel()
		var err error
		if root, err = now.Trust(limited); err != nil {
			if ctx.Err() != nil {
				return nil // the service ends
			}
			failed = cmp.Or(root.Why, "the log says why")
			root = TrustRoot{}
			s.o.Log.ErrorContext(ctx, "the trust root cannot be had: keyless signatures are undecided", "error", err.Error())
		}
	}
	s.trust.now.Lock()
	before := s.trust.now.last
	s.trust.now.root, s.trust.now.failed = root, failed
	if root.Digest != "" {
		s.trust.now.last = root.Digest
	}
	s.trust.now.Unlock()
	if root.Digest == "" || before == "" || before == root.Digest {
		return nil
	}
	s.o.Log.InfoContext(ctx, "the trust root has changed; what runs is looked at again", "before", string(before), "now", string(root.Digest))
	var tasks []jobs.Task
	for _, w := range now.Config.Serve.Watch {
		tasks = append(tasks, jobs.Task{Kind: watch.Kind, Key: w.Context})
	}
	return s.queue.Want(ctx, tasks...)
}

// Trust is how it is with the trust root, for health and metrics.
func (s *Service) Trust() ops.Trust {
	snapshot := s.Snapshot()
	s.trust.now.Lock()
	defer s.trust.now.Unlock()
	t := &s.trust.now
	out := ops.Trust{Needed: snapshot.Trust != nil, Notes: slices.Clone(snapshot.TrustNotes)}
	if out.Needed {
		out.At, out.Expires, out.Why, out.Failed = t.root.At, t.root.Expires, t.root.Why, t.failed
	}
	return out
}
