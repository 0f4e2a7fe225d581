// Package checks holds the checks that judge references, images and workloads: one file
// each. They are pure functions of the facts that they declare; what a finding
// leads to is the policy's business. The checks that need the policy itself are
// in package policy.
//
// A check never takes what it does not know for good: it returns a pass only if
// it has looked at everything that it is about.
package checks

import (
	_ "embed"
	"encoding/json"

	"github.com/intact-dev/intact/pkg/check"
)

// All returns the checks of this package in the order of reports. The caller
// may change the slice.
func All() []check.Check {
	return []check.Check{
		ref001(), ref002(), ref003(), ref004(), ref005(), ref006(), ref007(),
		tag001(), tag002(), tag003(), tag004(), tag005(), tag006(),
		dig001(), dig002(), dig003(), dig004(), dig005(), dig006(), dig007(), dig008(),
		lay001(), lay002(), lay003(), lay004(), lay005(), lay006(), lay007(), lay008(), lay009(),
		set001(), set002(), set003(), set004(), set005(), set006(),
		run001(), run002(), run003(), run004(), run005(), run006(), run007(), run008(), run009(), run010(),
		run011(), run012(), run013(), run014(), run015(),
		reg001(),
	}
}

// since is the release that this set of checks came with.
const since = "2026-11"

//go:embed examples.json
var examplesJSON []byte

// Example returns what c reports on one of its test cases, for its page; "" if
// there is none. The file holds those of the SIG checks too; go generate
// ./cmd/intact writes it.
func Example(c check.Check) string {
	var examples map[string]string
	if json.Unmarshal(examplesJSON, &examples) != nil {
		return "" // the file is compiled in, and a test reads it
	}
	return examples[c.ID]
}
