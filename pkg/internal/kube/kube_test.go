package kube

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/yaml"

	"github.com/intact-dev/intact/pkg/fact"
)

func spec(t *testing.T, text string) *corev1.PodSpec {
	t.Helper()
	var s corev1.PodSpec
	if err := yaml.UnmarshalStrict([]byte(text), &s); err != nil {
		t.Fatal(err)
	}
	return &s
}

func TestImages(t *testing.T) {
	t.Parallel()
	s := spec(t, `
initContainers:
- {name: migrate, image: "acme/migrate:1"}
- {name: proxy, image: "acme/proxy:1", restartPolicy: Always}
- {name: once, image: "acme/once:1", restartPolicy: OnFailure}
containers:
- {name: app, image: "acme/app:1"}
- {name: none}
ephemeralContainers:
- {name: debugger, image: busybox}
volumes:
- {name: tmp, emptyDir: {}}
- {name: model, image: {reference: "acme/model:7", pullPolicy: Always}}
imagePullSecrets: [{name: b}, {name: ""}, {name: a}]
`)
	type row struct {
		Name, Path, Image string
		Role              fact.Role
		Pull              string
	}
	var got []row
	for _, i := range Images(nil, s, "spec.template.spec") {
		got = append(got, row{i.Name, i.Path(), i.Image, i.Role, i.Settings(s, "").PullPolicy})
	}
	want := []row{
		{"migrate", "spec.template.spec.initContainers[0].image", "acme/migrate:1", fact.RoleInit, ""},
		{"proxy", "spec.template.spec.initContainers[1].image", "acme/proxy:1", fact.RoleSidecar, ""},
		{"once", "spec.template.spec.initContainers[2].image", "acme/once:1", fact.RoleInit, ""},
		{"app", "spec.template.spec.containers[0].image", "acme/app:1", fact.RoleMain, ""},
		{"none", "spec.template.spec.containers[1].image", "", fact.RoleMain, ""},
		{"debugger", "spec.template.spec.ephemeralContainers[0].image", "busybox", fact.RoleEphemeral, ""},
		{"model", "spec.template.spec.volumes[1].image.reference", "acme/model:7", fact.RoleVolume, "Always"},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("images (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"b", "a"}, PullSecrets(s)); diff != "" {
		t.Errorf("pull secrets (-want +got):\n%s", diff)
	}
}

func id(n int64) *int64 { return &n }

func TestSettings(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, spec string
		want       fact.Settings
	}{
		{"nothing_stated", `containers: [{name: a}]`, fact.Settings{}},
		{"pull_policy", `containers: [{name: a, imagePullPolicy: IfNotPresent}]`, fact.Settings{PullPolicy: "IfNotPresent"}},
		{"of_the_pod", `
hostUsers: false
securityContext: {runAsUser: 1000, runAsGroup: 0, runAsNonRoot: true, fsGroup: 7, supplementalGroups: [9, 3, 7]}
containers: [{name: a}]`,
			fact.Settings{RunAsUser: id(1000), RunAsGroup: id(0), RunAsNonRoot: true, Groups: []int64{3, 7, 9}, HostUsers: fact.No}},
		{"container_over_pod", `
hostUsers: true
securityContext: {runAsUser: 1000, runAsGroup: 1000, runAsNonRoot: true, fsGroup: 7}
containers:
- name: a
  securityContext: {runAsUser: 0, runAsNonRoot: false, readOnlyRootFilesystem: true, allowPrivilegeEscalation: false, capabilities: {add: [NET_ADMIN, CHOWN, CHOWN], drop: [ALL]}}`,
			fact.Settings{RunAsUser: id(0), RunAsGroup: id(1000), Groups: []int64{7}, ReadOnlyRoot: true, MayEscalate: fact.No,
				Capabilities: []string{"CHOWN", "NET_ADMIN"}, HostUsers: fact.Yes}},
		{"privileged_escalates", `containers: [{name: a, securityContext: {privileged: true, allowPrivilegeEscalation: false}}]`,
			fact.Settings{Privileged: true, MayEscalate: fact.Yes}},
		{"so_does_an_administrator", `containers: [{name: a, securityContext: {allowPrivilegeEscalation: false, capabilities: {add: [CAP_SYS_ADMIN]}}}]`,
			fact.Settings{Capabilities: []string{"CAP_SYS_ADMIN"}, MayEscalate: fact.Yes}},
		{"windows", `
securityContext: {windowsOptions: {runAsUserName: ContainerUser, hostProcess: true}}
containers: [{name: a, securityContext: {windowsOptions: {runAsUserName: ContainerAdministrator}}}]`,
			fact.Settings{User: "ContainerAdministrator", Privileged: true, MayEscalate: fact.Yes}},
		{"mounts", `
volumes:
- {name: t, emptyDir: {}}
- {name: h, hostPath: {path: /opt/app}}
- {name: p, persistentVolumeClaim: {claimName: data-web-0}}
- {name: r, persistentVolumeClaim: {claimName: shared, readOnly: true}}
- {name: c, configMap: {name: conf}}
- {name: i, image: {reference: "acme/model:7"}}
- {name: n, nfs: {server: filer, path: /x, readOnly: true}}
- {name: unused, secret: {secretName: unused}}
containers:
- name: a
  volumeMounts:
  - {name: t, mountPath: /usr/bin/}
  - {name: h, mountPath: app, readOnly: true}
  - {name: p, mountPath: /data, subPath: a/b}
  - {name: r, mountPath: /shared}
  - {name: c, mountPath: /etc/conf, subPathExpr: $(POD_NAME)}
  - {name: i, mountPath: /model}
  - {name: n, mountPath: /n}
  - {name: gone, mountPath: /gone}
  - {name: t, mountPath: 'C:\tmp'}`,
			fact.Settings{Mounts: []fact.Mount{
				{Path: "/app", Kind: "hostPath", Source: "/opt/app", ReadOnly: true},
				{Path: "/data", Kind: "persistentVolumeClaim", Source: "data-*", SubPath: "a/b"},
				{Path: "/etc/conf", Kind: "configMap", Source: "conf", ReadOnly: true, SubPath: "$(POD_NAME)"},
				{Path: "/gone", Kind: "unknown"},
				{Path: "/model", Kind: "image", Source: "acme/model:7", ReadOnly: true},
				{Path: "/n", Kind: "nfs", Source: "filer:/x", ReadOnly: true},
				{Path: "/shared", Kind: "persistentVolumeClaim", Source: "shared", ReadOnly: true},
				{Path: "/usr/bin", Kind: "emptyDir"},
				{Path: `C:\tmp`, Kind: "emptyDir"},
			}, Configs: []fact.ConfigObject{{Kind: "ConfigMap", Name: "conf", Use: "volume"}}}},
		{"configs", `
volumes:
- {name: s, secret: {secretName: tls, optional: true}}
- name: all
  projected:
    sources:
    - {configMap: {name: app}}
    - {secret: {name: db}}
    - {configMap: {name: kube-root-ca.crt}}
- name: token
  projected:
    sources:
    - {serviceAccountToken: {path: token}}
    - {configMap: {name: kube-root-ca.crt}}
containers:
- name: a
  envFrom: [{configMapRef: {name: app}}, {secretRef: {name: more, optional: true}}]
  env:
  - {name: A, value: plain}
  - {name: B, valueFrom: {secretKeyRef: {name: db, key: k, optional: true}}}
  - {name: C, valueFrom: {secretKeyRef: {name: db, key: l}}}
  - {name: D, valueFrom: {configMapKeyRef: {name: app, key: k, optional: true}}}
  - {name: E, valueFrom: {fieldRef: {fieldPath: metadata.name}}}
  volumeMounts: [{name: s, mountPath: /tls}, {name: all, mountPath: /all}, {name: token, mountPath: /var/run/secrets/kubernetes.io/serviceaccount}]`,
			fact.Settings{Mounts: []fact.Mount{
				{Path: "/all", Kind: "projected", ReadOnly: true},
				{Path: "/tls", Kind: "secret", Source: "tls", ReadOnly: true},
				{Path: "/var/run/secrets/kubernetes.io/serviceaccount", Kind: "projected", ReadOnly: true},
			}, Configs: []fact.ConfigObject{
				{Kind: "ConfigMap", Name: "app", Use: "env"},
				{Kind: "ConfigMap", Name: "app", Use: "volume"},
				{Kind: "ConfigMap", Name: "kube-root-ca.crt", Use: "volume"}, // mounted on purpose
				{Kind: "Secret", Name: "db", Use: "env"},
				{Kind: "Secret", Name: "db", Use: "volume"},
				{Kind: "Secret", Name: "more", Use: "env", Optional: true},
				{Kind: "Secret", Name: "tls", Use: "volume", Optional: true},
			}}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s := spec(t, tt.spec)
			got := Images(nil, s, "spec")[0].Settings(s, "web-0")
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("settings (-want +got):\n%s", diff)
			}
		})
	}
}

