package notify

import "time"

// A Fate is what became of a happening at one place.
type Fate string

// Fates. Only Held and Repeated ones are still waiting.
const (
	Sent     Fate = "sent"     // told by itself
	Held     Fate = "held"     // over the limit: goes into the next summary
	Repeated Fate = "repeated" // told already: counted in a summary, later
	InFold   Fate = "folded"   // told in a summary
	Summary  Fate = "summary"  // is a summary
	Refused  Fate = "refused"  // the place did not take it, nor will it: nobody knows of it
)

// A Told is what is kept of a happening at one place, one for each ID. [Keep] says
// which are needed; those that wait must be kept until they do not.
type Told struct {
	ID   string    `json:"id"`
	Fate Fate      `json:"fate"`
	At   time.Time `json:"at"` // when it met its fate
	// Happened is its own time, by which it is known what is so now.
	Happened time.Time `json:"happened"`
	Subject  string    `json:"subject"`
	Title    string    `json:"title"`
	// Times is how many happenings a waiting one stands for; 0 is one.
	Times int `json:"times,omitempty"`
}

// Waits reports whether its happening is not told yet.
func (t Told) Waits() bool { return t.Fate == Held || t.Fate == Repeated }

// message reports whether it was one that the place got, taken or not.
func (t Told) message() bool { return t.Fate == Sent || t.Fate == Summary || t.Fate == Refused }

// known reports whether people know of it.
func (t Told) known() bool { return t.Fate == Sent || t.Fate == InFold }
