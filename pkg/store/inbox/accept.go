package inbox

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"
)

// batch is how many deliveries share a commit, and how many are handed on at a
// time.
const batch = 256

type request struct {
	d      Delivery
	answer chan answer // buffered
}

type answer struct {
	fresh bool
	err   error
}

// Accept commits a delivery and reports whether it is new; one that is not is as
// well kept as when it first came. Calls at the same time share a commit. After an
// error, also that of ctx, nothing is promised: the sender must come again. If it
// was committed after all, it is recognised then.
func (b *Inbox) Accept(ctx context.Context, d Delivery) (fresh bool, err error) {
	if err := check(d); err != nil {
		return false, err
	}
	if d.Received.IsZero() {
		d.Received = time.Now()
	}
	if b.waiting.Load() >= int64(b.o.Limit) {
		return false, fmt.Errorf("accept delivery %q of %q: %w: %d wait", d.Key, d.Endpoint, ErrFull, b.waiting.Load())
	}
	r := &request{d, make(chan answer, 1)}
	select {
	case b.requests <- r:
	case <-ctx.Done():
		return false, ctx.Err()
	case <-b.closing:
		return false, ErrClosed
	}
	select {
	case a := <-r.answer:
		return a.result(d)
	case <-ctx.Done():
		return false, ctx.Err()
	case <-b.closed:
	}
	select {
	case a := <-r.answer:
		return a.result(d)
	default:
		return false, ErrClosed // it came after the last commit
	}
}

func (a answer) result(d Delivery) (bool, error) {
	if a.err != nil {
		return false, fmt.Errorf("accept delivery %q of %q: %w", d.Key, d.Endpoint, a.err)
	}
	return a.fresh, nil
}

// write commits what comes while the last commit was under way, together.
func (b *Inbox) write() {
	defer close(b.closed)
	for {
		select {
		case r := <-b.requests:
			b.commit(b.more([]*request{r}))
			continue
		case <-b.closing:
		}
		// What got in before the door closed is not left without an answer.
		for rest := b.more(nil); len(rest) > 0; rest = b.more(nil) {
			b.commit(rest)
		}
		return
	}
}

func (b *Inbox) more(rs []*request) []*request {
	for len(rs) < batch {
		select {
		case r := <-b.requests:
			rs = append(rs, r)
		default:
			return rs
		}
	}
	return rs
}

type id struct{ endpoint, key string }

func (b *Inbox) commit(rs []*request) {
	// One of a key, in one order: two replicas do not wait for each other.
	first := map[id]*request{}
	var unique []*request
	room := int64(b.o.Limit) - b.waiting.Load()
	for _, r := range rs {
		k := id{r.d.Endpoint, r.d.Key}
		switch {
		case first[k] != nil:
		case int64(len(unique)) >= room:
			r.answer <- answer{err: ErrFull}
		default:
			first[k], unique = r, append(unique, r)
		}
	}
	if len(unique) == 0 {
		return
	}
	b.meter.add(len(unique), time.Now())
	slices.SortFunc(unique, func(x, y *request) int {
		return cmp.Or(cmp.Compare(x.d.Endpoint, y.d.Endpoint), cmp.Compare(x.d.Key, y.d.Key))
	})
	ds := make([]Delivery, len(unique))
	for i, r := range unique {
		ds[i] = r.d
	}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	fresh, err := b.b.insert(ctx, ds)
	b.failed.Store(err != nil)
	if err != nil {
		b.unsure.Store(true) // it may have been committed all the same
	}
	isNew := map[*request]bool{}
	for i, r := range unique {
		if err == nil && fresh[i] {
			isNew[r] = true
			b.waiting.Add(1)
		}
	}
	if len(isNew) > 0 {
		select {
		case b.wake <- struct{}{}:
		default:
		}
	}
	for _, r := range rs {
		if k := (id{r.d.Endpoint, r.d.Key}); first[k] != nil {
			r.answer <- answer{fresh: isNew[r], err: err}
		}
	}
}

// patience with a store that does not answer.
const patience = 30 * time.Second
