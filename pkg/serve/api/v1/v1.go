// Package v1 holds what the API below /api/v1 says, as plain data. Within a
// version members are only ever added: a reader ignores those that it does not
// know. Texts that come from outside are untrusted: whoever prints them escapes
// them.
package v1

import (
	"encoding/json"
	"time"

	"github.com/intact-dev/intact/pkg/difference"
	"github.com/intact-dev/intact/pkg/policy"
	"github.com/intact-dev/intact/pkg/ref"
)

// Prefix is where the API's paths begin.
const Prefix = "/api/v1"

// A Verdict is one judging, as it was recorded. It is history: it says what was
// found then, and is never an answer about now.
type Verdict struct {
	ID         int64           `json:"id"` // ascending
	Repository string          `json:"repository"`
	Tag        string          `json:"tag,omitempty"`    // "" = judged by digest
	Digest     ref.Digest      `json:"digest,omitempty"` // "" = the tag was gone, or the registry could not be asked
	Decision   policy.Decision `json:"decision"`
	// AwaitingSignature: the image was just pushed and may lack its signature for
	// now. It is no verdict yet, and is judged again.
	AwaitingSignature bool            `json:"awaitingSignature,omitempty"`
	Policy            string          `json:"policy"` // its digest
	At                time.Time       `json:"at"`
	Source            string          `json:"source"`            // what made somebody ask: "webhook harbor"
	Summary           *Summary        `json:"summary,omitempty"` // not there if none was kept
	Report            json.RawMessage `json:"report,omitempty"`  // intact.report/v1; of one verdict only, and dropped when it is old
}

// A Summary is what was found, in short.
type Summary struct {
	Title             string             `json:"title"`
	Lines             []string           `json:"lines,omitempty"`
	AwaitingSignature bool               `json:"awaitingSignature,omitempty"`
	AwaitingSince     time.Time          `json:"awaitingSince,omitzero"` // if so, by the clock of then
	Before            ref.Digest         `json:"before,omitempty"`       // what the tag was
	Moved             time.Time          `json:"moved,omitzero"`         // when the tag was first seen to be this
	Change            *difference.Result `json:"change,omitempty"`       // what is new against before
	Decision          policy.Decision    `json:"decision"`
	Error             string             `json:"error,omitempty"`
	Type              string             `json:"type"` // of the event that tells of it
}

// Verdicts is a page of verdicts, newest first, without their reports.
type Verdicts struct {
	Verdicts []Verdict `json:"verdicts"`
	// Before asks for the next page; not there on the last one.
	Before int64 `json:"before,omitempty"`
}

// Why is why a verdict is what it is.
type Why struct {
	Verdict int64   `json:"verdict"`
	Summary Summary `json:"summary"`
	Text    string  `json:"text"` // the same for people, control characters escaped
}

// A Latest is the newest verdict that is recorded of something.
type Latest struct {
	Verdict Verdict `json:"verdict"`
	// AgeSeconds is how old the verdict is. Policies, signatures and trust roots
	// may have changed since: ask for a scan if that matters.
	AgeSeconds int64 `json:"ageSeconds"`
	// Now is what the tag means by the last record, where a tag was asked for.
	Now *Seen `json:"now,omitempty"`
	// Current: the verdict is about what the tag means by the last record.
	Current bool `json:"current"`
}

// A Seen is what a tag means by the last record.
type Seen struct {
	Digest   ref.Digest `json:"digest,omitempty"` // "" = gone
	Since    time.Time  `json:"since"`            // when that was first seen
	LastSeen time.Time  `json:"lastSeen"`         // when a registry last said so
}

// A Tag is what a tag means by the last record.
type Tag struct {
	Tag    string     `json:"tag"`
	Digest ref.Digest `json:"digest"`
}

// Tags is a page of the tags of a repository, by name. Those that are gone are
// left out.
type Tags struct {
	Repository string `json:"repository"`
	Tags       []Tag  `json:"tags"`
	// After asks for the next page; not there on the last one.
	After string `json:"after,omitempty"`
}

// A Transition is a change of what a tag means: a leaf of the ledger.
type Transition struct {
	Seq       int64                 `json:"seq"` // its number in the log, from 0
	From      ref.Digest            `json:"from,omitempty"`
	To        ref.Digest            `json:"to,omitempty"` // "" = gone
	At        time.Time             `json:"at"`
	Source    string                `json:"source"` // who saw it
	Platforms map[string]ref.Digest `json:"platforms,omitempty"`
}

// A History is a page of the transitions of a tag, newest first.
type History struct {
	Repository  string       `json:"repository"`
	Tag         string       `json:"tag"`
	Transitions []Transition `json:"transitions"`
	// Before asks for the next page; not there on the last one.
	Before     int64      `json:"before,omitempty"`
	Checkpoint Checkpoint `json:"checkpoint"` // has all of these transitions
}

// A Checkpoint says what the whole log is. Keep one elsewhere: who has it can
// prove later that the log only grew.
type Checkpoint struct {
	Origin string `json:"origin"` // which log
	Size   int64  `json:"size"`   // leaves
	Root   string `json:"root"`   // base64
	Note   string `json:"note"`   // the whole of it as text, with its signature if it is signed
	Signed bool   `json:"signed"`
}
