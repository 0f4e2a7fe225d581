package main

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/intact-dev/intact/pkg/fact"
	"github.com/intact-dev/intact/pkg/image"
	"github.com/intact-dev/intact/pkg/lock"
	"github.com/intact-dev/intact/pkg/pin"
	"github.com/intact-dev/intact/pkg/policy"
	"github.com/intact-dev/intact/pkg/ref"
)

// resolveTimeout bounds what is asked about one tag, as --timeout does for an
// image in scan.
const resolveTimeout = 15 * time.Minute

// A tagReader resolves tags by one GET each, and hashes what comes. Whatever
// number of files and folders name a tag, it is asked for once in a run.
type tagReader struct {
	source  image.Source
	timeout time.Duration
	whole   bool // its platforms, too
	told    func(done int)

	mu   sync.Mutex
	tags map[ref.Ref]*readTag
	done int
}

type readTag struct {
	sync.Once
	img *image.Image
	err error
}

func (t *tagReader) read(ctx context.Context, r ref.Ref) (*image.Image, error) {
	t.mu.Lock()
	if t.tags == nil {
		t.tags = map[ref.Ref]*readTag{}
	}
	got := t.tags[r]
	if got == nil {
		got = &readTag{}
		t.tags[r] = got
	}
	t.mu.Unlock()
	got.Do(func() {
		got.img, got.err = t.open(ctx, r)
		t.mu.Lock()
		defer t.mu.Unlock()
		t.done++
		t.told(t.done)
	})
	return got.img, got.err
}

func (t *tagReader) open(ctx context.Context, r ref.Ref) (*image.Image, error) {
	ctx, cancel := context.WithTimeout(ctx, t.timeout)
	defer cancel()
	img, err := image.Open(ctx, t.source, r, image.Options{RootOnly: !t.whole && r.Digest == ""})
	if err != nil {
		if hint := image.HintOf(err); hint != "" {
			err = fmt.Errorf("%w (%s)", err, hint)
		}
		return nil, &pin.CausedError{Cause: image.CauseOf(err), Err: err}
	}
	if !img.Root.Right() {
		why := "it cannot be read"
		if len(img.Root.Doc.Problems) > 0 {
			why = img.Root.Doc.Problems[0].Detail
		}
		return nil, &pin.CausedError{Cause: fact.Unsupported, Err: fmt.Errorf("what %q names is no sound manifest: %s", r, why)}
	}
	return img, nil
}

// indexes resolves tags to what they name: pin's default.
type indexes struct{ *tagReader }

// Resolve implements pin.Resolver.
func (x indexes) Resolve(ctx context.Context, r ref.Ref) (ref.Digest, error) {
	img, err := x.read(ctx, r)
	if err != nil {
		return "", err
	}
	return img.Root.Doc.Digest, nil
}

// children resolves tags to the image of one platform.
type children struct {
	*tagReader
	platform ref.Platform
}

// Resolve implements pin.Resolver.
func (x children) Resolve(ctx context.Context, r ref.Ref) (ref.Digest, error) {
	img, err := x.read(ctx, r)
	if err != nil {
		return "", err
	}
	var all []string
	var matching []*image.Child
	for _, c := range img.Children {
		if !c.Runnable() {
			continue
		}
		all = append(all, c.Platform.String())
		if c.Platform.Normalize() == x.platform.Normalize() {
			return c.Desc.Digest, nil
		}
		if c.Platform.Matches(x.platform) {
			matching = append(matching, c)
		}
	}
	fail := func(cause fact.Cause, format string, args ...any) (ref.Digest, error) {
		return "", &pin.CausedError{Cause: cause, Err: fmt.Errorf(format, args...)}
	}
	switch {
	case len(matching) == 1:
		return matching[0].Desc.Digest, nil
	case len(matching) > 1:
		return fail(fact.Unsupported, "%q has several images for %s: %s", r, x.platform, strings.Join(all, ", "))
	case img.Incomplete != nil:
		return fail(fact.Limit, "%q: %w", r, img.Incomplete)
	}
	for _, c := range img.Children {
		if c.Platform == (ref.Platform{}) && c.ConfigErr != nil {
			return fail(image.CauseOf(c.ConfigErr), "the platform of %q: %w", r, c.ConfigErr)
		}
	}
	return fail(fact.NotFound, "%q has no image for %s; it has %s", r, x.platform, strings.Join(all, ", "))
}

// locked resolves tags to entries of a lock.
type locked struct {
	*tagReader
	policy *policy.Policy
	today  time.Time
}

// Resolve implements lock.Resolver.
func (x locked) Resolve(ctx context.Context, r ref.Ref) (lock.Entry, error) {
	img, err := x.read(ctx, r)
	if err != nil {
		return lock.Entry{}, err
	}
	e := lock.Entry{
		Name: r.Name, Tag: r.Tag, Digest: img.Root.Doc.Digest, Class: img.Root.Doc.Class,
		TagClass: x.policy.TagClass(r), Since: x.today,
	}
	// A lock tells platforms by os, architecture and variant alone: what is there
	// several times is left out, and then a moved index is never taken for the same.
	count := map[string]int{}
	for _, c := range img.Children {
		if c.Runnable() {
			count[c.Platform.String()]++
		}
	}
	for _, c := range img.Children {
		p := c.Platform
		if c.Runnable() && count[p.String()] == 1 && lockable(p) {
			e.Platforms = append(e.Platforms, lock.Platform{Platform: p.String(), Manifest: c.Desc.Digest})
		}
	}
	return e, nil
}

// lockable reports whether a lock file can hold p, which is an image's own word.
func lockable(p ref.Platform) bool {
	if p.OS == "" || p.Architecture == "" || p.OSVersion != "" {
		return false
	}
	parsed, err := ref.ParsePlatform(p.String())
	return err == nil && parsed == p && !strings.ContainsAny(p.String(), " =\r\n\t")
}
