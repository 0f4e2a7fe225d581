package signatures_test

import (
	"context"
	"slices"
	"testing"

	"github.com/intact-dev/intact/pkg/fact"
	"github.com/intact-dev/intact/pkg/gather/signatures"
	"github.com/intact-dev/intact/pkg/internal/testtrust"
	"github.com/intact-dev/intact/pkg/ref"
	"github.com/intact-dev/intact/pkg/verify"
)

// A circle is a store that lists everything as a referrer of everything: lists,
// unlike manifests, can lead back.
type circle struct {
	*store
	lists []ref.Digest // of which a list was asked for
}

func (c *circle) Referrers(ctx context.Context, r ref.Ref, d ref.Digest) ([]ref.Descriptor, string, error) {
	c.lists = append(c.lists, d)
	return c.store.Referrers(ctx, r, d)
}

// TestReferrersInACircle: the referrers of a referrer are not asked for, and what
// is listed is fetched once, the image itself included. REG-15.
func TestReferrersInACircle(t *testing.T) {
	t.Parallel()
	c := &circle{store: newStore()}
	a := c.push(t, artifact{artifactType: "application/vnd.test.a", layers: []testtrust.Layer{signature(t)}})
	b := c.push(t, artifact{artifactType: "application/vnd.test.b", subject: a})
	c.manifests[string(subject.Digest)] = manifest
	c.referrers = append(c.referrers, ref.Descriptor{MediaType: typeManifest, Digest: subject.Digest, Size: int64(len(manifest))})
	v, err := verify.New(verify.Trust{Keys: []verify.Key{{Name: "k", PEM: testtrust.PublicPEM(t, signer.Key.Public())}}})
	if err != nil {
		t.Fatal(err)
	}
	listings, found := signatures.New().Gather(t.Context(), []signatures.Place{{Source: c, Referrer: c, Repository: ref.Ref{Name: "registry.example.test/app"}}},
		[]signatures.Subject{subject}, v, signatures.Options{At: at, Jobs: 1})
	if !slices.Equal(c.lists, []ref.Digest{subject.Digest}) {
		t.Errorf("lists were asked for of %q, want of the image alone", c.lists)
	}
	for _, d := range []ref.Digest{a, b, subject.Digest} {
		n := 0
		for _, what := range c.asked {
			if what == string(d) {
				n++
			}
		}
		if n != 1 {
			t.Errorf("%s was fetched %d times", d, n)
		}
	}
	if len(found.Parts) != 1 || found.Parts[0].V.State != fact.SignatureVerified {
		t.Errorf("signatures: %+v", found.Parts)
	}
	last := listings.Parts[len(listings.Parts)-1]
	if last.State != fact.Known || last.V.Found != 1 || len(last.V.Unread) != 2 {
		t.Errorf("what refers to something else is not told: %+v", last)
	}
}
