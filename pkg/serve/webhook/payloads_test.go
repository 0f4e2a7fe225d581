package webhook_test

import (
	"encoding/base64"
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/intact-dev/intact/pkg/serve/webhook"
)

// payloadSources are endpoints for the registries that the samples are of.
const payloadSources = `
  - {name: distribution, kind: distribution, registry: r.example, repositories: ["**"], auth: {type: header, secretEnv: X}}
  - {name: gitlab, kind: gitlab, registry: r.example, repositories: ["**"], auth: {type: header, secretEnv: X}}
  - {name: harbor, kind: harbor, registry: r.example, repositories: ["**"], auth: {type: header, secretEnv: X}}
  - {name: dockerhub, kind: dockerhub, repositories: ["**"], auth: {type: path, secretEnv: X}}
  - {name: ghcr, kind: github, repositories: ["**"], auth: {type: hmac, secretEnv: X}}
  - {name: quay, kind: quay, registry: quay.io, repositories: ["**"], auth: {type: path, secretEnv: X}}
  - {name: acr, kind: acr, registry: r.azurecr.io, repositories: ["**"], auth: {type: header, secretEnv: X}}
  - {name: eventgrid, kind: acr-eventgrid, registry: r.azurecr.io, repositories: ["**"], auth: {type: path, secretEnv: X}}
  - {name: ecr, kind: ecr, registries: [123456789012.dkr.ecr.us-west-2.amazonaws.com, 123456789012.dkr.ecr.us-east-1.amazonaws.com], repositories: ["**"], auth: {type: path, secretEnv: X}}
  - {name: gcr, kind: artifact-registry, registries: [us.gcr.io, us-west1-docker.pkg.dev], repositories: ["**"], auth: {type: path, secretEnv: X}}
  - {name: artifactory, kind: artifactory, registry: r.jfrog.io, repositories: ["**"], auth: {type: hmac, secretEnv: X}}
  - {name: nexus, kind: nexus, registry: r.example, repositories: ["**"], auth: {type: hmac, secretEnv: X}}
  - {name: zot, kind: zot, registry: r.example, repositories: ["**"], auth: {type: bearer, secretEnv: X}}
  - {name: gitea, kind: gitea, registry: r.example, repositories: ["**"], auth: {type: hmac, secretEnv: X}}
  - {name: aliyun, kind: aliyun, registry: r.example, repositories: ["**"], auth: {type: path, secretEnv: X}}
`

