package webhook_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"net/http"
	"net/textproto"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"

	"github.com/intact-dev/intact/pkg/serve/webhook"
)

var update = flag.Bool("update", false, "write what decoders say into testdata")

// sources are endpoints, one for each sender, by the folder of its samples.
const sources = `
  - {name: distribution, kind: distribution, registry: "registry.acme.example:5000", repositories: ["registry.acme.example:5000/**"], auth: {type: header, secretEnv: X}}
  - {name: gitlab, kind: gitlab, registry: registry.gitlab.acme.example, repositories: [registry.gitlab.acme.example/**], auth: {type: header, secretEnv: X}}
  - {name: harbor, kind: harbor, registry: harbor.acme.example, repositories: [harbor.acme.example/**], auth: {type: header, secretEnv: X}}
  - {name: dockerhub, kind: dockerhub, repositories: [docker.io/**], auth: {type: path, secretEnv: X}}
  - {name: github, kind: github, repositories: [ghcr.io/**], auth: {type: hmac, secretEnv: X}}
  - {name: quay, kind: quay, registry: quay.io, repositories: [quay.io/**], auth: {type: path, secretEnv: X}}
  - {name: acr, kind: acr, registries: [one.azurecr.io, two.azurecr.io], repositories: [one.azurecr.io/**, two.azurecr.io/**], auth: {type: header, secretEnv: X}}
  - {name: acr-eventgrid, kind: acr-eventgrid, registry: one.azurecr.io, repositories: [one.azurecr.io/**], auth: {type: path, secretEnv: X}}
  - name: ecr
    kind: ecr
    registries: [111122223333.dkr.ecr.eu-central-1.amazonaws.com, mirror.acme.example]
    repositories: ["**"]
    map: {444455556666/us-east-1: mirror.acme.example/aws}
    auth: {type: header, header: X-Api-Key, secretEnv: X}
  - {name: artifact-registry, kind: artifact-registry, registries: [europe-docker.pkg.dev, eu.gcr.io], repositories: ["**"], auth: {type: path, secretEnv: X}}
  - {name: artifactory, kind: artifactory, registry: acme.jfrog.io, repositories: [acme.jfrog.io/**], map: {docker-local: acme.jfrog.io/docker}, auth: {type: hmac, secretEnv: X}}
  - {name: nexus, kind: nexus, registry: "nexus.acme.example:8082", repositories: ["nexus.acme.example:8082/**"], auth: {type: hmac, secretEnv: X}}
  - {name: zot, kind: zot, registry: zot.acme.example, repositories: [zot.acme.example/**], auth: {type: bearer, secretEnv: X}}
  - {name: gitea, kind: gitea, registry: git.acme.example, repositories: [git.acme.example/**], auth: {type: hmac, secretEnv: X}}
  - {name: forgejo, kind: forgejo, registry: git.acme.example, repositories: [git.acme.example/**], auth: {type: hmac, secretEnv: X}}
  - {name: aliyun, kind: aliyun, registries: [registry.cn-hangzhou.aliyuncs.com, registry.cn-beijing.aliyuncs.com], repositories: ["**"], auth: {type: path, secretEnv: X}}
  - {name: generic, kind: generic, registries: [ghcr.io, "registry.acme.example:5000"], repositories: [ghcr.io/acme/**, "registry.acme.example:5000/**"], auth: {type: hmac, secretEnv: X}}
`

func decoders(t testing.TB) map[string]webhook.Decoder {
	t.Helper()
	out := map[string]webhook.Decoder{}
	for _, e := range endpoints(t, sources) {
		out[e.Name] = webhook.NewDecoder(&e)
	}
	return out
}

// A sample is a request and what is to be made of it.
type sample struct {
	kind, name string
	header     http.Header
	body       []byte
	want       string
	write      func(want string)
}

