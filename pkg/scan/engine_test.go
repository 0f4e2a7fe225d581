package scan_test

import (
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/intact-dev/intact/pkg/check"
	"github.com/intact-dev/intact/pkg/fact"
	"github.com/intact-dev/intact/pkg/gather"
	"github.com/intact-dev/intact/pkg/image"
	"github.com/intact-dev/intact/pkg/internal/testimage"
	"github.com/intact-dev/intact/pkg/internal/testregistry"
	"github.com/intact-dev/intact/pkg/policy"
	"github.com/intact-dev/intact/pkg/ref"
	"github.com/intact-dev/intact/pkg/report"
	"github.com/intact-dev/intact/pkg/scan"
)

const strict = "schema: intact.policy/v1\nname: test\nextends: strict@1\n"

func TestOneImageOfTwoReferencesIsExaminedOnce(t *testing.T) {
	t.Parallel()
	e := newEngine(t, "")
	built := build(t, testimage.Spec{Images: []testimage.Image{app("x")}})
	e.put(t, "acme/app", "1.0.0", built)
	e.put(t, "acme/app", "1.0.1", built)
	r := scan.Run(t.Context(), []scan.Target{
		e.target(t, "acme/app:1.0.0"), e.target(t, "acme/app:1.0.1"), e.target(t, "acme/app@"+string(built.Root.Descriptor.Digest)),
	}, e.options)
	if len(r.Images) != 1 || len(r.Targets) != 3 || r.Verdict != policy.Allow {
		t.Fatalf("%d images, %d targets, %s", len(r.Images), len(r.Targets), r.Verdict)
	}
	for _, l := range built.Images[0].Layers {
		n := 0
		for _, q := range e.server.Requests() {
			if q.Kind == testregistry.Blob && q.Reference == string(l.Descriptor.Digest) {
				n++
			}
		}
		if n != 1 {
			t.Errorf("the layer %s was asked for %d times", l.Descriptor.Digest, n)
		}
	}
	for _, target := range r.Targets {
		if target.Image != r.Images[0].ID || target.ImageName != r.Images[0].Image {
			t.Errorf("%s leads to %s %s", target.Ref, target.Image, target.ImageName)
		}
	}
}

func TestRequestsOfAFirstAndASecondScan(t *testing.T) {
	t.Parallel()
	e := newEngine(t, "")
	built := build(t, testimage.Spec{Images: []testimage.Image{app("x")}})
	e.put(t, "acme/app", "1.0.0", built)
	dir := t.TempDir()
	counts := func() map[string]int {
		cache, err := gather.OpenCache(dir+"/cache", dir+"/key", func(s string) { t.Error(s) })
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = cache.Close() }()
		o := e.options
		o.Layers, o.Documents = gather.NewLayers(2, cache, nil), cache
		e.server.Forget()
		if r := scan.Run(t.Context(), []scan.Target{e.target(t, "acme/app:1.0.0")}, o); r.Verdict != policy.Allow {
			t.Errorf("%s: %v", r.Verdict, r.Targets[0].Verdict.Reasons)
		}
		got := map[string]int{}
		for _, q := range e.server.Requests() {
			if strings.HasPrefix(q.Reference, "sha256-") || q.Kind == testregistry.Referrers || q.Kind == testregistry.Ping {
				continue // of signatures; and of the way in
			}
			got[q.Method+" "+q.Kind]++
		}
		return got
	}
	if diff := cmp.Diff(map[string]int{"GET manifest-tag": 1, "HEAD manifest-tag": 1, "GET blob": 3}, counts()); diff != "" {
		t.Errorf("first: %s", diff)
	}
	// Nothing is read again; whether it is there is always asked.
	if diff := cmp.Diff(map[string]int{"GET manifest-tag": 1, "HEAD manifest-tag": 1, "HEAD blob": 3}, counts()); diff != "" {
		t.Errorf("second: %s", diff)
	}
}

