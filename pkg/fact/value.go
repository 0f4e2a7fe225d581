// Package fact holds what was learned about a reference and an image: plain
// data, intact.facts/v1. It does nothing. Gatherers fill it, checks and
// policies judge it.
//
// Content facts follow from bytes and hold for ever; observations (what a tag
// points to now, which signatures a registry lists) carry a time and a source.
package fact

import "time"

// A State says whether something is known. The zero value is Unknown.
type State uint8

// States of a fact.
const (
	Unknown State = iota // not gathered, or gathering failed
	Absent               // looked for, and not there
	Known
)

// A Cause says why a fact is Unknown. The zero value means that nobody
// gathered it.
type Cause string

// Causes of not knowing. NotAsked alone is a choice of the user (depth,
// platform, no signature rule, capability not switched on) and leads to the
// outcome not-asked; all others lead to undecided.
const (
	NotGathered     Cause = ""
	NotAsked        Cause = "not-asked"
	Network         Cause = "network"         // no answer, connection or TLS failure
	Blocked         Cause = "blocked"         // refused by our own network rules
	Unauthenticated Cause = "unauthenticated" // 401, or a token was refused
	Forbidden       Cause = "forbidden"       // 403
	NotFound        Cause = "not-found"       // 404 for what must exist to go on
	RateLimited     Cause = "rate-limited"    // 429
	ServerError     Cause = "server-error"    // 5xx, or an answer that breaks the protocol
	Deadline        Cause = "deadline"
	Cancelled       Cause = "cancelled"
	Limit           Cause = "limit"       // one of our limits; Why names it, the value and the flag
	CutShort        Cause = "cut-short"   // the bytes ended early
	Unsupported     Cause = "unsupported" // a form or algorithm that we cannot examine
	Encrypted       Cause = "encrypted"
	Dependency      Cause = "dependency" // what it hangs on is unknown or failed
	Internal        Cause = "internal"   // a fault of ours
)

// A Value is a fact, or the reason why there is none. The zero value is
// Unknown.
type Value[T any] struct {
	State  State     `json:"state"`
	V      T         `json:"value,omitzero"` // meaningful only when Known
	Cause  Cause     `json:"cause,omitempty"`
	Why    string    `json:"why,omitempty"`    // set when Unknown; for people
	At     time.Time `json:"at,omitzero"`      // of an observation; zero for facts about content
	Source string    `json:"source,omitempty"` // of an observation: where it was asked
}

// Of returns a Known value.
func Of[T any](v T) Value[T] { return Value[T]{State: Known, V: v} }

// None returns an Absent value: looked for, and not there.
func None[T any]() Value[T] { return Value[T]{State: Absent} }

// Missing returns an Unknown value with its cause.
func Missing[T any](c Cause, why string) Value[T] { return Value[T]{Cause: c, Why: why} }

// A List is a collection that is itself known or not, and each part of which
// is known or not: one part per layer, per document, per signature. The zero
// value is Unknown; a Known list may be empty.
type List[T any] struct {
	State State      `json:"state"`
	Parts []Value[T] `json:"parts,omitempty"` // meaningful only when Known
	Cause Cause      `json:"cause,omitempty"`
	Why   string     `json:"why,omitempty"`
}

// ListOf returns a Known list of parts.
func ListOf[T any](parts ...Value[T]) List[T] { return List[T]{State: Known, Parts: parts} }

// NoList returns an Absent list: there can be none, such as the layers of an
// index.
func NoList[T any]() List[T] { return List[T]{State: Absent} }

// MissingList returns an Unknown list with its cause.
func MissingList[T any](c Cause, why string) List[T] { return List[T]{Cause: c, Why: why} }

// A Status is the state of a fact without its value.
type Status struct {
	State State
	Cause Cause
	Why   string
}

// Status returns the state of v.
func (v Value[T]) Status() Status { return Status{v.State, v.Cause, v.Why} }

// Statuses returns the state of the list itself, then of each part if Known.
func (l List[T]) Statuses() []Status {
	out := []Status{{l.State, l.Cause, l.Why}}
	if l.State == Known {
		for _, p := range l.Parts {
			out = append(out, p.Status())
		}
	}
	return out
}
