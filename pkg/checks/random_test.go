package checks_test

import (
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/intact-dev/intact/pkg/check"
	"github.com/intact-dev/intact/pkg/check/checktest"
	"github.com/intact-dev/intact/pkg/checks"
	"github.com/intact-dev/intact/pkg/fact"
	"github.com/intact-dev/intact/pkg/ref"
)

// A maker draws facts about workloads, contradictory ones too: what bytes of JSON
// rarely hit.
type maker struct{ *rand.Rand }

func pick[T any](m maker, from ...T) T { return from[m.IntN(len(from))] }

func (m maker) flip() bool { return m.IntN(2) == 0 }

func drawn[T any](m maker, v T) fact.Value[T] {
	switch m.IntN(6) {
	case 0:
		return fact.None[T]()
	case 1:
		return fact.Missing[T](pick(m, fact.Network, fact.NotAsked, fact.NotGathered), pick(m, "", "lost"))
	}
	return fact.Of(v)
}

func (m maker) digest() ref.Digest {
	return pick(m, "", ref.DigestOf([]byte("a"), ""), ref.DigestOf([]byte("b"), ""), ref.DigestOf([]byte("b"), "sha512:"))
}

func (m maker) comparison() fact.Comparison {
	return fact.Comparison{Answer: pick(m, fact.AnswerUnknown, fact.AnswerSame, fact.AnswerDifferent), Why: pick(m, "", "gone")}
}

func (m maker) maybe() *fact.Comparison {
	if c := m.comparison(); m.flip() {
		return &c
	}
	return nil
}

func (m maker) tri() fact.Tri { return pick(m, fact.TriUnknown, fact.Yes, fact.No) }

func (m maker) path() string {
	return pick(m, "/", "/app", "/app/server", "/app/data/x/y/z", "/tmp", "/usr/lib", "/etc", "/data", "app", "", "/opt/venv/bin", "/opt")
}

func (m maker) reference() ref.Ref {
	return ref.Ref{Name: pick(m, "", "nginx", "ghcr.io/acme/cart"), Tag: pick(m, "", "latest", "1.2.3"), Digest: m.digest()}
}

func (m maker) container() fact.Container {
	return fact.Container{
		Role:    pick(m, fact.RoleMain, fact.RoleInit, fact.RoleSidecar, fact.RoleEphemeral, fact.RoleVolume),
		Phase:   pick(m, "", fact.PhaseRunning, fact.PhaseWaiting, fact.PhaseFinished),
		Runtime: pick(m, "", "kubernetes", "docker"), Image: pick(m, "", "nginx:1.2.3", "sha256:"+ref.DigestOf(nil, "").Hex()), Ref: m.reference(),
		Rewrite: pick(m, "", fact.RewritePlaceholder, fact.RewriteDigest, fact.RewriteMirror, fact.RewriteOther),
		Added:   m.flip(), Injected: m.flip(), Static: m.flip(), Owner: pick(m, "", "Job"), NoTemplate: pick(m, "", "forbidden"),
		Platform: ref.Platform{OS: pick(m, "", "linux", "windows")},
	}
}

func (m maker) settings() fact.Settings {
	s := fact.Settings{
		Runtime: pick(m, "", "kubernetes", "docker"), PullPolicy: pick(m, "", "Always", "IfNotPresent", "Never", "x"), ReadOnlyRoot: m.flip(),
		Privileged: m.flip(), MayEscalate: m.tri(), RunAsNonRoot: m.flip(), User: pick(m, "", "app", "0", "1000:1000", "root"),
		Capabilities: pick(m, nil, []string{"CAP_SYS_ADMIN"}, []string{"CHOWN"}), HostUsers: m.tri(),
	}
	if m.flip() {
		uid := int64(m.IntN(2) * 1000)
		s.RunAsUser = &uid
	}
	for range m.IntN(3) {
		s.Mounts = append(s.Mounts, fact.Mount{Path: fact.Bytes(m.path()), Kind: pick(m, "emptyDir", "configMap", "hostPath"), ReadOnly: m.flip()})
		s.Configs = append(s.Configs, fact.ConfigObject{Immutable: m.tri(), Cause: pick(m, fact.NotGathered, fact.NotAsked, fact.Forbidden)})
	}
	return s
}

func (m maker) tree() fact.Filesystem {
	t := fact.Filesystem{Entrypoint: fact.Entrypoint{Program: fact.Bytes(m.path())}, Privileged: pick(m, nil, []fact.PathGroup{{Paths: []fact.Bytes{"/bin/su"}}})}
	t.Code = drawn(m, fact.Code{Paths: pick(m, nil, []fact.Bytes{"/app/server", "/app/data/x"}), Depth: m.IntN(4)})
	return t
}