func TestReportIsTheSameForTheSameImages(t *testing.T) {
	t.Parallel()
	e := newEngine(t, strict)
	e.put(t, "acme/app", "1.0.0", build(t, testimage.Spec{Images: []testimage.Image{appOn("linux/amd64"), appOn("linux/arm64")}}))
	e.put(t, "acme/app", "2.0.0", build(t, testimage.Spec{Images: []testimage.Image{app("two")}}))
	e.put(t, "acme/root", "latest", build(t, testimage.Spec{Images: []testimage.Image{{Layers: app("x").Layers}}}))
	e.put(t, "acme/bad", "1.0.0", build(t, testimage.Spec{Images: []testimage.Image{appOn("linux/amd64"), appOn("linux/arm64")}}))
	e.server.MustMode(t, "acme/bad", "wrong-layer")
	targets := []scan.Target{
		e.target(t, "acme/app:1.0.0"), e.target(t, "acme/app:2.0.0"), e.target(t, "acme/root:latest"), e.target(t, "acme/bad:1.0.0"),
		e.target(t, "acme/app:9.9.9"), e.target(t, "acme/none@"+string(ref.DigestOf(nil, ""))),
	}
	// The same reference from two places.
	for _, line := range []int{7, 3} {
		again := e.target(t, "acme/app:1.0.0")
		again.Origin = ref.Origin{Kind: "file", Where: "deploy.yaml", Line: line}
		targets = append(targets, again)
	}
	random := rand.New(rand.NewPCG(1, 2))
	first := ""
	for round := range 20 {
		random.Shuffle(len(targets), func(i, j int) { targets[i], targets[j] = targets[j], targets[i] })
		o := e.options
		o.Jobs, o.Layers = 1+round%6, gather.NewLayers(1+round%4, nil, nil)
		o.Facts = true
		got := asJSON(t, scan.Run(t.Context(), targets, o))
		if first == "" {
			first = got
		}
		if got != first {
			t.Fatalf("round %d: %s", round, cmp.Diff(first, got))
		}
	}
}

// complete fails unless every check stands in the report for every target.
func complete(t *testing.T, r *report.Report, o scan.Options) {
	t.Helper()
	for _, target := range r.Targets {
		got := map[string]bool{}
		for _, res := range target.Results {
			got[res.Check] = true
		}
		for _, img := range r.Images {
			if img.ID == target.Image {
				for _, res := range img.Results {
					got[res.Check] = true
				}
			}
		}
		for _, c := range o.Checks {
			// An image by itself has no containers, and no file declares anything else.
			other := slices.ContainsFunc(c.Scopes, func(s check.Scope) bool {
				return s == check.ScopeContainer || s == check.ScopeGroup || s == check.ScopeObject
			})
			if !got[c.ID] && !other {
				t.Errorf("%s: %s is not in the report", target.Ref, c.ID)
			}
		}
		if !got["SIG001"] {
			t.Errorf("%s: SIG001 is not in the report", target.Ref)
		}
	}
}

// stopping is a source that ends the run once something is asked of it.
type stopping struct {
	image.Source
	stop     func()
	manifest bool // at a manifest already, not only at a blob
}

func (s stopping) Manifest(ctx context.Context, r ref.Ref) (*image.Answer, error) {
	if s.manifest {
		s.stop()
	}
	return s.Source.Manifest(ctx, r)
}

func (s stopping) Blob(ctx context.Context, r ref.Ref, d ref.Descriptor) (io.ReadCloser, error) {
	s.stop()
	return s.Source.Blob(ctx, r, d)
}

