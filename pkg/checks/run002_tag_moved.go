package checks

import (
	"fmt"
	"strings"

	"github.com/intact-dev/intact/pkg/check"
	"github.com/intact-dev/intact/pkg/fact"
	"github.com/intact-dev/intact/pkg/ref"
)

func run002() check.Check {
	return check.Check{
		ID:    "RUN002",
		Title: "the tag has moved: a restart brings another image",
		Doc: check.Doc{
			What: "A container runs by tag, and the tag names another image by now, or none: in the registry, or in the node's own store. " +
				"It says which digest a start would bring on this node and on another one, from the pull policy, from what the node holds and from where the tag points now.",
			Why: "Nothing changes until a node fails, a rollout or an autoscaler starts one more container: then other bytes run under the same specification, at a time that nobody chose. " +
				"If the tag is gone, the new container does not start at all.",
			Fix: "Write the digest that is meant behind the tag: that of what runs, or that of what the tag names now.",
			Limits: "It says what the registry answers now. A pull-through cache may answer with what it saw long ago, so drift is claimed only if the upstream agrees, and nothing is called unmoved without it. " +
				"What a node holds under the tag is often not told (a kubelet reports 50 images): with pull policy IfNotPresent a container passes if the registry's tag has not moved, though its node may hold an older one. " +
				"Docker restarts a container with the image it was made from: there it is about making the container anew.",
			Since: since,
		},
		Scopes: containerScopes(),
		Needs:  []fact.Kind{fact.KContainer, fact.KForecast},
		Uses:   []fact.Kind{fact.KRunning, fact.KReference},
		Run:    runRUN002,
	}
}

// A bring is what a start brings: what runs, another image, nothing at all, or
// what cannot be told, which is the zero value.
type bring struct {
	is   string // "same", "other", "gone", "unseen"; "" = cannot be told
	what string // the digest; of "" why it cannot be told
}

// fromRegistry is what a pull brings now.
func fromRegistry(f fact.Forecast) bring {
	unsure := func(format string, args ...any) bring { return bring{what: fmt.Sprintf(format, args...)} }
	switch to := f.PointsTo; {
	case to == "" && f.Mirror != "":
		return unsure("the mirror %s does not have the tag %s; what the upstream has decides", f.Mirror, f.Tag)
	case to == "":
		return bring{is: "gone"}
	case f.Mirror != "" && f.Upstream == "":
		return unsure("%s answers for the tag %s with %s, but it is a mirror: the age of its answer is not known, and the upstream was not heard", f.Mirror, f.Tag, to)
	case f.Mirror != "" && f.Upstream != to:
		return unsure("the mirror %s answers for the tag %s with %s, of an age that is not known, and the upstream with %s", f.Mirror, f.Tag, to, f.Upstream)
	case f.Now.Answer == fact.AnswerSame:
		return bring{"same", string(to)}
	case f.Now.Answer == fact.AnswerDifferent:
		return bring{"other", string(to)}
	}
	return unsure("%s", orElse(f.Now.Why, "what the tag names could not be compared with what runs"))
}

// fromNode is what the node's own store has under the tag.
func fromNode(f fact.Forecast) bring {
	switch c := f.Cached; {
	case c == nil:
		return bring{is: "unseen"}
	case c.Answer == fact.AnswerSame:
		return bring{"same", string(f.OnNode)}
	case c.Answer == fact.AnswerDifferent:
		return bring{"other", string(f.OnNode)}
	default:
		return bring{what: orElse(c.Why, "what the node holds under the tag could not be compared with what runs")}
	}
}

func runRUN002(s *fact.Set) check.Answer {
	switch c := s.Container; {
	case c.State != fact.Known || c.V.Phase == fact.PhaseFinished || c.V.Phase == fact.PhaseWaiting:
		return notTold(nothingRuns)
	case s.Forecast.State != fact.Known:
		return notTold("no tag decides what a start brings")
	}
	f := s.Forecast.V
	registry, node := fromRegistry(f), fromNode(f)
	var d doubts
	switch f.PullPolicy {
	case "Always":
		node = registry
	case "IfNotPresent", "": // Docker pulls what it does not have
	case "Never":
		registry = node
		if node.is == "unseen" {
			d.add(fact.Dependency, "with pull policy Never the node's own store decides, and what it has under the tag was not seen")
		}
	default:
		return undecided(fact.Unsupported, "pull policy %q is not known", f.PullPolicy)
	}
	for _, b := range []bring{registry, node} {
		if b.is == "" {
			d.add(fact.Dependency, b.what)
		}
	}
	moved := func(b bring) bool { return b.is == "other" || b.is == "gone" }
	if !moved(registry) && !moved(node) {
		return d.answer(nil)
	}
	return d.answer([]check.Finding{movedFinding(s, f, registry, node)})
}

