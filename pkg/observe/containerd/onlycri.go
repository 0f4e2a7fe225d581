package containerd

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/intact-dev/intact/pkg/fact"
	"github.com/intact-dev/intact/pkg/image"
	"github.com/intact-dev/intact/pkg/observe"
	"github.com/intact-dev/intact/pkg/ref"
)

// onlyCRI yields what the CRI of a runtime without containerd's API knows.
func (v *view) onlyCRI(ctx context.Context) error {
	if len(v.o.namespaces) > 0 {
		return &image.Error{Op: "observe", Object: fmt.Sprintf("namespaces %s", quoted(v.o.namespaces)), Cause: fact.Unsupported,
			Err: fmt.Errorf("%s has none", v.o.runtime())}
	}
	ids, listErr := v.o.cri.list(ctx)
	for _, id := range ids {
		d, err := v.o.byCRI(ctx, id, &v.gaps)
		switch {
		case err == nil:
			v.offer(d)
		case ctx.Err() != nil || image.CauseOf(err) == fact.Network:
			return err
		case image.CauseOf(err) == fact.NotFound:
			v.gone++
		default:
			v.gaps.add("container", id, err)
		}
	}
	v.rest()
	return listErr
}

// byCRI describes a container by the CRI alone.
func (o *Observer) byCRI(ctx context.Context, id string, g *gaps) (description, error) {
	st, err := o.cri.status(ctx, id, true)
	if err != nil {
		return description{}, err
	}
	out := observe.Container{Namespace: st.labels[labelPodNamespace], Pod: cmp.Or(st.labels[labelPodName], id), ID: id, Since: st.started}
	spec := &observe.Spec{Container: fact.Container{Name: cmp.Or(st.name, id), Role: fact.RoleMain, Runtime: o.runtime(), Platform: o.platform,
		Phase: st.phase, Image: cmp.Or(st.specified, st.named)}}
	if bareDigest(spec.Container.Image) || isID(spec.Container.Image) {
		spec.Container.Image = ""
	}
	spec.Container.Ref, _ = ref.Parse(spec.Container.Image)
	if spec.Settings, err = parseInfo(st.info); err != nil {
		g.add("settings of container", id, err)
	}
	if st.phase == fact.PhaseRunning {
		i := identity{reported: st.ref}
		i.add(st.id)
		out.Reported, out.Also = i.reported, i.also
	}
	out.Spec = spec
	d := description{all: []observe.Container{out}, attempt: st.attempt}
	if uid := st.labels[labelPodUID]; uid != "" {
		d.key = uid + "/" + st.name
	}
	return d, nil
}

// isID knows what CRI-O calls an image by: the digest of its config without the
// algorithm.
func isID(s string) bool { return len(s) == 64 && digestOrNone("sha256:"+s) != "" }

// parseInfo reads what a runtime says beyond the CRI. containerd and CRI-O agree
// on the name of the runtime specification in it.
func parseInfo(info string) (fact.Settings, error) {
	if info == "" {
		return fact.Settings{}, unsupported(errors.New("the runtime does not tell them"))
	}
	var v struct {
		RuntimeSpec json.RawMessage `json:"runtimeSpec"`
		Privileged  bool            `json:"privileged"`
	}
	if err := json.Unmarshal([]byte(info), &v); err != nil {
		return fact.Settings{}, unsupported(fmt.Errorf("parse the verbose status: %w", err))
	}
	s, err := parseSpec(v.RuntimeSpec)
	if err != nil {
		return fact.Settings{}, err
	}
	settings := s.settings(true)
	settings.Privileged = settings.Privileged || v.Privileged
	return settings, nil
}
