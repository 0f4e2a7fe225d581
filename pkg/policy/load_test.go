package policy_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"io/fs"
	"regexp"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"

	"github.com/intact-dev/intact/pkg/check"
	"github.com/intact-dev/intact/pkg/fact"
	"github.com/intact-dev/intact/pkg/policy"
	"github.com/intact-dev/intact/policies"
)

// checks stands for all checks there are, so that these tests do not change
// with them.
func allChecks() []check.Check {
	var out []check.Check
	add := func(family string, n int, need fact.Kind) {
		for i := 1; i <= n; i++ {
			out = append(out, check.Check{
				ID: fmt.Sprintf("%s%03d", family, i), Doc: check.Doc{Since: "2026-11"}, Needs: []fact.Kind{need},
			})
		}
	}
	add("REF", 5, fact.KReference)
	add("TAG", 6, fact.KTag)
	add("DIG", 8, fact.KDocuments)
	add("SIG", 6, fact.KSignatures)
	add("LAY", 9, fact.KFilesystem)
	add("RUN", 10, fact.KReference)
	add("SET", 5, fact.KReference)
	for i, c := range out {
		if c.ID == "REF005" {
			out[i].Needs = []fact.Kind{fact.KReference, fact.KAvailability}
		}
	}
	return append(out, check.Check{ID: "LAY010", Doc: check.Doc{Since: "2027-02"}, Needs: []fact.Kind{fact.KFilesystem}})
}

func loader(files map[string]string) policy.Loader {
	m := fstest.MapFS{}
	for name, text := range files {
		m[name] = &fstest.MapFile{Data: []byte(text)}
	}
	return policy.Loader{
		Embedded: policies.Files,
		ReadFile: func(name string) ([]byte, error) { return fs.ReadFile(m, name) },
		Checks:   allChecks(),
	}
}

func publicKey(t testing.TB) string {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKIXPublicKey(&key.PublicKey)
	if err != nil {
		t.Fatal(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}))
}

// full uses every key of a policy at least once.
const full = `schema: intact.policy/v1
name: prod
extends: baseline@1
since: "2026-11"
depth: manifest
undecided: deny
checks: {REF001: deny, LAY: warn}
scopes:
  - {clusters: [prod-*], namespaces: [shop, pay], images: ["ghcr.io/acme/**"], paths: [deploy/prod/**], checks: {SIG: deny}}
signatures:
  - images: ["ghcr.io/acme/{repo}"]
    level: index-or-child
    anyOf:
      - name: release
        keyless:
          issuer: https://token.actions.githubusercontent.com
          identity: https://github.com/acme/{repo}/.github/workflows/release.yml@refs/tags/*
          where: certificate.runnerEnvironment == "github-hosted"
        roots: [sigstore, github.json]
      - {name: offline, key: cosign.pub, transparencyLog: not-required}
    attestations:
      - {predicateType: https://slsa.dev/provenance/v1, where: 'predicate.runDetails.builder.id.startsWith("https://github.com/actions/")'}
  - {images: ["docker.io/**"], none: true}
trust: {roots: [sigstore], sct: required}
mirrors: [{prefix: mirror.acme.internal/dockerhub, of: docker.io}]
tags: [{images: ["ghcr.io/acme/**"], fixed: '^\d+$'}]
rules:
  - {id: ACMEBASE001, title: older than 90 days, decision: warn, fail: 'config.created < now - duration("2160h")'}
exceptions:
  - {check: LAY003, images: [ghcr.io/acme/legacy], paths: [/bin/ping], reason: setuid ping, owner: net-team, expires: 2027-01-31}
allowInline: []
`

func fullFiles(t testing.TB) map[string]string {
	return map[string]string{"p.yaml": full, "cosign.pub": publicKey(t), "github.json": `{"mediaType": "x"}`}
}

