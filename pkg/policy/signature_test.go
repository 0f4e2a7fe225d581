package policy_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/intact-dev/intact/pkg/check"
	"github.com/intact-dev/intact/pkg/fact"
	"github.com/intact-dev/intact/pkg/policy"
	"github.com/intact-dev/intact/pkg/policy/signing"
	"github.com/intact-dev/intact/pkg/ref"
)

const ruled = `schema: intact.policy/v1
name: p
extends: parent.yaml
signatures:
  - {name: all, images: ["**"], anyOf: [{key: keys/a.pub, transparencyLog: not-required}]}
  - {name: acme, images: ["ghcr.io/acme/**"], anyOf: [{key: keys/a.pub}]}
  - {name: repo, images: ["ghcr.io/acme/{repo}"], anyOf: [{keyless: {issuer: 'https://i.example', identity: 'https://x.example/acme/{repo}/y'}, roots: [own.json]}]}
  - {name: api, images: [ghcr.io/acme/api, nginx], none: true}
  - {name: org, images: ["ghcr.io/{org}/{repo}"], anyOf: [{key: keys/a.pub}]}
mirrors: [{prefix: mirror.acme.internal/hub, of: docker.io}, {prefix: mirror.acme.internal/hub/ghcr, of: ghcr.io}]
tags:
  - {images: ["ghcr.io/acme/**"], fixed: '\d+'}
  - {images: ["ghcr.io/acme/{repo}"], floating: 'v1\.0\.0', fixed: 'stable'}
`

const ruledParent = `schema: intact.policy/v1
name: parent
extends: baseline
signatures:
  - {name: parent api, images: [ghcr.io/acme/api], anyOf: [{key: b.pub}]}
  - {name: parent quay, images: ["quay.io/**"], anyOf: [{key: b.pub}]}
`

