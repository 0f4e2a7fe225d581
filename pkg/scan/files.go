package scan

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/intact-dev/intact/pkg/check"
	"github.com/intact-dev/intact/pkg/extract"
	"github.com/intact-dev/intact/pkg/fact"
	"github.com/intact-dev/intact/pkg/observe"
	"github.com/intact-dev/intact/pkg/policy"
	"github.com/intact-dev/intact/pkg/ref"
	"github.com/intact-dev/intact/pkg/report"
)

// Files are what files declare, as extractors found it.
type Files struct {
	Name    string // what reports call them: the paths that were given
	Found   []extract.Found
	Objects []extract.Object
	// Problems are parts that could not be read.
	Problems []extract.Problem
	Counts   []observe.Count
	NotAsked []observe.Capability
	// Place is where the images are read from.
	Place Place
}

// declared turns what files name into an inventory of which nothing runs. Equal
// references with equal settings are one class with many places.
func (s *scanner) declared(f *Files) *inventory {
	runtime := &Runtime{Name: f.Name, Place: func(context.Context, observe.Container) (Place, string, error) { return f.Place, "", nil }}
	inv := &inventory{runtime: runtime, files: f, Inventory: observe.Inventory{Kind: "files", Name: f.Name, Counts: f.Counts, NotAsked: f.NotAsked}}
	classes := map[declaredKey]*class{}
	for i := range f.Found {
		found := &f.Found[i]
		key := declaredKeyOf(found, s.Policy.PlaceOf(policy.Subject{Path: found.Origin.Where}))
		k := classes[key]
		if k == nil {
			k = &class{inventory: inv, classKey: classKey{spec: specOf(found)}}
			classes[key] = k
			inv.classes = append(inv.classes, k)
		}
		k.found = append(k.found, found)
	}
	for _, p := range f.Problems {
		what := p.Origin.Where
		if p.Origin.Line > 0 {
			what = fmt.Sprintf("%s:%d", what, p.Origin.Line)
		}
		inv.Gaps = append(inv.Gaps, observe.Gap{What: what, Cause: p.Cause, Why: p.Why})
	}
	return inv
}

// A declaredKey is equal for what is judged alike.
type declaredKey struct {
	place                                      policy.Place
	kind                                       ref.Kind
	raw, unresolved, settings, ignored, target string
	class                                      ref.Class
}

func declaredKeyOf(f *extract.Found, place policy.Place) declaredKey {
	k := declaredKey{place: place, kind: f.Kind, raw: f.Raw, unresolved: f.Unresolved, class: f.Class, target: string(f.Role) + f.Platform.String()}
	if f.Settings != nil {
		b, err := json.Marshal(f.Settings)
		if err != nil {
			panic("scan: settings have no JSON form: " + err.Error()) // plain data always has one
		}
		k.settings = string(b)
	}
	for _, i := range f.Ignored {
		k.ignored += i.Check + " " + i.Reason + "\n"
	}
	return k
}

func specOf(f *extract.Found) *observe.Spec {
	s := &observe.Spec{Container: fact.Container{Name: f.Container, Role: f.Role, Image: f.Raw, Ref: f.Ref, Platform: f.Platform}}
	if f.Settings != nil {
		s.Settings = *f.Settings
	}
	return s
}

// declaredFacts are the facts about a class that files declare, before anything
// is asked of a registry.
func (s *scanner) declaredFacts(k *class) *fact.Set {
	f := k.found[0]
	set := &fact.Set{
		Container: fact.None[fact.Container](), Settings: fact.None[fact.Settings](), Declared: fact.None[fact.Declared](),
		Push: fact.None[fact.Push](), Pin: fact.None[fact.Pin](), Tag: fact.None[fact.Tag](), Changes: fact.NoList[fact.FileChange](),
		Running: fact.None[fact.Running](), Forecast: fact.None[fact.Forecast](), Judged: fact.None[fact.Judged](),
	}
	if set.TagHistory = s.history(f.Ref); f.Unresolved != "" && !f.Built && s.TagHistory != nil {
		set.TagHistory = fact.Missing[fact.TagHistory](fact.Unsupported, "which tag is meant is not known")
	}
	if f.Settings != nil {
		set.Settings = fact.Of(*f.Settings)
	}
	if f.Built || !k.imageLike() {
		set.NoImage()
	}
	if f.Built { // nothing is pulled by that name
		set.Reference = fact.None[fact.Reference]()
		return set
	}
	if f.Unresolved != "" {
		set.Reference = fact.Missing[fact.Reference](fact.Unsupported, fmt.Sprintf("%q is not resolved: %s", f.Raw, f.Unresolved))
		return set
	}
	r := fact.Reference{Ref: f.Ref, Text: f.Raw, Kind: f.Kind, Class: f.Class, Origin: f.Origin}
	if r.Class == "" && f.Ref.Name != "" {
		r.Class = s.Policy.TagClass(f.Ref)
	}
	set.Reference = fact.Of(r)
	return set
}

// imageLike reports whether k is in a registry.
func (k *class) imageLike() bool {
	return len(k.found) == 0 || k.found[0].Kind == ref.KindImage || k.found[0].Kind == ref.KindArtifact
}

// history is what a record knows about the tag of r; a digest beside it decides,
// and there is none to compare.
func (s *scanner) history(r ref.Ref) fact.Value[fact.TagHistory] {
	if s.TagHistory == nil || r.Name == "" || r.Digest != "" {
		return fact.None[fact.TagHistory]()
	}
	return s.TagHistory(r)
}

// before is what the tag of r meant before it became now.
func (s *scanner) before(r ref.Ref, now ref.Digest) fact.Value[fact.TagHistory] {
	if s.TagBefore == nil || r.Name == "" || r.Digest != "" {
		return s.history(r)
	}
	return s.TagBefore(r, now)
}

// accepts says which findings of a class comments in its files silence, and
// which an earlier report has already.
func (s *scanner) accepts(t report.Target, ignored []extract.Ignore) func(string, check.Finding) string {
	if len(ignored) == 0 && s.Known == nil {
		return nil
	}
	key := report.Key(t)
	return func(id string, f check.Finding) string {
		for _, i := range ignored {
			if i.Check == id && s.Policy.AllowsInline(id) {
				return strings.TrimSpace(report.ByComment + i.Reason)
			}
		}
		if s.Known != nil && s.Known(key, id, f) {
			return ByBaseline
		}
		return ""
	}
}

// ByBaseline is by what a finding is accepted that an earlier report has.
const ByBaseline = report.ByBaseline

// notices says which comments wanted to silence a check that the policy does not
// let them.
func (s *scanner) refusedComments(f *Files) []string {
	var out []string
	for _, found := range f.Found {
		for _, i := range found.Ignored {
			if !s.Policy.AllowsInline(i.Check) {
				out = append(out, fmt.Sprintf("%s:%d: the policy lets no comment silence %s (allowInline)", found.Origin.Where, i.Line, i.Check))
			}
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}
