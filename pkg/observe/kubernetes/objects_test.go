package kubernetes

import (
	"encoding/hex"
	"fmt"
	"strings"

	"crypto/sha256"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/yaml"
)

// uid is of the form that the API server gives.
func uid(seed string) types.UID {
	sum := sha256.Sum256([]byte(seed))
	h := hex.EncodeToString(sum[:16])
	return types.UID(h[:8] + "-" + h[8:12] + "-" + h[12:16] + "-" + h[16:20] + "-" + h[20:])
}

// digest is a digest made of seed.
func digest(seed string) string {
	sum := sha256.Sum256([]byte(seed))
	return "sha256:" + hex.EncodeToString(sum[:])
}

// from reads an object from YAML, as kubectl does.
func from[T any](text string) *T {
	var x T
	if err := yaml.UnmarshalStrict([]byte(text), &x); err != nil {
		panic(fmt.Sprintf("%v in\n%s", err, text))
	}
	return &x
}

func pod(text string) *corev1.Pod { return from[corev1.Pod](text) }

// runningPod is a pod of one container that runs.
func runningPod(namespace, name, container, image, imageID string) *corev1.Pod {
	return pod(fmt.Sprintf(`
metadata: {namespace: %s, name: %s}
spec: {nodeName: n1, restartPolicy: Always, containers: [{name: %s, image: %q, imagePullPolicy: IfNotPresent}]}
status:
  phase: Running
  containerStatuses: [{name: %[3]s, image: x, imageID: %[5]q, containerID: "containerd://%[6]s", state: {running: {startedAt: "2026-11-02T08:00:00Z"}}}]
`, namespace, name, container, image, imageID, strings.TrimPrefix(digest(namespace+name+container), "sha256:")))
}

// owned says that of made o.
func owned[T object](o T, apiVersion, kind, name string, id types.UID) T {
	yes := true
	o.SetOwnerReferences([]metav1.OwnerReference{{APIVersion: apiVersion, Kind: kind, Name: name, UID: id, Controller: &yes}})
	return o
}

func meta(namespace, name string, annotations, labels map[string]string) metav1.ObjectMeta {
	return metav1.ObjectMeta{Namespace: namespace, Name: name, Annotations: annotations, Labels: labels}
}

// templateYAML is a pod template with one container "app".
func templateOf(image string) corev1.PodTemplateSpec {
	return corev1.PodTemplateSpec{Spec: corev1.PodSpec{Containers: []corev1.Container{{Name: "app", Image: image}}}}
}

// replicaSet is one revision of a Deployment.
func replicaSet(namespace, deployment, hash string, number int, image string) *appsv1.ReplicaSet {
	rs := &appsv1.ReplicaSet{ObjectMeta: meta(namespace, deployment+"-"+hash,
		map[string]string{"deployment.kubernetes.io/revision": fmt.Sprint(number)}, map[string]string{podTemplateHash: hash})}
	rs.Spec.Template = templateOf(image)
	return owned(rs, "apps/v1", "Deployment", deployment, uid("Deployment/"+namespace+"/"+deployment))
}

// A secret is one that the fake can select by its type.
type secret struct{ corev1.Secret }

func (s *secret) secretType() string { return string(s.Type) }
