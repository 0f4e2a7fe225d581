package kubernetes

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strconv"

	"golang.org/x/sync/errgroup"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/intact-dev/intact/pkg/fact"
	"github.com/intact-dev/intact/pkg/observe"
)

// A stored is a Secret that holds one revision of a release.
type stored struct {
	namespace, secret, release string
	status                     string
	version                    int64
}

// releases returns the former revisions of Helm releases. Which there are is
// told by labels; only those that are wanted are fetched.
func (v *observation) releases(ctx context.Context, scopes []string) []observe.History {
	var all []stored
	for _, s := range scopes {
		q := query{resource: secrets, namespace: s, labels: "owner=helm", field: "type=" + helmType, metadata: true}
		err := listAll(ctx, v.c, q, func(m *metav1.PartialObjectMetadata) {
			n, err := strconv.ParseInt(m.Labels["version"], 10, 64)
			if err != nil || m.Labels["name"] == "" {
				v.gapOf(fmt.Sprintf("Helm release in Secret %q of namespace %q", m.Name, m.Namespace), fact.Unsupported, "its labels do not say what it is", "")
				return
			}
			all = append(all, stored{m.Namespace, m.Name, m.Labels["name"], m.Labels["status"], n})
		})
		if err != nil && ctx.Err() == nil {
			what := "Helm releases"
			if s != "" {
				what = fmt.Sprintf("Helm releases of namespace %q", s)
			}
			v.gap(what, err)
		}
	}
	slices.SortFunc(all, func(a, b stored) int {
		return cmp.Or(cmp.Compare(a.namespace, b.namespace), cmp.Compare(a.release, b.release), cmp.Compare(b.version, a.version), cmp.Compare(a.secret, b.secret))
	})
	all = slices.Compact(all) // a page may have come twice
	var out []*observe.History
	var g errgroup.Group
	g.SetLimit(atOnce)
	for len(all) > 0 {
		n := 1
		for n < len(all) && all[n].namespace == all[0].namespace && all[n].release == all[0].release {
			n++
		}
		current, former := former(all[:n])
		all = all[n:]
		if len(former) == 0 {
			continue
		}
		former = former[:min(len(former), v.o.Revisions)]
		h := &observe.History{Namespace: current.namespace, Workload: observe.Workload{Kind: "Helm release", Name: current.release,
			Template: fmt.Sprintf("v%d", current.version), Current: fact.Yes, Team: v.teams[current.namespace]}}
		out = append(out, h)
		g.Go(func() error {
			for _, f := range former {
				v.fetchRelease(ctx, h, f)
			}
			return nil
		})
	}
	_ = g.Wait() // what failed is said in the history
	histories := make([]observe.History, 0, len(out))
	for _, h := range out {
		histories = append(histories, *h)
	}
	return histories
}

// former splits the revisions of one release, newest first, into the one that is
// deployed and those before it that were.
func former(all []stored) (current stored, former []stored) {
	i := max(0, slices.IndexFunc(all, func(s stored) bool { return s.status == "deployed" }))
	for _, s := range all[i+1:] {
		if s.status == "superseded" || s.status == "deployed" { // and not failed, pending, uninstalled
			former = append(former, s)
		}
	}
	return all[i], former
}

func (v *observation) fetchRelease(ctx context.Context, h *observe.History, s stored) {
	name := fmt.Sprintf("Helm release %s.v%d", s.release, s.version)
	var x corev1.Secret
	err := v.c.get(ctx, secrets, s.namespace, s.secret, false, &x)
	var r release
	if err == nil {
		r, err = decodeRelease(x.Data["release"])
	}
	if err != nil {
		h.Missing = fmt.Sprintf("%s cannot be read: %v", name, err)
		return
	}
	h.Revisions = append(h.Revisions, observe.Revision{Name: name, Number: s.version, Containers: r.images})
	if len(r.unsure) > 0 {
		h.Missing = fmt.Sprintf("in %s, custom resources may name more images: %s", name, some(r.unsure))
	}
}
