package scan

import (
	"cmp"
	"slices"

	"github.com/intact-dev/intact/pkg/checks"
	"github.com/intact-dev/intact/pkg/fact"
	"github.com/intact-dev/intact/pkg/report"
	"github.com/intact-dev/intact/pkg/suggest"
)

// Plans are what the containers of workloads need to run on a read-only root.
type plans map[suggest.Workload]map[planned]checks.Plan

type planned struct {
	name string
	role fact.Role
}

// add plans for the containers of one class by what is known about them.
func (p plans) add(k *class, set *fact.Set) {
	c := &k.spec.Container
	if len(k.workloads) == 0 || c.Runtime != "kubernetes" || c.Role == fact.RoleVolume || c.Role == fact.RoleEphemeral {
		return
	}
	plan := checks.ReadOnlyRoot(set)
	for _, at := range k.workloads {
		w := suggest.Workload{Kind: at.Kind, Namespace: at.namespace, Name: at.Name}
		if p[w] == nil {
			p[w] = map[planned]checks.Plan{}
		}
		key := planned{c.Name, c.Role}
		if known, ok := p[w][key]; ok {
			plan = checks.Together(known, plan)
		}
		p[w][key] = plan
	}
}

// suggestions are the patches for all workloads.
func (p plans) suggestions() []report.Suggestion {
	var out []report.Suggestion
	for w, of := range p {
		var all []suggest.Container
		for key, plan := range of {
			all = append(all, suggest.Container{Name: key.name, Role: key.role, Plan: plan})
		}
		slices.SortFunc(all, func(a, b suggest.Container) int {
			return cmp.Or(cmp.Compare(a.Role, b.Role), cmp.Compare(a.Name, b.Name))
		})
		b, err := suggest.Patch(w, all)
		if err != nil {
			b = []byte("# " + err.Error() + "\n")
		}
		if len(b) > 0 {
			out = append(out, report.Suggestion{Kind: w.Kind, Namespace: w.Namespace, Name: w.Name, Patch: string(b)})
		}
	}
	slices.SortFunc(out, func(a, b report.Suggestion) int {
		return cmp.Or(cmp.Compare(a.Namespace, b.Namespace), cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.Name, b.Name))
	})
	return out
}
