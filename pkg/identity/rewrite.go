package identity

import (
	"cmp"
	"strings"

	"github.com/intact-dev/intact/pkg/fact"
	"github.com/intact-dev/intact/pkg/ref"
)

// placeholder is what Istio's templates name instead of the proxy's image, which
// the injector puts in.
//
// https://istio.io/latest/docs/setup/additional-setup/gateway/
const placeholder = "auto"

// Rewrite says how the image of a pod differs from the one in its template, as
// both are written. "" is the same image, however it is spelt (nginx is
// docker.io/library/nginx:latest), or no template. It is about names: that a
// mirror holds the same bytes is for a [Graph] to prove.
//
// upstreamOf returns the canonical repository that a canonical one is a copy of,
// or itself; nil if no mirrors are known.
func Rewrite(template, pod string, upstreamOf func(string) string) fact.Rewrite {
	if template == "" || template == pod {
		return ""
	}
	from, err := ref.Parse(template)
	if err != nil || template == placeholder {
		// What is no reference can only have been there to be replaced.
		return fact.RewritePlaceholder
	}
	to, err := ref.Parse(pod)
	if err != nil {
		return fact.RewriteOther
	}
	sameRepository := from.Canonical() == to.Canonical()
	switch {
	case !keeps(from, to):
		return fact.RewriteOther
	case sameRepository && from.Digest == to.Digest:
		return ""
	case sameRepository:
		return fact.RewriteDigest
	case isMirror(from, to, upstreamOf):
		return fact.RewriteMirror
	}
	return fact.RewriteOther
}

// keeps reports whether to names, in its own repository, what from does: the
// same digest, whatever tags stand beside it, for a digest decides; else the
// same tag, or a digest in place of a tag.
func keeps(from, to ref.Ref) bool {
	if from.Digest != "" {
		return from.Digest == to.Digest
	}
	if to.Tag == "" && to.Digest != "" {
		return true
	}
	return cmp.Or(from.Tag, "latest") == cmp.Or(to.Tag, "latest")
}

// isMirror reports whether to is a copy of from: where the mirrors that are
// known say so, or the path is the same in another registry or below a prefix,
// with or without the name of the first registry.
func isMirror(from, to ref.Ref, upstreamOf func(string) string) bool {
	if upstreamOf != nil && upstreamOf(from.Canonical()) == upstreamOf(to.Canonical()) {
		return true
	}
	path := "/" + to.Repository()
	return strings.HasSuffix(path, "/"+from.Repository()) || strings.HasSuffix(path, "/"+from.Canonical())
}
