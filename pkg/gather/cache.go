package gather

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"strconv"
	"time"

	"github.com/intact-dev/intact/pkg/fact"
	"github.com/intact-dev/intact/pkg/image/layer"
	"github.com/intact-dev/intact/pkg/internal/cache"
	"github.com/intact-dev/intact/pkg/internal/limits"
	"github.com/intact-dev/intact/pkg/ref"
)

// A ContentCache keeps facts that follow from bytes: per layer by its digest,
// per platform by its manifest's, and small documents. Verdicts are never kept.
// A nil *ContentCache keeps nothing. It may be used concurrently.
type ContentCache struct {
	store *cache.Cache
	warn  func(string)
}

// OpenCache opens the cache in folder dir. Its key is in keyFile, outside of it.
// The error costs a scan time, never truth; so does what warn, which may be nil,
// is told later.
func OpenCache(dir, keyFile string, warn func(string)) (*ContentCache, error) {
	store, err := cache.Open(cache.Options{Dir: dir, KeyFile: keyFile, Version: strconv.Itoa(layer.Version)})
	if err != nil {
		return nil, err
	}
	if warn == nil {
		warn = func(string) {}
	}
	return &ContentCache{store: store, warn: warn}, nil
}

// Close releases the folder.
func (c *ContentCache) Close() error { return c.store.Close() }

// put writes one entry; if write fails nothing is kept.
func (c *ContentCache) put(kind, key string, write func(io.Writer) error) {
	w := c.store.Put(kind, key)
	if err := write(w); err != nil {
		w.Abort()
		return
	}
	if err := w.Commit(); err != nil {
		c.warn(err.Error())
	}
}

// Kinds of entries.
const (
	kindLayer    = "layer"
	kindPlatform = "platform"
	kindDocument = "document"
)

// maxPlatformFacts bounds what is read back of one platform's facts.
const maxPlatformFacts = 64 << 20

func (c *ContentCache) platform(manifest ref.Digest) (Contents, bool) {
	if c == nil {
		return Contents{}, false
	}
	rc, at, ok := c.store.Get(kindPlatform, string(manifest))
	if !ok {
		return Contents{}, false
	}
	defer func() { _ = rc.Close() }()
	var out Contents
	if err := json.NewDecoder(io.LimitReader(rc, maxPlatformFacts)).Decode(&out); err != nil || out.Layers.State != fact.Known {
		return Contents{}, false
	}
	for i := range out.Layers.Parts {
		// A layer that came from the cache then keeps its own, greater age.
		if seen := &out.Layers.Parts[i].V.SeenAt; seen.IsZero() {
			*seen = at
		}
	}
	return out, true
}

// keepPlatform keeps what was read in full and is right. Everything else is
// looked at again next time.
func (c *ContentCache) keepPlatform(manifest ref.Digest, contents Contents) {
	if c == nil || contents.Filesystem.State != fact.Known {
		return
	}
	kept := Contents{User: contents.User, Filesystem: contents.Filesystem, Layers: fact.ListOf[fact.Layer]()}
	for _, p := range contents.Layers.Parts {
		if p.State != fact.Known || p.V.Digest != p.V.Descriptor.Digest {
			return
		}
		kept.Layers.Parts = append(kept.Layers.Parts, p)
	}
	c.put(kindPlatform, string(manifest), func(w io.Writer) error { return json.NewEncoder(w).Encode(kept) })
}

func (c *ContentCache) layer(ctx context.Context, d ref.Descriptor, budget *layer.Budget) (*layer.Contents, time.Time, bool) {
	if c == nil {
		return nil, time.Time{}, false
	}
	rc, at, ok := c.store.Get(kindLayer, string(d.Digest))
	if !ok {
		return nil, time.Time{}, false
	}
	defer func() { _ = rc.Close() }()
	contents, err := layer.Decode(rc, budget)
	if err != nil || ctx.Err() != nil || contents.Fact.Digest != d.Digest || contents.Fact.Size != d.Size || contents.Fact.Descriptor.MediaType != d.MediaType {
		return nil, time.Time{}, false
	}
	return contents, at, true
}

func (c *ContentCache) keepLayer(d ref.Descriptor, contents *layer.Contents) {
	if c == nil {
		return
	}
	c.put(kindLayer, string(d.Digest), contents.Encode)
}

// Load returns a kept document; the caller hashes it.
func (c *ContentCache) Load(d ref.Digest) ([]byte, bool) {
	if c == nil {
		return nil, false
	}
	rc, _, ok := c.store.Get(kindDocument, string(d))
	if !ok {
		return nil, false
	}
	defer func() { _ = rc.Close() }()
	b, err := io.ReadAll(io.LimitReader(rc, limits.Config+1))
	return b, err == nil
}

// Keep keeps a document by its digest.
func (c *ContentCache) Keep(d ref.Digest, b []byte) {
	if c == nil {
		return
	}
	c.put(kindDocument, string(d), func(w io.Writer) error {
		_, err := io.Copy(w, bytes.NewReader(b))
		return err
	})
}
