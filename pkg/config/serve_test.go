package config_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/intact-dev/intact/pkg/config"
	"github.com/intact-dev/intact/pkg/policy"
)

const serving = `schema: intact.config/v1
contexts:
  prod: {kind: kubernetes}
serve:
  listen: 0.0.0.0:8443
  tls: {certificate: tls.crt, key: tls.key}
  policy: policy.yaml
  grace: 0s
  endpoints:
    - name: dist
      kind: distribution
      registry: registry.acme.internal:5000
      repositories: [registry.acme.internal:5000/team/**]
      auth: {type: header, secretFile: dist.key, previousEnv: DIST_OLD}
    - {name: hub, kind: dockerhub, repositories: [acme/app], auth: {type: path, secretEnv: HUB}}
    - name: gcr
      kind: artifact-registry
      registries: [eu.gcr.io, europe-docker.pkg.dev]
      repositories: ["**"]
      maxBody: 8388608
      auth: {type: oidc, issuer: "https://accounts.google.com", audience: x, email: a@b.example}
    - name: jfrog
      kind: artifactory
      registry: acme.jfrog.io
      repositories: [acme.jfrog.io/**]
      map: {docker-local: acme.jfrog.io/docker}
      auth: {type: hmac, secretEnv: JFROG}
    - {name: aws, kind: ecr, registry: 111122223333.dkr.ecr.eu-central-1.amazonaws.com, repositories: ["**"], auth: {type: basic, username: u, secretEnv: AWS}}
  reconcile: {every: 30m, registries: [registry.acme.internal:5000], repositories: [docker.io/acme/app]}
  watch: [{context: prod, policyReports: openreports}]
  notify:
    - {name: chat, kind: slack, urlFile: slack.url, on: [image.judged]}
    - {name: bus, kind: cloudevents, urlEnv: BUS, secretEnv: BUS_KEY}
  api:
    tokens: [{name: ci, role: writer, tokenEnv: CI}]
    oidc: {issuer: "https://sso.acme.example", audience: intact, roles: [{claim: groups, value: sre, role: writer}, {claim: aud, value: intact, role: reader}]}
  attest: {key: sign.key, passwordEnv: SIGN, push: true}
  limits: {inbox: 10, workers: 2, bodyMemory: 33554432, bodyTime: 5s, notifications: 6}
  keep: {reports: 2160h, happenings: 30m}
`