// payloads are samples that registries publish or that were recorded, and what
// they say: actions, with a name, a tag and a digest, and why others are left out.
var payloads = []struct{ endpoint, file, want string }{
	{"distribution", "distribution/push-manifest-and-two-layers.json", "push r.example/library/test @ | not_an_image not_an_image"},
	{"distribution", "distribution/envelope-golden-invalid-digest.json", " | invalid_digest not_an_image not_an_image"},
	{"distribution", "distribution/pull-manifest-tagged.json", " | not_a_push"},
	{"distribution", "distribution/delete-tag.DERIVED.json", "delete r.example/library/test:v1 | "},
	{"distribution", "distribution/delete-repository.DERIVED.json", "delete r.example/library/test | "},
	{"gitlab", "gitlab/registry-notification-push-tagged.json", "push r.example/foo/bar:1.6.1 @ | "},
	{"harbor", "harbor/artifact-pushed.default.json", "push r.example/harbor/alpine @ | "},
	{"harbor", "harbor/artifact-pushed.cloudevents.json", "push r.example/harbor/alpine @ | "},
	{"harbor", "harbor/artifact-deleted.default.json", "delete r.example/harbor/alpine:3.8 @ | "},
	{"harbor", "harbor/artifact-deleted.cloudevents.json", "delete r.example/harbor/alpine:3.8 @ | "},
	{"harbor", "harbor/artifact-pulled.default.json", " | not_a_push"},
	{"harbor", "harbor/artifact-pulled.cloudevents.json", " | not_a_push"},
	{"harbor", "harbor/quota-exceeded.default.json", " | not_a_push"},
	{"harbor", "harbor/scanning-completed.cloudevents.json", " | not_a_push"},
	{"harbor", "harbor/replication-status-changed.default.json", " | not_a_push"},
	{"harbor", "harbor/tag-retention-finished.default.json", "delete r.example/harbor/alpine:3.8 | "},
	{"harbor", "harbor/tag-retention-finished.cloudevents.json", "delete r.example/harbor/alpine:3.8 | "},
	{"harbor", "harbor/v1-pushImage-legacy.json", "push r.example/test123/alpine:3.10 @ | "},
	{"harbor", "harbor/v2-push-artifact-tagged.json", "push r.example/test-webhook/debian:latest @ | "},
	{"dockerhub", "dockerhub/push-2017.json", "push docker.io/karolisr/keel:0.1.7 | "},
	{"dockerhub", "dockerhub/push-docs-legacy-images.json", "push docker.io/svendowideit/testhook:latest | "},
	{"ghcr", "ghcr/package-published-container-tagged.json", "push ghcr.io/nitishfy/guestbook:5.5.9 | "},
	{"ghcr", "ghcr/registry_package-published-container.json", "push ghcr.io/dingggu/server:1.2.3 | "},
	{"ghcr", "ghcr/package-published-docker.json", "push ghcr.io/codertocat/hello-world-npm @ | "},
	{"ghcr", "ghcr/registry_package-published-docker.json", "push ghcr.io/codertocat/hello-world-npm @ | "},
	{"quay", "quay/repo_push.json", "push quay.io/hiddeco/foo:3.10 | "},
	{"quay", "quay/repo_push-test-notification.DERIVED.json", "push quay.io/mynamespace/repository:latest push quay.io/mynamespace/repository:foo | "},
	{"acr", "acr/webhook-push.json", "push r.azurecr.io/hello-world:v1 @ | "},
	{"acr", "acr/webhook-delete.json", "delete r.azurecr.io/hello-world @ | "},
	{"eventgrid", "acr/eventgrid-image-pushed.cloudevents.json", "push r.azurecr.io/aci-helloworld:v1 @ | "},
	{"eventgrid", "acr/eventgrid-image-pushed.eventgridschema.json", "push r.azurecr.io/aci-helloworld:v1 @ | "},
	{"eventgrid", "acr/eventgrid-subscription-validation.json", ` | {"validationResponse":"512d38b6-c7b8-40c8-89fe-f46f9e9622b6"}`},
	{"ecr", "ecr/eventbridge-push.json", "push 123456789012.dkr.ecr.us-west-2.amazonaws.com/my-repository-name:latest | invalid_digest"},
	{"ecr", "ecr/eventbridge-push-valid-digest.json", "push 123456789012.dkr.ecr.us-east-1.amazonaws.com/ubuntu:latest @ | "},
	{"ecr", "ecr/eventbridge-delete.json", "delete 123456789012.dkr.ecr.us-west-2.amazonaws.com/my-repo:latest | invalid_digest"},
	{"ecr", "ecr/eventbridge-scan.json", " | not_a_push"},
	{"gcr", "gcr-artifact-registry/pubsub-push-tag-only.json", "push us.gcr.io/am/am.kebab.api:test | "},
	{"gcr", "gcr-artifact-registry/message-insert-digest.DERIVED.json", "push us-west1-docker.pkg.dev/my-project/my-repo/hello-world @ | "},
	{"gcr", "gcr-artifact-registry/message-insert-digest-and-tag.DERIVED.json", "push us-west1-docker.pkg.dev/my-project/my-repo/hello-world:1.1 @ | "},
	{"gcr", "gcr-artifact-registry/message-delete-tag.json", "delete us-west1-docker.pkg.dev/my-project/my-repo/hello-world:1.1 | "},
	{"artifactory", "artifactory/docker-pushed-envelope.json", "push r.jfrog.io/docker-remote-cache/library/ubuntu:latest @ | "},
	{"nexus", "nexus/component-created.raw", "push r.example/app1/alpine:3.4 | "},
	{"zot", "zot/image-updated.DERIVED.json", "push r.example/golang:latest @ | "},
	{"zot", "zot/repository-created.DERIVED.json", " | not_a_push"},
	{"gitea", "gitea/package-created.DERIVED.json", "push r.example/acme/team/app:v1.2.3 | "},
	// Their own sample has a name in upper case.
	{"aliyun", "aliyun-acr/push.json", " | invalid_name"},
}

func TestDecodersReadPublishedPayloads(t *testing.T) {
	t.Parallel()
	root := filepath.Join("..", "..", "..", "..", "shared", "payloads")
	if _, err := os.Stat(root); err != nil {
		t.Skip("published payloads are not there: ../shared/payloads")
	}
	all := map[string]webhook.Decoder{}
	for _, e := range endpoints(t, payloadSources) {
		all[e.Name] = webhook.NewDecoder(&e)
	}
	for _, p := range payloads {
		body, err := os.ReadFile(filepath.Join(root, filepath.FromSlash(p.file)))
		if err != nil {
			t.Fatal(err)
		}
		header, body := recorded(t, p.file, body)
		d, err := all[p.endpoint].Decode(header, body)
		if err != nil {
			t.Errorf("%s: %v", p.file, err)
			continue
		}
		var events, rest []string
		for _, e := range d.Events {
			events = append(events, string(e.Action), e.Ref().String())
			if e.Digest != "" {
				events = append(events, "@")
			}
		}
		for _, r := range d.Ignored {
			rest = append(rest, string(r))
		}
		got := strings.Join(events, " ") + " | " + strings.Join(rest, " ") + string(d.Answer)
		if diff := cmp.Diff(p.want, got); diff != "" {
			t.Errorf("%s: %s", p.file, diff)
		}
	}
}

// recorded adds the headers that a payload comes with, and the wrapper of
// messages.
func recorded(t *testing.T, file string, body []byte) (http.Header, []byte) {
	t.Helper()
	h := http.Header{"Content-Type": {"application/json"}}
	event, _, _ := strings.Cut(filepath.Base(file), "-")
	switch {
	case strings.HasPrefix(file, "ghcr/"):
		h.Set("X-GitHub-Event", event)
	case strings.HasPrefix(file, "gcr-artifact-registry/message-"):
		body = []byte(`{"message":{"messageId":"1","data":"` + base64.StdEncoding.EncodeToString(body) + `"}}`)
	case strings.HasPrefix(file, "zot/"), strings.HasPrefix(file, "gitea/"):
		var both struct {
			Headers map[string]string
			Body    json.RawMessage
		}
		if err := json.Unmarshal(body, &both); err != nil {
			t.Fatal(err)
		}
		for k, v := range both.Headers {
			h.Set(k, v)
		}
		body = both.Body
	}
	return h, body
}
