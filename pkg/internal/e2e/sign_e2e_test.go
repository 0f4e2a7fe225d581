//go:build e2e && linux

package e2e_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/intact-dev/intact/pkg/internal/testground"
)

func testCosignV2(t *testing.T, g *ground) {
	built, ref := g.push(t, app("v2"), "signed/v2:1.0.0")
	ok(t, g.v2.SignV2(t.Context(), g.key, atDigest(ref, built)))
	g.wantSigned(t, ref)
	g.scan(t, ref).want(t, 0, nil, "ALLOWED") // nobody requires a signature

	// The signature is in no transparency log, which is required unless waived.
	s := g.scan(t, "--key", g.key.Public, ref)
	if s.code == 0 || !slices.Contains(append(s.checks("fail"), s.checks("undecided")...), "SIG001") {
		t.Errorf("without a log: exit code %d\n%s", s.code, s.stdout)
	}
}

func testCosignV3(t *testing.T, g *ground) {
	referrers := testground.StartReferrersRegistry()
	t.Cleanup(referrers.Close)
	for name, ref := range map[string]string{
		"fallback tag":  g.registry.Ref("signed/v3:1.0.0"),
		"referrers API": referrers.Ref("signed/v3:1.0.0"),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			built := must(testground.PushSpec(t.Context(), t.TempDir(), app("v3"), ref))(t)
			ok(t, g.v3.SignV3(t.Context(), g.key, atDigest(ref, built)))
			g.wantSigned(t, ref)
			g.scan(t, ref).want(t, 0, nil, "ALLOWED")
			g.scan(t, "--insecure-ignore-tlog", "--key", g.otherKey(t).Public, ref).want(t, 1, []string{"SIG001"}, "DENIED")
		})
	}
}

// wantSigned scans for a signature by the ground's key.
func (g *ground) wantSigned(t *testing.T, ref string) {
	t.Helper()
	s := g.scan(t, "--key", g.key.Public, "--insecure-ignore-tlog", ref)
	s.want(t, 0, nil, "ALLOWED", "signed ok")
	if !slices.Contains(s.checks("pass"), "SIG001") {
		t.Errorf("SIG001 is %+v, want pass", s.results("SIG001"))
	}
}

func (g *ground) otherKey(t *testing.T) testground.Key {
	t.Helper()
	other := *g.v2
	other.Home = t.TempDir()
	return must(other.GenerateKey(t.Context(), "other"))(t)
}

func testUnsigned(t *testing.T, g *ground) {
	_, ref := g.push(t, app("unsigned"), "unsigned:1.0.0")
	for _, flags := range [][]string{{"--key", g.key.Public}, {"--key", g.key.Public, "--insecure-ignore-tlog"}} {
		s := g.scan(t, append(flags, ref)...)
		s.want(t, 1, []string{"SIG001"}, "DENIED", "DENY SIG001", "fix:")
	}
	g.scan(t, ref).want(t, 0, nil, "ALLOWED")
}

func testWrongKey(t *testing.T, g *ground) {
	built, ref := g.push(t, app("wrong key"), "signed/other:1.0.0")
	other := g.otherKey(t)
	ok(t, g.v2.SignV2(t.Context(), other, atDigest(ref, built)))
	g.scan(t, "--key", g.key.Public, "--insecure-ignore-tlog", ref).want(t, 1, []string{"SIG001"}, "DENIED")
	ok(t, g.v2.SignV2(t.Context(), g.key, atDigest(ref, built)))
	g.wantSigned(t, ref) // one good signature among others is enough
}

// A signature that is moved to another image says so.
func testReplayed(t *testing.T, g *ground) {
	good, ref := g.push(t, app("good"), "signed/replayed:1.0.0")
	ok(t, g.v2.SignV2(t.Context(), g.key, atDigest(ref, good)))
	bad, badRef := g.push(t, app("bad"), "signed/replayed:1.0.1")
	skopeo := must(testground.Command("skopeo", "skopeo"))(t)
	sig := func(hex string) string { return "docker://" + g.registry.Ref("signed/replayed:sha256-"+hex+".sig") }
	cmd := g.tool(t, skopeo, "copy", "--quiet", "--insecure-policy", "--src-tls-verify=false", "--dest-tls-verify=false",
		sig(good.Root.Descriptor.Digest.Hex()), sig(bad.Root.Descriptor.Digest.Hex()))
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	g.wantSigned(t, ref)
	s := g.scan(t, "--key", g.key.Public, "--insecure-ignore-tlog", badRef)
	s.want(t, 1, s.denied(), "DENIED", "SIG004")
	if !slices.Contains(s.denied(), "SIG004") {
		t.Errorf("denied are %v, want SIG004 among them", s.denied())
	}
	if !strings.Contains(s.stdout, string(good.Root.Descriptor.Digest)[:19]) {
		t.Errorf("the report does not say which image was signed:\n%s", s.stdout)
	}
}

// An index that alone is signed covers its children, unless the policy wants
// each child signed.
func testIndex(t *testing.T, g *ground) {
	built, ref := g.push(t, app("index", "linux/amd64", "linux/arm64"), "signed/index:1.0.0")
	ok(t, g.v2.SignV2(t.Context(), g.key, atDigest(ref, built)))
	g.wantSigned(t, ref)
	all := g.scan(t, "--platform", "all", "--key", g.key.Public, "--insecure-ignore-tlog", ref)
	all.want(t, 0, nil, "index of 2 platforms", "linux/arm64")

	level := func(level string) string {
		dir := t.TempDir()
		key := must(os.ReadFile(g.key.Public))(t)
		ok(t, os.WriteFile(filepath.Join(dir, "key.pub"), key, 0o600))
		name := filepath.Join(dir, "policy.yaml")
		ok(t, os.WriteFile(name, []byte("schema: intact.policy/v1\nname: levels\nextends: baseline@1\nchecks: {SIG: deny}\nsignatures:\n"+
			"  - images: ['**']\n    level: "+level+"\n    anyOf:\n      - {name: release, key: key.pub, transparencyLog: not-required}\n"), 0o600))
		return name
	}
	for _, l := range []string{"index", "index-or-child"} {
		g.scan(t, "--policy", level(l), ref).want(t, 0, nil, "ALLOWED")
	}
	for _, l := range []string{"child", "both"} {
		g.scan(t, "--policy", level(l), "--platform", "all", ref).want(t, 1, []string{"SIG006"}, "DENIED", "DENY SIG006")
	}
	ok(t, g.v2.SignV2(t.Context(), g.key, atDigest(ref, built), "--recursive"))
	g.scan(t, "--policy", level("both"), "--platform", "all", ref).want(t, 0, nil, "ALLOWED")
}
