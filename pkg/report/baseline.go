package report

import "fmt"

// By what findings are accepted beside a policy's exceptions.
const (
	// ByBaseline: an earlier report has it.
	ByBaseline = "in the baseline report"
	// ByComment begins what a comment in a file says.
	ByComment = "comment in the file: "
)

// A Since says what changed since an earlier report, in numbers of findings of
// checks that are not off.
type Since struct {
	Known int `json:"known"` // in both: counted, not failed on
	New   int `json:"new"`   // not in the earlier one, and not accepted by anything else
	Fixed int `json:"fixed"` // no longer there, and its target was examined
	// Unseen are no longer told because what they were about was not examined this
	// time, or is no longer declared or running under that name.
	Unseen int `json:"unseen"`
}

// String says s in words: "12 known, 1 new, 3 fixed, 2 not seen again".
func (s Since) String() string {
	return fmt.Sprintf("%d known, %d new, %d fixed, %d not seen again", s.Known, s.New, s.Fixed, s.Unseen)
}
