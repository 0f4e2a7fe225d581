package layer

import (
	"context"
	"sync/atomic"

	"golang.org/x/sync/semaphore"

	"github.com/intact-dev/intact/pkg/internal/limits"
)

// A Budget is what the layers of one image may use together. It is safe for
// concurrent use.
type Budget struct {
	entries, pathBytes, expanded atomic.Int64
	maxEntries, maxPathBytes     int64
	maxExpanded, maxLayer        int64
}

// NewBudget returns the budget of one image, by package limits.
func NewBudget() *Budget {
	return &Budget{
		maxEntries: limits.Entries, maxPathBytes: limits.PathBytes,
		maxExpanded: limits.ImageExpanded, maxLayer: limits.LayerExpanded,
	}
}

// entry charges one archive entry and the bytes of its names and attributes.
func (b *Budget) entry(bytes int) error {
	if n := b.entries.Add(1); n > b.maxEntries {
		return &limits.ExceededError{What: "number of archive entries of the image", Limit: b.maxEntries}
	}
	if n := b.pathBytes.Add(int64(bytes)); n > b.maxPathBytes {
		return &limits.ExceededError{What: "bytes of paths, links and attributes of the image", Limit: b.maxPathBytes}
	}
	return nil
}

// expand charges n expanded bytes; layer is what this layer has expanded to so
// far, n included.
func (b *Budget) expand(n, layer int64) error {
	if layer > b.maxLayer {
		return &limits.ExceededError{What: "expanded size of the layer", Limit: b.maxLayer}
	}
	if b.expanded.Add(n) > b.maxExpanded {
		return &limits.ExceededError{What: "expanded size of the image", Limit: b.maxExpanded}
	}
	return nil
}

// Windows is the memory that the zstd decoders of a process may use for their
// windows together: four layers with windows of 128 MiB would need 519 MiB. A
// layer waits until its window is free. It is safe for concurrent use.
type Windows struct{ sem *semaphore.Weighted }

// NewWindows returns a budget of limits.ZstdWindows bytes.
func NewWindows() *Windows { return &Windows{semaphore.NewWeighted(limits.ZstdWindows)} }

func (w *Windows) acquire(ctx context.Context, n int64) error { return w.sem.Acquire(ctx, n) }
func (w *Windows) release(n int64)                            { w.sem.Release(n) }
