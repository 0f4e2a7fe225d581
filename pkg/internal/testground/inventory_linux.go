package testground

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
)

// inventoryVersion is part of the name of a cached inventory; raise it when the
// objects or images change.
const inventoryVersion = "1"

// An Inventory describes the content of an API server that nothing runs for: a
// cluster as a scanner sees it. The zero value of a field is its default.
//
// Pods belong to a ReplicaSet of a Deployment. Deployments are spread over 20
// namespaces and, round robin, over the images of [Inventory.Images]; three in
// four name a tag, one a tag with a digest. Every hundredth Deployment has one
// pod with a container that runs the build before.
type Inventory struct {
	Pods       int // 1,000
	Containers int // per pod; 2
	Replicas   int // per Deployment; 10
	Tags       int // distinct image references; 200
	Nodes      int // one per 100 pods; every fifth is linux/arm64
}

func (i Inventory) withDefaults() Inventory {
	def := func(n *int, v int) {
		if *n == 0 {
			*n = v
		}
	}
	def(&i.Pods, 1000)
	def(&i.Containers, 2)
	def(&i.Replicas, 10)
	def(&i.Tags, 200)
	def(&i.Nodes, max(2, i.Pods/100))
	return i
}

// StartInventory starts an API server alone that holds the inventory. It is made
// once per cache, at some hundred pods a second; later starts take what etcd
// kept.
func StartInventory(ctx context.Context, inventory Inventory) (*APIServer, error) {
	i := inventory.withDefaults()
	k, err := BuildKubernetes(ctx)
	if err != nil {
		return nil, err
	}
	key := sha256.Sum256(fmt.Appendf(nil, "%s %s %+v", inventoryVersion, k.Version, i))
	name := fmt.Sprintf("inventory-%d-%.6x", i.Pods, key)
	var data string
	err = locked(name, func(cache string) error {
		data = filepath.Join(cache, name)
		if _, err := os.Stat(data); !errors.Is(err, os.ErrNotExist) {
			return err
		}
		return i.make(ctx, data)
	})
	if err != nil {
		return nil, fmt.Errorf("make an inventory of %d pods: %w", i.Pods, err)
	}
	return startAlone(ctx, func(p *place) error { return copyTree(ctx, data, p.path("etcd")) })
}

// make fills an API server and keeps its etcd's data as to.
func (i Inventory) make(ctx context.Context, to string) (err error) {
	s, err := StartAPIServer(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	if err := i.fill(ctx, s); err != nil {
		return fmt.Errorf("%w\n%s", err, s.Logs())
	}
	if err := s.Kill("kube-apiserver"); err != nil {
		return err
	}
	if err := s.etcd.stop(syscall.SIGTERM); err != nil { // it writes what it holds
		return err
	}
	tmp := to + ".new"
	if err := os.RemoveAll(tmp); err != nil {
		return err
	}
	if err := copyTree(ctx, s.place.path("etcd"), tmp); err != nil {
		return err
	}
	return os.Rename(tmp, to)
}

// copyTree copies a folder; etcd's logs are mostly holes.
func copyTree(ctx context.Context, from, to string) error {
	_, err := run(ctx, "cp", "-a", "--sparse=always", from, to)
	return err
}
