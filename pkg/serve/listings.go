package serve

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"log/slog"
	"time"

	"golang.org/x/sync/singleflight"

	"github.com/intact-dev/intact/pkg/gather/signatures"
	"github.com/intact-dev/intact/pkg/ledger"
	"github.com/intact-dev/intact/pkg/ref"
	"github.com/intact-dev/intact/pkg/store"
)

// listings keep in the store what registries list as signatures, so that the tags
// of one image that are pushed together cost one look. A store that fails costs
// requests and nothing else.
type listings struct {
	store *store.Store
	// credential stands for what this snapshot shows to registries, which it does not
	// know before they ask: what another one was shown is not taken for an answer.
	credential string
	clock      func() time.Time
	log        *slog.Logger
	asking     singleflight.Group
}

func newListings(st *store.Store, clock func() time.Time, log *slog.Logger) *listings {
	return &listings{store: st, credential: rand.Text(), clock: clock, log: log}
}

// maxListing is the largest answer that is kept; most have some hundred bytes.
const maxListing = 256 << 10

// List implements [signatures.Listings].
func (l *listings) List(ctx context.Context, q signatures.Question, ask signatures.Ask) (signatures.Listed, error) {
	if kept, ok := l.kept(ctx, q); ok {
		return kept, nil
	}
	// Who asks for the same at the same time shares the answer.
	mine := false
	shared := l.asking.DoChan(q.Repository+"@"+string(q.Digest)+" "+q.Form, func() (any, error) { mine = true; return l.renew(ctx, q, ask) })
	select {
	case r := <-shared:
		if r.Err == nil {
			if got := r.Val.(renewed); mine || !got.old {
				return got.Listed, nil
			}
		} else if !r.Shared || ctx.Err() != nil {
			return signatures.Listed{}, r.Err
		}
		// Somebody else's time may have run out, or it was asked before an event that
		// made us look.
		return l.Renew(ctx, q, ask)
	case <-ctx.Done():
		return signatures.Listed{}, ctx.Err()
	}
}

// Renew implements [signatures.Listings].
func (l *listings) Renew(ctx context.Context, q signatures.Question, ask signatures.Ask) (signatures.Listed, error) {
	got, err := l.renew(ctx, q, ask)
	return got.Listed, err
}

// A renewed is an answer; old is that something was pushed or deleted since it was
// asked for, or that this is not known.
type renewed struct {
	signatures.Listed
	old bool
}

func (l *listings) renew(ctx context.Context, q signatures.Question, ask signatures.Ask) (renewed, error) {
	listed, err := ask(ctx)
	got := renewed{Listed: listed, old: true}
	if err != nil || got.Doubtful {
		return got, err
	}
	data, err := json.Marshal(listed)
	if err == nil && len(data) <= maxListing {
		if got.old, err = l.store.PutListing(ctx, l.key(q), data, got.Found(), got.At); err != nil {
			got.old = true
		}
	}
	if err != nil && ctx.Err() == nil {
		l.log.WarnContext(ctx, "a list of signatures is not kept", "error", err.Error())
	}
	return got, nil
}

// kept is what is in the store.
func (l *listings) kept(ctx context.Context, q signatures.Question) (signatures.Listed, bool) {
	var out signatures.Listed
	data, ok, err := l.store.Listing(ctx, l.key(q), l.clock())
	if err == nil && ok {
		err = json.Unmarshal(data, &out)
	}
	if err != nil && ctx.Err() == nil {
		l.log.WarnContext(ctx, "a list of signatures that was kept cannot be used", "error", err.Error())
	}
	return out, ok && err == nil
}

// key finds what is kept by the name that events have.
func (l *listings) key(q signatures.Question) store.ListingKey {
	repository, _ := ledger.Name(ref.Ref{Name: q.Repository})
	return store.ListingKey{Repository: repository, Digest: q.Digest, Form: q.Form, Credential: l.credential}
}
