package docker

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/moby/moby/api/types/container"

	"github.com/intact-dev/intact/pkg/fact"
	"github.com/intact-dev/intact/pkg/image"
	"github.com/intact-dev/intact/pkg/internal/dockerengine"
	"github.com/intact-dev/intact/pkg/internal/lazy"
	"github.com/intact-dev/intact/pkg/observe"
	"github.com/intact-dev/intact/pkg/ref"
)

// complete refuses a description that lacks what everything hangs on: to take
// its zero values for "not privileged" would be wrong.
func complete(in container.InspectResponse) error {
	if in.State == nil || in.Config == nil || in.HostConfig == nil {
		return &image.Error{Op: "inspect", Object: "container " + shortID(in.ID), Cause: fact.ServerError,
			Err: errors.New("the engine's description has no state, configuration or host configuration")}
	}
	return nil
}

// container makes a Container of a complete description. Its error means that
// the engine was lost.
func (l *look) container(ctx context.Context, in container.InspectResponse) (observe.Container, error) {
	info := l.engine.Info
	known, err := l.ask(ctx, in.Image)
	if err != nil {
		return observe.Container{}, err
	}
	c := observe.Container{Pod: nameOf(in), ID: in.ID, Node: info.Name, Workload: workloadOf(in.Config.Labels, in.Config.Image)}
	d := fact.Container{Name: c.Pod, Role: fact.RoleMain, Runtime: "docker", Image: in.Config.Image, Phase: phaseOf(in.State),
		Owner: c.Workload.Kind, Platform: platformOf(in, known, info.Platform)}
	if c.Workload.Kind != "" {
		d.Name, d.NoTemplate = serviceOf(in.Config.Labels), noTemplate(c.Workload.Kind)
	}
	if r, err := ref.Parse(d.Image); err == nil && !isID(d.Image, in.Image, known) {
		d.Ref = r
	}
	c.Spec = &observe.Spec{Container: d, Settings: settingsOf(in, info)}
	if started, err := time.Parse(time.RFC3339Nano, in.State.StartedAt); err == nil && !started.IsZero() {
		c.Since = started.UTC()
	}
	if d.Phase == fact.PhaseRunning {
		c.Reported, c.ReportedKind, c.Also = in.Image, kindOf(info.Store, in, known), known.digests
		c.AlsoLocal = len(c.Also) > 0 && info.Store != dockerengine.StoreGraph
		if m := in.ImageManifestDescriptor; m != nil {
			c.Manifest, _ = ref.ParseDigest(string(m.Digest)) // "" if it is none
		}
	}
	c.NodeTag, err = l.tag(ctx, d.Ref)
	return c, err
}

// phaseOf maps a state. A paused container holds what it ran.
func phaseOf(s *container.State) fact.Phase {
	switch string(s.Status) {
	case "running", "paused":
		return fact.PhaseRunning
	case "created", "restarting":
		return fact.PhaseWaiting
	case "removing", "exited", "dead", "stopped", "stopping":
		return fact.PhaseFinished
	}
	if s.Running || s.Paused { // a word that is not known yet
		return fact.PhaseRunning
	}
	return ""
}

// kindOf says what the ID of a container's image names.
func kindOf(store dockerengine.Store, in container.InspectResponse, known knownImage) fact.DigestKind {
	switch store {
	case dockerengine.StoreGraph:
		return fact.DigestConfig
	case dockerengine.StoreContainerd:
		if m := in.ImageManifestDescriptor; m != nil && string(m.Digest) == in.Image {
			return fact.DigestManifest
		}
		return known.kind
	}
	return ""
}

// platformOf prefers what runs to what would by default: an engine runs images
// of other platforms too.
func platformOf(in container.InspectResponse, known knownImage, node ref.Platform) ref.Platform {
	if m := in.ImageManifestDescriptor; m != nil && m.Platform != nil && m.Platform.Architecture != "" {
		p := m.Platform
		return ref.Platform{OS: p.OS, Architecture: p.Architecture, Variant: p.Variant, OSVersion: p.OSVersion}
	}
	if known.platform.OS != "" && known.platform.Architecture != "" {
		return known.platform
	}
	return node
}

var hexID = lazy.Regexp(`^[0-9a-f]{1,64}$`)

// isID reports that an image was named by its ID, or the start of it, and not by
// a reference. Both can look the same: "docker run cafe".
func isID(given, id string, known knownImage) bool {
	if _, err := ref.ParseDigest(given); err == nil {
		return true
	}
	if !hexID().MatchString(given) || !strings.HasPrefix(id, "sha256:"+given) {
		return false
	}
	for _, tag := range known.tags {
		if r, err := ref.Parse(tag); err == nil && r.Canonical() == (ref.Ref{Name: given}).Canonical() {
			return false
		}
	}
	return true
}

func nameOf(in container.InspectResponse) string {
	if name := strings.TrimPrefix(in.Name, "/"); name != "" {
		return name
	}
	return shortID(in.ID)
}

func shortID(id string) string { return id[:min(len(id), 12)] }
