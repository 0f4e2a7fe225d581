package kubernetes

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strconv"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/rest"

	"github.com/intact-dev/intact/pkg/observe"
)

// realisticPod is about what a pod of two containers is in a cluster: probes,
// resources, mounts, conditions, and what managers of fields leave.
func realisticPod(i int) *corev1.Pod {
	p := pod(fmt.Sprintf(`
metadata:
  namespace: team-%d
  name: cart-7d4b9c6f5-%05d
  generateName: cart-7d4b9c6f5-
  labels: {app: cart, app.kubernetes.io/name: cart, app.kubernetes.io/instance: shop, pod-template-hash: 7d4b9c6f5}
  annotations: {prometheus.io/scrape: "true", prometheus.io/port: "9090", kubectl.kubernetes.io/restartedAt: "2026-11-02T08:00:00Z"}
  creationTimestamp: "2026-11-02T08:00:00Z"
spec:
  nodeName: n%d
  serviceAccountName: cart
  restartPolicy: Always
  imagePullSecrets: [{name: ghcr}]
  securityContext: {runAsUser: 1000, fsGroup: 1000}
  volumes:
  - {name: tmp, emptyDir: {}}
  - {name: conf, configMap: {name: cart}}
  - name: kube-api-access-x7k2f
    projected: {sources: [{serviceAccountToken: {path: token, expirationSeconds: 3607}}, {configMap: {name: kube-root-ca.crt, items: [{key: ca.crt, path: ca.crt}]}}, {downwardAPI: {items: [{path: namespace, fieldRef: {fieldPath: metadata.namespace}}]}}]}
  containers:
  - name: cart
    image: ghcr.io/acme/cart:2.8.%d
    imagePullPolicy: IfNotPresent
    command: [/app/cart, --config, /etc/cart/config.yaml]
    ports: [{containerPort: 8080, name: http}, {containerPort: 9090, name: metrics}]
    env: [{name: POD, valueFrom: {fieldRef: {fieldPath: metadata.name}}}, {name: DB, valueFrom: {secretKeyRef: {name: db, key: url}}}, {name: LEVEL, value: info}]
    resources: {requests: {cpu: 100m, memory: 128Mi}, limits: {memory: 256Mi}}
    livenessProbe: {httpGet: {path: /healthz, port: 8080}, periodSeconds: 10}
    readinessProbe: {httpGet: {path: /ready, port: 8080}, periodSeconds: 5}
    securityContext: {readOnlyRootFilesystem: true, allowPrivilegeEscalation: false, capabilities: {drop: [ALL]}}
    volumeMounts: [{name: tmp, mountPath: /tmp}, {name: conf, mountPath: /etc/cart, readOnly: true}, {name: kube-api-access-x7k2f, mountPath: /var/run/secrets/kubernetes.io/serviceaccount, readOnly: true}]
  - name: proxy
    image: docker.io/envoyproxy/envoy:v1.31
    imagePullPolicy: IfNotPresent
    resources: {requests: {cpu: 10m, memory: 64Mi}}
    volumeMounts: [{name: kube-api-access-x7k2f, mountPath: /var/run/secrets/kubernetes.io/serviceaccount, readOnly: true}]
status:
  phase: Running
  hostIP: 10.1.2.3
  podIP: 10.2.3.4
  startTime: "2026-11-02T08:00:00Z"
  conditions:
  - {type: Ready, status: "True", lastTransitionTime: "2026-11-02T08:00:00Z"}
  - {type: PodScheduled, status: "True", lastTransitionTime: "2026-11-02T08:00:00Z"}
  containerStatuses:
  - {name: cart, image: "ghcr.io/acme/cart:2.8.0", imageID: "ghcr.io/acme/cart@%s", containerID: "containerd://%064d", ready: true, restartCount: 0, state: {running: {startedAt: "2026-11-02T08:00:10Z"}}}
  - {name: proxy, image: "docker.io/envoyproxy/envoy:v1.31", imageID: "docker.io/envoyproxy/envoy@%s", containerID: "containerd://%064d", ready: true, restartCount: 0, state: {running: {startedAt: "2026-11-02T08:00:11Z"}}}
`, i%50, i, i%100, i%7, digest(fmt.Sprint(i%7)), i, digest("envoy"), i+1000000))
	fields := metav1.NewFieldsV1(strings.Repeat(" ", 1500))
	p.ManagedFields = []metav1.ManagedFieldsEntry{
		{Manager: "kube-controller-manager", Operation: "Update", APIVersion: "v1", FieldsType: "FieldsV1", FieldsV1: fields},
		{Manager: "kubelet", Operation: "Update", APIVersion: "v1", FieldsType: "FieldsV1", FieldsV1: fields, Subresource: "status"}}
	p.UID = uid(p.Namespace + p.Name)
	return owned(p, "apps/v1", "ReplicaSet", "cart-7d4b9c6f5", uid("rs"+p.Namespace))
}

// pagesOf serves pages that were encoded before, so that the server costs nothing
// but its writes.
func pagesOf(b testing.TB, n int) *Observer {
	b.Helper()
	f := &fake{objects: map[resource][]object{}}
	for i := range n {
		f.objects[pods] = append(f.objects[pods], realisticPod(i))
	}
	ready := map[string][]byte{}
	for from := 0; from < n; from += pageSize {
		to := min(n, from+pageSize)
		m := metav1.ListMeta{ResourceVersion: "1"}
		if to < n {
			m.Continue = strconv.Itoa(to)
		}
		token := ""
		if from > 0 {
			token = strconv.Itoa(from)
		}
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		r.Header.Set("Accept", acceptObject)
		ready[token] = f.encode(r, pods, m, f.objects[pods][from:to])
	}
	f.objects[pods] = nil
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == pods.path("", "") && r.URL.Query().Get("limit") == strconv.Itoa(pageSize) {
			_, _ = w.Write(ready[r.URL.Query().Get("continue")])
			return
		}
		f.ServeHTTP(w, r)
	}))
	b.Cleanup(srv.Close)
	o, err := New(Options{config: &rest.Config{Host: srv.URL}})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(o.Close)
	return o
}

// 10,000 pods, 20,000 containers.
func BenchmarkObserve(b *testing.B) {
	o := pagesOf(b, 10_000)
	b.ReportAllocs()
	for b.Loop() {
		n := 0
		if _, err := o.Observe(b.Context(), func(observe.Container) { n++ }); err != nil || n != 20_000 {
			b.Fatalf("%d containers, %v", n, err)
		}
	}
}

// What is kept of a container by who keeps all of them.
func BenchmarkKept(b *testing.B) {
	const n = 10_000
	o := pagesOf(b, n)
	for b.Loop() {
		all := make([]observe.Container, 0, 2*n)
		var before, after runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&before)
		if _, err := o.Observe(b.Context(), func(c observe.Container) { all = append(all, c) }); err != nil {
			b.Fatal(err)
		}
		runtime.GC()
		runtime.ReadMemStats(&after)
		b.ReportMetric(float64(int64(after.HeapAlloc)-int64(before.HeapAlloc))/float64(len(all)), "B/container")
		runtime.KeepAlive(all)
	}
}