func samples(t testing.TB) []sample {
	t.Helper()
	files, err := filepath.Glob("testdata/*/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatal(err, len(files))
	}
	var out []sample
	for _, name := range files {
		a, err := txtar.ParseFile(name)
		if err != nil || len(a.Files) < 2 {
			t.Fatalf("%s: %v", name, err)
		}
		s := sample{kind: filepath.Base(filepath.Dir(name)), name: name, body: bytes.TrimSuffix(a.Files[1].Data, []byte("\n"))}
		h, err := textproto.NewReader(bufio.NewReader(bytes.NewReader(append(a.Files[0].Data, '\r', '\n', '\r', '\n')))).ReadMIMEHeader()
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		s.header = http.Header(h)
		if len(a.Files) > 2 {
			s.want = string(a.Files[2].Data)
		}
		s.write = func(want string) {
			a.Files = append(a.Files[:2], txtar.File{Name: "want", Data: []byte(want)})
			if err := os.WriteFile(name, txtar.Format(a), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		out = append(out, s)
	}
	return out
}

// told is a delivery in lines.
func told(d webhook.Delivery, err error) string {
	if err != nil {
		return "error: " + err.Error() + "\n"
	}
	var b strings.Builder
	for _, e := range d.Events {
		fmt.Fprintf(&b, "%s %s", e.Action, e.Ref())
		for _, more := range []string{string(e.Digest), string(e.Subject), e.MediaType} {
			if more != "" {
				b.WriteString(" " + more)
			}
		}
		if !e.At.IsZero() {
			b.WriteString(" " + e.At.Format(time.RFC3339Nano))
		}
		b.WriteString("\n")
	}
	for _, r := range d.Ignored {
		fmt.Fprintf(&b, "ignored: %s\n", r)
	}
	if d.Answer != nil {
		fmt.Fprintf(&b, "answer: %s\n", d.Answer)
	}
	kind, _, _ := strings.Cut(d.Key, "-")
	if kind == "" {
		kind = "none"
	}
	fmt.Fprintf(&b, "key: %s\n", kind)
	return b.String()
}

func TestDecodersReadSamples(t *testing.T) {
	t.Parallel()
	all := decoders(t)
	used := map[string]bool{}
	for _, s := range samples(t) {
		used[s.kind] = true
		got := told(all[s.kind].Decode(s.header, s.body))
		if *update {
			s.write(got)
			continue
		}
		if diff := cmp.Diff(s.want, got); diff != "" {
			t.Errorf("%s: %s", s.name, diff)
		}
	}
	for kind := range all {
		if !used[kind] {
			t.Errorf("no sample of %s", kind)
		}
	}
}

// Whatever is missing or of another type: no event of nothing, no crash, and
// nothing of the body in an error.
func TestDecodersTakeLessAndOtherTypes(t *testing.T) {
	t.Parallel()
	all := decoders(t)
	for _, s := range samples(t) {
		var v any
		if json.Unmarshal(s.body, &v) != nil {
			continue
		}
		for _, worse := range spoiled(v) {
			body, err := json.Marshal(worse)
			if err != nil {
				t.Fatal(err)
			}
			d, err := all[s.kind].Decode(s.header, body)
			check(t, s.kind, d, err)
		}
	}
}

// spoiled returns v many times, each with one place of it missing, null, of
// another type or with a text that must not come out.
func spoiled(v any) []any {
	var out []any
	switch v := v.(type) {
	case map[string]any:
		for k, inner := range v {
			with := func(x any) map[string]any {
				m := map[string]any{}
				for k, v := range v {
					m[k] = v
				}
				m[k] = x
				return m
			}
			less := with(nil)
			delete(less, k)
			out = append(out, less)
			for _, x := range append(spoiled(inner), nil, 1e30, true, "canary canary", []any{}, map[string]any{}) {
				out = append(out, with(x))
			}
		}
	case []any:
		for i, inner := range v {
			for _, x := range spoiled(inner) {
				l := append([]any{}, v...)
				l[i] = x
				out = append(out, l)
			}
		}
	}
	return out
}

// check holds what is true of every delivery.
func check(t testing.TB, kind string, d webhook.Delivery, err error) {
	t.Helper()
	if err != nil {
		if strings.Contains(err.Error(), "canary") || len(err.Error()) > 100 || len(d.Events)+len(d.Ignored) > 0 {
			t.Fatalf("%s: %v %+v", kind, err, d)
		}
		return
	}
	if len(d.Key) > 130 || strings.Contains(d.Key, "canary") || len(d.Events) > 5000 {
		t.Fatalf("%s: %d events, key %q", kind, len(d.Events), d.Key)
	}
	if len(d.Events)+len(d.Ignored) == 0 && d.Answer == nil && kind != "quay" && kind != "harbor" && kind != "distribution" && kind != "generic" && kind != "gitlab" {
		t.Fatalf("%s: neither an event nor why there is none", kind)
	}
	for _, e := range d.Events {
		again, err := parse(e)
		if err != nil || again != e.Ref() {
			t.Fatalf("%s: %+v: %v", kind, e, err)
		}
		if e.Endpoint != kind || !hosts[e.Registry] {
			t.Fatalf("%s: a registry that is not configured: %+v", kind, e)
		}
		if (e.Subject != "") && e.Action != webhook.Signature {
			t.Fatalf("%s: %+v", kind, e)
		}
	}
}
