package policy_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/intact-dev/intact/pkg/checks"
	"github.com/intact-dev/intact/pkg/policy"
	"github.com/intact-dev/intact/pkg/policy/signing"
)

// A released policy never changes: what it decided about an image it decides
// for ever. A new digest here means a new version and a new file instead.
func TestEmbeddedDigests(t *testing.T) {
	want := map[string]string{
		"baseline@1": "sha256:82add24eff45ba337ab4a30da88c352fc0529070ea5bc89f6d4a10d2ab070b2a",
		"strict@1":   "sha256:4723a39ce4593bd942de918c44f0c66dcbc221d5e731fed85abfece09418acbb",
		"audit@1":    "sha256:c50ddfa6eaba35465c9ce722db7711bb04d65949de098deb04dd4c2e5726c258",
	}
	got := map[string]string{}
	for name := range want {
		p, err := policy.Load(loader(nil), name)
		if err != nil {
			t.Fatal(err)
		}
		got[name] = string(p.Digest())
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestEmbeddedDecisions(t *testing.T) {
	t.Parallel()
	deny := []string{"DIG001", "DIG002", "DIG003", "DIG004", "DIG006", "DIG008", "SIG002", "SIG004", "REF005", "TAG001", "TAG006"}
	warn := []string{
		"REF001", "REF002", "REF003", "REF004", "LAY002", "LAY005", "LAY007", "LAY008", "DIG005", "DIG007",
		"RUN001", "RUN002", "RUN003", "RUN004", "RUN005", "RUN006", "RUN008", "RUN009", "RUN010", "RUN011", "RUN012", "RUN013", "RUN015",
		"SET002", "SET004", "TAG002", "TAG003", "REF006", "REF007", "REG001",
	}
	off := []string{"LAY001", "LAY003", "LAY004", "LAY006", "LAY009", "RUN007", "RUN014", "SET001", "SET003", "SET005", "SET006"}
	// What a signature rule requires denies, once there is a rule.
	deny = append(deny, "SIG001", "SIG003", "SIG005", "SIG006")

	expect := func(name string, level policy.Level, ids []string) {
		t.Helper()
		p, err := policy.Load(loader(nil), name)
		if err != nil {
			t.Fatal(err)
		}
		for _, id := range ids {
			if got, rule := p.Level(id, policy.Subject{Image: "docker.io/library/nginx"}); got != level {
				t.Errorf("%s: %s is %s by %q, want %s", name, id, got, rule, level)
			}
		}
	}
	expect("baseline", policy.LevelDeny, deny)
	expect("baseline", policy.LevelWarn, warn)
	expect("baseline", policy.LevelOff, off)
	all := append(append(append([]string{}, deny...), warn...), off...)
	expect("strict", policy.LevelDeny, all)
	expect("audit", policy.LevelWarn, all)

	for name, depth := range map[string]policy.Depth{
		"baseline": policy.DepthManifest, "strict": policy.DepthLayers, "audit": policy.DepthManifest,
	} {
		p, err := policy.Load(loader(nil), name)
		if err != nil {
			t.Fatal(err)
		}
		if p.Depth() != depth || p.Name() != name+"@1" {
			t.Errorf("%s: name %q, depth %q; want version 1 and %q", name, p.Name(), p.Depth(), depth)
		}
	}
}

// Each check that exists has a place in each embedded policy.
func TestEmbeddedCover(t *testing.T) {
	t.Parallel()
	l := loader(nil)
	l.Checks = append(checks.All(), signing.Checks(nil, signing.Options{})...)
	for _, name := range []string{"baseline", "strict", "audit"} {
		p, err := policy.Load(l, name)
		if err != nil {
			t.Error(err)
			continue
		}
		for _, problem := range p.Lint(now) {
			t.Error(problem)
		}
	}
}
