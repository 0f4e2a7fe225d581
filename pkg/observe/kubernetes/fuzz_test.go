package kubernetes

import (
	"bytes"
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/intact-dev/intact/pkg/internal/limits"
)

// A list of anything ends, and gives no object that is larger than the limit.
func FuzzList(f *testing.F) {
	left := int64(3)
	m := metav1.ListMeta{ResourceVersion: "1", Continue: "x", RemainingItemCount: &left}
	for _, accept := range []string{acceptObject, acceptJSON} {
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		r.Header.Set("Accept", accept)
		b := (&fake{}).encode(r, pods, m, []object{appPod("a", nil), appPod("b", nil)})
		f.Add(b)
		f.Add(b[:len(b)/2])
	}
	f.Add([]byte(`{"items":[{"metadata":{"name":"a"}}],"metadata":{"continue":"x"},"kind":"PodList","more":[1,{"a":null}]}`))
	f.Add([]byte(`{"kind":"PodList","items":null}`))
	f.Add([]byte("<html>"))
	f.Add(append(bytes.Clone(magic), 0x0a, 0x0b, 0x0a, 0x02, 'v', '1', 0x12, 0x07, 'P', 'o', 'd', 'L', 'i', 's', 't', 0x12, 0xff, 0xff, 0xff, 0xff, 0x7f))
	f.Fuzz(func(t *testing.T, b []byte) {
		begun := 0
		l := list{kind: func(k string) bool { return k == "PodList" }, begin: func(head) { begun++ }}
		l.item = func(raw []byte, isJSON bool) error {
			if len(raw) > limits.KubeObject || len(raw) > len(b) {
				t.Fatalf("an object of %d bytes out of %d", len(raw), len(b))
			}
			var p corev1.Pod
			_ = decode(raw, isJSON, &p)
			return nil
		}
		err := l.read(bytes.NewReader(b))
		if begun > 1 && err == nil && b[0] != '{' && bytes.Count(b, []byte{0x12}) < 2 {
			t.Fatalf("the head is told %d times", begun)
		}
		if err == nil && begun == 0 && !bytes.HasPrefix(b, magic) {
			t.Fatal("a list without a head")
		}
		var s metav1.Status
		_, _ = decodeObject(b, &s)
		_ = rawJSON(b)
	})
}

func FuzzRelease(f *testing.F) {
	f.Add(pack(fmt.Sprintf(chart, 1)))
	f.Add(pack("kind: List\napiVersion: v1\nitems: [{kind: Pod, apiVersion: v1, spec: {containers: [{image: x}]}}]\n", map[string]any{"manifest": "a: &a [*a]", "events": []string{"pre-rollback"}}))
	f.Add([]byte("eyJtYW5pZmVzdCI6ImE6ICZhIFsxXVxuYjogWyphLCphXSJ9"))
	f.Fuzz(func(t *testing.T, b []byte) {
		r, err := decodeRelease(b)
		if err != nil && (len(r.images) > 0 || len(r.unsure) > 0) {
			t.Fatalf("%+v with error %v", r, err)
		}
	})
}

// The manifest of a release, without its wrapping.
func FuzzManifest(f *testing.F) {
	f.Add(fmt.Sprintf(chart, 1))
	f.Add("apiVersion: argoproj.io/v1alpha1\nkind: Rollout\nspec: {image: a, baseImage: b, list: [{image: {repository: c}}]}\n")
	f.Add("---\n---\n--- # x\n\"\": {<<: *a}\n")
	f.Add("a: &a [x]\nb: &b [*a, *a]\nc: [*b, *b]\n")
	f.Fuzz(func(t *testing.T, manifest string) {
		var r release
		_ = r.add(manifest)
		for _, c := range r.images {
			if c.Name == "" {
				t.Fatalf("an image without a place: %+v", c)
			}
		}
	})
}

func FuzzPatch(f *testing.F) {
	f.Add([]byte(`{"spec":{"template":{"$patch":"replace","spec":{"containers":[{"name":"a","image":"x"}],"volumes":[{"name":"v","image":{"reference":"y"}}]}}}}`))
	f.Add([]byte(`{"spec":{"template":null}}`))
	f.Add(envelope("", []byte(`{"spec":{"template":{"spec":{}}}}`)))
	f.Fuzz(func(t *testing.T, b []byte) {
		var in interner
		images, err := in.patchTemplate(rawJSON(b))
		if err == nil && images == nil {
			t.Fatal("no template and no error")
		}
	})
}

// What is read of an object that is kept from sight.
func FuzzSealed(f *testing.F) {
	yes := true
	f.Add(must((&corev1.ConfigMap{ObjectMeta: meta("a", "b", nil, nil), Data: map[string]string{"a": "b"}, Immutable: &yes}).Marshal()))
	f.Add(must((&corev1.Secret{ObjectMeta: meta("a", "b", nil, nil), Data: map[string][]byte{"a": {1}}, Immutable: &yes}).Marshal()))
	f.Add([]byte{0x0a, 0xff})
	f.Fuzz(func(t *testing.T, b []byte) {
		var got sealedSecret
		var want corev1.Secret
		if err := want.Unmarshal(b); err != nil {
			_ = got.Unmarshal(b)
			return
		}
		if err := got.Unmarshal(b); err != nil {
			return // the library is laxer with what it does not know
		}
		if got.Name != want.Name || (got.Immutable != nil && *got.Immutable) != (want.Immutable != nil && *want.Immutable) {
			t.Fatalf("%+v, want %+v", got, want)
		}
	})
}
