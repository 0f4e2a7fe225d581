package containerdclient

import (
	"context"

	snapshotsapi "github.com/containerd/containerd/api/services/snapshots/v1"
)

// A Snapshot is what is known of one.
type Snapshot struct {
	// Parent is the name of the snapshot below; "" = none. Unpacked layers are named
	// by their chain ID.
	//
	// https://github.com/opencontainers/image-spec/blob/v1.1.1/config.md#layer-chainid
	Parent string
	Active bool // it can be written to
}

// A Mount is how a snapshot would be mounted.
type Mount struct {
	Type, Source string
	Options      []string
}

// Snapshot returns what is known of a snapshot.
func (c *Client) Snapshot(ctx context.Context, namespace, snapshotter, key string) (Snapshot, error) {
	var out Snapshot
	err := c.Call(in(ctx, namespace), "get", named("snapshot", key, namespace), func(ctx context.Context) error {
		r, err := c.snapshots.Stat(ctx, &snapshotsapi.StatSnapshotRequest{Snapshotter: snapshotter, Key: key})
		out = Snapshot{Parent: r.GetInfo().GetParent(), Active: r.GetInfo().GetKind() == snapshotsapi.Kind_ACTIVE}
		return err
	})
	return out, err
}

// Mounts returns how a snapshot would be mounted. Nothing is.
func (c *Client) Mounts(ctx context.Context, namespace, snapshotter, key string) ([]Mount, error) {
	var out []Mount
	err := c.Call(in(ctx, namespace), "get", "the mounts of "+named("snapshot", key, namespace), func(ctx context.Context) error {
		r, err := c.snapshots.Mounts(ctx, &snapshotsapi.MountsRequest{Snapshotter: snapshotter, Key: key})
		for _, m := range r.GetMounts() {
			out = append(out, Mount{Type: m.GetType(), Source: m.GetSource(), Options: m.GetOptions()})
		}
		return err
	})
	return out, err
}
