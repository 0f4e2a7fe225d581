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
	// Inventories are the files and places that were looked at.
	Inventories []Inventory `json:"inventories,omitempty"`
	// Baseline is set if an earlier report was given to compare with.
	Baseline *Since `json:"baseline,omitempty"`
	// Suggestions are patches for workloads, written with --suggest.
	Suggestions []Suggestion `json:"suggestions,omitempty"`
	// Notices are about the run as a whole: exceptions that expire or were not
	// used, an old trust root, a cache that could not be written.
	Notices []string `json:"notices,omitempty"`

	// Elapsed is shown to people and not part of the report.
	Elapsed time.Duration `json:"-"`
}

// A Suggestion is what to change in one workload so that its containers run on a
// read-only root file system.
type Suggestion struct {
	Kind      string `json:"kind"`
	Namespace string `json:"namespace,omitempty"`
	Name      string `json:"name"`
	Patch     string `json:"patch"` // YAML, a strategic merge patch with comments
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

// Counts are numbers of results by outcome, and what exceptions accept. A target that
// no check says anything of is one undecided result (see [Counts.AddTarget]).
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
	Results   []*Result      `json:"results"`
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

// A Target is one reference and where it stands. Its results must not be changed:
// equal ones of several targets are one.
type Target struct {
	Kind    ref.Kind       `json:"kind"`
	Ref     string         `json:"ref"`   // as written; of a gap: what could not be seen
	Image   ref.Digest     `json:"image"` // an images[].id, or ""
	Origins Origins        `json:"origins"`
	Results []*Result      `json:"results"`
	Verdict policy.Verdict `json:"verdict"`
	// Error says why there is no image, and Cause what kind of reason that is.
	Error string     `json:"error,omitempty"`
	Cause fact.Cause `json:"cause,omitempty"`
	Facts []Facts    `json:"facts,omitempty"`
	// ImageName finds the image: one digest may stand in two repositories.
	ImageName string `json:"imageName,omitempty"`

	// Container and Role are set for what runs, Inventory is the name of the place.
	// Of a group Origins holds its workload alone.
	Container string    `json:"container,omitempty"`
	Role      fact.Role `json:"role,omitempty"`
	Injected  bool      `json:"injected,omitempty"`
	Inventory string    `json:"inventory,omitempty"`
	// Moot are failed checks of the image that do not matter in these containers.
	Moot []Moot `json:"moot,omitempty"`
}

// A Moot is why a failed check of an image does not matter in a container.
type Moot struct {
	Check string `json:"check"`
	Why   string `json:"why"`
}

// Kinds of targets beside those of references.
const (
	// KindGroup: all containers of one name in the pods of one template.
	KindGroup ref.Kind = "group"
	// KindObject: something that a file declares and that is no reference.
	KindObject ref.Kind = "object"
	// KindGap: a part of an inventory that could not be seen.
	KindGap ref.Kind = "gap"
)

// An Inventory is one place that was looked at for what runs, or files for what
// they declare.
type Inventory struct {
	Kind     string       `json:"kind"` // "files", "kubernetes", "docker", "containerd"
	Name     string       `json:"name"`
	Version  string       `json:"version,omitempty"`
	Counts   []Count      `json:"counts,omitempty"`
	Finished int          `json:"finished,omitempty"` // containers that ended: history, not judged
	Gaps     []Gap        `json:"gaps,omitempty"`
	NotAsked []Capability `json:"notAsked,omitempty"`
}

// A Count is a number of things: "pods", "nodes".
type Count struct {
	What string `json:"what"`
	N    int    `json:"n"`
}

// A Gap is a part of an inventory that could not be seen, and why.
type Gap struct {
	What  string     `json:"what"`
	Cause fact.Cause `json:"cause"`
	Why   string     `json:"why"`
	Hint  string     `json:"hint,omitempty"`
}

// A Capability was not switched on; How says how.
type Capability struct {
	What string `json:"what"`
	How  string `json:"how"`
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
	// Accepted says which findings are excepted, and by what. Of an image it is as
	// the first target that names it is judged.
	Accepted []Accepted `json:"accepted,omitempty"`
	// PartOf is the check of the same target of whose story this result is a part:
	// it is counted, decides as ever, and is not told again.
	PartOf string `json:"partOf,omitempty"`
}

// An Accepted is a finding that fails nothing, and why.
type Accepted struct {
	Finding int    `json:"finding"` // its index in the result's findings
	By      string `json:"by"`      // an exception, a comment in a file, an earlier report
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
