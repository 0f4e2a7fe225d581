package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"

	"github.com/intact-dev/intact/pkg/internal/testground"
)

// inventory measures a scan of what runs in a cluster of so many pods, its cache
// warm, against kubectl, which only lists them.
func inventory(ctx context.Context, o options, work string) (err error) {
	inventory := testground.Inventory{Pods: o.pods}
	api, err := testground.StartInventory(ctx, inventory)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, api.Close()) }()
	registry, err := testground.StartInventoryRegistry(ctx, work, inventory)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, registry.Close()) }()
	scan := command{name: "intact scan", ok: []int{0, 1}, args: []string{
		o.intact, "scan", "--quiet", "--workloads", "kubernetes", "--kubeconfig", api.Kubeconfig,
		"--depth", "manifest", "--cache-dir", filepath.Join(work, "cache"),
	}}
	// The first round warms the cache.
	if err := compare(ctx, o.rounds, []command{scan, {name: "kubectl get", ok: []int{0}, args: []string{
		api.Kubernetes.Kubectl, "--kubeconfig", api.Kubeconfig, "--cache-dir", filepath.Join(work, "kubectl"),
		"get", "pods", "--all-namespaces", "--output", "json",
	}}}); err != nil {
		return err
	}
	if _, err := registry.Requests(ctx); err != nil {
		return err
	}
	if _, err := scan.measure(ctx); err != nil {
		return err
	}
	requests, err := registry.Requests(ctx)
	if err != nil {
		return err
	}
	fmt.Printf("\none scan's requests to the registry: %d\n", len(requests))
	for _, k := range kinds(requests) {
		fmt.Printf("  %5d  %s\n", k.n, k.kind)
	}
	return nil
}

// A kind is how often something was asked.
type kind struct {
	kind string
	n    int
}

// kinds counts requests by what they ask for, in the order of the first of each.
func kinds(requests []testground.Request) []kind {
	var out []kind
	at := map[string]int{}
	for _, r := range requests {
		k := fmt.Sprintf("%s %s %d", r.Method, askedFor(r.Path), r.Status)
		if _, ok := at[k]; !ok {
			at[k] = len(out)
			out = append(out, kind{kind: k})
		}
		out[at[k]].n++
	}
	return out
}

// askedFor is what a path of a registry leads to.
func askedFor(path string) string {
	for _, what := range []string{"manifests", "referrers", "blobs"} {
		_, last, found := strings.Cut(path, "/"+what+"/")
		switch {
		case !found:
		case strings.HasPrefix(last, "sha256:"):
			return what + " by digest"
		case strings.HasPrefix(last, "sha256-"):
			return "tags of signatures"
		default:
			return what + " by tag"
		}
	}
	return path
}
