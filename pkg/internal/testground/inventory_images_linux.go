package testground

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/rogpeppe/go-internal/lockedfile"
	"golang.org/x/sync/errgroup"

	"github.com/intact-dev/intact/pkg/internal/testimage"
)

// InventoryAddr is the registry of an inventory's images: fixed, as the cached
// objects name it, and on an address of loopback that nothing else uses.
const InventoryAddr = "127.134.2.1:5000"

// An InventoryImage is a reference that pods of an inventory name.
type InventoryImage struct {
	Repository string // with the registry
	Tag        string
	// Now is what the tag means; Before is the build that it meant earlier, which
	// the registry still has.
	Now, Before *testimage.Built
}

// Ref is the reference by tag.
func (i InventoryImage) Ref() string { return i.Repository + ":" + i.Tag }

// Images returns what the inventory's pods name: indexes of two platforms.
func (i Inventory) Images() ([]InventoryImage, error) {
	var images []InventoryImage
	for n := range i.withDefaults().Tags {
		image := InventoryImage{Repository: fmt.Sprintf("%s/team-%02d/app-%03d", InventoryAddr, n%20, n), Tag: fmt.Sprintf("1.%d.%d", n%7, n%5)}
		var err error
		if image.Now, err = inventoryBuild(n, "now"); err != nil {
			return nil, err
		}
		if image.Before, err = inventoryBuild(n, "before"); err != nil {
			return nil, err
		}
		images = append(images, image)
	}
	return images, nil
}

func inventoryBuild(n int, build string) (*testimage.Built, error) {
	s := testimage.Spec{Index: true}
	for _, platform := range []string{"linux/amd64", "linux/arm64"} {
		s.Images = append(s.Images, testimage.Image{
			Platform: platform,
			Config:   testimage.Config{User: "1000:1000", Entrypoint: []string{"/app/run"}},
			Layers: []testimage.Layer{{Files: []testimage.File{
				{Path: "app/", Mode: "0755"},
				{Path: "app/run", Mode: "0755", Content: fmt.Sprintf("#!/bin/sh\necho %d %s %s\n", n, build, platform)},
			}}},
		})
	}
	return testimage.Build(s)
}

// StartInventoryRegistry starts the registry that the inventory's references
// lead to, with all images, and keeps it in dir, an empty folder. There is one
// on a machine: a second waits until the first is closed.
func StartInventoryRegistry(ctx context.Context, dir string, inventory Inventory) (*Registry, error) {
	var storage string
	err := locked("inventory-registry", func(cache string) error {
		storage = filepath.Join(cache, fmt.Sprintf("inventory-registry-%s-%d", inventoryVersion, inventory.withDefaults().Tags))
		if _, err := os.Stat(storage); !errors.Is(err, os.ErrNotExist) {
			return err
		}
		return fillRegistry(ctx, cache, storage, inventory)
	})
	if err != nil {
		return nil, fmt.Errorf("make the inventory's registry: %w", err)
	}
	if err := copyTree(ctx, storage, filepath.Join(dir, "storage")); err != nil {
		return nil, err
	}
	unlock, err := lockedfile.MutexAt(storage + ".lock").Lock()
	if err != nil {
		return nil, fmt.Errorf("lock the inventory's registry: %w", err)
	}
	r, err := startRegistryAt(ctx, dir, InventoryAddr)
	if err != nil {
		unlock()
		return nil, err
	}
	r.release = unlock
	return r, nil
}

// fillRegistry makes the storage of a registry with all images.
func fillRegistry(ctx context.Context, cache, storage string, inventory Inventory) error {
	images, err := inventory.Images()
	if err != nil {
		return err
	}
	work, err := os.MkdirTemp(cache, "inventory-registry-work-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(work)
	r, err := StartRegistry(ctx, work)
	if err != nil {
		return err
	}
	err = pushAll(ctx, work, r.Addr, images)
	if err := errors.Join(err, r.Close()); err != nil {
		return err
	}
	return os.Rename(r.Dir, storage)
}

// pushAll pushes both builds of images from layouts below dir to the registry
// at addr.
func pushAll(ctx context.Context, dir, addr string, images []InventoryImage) error {
	var g errgroup.Group
	g.SetLimit(8)
	for n, image := range images {
		to := addr + strings.TrimPrefix(image.Ref(), InventoryAddr)
		g.Go(func() error {
			for _, b := range []*testimage.Built{image.Before, image.Now} { // the tag ends as Now
				err := pushLayout(ctx, filepath.Join(dir, fmt.Sprintf("layout-%d", n)), b, to)
				if err != nil {
					return fmt.Errorf("push %q: %w", to, err)
				}
			}
			return nil
		})
	}
	return g.Wait()
}

func pushLayout(ctx context.Context, dir string, built *testimage.Built, to string) error {
	if err := testimage.WriteLayout(dir, testimage.Entry{Built: built}); err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	root, err := layout.ImageIndexFromPath(dir)
	if err != nil {
		return err
	}
	manifest, err := root.IndexManifest()
	if err != nil {
		return err
	}
	index, err := root.ImageIndex(manifest.Manifests[0].Digest)
	if err != nil {
		return err
	}
	tag, err := name.NewTag(to, name.Insecure)
	if err != nil {
		return err
	}
	return remote.WriteIndex(tag, index, remote.WithContext(ctx))
}
