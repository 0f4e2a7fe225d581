package checktest

import (
	"testing"

	"github.com/intact-dev/intact/pkg/check"
	"github.com/intact-dev/intact/pkg/fact"
)

// The list of fields in Reductions is written by hand: a new fact must be in it.
func TestReductions_take_away_every_fact(t *testing.T) {
	t.Parallel()
	all := fact.Set{
		Reference: fact.None[fact.Reference](), Resolution: fact.None[fact.Resolution](), Tag: fact.None[fact.Tag](),
		Pin: fact.None[fact.Pin](), Push: fact.None[fact.Push](), Availability: fact.NoList[fact.Blob](),
		Image: fact.None[fact.Image](), Documents: fact.NoList[fact.Document](), Listings: fact.NoList[fact.Listing](),
		Signatures: fact.NoList[fact.Signature](), Config: fact.None[fact.Config](), Layers: fact.NoList[fact.Layer](),
		User: fact.None[fact.User](), Filesystem: fact.None[fact.Filesystem](),
		Container: fact.None[fact.Container](), Settings: fact.None[fact.Settings](), Running: fact.None[fact.Running](),
		Forecast: fact.None[fact.Forecast](), Judged: fact.None[fact.Judged](), Changes: fact.NoList[fact.FileChange](),
		Group: fact.None[fact.Group](), Revisions: fact.NoList[fact.Revision](),
		TagHistory: fact.None[fact.TagHistory](), Declared: fact.None[fact.Declared](), Object: fact.None[fact.Object](),
	}
	reduced := Reductions(all, fact.Network)
	for _, k := range fact.Kinds() {
		if all.Statuses(k)[0].State == fact.Unknown {
			t.Errorf("this test does not set %s", k)
		}
		less, ok := reduced[string(k)]
		if !ok {
			t.Errorf("%s is not taken away", k)
			continue
		}
		for _, other := range fact.Kinds() {
			if unknown := less.Statuses(other)[0].State == fact.Unknown; unknown != (other == k) {
				t.Errorf("without %s: %s is unknown: %t", k, other, unknown)
			}
		}
	}
}

func TestReductions_take_away_each_part(t *testing.T) {
	t.Parallel()
	s := fact.Set{Layers: fact.ListOf(
		fact.Of(fact.Layer{Index: 0}), fact.Missing[fact.Layer](fact.Network, "reset"), fact.Of(fact.Layer{Index: 2}),
	)}
	reduced := Reductions(s, fact.NotAsked)
	if len(reduced) != 3 {
		t.Fatalf("got %d reductions, want the list and its two known parts", len(reduced))
	}
	if got := reduced["layers[2]"].Layers.Parts[2]; got.State != fact.Unknown || got.Cause != fact.NotAsked {
		t.Errorf("layers[2] is %v, %q", got.State, got.Cause)
	}
	if s.Layers.Parts[2].State != fact.Known {
		t.Error("the set itself was changed")
	}
}

func TestImproved(t *testing.T) {
	t.Parallel()
	bad := map[[2]check.Outcome]bool{
		{check.Fail, check.Pass}: true, {check.Undecided, check.Pass}: true,
		{check.NotApplicable, check.Pass}: true, {check.NotAsked, check.Pass}: true,
		{check.Fail, check.NotApplicable}: true, {check.Undecided, check.NotApplicable}: true,
	}
	for _, before := range check.Outcomes() {
		for _, after := range check.Outcomes() {
			if got := improved(before, after, fact.NotAsked) != ""; got != bad[[2]check.Outcome{before, after}] {
				t.Errorf("not asked: %s to %s: improved %t", before, after, got)
			}
			lost := bad[[2]check.Outcome{before, after}] || after == check.NotAsked && before != check.NotAsked
			if got := improved(before, after, fact.Network) != ""; got != lost {
				t.Errorf("network: %s to %s: improved %t", before, after, got)
			}
		}
	}
}
