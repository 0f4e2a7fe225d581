package policy_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/intact-dev/intact/pkg/policy"
)

func head(name, extends string) string {
	return "schema: intact.policy/v1\nname: " + name + "\nextends: " + extends + "\n"
}

// What counts of a child, its parent, a family and its check.
func TestExtends(t *testing.T) {
	t.Parallel()
	files := map[string]string{
		"team/p.yaml":    head("p", "../org/base.yaml") + "checks: {LAY: warn, TAG001: off}\n",
		"org/base.yaml":  head("base", "baseline") + "checks: {LAY002: deny, REF: deny, REF003: warn}\n",
		"org/later.yaml": head("later", "base.yaml") + "checks: {REF: off}\n",
	}
	rows := []struct {
		file, check string
		level       policy.Level
		rule        string
	}{
		{"org/base.yaml", "LAY002", policy.LevelDeny, "base: LAY002 deny"},
		{"org/base.yaml", "LAY005", policy.LevelWarn, "baseline@1: LAY005 warn"},
		{"org/base.yaml", "REF005", policy.LevelDeny, "base: REF deny"},
		{"org/base.yaml", "REF003", policy.LevelWarn, "base: REF003 warn"},
		{"team/p.yaml", "LAY002", policy.LevelWarn, "p: LAY warn"},
		{"team/p.yaml", "LAY001", policy.LevelWarn, "p: LAY warn"},
		{"team/p.yaml", "TAG001", policy.LevelOff, "p: TAG001 off"},
		{"team/p.yaml", "TAG006", policy.LevelDeny, "baseline@1: TAG006 deny"},
		{"team/p.yaml", "REF003", policy.LevelWarn, "base: REF003 warn"},
		{"org/later.yaml", "REF003", policy.LevelOff, "later: REF off"},
		{"org/later.yaml", "REF005", policy.LevelOff, "later: REF off"},
	}
	for _, row := range rows {
		p, err := policy.Load(loader(files), row.file)
		if err != nil {
			t.Fatal(err)
		}
		if level, rule := p.Level(row.check, policy.Subject{}); level != row.level || rule != row.rule {
			t.Errorf("%s: %s: %s by %q, want %s by %q", row.file, row.check, level, rule, row.level, row.rule)
		}
	}
}

func TestExtendsRefuses(t *testing.T) {
	t.Parallel()
	files := map[string]string{
		"a.yaml": head("a", "b.yaml"), "b.yaml": head("b", "./a.yaml"), "self.yaml": head("self", "self.yaml"),
		"missing.yaml": head("missing", "nowhere.yaml"), "broken.yaml": head("broken", "bad.yaml"), "bad.yaml": "schema: 1\n",
	}
	for i := range 10 {
		files[fmt.Sprintf("d%d.yaml", i)] = head("d", fmt.Sprintf("d%d.yaml", i+1))
	}
	files["d10.yaml"] = head("d", "baseline")
	for name, want := range map[string]string{
		"a.yaml":       "a.yaml → b.yaml → a.yaml",
		"self.yaml":    "it extends itself: self.yaml → self.yaml",
		"d0.yaml":      "more than 8 policies extend each other",
		"missing.yaml": `missing.yaml:3:10: load policy "nowhere.yaml"`,
		"broken.yaml":  "bad.yaml:1:9: the number",
		"absent.yaml":  "file does not exist",
		"basline":      `there are audit, baseline, strict; did you mean "baseline"?`,
		"baseline@2":   `did you mean "baseline@1"?`,
	} {
		if _, err := policy.Load(loader(files), name); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %s", name, err, want)
		}
	}
	if p, err := policy.Load(loader(files), "d4.yaml"); err != nil || p.Name() != "d" {
		t.Errorf("8 policies that extend each other: %v", err)
	}
}