func load(t testing.TB, text string) *policy.Policy {
	t.Helper()
	files := fullFiles(t)
	files["p.yaml"] = text
	p, err := policy.Load(loader(files), "p.yaml")
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestLoadFull(t *testing.T) {
	t.Parallel()
	p := load(t, full)
	if diff := cmp.Diff([]string{"baseline@1", "prod"}, p.Chain()); diff != "" {
		t.Error(diff)
	}
	if p.Name() != "prod" || !strings.HasPrefix(string(p.Digest()), "sha256:") {
		t.Errorf("name %q, digest %q", p.Name(), p.Digest())
	}
}

var place = regexp.MustCompile(`^p\.yaml:(\d+):(\d+): `)

// Each row breaks the full policy in one place and says where and what must be
// said. OPS-7 of the adversarial cases: nothing odd in a policy is ever read as
// "nothing to check".
func TestLoadRefuses(t *testing.T) {
	t.Parallel()
	rows := []struct{ name, old, new, want string }{
		{"unknown key", "depth: manifest", "dept: manifest", `p.yaml:5:1: unknown key "dept"; did you mean "depth"?`},
		{"unknown key in a list", "{name: offline, key:", "{name: offline, keys:", `p.yaml:20:25: unknown key "keys"; did you mean "key"?`},
		{"duplicate key", "undecided: deny", "undecided: deny\nundecided: warn", `p.yaml:7:1: duplicate key "undecided", first at line 6`},
		{"duplicate check", "{REF001: deny, LAY: warn}", "{REF001: deny, REF001: off}", `p.yaml:7:24: duplicate key "REF001"`},
		{"duplicate key deep down", "none: true}", "none: true, none: false}", `duplicate key "none"`},
		{"second document", "allowInline: []", "---\nname: other", `p.yaml:31:1: a second document`},
		{"empty second document", "allowInline: []", "---", `a second document`},
		{"YAML 1.1 no", "none: true", "none: no", `p.yaml:23:38: the text "no"; expected true or false`},
		{"number as a name", "name: prod", "name: 7", `p.yaml:2:7: the number "7"; expected a text; write it in quotes`},
		{"yes as a depth", "depth: manifest", "depth: yes", `p.yaml:5:8: "yes"; expected reference or manifest or layers`},
		{"empty rule list", `signatures:
  - images`, `signatures: []
x:
  - images`, `p.yaml:10:13: empty list`},
		{"empty checks", "checks: {REF001: deny, LAY: warn}", "checks: {}", `p.yaml:7:9: empty mapping`},
		{"nothing", "checks: {REF001: deny, LAY: warn}", "checks:", `p.yaml:7:8: nothing; expected a mapping`},
		{"merge key", "trust: {roots", "trust: {<<: {sct: required}, roots", `p.yaml:24:9: merge keys`},
		{"wrong schema", "intact.policy/v1", "intact.policy/v2", `p.yaml:1:9: "intact.policy/v2"; expected intact.policy/v1`},
		{"no name", "name: prod\n", "", `p.yaml:1:1: the key "name" is missing`},
		{"reserved name", "name: prod", "name: strict", `p.yaml:2:7: "strict" is the name of a policy that comes with intact`},
		{"versioned name", "name: prod", "name: prod@2", `p.yaml:2:7: "prod@2" is the name`},
		{"no such parent", "baseline@1", "basline", `did you mean "baseline"?`},
		{"no such version", "baseline@1", "baseline@9", `no policy of that name`},
		{"parent from a URL", "baseline@1", "https://example.com/p.yaml", `nothing is fetched from a URL`},
		{"bad level", "LAY: warn}", "LAY: ignore}", `p.yaml:7:29: "ignore"; expected deny or warn or off`},
		{"unknown check", "REF001: deny", "REF099: deny", `p.yaml:7:18: no check is called "REF099"; did you mean "REF001"?`},
		{"unknown family", "LAY: warn}", "LAX: warn}", `p.yaml:7:29: no family is called "LAX"; did you mean "LAY"?`},
		{"bad since", `"2026-11"`, `"2026-13"`, `p.yaml:4:8: "2026-13"; expected the form`},
		{"scope of everything", `clusters: [prod-*], namespaces: [shop, pay], images: ["ghcr.io/acme/**"], paths: [deploy/prod/**], `, "", `p.yaml:9:5: the scope names no`},
		{"star in an image pattern", `"ghcr.io/acme/{repo}"`, `"ghcr.io/acme/*"`, `p.yaml:11:14: pattern "ghcr.io/acme/*": * is not supported`},
		{"half a capture", `"ghcr.io/acme/{repo}"`, `"ghcr.io/acme/x-{repo}"`, `a capture is a whole segment`},
		{"tag in a pattern", `"ghcr.io/acme/{repo}"`, `"ghcr.io/acme/api:1"`, `names a tag or digest`},
		{"registry without a path", `"docker.io/**"`, `ghcr.io`, `p.yaml:23:15: pattern "ghcr.io": it names a registry or a tag; write ghcr.io/**`},
		{"tag alone", `"docker.io/**"`, `"redis:7"`, `it names a registry or a tag`},
		{"upper case in a pattern", `"ghcr.io/acme/{repo}"`, `"ghcr.io/Acme/{repo}"`, `names are lower case`},
		{"prefix without a registry", `"docker.io/**"`, `"acme/**"`, `p.yaml:23:15: pattern "acme/**": it names no registry`},
		{"two equal patterns", `"docker.io/**"`, `"ghcr.io/acme/{name}"`, `p.yaml:23:15: the pattern "ghcr.io/acme/{name}" is there twice, first in signatures[0]`},
		{"capture that is not there", "acme/{repo}/.github", "acme/{name}/.github", `p.yaml:17:21: "https://github.com/acme/{name}/.github/workflows/release.yml@refs/tags/*": {name} is not captured`},
		{"capture that one pattern lacks", `["ghcr.io/acme/{repo}"]`, `["ghcr.io/acme/{repo}", ghcr.io/acme/api]`, `{repo} is not captured by every pattern`},
		{"nobody", "identity: https://github.com/acme/{repo}/.github/workflows/release.yml@refs/tags/*", "identityRegexp: ''", `p.yaml:17:27: empty text`},
		{"keyless without an issuer", "issuer: https://token.actions.githubusercontent.com\n          identity", "identity", `the key "issuer" is missing`},
		{"keyless without an identity", "          identity: https://github.com/acme/{repo}/.github/workflows/release.yml@refs/tags/*\n", "", `p.yaml:16:11: identity is empty`},
		{"issuer with a star", "issuer: https://token.actions.githubusercontent.com", "issuer: https://*", `p.yaml:16:19: "https://*"; it is compared exactly`},
		{"key and keyless", "{name: offline, key:", "{name: offline, keyless: {issuer: x, identity: y}, key:", `p.yaml:20:9: key and keyless are both set`},
		{"authority of nothing", "{name: offline, key: cosign.pub, transparencyLog: not-required}", "{name: offline}", `p.yaml:20:9: neither key nor keyless`},
		{"two authorities of a name", "{name: offline,", "{name: release,", `p.yaml:20:16: another authority is called "release"`},
		{"missing key file", "key: cosign.pub", "key: other.pub", `p.yaml:20:30: read key "other.pub"`},
		{"key that is none", "key: cosign.pub", "key: github.json", `p.yaml:20:30: key "github.json": no PEM block`},
		{"missing root", "roots: [sigstore, github.json]", "roots: [sigstore, gitlab.json]", `p.yaml:19:27: read trust root "gitlab.json"`},
		{"root that is none", "roots: [sigstore, github.json]", "roots: [cosign.pub]", `trust root "cosign.pub" is not JSON`},
		{"none and a rule", "level: index-or-child", "none: true", `p.yaml:12:11: a rule that asks for no signature`},
		{"a rule of nothing", "none: true}", "none: false}", `p.yaml:23:5: the rule asks for nothing`},
		{"bad level of signing", "level: index-or-child", "level: any", `p.yaml:12:12: "any"; expected index-or-child or index`},
		{"pattern below a mirror", `"docker.io/**"`, `"mirror.acme.internal/dockerhub/**"`, `write the name of the original: docker.io`},
		{"mirror without a registry", "prefix: mirror.acme.internal/dockerhub", "prefix: dockerhub", `p.yaml:25:20: "dockerhub": it names no registry`},
		{"bad expression", `fail: 'config.created < now`, `fail: 'config.creatd < now`, `p.yaml:28:72: `},
		{"expression of no type", `fail: 'config.created < now - duration("2160h")'`, `fail: 'config.user'`, `p.yaml:28:72: `},
		{"bad condition", "certificate.runnerEnvironment ==", "certificate.runnerEnv ==", `p.yaml:18:18: `},
		{"bad condition of an attestation", "predicate.runDetails.builder.id.startsWith(", "predicat.startsWith(", `p.yaml:22:64: `},
		{"own rule of a name too short", "ACMEBASE001", "ACM001", `p.yaml:28:10: "ACM001"; expected the form`},
		{"bad regular expression", `'^\d+$'`, `'^(\d+$'`, `p.yaml:26:45: "^(\\d+$" is no regular expression`},
		{"exception without a day", ", expires: 2027-01-31", "", `the key "expires" is missing`},
		{"exception without a reason", "reason: setuid ping, ", "", `the key "reason" is missing`},
		{"exception on no day", "2027-01-31", "2027-02-31", `p.yaml:30:119: "2027-02-31"; expected a date`},
		{"exception at a time", "2027-01-31", "2027-01-31T12:00:00Z", `expected a date such as 2027-01-31`},
		{"path check without paths", "paths: [/bin/ping], ", "", `p.yaml:30:5: an exception from LAY003 needs paths, or all: true`},
		{"paths and all", "paths: [/bin/ping]", "paths: [/bin/ping], all: true", `paths and all: true`},
		{"paths where there are none", "check: LAY003", "check: DIG005", `findings of DIG005 are not about paths`},
		{"exception from a family", "check: LAY003", "check: LAY", `p.yaml:30:13: "LAY"; expected the form`},
		{"exception from no check", "check: LAY003", "check: LAY033", `no check is called "LAY033"`},
		{"relative path", "paths: [/bin/ping]", "paths: [bin/ping]", `expected one from the root`},
		{"scope of a folder", "paths: [deploy/prod/**]", "paths: [deploy/prod/]", `p.yaml:9:88: pattern "deploy/prod/" is of no file: paths are from the root of the repository; write deploy/prod/**`},
		{"scope from the root of the machine", "paths: [deploy/prod/**]", "paths: [/deploy]", `write deploy/**`},
		{"path with ..", "paths: [/bin/ping]", "paths: [/bin/../ping]", `".." is no name`},
		{"inline of nothing", "allowInline: []", "allowInline: [LAY]", `p.yaml:31:15: "LAY"; expected the ID of a check`},
		{"no policy at all", full, "", `p.yaml:1:1: the file is empty`},
		{"a text", full, "baseline", `p.yaml:1:1: the text "baseline"; expected a mapping`},
		{"not YAML", "depth: manifest", "depth: [manifest", `not valid YAML`},
		{"nothing decided", full, "schema: intact.policy/v1\nname: x\n", `p.yaml:1:1: the policy decides about no check`},
		{"not everything decided", full, "schema: intact.policy/v1\nname: x\nchecks: {DIG: deny, REF: deny, TAG: deny, SIG: deny, LAY: deny, RUN: deny}\n", `nothing says what to do about SET001, SET002`},
		{"anchor bomb", full, bomb(), `expands too far`},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			files := fullFiles(t)
			if !strings.Contains(full, row.old) {
				t.Fatalf("the full policy does not hold %q", row.old)
			}
			files["p.yaml"] = strings.Replace(full, row.old, row.new, 1)
			_, err := policy.Load(loader(files), "p.yaml")
			if err == nil {
				t.Fatal("loaded")
			}
			if !strings.Contains(err.Error(), row.want) {
				t.Errorf("got  %v\nwant %s", err, row.want)
			}
			if !place.MatchString(err.Error()) {
				t.Errorf("%v: no file, line and column first", err)
			}
		})
	}
}

// bomb is a policy of a few kilobytes that expands to 8 million names of roots.
func bomb() string {
	times := func(s string) string { return strings.Repeat(s+", ", 199) + s }
	return "schema: intact.policy/v1\nname: x\nsignatures:\n" +
		"  - &s {images: [x], anyOf: [&a {roots: &r [" + times("sigstore") + "]}, " + times("*a") + "]}\n" +
		strings.Repeat("  - *s\n", 200)
}
