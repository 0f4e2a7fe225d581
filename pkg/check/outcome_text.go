package check

import "fmt"

var outcomeNames = [...]string{"undecided", "pass", "fail", "not-applicable", "not-asked"}

// Outcomes returns all outcomes.
func Outcomes() []Outcome { return []Outcome{Undecided, Pass, Fail, NotApplicable, NotAsked} }

// String returns the name that reports use.
func (o Outcome) String() string {
	if int(o) < len(outcomeNames) {
		return outcomeNames[o]
	}
	return outcomeNames[Undecided]
}

// MarshalText writes the name of the outcome.
func (o Outcome) MarshalText() ([]byte, error) { return []byte(o.String()), nil }

// UnmarshalText reads the name of an outcome.
func (o *Outcome) UnmarshalText(b []byte) error {
	for i, n := range outcomeNames {
		if n == string(b) {
			*o = Outcome(i)
			return nil
		}
	}
	return fmt.Errorf("parse outcome %q: unknown", b)
}
