package signatures

import (
	"context"
	"time"

	"github.com/intact-dev/intact/pkg/fact"
	"github.com/intact-dev/intact/pkg/image"
	"github.com/intact-dev/intact/pkg/ref"
)

// Listings keep what places answered for a while. What is kept is the list alone:
// what it names is fetched, hashed and verified each time. They may be used
// concurrently.
type Listings interface {
	// List returns what was kept, or asks. An error of ask is returned, and never
	// kept.
	List(ctx context.Context, q Question, ask Ask) (Listed, error)
	// Renew asks whatever was kept, and keeps the answer.
	Renew(ctx context.Context, q Question, ask Ask) (Listed, error)
}

// Ask asks a place.
type Ask func(ctx context.Context) (Listed, error)

// A Question is what a place is asked.
type Question struct {
	Repository string // canonical
	Digest     ref.Digest
	Form       string // fact.FormSigTag, fact.FormAttTag or fact.FormReferrers
}

// Listed is what a place answered.
type Listed struct {
	At time.Time `json:"at"` // when it was asked
	// Tag is the manifest at cosign's tag; nil = there is no such tag.
	Tag *image.Answer `json:"tag,omitempty"`
	// Referrers and in which form they were found, where it was asked for them.
	Referrers []ref.Descriptor `json:"referrers,omitempty"`
	Form      string           `json:"form,omitempty"`
	// Doubtful is an answer that may have been damaged on its way: it is not kept.
	Doubtful bool `json:"-"`
}

// Found reports whether anything was listed.
func (l Listed) Found() bool { return l.Tag != nil || len(l.Referrers) > 0 }

// Anew are Listings that answer nothing by what was kept: who asks knows that
// something may have come since.
func Anew(l Listings) Listings { return anew{l} }

type anew struct{ Listings }

// List implements [Listings].
func (a anew) List(ctx context.Context, q Question, ask Ask) (Listed, error) {
	return a.Renew(ctx, q, ask)
}

// list asks the place, or takes what is kept, and dates what is found by it.
func (l *lookup) list(ctx context.Context, ask Ask) (Listed, error) {
	at := l.opts.At
	dated := func(ctx context.Context) (Listed, error) {
		got, err := ask(ctx)
		got.At = at
		return got, err
	}
	if l.place.Listings == nil {
		return dated(ctx)
	}
	q := Question{Repository: l.place.Repository.Canonical(), Digest: l.subject.Digest, Form: l.form}
	got, err := l.place.Listings.List(ctx, q, dated)
	if err == nil {
		l.opts.At = got.At
	}
	return got, err
}

// askTag gets the manifest at one of cosign's tags. No such tag is an answer.
func (l *lookup) askTag(ctx context.Context, tag ref.Ref) (Listed, error) {
	a, err := l.place.Source.Manifest(ctx, tag)
	switch {
	case err != nil && image.CauseOf(err) == fact.NotFound:
		return Listed{}, nil
	case err != nil:
		return Listed{}, err
	}
	f, err := image.FetchManifest(ctx, answered{l.place.Source, a}, tag, ref.Descriptor{})
	return Listed{Tag: a, Doubtful: err == nil && noManifest(f) != ""}, err
}

// An answered source has given its answer.
type answered struct {
	image.Source
	answer *image.Answer
}

// Manifest returns it.
func (a answered) Manifest(context.Context, ref.Ref) (*image.Answer, error) { return a.answer, nil }
