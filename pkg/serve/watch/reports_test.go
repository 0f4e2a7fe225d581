package watch_test

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/intact-dev/intact/pkg/checks"
	"github.com/intact-dev/intact/pkg/fact"
	"github.com/intact-dev/intact/pkg/gather"
	"github.com/intact-dev/intact/pkg/image"
	"github.com/intact-dev/intact/pkg/observe"
	"github.com/intact-dev/intact/pkg/policy"
	"github.com/intact-dev/intact/pkg/policy/signing"
	"github.com/intact-dev/intact/pkg/ref"
	"github.com/intact-dev/intact/pkg/scan"
	"github.com/intact-dev/intact/pkg/serve/policyreport"
	"github.com/intact-dev/intact/pkg/serve/watch"
	"github.com/intact-dev/intact/pkg/store"
	"github.com/intact-dev/intact/pkg/store/jobs"
	"github.com/intact-dev/intact/policies"
)

// A pod is a cluster with one in it.
type pod struct{}

func (pod) Observe(_ context.Context, yield func(observe.Container)) (observe.Inventory, error) {
	r, err := ref.Parse("registry.invalid/app:1")
	if err != nil {
		return observe.Inventory{}, err
	}
	yield(observe.Container{
		Namespace: "shop", Pod: "cart-x", Workload: observe.Workload{Kind: "Deployment", Name: "cart", APIVersion: "apps/v1", UID: "u"},
		Spec: &observe.Spec{Container: fact.Container{Name: "main", Role: fact.RoleMain, Phase: fact.PhaseRunning, Runtime: "kubernetes", Image: r.String(), Ref: r}},
	})
	return observe.Inventory{Kind: "kubernetes"}, nil
}

// An api takes reports, if it is there.
type api struct {
	away atomic.Bool
	kept []string
	body []byte
}

func (a *api) List(context.Context, string, func([]byte) error) error {
	if a.away.Load() {
		return errors.New("connection refused")
	}
	return nil
}

func (a *api) Send(_ context.Context, method, namespace, name string, body []byte) ([]byte, error) {
	a.kept, a.body = append(a.kept, method+" "+namespace+"/"+name), body
	return body, nil
}

// nowhere has no image.
type nowhere struct{ image.Source }

func (nowhere) Manifest(context.Context, ref.Ref) (*image.Answer, error) {
	return nil, &image.Error{Op: "resolve", Object: "it", Cause: fact.Network, Err: errors.New("no answer")}
}

func (nowhere) Proves() image.Claims { return image.Claims{} }

// What a scan says is written; that it cannot be is told once, until it can, and is
// no reason not to look again.
func TestReportsAreWritten(t *testing.T) {
	t.Parallel()
	st, err := store.Open(t.Context(), filepath.Join(t.TempDir(), "store.db"), store.Options{Create: true})
	if err != nil {
		t.Fatal(err)
	}
	q, err := jobs.Open(t.Context(), st.Database(), jobs.Options{})
	if err != nil {
		t.Fatal(err)
	}
	p, err := policy.Load(policy.Loader{Embedded: policies.Files, Checks: append(checks.All(), signing.Checks(nil, signing.Options{})...)}, "baseline@1")
	if err != nil {
		t.Fatal(err)
	}
	now := time.Date(2026, 11, 26, 12, 0, 0, 0, time.UTC)
	clock := func() time.Time { return now }
	reports, clusterReports := &api{}, &api{}
	runtimes := []scan.Runtime{{Observer: pod{}, Name: "prod", Place: func(context.Context, observe.Container) (scan.Place, string, error) {
		return scan.Place{Source: nowhere{}}, "", nil
	}}}
	failed := 0
	w := &watch.Watcher{
		Store: st, Clock: clock, Log: slog.New(slog.DiscardHandler),
		Tell:     func(context.Context, *jobs.Tx) error { return nil },
		Reported: func(_ string, c policyreport.Counts) { failed += c.Failed },
		Setup: func(context.Context, string) (watch.Setup, bool, error) {
			return watch.Setup{
				Every: time.Hour, Reports: &policyreport.Writer{Form: policyreport.OpenReports, Place: "prod", Reports: reports, ClusterReports: clusterReports},
				Options: scan.Options{
					Policy: p, Checks: checks.All(), Now: now, Clock: clock, Depth: policy.DepthManifest, Layers: gather.NewLayers(1, nil, nil), Jobs: 1,
					Runtimes: runtimes, Signatures: scan.NewSigner(p, scan.SignerOptions{Clock: clock, PublicRoot: func(context.Context) ([]byte, error) { return nil, errors.New("none") }}),
				},
			}, true, nil
		},
	}
	ended := make(chan error)
	err = errors.Join(q.Handle(watch.Kind, jobs.Kind{}, func(ctx context.Context, r *jobs.Run) error {
		err := w.Run(ctx, r)
		ended <- err
		return err
	}), q.Start(t.Context()))
	if err != nil {
		t.Fatal(err)
	}
	var told []string
	look := func(away bool) {
		t.Helper()
		reports.away.Store(away)
		if err := q.Want(t.Context(), jobs.Task{Kind: watch.Kind, Key: "prod"}); err != nil {
			t.Fatal(err)
		}
		if err := <-ended; err != nil {
			t.Fatal(err)
		}
		now = now.Add(time.Minute)
		all, err := st.Happenings(t.Context(), store.HappeningFilter{})
		if err != nil {
			t.Fatal(err)
		}
		told = nil
		for _, h := range all {
			told = append(told, h.Type)
		}
	}
	look(false)
	var written struct {
		Scope   struct{ Name, UID string }
		Summary map[string]int
	}
	if err := json.Unmarshal(reports.body, &written); err != nil || written.Scope.Name != "cart" || written.Scope.UID != "u" || written.Summary["error"] == 0 {
		t.Errorf("written %q as %s, %v", reports.kept, reports.body, err)
	}
	if diff := cmp.Diff([]string{http.MethodPost + " shop/intact-deployment-cart"}, reports.kept); diff != "" || len(clusterReports.kept) != 0 {
		t.Error(diff, clusterReports.kept)
	}
	if runtimes[0].Observer != (pod{}) {
		t.Error("the runtime of all runs was changed")
	}
	look(true)
	look(true)
	look(false)
	look(true)
	if diff := cmp.Diff([]string{"running.changed", "running.unreported", "running.unreported"}, told); diff != "" || failed != 3 {
		t.Errorf("%s; %d failed", diff, failed)
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(t.Context()), 10*time.Second)
	defer cancel()
	if err := errors.Join(q.Stop(ctx), st.Close()); err != nil {
		t.Error(err)
	}
}
