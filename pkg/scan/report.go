package scan

import (
	"cmp"
	"slices"
	"strings"

	"github.com/intact-dev/intact/pkg/check"
	"github.com/intact-dev/intact/pkg/extract"
	"github.com/intact-dev/intact/pkg/fact"
	"github.com/intact-dev/intact/pkg/image"
	"github.com/intact-dev/intact/pkg/policy"
	"github.com/intact-dev/intact/pkg/report"
)

// report judges everything and puts it in order.
func (s *scanner) report(targets []Target, done []*scanned, running *observed) *report.Report {
	b := &builder{scanner: s, report: &report.Report{
		Schema: report.Schema, Tool: s.Tool, Evaluated: s.Now,
		Policy: report.Policy{Name: s.Policy.Name(), Digest: string(s.Policy.Digest())},
		Images: []report.Image{},
	}, counted: map[*examined]bool{}, results: newResults(), reasons: newShared(hashReason), moot: newShared(hashMoot)}
	for i, t := range targets {
		b.target(t, done[i])
	}
	b.running(running)
	// Last: to judge may be the first to find something to say.
	if s.Notices != nil {
		b.report.Notices = append(b.report.Notices, s.Notices()...)
	}
	return b.finish()
}

// A builder puts a report together.
type builder struct {
	*scanner
	report   *report.Report
	targets  [][]report.Target  // in parts, so that what grows is never copied
	counted  map[*examined]bool // images
	judgedAs policy.Decision    // the worst; meaningful if there is a target
	uses     []policy.ExceptionUse
	results  *results
	reasons  *shared[policy.Reason]
	moot     *shared[report.Moot]
}

func (b *builder) target(t Target, d *scanned) {
	own := b.judged(t, d)
	subject := policy.Subject{Image: canonical(t.Name), Path: filePath(t)}
	target := report.Target{Kind: t.Kind, Ref: t.Text, Origins: report.OriginsOf(report.Origin{Origin: t.Origin})}
	if d.err != nil {
		target.Error, target.Cause = describe(d.err), image.CauseOf(d.err)
	}
	if b.Facts {
		target.Facts = []report.Facts{{Scope: check.ScopeReference, Set: d.set}}
	}
	b.add(target, subject, own, d.image)
}

// add judges one target and the image that it led to, which may be nil.
func (b *builder) add(target report.Target, subject policy.Subject, own []check.Result, image *examined, ignored ...extract.Ignore) {
	b.addContainer(target, subject, own, image, nil, "", ignored)
}

// addContainer is add for containers: set holds the facts about them, platform
// the label of the platform of the image that they run.
func (b *builder) addContainer(target report.Target, subject policy.Subject, own []check.Result, image *examined,
	set *fact.Set, platform string, ignored []extract.Ignore) {
	results := slices.Clone(own)
	if image != nil {
		results = append(results, image.images...)
	}
	verdict := b.Policy.Decide(subject, b.Now, results, policy.Run{
		Depth: b.Depth, Skipped: b.Skipped, Accepts: b.accepts(target, ignored),
	})
	b.use(verdict.Uses)
	target.Results = join(own, verdict.Judgements[:len(own)])
	var ofImage []*report.Result
	if image != nil {
		ofImage = join(image.images, verdict.Judgements[len(own):])
		target.Image, target.ImageName = image.img.Root.Doc.Digest, image.id
	}
	if set != nil {
		target.Moot = b.moot.one(fold(set, platform, target.Results, ofImage))
	}
	// Judgements are in the results now, uses counted.
	target.Verdict = policy.Verdict{
		Decision: verdict.Decision, Reasons: b.reasons.one(verdict.Reasons), AcceptedUndecided: verdict.AcceptedUndecided,
	}
	target.Results = b.results.list(target.Results)
	if b.judgedAs = policy.Worst(b.judgedAs, verdict.Decision); len(b.targets) == 0 {
		b.judgedAs = verdict.Decision
	}
	b.report.Counts.AddTarget(target)
	if image != nil && !b.counted[image] {
		b.counted[image] = true
		img := b.image(image, ofImage)
		b.report.Counts.Add(img.Results)
		b.report.Images = append(b.report.Images, img)
	}
	if n := len(b.targets); n == 0 || len(b.targets[n-1]) == cap(b.targets[n-1]) {
		b.targets = append(b.targets, make([]report.Target, 0, 1<<min(n, 10)))
	}
	last := &b.targets[len(b.targets)-1]
	*last = append(*last, target)
}

