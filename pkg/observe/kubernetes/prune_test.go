package kubernetes

import (
	"bytes"
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	appsv1 "k8s.io/api/apps/v1"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// The names of what is left out, by the API's own types: so that a number that
// is wrong shows.
func TestWhatIsLeftOut(t *testing.T) {
	t.Parallel()
	want := map[reflect.Type]string{
		reflect.TypeFor[metav1.ObjectMeta](): "creationTimestamp deletionGracePeriodSeconds finalizers generateName generation managedFields resourceVersion selfLink",
		reflect.TypeFor[corev1.EnvVar]():     "name value",
		reflect.TypeFor[corev1.Container](): "args command lifecycle livenessProbe ports readinessProbe resizePolicy resources startupProbe stdin stdinOnce " +
			"terminationMessagePath terminationMessagePolicy tty volumeDevices workingDir",
		reflect.TypeFor[corev1.PodSpec](): "activeDeadlineSeconds affinity automountServiceAccountToken dnsConfig dnsPolicy enableServiceLinks evictionResponders hostAliases hostIPC " +
			"hostNetwork hostPID hostname hostnameOverride nodeSelector overhead preemptionPolicy priority priorityClassName readinessGates resourceClaims resources " +
			"runtimeClassName schedulerName schedulingGates schedulingGroup serviceAccount serviceAccountName setHostnameAsFQDN shareProcessNamespace subdomain " +
			"terminationGracePeriodSeconds tolerations topologySpreadConstraints",
		reflect.TypeFor[corev1.ContainerStatus](): "allocatedResources allocatedResourcesStatus lastState ready resources restartCount started stopSignal user",
		reflect.TypeFor[corev1.PodStatus](): "allocatedResources conditions extendedResourceClaimStatus hostIP hostIPs message nodeAllocatableResourceClaimStatuses nominatedNodeName " +
			"observedGeneration podIP podIPs qosClass reason resize resourceClaimStatuses resources startTime volumeHealth",
	}
	cut := map[reflect.Type]*cutOut{
		reflect.TypeFor[metav1.ObjectMeta](): cutMeta, reflect.TypeFor[corev1.EnvVar](): cutEnv, reflect.TypeFor[corev1.Container](): cutContainer,
		reflect.TypeFor[corev1.PodSpec](): cutPodSpec, reflect.TypeFor[corev1.ContainerStatus](): cutState, reflect.TypeFor[corev1.PodStatus](): cutPodStatus,
	}
	for typ, c := range cut {
		var got []string
		for i := range typ.NumField() {
			f := typ.Field(i)
			n, _ := strconv.Atoi(strings.Split(f.Tag.Get("protobuf")+",,", ",")[1])
			if n < len(c) && c[n] == out {
				name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
				got = append(got, name)
			}
		}
		slices.Sort(got)
		if diff := cmp.Diff(want[typ], strings.Join(got, " ")); diff != "" {
			t.Errorf("%s (-want +got):\n%s", typ, diff)
		}
	}
}

// What is left out makes no difference to what comes of an object that has
// everything.
func TestPruningChangesNothing(t *testing.T) {
	t.Parallel()
	tests := map[resource]object{
		pods: filled[corev1.Pod](), nodes: filled[corev1.Node](), replicaSets: filled[appsv1.ReplicaSet](), statefulSets: filled[appsv1.StatefulSet](),
		controllers: filled[corev1.ReplicationController](), jobs: filled[batchv1.Job](), cronJobs: filled[batchv1.CronJob](), controllerRevisions: filled[appsv1.ControllerRevision](),
	}
	for r := range cuts {
		o := tests[r]
		if o == nil {
			t.Errorf("%s are pruned and not tried", r.name)
			continue
		}
		raw := must(o.Marshal())
		small := prune(nil, raw, cuts[r])
		if len(small) >= len(raw) {
			t.Errorf("%s: %d of %d bytes are left", r.name, len(small), len(raw))
		}
		if diff := cmp.Diff(reduced(t, r, raw), reduced(t, r, small)); diff != "" {
			t.Errorf("%s (-whole +pruned):\n%s", r.name, diff)
		}
	}
}

// reduced is what comes of an object, as text.
func reduced(t *testing.T, r resource, raw []byte) string {
	t.Helper()
	o := (&fake{t: t, url: "http://127.0.0.1:1"}).open(Options{Team: []string{"text"}})
	v := o.observation()
	v.index.failed[nodes] = fmt.Errorf("not asked")
	v.index.gone["a"] = "not asked"
	read := func(m message) {
		if err := m.Unmarshal(raw); err != nil {
			t.Fatalf("%s: %v", r.name, err)
		}
	}
	switch r {
	case pods:
		var x corev1.Pod
		read(&x)
		x.OwnerReferences = nil
		var all []string
		for _, c := range v.pod(t.Context(), nil, &x) {
			spec := c.Spec
			c.Spec = nil
			all = append(all, fmt.Sprintf("%+v\n%x", c, spec.Key()))
		}
		if len(all) < 4 {
			t.Errorf("only %d containers come of a pod", len(all))
		}
		return strings.Join(all, "\n")
	case nodes:
		var x corev1.Node
		read(&x)
		return fmt.Sprintf("%s %+v", x.Name, *v.nodeOf(&x))
	case replicaSets:
		var x appsv1.ReplicaSet
		read(&x)
		v.index.replicaSet(&x)
	case controllers:
		var x corev1.ReplicationController
		read(&x)
		v.index.replicationController(&x)
	case statefulSets:
		var x appsv1.StatefulSet
		read(&x)
		v.index.statefulSet(&x)
	case jobs:
		var x batchv1.Job
		read(&x)
		v.index.job(&x)
	case cronJobs:
		var x batchv1.CronJob
		read(&x)
		v.index.cronJob(&x)
	case controllerRevisions:
		var x appsv1.ControllerRevision
		read(&x)
		v.index.controllerRevision(&x)
	}
	text := ""
	for id, o := range v.index.owners {
		text += fmt.Sprintf("%s %s %s %+v %s %+v %s\n", id, o.kind, o.name, o.parent, o.team, o.template, o.update)
	}
	for id, set := range v.index.revisions {
		r := set.all[0]
		text += fmt.Sprintf("%s %s %s %d %s %+v %v\n", id, set.namespace, r.name, r.number, r.hash, r.template, r.err)
	}
	if !strings.Contains(text, "text") {
		t.Errorf("nothing comes of %s: %s", r.name, text)
	}
	return text
}

// filled is an object in which every field is set.
func filled[T any, P interface {
	*T
	object
}]() object {
	var x T
	fill(reflect.ValueOf(&x).Elem(), 14)
	return P(&x)
}

func fill(v reflect.Value, depth int) {
	if depth == 0 || !v.CanSet() {
		return
	}
	switch v.Kind() {
	case reflect.String:
		v.SetString("text")
	case reflect.Bool:
		v.SetBool(true)
	case reflect.Int32, reflect.Int64:
		v.SetInt(7)
	case reflect.Uint8:
		v.SetUint(7)
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		fill(v.Elem(), depth-1)
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 1, 1))
		fill(v.Index(0), depth-1)
	case reflect.Map:
		key, value := reflect.New(v.Type().Key()).Elem(), reflect.New(v.Type().Elem()).Elem()
		fill(key, depth-1)
		fill(value, depth-1)
		v.Set(reflect.MakeMap(v.Type()))
		v.SetMapIndex(key, value)
	case reflect.Struct:
		for i := range v.NumField() {
			fill(v.Field(i), depth-1)
		}
	}
}

func FuzzPrune(f *testing.F) {
	f.Add(must(realisticPod(1).Marshal()))
	f.Add(must(filled[corev1.Pod]().Marshal()))
	f.Add([]byte{0x0a, 0x02, 0x8a, 0x01, 0x00})
	f.Fuzz(func(t *testing.T, raw []byte) {
		small := prune(nil, raw, cutPod)
		var whole, pruned corev1.Pod
		a, b := whole.Unmarshal(raw), pruned.Unmarshal(small)
		if a != nil {
			return // what is wrong may lie in what was left out
		}
		if b != nil {
			t.Fatalf("pruning made %v", b)
		}
		if whole.Name != pruned.Name || len(whole.Spec.Containers) != len(pruned.Spec.Containers) || len(whole.Status.ContainerStatuses) != len(pruned.Status.ContainerStatuses) {
			t.Fatal("pruning lost something")
		}
		if again := prune(nil, small, cutPod); !bytes.Equal(again, small) {
			t.Fatal("pruning twice makes a difference")
		}
	})
}
