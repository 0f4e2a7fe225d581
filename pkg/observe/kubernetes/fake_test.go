package kubernetes

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"google.golang.org/protobuf/encoding/protowire"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/rest"
)

// An object is one of the API's, in both its forms.
type object interface {
	metav1.Object
	Marshal() ([]byte, error)
}

// A fake is an API server in process. It serves what it holds as a real one
// does, page by page, as protobuf or JSON, and misbehaves as it is told.
type fake struct {
	t        *testing.T
	url      string
	objects  map[resource][]object
	onlyJSON bool
	// deny refuses what it returns true for.
	deny func(call) bool
	// intercept answers a request in the place of the server, if it returns true.
	intercept func(w http.ResponseWriter, r *http.Request, c call) bool

	// before is called before a request is answered; it may change the server.
	before func(call)

	mu    sync.Mutex
	calls []call
}

// A call is one request as permissions see it.
type call struct {
	verb, group, resource, namespace, name string
	token                                  string
	query                                  url.Values
}

func newFake(t *testing.T) *fake {
	t.Helper()
	f := &fake{t: t, objects: map[resource][]object{}}
	srv := httptest.NewServer(f)
	t.Cleanup(srv.Close)
	f.url = srv.URL
	return f
}

// clone is another server that holds the same.
func (f *fake) clone(t *testing.T) *fake {
	t.Helper()
	g := newFake(t)
	g.objects = f.objects
	return g
}

// add puts objects into the server.
func (f *fake) add(r resource, objects ...object) *fake {
	for _, o := range objects {
		if o.GetUID() == "" {
			o.SetUID(uid(r.kind + "/" + o.GetNamespace() + "/" + o.GetName()))
		}
		f.objects[r] = append(f.objects[r], o)
	}
	slices.SortFunc(f.objects[r], func(a, b object) int {
		return cmp.Or(cmp.Compare(a.GetNamespace(), b.GetNamespace()), cmp.Compare(a.GetName(), b.GetName()))
	})
	return f
}

// open returns an observer of the fake that never really waits.
func (f *fake) open(o Options) *Observer {
	f.t.Helper()
	o.config = &rest.Config{Host: f.url}
	if o.sleep == nil {
		o.sleep = func(ctx context.Context, _ time.Duration) error { return ctx.Err() }
	}
	if o.now == nil {
		o.now = func() time.Time { return noon }
	}
	o.jitter = func() float64 { return 0.5 }
	observer, err := New(o)
	if err != nil {
		f.t.Fatal(err)
	}
	f.t.Cleanup(observer.Close)
	return observer
}

var noon = time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)

var every = []resource{pods, nodes, namespaces, controllers, configMaps, secrets, deployments, replicaSets, statefulSets, daemonSets, controllerRevisions, jobs, cronJobs, rollouts}

// rollouts are custom resources.
var rollouts = resource{"argoproj.io", "v1alpha1", "rollouts", "Rollout", false}

func (f *fake) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path == "/version" {
		_, _ = w.Write([]byte(`{"major":"1","minor":"34","gitVersion":"v1.34.2"}`))
		return
	}
	if r.URL.Path == "/apis/argoproj.io/v1alpha1" {
		_, _ = w.Write([]byte(`{"kind":"APIResourceList","groupVersion":"argoproj.io/v1alpha1","resources":[
			{"name":"rollouts","kind":"Rollout","namespaced":true},{"name":"rollouts/scale","kind":"Scale","namespaced":true}]}`))
		return
	}
	c, res, ok := f.parse(r)
	f.mu.Lock()
	f.calls = append(f.calls, c)
	if f.before != nil {
		f.before(c)
	}
	f.mu.Unlock()
	switch {
	case f.intercept != nil && f.intercept(w, r, c):
	case !ok || r.Method != http.MethodGet:
		status(w, http.StatusNotFound, metav1.StatusReasonNotFound, "the server could not find the requested resource", nil)
	case f.deny != nil && f.deny(c):
		status(w, http.StatusForbidden, metav1.StatusReasonForbidden, fmt.Sprintf("%s is forbidden: User %q cannot %s resource %q", c.resource, "intact", c.verb, c.resource), nil)
	case c.verb == "get":
		f.get(w, r, c, res)
	default:
		f.list(w, r, c, res)
	}
}

func (f *fake) parse(r *http.Request) (call, resource, bool) {
	parts := strings.Split(strings.Trim(r.URL.Path, "/"), "/")
	c := call{verb: "list", query: r.URL.Query(), token: r.URL.Query().Get("continue")}
	if parts[0] == "api" {
		parts = parts[2:]
	} else if len(parts) > 3 {
		c.group, parts = parts[1], parts[3:]
	}
	if len(parts) > 2 && parts[0] == "namespaces" {
		c.namespace, parts = parts[1], parts[2:]
	}
	c.resource = parts[0]
	if len(parts) > 1 {
		c.verb, c.name = "get", parts[1]
	}
	for _, res := range every {
		if res.group == c.group && res.name == c.resource {
			return c, res, true
		}
	}
	return c, resource{}, false
}

