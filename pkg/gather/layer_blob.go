package gather

import (
	"bytes"
	"context"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/hex"
	"fmt"
	"hash"
	"io"
	"slices"
	"strings"

	"github.com/intact-dev/intact/pkg/fact"
	"github.com/intact-dev/intact/pkg/image"
	"github.com/intact-dev/intact/pkg/image/layer"
	"github.com/intact-dev/intact/pkg/internal/limits"
	"github.com/intact-dev/intact/pkg/ref"
)

// layer reads one layer, from the cache or else from the source.
// declared is what the config says of its expanded bytes, "" if nothing.
func (p *platformRead) layer(ctx context.Context, d ref.Descriptor, declared ref.Digest) (*layer.Contents, fact.Value[fact.Layer]) {
	if d.Digest == "" || d.Size < 0 {
		return nil, missing[fact.Layer](&image.Error{Op: "get layer", Object: string(d.Digest), Cause: fact.Dependency, Err: errNoUsableDescriptor})
	}
	if p.c.Class == fact.ClassImage {
		if kept, at, ok := p.cache.layer(ctx, d, p.budget); ok && p.sameDiffID(kept) {
			v := fact.Of(kept.Fact)
			if !p.Seen(p.img).Read(d.Digest) { // of another platform, in this very scan
				v.V.SeenAt = at
			}
			return kept, v
		}
	}
	var err error
	for range limits.Retries {
		var c *layer.Contents
		if c, err = p.fetch(ctx, d, false); err == nil {
			p.saw(p.img, d.Digest)
			if p.doubtful(c, declared) {
				if err := p.confirm(ctx, d, c); err != nil {
					return nil, missing[fact.Layer](err)
				}
			}
			if p.c.Class == fact.ClassImage && c.Readable() && c.Fact.Digest == d.Digest {
				p.cache.keepLayer(d, c)
			}
			return c, fact.Of(c.Fact)
		}
		// A connection that broke may hold next time; nothing else will.
		if cause := image.CauseOf(err); cause != fact.CutShort && cause != fact.Network || ctx.Err() != nil {
			break
		}
	}
	return nil, missing[fact.Layer](err)
}

// doubtful reports whether a layer whose bytes are right is said to be wrong when
// expanded: that may be the layer, or a fault in our own decoder or hash.
func (p *platformRead) doubtful(c *layer.Contents, declared ref.Digest) bool {
	f := c.Fact
	if p.c.Class != fact.ClassImage || f.Encrypted || f.Digest != f.Descriptor.Digest {
		return false
	}
	if f.Compression == "gzip" && (f.DiffID == "" || !c.Readable()) {
		return true
	}
	return declared.Comparable(f.DiffID) && declared != f.DiffID
}

// confirm reads the layer again with another decoder and hash before anything is
// said of it. If they disagree nothing is known of the layer.
func (p *platformRead) confirm(ctx context.Context, d ref.Descriptor, c *layer.Contents) error {
	again, err := p.fetch(ctx, d, true)
	if err != nil {
		return err
	}
	if again.Fact.DiffID == c.Fact.DiffID && again.Readable() == c.Readable() {
		return nil
	}
	p.disagreed.Add(1)
	return &image.Error{Op: "expand layer", Object: string(d.Digest), Cause: fact.Internal,
		Err:  fmt.Errorf("two decoders disagree: one gives %q, the other %q", c.Fact.DiffID, again.Fact.DiffID),
		Hint: "this is a fault of intact: please report it with the layer"}
}

func (p *platformRead) fetch(ctx context.Context, d ref.Descriptor, reference bool) (c *layer.Contents, err error) {
	told := func(int64) {}
	if p.progress != nil {
		lp := p.progress.Layer(d)
		told = lp.Add
		defer func() { lp.Done(err == nil) }()
	}
	rc, err := p.img.Source.Blob(ctx, p.img.Ref, d)
	if err != nil {
		return nil, err
	}
	defer func() { _ = rc.Close() }()
	if p.c.Class != fact.ClassImage {
		return hashOnly(rc, d, told)
	}
	budget := p.budget
	if reference {
		budget = layer.NewBudget() // its entries have been charged already
	}
	return layer.Read(ctx, rc, d, layer.Options{Reference: reference, Budget: budget, Windows: p.windows, DiffID: p.declared(), Progress: told})
}

// declared is a diffID of the config, for its algorithm; "" if there is none.
func (p *platformRead) declared() ref.Digest {
	for _, d := range p.c.Config.DiffIDs {
		if d != "" {
			return d
		}
	}
	return ""
}

// sameDiffID reports whether the diffID of kept contents can be compared with
// that of this config.
func (p *platformRead) sameDiffID(kept *layer.Contents) bool {
	d := p.declared()
	return d == "" || kept.Fact.DiffID == "" || kept.Fact.DiffID.Comparable(d)
}

// hashOnly reads a blob that is no layer of an image: its bytes are proved, its
// content means nothing to us.
func hashOnly(r io.Reader, d ref.Descriptor, told func(int64)) (*layer.Contents, error) {
	var h hash.Hash = sha256.New()
	if d.Digest.Algorithm() == "sha512" {
		h = sha512.New()
	}
	n, err := io.Copy(io.MultiWriter(h, counter(told)), io.LimitReader(r, d.Size+1))
	if err != nil {
		return nil, fmt.Errorf("read blob %s: %w", d.Digest, err)
	}
	f := fact.Layer{
		Descriptor: d, Size: n,
		Digest: ref.Digest(d.Digest.Algorithm() + ":" + hex.EncodeToString(h.Sum(nil))),
	}
	return &layer.Contents{Fact: f}, nil
}

// notOfWindows returns a path of c that no layer of Windows holds; "" if there is
// none. Runtimes on Linux run an image though its config says windows.
//
// https://github.com/opencontainers/image-spec/blob/v1.1.1/layer.md
func notOfWindows(c *layer.Contents) string {
	if c == nil || !c.Readable() {
		return ""
	}
	for e := range c.Entries.All() {
		top, _, _ := bytes.Cut(e.Path, []byte("/"))
		if name := strings.TrimPrefix(string(top), ".wh."); name != "" && !slices.ContainsFunc([]string{"Files", "Hives", "UtilityVM"}, func(s string) bool { return strings.EqualFold(s, name) }) {
			return string(e.Path)
		}
	}
	return ""
}

type counter func(int64)

func (c counter) Write(b []byte) (int, error) { c(int64(len(b))); return len(b), nil }
