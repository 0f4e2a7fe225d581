package check

import (
	"cmp"
	"slices"

	"github.com/intact-dev/intact/pkg/ref"
)

// sorted returns findings in the order of reports: what fails before notes, then
// by layer, path, place and text. It copies, since an Answer may share its slice.
func sorted(findings []Finding) []Finding {
	out := slices.Clone(findings)
	slices.SortStableFunc(out, func(a, b Finding) int {
		return cmp.Or(
			compareBool(a.Note, b.Note),
			cmp.Compare(a.Layer, b.Layer),
			cmp.Compare(a.Dir, b.Dir),
			slices.Compare(a.Paths, b.Paths),
			compareOrigin(a.Origin, b.Origin),
			cmp.Compare(a.Message, b.Message),
			cmp.Compare(a.Fix, b.Fix),
		)
	})
	return out
}

func compareBool(a, b bool) int {
	switch {
	case a == b:
		return 0
	case b:
		return -1
	}
	return 1
}

func compareOrigin(a, b *ref.Origin) int {
	if a == nil || b == nil {
		return compareBool(a != nil, b != nil)
	}
	return cmp.Or(
		cmp.Compare(a.Where, b.Where), cmp.Compare(a.Line, b.Line),
		cmp.Compare(a.Column, b.Column), cmp.Compare(a.Path, b.Path), cmp.Compare(a.Kind, b.Kind),
	)
}
