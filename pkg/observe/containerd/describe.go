package containerd

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/intact-dev/intact/pkg/fact"
	"github.com/intact-dev/intact/pkg/image"
	"github.com/intact-dev/intact/pkg/internal/containerdclient"
	"github.com/intact-dev/intact/pkg/observe"
	"github.com/intact-dev/intact/pkg/ref"
)

// Labels of nerdctl, and of containerd's own restart monitor.
const (
	labelNerdctlName = "nerdctl/name"
	labelRestart     = "containerd.io/restart.status"
)

// errGone says that a container ended while it was looked at.
var errGone = errors.New("the container is gone")

// describe describes one container of containerd. What of it could not be seen is
// added to g. The error is errGone, or says that nothing more can be seen.
func (o *Observer) describe(ctx context.Context, sp *space, c *containerdclient.Container, g *gaps) (description, error) {
	// note says whether it is worth going on after err.
	note := func(what string, err error) error {
		switch {
		case err == nil:
			return nil
		case ctx.Err() != nil || errors.Is(err, errGone) || image.CauseOf(err) == fact.Network:
			return err
		case image.CauseOf(err) == fact.NotFound && o.gone(ctx, sp, c):
			return errGone
		}
		g.add(fmt.Sprintf("%s of namespace %q:", what, sp.name), c.ID, err)
		return nil
	}
	p, err := podOf(c)
	if err := note("pod of container", err); err != nil {
		return description{}, err
	}
	task, err := o.task(ctx, sp, c)
	if err := note("state of container", err); err != nil {
		return description{}, err
	}
	st, err := o.criStatus(ctx, sp, c, p)
	if err := note("CRI status of container", err); err != nil {
		return description{}, err
	}
	rs, err := parseSpec(c.Spec)
	if err := note("settings of container", err); err != nil {
		return description{}, err
	}
	out := o.compose(sp, c, p, st, rs)
	out.Spec.Container.Phase = phaseOf(task, st)
	if out.Spec.Container.Phase == fact.PhaseRunning {
		if err := note("image of container", o.identify(ctx, sp, c, p, st, &out)); err != nil {
			return description{}, err
		}
	}
	d := description{all: append([]observe.Container{out}, o.volumes(sp, out, p)...)}
	if p != nil {
		d.key, d.attempt = p.key, p.attempt
	}
	return d, ctx.Err()
}

// gone reports whether the container is no more.
func (o *Observer) gone(ctx context.Context, sp *space, c *containerdclient.Container) bool {
	_, err := o.client.Container(ctx, sp.name, c.ID)
	return err != nil && image.CauseOf(err) == fact.NotFound
}

// compose puts together what is known without further questions. p, st and rs are
// nil where there are none.
func (o *Observer) compose(sp *space, c *containerdclient.Container, p *pod, st *criState, rs *runtimeSpec) observe.Container {
	out := observe.Container{Namespace: sp.name, Pod: cmp.Or(c.Labels[labelNerdctlName], c.ID), ID: c.ID}
	spec := &observe.Spec{Container: fact.Container{Name: out.Pod, Role: fact.RoleMain, Runtime: o.runtime(), Platform: o.platform, Image: c.Image}}
	if rs != nil {
		spec.Settings = rs.settings(p != nil)
	}
	if p != nil {
		out.Namespace, out.Pod = cmp.Or(p.namespace, sp.name), p.name
		spec.Container.Name = p.container
		spec.Container.Image = cmp.Or(p.specified, c.Image)
		spec.Settings.Privileged = spec.Settings.Privileged || p.privileged
	}
	if st != nil {
		out.Since = st.started
		spec.Container.Image = cmp.Or(st.specified, spec.Container.Image)
	}
	if bareDigest(spec.Container.Image) {
		spec.Container.Image = "" // an ID is what runs, and not what was declared
	}
	spec.Container.Ref, _ = ref.Parse(spec.Container.Image)
	out.NodeTag = sp.store.nodeTag(spec.Container.Ref)
	out.Spec = spec
	return out
}

// task says what a container does. One that is in no list is asked for: the list
// leaves out what does not answer.
func (o *Observer) task(ctx context.Context, sp *space, c *containerdclient.Container) (fact.Phase, error) {
	if p, ok := sp.tasks[c.ID]; ok {
		delete(sp.tasks, c.ID)
		return p, nil
	}
	p, err := o.client.Task(ctx, sp.name, c.ID)
	switch {
	case err == nil || image.CauseOf(err) != fact.NotFound:
		return p, err
	case o.gone(ctx, sp, c):
		return "", errGone
	case c.Labels[labelRestart] == "running":
		return fact.PhaseWaiting, nil // it is started again
	}
	return fact.PhaseFinished, nil
}

// criStatus asks the CRI about a container that it made; nil for others.
func (o *Observer) criStatus(ctx context.Context, sp *space, c *containerdclient.Container, p *pod) (*criState, error) {
	switch {
	case p == nil:
		return nil, nil
	case o.cri == nil:
		return nil, o.criErr
	case sp.criLost != nil:
		return nil, sp.criLost
	}
	st, err := o.cri.status(ctx, c.ID, false)
	if err != nil && ctx.Err() == nil && image.CauseOf(err) == fact.Network {
		// The rest is not kept waiting for it: containerd knows most of the same.
		sp.criLost = silent(err)
		return nil, sp.criLost
	}
	return st, err
}

// silent is a CRI that does not answer. That is no sign that containerd is lost.
func silent(err error) error {
	return &image.Error{Op: "ask", Object: "the CRI", Cause: fact.ServerError, Err: err}
}

// identify sets what the container runs.
func (o *Observer) identify(ctx context.Context, sp *space, c *containerdclient.Container, p *pod, st *criState, out *observe.Container) error {
	var i identity
	var err error
	switch {
	case p != nil:
		i = sp.store.ofPod(ctx, c, p, st)
	case c.Image == "" && strings.HasPrefix(sp.name, "moby"):
		err = &image.Error{Cause: fact.Unsupported, Err: errors.New("its image is in Docker's own store, of which containerd knows nothing"), Hint: "ask Docker: --workloads docker"}
	default:
		var snapshot *containerdclient.Snapshot
		if c.SnapshotKey != "" {
			var found containerdclient.Snapshot
			if found, err = o.client.Snapshot(ctx, sp.name, c.Snapshotter, c.SnapshotKey); err == nil {
				snapshot = &found
			}
		}
		var wrong error
		if i, wrong = sp.store.ofName(ctx, c, snapshot, o.platform); wrong != nil {
			err = wrong
		}
	}
	out.Reported, out.Manifest, out.Also = i.reported, i.manifest, i.also
	if sp.store.lost != nil {
		return sp.store.lost
	}
	return err
}

// volumes are the images that a container mounts.
func (o *Observer) volumes(sp *space, c observe.Container, p *pod) []observe.Container {
	if p == nil {
		return nil
	}
	var out []observe.Container
	for _, v := range p.volumes {
		spec := &observe.Spec{Container: fact.Container{Name: v.path, Role: fact.RoleVolume, Runtime: c.Spec.Container.Runtime,
			Platform: o.platform, Phase: c.Spec.Container.Phase, Image: v.specified}}
		spec.Container.Ref, _ = ref.Parse(v.specified)
		volume := observe.Container{Namespace: c.Namespace, Pod: c.Pod, Since: c.Since, Spec: spec, NodeTag: sp.store.nodeTag(spec.Container.Ref)}
		if spec.Container.Phase == fact.PhaseRunning {
			volume.Reported = v.image
		}
		out = append(out, volume)
	}
	return out
}
