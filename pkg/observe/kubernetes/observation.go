package kubernetes

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/intact-dev/intact/pkg/fact"
	"github.com/intact-dev/intact/pkg/image"
	"github.com/intact-dev/intact/pkg/internal/kube"
	"github.com/intact-dev/intact/pkg/observe"
)

// An observation is one run of Observe. Before pods are listed, several lists
// fill it at a time under mu; after that it belongs to one goroutine.
type observation struct {
	o       *Options
	c       *client
	started time.Time // by our clock

	mu    sync.Mutex
	index *index
	nodes map[string]*node
	teams map[string]string // of namespaces
	// noTeams says that namespaces could not be asked for theirs.
	noTeams bool
	// objects says of ConfigMaps and Secrets whether they are immutable.
	objects map[objectKey]fact.Tri

	whole   bool // all namespaces are looked at with one list
	kinds   map[string]resource
	refused map[spot]error
	asked   map[spot]int
	makers  map[makerKey]*made
	parsed  map[string]parsed
	names   map[string][]string
	specs   observe.Specs
	scratch []kube.Image
	seen    map[podKey]bool
	told    map[string]bool          // silent nodes
	ahead   map[string]time.Duration // nodes whose clock is

	missing map[missing][]hole
	gaps    []observe.Gap
	counts  struct {
		pods, containers int
		namespaces       map[string]bool
	}
}

type objectKey struct{ kind, namespace, name string }

func (o *Observer) observation() *observation {
	v := &observation{o: &o.o, c: o.c, started: o.o.now(), index: newIndex(o.o.Team),
		nodes: map[string]*node{}, teams: map[string]string{}, objects: map[objectKey]fact.Tri{},
		kinds: map[string]resource{}, refused: map[spot]error{}, asked: map[spot]int{}, makers: map[makerKey]*made{},
		parsed: map[string]parsed{}, names: map[string][]string{}, seen: map[podKey]bool{}, told: map[string]bool{}, ahead: map[string]time.Duration{},
		missing: map[missing][]hole{}}
	v.counts.namespaces = map[string]bool{}
	return v
}

// gap says that a part could not be seen, and why.
func (v *observation) gap(what string, err error) {
	v.gapOf(what, image.CauseOf(err), bare(err), image.HintOf(err))
}

// bare is what went wrong, without what it was that was tried: a Gap says that
// already.
func bare(err error) string {
	var e *image.Error
	if errors.As(err, &e) && e.Err != nil {
		return e.Err.Error()
	}
	return err.Error()
}

func (v *observation) gapOf(what string, cause fact.Cause, why, hint string) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.gaps = append(v.gaps, observe.Gap{What: what, Cause: cause, Why: why, Hint: hint})
}

// without says that objects of r could not be listed in a namespace.
func (v *observation) without(r resource, namespace string, err error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.index.failed[r] = err
	at := missing{r, image.CauseOf(err)}
	v.missing[at] = append(v.missing[at], hole{namespace, err})
}

// A missing is a kind of objects that could not be listed for one cause.
type missing struct {
	resource
	cause fact.Cause
}

// A hole is a namespace where something is missing.
type hole struct {
	namespace string
	err       error
}

// missed is one gap for each kind and cause, however many namespaces there are.
func (v *observation) missed() {
	for at, holes := range v.missing {
		slices.SortFunc(holes, func(a, b hole) int { return cmp.Compare(a.namespace, b.namespace) })
		err := holes[0].err
		what, hint := at.of(holes[0].namespace), image.HintOf(err)
		if len(holes) > 1 {
			var in []string
			for _, h := range holes {
				in = append(in, h.namespace)
			}
			what = fmt.Sprintf("%s of %d namespaces (%s)", at.plural(), len(in), some(in))
			if hint != "" && at.cause == fact.Forbidden {
				hint = fmt.Sprintf("grant %s in these namespaces; see deploy/rbac.yaml", at.need("list", ""))
			}
		}
		v.gapOf(what, at.cause, bare(err)+"; so "+lost[at.resource], hint)
	}
	clear(v.missing)
}

