package main

import (
	"cmp"
	"slices"

	"github.com/intact-dev/intact/pkg/check"
	"github.com/intact-dev/intact/pkg/checks"
	"github.com/intact-dev/intact/pkg/policy"
	"github.com/intact-dev/intact/pkg/policy/signing"
	"github.com/intact-dev/intact/policies"
)

// This file is the only list of what is plugged in.

// allChecks returns every check there is, by ID. The SIG checks are as they are
// without a signature rule.
func allChecks() []check.Check {
	all := slices.Concat(checks.All(), signing.Checks(nil, signing.Options{}))
	slices.SortFunc(all, func(a, b check.Check) int { return cmp.Compare(a.ID, b.ID) })
	return all
}

// embeddedNames are the policies that ship with the program.
func embeddedNames() []string { return []string{"baseline", "strict", "audit"} }

func policyLoader(read func(string) ([]byte, error)) policy.Loader {
	return policy.Loader{Embedded: policies.Files, ReadFile: read, Checks: allChecks()}
}

func embeddedPolicies() ([]*policy.Policy, error) {
	var out []*policy.Policy
	for _, name := range embeddedNames() {
		p, err := policy.Load(policyLoader(nil), name)
		if err != nil {
			return nil, err
		}
		out = append(out, p)
	}
	return out, nil
}

func anySubject() policy.Subject { return policy.Subject{} }

// builtinChecks are the checks that need no policy to be made.
func builtinChecks() []check.Check { return checks.All() }