func (m maker) revision() fact.Revision {
	if m.IntN(3) == 0 {
		return fact.Revision{Name: "good"}
	}
	return fact.Revision{Name: "r", Images: []fact.RevisionImage{{
		Ref: m.reference(), Ran: m.digest(), Judged: drawn(m, fact.Judged{Decision: pick(m, "", "allow", "deny", "undecided")}),
		Blobs: pick(m, fact.List[fact.Blob]{}, fact.NoList[fact.Blob](), fact.ListOf[fact.Blob](), fact.ListOf(drawn(m, fact.Blob{Role: "layer", Present: m.flip()}))),
	}}}
}

// restorable is a revision that a rollback restores: chance makes one too rarely.
func restorable() fact.Revision {
	return fact.Revision{Name: "r", Images: []fact.RevisionImage{{
		Ref: ref.Ref{Name: "nginx", Digest: ref.DigestOf(nil, "")}, Judged: fact.Of(fact.Judged{Decision: "allow"}),
		Blobs: fact.ListOf(fact.Of(fact.Blob{Role: "layer", Present: true})),
	}}}
}

func (m maker) change() fact.FileChange {
	return fact.FileChange{
		Path: fact.Bytes(m.path()), What: pick(m, "added", "changed", "removed", "mode", ""), Digest: m.digest(), Was: m.digest(), Claimed: m.flip(),
		Kind: pick(m, fact.FileExecutable, fact.FileLibrary, fact.FileScript, fact.FileConfiguration, fact.FileData, ""),
	}
}

func (m maker) past() fact.Past {
	return fact.Past{Digest: m.digest(), Platforms: pick(m, nil, map[string]ref.Digest{"linux/amd64": ref.DigestOf([]byte("a"), "")})}
}

func (m maker) image() fact.Image {
	return fact.Image{
		Root: ref.Descriptor{Digest: m.digest()}, Incomplete: pick(m, "", "limit"),
		Platforms: []fact.Child{{Platform: ref.Platform{OS: "linux", Architecture: "amd64"}, Manifest: m.digest()}},
	}
}

func (m maker) declared() fact.Declared {
	d := fact.Declared{Unresolved: pick(m, 0, 0, 1)}
	for range m.IntN(3) {
		d.In = append(d.In, fact.Declaration{Where: "a.yaml:1", Image: "nginx", Same: m.comparison()})
	}
	return d
}

func (m maker) object() fact.Object {
	return fact.Object{
		Kind: pick(m, fact.ObjectRegistry, fact.ObjectPlay), Type: "x", Name: "y", Action: pick(m, "", "package nginx"), Unresolved: pick(m, "", "a variable"),
		TagsMutable: pick(m, "", fact.TagsImmutable, fact.TagsMutable, fact.TagsPartly), Exclusions: pick(m, nil, []string{"sha256-*"}, []string{"*"}),
	}
}

