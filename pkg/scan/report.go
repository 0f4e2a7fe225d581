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
		Policy:  report.Policy{Name: s.Policy.Name(), Digest: string(s.Policy.Digest())},
		Images:  []report.Image{},
		Targets: []report.Target{},
	}, counted: map[string]bool{}, shared: newShared()}
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
	report    *report.Report
	counted   map[string]bool // images
	decisions []policy.Decision
	verdicts  []policy.Verdict // that exceptions have to do with
	shared    *shared
}

func (b *builder) target(t Target, d *scanned) {
	own := b.judged(t, d)
	subject := policy.Subject{Image: canonical(t.Name), Path: filePath(t)}
	target := report.Target{Kind: t.Kind, Ref: t.Text, Origins: []report.Origin{{Origin: t.Origin}}}
	if d.err != nil {
		target.Error, target.Cause = describe(d.err), image.CauseOf(d.err)
	}
	if b.Facts {
		target.Facts = []report.Facts{{Scope: check.ScopeReference, Set: d.set}}
	}
	b.add(target, subject, own, d.image, d.key)
}

// add judges one target and the image that it led to, which may be nil.
func (b *builder) add(target report.Target, subject policy.Subject, own []check.Result, image *examined, key string, ignored ...extract.Ignore) {
	b.addContainer(target, subject, own, image, key, nil, "", ignored)
}

// addContainer is add for containers: set holds the facts about them, platform
// the label of the platform of the image that they run.
func (b *builder) addContainer(target report.Target, subject policy.Subject, own []check.Result, image *examined, key string,
	set *fact.Set, platform string, ignored []extract.Ignore) {
	results := slices.Clone(own)
	if image != nil {
		results = append(results, image.images...)
	}
	verdict := b.Policy.Decide(subject, b.Now, results, policy.Run{
		Depth: b.Depth, Skipped: b.Skipped, Accepts: b.accepts(acceptTarget{ignored, report.Key(target)}),
	})
	b.report.Notices = append(b.report.Notices, exceptionNotices(verdict)...)
	target.Results = join(own, verdict.Judgements[:len(own)])
	var ofImage []report.Result
	if image != nil {
		ofImage = join(image.images, verdict.Judgements[len(own):])
		target.Image, target.ImageName = image.img.Root.Doc.Digest, imageName(image)
	}
	if set != nil {
		target.Moot = fold(set, platform, target.Results, ofImage)
	}
	verdict.Judgements = nil // they are in the results now
	target.Verdict, target.Results = verdict, b.shared.one(target.Results)
	b.decisions = append(b.decisions, verdict.Decision)
	if len(verdict.Uses) > 0 {
		b.verdicts = append(b.verdicts, policy.Verdict{Uses: verdict.Uses})
	}
	count(&b.report.Counts, target.Results)
	if image != nil && !b.counted[key] {
		b.counted[key] = true
		img := b.image(image, ofImage)
		count(&b.report.Counts, img.Results)
		b.report.Images = append(b.report.Images, img)
	}
	b.report.Targets = append(b.report.Targets, target)
}

func (b *builder) finish() *report.Report {
	r := b.report
	for _, e := range policy.Unused(b.verdicts...) {
		r.Notices = append(r.Notices, "exception was not used: "+e.String())
	}
	if len(b.decisions) > 0 {
		r.Verdict = policy.Worst(b.decisions...)
	} else {
		r.Verdict = policy.Allow // no references: there is nothing to refuse, and the report says so
	}
	order(r)
	return r
}

func filePath(t Target) string {
	if t.Origin.Kind == "file" {
		return t.Origin.Where
	}
	return ""
}

func (s *scanner) image(e *examined, results []report.Result) report.Image {
	root := e.img.Root.Doc
	img := report.Image{
		ID: root.Digest, Image: imageName(e), Source: e.place, Class: root.Class,
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

func join(results []check.Result, judged []policy.Judgement) []report.Result {
	out := make([]report.Result, len(results))
	for i, r := range results {
		out[i] = report.Result{Result: r, Level: judged[i].Level, Decision: judged[i].Decision, Excepted: judged[i].Excepted}
		for n, f := range judged[i].Findings {
			if f.Excepted && n < len(r.Findings) && !r.Findings[n].Note {
				out[i].Accepted = append(out[i].Accepted, report.Accepted{Finding: n, By: strings.Join(f.By, "; ")})
			}
		}
	}
	slices.SortStableFunc(out, func(a, b report.Result) int {
		return cmp.Or(cmp.Compare(a.Check, b.Check), cmp.Compare(a.Platform, b.Platform))
	})
	return out
}

func count(c *report.Counts, results []report.Result) {
	for _, r := range results {
		switch r.Outcome {
		case check.Pass:
			c.Pass++
		case check.Fail:
			c.Fail++
		case check.NotApplicable:
			c.NotApplicable++
		case check.NotAsked:
			c.NotAsked++
		default:
			c.Undecided++
		}
		c.Excepted += r.Excepted
		if r.PartOf != "" {
			continue // its story is counted once
		}
		switch {
		case r.Level == policy.LevelOff:
			if r.Outcome == check.Fail {
				c.Off++
			}
		case r.Open():
			c.Open++
			if r.Decision == policy.Warn && r.Level == policy.LevelDeny {
				c.AcceptedUndecided++
			}
		case r.Decision == policy.Deny:
			c.Deny++
		case r.Decision == policy.Warn:
			c.Warn++
		}
	}
}

func order(r *report.Report) {
	slices.SortStableFunc(r.Images, func(a, b report.Image) int {
		return cmp.Or(cmp.Compare(a.Image, b.Image), cmp.Compare(a.Source, b.Source), cmp.Compare(a.ID, b.ID))
	})
	slices.SortStableFunc(r.Targets, func(a, b report.Target) int {
		return cmp.Or(cmp.Compare(a.Ref, b.Ref), cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.Container, b.Container),
			compareOrigins(a.Origins, b.Origins), cmp.Compare(a.Image, b.Image), cmp.Compare(a.Error, b.Error))
	})
	slices.Sort(r.Notices)
	r.Notices = slices.Compact(r.Notices)
}

func compareOrigins(a, b []report.Origin) int { return slices.CompareFunc(a, b, compareOrigin) }

func compareOrigin(a, b report.Origin) int {
	return cmp.Or(cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.Where, b.Where), cmp.Compare(a.Line, b.Line),
		cmp.Compare(a.Column, b.Column), cmp.Compare(a.Path, b.Path), cmp.Compare(a.Node, b.Node), cmp.Compare(a.Running, b.Running))
}