func TestScanThatIsStoppedSaysSo(t *testing.T) {
	t.Parallel()
	for _, mode := range []string{"silent", "stall-blob", "slow-blob"} {
		for cause, stop := range map[fact.Cause]func(*scan.Target, *scan.Options) context.Context{
			fact.Deadline: func(_ *scan.Target, o *scan.Options) context.Context {
				o.Timeout = 150 * time.Millisecond
				return t.Context()
			},
			fact.Cancelled: func(target *scan.Target, _ *scan.Options) context.Context {
				ctx, cancel := context.WithCancel(t.Context())
				target.Place.Source = stopping{target.Place.Source, cancel, mode == "silent"}
				return ctx
			},
		} {
			t.Run(mode+"_"+string(cause), func(t *testing.T) {
				t.Parallel()
				e := newEngine(t, "")
				spec := testimage.Spec{Images: []testimage.Image{app("x")}}
				spec.Images[0].Layers[1].Files = append(spec.Images[0].Layers[1].Files, testimage.File{Path: "big", Size: 1 << 20})
				e.put(t, "acme/app", "1.0.0", build(t, spec))
				e.server.MustMode(t, "acme/app", mode)
				o, target := e.options, e.target(t, "acme/app:1.0.0")
				r := scan.Run(stop(&target, &o), []scan.Target{target}, o)
				if r.Verdict != policy.Undecided {
					t.Errorf("%s: %v", r.Verdict, r.Targets[0].Verdict.Reasons)
				}
				complete(t, r, o)
				undecided := 0
				for _, res := range allResults(r) {
					if res.Outcome == check.Undecided && res.Cause == cause {
						undecided++
					}
				}
				if undecided == 0 {
					t.Errorf("nothing is undecided because of %q: %s", cause, asJSON(t, r))
				}
			})
		}
	}
}

func allResults(r *report.Report) []*report.Result {
	var out []*report.Result
	for _, i := range r.Images {
		out = append(out, i.Results...)
	}
	for _, t := range r.Targets {
		out = append(out, t.Results...)
	}
	return out
}

// No lie of the test registry lets an image through, except where nothing that
// is claimed was touched.
func TestHostileRegistries(t *testing.T) {
	t.Parallel()
	harmless := map[string]string{
		"no-head":             "the tag is closed by a second GET, and everything was read",
		"no-type":             "the document and its descriptor say what it is",
		"redirect-blob":       "the bytes are hashed, wherever they come from",
		"referrers-405":       "there is no referrers API; the fallback tag was asked",
		"referrers-see-other": "as for any redirect; no rule asks for signatures",
		"referrers-paged":     "honest",
		"referrers-none":      "no rule asks for signatures",
		"referrers-lie":       "no rule asks for signatures",
		"referrers-hidden":    "no rule asks for signatures",
		"by-accept":           "one GET decides, and its digest is told; what others are given is not asked for",
		"by-agent":            "likewise",
		"by-range":            "no range is asked for",
		"referrers-circle":    "only those of the image are asked for; no rule asks for signatures",
		"referrers-unrelated": "what refers to something else is no signature of the image; no rule asks for signatures",
	}
	for _, mode := range testregistry.Modes() {
		if mode == "silent" || strings.HasPrefix(mode, "slow") || strings.HasPrefix(mode, "stall") || strings.HasPrefix(mode, "endless") {
			continue // these end at a deadline: above, and in the tests of the sources
		}
		t.Run(mode, func(t *testing.T) {
			t.Parallel()
			e := newEngine(t, "")
			e.put(t, "acme/app", "1.0.0", build(t, testimage.Spec{Images: []testimage.Image{appOn("linux/amd64"), appOn("linux/arm64")}}))
			e.server.MustMode(t, "acme/app", mode)
			o := e.options
			o.Timeout = 30 * time.Second
			r := scan.Run(t.Context(), []scan.Target{e.target(t, "acme/app:1.0.0")}, o)
			complete(t, r, o)
			if r.Verdict.Refuses() == (harmless[mode] != "") {
				t.Errorf("%s (%s): %s %+v", mode, testregistry.Describe(mode), r.Verdict, r.Targets[0].Verdict.Reasons)
			}
		})
	}
}