func (f *fake) get(w http.ResponseWriter, r *http.Request, c call, res resource) {
	for _, o := range f.objects[res] {
		if o.GetName() == c.name && o.GetNamespace() == c.namespace {
			o, kind := f.form(r, o, res, "PartialObjectMetadata")
			if f.protobuf(r) {
				_, _ = w.Write(envelope(kind, must(o.Marshal())))
				return
			}
			_, _ = w.Write(asJSON(kind, o))
			return
		}
	}
	status(w, http.StatusNotFound, metav1.StatusReasonNotFound, fmt.Sprintf("%s %q not found", c.resource, c.name), nil)
}

// selected are the objects that a list is of.
func (f *fake) selected(c call, res resource) []object {
	want := labels.Everything()
	if s := c.query.Get("labelSelector"); s != "" {
		want = must(labels.Parse(s))
	}
	var out []object
	for _, o := range f.objects[res] {
		if c.namespace != "" && o.GetNamespace() != c.namespace || !want.Matches(labels.Set(o.GetLabels())) {
			continue
		}
		if kind, is := o.(interface{ secretType() string }); is {
			switch field := c.query.Get("fieldSelector"); {
			case strings.HasPrefix(field, "type!=") && kind.secretType() == field[6:], strings.HasPrefix(field, "type=") && kind.secretType() != field[5:]:
				continue
			}
		}
		out = append(out, o)
	}
	return out
}

func (f *fake) list(w http.ResponseWriter, r *http.Request, c call, res resource) {
	all := f.selected(c, res)
	from := 0
	if c.token != "" {
		from, _ = strconv.Atoi(c.token)
	}
	to := len(all)
	var m metav1.ListMeta
	m.ResourceVersion = "77"
	if limit, _ := strconv.Atoi(c.query.Get("limit")); limit > 0 && from+limit < to {
		to = from + limit
		m.Continue = strconv.Itoa(to)
		if left := int64(len(all) - to); c.query.Get("labelSelector") == "" && c.query.Get("fieldSelector") == "" {
			m.RemainingItemCount = &left
		}
	}
	_, _ = w.Write(f.encode(r, res, m, all[min(from, to):to]))
}

// encode is a list on the wire.
func (f *fake) encode(r *http.Request, res resource, m metav1.ListMeta, items []object) []byte {
	kind := res.kind + "List"
	if metadataOnly(r) {
		kind = "PartialObjectMetadataList"
	}
	if !f.protobuf(r) {
		all := make([]json.RawMessage, 0, len(items))
		for _, o := range items {
			o, _ := f.form(r, o, res, "")
			all = append(all, must(json.Marshal(o)))
		}
		return must(json.Marshal(map[string]any{"kind": kind, "apiVersion": "v1", "metadata": m, "items": all}))
	}
	raw := protowire.AppendBytes(protowire.AppendTag(nil, 1, protowire.BytesType), must(m.Marshal()))
	for _, o := range items {
		o, _ := f.form(r, o, res, "")
		raw = protowire.AppendBytes(protowire.AppendTag(raw, 2, protowire.BytesType), must(o.Marshal()))
	}
	return envelope(kind, raw)
}

func metadataOnly(r *http.Request) bool {
	return strings.Contains(r.Header.Get("Accept"), "as=PartialObjectMetadata")
}

func (f *fake) protobuf(r *http.Request) bool {
	return !f.onlyJSON && strings.HasPrefix(r.Header.Get("Accept"), "application/vnd.kubernetes.protobuf")
}

// form is o as it was asked for.
func (f *fake) form(r *http.Request, o object, res resource, partial string) (object, string) {
	if !metadataOnly(r) {
		return o, res.kind
	}
	m := &metav1.PartialObjectMetadata{ObjectMeta: metav1.ObjectMeta{
		Name: o.GetName(), Namespace: o.GetNamespace(), UID: o.GetUID(), Labels: o.GetLabels(),
		Annotations: o.GetAnnotations(), OwnerReferences: o.GetOwnerReferences()}}
	return m, partial
}

func envelope(kind string, raw []byte) []byte {
	u := runtime.Unknown{TypeMeta: runtime.TypeMeta{APIVersion: "v1", Kind: kind}, Raw: raw}
	return append(slices.Clone(magic), must(u.Marshal())...)
}

func asJSON(kind string, o any) []byte {
	var all map[string]json.RawMessage
	if err := json.Unmarshal(must(json.Marshal(o)), &all); err != nil {
		panic(err)
	}
	all["kind"], all["apiVersion"] = must(json.Marshal(kind)), []byte(`"v1"`)
	return must(json.Marshal(all))
}

// status answers with one of the API's errors.
func status(w http.ResponseWriter, code int, reason metav1.StatusReason, message string, more func(*metav1.Status)) {
	s := metav1.Status{TypeMeta: metav1.TypeMeta{Kind: "Status", APIVersion: "v1"}, Status: "Failure", Code: int32(code), Reason: reason, Message: message}
	if more != nil {
		more(&s)
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(code)
	_ = json.NewEncoder(w).Encode(s)
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}
