package containerd

import (
	"fmt"
	"maps"
	"slices"

	"github.com/intact-dev/intact/pkg/fact"
	"github.com/intact-dev/intact/pkg/observe"
)

// A description is a container and its image volumes. key is the same for every
// start of one container of a pod, and "" for others.
type description struct {
	all     []observe.Container
	key     string
	attempt uint32
}

func (d description) phase() fact.Phase { return d.all[0].Spec.Container.Phase }

// offer yields a container. One of a pod that has ended waits: it may have been
// started again, and the CRI keeps former starts.
func (v *view) offer(d description) {
	if d.key == "" {
		v.show(d)
		return
	}
	if v.current == nil {
		v.current, v.ended = map[string]bool{}, map[string]description{}
	}
	if d.phase() != fact.PhaseFinished {
		v.current[d.key] = true
		v.show(d)
	} else if before, ok := v.ended[d.key]; !ok || before.attempt < d.attempt {
		v.ended[d.key] = d
	}
}

// rest yields what has ended and was not started again.
func (v *view) rest() {
	for _, key := range slices.Sorted(maps.Keys(v.ended)) {
		if !v.current[key] {
			v.show(v.ended[key])
		}
	}
	v.current, v.ended = nil, nil
}

func (v *view) show(d description) {
	for _, c := range d.all {
		if c.Spec.Container.Role == fact.RoleVolume && v.mounted(c) {
			continue
		}
		c.Spec = v.specs.One(c.Spec)
		v.share.container(&c)
		v.containers++
		v.yield(c)
	}
}

// mounted reports whether another container of the pod mounts the same image:
// what it mounts of it, and where, makes no other volume.
func (v *view) mounted(c observe.Container) bool {
	key := fmt.Sprintf("%q %q %q %q", c.Namespace, c.Pod, c.Spec.Container.Image, c.Reported)
	if v.volumes[key] {
		return true
	}
	if v.volumes == nil {
		v.volumes = map[string]bool{}
	}
	v.volumes[key] = true
	return false
}