// lost says what is not known for want of a kind of objects.
var lost = map[resource]string{
	nodes:               "the platforms of containers and what nodes have in store are not known",
	controllers:         "templates of their pods are not known",
	deployments:         "who owns them is not known",
	replicaSets:         "templates and former revisions of Deployments are not known",
	statefulSets:        "which revision is the newest may not be known",
	daemonSets:          "who owns them is not known",
	controllerRevisions: "templates and former revisions of StatefulSets and DaemonSets are not known",
	jobs:                "templates of their pods, and their CronJobs, are not known",
	cronJobs:            "whether Jobs are of their present template is not known",
	configMaps:          "whether they are immutable is not known",
	secrets:             "whether they are immutable is not known",
}

// clocks says which nodes run ahead of time.
func (v *observation) clocks() {
	if len(v.ahead) == 0 {
		return
	}
	names := slices.Sorted(maps.Keys(v.ahead))
	most := slices.Max(slices.Collect(maps.Values(v.ahead)))
	what := fmt.Sprintf("start times on node %q", names[0])
	if len(names) > 1 {
		what = fmt.Sprintf("start times on %d nodes (%s)", len(names), some(names))
	}
	v.gapOf(what, fact.ServerError, fmt.Sprintf("they lie up to %s in the future", most.Round(time.Minute)), "set the clocks of the nodes, or of this machine")
}

// some names the first few.
func some(names []string) string {
	const few = 5
	if len(names) > few {
		return strings.Join(names[:few], ", ") + ", …"
	}
	return strings.Join(names, ", ")
}

// inventory is what was learned.
func (v *observation) inventory(name, version string) observe.Inventory {
	v.missed()
	v.clocks()
	inv := observe.Inventory{Kind: "kubernetes", Name: name, Version: version, NotAsked: v.notAsked()}
	inv.Gaps = slices.Clone(v.gaps)
	slices.SortFunc(inv.Gaps, func(a, b observe.Gap) int {
		return cmp.Or(cmp.Compare(a.What, b.What), cmp.Compare(a.Cause, b.Cause), cmp.Compare(a.Why, b.Why))
	})
	inv.Gaps = slices.Compact(inv.Gaps)
	inv.Counts = []observe.Count{{What: "pods", N: v.counts.pods}, {What: "containers", N: v.counts.containers}}
	n := 0
	for _, x := range v.nodes {
		if x != nil {
			n++
		}
	}
	if v.index.failed[nodes] == nil {
		inv.Counts = append(inv.Counts, observe.Count{What: "nodes", N: n})
	}
	inv.Counts = append(inv.Counts, observe.Count{What: "namespaces", N: len(v.counts.namespaces)})
	return inv
}

// notAsked names what was not switched on, each once however many pods it is
// about.
func (v *observation) notAsked() []observe.Capability {
	var out []observe.Capability
	add := func(on bool, what, how string) {
		if !on {
			out = append(out, observe.Capability{What: what, How: how})
		}
	}
	add(v.o.HelmReleases, "former revisions of Helm releases", "--helm-releases")
	add(v.o.PullSecrets, "the pods' pull secrets", "--pull-secrets")
	add(v.o.ConfigMaps, "whether ConfigMaps are immutable", "--config-maps")
	add(v.o.Secrets, "whether Secrets are immutable", "--secrets")
	var kinds []string
	for at := range v.refused {
		kinds = append(kinds, at.resource.qualified())
	}
	slices.Sort(kinds)
	kinds = slices.Compact(kinds)
	add(len(kinds) == 0, "what owns custom resources", "grant get and list on "+some(kinds))
	add(!v.noTeams, "teams that namespaces are labelled with", "grant get and list on namespaces")
	return out
}
