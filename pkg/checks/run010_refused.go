package checks

import (
	"fmt"
	"slices"
	"strings"

	"github.com/intact-dev/intact/pkg/check"
	"github.com/intact-dev/intact/pkg/fact"
)

func run010() check.Check {
	return check.Check{
		ID:    "RUN010",
		Title: "running image would be refused today",
		Doc: check.Doc{
			What: "The policy, as it is today, denies the image that runs: its signatures, its content, whatever the policy asks of images where this one runs. " +
				"The digest that runs is judged, not the tag that it once came by.",
			Why: "What was let in under an older policy, or past it, goes on running. Where the same policy is enforced at admission, the container cannot come back: the next restart on another node, replica or rollback is refused at the worst time.",
			Fix: "Sign the image as the policy requires, which needs no restart, or roll out an image that passes and pin its digest.",
			Limits: "It is as good as the identification of what runs: an image that is in no registry that was asked is not judged, and that is undecided. " +
				"What the policy says of the reference and of the workload's settings is not repeated here. Signatures count that are there now: whether one was there when the container started is not known.",
			Since: since,
		},
		Scopes: []check.Scope{check.ScopeContainer},
		Needs:  []fact.Kind{fact.KContainer, fact.KRunning, fact.KJudged},
		Run:    runRUN010,
	}
}

func runRUN010(s *fact.Set) check.Answer {
	if s.Container.State != fact.Known || s.Running.State != fact.Known || s.Judged.State != fact.Known {
		return notTold("nothing runs")
	}
	j := s.Judged.V
	switch j.Decision {
	case "allow", "warn":
		return check.Answer{}
	case "deny":
		return check.Answer{Findings: []check.Finding{{
			Message:      fmt.Sprintf("today's policy refuses %s, which runs%s", j.Image, forReasons(j)),
			Fix:          refusedFix(j),
			Consequences: []string{"where admission enforces this policy, no new replica starts and none that is lost comes back"},
		}}}
	}
	// The zero value and what nobody knows refuse.
	return undecided(fact.Dependency, "whether today's policy refuses %s is not decided%s", j.Image, forReasons(j))
}

func forReasons(j fact.Judged) string {
	if len(j.Reasons) == 0 {
		return ""
	}
	return ": see " + strings.Join(j.Reasons, ", ")
}

// refusedFix says what would pass. A signature helps only if nothing but one is
// missing.
func refusedFix(j fact.Judged) string {
	rollOut := "roll out an image that the policy lets through, by its digest"
	unsigned := func(id string) bool { return slices.Contains([]string{"SIG001", "SIG003", "SIG006"}, id) }
	if len(j.Reasons) > 0 && !slices.ContainsFunc(j.Reasons, func(id string) bool { return !unsigned(id) }) {
		return fmt.Sprintf("sign %s as the policy requires, or %s", j.Image, rollOut)
	}
	return fmt.Sprintf("%s; intact scan %s says what this one lacks", rollOut, j.Image)
}
