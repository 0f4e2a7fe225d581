package identity_test

import (
	"testing"

	"github.com/intact-dev/intact/pkg/fact"
	"github.com/intact-dev/intact/pkg/identity"
	"github.com/intact-dev/intact/pkg/ref"
)

func TestWhatACloneLearnsTheOtherDoesNot(t *testing.T) {
	t.Parallel()
	digest := func(s string) ref.Digest { return ref.DigestOf([]byte(s), "") }
	amd64 := ref.Platform{OS: "linux", Architecture: "amd64"}
	index := func(name string) fact.Image {
		return fact.Image{
			Root: ref.Descriptor{Digest: digest(name)}, Class: fact.ClassIndex,
			Platforms: []fact.Child{{Class: fact.ClassImage, Platform: amd64, Manifest: digest("manifest"), Config: digest("config")}},
		}
	}
	same := func(g *identity.Graph, name string) bool {
		return g.Compare(digest(name), digest("manifest"), amd64).Answer == fact.AnswerSame
	}
	var g identity.Graph
	g.AddImage(index("a"))
	clone := g.Clone()
	clone.AddImage(index("b"))
	g.AddImage(index("c"))
	for name, want := range map[string][2]bool{"a": {true, true}, "b": {false, true}, "c": {true, false}} {
		if got := [2]bool{same(&g, name), same(clone, name)}; got != want {
			t.Errorf("%s: known to the graph and its clone: %v, want %v", name, got, want)
		}
	}
}
