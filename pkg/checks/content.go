package checks

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/intact-dev/intact/pkg/check"
	"github.com/intact-dev/intact/pkg/fact"
)

// keptPaths is how many paths of one group a finding keeps by name.
const keptPaths = 64

// known returns the parts of l that are Known.
func known[T any](l fact.List[T]) []T {
	if l.State != fact.Known {
		return nil
	}
	out := make([]T, 0, len(l.Parts))
	for _, p := range l.Parts {
		if p.State == fact.Known {
			out = append(out, p.V)
		}
	}
	return out
}

// aboutLayer starts a finding about a layer.
func aboutLayer(l fact.Layer) check.Finding {
	return check.Finding{Layer: l.Index + 1, CreatedBy: l.CreatedBy}
}

func nameLayer(l fact.Layer) string { return fmt.Sprintf("layer %d", l.Index+1) }

func nameDocument(d fact.Document) string {
	digest := d.Wanted.Digest
	if digest == "" {
		digest = d.Digest
	}
	return orElse(d.Role, "document") + " " + string(digest)
}

// unread is the answer where a document or a layer has not been looked at to its
// end, so that nothing can be called free of anything. The zero Answer means that
// all of it was.
func unread(s *fact.Set) check.Answer {
	if a := unreadDocuments(s); a.Undecided {
		return a
	}
	return unreadLayers(s)
}

func unreadDocuments(s *fact.Set) check.Answer {
	for _, d := range known(s.Documents) {
		switch {
		case d.Wanted.Digest != "" && d.Wanted.Digest != d.Digest:
			return undecided(fact.Dependency, "%s is wrong: see DIG001", nameDocument(d))
		case unverifiable(d.Problems):
			return undecided(fact.Dependency, "%s cannot be relied on: see DIG008", nameDocument(d))
		}
	}
	return check.Answer{}
}

func unreadLayers(s *fact.Set) check.Answer {
	for _, l := range known(s.Layers) {
		if a := unreadLayer(s, l); a.Undecided {
			return a
		}
		if unverifiable(l.Problems) {
			return undecided(fact.Dependency, "%s cannot be read: see DIG008", nameLayer(l))
		}
	}
	return check.Answer{}
}

// unreadLayer is the answer about the expanded bytes of one layer. The layers
// of artifacts are no archives and are not expanded.
func unreadLayer(s *fact.Set, l fact.Layer) check.Answer {
	other := s.Image.State == fact.Known && s.Image.V.Class != fact.ClassImage && s.Image.V.Class != fact.ClassIndex
	switch {
	case l.Digest == "":
		return undecided(fact.Dependency, "%s was not read", nameLayer(l))
	case l.Digest != l.Descriptor.Digest:
		return undecided(fact.Dependency, "%s is wrong: see DIG003", nameLayer(l))
	case l.Encrypted:
		return undecided(fact.Encrypted, "%s is encrypted", nameLayer(l))
	case l.DiffID == "" && !other:
		return undecided(fact.Dependency, "%s could not be expanded", nameLayer(l))
	}
	return check.Answer{}
}

func unverifiable(problems []fact.Problem) bool {
	return slices.ContainsFunc(problems, func(p fact.Problem) bool { return p.Kind == fact.ProblemUnverifiable && !p.Note })
}

// problems turns the problems of some kinds into findings, those of documents
// one by one and those of paths grouped by layer and detail.
func problems(s *fact.Set, fix string, kinds ...fact.ProblemKind) []check.Finding {
	var out []check.Finding
	for _, d := range known(s.Documents) {
		for _, p := range d.Problems {
			if slices.Contains(kinds, p.Kind) {
				out = append(out, noteOr(fix, p.Note, check.Finding{Message: nameDocument(d) + ": " + p.Detail}))
			}
		}
	}
	for _, l := range known(s.Layers) {
		out = append(out, layerProblems(l, fix, kinds)...)
	}
	return out
}

func layerProblems(l fact.Layer, fix string, kinds []fact.ProblemKind) []check.Finding {
	type group struct {
		detail string
		note   bool
	}
	var out []check.Finding
	var order []group
	paths, more := map[group][]fact.Bytes{}, map[group]int{}
	for _, p := range l.Problems {
		if !slices.Contains(kinds, p.Kind) {
			continue
		}
		if p.Path == "" {
			f := aboutLayer(l)
			f.Message = p.Detail + inLayer(f.Layer, l.CreatedBy)
			if p.Count > 1 {
				f.Message = fmt.Sprintf("%s, %s times%s", p.Detail, thousands(p.Count), inLayer(f.Layer, l.CreatedBy))
			}
			out = append(out, noteOr(fix, p.Note, f))
			continue
		}
		g := group{p.Detail, p.Note}
		if paths[g] == nil {
			order = append(order, g)
		}
		paths[g] = append(paths[g], p.Path)
		more[g] += max(p.Count, 1) - 1
	}
	for _, g := range order {
		all := slices.Compact(slices.SortedFunc(slices.Values(paths[g]), cmp.Compare[fact.Bytes]))
		f := aboutLayer(l)
		f.Count, f.Dir = len(all)+more[g], commonDir(all)
		if more[g] > 0 {
			// The paths that stand behind a count are not known by name.
			f.Dir = "/"
		}
		f.Paths = all[:min(len(all), keptPaths)]
		f.Message = showPaths(f.Paths, f.Dir, f.Count) + ": " + g.detail + inLayer(f.Layer, l.CreatedBy)
		out = append(out, noteOr(fix, g.note, f))
	}
	return out
}

func noteOr(fix string, note bool, f check.Finding) check.Finding {
	if f.Note = note; !note {
		f.Fix = fix
	}
	return f
}

// withFindings adds findings to an answer that may be undecided.
func withFindings(a check.Answer, findings []check.Finding) check.Answer {
	a.Findings = append(a.Findings, findings...)
	return a
}
