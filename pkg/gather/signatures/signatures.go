// Package signatures gathers what is signed about an image: it looks in all
// places and forms, fetches and hashes the bytes, and has them verified. It
// decides nothing: a policy judges the facts.
package signatures

import (
	"context"
	"fmt"
	"time"

	"golang.org/x/sync/errgroup"
	"golang.org/x/sync/semaphore"

	"github.com/intact-dev/intact/pkg/fact"
	"github.com/intact-dev/intact/pkg/image"
	"github.com/intact-dev/intact/pkg/internal/limits"
	"github.com/intact-dev/intact/pkg/ref"
	"github.com/intact-dev/intact/pkg/verify"
)

// A Place is a repository in which signatures may be stored.
type Place struct {
	Source image.Source
	// Referrer lists what refers to a manifest; nil if the place cannot.
	Referrer image.Referrer
	// Listings keep what the place answers; nil = it is asked each time.
	Listings Listings
	// Repository is where to look; its tag and digest are not used.
	Repository ref.Ref
}

// A Subject is a manifest or index whose bytes have been hashed to Digest.
type Subject struct {
	Digest   ref.Digest
	Bytes    []byte
	Platform ref.Platform // zero = the root
}

// A Gatherer holds the memory budget for attestations. It may be used
// concurrently, and should be shared.
type Gatherer struct {
	inFlight *semaphore.Weighted
}

// New returns a Gatherer.
func New() *Gatherer {
	return &Gatherer{inFlight: semaphore.NewWeighted(limits.AttestationInFlight)}
}

const defaultJobs = 4

// Options say how far to go.
type Options struct {
	// Attestations has attestations fetched and verified. Without it they are
	// listed, and each is a part that is not known because it was not asked for.
	Attestations bool
	// At is the time of the observation.
	At time.Time
	// Jobs bounds concurrent look-ups; 0 means the default.
	Jobs int
}

// Gather looks for signatures of each subject in each place. Listings has one
// part per form, subject and place; signatures one per signed object. What could
// not be asked or fetched is a part with its cause.
func (g *Gatherer) Gather(ctx context.Context, places []Place, subjects []Subject, verifier *verify.Verifier, opts Options) (fact.List[fact.Listing], fact.List[fact.Signature]) {
	listings, signatures := fact.ListOf[fact.Listing](), fact.ListOf[fact.Signature]()
	var lookups []*lookup
	for _, p := range places {
		claims := p.Source.Proves()
		if !claims.Signatures {
			cause, why := fact.Unsupported, claims.NoSignatures
			listings.Parts = append(listings.Parts, fact.Missing[fact.Listing](cause, why))
			signatures.Parts = append(signatures.Parts, fact.Missing[fact.Signature](cause, why))
			continue
		}
		for _, s := range subjects {
			for _, form := range formsOf(p, s) {
				lookups = append(lookups, &lookup{
					gatherer: g, verifier: verifier, opts: opts, place: p, subject: s, form: form,
					name: placeName(p),
				})
			}
		}
	}
	jobs := opts.Jobs
	if jobs <= 0 {
		jobs = defaultJobs
	}
	group := errgroup.Group{}
	group.SetLimit(jobs)
	for _, l := range lookups {
		group.Go(func() error {
			l.run(ctx)
			return nil
		})
	}
	_ = group.Wait() // no look-up returns an error: each is a part
	for _, l := range lookups {
		listings.Parts = append(listings.Parts, l.listing)
		signatures.Parts = append(signatures.Parts, l.signatures...)
	}
	return listings, signatures
}

func placeName(p Place) string {
	if name := p.Repository.Canonical(); name != "" {
		return name
	}
	return p.Source.Proves().Place
}

// formsOf returns where to look. cosign's tags hold a digest, and a sha512 does
// not fit into the 128 characters of a tag.
func formsOf(p Place, s Subject) []string {
	var forms []string
	if s.Digest.Algorithm() == "sha256" {
		forms = append(forms, fact.FormSigTag, fact.FormAttTag)
	}
	if p.Referrer != nil {
		forms = append(forms, fact.FormReferrers)
	}
	return forms
}

// A lookup is one form, subject and place.
type lookup struct {
	gatherer *Gatherer
	verifier *verify.Verifier
	opts     Options
	place    Place
	subject  Subject
	form     string
	name     string

	listing    fact.Value[fact.Listing]
	found      fact.Listing
	signatures []fact.Value[fact.Signature]
	objects    int // signed objects come upon, over all manifests
	last       struct {
		digest  ref.Digest
		payload []byte
	}
}

func (l *lookup) run(ctx context.Context) {
	l.found = fact.Listing{Form: l.form, Place: l.name, Subject: l.subject.Digest, Platform: l.subject.Platform}
	var err error
	switch l.form {
	case fact.FormSigTag:
		err = l.readTag(ctx, ".sig")
	case fact.FormAttTag:
		err = l.readTag(ctx, ".att")
	default:
		err = l.readReferrers(ctx)
	}
	if err != nil {
		l.listing = fact.Missing[fact.Listing](image.CauseOf(err), fmt.Sprintf("look for signatures of %s (%s) in %s: %v", l.subject.Digest, l.form, l.name, err))
		l.listing.V = l.found // where the gap is: it matters only for rules about this subject
	} else {
		l.listing = fact.Of(l.found)
	}
	l.listing.At, l.listing.Source = l.opts.At, l.name
}

// add records a signed object as known.
func (l *lookup) add(s fact.Signature, artifact ref.Digest) {
	s.Form, s.Place, s.Subject, s.Platform, s.Artifact = l.found.Form, l.name, l.subject.Digest, l.subject.Platform, artifact
	l.signatures = append(l.signatures, fact.Value[fact.Signature]{State: fact.Known, V: s, At: l.opts.At, Source: l.name})
}

// miss records a signed object that is not known.
func (l *lookup) miss(cause fact.Cause, why string) {
	v := fact.Missing[fact.Signature](cause, why)
	v.At, v.Source = l.opts.At, l.name
	v.V = fact.Signature{Form: l.found.Form, Place: l.name, Subject: l.subject.Digest, Platform: l.subject.Platform}
	l.signatures = append(l.signatures, v)
}
