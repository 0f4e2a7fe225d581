package judge_test

import (
	"context"
	"encoding/json"
	"errors"
	"io/fs"
	"log/slog"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/intact-dev/intact/pkg/checks"
	"github.com/intact-dev/intact/pkg/difference"
	"github.com/intact-dev/intact/pkg/gather"
	"github.com/intact-dev/intact/pkg/image"
	"github.com/intact-dev/intact/pkg/internal/testimage"
	"github.com/intact-dev/intact/pkg/internal/testregistry"
	"github.com/intact-dev/intact/pkg/policy"
	"github.com/intact-dev/intact/pkg/policy/signing"
	"github.com/intact-dev/intact/pkg/ref"
	"github.com/intact-dev/intact/pkg/report"
	"github.com/intact-dev/intact/pkg/scan"
	"github.com/intact-dev/intact/pkg/serve/happening"
	"github.com/intact-dev/intact/pkg/serve/judge"
	"github.com/intact-dev/intact/pkg/source/registry"
	"github.com/intact-dev/intact/pkg/store"
	"github.com/intact-dev/intact/pkg/store/jobs"
	"github.com/intact-dev/intact/policies"
)

// A service is a judge with a real store, a real queue and a registry.
type service struct {
	t        *testing.T
	registry *testregistry.Server
	store    *store.Store
	queue    *jobs.Queue
	told     atomic.Int64
	waits    atomic.Int64 // verdicts that were none yet
	deaf     atomic.Int64 // how often to refuse to tell
	refused  func()       // is called then; nil = nothing is
	clock    atomic.Int64 // added to the time, in seconds
	attempts atomic.Int64 // that failed before, it seems
	lists    lists
}

func newService(t *testing.T, policyText string, grace time.Duration, files ...[]byte) *service {
	t.Helper()
	s := &service{t: t, registry: testregistry.New(t, testregistry.Options{})}
	src, err := registry.New(registry.Options{Keychain: registry.Anonymous{}, Retries: -1})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(src.Close)
	if s.store, err = store.Open(t.Context(), filepath.Join(t.TempDir(), "store.db"), store.Options{Create: true}); err != nil {
		t.Fatal(err)
	}
	if s.queue, err = jobs.Open(t.Context(), s.store.Database(), jobs.Options{}); err != nil {
		t.Fatal(err)
	}
	clock := func() time.Time { return time.Now().Add(time.Duration(s.clock.Load()) * time.Second) }
	p := load(t, policyText, files...)
	layers := gather.NewLayers(2, nil, nil)
	j := &judge.Judge{
		Store: s.store, Clock: clock, Log: slog.New(slog.DiscardHandler),
		Tell: func(context.Context, *jobs.Tx) error {
			if s.deaf.Add(-1) >= 0 {
				if s.refused != nil {
					s.refused()
				}
				return errors.New("the database is away")
			}
			s.told.Add(1)
			return nil
		},
		Judged: func(_ policy.Decision, waits bool) {
			if waits {
				s.waits.Add(1)
			}
		},
		Setup: func(context.Context) (judge.Setup, error) {
			return judge.Setup{Grace: grace, Tags: src.Tags, Place: func(ref.Ref) scan.Place {
				return scan.Place{Source: src, Prober: src, Referrer: src, Listings: &s.lists}
			}, Options: scan.Options{
				Policy: p, Checks: checks.All(), Now: clock(), Clock: clock, Depth: policy.DepthLayers, Layers: layers,
				Select: image.Selection{Host: ref.Platform{OS: "linux", Architecture: "amd64"}}, Tool: report.Tool{Name: "intact", Version: "test"},
				Signatures: scan.NewSigner(p, scan.SignerOptions{PublicRoot: func(context.Context) ([]byte, error) { return nil, errors.New("no root here") }, Clock: clock}),
			}}, nil
		},
	}
	if err := s.queue.Handle(judge.Kind, jobs.Kind{Backoff: time.Millisecond}, func(ctx context.Context, r *jobs.Run) error {
		r.Attempt += int(s.attempts.Load())
		return j.Run(ctx, r)
	}); err != nil {
		t.Fatal(err)
	}
	if err := s.queue.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(t.Context()), 10*time.Second)
		defer cancel()
		if err := errors.Join(s.queue.Stop(ctx), s.store.Close()); err != nil {
			t.Error(err)
		}
	})
	return s
}

