package scan_test

import (
	"regexp"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/intact-dev/intact/pkg/fact"
	"github.com/intact-dev/intact/pkg/internal/testimage"
	"github.com/intact-dev/intact/pkg/policy"
	"github.com/intact-dev/intact/pkg/scan"
)

var timestamp = regexp.MustCompile(`"\d{4}-\d\d-\d\dT[^"]*"`)

// A wall clock that jumps by hours while images are examined changes no verdict,
// and nothing but the times of observations.
func TestAClockThatJumpsChangesNoVerdict(t *testing.T) {
	t.Parallel()
	e := newEngine(t, "")
	// It ended an hour before the time that is judged by, and not for a clock that is
	// an hour behind.
	e.options = optionsFor(t, strict+"exceptions:\n  - {check: LAY005, images: ["+e.server.Host+"/acme/root], reason: r, owner: o, expires: 2026-11-22}\n", nil)
	e.put(t, "acme/app", "1.0.0", build(t, testimage.Spec{Images: []testimage.Image{appOn("linux/amd64")}}))
	e.put(t, "acme/root", "latest", build(t, testimage.Spec{Images: []testimage.Image{{Layers: app("x").Layers}}}))
	e.put(t, "acme/moves", "1.0.0", build(t, testimage.Spec{Images: []testimage.Image{app("two")}}))
	e.server.MustMode(t, "acme/moves", "head-lies")
	targets := []scan.Target{e.target(t, "acme/app:1.0.0"), e.target(t, "acme/root:latest"), e.target(t, "acme/moves:1.0.0"), e.target(t, "acme/none:1.0.0")}
	run := func(clock func() time.Time) string {
		o := e.options
		o.Clock, o.Facts, o.Timeout = clock, true, time.Minute
		r := scan.Run(t.Context(), targets, o)
		if r.Verdict == policy.Allow {
			t.Error("nothing was found")
		}
		for _, target := range r.Targets {
			if target.Cause == fact.Deadline {
				t.Errorf("%s: its minute is over", target.Ref)
			}
		}
		return timestamp.ReplaceAllString(asJSON(t, r), `"TIME"`)
	}
	steady := run(testClock)
	var n atomic.Int64
	if d := cmp.Diff(steady, run(func() time.Time {
		return testNow.Add(time.Duration(n.Add(1)%3-1) * time.Hour)
	})); d != "" {
		t.Error(d)
	}
	if n.Load() == 0 || !strings.Contains(steady, "TIME") {
		t.Error("no clock was looked at")
	}
}
