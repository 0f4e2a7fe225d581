package ref

import "github.com/intact-dev/intact/pkg/internal/lazy"

// A Class says whether a tag is meant to move.
type Class string

// Tag classes. The zero value "" means that there is no tag.
const (
	Floating Class = "floating" // latest, main, 1, 1.25: expected to move
	Fixed    Class = "fixed"    // a full version, a date, a commit: expected to stay
)

// Two or more dots of a version make it full: 1.25 names a line of releases,
// 1.25.3 one release. A suffix (-alpine, -bookworm) names a variant and changes
// nothing. Dates and commits are written once. All else moves.
var fixedTag = lazy.Regexp(`^(?:` +
	`[vV]?\d+\.\d+\.\d+(?:\.\d+)*(?:[-_.+][0-9A-Za-z][\w.-]*)?` + // 1.4.2, v1.4.2-rc.1, 1.4.2-alpine
	`|(?:[A-Za-z][\w.]*[-_])?[vV]?\d+\.\d+\.\d+(?:\.\d+)*(?:[-_.][\w.-]*)?` + // release-1.4.2
	`|(?:.*[-_.])?(?:19|20)\d\d[-.]?(?:0[1-9]|1[0-2])[-.]?(?:0[1-9]|[12]\d|3[01])(?:[-_.T]?\w[\w.-]*)?` + // bookworm-20261123, 2026-11-23
	`|(?:(?:sha|git|commit|g)[-_.]?)[0-9a-f]{7,64}` + // sha-1a2b3c4
	`|[0-9a-f]{40}|[0-9a-f]{64}` +
	`|sha256-[0-9a-f]{64}(?:\.\w+)?` + // referrers fallback and cosign's tags
	`)$`)

var abbreviatedCommit = lazy.Regexp(`^[0-9a-f]{7,39}$`)

// ClassOf classifies tag by its grammar alone; a policy may override it. A bare
// abbreviated commit counts as fixed only if it holds both a digit and a letter,
// so that a plain number or a word such as "default" is not taken for one.
func ClassOf(tag string) Class {
	switch {
	case tag == "":
		return ""
	case fixedTag().MatchString(tag):
		return Fixed
	case abbreviatedCommit().MatchString(tag) && hasDigit().MatchString(tag) && hasHexLetter().MatchString(tag):
		return Fixed
	}
	return Floating
}

var (
	hasDigit     = lazy.Regexp(`\d`)
	hasHexLetter = lazy.Regexp(`[a-f]`)
)