func load(t *testing.T, text string, key ...[]byte) *policy.Policy {
	t.Helper()
	name := "baseline@1"
	if text != "" {
		name = "./policy.yaml"
	}
	read := func(file string) ([]byte, error) {
		if strings.HasSuffix(file, "policy.yaml") {
			return []byte(text), nil
		}
		if strings.HasSuffix(file, "cosign.pub") && len(key) > 0 {
			return key[0], nil
		}
		return nil, fs.ErrNotExist
	}
	all := append(checks.All(), signing.Checks(nil, signing.Options{})...)
	p, err := policy.Load(policy.Loader{Embedded: policies.Files, ReadFile: read, Checks: all}, name)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// push stores an image whose program has that content under a tag.
func (s *service) push(tag, content string) ref.Digest {
	s.t.Helper()
	b, err := testimage.Build(testimage.Spec{Images: []testimage.Image{{
		Config: testimage.Config{User: "65532", Entrypoint: []string{"/bin/app"}},
		Layers: []testimage.Layer{{Files: []testimage.File{{Path: "etc/passwd", Content: "root:x:0:0::/:/bin/sh\n"}}},
			{Files: []testimage.File{{Path: "bin/app", Mode: "0755", Content: content}}}},
	}}})
	if err != nil {
		s.t.Fatal(err)
	}
	s.put(tag, b)
	return b.Root.Descriptor.Digest
}

func (s *service) put(tag string, b *testimage.Built) {
	s.t.Helper()
	for _, o := range b.Blobs {
		if _, err := s.registry.PutBlob("acme/app", o.Body); err != nil {
			s.t.Fatal(err)
		}
	}
	for _, m := range b.Manifests {
		if _, err := s.registry.PutManifest("acme/app", tag, m.Descriptor.MediaType, m.Body); err != nil {
			s.t.Fatal(err)
		}
	}
}

func (s *service) name(tag string) ref.Ref {
	return ref.Ref{Name: s.registry.Host + "/acme/app", Tag: tag}
}

// judged wants the tag judged and returns its verdicts, newest first, once that is
// done.
func (s *service) judged(tag string) []store.Verdict {
	s.t.Helper()
	if err := s.queue.Want(s.t.Context(), s.task(tag)); err != nil {
		s.t.Fatal(err)
	}
	s.wait()
	out, err := s.store.Verdicts(s.t.Context(), store.VerdictFilter{Repository: s.registry.Host + "/acme/app", Tag: tag})
	if err != nil {
		s.t.Fatal(err)
	}
	return out
}

func (s *service) task(tag string) jobs.Task {
	s.t.Helper()
	task, err := judge.Task(s.name(tag), "test")
	if err != nil {
		s.t.Fatal(err)
	}
	return task
}

// settle returns when nothing is due, nor waits for another attempt.
func (s *service) settle() {
	s.t.Helper()
	for range 2000 {
		stats, err := s.queue.Lag(s.t.Context())
		if err != nil {
			s.t.Fatal(err)
		}
		if len(stats) == 0 || stats[0].Waiting+stats[0].Running+stats[0].Later == 0 {
			return
		}
		time.Sleep(5 * time.Millisecond)
	}
	s.t.Fatal("still not done")
}

// wait returns when nothing is due any more.
func (s *service) wait() {
	s.t.Helper()
	for range 2000 {
		idle := true
		stats, err := s.queue.Lag(s.t.Context())
		if err != nil {
			s.t.Fatal(err)
		}
		for _, k := range stats {
			idle = idle && k.Waiting == 0 && k.Running == 0
		}
		if idle {
			return
		}
		time.Sleep(5 * time.Millisecond)
	}
	s.t.Fatal("still not done")
}

func summary(t *testing.T, v store.Verdict) judge.Summary {
	t.Helper()
	var s judge.Summary
	if err := json.Unmarshal(v.Summary, &s); err != nil {
		t.Fatal(err)
	}
	return s
}

func (s *service) happenings() []happening.Happening {
	s.t.Helper()
	all, err := s.store.Happenings(s.t.Context(), store.HappeningFilter{})
	if err != nil {
		s.t.Fatal(err)
	}
	var out []happening.Happening
	for _, h := range all {
		var one happening.Happening
		if err := json.Unmarshal(h.Data, &one); err != nil {
			s.t.Fatal(err)
		}
		out = append(out, one)
	}
	return out
}

const strictTags = "schema: intact.policy/v1\nname: tags\nextends: baseline@1\nchecks: {TAG: deny}\n"

func TestAFixedTagThatMoves(t *testing.T) {
	t.Parallel()
	s := newService(t, strictTags, 0)
	one := s.push("1.0.0", "one")
	if v := s.judged("1.0.0"); len(v) != 1 || v[0].Decision != "allow" && v[0].Decision != "warn" || v[0].Digest != one {
		t.Fatalf("first push: %+v", v)
	}
	if v := s.judged("1.0.0"); len(v) != 1 {
		t.Errorf("the same again is news: %+v", v)
	}
	two := s.push("1.0.0", "two")
	for range 2 { // judged again it is compared with the same
		v := s.judged("1.0.0")
		if len(v) != 2 || v[0].Decision != "deny" || v[0].Digest != two {
			t.Fatalf("moved: %+v", v)
		}
		sum := summary(t, v[0])
		if sum.Before != one || sum.Change == nil || sum.Change.Kind != difference.Code || !strings.Contains(strings.Join(sum.Lines, "\n"), "TAG002") {
			t.Errorf("summary: %+v", sum)
		}
	}
	s.push("1.0.0", "one")
	v := s.judged("1.0.0")
	if len(v) != 3 || v[0].Decision != "deny" || !strings.Contains(strings.Join(summary(t, v[0]).Lines, "\n"), "TAG003") ||
		!strings.Contains(summary(t, v[0]).Title, "moved back") {
		t.Errorf("moved back: %+v", summary(t, v[0]))
	}
	h := s.happenings()
	if len(h) != 3 || h[1].Before != one || h[1].Digest != two || h[1].Verdict != policy.Deny || s.told.Load() != 3 {
		t.Errorf("told %d times: %+v", s.told.Load(), h)
	}
	entries, err := s.store.History(t.Context(), s.name("1.0.0"), store.Newest, 0)
	if err != nil || len(entries) != 3 {
		t.Errorf("history: %+v, %v", entries, err)
	}
}

// A build from nothing says for no platform that it is for it.
func TestAnImageWithoutAPlatform(t *testing.T) {
	t.Parallel()
	s := newService(t, "", 0)
	b, err := testimage.Build(testimage.Spec{Images: []testimage.Image{{
		ConfigFields: map[string]any{"os": "", "architecture": ""}, Layers: []testimage.Layer{{Files: []testimage.File{{Path: "x", Content: "x"}}}},
	}}})
	if err != nil {
		t.Fatal(err)
	}
	s.put("1.0.0", b)
	if v := s.judged("1.0.0"); len(v) != 1 || v[0].Digest != b.Root.Descriptor.Digest {
		t.Errorf("verdicts: %+v", v)
	}
}

func TestATagThatIsDeleted(t *testing.T) {
	t.Parallel()
	s := newService(t, strictTags, 0)
	if v := s.judged("never"); len(v) != 0 || len(s.happenings()) != 0 {
		t.Errorf("a tag that never was: %+v", v)
	}
	one := s.push("1.0.0", "one")
	s.judged("1.0.0")
	// A 404 for everything is no word about the tag: a proxy may have lost its registry.
	s.registry.MustMode(t, "acme/app", "missing")
	v := s.judged("1.0.0")
	if len(v) != 2 || v[0].Decision != "deny" || summary(t, v[0]).Type != happening.ImageJudged {
		t.Fatalf("nothing can be had: %+v", summary(t, v[0]))
	}
	if now, ok, err := s.store.Now(t.Context(), s.name("1.0.0")); err != nil || !ok || now.Digest != one {
		t.Errorf("the ledger has %+v, %v", now, err)
	}
	s.registry.MustMode(t, "acme/app", "")
	s.push("1.0.1", "other")
	if err := s.registry.Delete("acme/app", "1.0.0"); err != nil {
		t.Fatal(err)
	}
	v = s.judged("1.0.0")
	if len(v) != 3 || v[0].Digest != "" || v[0].Decision != "deny" && v[0].Decision != "undecided" {
		t.Fatalf("deleted: %+v", v)
	}
	h := s.happenings()
	if last := h[len(h)-1]; last.Type != happening.TagDeleted || last.Before != one || !strings.Contains(last.Title, "deleted") {
		t.Errorf("told: %+v", last)
	}
}

func TestARegistryThatIsDown(t *testing.T) {
	t.Parallel()
	s := newService(t, "", 0)
	s.push("1.0.0", "one")
	s.judged("1.0.0")
	s.registry.MustMode(t, "acme/app", "broken")
	v := s.judged("1.0.0")
	if len(v) != 2 || v[0].Decision != "undecided" || v[0].Digest != "" {
		t.Fatalf("down: %+v", v)
	}
	now, ok, err := s.store.Now(t.Context(), s.name("1.0.0"))
	if err != nil || !ok || now.Digest == "" {
		t.Errorf("what is not known was recorded as gone: %+v, %v", now, err)
	}
	if h := s.happenings(); h[len(h)-1].Verdict != policy.Undecided || h[len(h)-1].Type != happening.ImageJudged {
		t.Errorf("told: %+v", h[len(h)-1])
	}
}

// What an image says of its platform is its author's to choose, and does not keep
// anybody from judging it.
func TestAPlatformThatTheLedgerDoesNotTake(t *testing.T) {
	t.Parallel()
	for name, fields := range map[string]map[string]any{
		"long":    {"os": "linux", "architecture": strings.Repeat("a", 300)},
		"no text": {"os": "linux", "architecture": "a\xff"},
		"odd":     {"os": "li\nnux", "architecture": "\x00\u202e"},
	} {
		s := newService(t, "", 0)
		b, err := testimage.Build(testimage.Spec{Images: []testimage.Image{{
			ConfigFields: fields, Layers: []testimage.Layer{{Files: []testimage.File{{Path: "x", Content: "x"}}}},
		}}})
		if err != nil {
			t.Fatal(err)
		}
		s.put("1.0.0", b)
		if err := s.queue.Want(t.Context(), s.task("1.0.0")); err != nil {
			t.Fatal(err)
		}
		s.settle()
		if v, err := s.store.Verdicts(t.Context(), store.VerdictFilter{Tag: "1.0.0"}); err != nil || len(v) != 1 || v[0].Digest != b.Root.Descriptor.Digest {
			st, _, _ := s.queue.State(t.Context(), judge.Kind, s.task("1.0.0").Key)
			t.Errorf("%s: verdicts: %+v, %v; %s", name, v, err, st.Error)
		}
	}
}