// A check newer than since is warned about where only a family denies it.
func TestSince(t *testing.T) {
	t.Parallel()
	rows := []struct {
		text  string
		level policy.Level
		rule  string
	}{
		{head("p", "baseline"), policy.LevelWarn, "p: nothing names LAY010, which is newer than since 2026-11: warn"},
		{head("p", "baseline") + "checks: {LAY: deny}\n", policy.LevelWarn, "p: LAY deny; LAY010 is newer than since 2026-11: warn"},
		{head("p", "baseline") + "since: \"2027-02\"\nchecks: {LAY: deny}\n", policy.LevelDeny, "p: LAY deny"},
		{head("p", "baseline") + "checks: {LAY010: deny}\n", policy.LevelDeny, "p: LAY010 deny"},
		{head("p", "baseline") + "checks: {LAY: off}\n", policy.LevelOff, "p: LAY off"},
	}
	for _, row := range rows {
		if level, rule := load(t, row.text).Level("LAY010", policy.Subject{}); level != row.level || rule != row.rule {
			t.Errorf("%s by %q, want %s by %q", level, rule, row.level, row.rule)
		}
	}
}

func TestScopes(t *testing.T) {
	t.Parallel()
	p := load(t, head("p", "baseline")+`checks: {REF001: warn}
scopes:
  - {clusters: [prod-*], checks: {REF: deny}}
  - {namespaces: [shop, pay], images: ["ghcr.io/acme/**"], checks: {REF001: off}}
  - {paths: [deploy/prod/**], checks: {REF001: deny}}
  - {clusters: [prod-eu], paths: ['deploy/*/x.yaml'], checks: {REF001: warn}}
mirrors: [{prefix: mirror.acme.internal/ghcr, of: ghcr.io}]
`)
	rows := []struct {
		subject policy.Subject
		rule    string
	}{
		{policy.Subject{}, "p: REF001 warn"},
		{policy.Subject{Cluster: "prod-eu"}, "p scopes[0]: REF deny"},
		{policy.Subject{Cluster: "production"}, "p: REF001 warn"},
		{policy.Subject{Cluster: "prod-a/b"}, "p: REF001 warn"},
		{policy.Subject{Cluster: "prod-eu", Namespace: "shop", Image: "ghcr.io/acme/api"}, "p scopes[1]: REF001 off"},
		{policy.Subject{Cluster: "prod-eu", Namespace: "shop", Image: "mirror.acme.internal/ghcr/acme/api"}, "p scopes[1]: REF001 off"},
		{policy.Subject{Cluster: "prod-eu", Namespace: "shop", Image: "ghcr.io/other/api"}, "p scopes[0]: REF deny"},
		{policy.Subject{Namespace: "shop", Image: "ghcr.io/acme/api", Path: "deploy/prod/a/b.yaml"}, "p scopes[2]: REF001 deny"},
		{policy.Subject{Path: "deploy/prod"}, "p: REF001 warn"},
		{policy.Subject{Path: "deploy/prod/../dev/x.yaml"}, "p: REF001 warn"},
		{policy.Subject{Cluster: "prod-eu", Path: "deploy/prod/x.yaml"}, "p scopes[3]: REF001 warn"},
	}
	for _, row := range rows {
		if _, rule := p.Level("REF001", row.subject); rule != row.rule {
			t.Errorf("%+v: %q, want %q", row.subject, rule, row.rule)
		}
	}
}