func TestLoadServe(t *testing.T) {
	t.Parallel()
	c, err := load(t, serving, "")
	if err != nil {
		t.Fatal(err)
	}
	repositories := func(texts ...string) policy.Repositories {
		r, _, err := policy.ParseRepositories(texts)
		if err != nil {
			t.Fatal(err)
		}
		return r
	}
	want := &config.Serve{
		Listen: "0.0.0.0:8443", Certificate: "etc/tls.crt", Key: "etc/tls.key", Policy: "etc/policy.yaml",
		Endpoints: []config.Endpoint{
			{
				Name: "dist", Kind: "distribution", Registries: []string{"registry.acme.internal:5000"}, Repositories: repositories("registry.acme.internal:5000/team/**"), MaxBody: 3 << 20,
				Auth: config.Auth{Type: "header", Header: "Authorization", Secret: config.Secret{File: "etc/dist.key"}, Previous: config.Secret{Env: "DIST_OLD"}},
			},
			{
				Name: "hub", Kind: "dockerhub", Registries: []string{"docker.io"}, Repositories: repositories("acme/app"), MaxBody: 3 << 20,
				Auth: config.Auth{Type: "path", Secret: config.Secret{Env: "HUB"}},
			},
			{
				Name: "gcr", Kind: "artifact-registry", Registries: []string{"eu.gcr.io", "europe-docker.pkg.dev"}, Repositories: repositories("**"), MaxBody: 8 << 20,
				Auth: config.Auth{Type: "oidc", Issuer: "https://accounts.google.com", Audience: "x", Email: "a@b.example"},
			},
			{
				Name: "jfrog", Kind: "artifactory", Registries: []string{"acme.jfrog.io"}, Repositories: repositories("acme.jfrog.io/**"), MaxBody: 3 << 20,
				Auth: config.Auth{Type: "hmac", Secret: config.Secret{Env: "JFROG"}}, Map: map[string]string{"docker-local": "acme.jfrog.io/docker"},
			},
			{
				Name: "aws", Kind: "ecr", Registries: []string{"111122223333.dkr.ecr.eu-central-1.amazonaws.com"}, Repositories: repositories("**"), MaxBody: 3 << 20,
				Auth: config.Auth{Type: "basic", Username: "u", Secret: config.Secret{Env: "AWS"}},
			},
		},
		Reconcile: &config.Reconcile{Every: 30 * time.Minute, Registries: []string{"registry.acme.internal:5000"}, Repositories: []string{"docker.io/acme/app"}},
		Watch:     []config.Watch{{Context: "prod", Every: 15 * time.Minute, PolicyReports: "openreports"}},
		Notify: []config.Notify{
			{Name: "chat", Kind: "slack", URL: config.Secret{File: "etc/slack.url"}, On: []string{"image.judged"}},
			{Name: "bus", Kind: "cloudevents", URL: config.Secret{Env: "BUS"}, Secret: config.Secret{Env: "BUS_KEY"}},
		},
		API: config.API{
			Tokens: []config.Token{{Name: "ci", Role: "writer", Token: config.Secret{Env: "CI"}}},
			OIDC:   &config.OIDC{Issuer: "https://sso.acme.example", Audience: "intact", Roles: []config.ClaimRole{{"groups", "sre", "writer"}, {"aud", "intact", "reader"}}},
		},
		Attest: &config.Attest{Key: "etc/sign.key", Password: config.Secret{Env: "SIGN"}, Push: true},
		Keep:   config.Keep{Reports: 2160 * time.Hour, Happenings: 30 * time.Minute},
		Limits: config.Limits{Inbox: 10, Workers: 2, BodyMemory: 32 << 20, BodyTime: 5 * time.Second, Notifications: 6},
	}
	if diff := cmp.Diff(want, c.Serve, cmpopts.IgnoreUnexported(config.Serve{}, config.Endpoint{})); diff != "" {
		t.Error(diff)
	}
	var lint []string
	for _, p := range c.Lint(now) {
		lint = append(lint, p.String())
	}
	if diff := cmp.Diff([]string{"etc/config.yaml:10:7: dist: the previous secret is still accepted; take it out once the sender has the new one"}, lint); diff != "" {
		t.Error(diff)
	}
	if !c.Serve.Endpoints[1].Repositories.Match("docker.io/acme/app") || c.Serve.Endpoints[1].Repositories.Match("docker.io/acme/other") {
		t.Error("the pattern of Docker Hub")
	}
}

func TestServeDefaults(t *testing.T) {
	t.Parallel()
	c, err := load(t, "schema: intact.config/v1\nserve: {endpoints: [{name: q, kind: quay, registry: quay.io, repositories: [quay.io/**], auth: {type: path, secretEnv: X}}]}\n", "")
	if err != nil {
		t.Fatal(err)
	}
	want := config.Limits{Inbox: 100000, Workers: 4, BodyMemory: 64 << 20, BodyTime: 10 * time.Second, Notifications: 120}
	if diff := cmp.Diff(want, c.Serve.Limits); diff != "" || c.Serve.Grace != 10*time.Minute || c.Serve.Listen != "127.0.0.1:8080" {
		t.Errorf("%s %+v", diff, c.Serve)
	}
	if got := c.Lint(now); len(got) != 1 || !strings.Contains(got[0].Text, "no reconcile") {
		t.Errorf("%v", got)
	}
}

