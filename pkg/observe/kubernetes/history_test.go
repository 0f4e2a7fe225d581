package kubernetes

import (
	"bytes"
	"compress/gzip"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"

	"github.com/intact-dev/intact/pkg/fact"
	"github.com/intact-dev/intact/pkg/image"
	"github.com/intact-dev/intact/pkg/internal/limits"
	"github.com/intact-dev/intact/pkg/observe"
)

// lines are histories in one line per revision.
func lines(all []observe.History) []string {
	var out []string
	for _, h := range all {
		head := fmt.Sprintf("%s/%s/%s now %s%s", h.Namespace, h.Workload.Kind, h.Workload.Name, h.Workload.Template, map[fact.Tri]string{fact.TriUnknown: "?"}[h.Workload.Current])
		for _, r := range h.Revisions {
			line := fmt.Sprintf("%s: %s #%d", head, r.Name, r.Number)
			for _, c := range r.Containers {
				line += fmt.Sprintf(" %s=%s", c.Name, c.Image)
			}
			out = append(out, line)
		}
		if h.Missing != "" {
			out = append(out, head+": missing: "+h.Missing)
		}
	}
	return out
}

func TestHistories(t *testing.T) {
	t.Parallel()
	f := shop(t, 1)
	for i, hash := range []string{"aaa", "bbb", "ccc"} {
		f.add(replicaSets, replicaSet("shop", "web", hash, i+1, fmt.Sprintf("ghcr.io/acme/app:%d", i)))
	}
	f.add(replicaSets, replicaSet("shop", "new", "ddd", 1, appImage)) // has no former one
	adopted := replicaSet("shop", "adopted", "eee", 1, appImage)
	adopted.Annotations = nil
	f.add(replicaSets, adopted, replicaSet("shop", "adopted", "fff", 2, appImage)) // which is the newest is not known
	f.add(statefulSets, &appsv1.StatefulSet{ObjectMeta: meta("shop", "db", nil, nil)})
	bad := controllerRevision("shop", "StatefulSet", "db", "db-2", 2, "x", nil)
	bad.Data.Raw = []byte(`{"spec":[]}`)
	f.add(controllerRevisions, controllerRevision("shop", "StatefulSet", "db", "db-1", 1, "ghcr.io/acme/db:1", nil), bad,
		controllerRevision("shop", "StatefulSet", "db", "db-3", 3, "ghcr.io/acme/db:3", nil),
		controllerRevision("shop", "DaemonSet", "log", "log-a", 1, "ghcr.io/acme/log:1", map[string]string{controllerRevisionHash: "a"}),
		controllerRevision("shop", "DaemonSet", "log", "log-b", 2, "ghcr.io/acme/log:2", map[string]string{controllerRevisionHash: "b"}))
	log1, db1 := "shop/DaemonSet/log now b: ControllerRevision log-a #1 app=ghcr.io/acme/log:1", "shop/StatefulSet/db now db-3: ControllerRevision db-1 #1 app=ghcr.io/acme/db:1"
	web1, web2 := "shop/Deployment/web now ccc: ReplicaSet web-aaa #1 app=ghcr.io/acme/app:0", "shop/Deployment/web now ccc: ReplicaSet web-bbb #2 app=ghcr.io/acme/app:1"
	dbBad := `shop/StatefulSet/db now db-3: missing: ControllerRevision db-2 cannot be read: parse patch`
	adoptedMissing := "shop/Deployment/adopted now ?: missing: its ReplicaSets are not numbered"
	tests := []struct {
		name      string
		revisions int
		deny      string
		want      []string
	}{
		{"one", 0, "", []string{log1, adoptedMissing, web2, db1, dbBad}},
		{"two", 2, "", []string{log1, adoptedMissing, web2, web1, db1, dbBad}},
		{"none", -1, "", nil},
		{"without_replica_sets", 0, "replicasets", []string{log1, db1, dbBad}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			g := f.clone(t)
			g.deny = func(c call) bool { return c.resource == tt.deny }
			_, inv := see(t, g, Options{Revisions: tt.revisions})
			got := lines(inv.Histories)
			for i := range got {
				if strings.HasPrefix(got[i], dbBad) {
					got[i] = dbBad
				}
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("histories (-want +got):\n%s", diff)
			}
		})
	}
}

// A list of revisions that ends early leaves a history that says so.
func TestHistoriesThatMayMissSome(t *testing.T) {
	t.Parallel()
	f := shop(t, 1)
	for i := range 12 {
		f.add(replicaSets, replicaSet("shop", "web", fmt.Sprintf("h%02d", i), i+1, appImage))
	}
	f.deny = func(c call) bool { return c.resource == "replicasets" && c.token != "" }
	_, inv := see(t, f, Options{PageSize: 10})
	wantGaps(t, inv, "ReplicaSets: forbidden")
	if len(inv.Histories) != 1 || !strings.Contains(inv.Histories[0].Missing, "not all ReplicaSets could be listed") || inv.Histories[0].Workload.Current != fact.TriUnknown {
		t.Errorf("histories %+v", inv.Histories)
	}
}

