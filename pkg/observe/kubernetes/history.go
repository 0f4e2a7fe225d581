package kubernetes

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"

	"github.com/intact-dev/intact/pkg/fact"
	"github.com/intact-dev/intact/pkg/observe"
)

// histories returns the former revisions of workloads, newest first. With a
// selector they are those of workloads whose pods were seen.
func (v *observation) histories(ctx context.Context, scopes []string) []observe.History {
	if v.o.Revisions < 0 {
		return nil
	}
	var out []observe.History
	for _, uid := range slices.Sorted(maps.Keys(v.index.revisions)) {
		set := v.index.revisions[uid]
		if v.o.Selector != "" && !set.used {
			continue
		}
		newest := set.newest()
		if newest == nil {
			if set.of.keeps() && len(set.all) > 1 {
				w := observe.Workload{Kind: set.of.kind, Name: set.of.name, APIVersion: set.of.apiVersion, UID: string(uid)}
				out = append(out, observe.History{Namespace: set.namespace, Workload: w,
					Missing: fmt.Sprintf("its %s are not numbered", set.kind.plural())})
			}
			continue
		}
		h := observe.History{Namespace: set.namespace, Workload: observe.Workload{
			Kind: set.of.kind, Name: set.of.name, Template: newest.hash, Current: fact.Yes, Team: v.teams[set.namespace],
			APIVersion: set.of.apiVersion, UID: string(uid)}}
		if o := v.index.owners[uid]; o != nil && o.team != "" {
			h.Workload.Team = o.team
		}
		if err := v.index.failed[set.kind]; err != nil {
			h.Missing = fmt.Sprintf("not all %s could be listed: %v", set.kind.plural(), err)
			h.Workload.Current = fact.TriUnknown
		}
		v.former(&h, set, newest)
		if len(h.Revisions) > 0 || h.Missing != "" {
			out = append(out, h)
		}
	}
	if v.o.HelmReleases {
		out = append(out, v.releases(ctx, scopes)...)
	}
	slices.SortStableFunc(out, func(a, b observe.History) int {
		return cmp.Or(cmp.Compare(a.Namespace, b.Namespace), cmp.Compare(a.Workload.Kind, b.Workload.Kind), cmp.Compare(a.Workload.Name, b.Workload.Name))
	})
	return out
}

// former adds the revisions before the newest, as many as are asked for.
func (v *observation) former(h *observe.History, set *revisions, newest *revision) {
	all := slices.Clone(set.all)
	slices.SortFunc(all, func(a, b *revision) int { return cmp.Or(cmp.Compare(b.number, a.number), cmp.Compare(a.name, b.name)) })
	for _, r := range all {
		switch {
		case r == newest:
		case len(h.Revisions) == v.o.Revisions:
			return
		case r.err != nil:
			h.Missing = fmt.Sprintf("%s cannot be read: %v", r.name, r.err)
		default:
			h.Revisions = append(h.Revisions, observe.Revision{Name: r.name, Number: r.number, Containers: r.template})
		}
	}
}
