// Package report holds intact.report/v1, the product of every run, and writes
// it. A report is a pure function of facts, policy and the time of evaluation:
// sorted, and the same bytes for the same input. Fields are only ever added
// within v1.
package report

import (
	"time"

	"github.com/intact-dev/intact/pkg/check"
	"github.com/intact-dev/intact/pkg/fact"
	"github.com/intact-dev/intact/pkg/policy"
	"github.com/intact-dev/intact/pkg/ref"
)

// Schema names the JSON form.
const Schema = "intact.report/v1"

// A Report is what one run found.
type Report struct {
	Schema    string          `json:"schema"`
	Tool      Tool            `json:"tool"`
	Policy    Policy          `json:"policy"`
	Evaluated time.Time       `json:"evaluated"` // the one time that was judged by: the day, unless --now
	Verdict   policy.Decision `json:"verdict"`
	Counts    Counts          `json:"counts"`
	Images    []Image         `json:"images"`
	Targets   []Target        `json:"targets"`
	// Notices are about the run as a whole: exceptions that expire or were not
	// used, an old trust root, a cache that could not be written.
	Notices []string `json:"notices,omitempty"`

	// Elapsed is shown to people and not part of the report.
	Elapsed time.Duration `json:"-"`
}

// A Tool says what made the report.
type Tool struct {
	Name    string `json:"name"`
	Version string `json:"version"`
}

// A Policy says what judged.
type Policy struct {
	Name   string `json:"name"`
	Digest string `json:"digest"`
}

// Counts are numbers of results by outcome, and what exceptions accept.
type Counts struct {
	Pass          int `json:"pass"`
	Fail          int `json:"fail"`
	Undecided     int `json:"undecided"`
	NotApplicable int `json:"not-applicable"`
	NotAsked      int `json:"not-asked"`
	Excepted      int `json:"excepted"`

	// Deny and Warn count failed results by what the policy made of them. Open are
	// the undecided ones of checks that are not off, AcceptedUndecided those of
	// them that the policy denies but accepts with `undecided: warn`. Off are the
	// failed ones of checks that are off.
	Deny              int `json:"deny"`
	Warn              int `json:"warn"`
	Open              int `json:"open"`
	AcceptedUndecided int `json:"acceptedUndecided"`
	Off               int `json:"off"`
}

// An Image is one root digest in one repository.
type Image struct {
	ID    ref.Digest `json:"id"`
	Image string     `json:"image"` // registry/repository@digest
	// Source is where a local image was read, as the target's ref says it; "" for
	// a registry. One digest may lie in two places.
	Source    string         `json:"source,omitempty"`
	Class     fact.Class     `json:"class,omitempty"`
	Platforms []Platform     `json:"platforms"`
	Results   []Result       `json:"results"`
	Verdict   policy.Verdict `json:"verdict"`

	Summary Summary `json:"summary"`
	// Facts are the evidence, written with --facts.
	Facts []Facts `json:"facts,omitempty"`
}

// A Platform is the identity of one platform of an image.
type Platform struct {
	Platform string     `json:"platform"`
	Index    ref.Digest `json:"index,omitempty"`
	Manifest ref.Digest `json:"manifest"`
	Config   ref.Digest `json:"config,omitempty"`
	// Examined says that its layers were asked for.
	Examined bool `json:"examined"`
}

// Facts is one set with what it is about.
type Facts struct {
	Scope    check.Scope `json:"scope"`
	Platform string      `json:"platform,omitempty"`
	Set      *fact.Set   `json:"set"`
}

// A Target is one reference and where it stands.
type Target struct {
	Kind    ref.Kind       `json:"kind"`
	Ref     string         `json:"ref"`   // as written
	Image   ref.Digest     `json:"image"` // an images[].id, or ""
	Origins []Origin       `json:"origins"`
	Results []Result       `json:"results"`
	Verdict policy.Verdict `json:"verdict"`
	// Error says why there is no image.
	Error string  `json:"error,omitempty"`
	Facts []Facts `json:"facts,omitempty"`
	// imageKey finds the image: one digest may stand in two repositories.
	ImageName string `json:"imageName,omitempty"`
}

// An Origin is where a reference was found, and for a workload what runs there.
type Origin struct {
	ref.Origin
	Running  string `json:"running,omitempty"`
	Node     string `json:"node,omitempty"`
	Platform string `json:"platform,omitempty"`
}

// A Result is a check's result and what the policy made of it.
type Result struct {
	check.Result
	Level    policy.Level    `json:"level"`
	Decision policy.Decision `json:"decision"`
	Excepted int             `json:"excepted,omitempty"`
	// PartOf is the check of the same target of which this failure is a consequence,
	// or the same cause seen from another side; "" = it stands for itself. It changes
	// no verdict: its head fails too and is no less severe.
	PartOf string `json:"partOf,omitempty"`
	// Moot says why a failure of an image does not matter in this container. It
	// changes no verdict either.
	Moot string `json:"moot,omitempty"`
}

// Open reports whether the policy cares about r and could not decide it. A check
// that failed is open too if exceptions accept all that it found and it did not
// see everything.
func (r Result) Open() bool {
	if r.Level == policy.LevelOff || r.Decision == policy.Allow {
		return false
	}
	return r.Outcome != check.Fail || r.Decision == policy.Undecided || r.Excepted > 0 && r.Excepted == r.failing()
}

// failing counts the findings that are no notes.
func (r Result) failing() int {
	n := 0
	for _, f := range r.Findings {
		if !f.Note {
			n++
		}
	}
	return n
}

// A Summary is what was examined, for the few lines that open a report.
type Summary struct {
	Published Line `json:"published"`
	Signed    Line `json:"signed"`
	Content   Line `json:"content"`
	// NotAsked names what was left out and how to ask for it.
	NotAsked []string `json:"notAsked,omitempty"`
}

// A Line is one line of a summary: "ok", "warn", "deny", "undecided" or
// "not asked", and words.
type Line struct {
	State string   `json:"state"`
	Text  []string `json:"text"`
}
