package signatures_test

import (
	"context"
	"testing"
	"time"

	"github.com/intact-dev/intact/pkg/fact"
	"github.com/intact-dev/intact/pkg/gather/signatures"
	"github.com/intact-dev/intact/pkg/internal/testtrust"
	"github.com/intact-dev/intact/pkg/ref"
	"github.com/intact-dev/intact/pkg/verify"
)

// kept are listings that keep for ever.
type kept map[signatures.Question]signatures.Listed

func (k kept) List(ctx context.Context, q signatures.Question, ask signatures.Ask) (signatures.Listed, error) {
	if l, ok := k[q]; ok {
		return l, nil
	}
	return k.Renew(ctx, q, ask)
}

func (k kept) Renew(ctx context.Context, q signatures.Question, ask signatures.Ask) (signatures.Listed, error) {
	l, err := ask(ctx)
	if err == nil && !l.Doubtful {
		k[q] = l
	}
	return l, err
}

// What was listed before is dated so, and the objects are read and verified again.
func TestAListThatWasKept(t *testing.T) {
	t.Parallel()
	s, k := newStore(), kept{}
	s.push(t, artifact{tag: tag(".sig"), layers: []testtrust.Layer{signature(t)}})
	v, err := verify.New(verify.Trust{Keys: []verify.Key{{Name: "k", PEM: testtrust.PublicPEM(t, signer.Key.Public())}}})
	if err != nil {
		t.Fatal(err)
	}
	look := func(l signatures.Listings, at time.Time) (fact.List[fact.Listing], fact.List[fact.Signature]) {
		return signatures.New().Gather(t.Context(), []signatures.Place{{Source: s, Referrer: s, Repository: ref.Ref{Name: "registry.example.test/app"}, Listings: l}},
			[]signatures.Subject{subject}, v, signatures.Options{At: at, Jobs: 1})
	}
	for n, later := range []time.Duration{0, time.Minute} {
		listings, found := look(k, at.Add(later))
		if len(k) != 3 || len(found.Parts) != 1 || found.Parts[0].V.State != fact.SignatureVerified || !found.Parts[0].At.Equal(at) {
			t.Errorf("look %d: kept %d, %+v", n, len(k), found.Parts)
		}
		for _, p := range listings.Parts {
			if p.State != fact.Known || !p.At.Equal(at) {
				t.Errorf("look %d: %+v", n, p)
			}
		}
	}
	// Who looks anew sees what is there now.
	s.push(t, artifact{tag: tag(".sig"), layers: []testtrust.Layer{signature(t), signature(t)}})
	if _, found := look(k, at); len(found.Parts) != 1 {
		t.Errorf("kept: %+v", found.Parts)
	}
	if listings, found := look(signatures.Anew(k), at.Add(time.Hour)); len(found.Parts) != 2 || !listings.Parts[0].At.Equal(at.Add(time.Hour)) {
		t.Errorf("anew: %+v", found.Parts)
	}
}
