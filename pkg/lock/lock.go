// Package lock reads and writes intact.lock: which digest every tag that a
// repository names stood for when somebody last looked and agreed. It is made to
// be committed and reviewed, like go.sum: sorted text, one line for each
// reference, nothing in it changes unless what a tag means does.
//
//	intact.lock v1
//	docker.io/library/nginx:1.27.3 sha256:… index fixed 2026-11-20 linux/amd64=sha256:… linux/arm64=sha256:…
//	ghcr.io/acme/api:main sha256:… image floating 2026-11-24 linux/amd64=sha256:… was=sha256:…@2026-11-01
//
// A line holds the canonical reference, the digest, what that names, the class
// of the tag, the day since which it is known to mean that, the manifest of each
// platform, and, newest first, what it meant before.
package lock

import (
	"cmp"
	"slices"
	"time"

	"github.com/intact-dev/intact/pkg/fact"
	"github.com/intact-dev/intact/pkg/ref"
)

// Name is the file's name, in the root of a repository.
const Name = "intact.lock"

// maxWas is how many former meanings of a tag are kept: a floating tag moves
// every day, and a file must not grow for ever.
const maxWas = 10

// A Lock is the entries of a lock file by reference. The zero value is empty.
type Lock struct {
	entries map[string]Entry
}

// An Entry is what one tag means.
type Entry struct {
	Name, Tag string // the canonical repository, and the tag
	Digest    ref.Digest
	Class     fact.Class // of what the digest names
	TagClass  ref.Class
	Since     time.Time // the day, UTC
	Platforms []Platform
	Was       []Past // newest first
}

// A Platform is the manifest of one platform; of an image that is no index it is
// the digest itself.
type Platform struct {
	Platform string // os/arch[/variant]
	Manifest ref.Digest
}

// A Past is what a tag meant before.
type Past struct {
	Digest ref.Digest
	Since  time.Time
}

// Ref is the reference of e as the file writes it.
func (e Entry) Ref() string { return e.Name + ":" + e.Tag }

// Entries returns all entries, sorted.
func (l *Lock) Entries() []Entry {
	out := make([]Entry, 0, len(l.entries))
	for _, e := range l.entries {
		out = append(out, e)
	}
	slices.SortFunc(out, func(a, b Entry) int { return cmp.Compare(a.Ref(), b.Ref()) })
	return out
}

// Get returns the entry for the tag of r, which may be written in any way.
func (l *Lock) Get(r ref.Ref) (Entry, bool) {
	tag := r.Tag
	if tag == "" {
		tag = "latest"
	}
	e, ok := l.entries[r.Canonical()+":"+tag]
	return e, ok
}

// Set records what a tag means. Where that is what is recorded already only the
// details are brought up to date; else the old meaning becomes a past one.
func (l *Lock) Set(e Entry) {
	if l.entries == nil {
		l.entries = map[string]Entry{}
	}
	old, ok := l.entries[e.Ref()]
	e.Was = nil
	switch {
	case ok && old.Digest == e.Digest:
		e.Since, e.Was = old.Since, old.Was
	case ok:
		e.Was = append([]Past{{old.Digest, old.Since}}, old.Was...)
		e.Was = e.Was[:min(len(e.Was), maxWas)]
	}
	l.entries[e.Ref()] = e
}

// Keep drops every entry whose reference is not among names.
func (l *Lock) Keep(names map[string]bool) {
	for k := range l.entries {
		if !names[k] {
			delete(l.entries, k)
		}
	}
}

// History is what the lock knows about the tag of r: Absent if it has no entry.
func (l *Lock) History(r ref.Ref) fact.Value[fact.TagHistory] {
	e, ok := l.Get(r)
	if !ok {
		return fact.None[fact.TagHistory]()
	}
	h := fact.TagHistory{By: Name, Tag: e.Tag, Before: fact.Past{Digest: e.Digest, At: e.Since, Platforms: map[string]ref.Digest{}}}
	for _, p := range e.Platforms {
		h.Before.Platforms[p.Platform] = p.Manifest
	}
	for _, w := range e.Was {
		h.Earlier = append(h.Earlier, fact.Past{Digest: w.Digest, At: w.Since})
	}
	return fact.Of(h)
}
