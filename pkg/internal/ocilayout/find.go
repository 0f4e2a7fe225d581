package ocilayout

import (
	"cmp"
	"context"
	"fmt"
	"io/fs"

	"github.com/intact-dev/intact/pkg/internal/lazy"
	"github.com/intact-dev/intact/pkg/ref"
)

// Annotations that name an entry of index.json: the image specification's, and
// the full name that containerd and BuildKit write beside it.
const (
	annotationRefName        = "org.opencontainers.image.ref.name"
	annotationContainerdName = "io.containerd.image.name"
)

// signatureTag is a tag under which cosign, or the referrers fallback, stores
// what belongs to another image.
var signatureTag = lazy.Regexp(`^sha(?:256|512)-[0-9a-f]{64,128}(?:\.\w+)?$`)

// find returns the descriptor that r selects: by its digest, by its tag, or the
// only image.
func (l *Layout) find(ctx context.Context, r ref.Ref) (ref.Descriptor, error) {
	if err := ctx.Err(); err != nil {
		return ref.Descriptor{}, err
	}
	switch {
	case r.Digest != "":
		return l.byDigest(r.Digest)
	case r.Tag != "":
		return l.byTag(r)
	}
	return l.only(ctx)
}

// byDigest takes the media type from index.json if the digest is listed there;
// children of an index are not.
func (l *Layout) byDigest(d ref.Digest) (ref.Descriptor, error) {
	if _, err := ref.ParseDigest(string(d)); err != nil {
		return ref.Descriptor{}, err
	}
	if e, ok := l.names.digests[d]; ok {
		return e, nil
	}
	return ref.Descriptor{Digest: d}, nil
}

// byTag prefers an entry whose name is exactly the tag, then one whose full name
// is r's, then, unless r names a repository, one whose full name has the tag. A
// full name without a tag stands for latest, as for the tools that write it.
func (l *Layout) byTag(r ref.Ref) (ref.Descriptor, error) {
	found, ok := l.names.exact[r.Tag]
	if !ok && r.Name != "" {
		found, ok = l.names.full[fullName(r.Canonical(), r.Tag)]
	}
	if !ok && r.Name == "" {
		found, ok = l.names.tags[r.Tag]
	}
	if found.other != "" {
		return ref.Descriptor{}, choiceError(fmt.Sprintf("two entries have this name: %s and %s; choose one by its digest", found.entry.Digest, found.other))
	}
	if ok {
		return found.entry, nil
	}
	if d, ok := l.names.cosign[r.Tag]; ok {
		return d, nil
	}
	return ref.Descriptor{}, fmt.Errorf("no entry has this name%s: %w", l.names.hint, fs.ErrNotExist)
}

// Named returns the entry whose full name is that of r, if it is one alone.
func (l *Layout) Named(r ref.Ref) (ref.Descriptor, bool) {
	m, ok := l.names.full[fullName(r.Canonical(), cmp.Or(r.Tag, "latest"))]
	return m.entry, ok && m.other == ""
}

// only returns the layout's only image. Signatures and other referrers beside
// it do not count, unless a runtime would take them for images: then what they
// belong to is a claim of their own.
func (l *Layout) only(ctx context.Context) (ref.Descriptor, error) {
	candidates := distinct(l.entries, func(d ref.Descriptor) bool { return true })
	if len(candidates) > 1 {
		w, err := l.walk(ctx)
		if err != nil {
			return ref.Descriptor{}, err
		}
		referrer := map[ref.Digest]bool{}
		for _, list := range w.subjects {
			for _, d := range list {
				referrer[d.Digest] = true
			}
		}
		// Each entry of a digest says by itself what it is.
		candidates = distinct(l.entries, func(d ref.Descriptor) bool {
			return w.runs[d.Digest] || !belongsToAnother(d) && !referrer[d.Digest]
		})
	} else {
		candidates = distinct(candidates, func(d ref.Descriptor) bool { return !belongsToAnother(d) })
	}
	switch len(candidates) {
	case 0:
		return ref.Descriptor{}, fmt.Errorf("%s lists no image: %w", indexFile, fs.ErrNotExist)
	case 1:
		return candidates[0], nil
	}
	return ref.Descriptor{}, choiceError(fmt.Sprintf("there are %d images; choose one by its tag or digest%s", len(candidates), l.names.hint))
}

// A choiceError says that a reference does not say which of several images it
// means. Guessing is nothing that intact does, so it counts as unsupported.
type choiceError string

func (e choiceError) Error() string { return string(e) }

func belongsToAnother(d ref.Descriptor) bool {
	switch d.Annotations[annotationKind] {
	case kindSignatures, kindAttestations:
		return true
	}
	return signatureTag().MatchString(d.Annotations[annotationRefName])
}

func distinct(all []ref.Descriptor, keep func(ref.Descriptor) bool) []ref.Descriptor {
	seen := map[ref.Digest]bool{}
	var out []ref.Descriptor
	for _, d := range all {
		if keep(d) && !seen[d.Digest] {
			seen[d.Digest] = true
			out = append(out, d)
		}
	}
	return out
}