func TestUnusedExceptionsAreSaid(t *testing.T) {
	t.Parallel()
	e := newEngine(t, "")
	e.put(t, "acme/app", "1.0.0", build(t, testimage.Spec{Images: []testimage.Image{app("x")}}))
	root := app("root")
	root.Config.User = ""
	e.put(t, "acme/root", "1.0.0", build(t, testimage.Spec{Images: []testimage.Image{root}}))
	exception := func(image, id, reason string) string {
		return fmt.Sprintf("  - {check: %s, images: [%q], reason: %s, owner: me, expires: 2027-01-31}\n", id, e.server.Host+"/acme/"+image, reason)
	}
	e.options = optionsFor(t, "schema: intact.policy/v1\nname: test\nextends: baseline@1\nexceptions:\n"+
		exception("app", "LAY005", "unused")+exception("root", "LAY005", "used")+exception("elsewhere", "LAY005", "no-such-image")+
		exception("app", "TAG006", "not-judged"), nil)
	r := scan.Run(t.Context(), []scan.Target{e.target(t, "acme/app:1.0.0"), e.target(t, "acme/root:1.0.0")}, e.options)
	text := strings.Join(r.Notices, "\n")
	if !strings.Contains(text, "exception was not used: LAY005 until 2027-01-31: unused (me)") || strings.Contains(text, ": used") || strings.Contains(text, "no-such-image") {
		t.Errorf("notices:\n%s", text)
	}
	if r.Counts.Excepted != 1 {
		t.Errorf("%d findings excepted, want 1", r.Counts.Excepted)
	}
}

func TestCountsAreOfWhatIsShown(t *testing.T) {
	t.Parallel()
	e := newEngine(t, strict)
	e.put(t, "acme/app", "latest", build(t, testimage.Spec{Images: []testimage.Image{{Layers: app("x").Layers}}}))
	r := scan.Run(t.Context(), []scan.Target{e.target(t, "acme/app:latest"), e.target(t, "acme/none:1.0.0")}, e.options)
	var want report.Counts
	for _, res := range allResults(r) {
		switch res.Outcome {
		case check.Pass:
			want.Pass++
		case check.Fail:
			want.Fail++
		case check.Undecided:
			want.Undecided++
		case check.NotApplicable:
			want.NotApplicable++
		case check.NotAsked:
			want.NotAsked++
		}
		switch {
		case res.Open():
			want.Open++
		case res.Outcome == check.Fail && res.Decision == policy.Deny:
			want.Deny++
		case res.Outcome == check.Fail && res.Decision == policy.Warn:
			want.Warn++
		case res.Outcome == check.Fail && res.Level == policy.LevelOff:
			want.Off++
		}
	}
	if diff := cmp.Diff(want, r.Counts); diff != "" {
		t.Error(diff)
	}
	if want.Deny == 0 || want.Open == 0 || want.Pass == 0 {
		t.Errorf("the case shows too little: %+v", want)
	}
}

// Memory must not grow with the images of a run: what is kept of each is its
// facts.
func TestMemoryOfManyImages(t *testing.T) {
	e := newEngine(t, "")
	const images, first = 200, 20
	var targets []scan.Target
	for i := range images {
		spec := testimage.Spec{Images: []testimage.Image{app(fmt.Sprint(i))}}
		spec.Images[0].Layers[1].Files = append(spec.Images[0].Layers[1].Files, testimage.File{Path: "data", Size: 64 << 10})
		tag := fmt.Sprintf("1.0.%d", i)
		e.put(t, "acme/app", tag, build(t, spec))
		targets = append(targets, e.target(t, "acme/app:"+tag))
	}
	heap := func(targets []scan.Target) (*report.Report, int64) {
		var before, after runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&before)
		o := e.options
		o.Layers = gather.NewLayers(2, nil, nil)
		r := scan.Run(t.Context(), targets, o)
		if r.Verdict != policy.Allow {
			t.Fatal(r.Verdict)
		}
		e.server.Forget()
		runtime.GC()
		runtime.ReadMemStats(&after)
		return r, int64(after.HeapAlloc) - int64(before.HeapAlloc)
	}
	heap(targets[:first]) // what is allocated once
	r, grown := heap(targets)
	t.Logf("%d images keep %d KiB", len(r.Images), grown>>10)
	if per := grown / images; per > 64<<10 {
		t.Errorf("%d bytes are kept for each image", per)
	}
	runtime.KeepAlive(r)
}