// pack is a release as Helm stores it.
func pack(manifest string, hooks ...map[string]any) []byte {
	doc := must(json.Marshal(map[string]any{"name": "shop", "manifest": manifest, "hooks": hooks, "chart": map[string]any{"templates": []string{"x"}}}))
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	_, _ = z.Write(doc)
	_ = z.Close()
	return base64.StdEncoding.AppendEncode(nil, b.Bytes())
}

const chart = `---
# Source: shop/templates/deployment.yaml
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec: {template: {spec: {containers: [{name: app, image: "ghcr.io/acme/app:%d"}], initContainers: [{name: wait, image: busybox}]}}}
---
# nothing
---
apiVersion: v1
kind: ConfigMap
metadata: {name: c}
data: {image: "not one"}
`

func helmSecret(namespace, release, status string, version int, data []byte) *secret {
	s := &secret{corev1.Secret{ObjectMeta: meta(namespace, fmt.Sprintf("sh.helm.release.v1.%s.v%d", release, version), nil,
		map[string]string{"owner": "helm", "name": release, "status": status, "version": fmt.Sprint(version)}), Type: helmType}}
	s.Data = map[string][]byte{"release": data}
	return s
}

func TestHelmReleases(t *testing.T) {
	t.Parallel()
	f := shop(t, 1)
	for i, status := range []string{"superseded", "failed", "superseded", "deployed", "pending-upgrade"} {
		f.add(secrets, helmSecret("shop", "shop", status, i+1, pack(fmt.Sprintf(chart, i+1))))
	}
	f.add(secrets, helmSecret("shop", "first", "deployed", 1, pack("")),
		helmSecret("shop", "broken", "superseded", 1, []byte("%%%")), helmSecret("shop", "broken", "deployed", 2, nil),
		helmSecret("shop", "custom", "superseded", 1, pack("apiVersion: argoproj.io/v1alpha1\nkind: Rollout\nmetadata: {name: r}\nspec: {template: {spec: {containers: [{name: a, image: \"acme/r:1\"}]}}, imageRef: {name: x}}\n",
			map[string]any{"manifest": "apiVersion: v1\nkind: Pod\nmetadata: {name: undo}\nspec: {containers: [{name: u, image: \"acme/undo:1\"}]}\n", "events": []string{"pre-rollback"}},
			map[string]any{"manifest": "apiVersion: v1\nkind: Pod\nmetadata: {name: test}\nspec: {containers: [{name: t, image: \"acme/test:1\"}]}\n", "events": []string{"test"}})),
		helmSecret("shop", "custom", "deployed", 2, nil),
		&secret{corev1.Secret{ObjectMeta: meta("shop", "another", nil, nil), Type: "Opaque"}})
	_, inv := see(t, f, Options{HelmReleases: true})
	wantGaps(t, inv)
	const web = "shop/Helm release/shop now v4: Helm release shop.v3 #3 Deployment web [wait]=busybox Deployment web [app]=ghcr.io/acme/app:3"
	want := []string{
		"shop/Helm release/broken now v2: missing: Helm release broken.v1 cannot be read: unpack release: illegal base64 data at input byte 0",
		"shop/Helm release/custom now v2: Helm release custom.v1 #1 Rollout r [spec.template.spec.containers[0].image]=acme/r:1 Pod undo [u]=acme/undo:1",
		"shop/Helm release/custom now v2: missing: in Helm release custom.v1, custom resources may name more images: Rollout r [spec.imageRef]",
		web,
	}
	if diff := cmp.Diff(want, lines(inv.Histories)); diff != "" {
		t.Errorf("histories (-want +got):\n%s", diff)
	}
	for _, c := range f.calls {
		if c.resource == "secrets" && c.verb == "get" && (c.name == "another" || strings.HasPrefix(c.name, "sh.helm.release.v1.shop.") && c.name != "sh.helm.release.v1.shop.v3") {
			t.Errorf("Secret %q is read and not needed", c.name)
		}
	}
	_, inv = see(t, f, Options{HelmReleases: true, Revisions: 2, Namespaces: []string{"shop"}})
	if got := lines(inv.Histories); len(got) != 5 || got[4] != strings.NewReplacer("shop.v3 #3", "shop.v1 #1", "app:3", "app:1").Replace(web) {
		t.Errorf("histories %q", got)
	}
	f.deny = func(c call) bool { return c.resource == "secrets" }
	_, inv = see(t, f, Options{HelmReleases: true})
	wantGaps(t, inv, "Helm releases: forbidden")
	f.calls, f.deny = nil, nil
	_, _ = see(t, f, Options{})
	for _, c := range f.calls {
		if c.resource == "secrets" {
			t.Errorf("Secrets are read without being asked for: %+v", c)
		}
	}
}

