// Package happening holds what the service tells people and programs: one value
// for each thing that happened, in the API's list of events, in notifications and
// in the log.
package happening

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/intact-dev/intact/pkg/policy"
	"github.com/intact-dev/intact/pkg/ref"
)

// A Type says what happened. Types are only ever added.
type Type string

// Types of happenings. One push is one happening: Judged says what came of it.
const (
	// ImageJudged: what a tag points to was judged, because it was pushed, because
	// reconciliation found it, or because somebody asked.
	ImageJudged Type = "image.judged"
	// TagDeleted: a tag that was recorded is gone.
	TagDeleted Type = "tag.deleted"
	// RunningChanged: what runs at a place is judged another way than last time.
	RunningChanged Type = "running.changed"
	// RunningUnseen: a place could not be looked at.
	RunningUnseen Type = "running.unseen"
	// RunningUnreported: policy reports could not be written into a cluster. What is
	// in it may be of an earlier time.
	RunningUnreported Type = "running.unreported"
	// ConfigRefused: a changed config has an error; the former one stays.
	ConfigRefused Type = "config.refused"
)

// Types returns all types, with what each is for.
func Types() []struct {
	Type Type
	Doc  string
} {
	return []struct {
		Type Type
		Doc  string
	}{
		{ImageJudged, "what a tag points to was judged"},
		{TagDeleted, "a tag that was recorded is gone"},
		{RunningChanged, "what runs is judged another way than last time"},
		{RunningUnseen, "a place where images run could not be looked at"},
		{RunningUnreported, "policy reports about what runs could not be written into its cluster"},
		{ConfigRefused, "a changed config has an error; the former one stays"},
	}
}

// A Happening is one thing that happened. It is plain data. All texts that come
// from outside are untrusted: whoever prints it escapes them.
type Happening struct {
	// ID is the same if it is told again.
	ID   string    `json:"id"`
	Type Type      `json:"type"`
	At   time.Time `json:"at"`
	// Subject is what it is about: registry/repository:tag, or a place.
	Subject string          `json:"subject"`
	Title   string          `json:"title"` // one line
	Lines   []string        `json:"lines,omitempty"`
	Digest  ref.Digest      `json:"digest,omitempty"` // what the tag is now; "" = gone
	Before  ref.Digest      `json:"before,omitempty"` // what it was; "" = not recorded
	Verdict policy.Decision `json:"verdict"`          // of ImageJudged and RunningChanged
	Was     string          `json:"was,omitempty"`    // the verdict before; "" = none
	// Report is the number of the recorded verdict, for the API; "" = none.
	Report string `json:"report,omitempty"`
	// Cause is what made somebody look: "webhook harbor", "reconcile", "api alice".
	Cause string `json:"cause,omitempty"`
}

// Alarming reports whether somebody should look: a refusal, something that could
// not be decided, a place or a config that was lost.
func (h Happening) Alarming() bool {
	switch h.Type {
	case ImageJudged, RunningChanged, TagDeleted:
		return h.Verdict == policy.Deny || h.Verdict == policy.Undecided
	}
	return true
}

// Wanted reports whether on, a list of types and of their beginnings such as
// "tag.*" or "alarm" for what is [Happening.Alarming], asks for h. An empty list
// asks for all.
func (h Happening) Wanted(on []string) bool {
	return len(on) == 0 || slices.ContainsFunc(on, func(s string) bool {
		prefix, any := strings.CutSuffix(s, "*")
		return s == string(h.Type) || any && strings.HasPrefix(string(h.Type), prefix) || s == Alarm && h.Alarming()
	})
}

// Alarm is the word for [Happening.Wanted] that stands for what is alarming.
const Alarm = "alarm"

// CheckOn says what is wrong with one entry of a list for [Happening.Wanted].
func CheckOn(s string) error {
	if s == Alarm {
		return nil
	}
	prefix, any := strings.CutSuffix(s, "*")
	for _, t := range Types() {
		if string(t.Type) == s || any && strings.HasPrefix(string(t.Type), prefix) {
			return nil
		}
	}
	return fmt.Errorf("no event is called %q", s)
}
