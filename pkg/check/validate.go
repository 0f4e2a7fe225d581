package check

import (
	"errors"
	"fmt"
	"slices"
	"unicode"
	"unicode/utf8"

	"github.com/intact-dev/intact/pkg/fact"
	"github.com/intact-dev/intact/pkg/internal/lazy"
)

const maxTitle = 60

var (
	idForm    = lazy.Regexp(`^[A-Z]{3,12}[0-9]{3}$`)
	sinceForm = lazy.Regexp(`^20[0-9]{2}-(0[1-9]|1[0-2])$`)
)

// Scopes returns all scopes.
func Scopes() []Scope {
	return []Scope{ScopeReference, ScopeImage, ScopePlatform, ScopeContainer, ScopeGroup, ScopeObject}
}

// Validate reports everything that is wrong with a set of checks: IDs that are
// malformed or used twice, titles out of style, missing documentation, scopes
// and facts that do not exist. It is called once at start, before any input is
// looked at.
func Validate(checks []Check) error {
	var errs []error
	seen := map[string]bool{}
	for _, c := range checks {
		if seen[c.ID] {
			errs = append(errs, fmt.Errorf("check %q: the ID is used twice", c.ID))
		}
		seen[c.ID] = true
		for _, p := range problemsOf(c) {
			errs = append(errs, fmt.Errorf("check %q: %s", c.ID, p))
		}
	}
	return errors.Join(errs...)
}

func problemsOf(c Check) []string {
	var out []string
	say := func(format string, args ...any) { out = append(out, fmt.Sprintf(format, args...)) }
	if !idForm().MatchString(c.ID) {
		say("the ID is not 3 to 12 capitals and 3 digits")
	}
	if p := titleProblem(c.Title); p != "" {
		say("title %q %s", c.Title, p)
	}
	for _, f := range []struct{ name, text string }{
		{"What", c.Doc.What}, {"Why", c.Doc.Why}, {"Fix", c.Doc.Fix}, {"Limits", c.Doc.Limits},
	} {
		if f.text == "" {
			say("Doc.%s is empty", f.name)
		}
	}
	if !sinceForm().MatchString(c.Doc.Since) {
		say("Doc.Since %q is not of the form 2026-11", c.Doc.Since)
	}
	if len(c.Scopes) == 0 {
		say("it has no scope")
	}
	for _, s := range c.Scopes {
		if !slices.Contains(Scopes(), s) {
			say("scope %q does not exist", s)
		}
	}
	// A check that needs nothing would pass over nothing.
	if len(c.Needs) == 0 {
		say("it needs no fact")
	}
	declared := map[fact.Kind]bool{}
	for _, k := range slices.Concat(c.Needs, c.Uses) {
		if !slices.Contains(fact.Kinds(), k) {
			say("fact %q does not exist", k)
		}
		if declared[k] {
			say("fact %q is declared twice", k)
		}
		declared[k] = true
	}
	if c.Run == nil {
		say("it has no Run")
	}
	return out
}

func titleProblem(title string) string {
	first, _ := utf8.DecodeRuneInString(title)
	last, _ := utf8.DecodeLastRuneInString(title)
	switch {
	case title == "":
		return "is empty"
	case utf8.RuneCountInString(title) > maxTitle:
		return fmt.Sprintf("is longer than %d characters", maxTitle)
	case unicode.IsUpper(first):
		return "begins with a capital"
	case unicode.IsSpace(first) || unicode.IsSpace(last) || last == '.':
		return "begins or ends with a space or a full stop"
	}
	return ""
}
