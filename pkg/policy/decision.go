package policy

import "fmt"

// A Decision is what the policy makes of one subject. The zero value is
// Undecided, which refuses.
type Decision uint8

// Decisions.
const (
	Undecided Decision = iota
	Deny
	Warn
	Allow
)

var decisionNames = [...]string{"undecided", "deny", "warn", "allow"}

// String returns the name that reports use.
func (d Decision) String() string {
	if int(d) < len(decisionNames) {
		return decisionNames[d]
	}
	return decisionNames[Undecided]
}

// MarshalText writes the name of the decision.
func (d Decision) MarshalText() ([]byte, error) { return []byte(d.String()), nil }

// UnmarshalText reads the name of a decision.
func (d *Decision) UnmarshalText(b []byte) error {
	for i, n := range decisionNames {
		if n == string(b) {
			*d = Decision(i)
			return nil
		}
	}
	return fmt.Errorf("parse decision %q: not one of undecided, deny, warn, allow", b)
}

// Refuses reports whether d lets nothing through: all but Warn and Allow.
func (d Decision) Refuses() bool { return d != Warn && d != Allow }

// severity orders decisions: deny > undecided > warn > allow.
func (d Decision) severity() int {
	switch d {
	case Deny:
		return 3
	case Warn:
		return 1
	case Allow:
		return 0
	}
	return 2
}

// Worst returns the most severe of ds: deny > undecided > warn > allow. Of none
// it is Undecided: nothing was examined.
func Worst(ds ...Decision) Decision {
	if len(ds) == 0 {
		return Undecided
	}
	worst := ds[0]
	for _, d := range ds[1:] {
		if d.severity() > worst.severity() {
			worst = d
		}
	}
	return worst
}

// A Level is what the policy does when a check fails. The zero value denies.
type Level uint8

// Levels.
const (
	LevelDeny Level = iota
	LevelWarn
	LevelOff
)

// String returns "deny", "warn" or "off".
func (l Level) String() string {
	switch l {
	case LevelWarn:
		return "warn"
	case LevelOff:
		return "off"
	}
	return "deny"
}

// MarshalText writes the name of the level.
func (l Level) MarshalText() ([]byte, error) { return []byte(l.String()), nil }

// UnmarshalText reads the name of a level.
func (l *Level) UnmarshalText(b []byte) error {
	for _, level := range []Level{LevelDeny, LevelWarn, LevelOff} {
		if level.String() == string(b) {
			*l = level
			return nil
		}
	}
	return fmt.Errorf("parse level %q: not one of deny, warn, off", b)
}

// parseLevel reads a level that strict decoding has let through.
func parseLevel(s string) Level {
	switch s {
	case "warn":
		return LevelWarn
	case "off":
		return LevelOff
	}
	return LevelDeny
}

// A Depth is how far an image is examined. The zero value is not said.
type Depth string

// Depths, each including those before it.
const (
	DepthReference Depth = "reference" // the reference as written; nothing is fetched
	DepthManifest  Depth = "manifest"  // manifests, configs, signatures, what is there
	DepthLayers    Depth = "layers"    // every byte of the layers
)

// order is the place of d among the depths; 0 for one that is none.
func (d Depth) order() int {
	switch d {
	case DepthReference:
		return 1
	case DepthManifest:
		return 2
	case DepthLayers:
		return 3
	}
	return 0
}