func TestLoadServeRefuses(t *testing.T) {
	t.Parallel()
	const hub = "kind: dockerhub, repositories: [acme/app]"
	for _, row := range []struct{ name, old, new, want string }{
		{"no port", "0.0.0.0:8443", "0.0.0.0", `:5:11: "0.0.0.0"; expected host:port`},
		{"no number", "0.0.0.0:8443", "0.0.0.0:https", `the port is no number`},
		{"half of TLS", ", key: tls.key", "", `:6:8: the key "key" is missing`},
		{"a number for a time", "grace: 0s", "grace: 10", `:8:10: "10"; expected a duration such as 30s`},
		{"a time before", "grace: 0s", "grace: -1m", `a duration is not negative`},
		{"a name for a path", "name: dist", "name: Dist/x", `:10:13: "Dist/x"; expected the form`},
		{"a name twice", "name: hub", "name: dist", `:15:14: "dist" is there twice, first in endpoints[0]`},
		{"a sender that nobody knows", "kind: distribution", "kind: docker", `:11:13: "docker"; expected distribution or`},
		{"no registry", "      registry: registry.acme.internal:5000\n", "", `:10:7: no registry; name the host`},
		{"a registry with a scheme", "registry: registry.acme.internal:5000", "registry: https://registry.acme.internal:5000", `:12:17: "https://registry.acme.internal:5000": a host has no scheme`},
		{"a registry that reads as a path", "registry: registry.acme.internal:5000", "registry: registry", `:12:17: "registry" cannot be told from a part of a repository's name; add its port`},
		{"a registry in upper case", "registry: registry.acme.internal:5000", "registry: Registry.acme.internal:5000", `:12:17: "Registry.acme.internal:5000": it is recorded as registry.acme.internal:5000; write that`},
		{"a registry with the port that is left out", "registry: registry.acme.internal:5000", "registry: acme.example:443", `:12:17: "acme.example:443": it is recorded as acme.example; write that`},
		{"a registry that needs it", "registry: registry.acme.internal:5000", "registry: registry:443", `:12:17: "registry:443": without its port 443, as it is recorded, it cannot be told from a part of a repository's name`},
		{"a catalog of it", "registries: [registry.acme.internal:5000], ", "registries: [registry:443], ", `"registry:443": without its port 443`},
		{"a repository of it", "repositories: [docker.io/acme/app]", "repositories: [registry:443/app]", `"registry:443": without its port 443`},
		{"two registries where bodies name none", "registry: registry.acme.internal:5000", "registries: [a.example, b.example]", `:12:19: distribution does not say which registry it means`},
		{"registry and registries", "registries: [eu.gcr.io, europe-docker.pkg.dev]", "registries: [eu.gcr.io]\n      registry: eu.gcr.io", `registry and registries; expected one of them`},
		{"a registry twice", "[eu.gcr.io, europe-docker.pkg.dev]", "[eu.gcr.io, eu.gcr.io]", `:18:31: "eu.gcr.io" is there twice`},
		{"Docker Hub elsewhere", hub, "registry: quay.io, " + hub, `"quay.io"; Docker Hub is docker.io`},
		{"no repositories", hub, "kind: dockerhub", `the key "repositories" is missing`},
		{"no list of repositories", "repositories: [acme/app]", "repositories: []", `empty list`},
		{"a pattern with a star", "team/**]", "team/*]", `:13:22: pattern "registry.acme.internal:5000/team/*": * is not supported`},
		{"a pattern of elsewhere", "repositories: [acme/app]", "repositories: [quay.io/acme/app]", `"quay.io/acme/app" is at quay.io, which this endpoint does not speak for`},
		{"a huge body", "maxBody: 8388608", "maxBody: 8388609", `:20:16: 8388609; expected 1024 to 8388608`},
		{"no auth", ", auth: {type: path, secretEnv: HUB}", "", `the key "auth" is missing`},
		{"no secret", "type: path, secretEnv: HUB", "type: path", `no secret; expected secretFile or secretEnv`},
		{"two places", "secretEnv: HUB", "secretEnv: HUB, secretFile: x", `secretFile and secretEnv; expected one of them`},
		{"a secret in the file", "secretEnv: HUB", "secret: hunter2", `unknown key "secret"`},
		{"what the sender cannot do", "type: path, secretEnv: HUB", "type: hmac, secretEnv: HUB", `dockerhub cannot send that; expected path`},
		{"a token for who signs", "type: hmac, secretEnv: JFROG", "type: path, secretEnv: JFROG", `artifactory cannot send that; expected hmac or header`},
		{"OIDC with a secret", "type: oidc,", "type: oidc, secretEnv: X,", `oidc has no secret`},
		{"OIDC for anybody", ", email: a@b.example", "", `oidc needs issuer and audience, and email or subject`},
		{"an issuer without TLS", "https://accounts.google.com", "http://accounts.google.com", `:21:34: expected an https URL`},
		{"an issuer with a password", "https://accounts", "https://u:hunter2@accounts", `:21:34: expected an https URL`},
		{"an issuer of a secret", "type: hmac, secretEnv: JFROG", "type: hmac, secretEnv: JFROG, issuer: https://x.example", `are of oidc`},
		{"basic without a name", "username: u, ", "", `basic needs username`},
		{"a name without basic", "type: path, secretEnv: HUB", "type: path, username: u, secretEnv: HUB", `username is of basic`},
		{"a header without it", "type: path, secretEnv: HUB", "type: path, header: X-Y, secretEnv: HUB", `header is of header`},
		{"a map of who needs none", "name: hub,", "name: hub, map: {x: docker.io},", `dockerhub calls repositories what they are called`},
		{"a map to elsewhere", "docker-local: acme.jfrog.io/docker", "docker-local: evil.example/docker", `:26:27: "evil.example/docker" does not begin with a registry of this endpoint`},
		{"a map to a tag", "docker-local: acme.jfrog.io/docker", "docker-local: acme.jfrog.io/docker:x", `expected HOST or HOST/PATH`},
		{"a map to a folder", "docker-local: acme.jfrog.io/docker", "docker-local: acme.jfrog.io/docker/", `expected HOST or HOST/PATH`},
		{"a host without an account", "111122223333.dkr.ecr.eu-central-1.amazonaws.com", "ecr.acme.example", `"ecr.acme.example" holds no account and region; add map`},
		{"a map of no account", "kind: ecr,", "kind: ecr, map: {x: 111122223333.dkr.ecr.eu-central-1.amazonaws.com},", `the key "x"; expected ACCOUNT/REGION`},
		{"too often", "every: 30m", "every: 1ms", `1ms is too often`},
		{"reconcile of nothing", "reconcile: {every: 30m, registries: [registry.acme.internal:5000], repositories: [docker.io/acme/app]}", "reconcile: {every: 30m}", `expected registries, repositories or both`},
		{"reconcile of a tag", "docker.io/acme/app]}", "docker.io/acme/app:1]}", `expected a repository without a tag`},
		{"a context that is not there", "context: prod", "context: test", `"test" is none of the contexts of this file`},
		{"reports of no kind", "policyReports: openreports", "policyReports: sarif", `"sarif"; expected openreports or wgpolicyk8s`},
		{"reports in a Docker", "prod: {kind: kubernetes}", "prod: {kind: docker}", `"prod" is of kind docker; policy reports are written into kubernetes`},
		{"a notification without a place", "urlFile: slack.url, ", "", `no secret; expected urlFile or urlEnv`},
		{"a signature for Slack", "urlFile: slack.url", "urlFile: slack.url, secretEnv: X", `slack has no signature`},
		{"a token without a secret", ", tokenEnv: CI", "", `no secret; expected tokenFile or tokenEnv`},
		{"a role of no kind", "role: writer, tokenEnv", "role: admin, tokenEnv", `"admin"; expected reader or writer`},
		{"a key and keyless", "key: sign.key,", "key: sign.key, keyless: {tokenEnv: X},", `expected either key or keyless`},
		{"a password of nothing", "key: sign.key,", "keyless: {tokenEnv: X},", `a password without a key`},
		{"statements that go nowhere", ", push: true", "", `expected output, push: true or both`},
		{"a limit below one", "inbox: 10", "inbox: -1", `-1; expected 1 or more`},
	} {
		if !strings.Contains(serving, row.old) {
			t.Fatalf("%s: the config does not hold %q", row.name, row.old)
		}
		_, err := load(t, strings.Replace(serving, row.old, row.new, 1), "")
		if err == nil || !strings.Contains(err.Error(), row.want) || !place.MatchString(err.Error()) || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%s: got  %v\nwant %s", row.name, err, row.want)
		}
	}
}