func (b *builder) finish() *report.Report {
	r := b.report
	for _, e := range policy.Unused(policy.Verdict{Uses: b.uses}) {
		r.Notices = append(r.Notices, "exception was not used: "+e.String())
	}
	if r.Targets = slices.Concat(b.targets...); r.Targets == nil {
		r.Targets = []report.Target{} // a list in JSON
	}
	b.targets = nil
	if r.Verdict = b.judgedAs; len(r.Targets) == 0 {
		r.Verdict = policy.Allow // no references: there is nothing to refuse, and the report says so
	}
	r.Order()
	return r
}

// use adds up what exceptions did and says once what is to be said of each.
func (b *builder) use(all []policy.ExceptionUse) {
	for _, u := range all {
		i := slices.IndexFunc(b.uses, func(known policy.ExceptionUse) bool { return known.Exception == u.Exception })
		if i < 0 {
			b.uses = append(b.uses, u)
			if n := u.Notice(); n != "" {
				b.report.Notices = append(b.report.Notices, n)
			}
			continue
		}
		b.uses[i].Used += u.Used
		b.uses[i].Judged = b.uses[i].Judged || u.Judged
	}
}

func filePath(t Target) string {
	if t.Origin.Kind == "file" {
		return t.Origin.Where
	}
	return ""
}

func (s *scanner) image(e *examined, results []*report.Result) report.Image {
	root := e.img.Root.Doc
	img := report.Image{
		ID: root.Digest, Image: e.id, Source: e.place, Class: root.Class,
		Platforms: []report.Platform{}, Results: results,
		Verdict: s.Policy.Decide(policy.Subject{Image: canonical(e.name)}, s.Now, e.images, policy.Run{Depth: s.Depth, Skipped: s.Skipped}),
		Summary: s.summary(e, results),
	}
	for _, c := range e.img.Children {
		if !c.Runnable() || c.Named {
			continue
		}
		p := report.Platform{Platform: c.Platform.String(), Manifest: c.Desc.Digest, Examined: s.notRead(e.img, c) == ""}
		if root.Class == fact.ClassIndex {
			p.Index = root.Digest
		}
		if c.Manifest != nil && c.Manifest.Right() && c.Manifest.Manifest.Config != nil {
			p.Config = c.Manifest.Manifest.Config.Digest
		}
		img.Platforms = append(img.Platforms, p)
	}
	if s.Facts {
		img.Facts = append(img.Facts, report.Facts{Scope: check.ScopeImage, Set: e.set})
		for _, c := range e.children {
			img.Facts = append(img.Facts, report.Facts{Scope: check.ScopePlatform, Platform: c.label, Set: c.set})
		}
	}
	return img
}

func imageName(e *examined) string {
	name := canonical(e.name)
	if name == "" {
		name = e.img.Source.Proves().Place
	}
	return name + "@" + string(e.img.Root.Doc.Digest)
}

func join(results []check.Result, judged []policy.Judgement) []*report.Result {
	all, out := make([]report.Result, len(results)), make([]*report.Result, len(results))
	for i, r := range results {
		out[i] = &all[i]
		all[i] = report.Result{Result: r, Level: judged[i].Level, Decision: judged[i].Decision, Excepted: judged[i].Excepted}
		for n, f := range judged[i].Findings {
			if f.Excepted && n < len(r.Findings) && !r.Findings[n].Note {
				out[i].Accepted = append(out[i].Accepted, report.Accepted{Finding: n, By: strings.Join(f.By, "; ")})
			}
		}
	}
	slices.SortStableFunc(out, func(a, b *report.Result) int {
		return cmp.Or(cmp.Compare(a.Check, b.Check), cmp.Compare(a.Platform, b.Platform))
	})
	return out
}
