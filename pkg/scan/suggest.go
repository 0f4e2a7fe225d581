package scan

import (
	"cmp"
	"slices"

	"github.com/intact-dev/intact/pkg/checks"
	"github.com/intact-dev/intact/pkg/fact"
	"github.com/intact-dev/intact/pkg/report"
	"github.com/intact-dev/intact/pkg/suggest"
)

// suggestions are the patches with which workloads run on a read-only root.
func (s *scanner) suggestions(o *observed) []report.Suggestion {
	if !s.Suggest {
		return nil
	}
	type container struct {
		name string
		role fact.Role
	}
	plans := map[suggest.Workload]map[container]checks.Plan{}
	for _, r := range o.rans {
		c := r.class.spec.Container
		if c.Runtime != "kubernetes" || c.Role == fact.RoleVolume || c.Role == fact.RoleEphemeral {
			continue
		}
		plan := checks.ReadOnlyRoot(r.set)
		for _, at := range r.class.origins {
			w := suggest.Workload{Kind: at.workload.Kind, Namespace: at.workload.namespace, Name: at.workload.Name}
			if plans[w] == nil {
				plans[w] = map[container]checks.Plan{}
			}
			key := container{c.Name, c.Role}
			if known, ok := plans[w][key]; ok {
				plan = checks.Together(known, plan)
			}
			plans[w][key] = plan
		}
	}
	var out []report.Suggestion
	for w, of := range plans {
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
