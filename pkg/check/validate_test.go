package check_test

import (
	"strings"
	"testing"

	"github.com/intact-dev/intact/pkg/check"
	"github.com/intact-dev/intact/pkg/fact"
)

func valid() check.Check {
	return check.Check{
		ID: "CHK001", Title: "tag moves",
		Doc:    check.Doc{What: "a", Why: "b", Fix: "c", Limits: "d", Since: "2026-11"},
		Scopes: []check.Scope{check.ScopeReference},
		Needs:  []fact.Kind{fact.KReference},
		Run:    func(*fact.Set) check.Answer { return check.Answer{} },
	}
}

func TestValidate(t *testing.T) {
	t.Parallel()
	other := valid()
	other.ID = "ACMEBASE001"
	if err := check.Validate([]check.Check{valid(), other}); err != nil {
		t.Fatalf("two good checks: %v", err)
	}
	for want, breakIt := range map[string]func(*check.Check){
		"not 3 to 12 capitals":         func(c *check.Check) { c.ID = "CHK01" },
		`title "" is empty`:            func(c *check.Check) { c.Title = "" },
		"begins with a capital":        func(c *check.Check) { c.Title = "Tag moves" },
		"space or a full stop":         func(c *check.Check) { c.Title = "tag moves." },
		"longer than 60":               func(c *check.Check) { c.Title = strings.Repeat("a", 61) },
		"Doc.What is empty":            func(c *check.Check) { c.Doc.What = "" },
		"Doc.Why is empty":             func(c *check.Check) { c.Doc.Why = "" },
		"Doc.Fix is empty":             func(c *check.Check) { c.Doc.Fix = "" },
		"Doc.Limits is empty":          func(c *check.Check) { c.Doc.Limits = "" },
		`Doc.Since "2026-13"`:          func(c *check.Check) { c.Doc.Since = "2026-13" },
		"has no scope":                 func(c *check.Check) { c.Scopes = nil },
		`scope "world" does not`:       func(c *check.Check) { c.Scopes = append(c.Scopes, "world") },
		"needs no fact":                func(c *check.Check) { c.Needs = nil },
		`fact "weather" does not`:      func(c *check.Check) { c.Needs = append(c.Needs, "weather") },
		`fact "mood" does not`:         func(c *check.Check) { c.Uses = append(c.Uses, "mood") },
		`fact "reference" is declared`: func(c *check.Check) { c.Uses = append(c.Uses, fact.KReference) },
		"has no Run":                   func(c *check.Check) { c.Run = nil },
	} {
		c := valid()
		breakIt(&c)
		err := check.Validate([]check.Check{c})
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("want an error with %q, got %v", want, err)
		}
	}
	if err := check.Validate([]check.Check{valid(), valid()}); err == nil || !strings.Contains(err.Error(), "used twice") {
		t.Errorf("an ID used twice: got %v", err)
	}
}