func TestParse(t *testing.T) {
	t.Parallel()
	pod := `{"containers":[{"name":"a","image":"acme/app:1"}]}`
	tests := []struct {
		name, doc string
		want      []string // kind name at image
		custom    bool
		err       string
	}{
		{"pod", `{"apiVersion":"v1","kind":"Pod","metadata":{"name":"p"},"spec":` + pod + `}`, []string{"Pod p spec acme/app:1"}, false, ""},
		{"deployment", `{"apiVersion":"apps/v1","kind":"Deployment","metadata":{"name":"d"},"spec":{"template":{"spec":` + pod + `}}}`, []string{"Deployment d spec.template.spec acme/app:1"}, false, ""},
		{"old_deployment", `{"apiVersion":"extensions/v1beta1","kind":"Deployment","metadata":{"name":"d"},"spec":{"template":{"spec":` + pod + `}}}`, []string{"Deployment d spec.template.spec acme/app:1"}, false, ""},
		{"cron_job", `{"apiVersion":"batch/v1","kind":"CronJob","metadata":{"generateName":"c-"},"spec":{"jobTemplate":{"spec":{"template":{"spec":` + pod + `}}}}}`, []string{"CronJob c- spec.jobTemplate.spec.template.spec acme/app:1"}, false, ""},
		{"pod_template", `{"apiVersion":"v1","kind":"PodTemplate","metadata":{"name":"t"},"template":{"spec":` + pod + `}}`, []string{"PodTemplate t template.spec acme/app:1"}, false, ""},
		{"no_pods", `{"apiVersion":"v1","kind":"Service","metadata":{"name":"s"},"spec":{}}`, []string{"Service s  "}, false, ""},
		{"custom", `{"apiVersion":"argoproj.io/v1alpha1","kind":"Rollout","metadata":{"name":"r"},"spec":{}}`, []string{"Rollout r  "}, true, ""},
		{"another_deployment", `{"apiVersion":"example.com/v1","kind":"Deployment","metadata":{"name":"d"},"spec":{}}`, []string{"Deployment d  "}, true, ""},
		{"list", `{"apiVersion":"v1","kind":"List","items":[{"apiVersion":"v1","kind":"Pod","metadata":{"name":"p"},"spec":` + pod + `},{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"c"}}]}`, []string{"Pod p spec acme/app:1", "ConfigMap c  "}, false, ""},
		{"no_spec", `{"apiVersion":"apps/v1","kind":"Deployment","metadata":{"name":"d"},"spec":{}}`, nil, false, `parse Deployment "d": it has no spec.template`},
		{"wrong_spec", `{"apiVersion":"v1","kind":"Pod","metadata":{"name":"p"},"spec":{"containers":{}}}`, nil, false, `parse Pod "p"`},
		{"no_kind", `{"apiVersion":"v1"}`, nil, false, "no kind"},
		{"no_object", `[1]`, nil, false, "parse object"},
		{"deep", strings.Repeat(`{"apiVersion":"v1","kind":"List","items":[`, 6) + strings.Repeat(`]}`, 6), nil, false, "nested deeper"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			all, err := Parse([]byte(tt.doc))
			if tt.err == "" != (err == nil) || err != nil && !strings.Contains(err.Error(), tt.err) {
				t.Fatalf("error %v, want %q", err, tt.err)
			}
			var got []string
			for _, o := range all {
				image := ""
				if o.Spec != nil {
					image = Images(nil, o.Spec, o.At)[0].Image
				}
				got = append(got, o.Kind+" "+o.Name+" "+o.At+" "+image)
				if o.Custom() != tt.custom {
					t.Errorf("%s %s is custom: %v", o.APIVersion, o.Kind, o.Custom())
				}
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("objects (-want +got):\n%s", diff)
			}
		})
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte(`{"apiVersion":"v1","kind":"Pod","spec":{"containers":[{"image":"a"}],"volumes":[{"name":"v","image":{"reference":"b"}}]}}`))
	f.Add([]byte(`{"apiVersion":"batch/v1","kind":"CronJob","spec":{"jobTemplate":{"spec":{"template":{"spec":{"initContainers":[{"restartPolicy":"Always"}]}}}}}}`))
	f.Add([]byte(`{"apiVersion":"v1","kind":"List","items":[{"apiVersion":"v1","kind":"List","items":[null]}]}`))
	f.Fuzz(func(t *testing.T, doc []byte) {
		all, _ := Parse(doc)
		for _, o := range all {
			if o.Spec == nil {
				continue
			}
			for _, i := range Images(nil, o.Spec, o.At) {
				if !strings.HasPrefix(i.Path(), o.At+".") {
					t.Fatalf("path %q is not below %q", i.Path(), o.At)
				}
				i.Settings(o.Spec, o.Name)
			}
		}
	})
}