func movedFinding(s *fact.Set, f fact.Forecast, registry, node bring) check.Finding {
	w := wordsOf(s.Container.V)
	tag := fmt.Sprintf("%q", s.Container.V.Image)
	if r := s.Container.V.Ref; r.Name != "" {
		tag = ref.Ref{Name: r.Name, Tag: f.Tag}.String()
	}
	runs := "what runs"
	if s.Running.State == fact.Known {
		runs = whatRuns(s.Running.V)
	}
	out := check.Finding{Origin: whereOf(s)}
	switch {
	case f.PullPolicy != "Never" && registry.is == "gone":
		out.Message = fmt.Sprintf("%s is gone from where it is pulled; %s runs", tag, runs)
	case f.PullPolicy != "Never" && registry.is == "other":
		out.Message = fmt.Sprintf("%s names %s now; %s runs", tag, registry.what, runs)
	default:
		out.Message = fmt.Sprintf("this %s holds %s under %s; %s runs", w.host, orElse(node.what, "another image"), tag, runs)
	}
	out.Consequences = []string{w.here(f, registry, node, runs), w.elsewhere(f, registry, runs)}
	out.Fix = movedFix(s, f, registry)
	return out
}

// movedFix names the two digests that may be meant.
func movedFix(s *fact.Set, f fact.Forecast, registry bring) string {
	keep, r := pinnable(s), s.Container.V.Ref
	switch {
	case keep != "" && f.PullPolicy != "Never" && registry.is == "gone":
		return fmt.Sprintf("push the image again and write %s", pinTo(r, keep))
	case keep != "" && f.PullPolicy != "Never" && registry.is == "other":
		return fmt.Sprintf("write %s to keep what runs, or %s to take what the tag names now", pinTo(r, keep), pinTo(r, f.PointsTo))
	case keep != "":
		return "write " + pinTo(r, keep)
	case f.PullPolicy != "Never" && registry.is == "other":
		return fmt.Sprintf("write %s to take what the tag names now; no digest is known by which what runs could be pulled", pinTo(r, f.PointsTo))
	}
	return "write " + pinTo(r, "") + " with the digest that is meant"
}

// startWords are how one runtime speaks of starts.
type startWords struct{ host, again, other string }

func wordsOf(c fact.Container) startWords {
	if c.Runtime == "" || c.Runtime == "kubernetes" {
		return startWords{"node", "a restart on this node", "a start on another node"}
	}
	return startWords{"host", "making it anew on this host", "making it on another host"}
}

func (w startWords) here(f fact.Forecast, registry, node bring, runs string) string {
	because := ""
	if f.PullPolicy != "" {
		because = ": pull policy " + f.PullPolicy
	}
	if f.PullPolicy != "Always" {
		switch node.is {
		case "same":
			return fmt.Sprintf("%s keeps %s, which the %s still holds%s", w.again, runs, w.host, because)
		case "other":
			return fmt.Sprintf("%s brings %s, which the %s holds under the tag%s", w.again, orElse(node.what, "another image"), w.host, because)
		case "":
			return fmt.Sprintf("what %s brings is not known: %s", w.again, node.what)
		}
		return fmt.Sprintf("%s takes what the %s holds under the tag, which was not seen, or else %s%s", w.again, w.host, registry.otherwise(), because)
	}
	if registry.is == "gone" {
		return w.again + " fails" + because
	}
	return fmt.Sprintf("%s brings %s%s", w.again, registry.what, because)
}

// otherwise is what comes where nothing is held.
func (b bring) otherwise() string {
	if b.is == "gone" {
		return "fails"
	}
	return "brings " + b.what
}

func (w startWords) elsewhere(f fact.Forecast, registry bring, runs string) string {
	held := ""
	if f.PullPolicy != "Always" {
		held = fmt.Sprintf(", unless that %s holds another under the tag", w.host)
	}
	switch {
	case f.PullPolicy == "Never":
		return fmt.Sprintf("%s takes what that %s holds under the tag, or fails: pull policy Never", w.other, w.host)
	case registry.is == "gone":
		return w.other + " fails" + strings.Replace(held, "another", "something", 1)
	case registry.is == "same":
		return fmt.Sprintf("%s brings %s%s", w.other, runs, held)
	case registry.is == "other":
		return fmt.Sprintf("%s brings %s%s", w.other, registry.what, held)
	}
	return fmt.Sprintf("what %s brings is not known: %s", w.other, registry.what)
}
