package checks_test

import (
	"fmt"
	"testing"

	"github.com/intact-dev/intact/pkg/check"
	"github.com/intact-dev/intact/pkg/checks"
	"github.com/intact-dev/intact/pkg/fact"
	"github.com/intact-dev/intact/pkg/ref"
)

// BenchmarkEvaluate judges one platform of an image of 40 layers with findings
// of all kinds by all checks: what every question costs once facts are there.
func BenchmarkEvaluate(b *testing.B) {
	digest := ref.DigestOf([]byte("x"), "")
	s := fact.Set{
		Image:     fact.Of(fact.Image{Class: fact.ClassImage}),
		Documents: fact.ListOf(fact.Of(fact.Document{Role: "manifest", Wanted: ref.Descriptor{Digest: digest}, Digest: digest})),
		Config:    fact.Of(fact.Config{User: "app", LayerCount: 40}),
		User:      fact.Of(fact.User{Spec: "app", Name: "app", UID: 1000}),
		Layers:    fact.ListOf[fact.Layer](),
	}
	var tree fact.Filesystem
	for i := range 40 {
		s.Config.V.DiffIDs = append(s.Config.V.DiffIDs, digest)
		s.Layers.Parts = append(s.Layers.Parts, fact.Of(fact.Layer{
			Index: i, Descriptor: ref.Descriptor{Digest: digest}, Digest: digest, DiffID: digest, DeclaredDiffID: digest,
		}))
		g := fact.PathGroup{Dir: "/app", Count: 4000, Layer: i, CreatedBy: "COPY --chown=app . /app # buildkit"}
		for n := range 64 {
			g.Paths = append(g.Paths, fact.Bytes(fmt.Sprintf("/app/%d/%d.js", i, n)))
		}
		tree.UserCode, tree.WorldWritable = append(tree.UserCode, g), append(tree.WorldWritable, g)
	}
	s.Filesystem = fact.Of(tree)
	all := checks.All()
	b.ReportAllocs()
	for b.Loop() {
		for _, c := range all {
			check.Evaluate(c, &s)
		}
	}
}
