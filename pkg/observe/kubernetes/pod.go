package kubernetes

import (
	"cmp"
	"context"
	"crypto/sha256"
	"slices"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/intact-dev/intact/pkg/fact"
	"github.com/intact-dev/intact/pkg/internal/kube"
	"github.com/intact-dev/intact/pkg/observe"
	"github.com/intact-dev/intact/pkg/ref"
)

// A podKey tells pods apart in 16 bytes: one for each pod is kept, so that a page
// that comes again brings none twice.
type podKey [16]byte

func keyOf(pod *corev1.Pod) podKey {
	var k podKey
	id := string(pod.UID)
	if id == "" {
		id = pod.Namespace + "/" + pod.Name
	}
	sum := sha256.Sum256([]byte(id))
	copy(k[:], sum[:])
	return k
}

// pod reduces a pod to its containers, and appends them to dst.
func (v *observation) pod(ctx context.Context, dst []observe.Container, pod *corev1.Pod) []observe.Container {
	key := keyOf(pod)
	if v.seen[key] {
		return dst
	}
	v.seen[key] = true
	v.counts.pods++
	ix := v.index
	namespace, nodeName := ix.one(pod.Namespace), ix.one(pod.Spec.NodeName)
	v.counts.namespaces[namespace] = true
	n := v.node(ctx, nodeName)
	if pod.Status.Phase != corev1.PodSucceeded && pod.Status.Phase != corev1.PodFailed {
		v.silentNode(nodeName, n)
	}
	_, static := pod.Annotations[corev1.MirrorPodAnnotationKey]
	m := &made{}
	if !static { // a mirror pod's owner is its node
		m = v.maker(ctx, pod)
	}
	w := m.workload
	w.Team = cmp.Or(ix.teamOf("Pod", &pod.ObjectMeta), w.Team, v.teams[namespace])
	base := observe.Container{Namespace: namespace, Pod: pod.Name, Node: nodeName, Workload: w}
	pull := kube.PullSecrets(&pod.Spec)
	v.scratch = kube.Images(v.scratch[:0], &pod.Spec, "spec")
	for _, i := range v.scratch {
		p := v.parse(i.Image)
		d := fact.Container{Name: ix.one(i.Name), Role: i.Role, Runtime: "kubernetes", Image: p.image, Ref: p.ref, Static: static, Owner: w.Kind}
		m.template(&d)
		c := base
		if n != nil {
			d.Platform, c.NodeTag = n.platform, n.tags[p.tag]
		}
		spec := &observe.Spec{Container: d, Settings: i.Settings(&pod.Spec, pod.Name), PullSecrets: pull}
		v.immutable(namespace, spec.Settings.Configs)
		if i.Role == fact.RoleVolume {
			dst = v.volume(dst, c, spec, pod)
			continue
		}
		v.status(&c, spec, pod, i.Container(&pod.Spec))
		c.Spec = v.specs.One(spec)
		dst = append(dst, c)
	}
	return dst
}

// status fills in what the kubelet says of a container.
func (v *observation) status(c *observe.Container, spec *observe.Spec, pod *corev1.Pod, of *corev1.Container) {
	d := &spec.Container
	s := statusOf(pod, of.Name, d.Role)
	d.Phase = phaseOf(pod, of, d.Role, s)
	if s == nil {
		return
	}
	_, id, _ := strings.Cut(s.ContainerID, "://")
	c.ID = id
	if d.Phase != fact.PhaseRunning {
		return
	}
	c.Reported = v.index.one(s.ImageID)
	if strings.Contains(s.Image, "sha256:") && s.Image != s.ImageID {
		c.Also = v.also(s.Image) // a name with a tag is any that the runtime has; a digest is of what runs
	}
	c.Since = v.since(s.State.Running.StartedAt.Time, c.Node)
}

// also shares the list of one name among all that have it.
func (v *observation) also(name string) []string {
	if known := v.names[name]; known != nil {
		return known
	}
	v.names[name] = []string{name}
	return v.names[name]
}

// skewed is how far ahead of ours a node's clock may be before that is said.
const skewed = 5 * time.Minute

// since returns the start of a container. One that lies in the future is none.
func (v *observation) since(t time.Time, node string) time.Time {
	if ahead := t.Sub(v.started); ahead > skewed {
		v.ahead[node] = max(v.ahead[node], ahead)
		return time.Time{}
	}
	return t
}

// volume appends an image volume: once for each image that was mounted for it. A
// container that starts again may get another than the others of its pod have.
func (v *observation) volume(dst []observe.Container, c observe.Container, spec *observe.Spec, pod *corev1.Pod) []observe.Container {
	running := false
	var mounted []string
	for _, all := range [][]corev1.ContainerStatus{pod.Status.InitContainerStatuses, pod.Status.ContainerStatuses, pod.Status.EphemeralContainerStatuses} {
		for i := range all {
			if all[i].State.Running == nil {
				continue
			}
			running = true
			for _, m := range all[i].VolumeMounts {
				if m.Name == spec.Container.Name && m.VolumeStatus != nil && m.VolumeStatus.Image != nil {
					if r := v.index.one(m.VolumeStatus.Image.ImageRef); r != "" && !slices.Contains(mounted, r) {
						mounted = append(mounted, r)
					}
				}
			}
		}
	}
	switch {
	case pod.Status.Phase == corev1.PodSucceeded || pod.Status.Phase == corev1.PodFailed:
		spec.Container.Phase, mounted = fact.PhaseFinished, nil
	case running:
		spec.Container.Phase = fact.PhaseRunning
	default:
		spec.Container.Phase = fact.PhaseWaiting
	}
	c.Spec = v.specs.One(spec)
	if len(mounted) == 0 {
		return append(dst, c)
	}
	for _, r := range mounted {
		c.Reported = r
		dst = append(dst, c)
	}
	return dst
}

// A parsed is an image's name, read once however many containers have it.
type parsed struct {
	image string  // as written
	ref   ref.Ref // zero if it is none
	name  string  // canonical repository
	tag   string  // canonical repository:tag; "" = it has no tag, not even by default
}

// parse reads a name as the kubelet does: one with neither tag nor digest means
// the tag latest.
func (v *observation) parse(image string) parsed {
	if p, ok := v.parsed[image]; ok {
		return p
	}
	p := parsed{image: v.index.one(image)}
	if r, err := ref.Parse(image); err == nil {
		p.ref, p.name = r, r.Canonical()
		switch {
		case r.Digest != "":
		case r.Tag == "":
			p.tag = p.name + ":latest"
		default:
			p.tag = p.name + ":" + r.Tag
		}
	}
	v.parsed[p.image] = p
	return p
}

// A makerKey is by what a pod's workload and template are found.
type makerKey struct {
	uid  types.UID
	hash string
}
