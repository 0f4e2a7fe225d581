package checktest

import (
	"fmt"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/intact-dev/intact/pkg/check"
	"github.com/intact-dev/intact/pkg/fact"
)

// Properties holds c to what is true of every check: it is deterministic, does
// not change the facts, reads no fact that it does not declare, and taking
// evidence away never improves its outcome.
func Properties(t *testing.T, c check.Check, facts fact.Set) {
	t.Helper()
	got := check.Evaluate(c, &facts)
	before := encode(t, facts)
	if d := cmp.Diff(got, check.Evaluate(c, &facts)); d != "" {
		t.Errorf("the second evaluation differs (-first +second):\n%s", d)
	}
	if d := cmp.Diff(string(before), string(encode(t, facts))); d != "" {
		t.Errorf("the check changed the facts (-before +after):\n%s", d)
	}
	readsOnlyDeclared(t, c, facts)
	for _, cause := range []fact.Cause{fact.Network, fact.NotAsked} {
		for name, less := range Reductions(facts, cause) {
			after := check.Evaluate(c, &less)
			if why := improved(got.Outcome, after.Outcome, cause); why != "" {
				t.Errorf("without %s (%s): %s", name, cause, why)
			}
		}
	}
}

// readsOnlyDeclared calls the check's own functions, past Evaluate's protection.
func readsOnlyDeclared(t *testing.T, c check.Check, facts fact.Set) {
	t.Helper()
	declared := facts.Only(append(slices.Clone(c.Needs), c.Uses...)...)
	if c.Applies != nil && c.Applies(&facts) != c.Applies(declared) {
		t.Error("Applies reads a fact that the check does not declare")
	}
	for _, k := range c.Needs {
		if !fact.IsList(k) && facts.Statuses(k)[0].State == fact.Unknown {
			return // Run would not be called
		}
	}
	if d := cmp.Diff(c.Run(declared), c.Run(&facts)); d != "" {
		t.Errorf("Run reads a fact that the check does not declare (-declared +all):\n%s", d)
	}
}

// improved says what is better about an outcome after evidence was taken away
// for some cause, or "".
func improved(before, after check.Outcome, cause fact.Cause) string {
	change := fmt.Sprintf("%s became %s", before, after)
	refuses := before == check.Fail || before == check.Undecided
	switch {
	case after == check.Pass && before != check.Pass:
		return change
	case refuses && after == check.NotApplicable:
		return change
	case after == check.NotAsked && before != check.NotAsked && cause != fact.NotAsked:
		return change
	}
	return ""
}

// Reductions returns, by name, the sets that have one thing less than s: one
// fact, or one part of a list, is Unknown with the given cause.
func Reductions(s fact.Set, cause fact.Cause) map[string]fact.Set {
	out := map[string]fact.Set{}
	lessValue(out, s, fact.KReference, func(s *fact.Set) *fact.Value[fact.Reference] { return &s.Reference }, cause)
	lessValue(out, s, fact.KResolution, func(s *fact.Set) *fact.Value[fact.Resolution] { return &s.Resolution }, cause)
	lessValue(out, s, fact.KTag, func(s *fact.Set) *fact.Value[fact.Tag] { return &s.Tag }, cause)
	lessValue(out, s, fact.KPin, func(s *fact.Set) *fact.Value[fact.Pin] { return &s.Pin }, cause)
	lessValue(out, s, fact.KPush, func(s *fact.Set) *fact.Value[fact.Push] { return &s.Push }, cause)
	lessValue(out, s, fact.KImage, func(s *fact.Set) *fact.Value[fact.Image] { return &s.Image }, cause)
	lessValue(out, s, fact.KConfig, func(s *fact.Set) *fact.Value[fact.Config] { return &s.Config }, cause)
	lessValue(out, s, fact.KUser, func(s *fact.Set) *fact.Value[fact.User] { return &s.User }, cause)
	lessValue(out, s, fact.KFilesystem, func(s *fact.Set) *fact.Value[fact.Filesystem] { return &s.Filesystem }, cause)
	lessValue(out, s, fact.KContainer, func(s *fact.Set) *fact.Value[fact.Container] { return &s.Container }, cause)
	lessValue(out, s, fact.KSettings, func(s *fact.Set) *fact.Value[fact.Settings] { return &s.Settings }, cause)
	lessValue(out, s, fact.KRunning, func(s *fact.Set) *fact.Value[fact.Running] { return &s.Running }, cause)
	lessValue(out, s, fact.KForecast, func(s *fact.Set) *fact.Value[fact.Forecast] { return &s.Forecast }, cause)
	lessValue(out, s, fact.KJudged, func(s *fact.Set) *fact.Value[fact.Judged] { return &s.Judged }, cause)
	lessValue(out, s, fact.KGroup, func(s *fact.Set) *fact.Value[fact.Group] { return &s.Group }, cause)
	lessValue(out, s, fact.KTagHistory, func(s *fact.Set) *fact.Value[fact.TagHistory] { return &s.TagHistory }, cause)
	lessValue(out, s, fact.KDeclared, func(s *fact.Set) *fact.Value[fact.Declared] { return &s.Declared }, cause)
	lessValue(out, s, fact.KObject, func(s *fact.Set) *fact.Value[fact.Object] { return &s.Object }, cause)
	lessList(out, s, fact.KChanges, func(s *fact.Set) *fact.List[fact.FileChange] { return &s.Changes }, cause)
	lessList(out, s, fact.KRevisions, func(s *fact.Set) *fact.List[fact.Revision] { return &s.Revisions }, cause)
	lessList(out, s, fact.KAvailability, func(s *fact.Set) *fact.List[fact.Blob] { return &s.Availability }, cause)
	lessList(out, s, fact.KDocuments, func(s *fact.Set) *fact.List[fact.Document] { return &s.Documents }, cause)
	lessList(out, s, fact.KListings, func(s *fact.Set) *fact.List[fact.Listing] { return &s.Listings }, cause)
	lessList(out, s, fact.KSignatures, func(s *fact.Set) *fact.List[fact.Signature] { return &s.Signatures }, cause)
	lessList(out, s, fact.KLayers, func(s *fact.Set) *fact.List[fact.Layer] { return &s.Layers }, cause)
	return out
}

func lessValue[T any](out map[string]fact.Set, s fact.Set, k fact.Kind, field func(*fact.Set) *fact.Value[T], cause fact.Cause) {
	if field(&s).State == fact.Unknown {
		return
	}
	less := s
	*field(&less) = fact.Missing[T](cause, "taken away")
	out[string(k)] = less
}

func lessList[T any](out map[string]fact.Set, s fact.Set, k fact.Kind, field func(*fact.Set) *fact.List[T], cause fact.Cause) {
	list := *field(&s)
	if list.State == fact.Unknown {
		return
	}
	less := s
	*field(&less) = fact.MissingList[T](cause, "taken away")
	out[string(k)] = less
	for i, p := range list.Parts {
		if p.State == fact.Unknown {
			continue
		}
		less := s
		field(&less).Parts = slices.Clone(list.Parts)
		field(&less).Parts[i] = fact.Missing[T](cause, "taken away")
		out[fmt.Sprintf("%s[%d]", k, i)] = less
	}
}