func TestDecodeRelease(t *testing.T) {
	t.Parallel()
	plain := base64.StdEncoding.AppendEncode(nil, []byte(`{"manifest":"apiVersion: v1\nkind: Pod\nmetadata: {name: p}\nspec: {containers: [{name: a, image: x}]}\n"}`))
	var b bytes.Buffer
	z := must(gzip.NewWriterLevel(&b, gzip.BestSpeed))
	zeros := make([]byte, 1<<20)
	for range limits.HelmRelease>>20 + 1 {
		_, _ = z.Write(zeros)
	}
	_ = z.Close()
	bomb := base64.StdEncoding.AppendEncode(nil, b.Bytes())
	tests := []struct {
		name   string
		data   []byte
		images int
		err    string
	}{
		{"packed", pack(fmt.Sprintf(chart, 1)), 2, ""},
		{"plain", plain, 1, ""},
		{"no_manifest", pack(""), 0, ""},
		{"empty", nil, 0, "parse release"},
		{"no_base64", []byte("\x00"), 0, "illegal base64"},
		{"cut", pack(fmt.Sprintf(chart, 1))[:40], 0, "unexpected EOF"},
		{"a_bomb", bomb, 0, "exceeds the limit of 33554432"},
		{"no_json", base64.StdEncoding.AppendEncode(nil, []byte("[")), 0, "parse release"},
		{"no_yaml", pack("a: [}\n"), 0, "its manifest: document 1"},
		{"no_object", pack("---\na: 1\n"), 0, "no kind or apiVersion"},
		{"a_wrong_pod", pack("apiVersion: v1\nkind: Pod\nspec: {containers: x}\n"), 0, "parse Pod"},
		{"a_wrong_hook", pack("", map[string]any{"manifest": "x", "events": []string{"post-rollback"}}), 0, "its hook 0"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			r, err := decodeRelease(tt.data)
			if (err == nil) != (tt.err == "") || err != nil && !strings.Contains(err.Error(), tt.err) {
				t.Fatalf("error %v, want %q", err, tt.err)
			}
			if len(r.images) != tt.images {
				t.Errorf("images %+v, want %d", r.images, tt.images)
			}
		})
	}
	var limit *limits.ExceededError
	if _, err := decodeRelease(bomb); !errors.As(err, &limit) {
		t.Errorf("error %v is no limit", err)
	}
}

func TestPullSecret(t *testing.T) {
	t.Parallel()
	f := newFake(t)
	add := func(name string, typ corev1.SecretType, data map[string][]byte) {
		f.add(secrets, &secret{corev1.Secret{ObjectMeta: meta("shop", name, nil, nil), Type: typ, Data: data}})
	}
	add("config", corev1.SecretTypeDockerConfigJson, map[string][]byte{corev1.DockerConfigJsonKey: []byte(`{"auths":{"ghcr.io":{}}}`)})
	add("cfg", corev1.SecretTypeDockercfg, map[string][]byte{corev1.DockerConfigKey: []byte(`{"ghcr.io":{}}`)})
	add("empty", corev1.SecretTypeDockerConfigJson, nil)
	add("broken", corev1.SecretTypeDockercfg, map[string][]byte{corev1.DockerConfigKey: []byte(`{`)})
	add("tls", corev1.SecretTypeTLS, map[string][]byte{"tls.key": []byte("key")})
	f.deny = func(c call) bool { return c.namespace == "pay" }
	tests := []struct {
		namespace, name, want string
		cause                 fact.Cause
		err                   string
	}{
		{"shop", "config", `{"auths":{"ghcr.io":{}}}`, "", ""},
		{"shop", "cfg", `{"auths":{"ghcr.io":{}}}`, "", ""},
		{"shop", "empty", "", fact.Unsupported, "no .dockerconfigjson"},
		{"shop", "broken", "", fact.Unsupported, "no JSON"},
		{"shop", "tls", "", fact.Unsupported, `type is "kubernetes.io/tls"`},
		{"shop", "nowhere", "", fact.NotFound, `get Secret "nowhere" of namespace "shop"`},
		{"pay", "config", "", fact.Forbidden, "403"},
		{"..", "config", "", fact.ServerError, "no name"},
	}
	o := f.open(Options{PullSecrets: true})
	for _, tt := range tests {
		got, err := o.PullSecret(t.Context(), tt.namespace, tt.name)
		if string(got) != tt.want || (err == nil) != (tt.cause == "") {
			t.Errorf("%s/%s: %q, %v", tt.namespace, tt.name, got, err)
		}
		if err != nil && (image.CauseOf(err) != tt.cause || !strings.Contains(err.Error(), tt.err)) {
			t.Errorf("%s/%s: error %v with cause %q, want %q with %q", tt.namespace, tt.name, err, image.CauseOf(err), tt.cause, tt.err)
		}
		if tt.namespace == "pay" && image.HintOf(err) != `grant get on secrets in namespace "pay"; see deploy/rbac.yaml` {
			t.Errorf("hint %q", image.HintOf(err))
		}
	}
}
