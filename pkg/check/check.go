// Package check defines what a check is and runs checks over facts. It is
// pure: no I/O, no clock. The checks themselves are in package checks.
package check

import (
	"github.com/intact-dev/intact/pkg/fact"
	"github.com/intact-dev/intact/pkg/ref"
)

// A Scope is what one evaluation of a check is about.
type Scope string

// Scopes.
const (
	ScopeReference Scope = "reference"
	// ScopeImage is a root and the documents below it that belong to no platform.
	ScopeImage Scope = "image"
	// ScopePlatform is one platform's manifest, config and layers.
	ScopePlatform  Scope = "platform"
	ScopeContainer Scope = "container"
	ScopeGroup     Scope = "group"
	ScopeObject    Scope = "object"
)

// A Doc explains a check to a person. None may be empty. Markdown.
type Doc struct {
	What   string // what it finds
	Why    string // what can happen otherwise
	Fix    string // what to do
	Limits string // what it cannot see
	Since  string // "2026-11": the month of the release it came with
}

// A Check is a logically constant value. Findings have no severity: the policy
// decides what matters.
type Check struct {
	ID    string // three capitals and three digits, or a policy's own; never reused
	Title string // the state it complains about; no capital first, no full stop, at most 60 characters
	Doc   Doc
	// Scopes says about what it is evaluated; one result per subject. A check of
	// both ScopeImage and ScopePlatform runs on the image's set only if the root
	// is an index.
	Scopes []Scope
	// Needs are the facts without which it cannot pass. A Needs that is a single
	// value and Unknown keeps Run from being called; of a list, Run sees the parts
	// that are Known and Evaluate turns a pass into undecided if one is Unknown.
	Needs []fact.Kind
	// Uses are facts it reads if they are there.
	Uses []fact.Kind
	// Images restricts it to images (and indexes): for other classes it is
	// not-applicable with the class as reason. Reads fact.KImage.
	Images bool
	// Applies, if set, returns the reason why the check does not apply, or "". It
	// sees what Run sees but is called first, whatever is Unknown: it must rest on
	// Known facts alone, so that not knowing never makes a check not-applicable.
	Applies func(*fact.Set) string
	// Run judges. It sees only Needs and Uses, must not change them, and must be
	// deterministic.
	Run func(*fact.Set) Answer
}

// An Answer is what a check's Run says. The zero value is "nothing found",
// which Evaluate makes a pass only if all Needs are Known or Absent.
type Answer struct {
	Findings      []Finding
	NotApplicable string // a reason; used only without Findings
	NotAsked      string // a reason; used only without Findings
	// Undecided overrides a pass: Run itself could not tell. Cause and Why say why.
	Undecided bool
	Cause     fact.Cause
	Why       string
}

// A Finding is one thing that is wrong, or with Note one thing worth saying
// that fails nothing.
type Finding struct {
	Message string `json:"message"` // outside text in it is quoted with %q
	// Lines belong to the message, each on a line of its own, in this order: the
	// versions that the containers of a group run, the reasons against a revision.
	Lines   []string     `json:"lines,omitempty"`
	Fix     string       `json:"fix,omitempty"`
	Note    bool         `json:"note,omitempty"`
	Origin  *ref.Origin  `json:"origin,omitempty"`
	Related []ref.Origin `json:"related,omitempty"`
	// Consequences follow from this finding and are not listed on their own.
	Consequences []string `json:"consequences,omitempty"`

	// Paths and Dir are set for findings about paths, so that exceptions can name
	// them: all paths, or, if Count is larger than len(Paths), some of them, all
	// below Dir.
	Paths []fact.Bytes `json:"paths,omitempty"`
	Dir   fact.Bytes   `json:"dir,omitempty"`
	Count int          `json:"count,omitempty"`
	// Detail is what is wrong with the paths, of a check that tells several things of
	// them apart. States, of a check of what became of files, is of each of Paths the
	// digest of what is in it now, its permissions, owner or target where these are
	// what changed (untrusted), or "" for neither. AllStates hashes paths and states of
	// all if some are not listed. The same paths with other ones are another finding.
	Detail    string     `json:"detail,omitempty"`
	States    []string   `json:"states,omitempty"`
	AllStates ref.Digest `json:"allStates,omitempty"`
	// Layer is the number of the layer from 1; 0 if it is about none.
	Layer     int    `json:"layer,omitempty"`
	CreatedBy string `json:"createdBy,omitempty"` // that layer's history line, untrusted
}

// An Outcome is what a check found. The zero value is Undecided.
type Outcome uint8

// Outcomes.
const (
	Undecided Outcome = iota
	Pass
	Fail
	NotApplicable
	NotAsked
)

// A Result is one check's outcome for one subject.
type Result struct {
	Check    string     `json:"check"`
	Outcome  Outcome    `json:"outcome"`
	Cause    fact.Cause `json:"cause,omitempty"` // of undecided and not-asked, and of a fail that did not see all parts
	Why      string     `json:"why,omitempty"`   // of everything but pass, and of such a fail
	Platform string     `json:"platform,omitempty"`
	Findings []Finding  `json:"findings,omitempty"` // of fail; or notes
}