func (m maker) set() fact.Set {
	s := fact.Set{
		Reference: drawn(m, fact.Reference{
			Ref: m.reference(), Text: "nginx", Kind: pick(m, ref.KindImage, ref.KindMachineImage, ref.KindAction), Class: pick(m, "", ref.Fixed, ref.Floating),
		}),
		Resolution: drawn(m, fact.Resolution{Digest: m.digest(), By: pick(m, "tag", "tag", "digest", "source")}),
		TagHistory: drawn(m, fact.TagHistory{By: "intact.lock", Tag: "latest", Before: m.past(), Earlier: pick(m, nil, []fact.Past{m.past()})}),
		Image:      drawn(m, m.image()), Declared: drawn(m, m.declared()), Object: drawn(m, m.object()),
		Container: drawn(m, m.container()), Settings: drawn(m, m.settings()),
		Running: drawn(m, fact.Running{
			Reported: "x", Digest: m.digest(), Kind: pick(m, "", fact.DigestIndex, fact.DigestConfig), Found: pick(m, "", "docker.io/library/nginx"),
			Index: m.digest(), Unheard: pick(m, "", "reset"), UnheardCause: pick(m, fact.Network, fact.NotAsked), Declared: m.maybe(), Template: m.maybe(),
		}),
		Forecast: drawn(m, fact.Forecast{
			Tag: "1", PullPolicy: pick(m, "", "Always", "IfNotPresent", "Never", "x"), PointsTo: m.digest(), Now: m.comparison(), OnNode: m.digest(),
			Cached: m.maybe(), Mirror: pick(m, "", "mirror"), Upstream: m.digest(),
		}),
		Judged: drawn(m, fact.Judged{Image: "nginx", Decision: pick(m, "allow", "warn", "deny", "undecided"), Reasons: []string{"SIG001"}}),
		Config: drawn(m, fact.Config{
			User: pick(m, "", "app", "1000", "root", "4294967296"), Entrypoint: []string{m.path()}, WorkingDir: m.path(), Env: pick(m, nil, []string{"PATH=/opt/venv/bin"}),
			Volumes: pick(m, nil, []string{"/app"}, []string{"/data"}), Platform: ref.Platform{OS: pick(m, "linux", "windows")},
		}),
		User:       drawn(m, fact.User{Spec: pick(m, "", "app", "1000"), UID: uint32(m.IntN(2) * 1000)}),
		Filesystem: drawn(m, m.tree()),
		Group: drawn(m, fact.Group{Image: "nginx", Rollout: m.flip(), Versions: pick(m, nil, []fact.Version{{Digest: m.digest(), Count: 2}, {
			Digest: m.digest(), Count: 1, Apart: m.comparison(),
		}})}),
	}
	s.Changes = pick(m, fact.NoList[fact.FileChange](), fact.ListOf[fact.FileChange](), fact.ListOf(drawn(m, m.change()), drawn(m, m.change())))
	s.Revisions = pick(m, fact.List[fact.Revision]{}, fact.NoList[fact.Revision](), fact.ListOf(drawn(m, m.revision()), drawn(m, m.revision())), fact.ListOf(fact.Of(restorable())))
	if m.IntN(4) == 0 {
		m.compared(&s)
	}
	return s
}

// compared sets what the checks on records and files need: chance brings it
// together too rarely.
func (m maker) compared(s *fact.Set) {
	r := fact.Reference{Ref: ref.Ref{Name: "nginx", Tag: "x"}, Text: "nginx:x", Kind: ref.KindImage, Class: pick(m, ref.Fixed, ref.Floating)}
	a, b, c := ref.DigestOf([]byte("a"), ""), ref.DigestOf([]byte("b"), ""), ref.DigestOf([]byte("c"), "")
	s.Reference = fact.Of(r)
	s.Resolution = fact.Of(fact.Resolution{Digest: pick(m, a, b, c), By: "tag"})
	if pick(m, false, false, true, false) {
		s.Resolution = fact.Missing[fact.Resolution](pick(m, fact.NotFound, fact.Network), "404")
	}
	s.TagHistory = fact.Of(fact.TagHistory{By: pick(m, "ledger", "intact.lock"), Tag: "x", Before: fact.Past{Digest: a}, Earlier: []fact.Past{{Digest: b}}})
	s.Container = fact.Of(fact.Container{Phase: fact.PhaseRunning, Image: "nginx:x", Runtime: "kubernetes"})
	s.Declared, s.Settings = fact.Of(m.declared()), fact.Of(m.settings())
}

// The other checks of what files say, and of what tags were.
var ofFiles = map[string]bool{"TAG002": true, "TAG003": true, "TAG004": true, "TAG005": true, "REF006": true, "REF007": true, "REG001": true}

func TestRandom_facts_keep_the_properties(t *testing.T) {
	t.Parallel()
	m := maker{rand.New(rand.NewPCG(3, 11))}
	outcomes := map[string]map[check.Outcome]int{}
	for range 100 {
		s := m.set()
		for _, c := range checks.All() {
			if !strings.HasPrefix(c.ID, "RUN") && !strings.HasPrefix(c.ID, "SET") && !ofFiles[c.ID] {
				continue
			}
			r := check.Evaluate(c, &s)
			if r.Outcome != check.Pass && r.Outcome != check.Fail && r.Why == "" {
				t.Errorf("%s is %s and does not say why", c.ID, r.Outcome)
			}
			if strings.Contains(r.Why, "panicked") {
				t.Errorf("%s: %s", c.ID, r.Why)
			}
			checktest.Properties(t, c, s)
			if outcomes[c.ID] == nil {
				outcomes[c.ID] = map[check.Outcome]int{}
			}
			outcomes[c.ID][r.Outcome]++
			if t.Failed() {
				t.Fatalf("%s on %+v", c.ID, s)
			}
		}
	}
	for id, seen := range outcomes {
		for _, o := range []check.Outcome{check.Pass, check.Fail, check.Undecided} {
			if seen[o] == 0 {
				t.Errorf("%s was never %s: what is drawn does not reach it", id, o)
			}
		}
	}
}