// The digest is of what a policy says, not of how it is written.
func TestDigest(t *testing.T) {
	t.Parallel()
	files := fullFiles(t)
	digest := func(text string, change func(map[string]string)) string {
		t.Helper()
		mine := map[string]string{}
		for name, text := range files {
			mine[name] = text
		}
		mine["p.yaml"] = text
		if change != nil {
			change(mine)
		}
		p, err := policy.Load(loader(mine), "p.yaml")
		if err != nil {
			t.Fatal(err)
		}
		return string(p.Digest())
	}
	first := digest(full, nil)
	for name, text := range map[string]string{
		"a comment":          "# comment\n" + full,
		"order of keys":      strings.Replace(full, "name: prod\n", "", 1) + "name: prod\n",
		"quotes":             strings.Replace(full, "name: prod", `name: "prod"`, 1),
		"the newest version": strings.Replace(full, "baseline@1", "baseline", 1),
	} {
		if got := digest(text, nil); got != first {
			t.Errorf("%s: the digest changed", name)
		}
	}
	seen := map[string]string{first: "the policy itself"}
	for name, got := range map[string]string{
		"a level":       digest(strings.Replace(full, "LAY: warn", "LAY: deny", 1), nil),
		"a parent":      digest(strings.Replace(full, "baseline@1", "strict@1", 1), nil),
		"a reason":      digest(strings.Replace(full, "setuid ping", "setuid ping!", 1), nil),
		"a day":         digest(strings.Replace(full, "2027-01-31", "2027-01-30", 1), nil),
		"a key's bytes": digest(full, func(m map[string]string) { m["cosign.pub"] = publicKey(t) }),
		"a root's":      digest(full, func(m map[string]string) { m["github.json"] = "{}" }),
		"an expression": digest(strings.Replace(full, "2160h", "2161h", 1), nil),
	} {
		if other, ok := seen[got]; ok {
			t.Errorf("%s: the digest is that of %s", name, other)
		}
		seen[got] = name
	}
}

func TestOwnRules(t *testing.T) {
	t.Parallel()
	p := load(t, full)
	own := p.Checks(now)
	if len(own) != 1 || own[0].ID != "ACMEBASE001" {
		t.Fatalf("%+v", own)
	}
	for text, want := range map[string]string{
		full: "prod: ACMEBASE001 warn",
		strings.Replace(full, "LAY: warn}", "LAY: warn, ACMEBASE: deny}", 1):   "prod: ACMEBASE001 warn",
		strings.Replace(full, "LAY: warn}", "LAY: warn, ACMEBASE001: off}", 1): "prod: ACMEBASE001 off",
	} {
		if _, rule := load(t, text).Level("ACMEBASE001", policy.Subject{}); rule != want {
			t.Errorf("%q, want %q", rule, want)
		}
	}
	if diff := cmp.Diff([]string{"https://slsa.dev/provenance/v1"}, p.PredicateTypes()); diff != "" {
		t.Error(diff)
	}
}

func TestAllowInline(t *testing.T) {
	t.Parallel()
	files := map[string]string{
		"a.yaml": head("x", "baseline") + "allowInline: [REF001]\n",
		"b.yaml": head("x", "a.yaml"),
		"c.yaml": head("x", "a.yaml") + "allowInline: []\n",
	}
	digests := map[string]bool{}
	for name, want := range map[string]bool{"a.yaml": true, "b.yaml": true, "c.yaml": false, "baseline": false} {
		p, err := policy.Load(loader(files), name)
		if err != nil {
			t.Fatal(err)
		}
		if got := p.AllowsInline("REF001"); got != want {
			t.Errorf("%s: %t", name, got)
		}
		digests[string(p.Digest())] = true
	}
	if len(digests) != 4 {
		t.Error("two of the policies have one digest")
	}
}

// Names of files are resolved against the file that names them, on Windows too.
func TestPaths(t *testing.T) {
	t.Parallel()
	for file, want := range map[string][]string{
		"p.yaml":           {"p.yaml", "org/base.yaml"},
		"./sub/p.yaml":     {"sub/p.yaml", "sub/org/base.yaml"},
		"../p.yaml":        {"../p.yaml", "../org/base.yaml"},
		"/etc/p.yaml":      {"/etc/p.yaml", "/etc/org/base.yaml"},
		"C:/policy/p.yaml": {"C:/policy/p.yaml", "C:/policy/org/base.yaml"},
	} {
		var got []string
		l := loader(nil)
		l.ReadFile = func(name string) ([]byte, error) {
			got = append(got, name)
			if len(got) == 1 {
				return []byte(head("p", "./org/base.yaml")), nil
			}
			return []byte(head("base", "baseline")), nil
		}
		if _, err := policy.Load(l, file); err != nil {
			t.Error(err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s: %s", file, diff)
		}
	}
}