func ruledPolicy(t *testing.T) *policy.Policy {
	t.Helper()
	p, err := policy.Load(loader(map[string]string{
		"etc/p.yaml": ruled, "etc/parent.yaml": ruledParent, "etc/keys/a.pub": publicKey(t), "etc/b.pub": publicKey(t), "etc/own.json": "{}",
	}), "etc/p.yaml")
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestSignatureRule(t *testing.T) {
	t.Parallel()
	p := ruledPolicy(t)
	rows := []struct{ image, rule, identity string }{
		{"ghcr.io/acme/web", "repo", "https://x.example/acme/web/y"},
		{"ghcr.io/acme/web.js_2", "repo", "https://x.example/acme/web.js_2/y"},
		{"ghcr.io/acme/web/x", "acme", ""},
		{"ghcr.io/acme/api", "api", ""}, // the child's of two equal patterns
		{"ghcr.io/other/web", "org", ""},
		{"ghcr.io/acme", "all", ""},
		{"quay.io/x/y", "parent quay", ""},
		{"docker.io/library/nginx", "api", ""},
		{"docker.io/library/redis", "all", ""},
		{"mirror.acme.internal/hub/nginx", "api", ""},
		{"mirror.acme.internal/hub/library/nginx", "api", ""},
		{"mirror.acme.internal/hub/ghcr/acme/web", "repo", "https://x.example/acme/web/y"},
		{"mirror.acme.internal/hubris/nginx", "all", ""},
		{"", "all", ""},
	}
	for _, row := range rows {
		rule := p.SignatureRule(row.image)
		if rule.Name != row.rule {
			t.Errorf("%s: rule %q, want %q", row.image, rule.Name, row.rule)
		}
		if row.identity != "" && rule.AnyOf[0].Keyless.Identity != row.identity {
			t.Errorf("%s: identity %q, want %q", row.image, rule.AnyOf[0].Keyless.Identity, row.identity)
		}
	}
	if rule := load(t, head("x", "baseline")).SignatureRule("quay.io/x/y"); rule != nil {
		t.Errorf("a rule out of nothing: %+v", rule)
	}
	var ids []string
	for _, c := range p.SignatureChecks("ghcr.io/acme/web", signing.Options{}) {
		ids = append(ids, c.ID)
	}
	if diff := cmp.Diff([]string{"SIG001", "SIG002", "SIG003", "SIG004", "SIG005", "SIG006"}, ids); diff != "" {
		t.Error(diff)
	}
}

func TestTrust(t *testing.T) {
	t.Parallel()
	p := ruledPolicy(t)
	rows := []struct {
		image       string
		keys, roots []string
		public      bool
	}{
		{"docker.io/library/redis", []string{"etc/keys/a.pub"}, nil, false},
		{"ghcr.io/acme/web/x", []string{"etc/keys/a.pub"}, nil, true},
		{"ghcr.io/acme/web", nil, []string{"etc/own.json"}, false},
		{"quay.io/x/y", []string{"etc/b.pub"}, nil, true},
		{"docker.io/library/nginx", nil, nil, false},
	}
	for _, row := range rows {
		trust := p.Trust(row.image)
		var keys, roots []string
		for _, k := range trust.Keys {
			keys = append(keys, k.Name)
			if !strings.HasPrefix(string(k.PEM), "-----BEGIN PUBLIC KEY-----") {
				t.Errorf("%s: key %s is %q", row.image, k.Name, k.PEM)
			}
		}
		for _, r := range trust.Roots {
			roots = append(roots, r.Name)
		}
		if cmp.Diff(row.keys, keys) != "" || cmp.Diff(row.roots, roots) != "" || trust.Public != row.public || !trust.SCT {
			t.Errorf("%s: keys %v, roots %v, public %t, sct %t", row.image, keys, roots, trust.Public, trust.SCT)
		}
	}
	if own, public := p.Roots(); public || len(own) != 1 || own[0].Name != "etc/own.json" || len(own[0].JSON) == 0 {
		t.Errorf("all roots: %v, public %t", own, public)
	}
	// The rule names its keys and roots as Trust does.
	if rule := p.SignatureRule("ghcr.io/acme/web"); rule.AnyOf[0].Roots[0] != "etc/own.json" {
		t.Errorf("%+v", rule.AnyOf[0])
	}
}

func TestTagClass(t *testing.T) {
	t.Parallel()
	p := ruledPolicy(t)
	for text, want := range map[string]ref.Class{
		"ghcr.io/acme/a/b:12":                       ref.Fixed,
		"ghcr.io/acme/a:12":                         ref.Fixed,
		"ghcr.io/acme/a:x12":                        ref.Floating,
		"ghcr.io/acme/a:stable":                     ref.Fixed,
		"ghcr.io/acme/a:v1.0.0":                     ref.Floating,
		"ghcr.io/acme/a/b:v1.0.0":                   ref.Fixed,
		"ghcr.io/acme/a":                            "",
		"nginx:12":                                  ref.Floating,
		"mirror.acme.internal/hub/ghcr/acme/web:12": ref.Fixed,
	} {
		r, err := ref.Parse(text)
		if err != nil {
			t.Fatal(err)
		}
		if got := p.TagClass(r); got != want {
			t.Errorf("%s: %q, want %q", text, got, want)
		}
	}
}

func TestWithSignatures(t *testing.T) {
	t.Parallel()
	p := load(t, head("p", "audit")+"scopes: [{images: [nginx], checks: {SIG: off}}]\nsignatures: [{images: ['**'], none: true}]\n")
	nginx := policy.Subject{Image: "docker.io/library/nginx"}
	key := policy.Key{Name: "cosign.pub", PEM: []byte(publicKey(t))}
	q, err := p.WithSignatures(policy.SignatureOverride{
		AnyOf: []signing.Authority{{Key: "cosign.pub", TransparencyLog: signing.NotRequired}}, Keys: []policy.Key{key},
	})
	if err != nil {
		t.Fatal(err)
	}
	if level, rule := q.Level("SIG001", nginx); level != policy.LevelDeny || rule != "command line: SIG deny" {
		t.Errorf("%s by %q", level, rule)
	}
	if rule := q.SignatureRule("quay.io/x/y"); rule.None || len(rule.AnyOf) != 1 {
		t.Errorf("%+v", rule)
	}
	if trust := q.Trust(nginx.Image); len(trust.Keys) != 1 || trust.Public {
		t.Errorf("%+v", trust)
	}
	if p.Digest() == q.Digest() || p.Name() != q.Name() {
		t.Error("an override is not in the digest")
	}
	if level, _ := p.Level("SIG001", nginx); level != policy.LevelOff {
		t.Errorf("the policy itself changed: %s", level)
	}
	if v := q.Decide(nginx, now, []check.Result{failing("SIG001", check.Finding{})}, policy.Run{}); v.Decision != policy.Deny {
		t.Errorf("%s", v.Decision)
	}

	// What the policy accepts was accepted of its own rules.
	p = load(t, head("p", "audit")+"allowInline: [SIG001, LAY003]\nexceptions:\n"+
		"  - {check: SIG001, images: ['**'], reason: legacy, expires: 2099-01-31}\n"+
		"  - {check: LAY005, images: ['**'], reason: legacy, expires: 2099-01-31}\n")
	if q, err = p.WithSignatures(policy.SignatureOverride{AnyOf: []signing.Authority{{Key: "cosign.pub"}}, Keys: []policy.Key{key}}); err != nil {
		t.Fatal(err)
	}
	for id, want := range map[string]policy.Decision{"SIG001": policy.Deny, "LAY005": policy.Allow} {
		if v := q.Decide(nginx, now, []check.Result{failing(id, check.Finding{})}, policy.Run{}); v.Decision != want {
			t.Errorf("%s with an exception: %s, want %s", id, v.Decision, want)
		}
		if v := p.Decide(nginx, now, []check.Result{failing(id, check.Finding{})}, policy.Run{}); v.Decision != policy.Allow {
			t.Errorf("%s: the policy itself changed: %s", id, v.Decision)
		}
	}
	if q.AllowsInline("SIG001") || !q.AllowsInline("LAY003") || !p.AllowsInline("SIG001") {
		t.Error("comments that silence SIG001 are still let")
	}
	if q, err = p.WithSignatures(policy.SignatureOverride{SCT: signing.NotRequired}); err != nil || len(q.Exceptions()) != 2 {
		t.Errorf("no signer was replaced, and the policy has %d exceptions, %v", len(q.Exceptions()), err)
	}

	// Who asks for a signer and cannot be told is not let through by a policy that
	// lets other things through.
	p = load(t, head("p", "baseline")+"undecided: warn\nchecks: {SIG: deny}\n")
	if q, err = p.WithSignatures(policy.SignatureOverride{AnyOf: []signing.Authority{{Key: "cosign.pub"}}, Keys: []policy.Key{key}}); err != nil {
		t.Fatal(err)
	}
	for id, want := range map[string]policy.Decision{"SIG001": policy.Undecided, "DIG001": policy.Warn} {
		lost := []check.Result{{Check: id, Outcome: check.Undecided, Cause: fact.Network, Why: "no answer"}}
		if v := q.Decide(nginx, now, lost, policy.Run{}); v.Decision != want {
			t.Errorf("%s that is undecided: %s, want %s", id, v.Decision, want)
		}
		if v := p.Decide(nginx, now, lost, policy.Run{}); v.Decision != policy.Warn {
			t.Errorf("%s: the policy itself changed: %s", id, v.Decision)
		}
	}

	rooted, err := ruledPolicy(t).WithSignatures(policy.SignatureOverride{Roots: []policy.Root{{Name: "my.json", JSON: []byte("{}")}}})
	if err != nil {
		t.Fatal(err)
	}
	if trust := rooted.Trust("ghcr.io/acme/web"); trust.Public || len(trust.Roots) != 1 || trust.Roots[0].Name != "my.json" {
		t.Errorf("%+v", trust)
	}

	// A key beside a keyless signer is verified with what the other needs.
	both := []signing.Authority{{Keyless: &signing.Keyless{Issuer: "https://x.example", Identity: "https://x.example/a"}}, {Key: "cosign.pub"}}
	for name, tt := range map[string]struct {
		anyOf  []signing.Authority
		roots  []policy.Root
		own    int
		public bool
	}{
		"keyless":              {both[:1], nil, 0, true},
		"keyless by a file":    {both[:1], []policy.Root{{Name: "my.json", JSON: []byte("{}")}}, 1, false},
		"a key alone":          {both[1:], nil, 0, false},
		"keyless beside a key": {both, nil, 0, true},
	} {
		q, err := p.WithSignatures(policy.SignatureOverride{AnyOf: tt.anyOf, Keys: []policy.Key{key}, Roots: tt.roots})
		if err != nil {
			t.Fatal(err)
		}
		if own, public := q.Roots(); len(own) != tt.own || public != tt.public {
			t.Errorf("%s: %v, public %t", name, own, public)
		}
	}

	for name, o := range map[string]policy.SignatureOverride{
		"no such key": {AnyOf: []signing.Authority{{Key: "x"}}},
		"bad key":     {AnyOf: []signing.Authority{{Key: "x"}}, Keys: []policy.Key{{Name: "x", PEM: []byte("x")}}},
		"no issuer":   {AnyOf: []signing.Authority{{Keyless: &signing.Keyless{Identity: "https://x.example/a"}}}},
		"no identity": {AnyOf: []signing.Authority{{Keyless: &signing.Keyless{Issuer: "https://x.example"}}}},
		"nothing":     {AnyOf: []signing.Authority{{}}},
	} {
		if _, err := p.WithSignatures(o); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
	if _, err := (&policy.Policy{}).WithSignatures(policy.SignatureOverride{}); err == nil {
		t.Error("the zero policy took an override")
	}
}

// Of a bad signature one check fails. To switch that one off would let it through.
func TestSignatureOffTogether(t *testing.T) {
	t.Parallel()
	const rules = "signatures: [{images: [nginx], anyOf: [{key: cosign.pub}]}, {images: ['**'], none: true}]\n"
	nginx, redis := policy.Subject{Image: "docker.io/library/nginx"}, policy.Subject{Image: "docker.io/library/redis"}
	p := load(t, head("p", "baseline")+rules+"scopes: [{images: ['**'], checks: {SIG: off, SIG005: deny}}, {images: ['**'], checks: {SIG001: warn}}]\n")
	for _, row := range []struct {
		check   string
		subject policy.Subject
		level   policy.Level
	}{
		{"SIG001", nginx, policy.LevelWarn},
		{"SIG003", nginx, policy.LevelWarn},
		{"SIG006", nginx, policy.LevelWarn},
		{"SIG003", redis, policy.LevelOff},
		{"SIG005", nginx, policy.LevelDeny},
	} {
		if level, rule := p.Level(row.check, row.subject); level != row.level {
			t.Errorf("%s of %s: %s by %q", row.check, row.subject.Image, level, rule)
		}
	}
	all := load(t, head("p", "baseline")+rules+"checks: {SIG: off}\n")
	if level, _ := all.Level("SIG003", nginx); level != policy.LevelOff {
		t.Errorf("all off: %s", level)
	}
	for _, text := range []string{"checks: {SIG003: off}\n", "scopes: [{images: [nginx], checks: {SIG003: off}}]\n"} {
		files := fullFiles(t)
		files["p.yaml"] = head("p", "baseline") + rules + text
		if _, err := policy.Load(loader(files), "p.yaml"); err == nil || !strings.Contains(err.Error(), "SIG003 cannot be off by itself") {
			t.Errorf("%s: %v", text, err)
		}
	}
}
