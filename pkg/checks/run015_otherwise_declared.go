package checks

import (
	"fmt"
	"strings"

	"github.com/intact-dev/intact/pkg/check"
	"github.com/intact-dev/intact/pkg/fact"
)

func run015() check.Check {
	return check.Check{
		ID:    "RUN015",
		Title: "another image runs than the files declare",
		Doc: check.Doc{
			What: "Files were given together with what runs, they declare this container, and what runs proved to be another image than every one of its declarations names. " +
				"Another name for the same bytes is none: an index and its child for the node's platform, a tag that the pod names as the file does.",
			Why: "The repository is what people read, review and roll back to. Where it says something else than what runs, somebody changed the cluster past it (`kubectl set image`, an image updater, a webhook), " +
				"or a sync does not come through; the next sync undoes or redoes it without anybody's decision.",
			Fix: "Apply the files, or write into them what is meant to run.",
			Limits: "A file that names a tag which the pod names too is taken for the same: whether the tag has moved since is RUN002's question. " +
				"Where a container is declared in several places, as in overlays of one name, one of them that agrees is enough. What is declared and does not run is no finding.",
			Since: since,
		},
		Scopes:  containerScopes(),
		Needs:   []fact.Kind{fact.KContainer, fact.KDeclared},
		Uses:    []fact.Kind{fact.KRunning, fact.KReference},
		Applies: undeclarable,
		Run:     runRUN015,
	}
}

func runRUN015(s *fact.Set) check.Answer {
	if s.Container.State != fact.Known || s.Declared.State != fact.Known {
		return notTold(nothingRuns)
	}
	d := s.Declared.V
	var same, others []fact.Declaration
	var doubt doubts
	for _, in := range d.In {
		switch in.Same.Answer {
		case fact.AnswerSame:
			same = append(same, in)
		case fact.AnswerDifferent:
			others = append(others, in)
		default:
			doubt.add(fact.Dependency, fmt.Sprintf("%s: %s", in.Where, orElse(in.Same.Why, "it could not be compared with what runs")))
		}
	}
	switch {
	case len(d.In) == 0 && d.Unresolved == 0:
		return notTold("no file declares it: RUN011")
	case len(same) > 0:
		return check.Answer{Findings: differNotes(others)}
	case len(doubt.whys) > 0:
		return doubt.answer(nil)
	case d.Unresolved > 0:
		return mayBeIt(d.Unresolved)
	}
	runs := fmt.Sprintf("%q", s.Container.V.Image)
	if s.Running.State == fact.Known {
		runs = whatRuns(s.Running.V)
	}
	f := check.Finding{
		Message: fmt.Sprintf("%s %s, but %s declares %q", runs, runsOrWaits(s.Container.V), show(others[0].Where), others[0].Image),
		Fix:     "apply the files, or write into them what is meant to run",
		Origin:  whereOf(s),
	}
	if keep := pinnable(s); keep != "" && s.Container.V.Ref.Name != "" {
		f.Fix += ": " + pinTo(s.Container.V.Ref, keep)
	}
	if proof := others[0].Same.Proof; proof != "" {
		f.Message += ": " + proof
	}
	for _, o := range others[1:] {
		f.Lines = append(f.Lines, fmt.Sprintf("%s declares %q", show(o.Where), o.Image))
	}
	return check.Answer{Findings: []check.Finding{f}}
}

// differNotes say which declarations name another image although one agrees.
func differNotes(others []fact.Declaration) []check.Finding {
	if len(others) == 0 {
		return nil
	}
	var at []string
	for _, o := range others {
		at = append(at, show(o.Where))
	}
	return []check.Finding{{Note: true, Message: "declared otherwise too, for another place perhaps: " + strings.Join(at, ", ")}}
}
