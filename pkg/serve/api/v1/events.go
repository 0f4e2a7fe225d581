package v1

import (
	"encoding/json"
	"time"

	"github.com/intact-dev/intact/pkg/policy"
)

// An Event is something that happened.
type Event struct {
	ID      int64           `json:"id"` // ascending, with gaps
	Type    string          `json:"type"`
	Subject string          `json:"subject"` // what it is about: "ghcr.io/acme/api:1.4.2"
	At      time.Time       `json:"at"`
	Data    json.RawMessage `json:"data,omitempty"`
}

// Events is a page of events, oldest first.
type Events struct {
	Events []Event `json:"events"`
	// After asks for what comes after these; who always asks with the last one
	// misses nothing.
	After int64 `json:"after"`
	// Incomplete: the event that was asked with is not kept any more, so some after
	// it may be gone, too.
	Incomplete bool `json:"incomplete,omitempty"`
}

// A ScanRequest asks for a tag, or an image, to be judged now.
type ScanRequest struct {
	// Reference is registry/repository:tag of a repository that the service
	// watches, or with a digest, registry/repository[:tag]@digest.
	Reference string `json:"reference"`
}

// A State is how far a scan is.
type State string

// States of a scan. The zero value is none of them.
const (
	Waiting State = "waiting" // or running
	Done    State = "done"    // the verdict is recorded, if there was anything to judge
	// Failed: it was given up. Nothing was judged.
	Failed State = "failed"
)

// A Scan is one that was asked for.
type Scan struct {
	Reference string `json:"reference"`
	// Number tells it from those before. Scans of one tag that are asked for at the
	// same time are one.
	Number int64  `json:"number"`
	State  State  `json:"state"`
	Error  string `json:"error,omitempty"` // of Failed
	// Status is where to ask how far it is, Verdict where the verdict is, or until
	// it is done the newest one.
	Status  string `json:"status"`
	Verdict string `json:"verdict"`
	// VerdictID is the verdict of Done that this scan led to, or a later one of the
	// same reference. Not there: there is no such tag and never was; or an event came
	// in between, and the one run for both found what was recorded already.
	VerdictID int64 `json:"verdictId,omitempty"`
}

// An Inventory is what was found when it was last looked what runs.
type Inventory struct {
	Places []Place `json:"places"`
}

// A Place is where images run.
type Place struct {
	Context  string          `json:"context"`         // its name in the config
	At       time.Time       `json:"at,omitzero"`     // when it was last looked at; not there = not yet
	Decision policy.Decision `json:"decision"`        // undecided if it was not looked at
	Error    string          `json:"error,omitempty"` // why it could not be looked at
	// Report is an intact.report/v1; only of a place that was asked for by name.
	Report json.RawMessage `json:"report,omitempty"`
}

// A Problem is an error.
//
// https://www.rfc-editor.org/rfc/rfc9457
type Problem struct {
	Type   string `json:"type"` // about:blank: the title says it all
	Title  string `json:"title"`
	Status int    `json:"status"`
	Detail string `json:"detail,omitempty"` // what is wrong here, and what to do
}
