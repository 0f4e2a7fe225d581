package expr

import (
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"sync"
	"time"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"

	"github.com/intact-dev/intact/pkg/check"
	"github.com/intact-dev/intact/pkg/fact"
	"github.com/intact-dev/intact/pkg/internal/lazy"
)

// A Rule is a policy's own check.
type Rule struct {
	ID    string // 4 to 12 capitals and 3 digits
	Title string // the state it complains about, at most 60 characters
	Fail  string // CEL over facts and now; true = fail
}

// A Program is a compiled Rule. It may be used concurrently.
type Program struct {
	rule    Rule
	program cel.Program
	kinds   []fact.Kind // it reads
	scopes  []check.Scope
}

var ruleID = lazy.Regexp(`^[A-Z]{4,12}[0-9]{3}$`)

// since is the month of the first release: an own rule is never newer than the
// policy it stands in.
const since = "2026-11"

// Compile compiles a rule. The error names the position of what is wrong.
func Compile(r Rule) (*Program, error) {
	switch {
	case !ruleID().MatchString(r.ID):
		return nil, fmt.Errorf("compile rule %q: the id must be 4 to 12 capitals and 3 digits", r.ID)
	case r.Title == "" || len([]rune(r.Title)) > 60:
		return nil, fmt.Errorf("compile rule %s: the title must have 1 to 60 characters", r.ID)
	}
	env, err := ruleEnv()
	if err != nil {
		return nil, err
	}
	checked, err := compileBool(env, r.Fail)
	if err != nil {
		return nil, fmt.Errorf("compile rule %s: %w", r.ID, err)
	}
	p := &Program{rule: r}
	read := variablesOf(checked)
	for _, k := range fact.Kinds() {
		if read[string(k)] {
			p.kinds = append(p.kinds, k)
		}
	}
	if p.scopes, err = scopesOf(p.kinds); err != nil {
		return nil, fmt.Errorf("compile rule %s: %w", r.ID, err)
	}
	if p.program, err = newProgram(env, checked); err != nil {
		return nil, fmt.Errorf("compile rule %s: %w", r.ID, err)
	}
	return p, nil
}

// subjects says which facts one subject of a scope has.
var subjects = []struct {
	scope check.Scope
	kinds []fact.Kind
}{
	{check.ScopeReference, []fact.Kind{fact.KReference, fact.KResolution, fact.KTag, fact.KPin, fact.KPush, fact.KAvailability, fact.KTagHistory}},
	{check.ScopeImage, []fact.Kind{fact.KImage, fact.KDocuments, fact.KListings, fact.KSignatures}},
	{check.ScopePlatform, []fact.Kind{fact.KImage, fact.KDocuments, fact.KConfig, fact.KLayers, fact.KUser, fact.KFilesystem}},
	{check.ScopeContainer, []fact.Kind{fact.KSettings, fact.KContainer, fact.KReference, fact.KRunning, fact.KForecast, fact.KJudged,
		fact.KChanges, fact.KDeclared, fact.KImage, fact.KConfig, fact.KUser, fact.KFilesystem}},
	{check.ScopeGroup, []fact.Kind{fact.KGroup, fact.KRevisions}},
	{check.ScopeObject, []fact.Kind{fact.KObject}},
}

// scopesOf chooses the first scope that has all kinds. Documents are of both
// images and platforms.
func scopesOf(kinds []fact.Kind) ([]check.Scope, error) {
	if len(kinds) == 0 {
		return nil, errors.New("it reads no fact")
	}
	if len(kinds) == 1 && kinds[0] == fact.KDocuments {
		return []check.Scope{check.ScopeImage, check.ScopePlatform}, nil
	}
	for _, s := range subjects {
		if !slices.ContainsFunc(kinds, func(k fact.Kind) bool { return !slices.Contains(s.kinds, k) }) {
			return []check.Scope{s.scope}, nil
		}
	}
	var names []string
	for _, k := range kinds {
		names = append(names, string(k))
	}
	return nil, fmt.Errorf("%s belong to no one subject (reference, image, platform, container, group or object); write several rules", strings.Join(names, ", "))
}

// Check returns the rule as a check that is judged at now.
func (p *Program) Check(now time.Time) check.Check {
	// The expression itself tells what it cannot do without; only what every
	// subject has is needed beside it.
	needs := fact.KImage
	switch p.scopes[0] {
	case check.ScopeReference:
		needs = fact.KReference
	case check.ScopeContainer:
		needs = fact.KSettings
	case check.ScopeGroup:
		needs = fact.KGroup
	case check.ScopeObject:
		needs = fact.KObject
	}
	return check.Check{
		ID: p.rule.ID, Title: p.rule.Title, Scopes: p.scopes,
		Needs:  []fact.Kind{needs},
		Uses:   slices.DeleteFunc(slices.Clone(p.kinds), func(k fact.Kind) bool { return k == needs }),
		Images: slices.Contains(p.scopes, check.ScopePlatform) && p.kinds[0] != fact.KDocuments,
		Doc: check.Doc{
			What:   fmt.Sprintf("A rule of the policy. It fails where this CEL expression over facts is true:\n\n    %s", p.rule.Fail),
			Why:    "The policy's owner asks for it: " + p.rule.Title + ".",
			Fix:    "Change the image or its use so that the expression is false, or ask the policy's owner.",
			Limits: "A fact that is not known makes it undecided; one that is not there makes it not applicable, unless the expression asks with `has()` or `!= null`.",
			Since:  since,
		},
		Run: func(s *fact.Set) check.Answer { return p.run(s, now) },
	}
}

func (p *Program) run(set *fact.Set, now time.Time) check.Answer {
	s, err := factSchema()
	if err != nil {
		return check.Answer{Undecided: true, Cause: fact.Internal, Why: err.Error()}
	}
	out, err := evaluate(p.program, p.variables(s, set, now, types.NullValue))
	unknown, isUnknown := out.(*types.Unknown)
	switch {
	case errors.Is(err, errCost):
		return check.Answer{Undecided: true, Cause: fact.Limit, Why: err.Error()}
	case err != nil:
		if k := p.missed(s, set, now); k != "" {
			return check.Answer{NotApplicable: "there is no " + string(k)}
		}
		return check.Answer{Undecided: true, Cause: fact.Dependency, Why: quoteError(err)}
	case isUnknown:
		return p.unknown(set, unknown)
	case out == types.True:
		return check.Answer{Findings: []check.Finding{{
			Message: p.rule.Title,
			Fix:     "make this false: " + p.rule.Fail,
		}}}
	case out == types.False:
		return check.Answer{}
	}
	return check.Answer{Undecided: true, Cause: fact.Internal, Why: fmt.Sprintf("the result is of type %s", out.Type().TypeName())}
}

func (p *Program) variables(s *schema, set *fact.Set, now time.Time, none ref.Val) map[string]any {
	vars := map[string]any{"now": now}
	for i, k := range p.kinds {
		vars[string(k)] = s.variable(set, k, int64(i), none)
	}
	return vars
}

// missed returns the Absent fact that the expression could not do without, or
// "". It is the one on which the result hangs if the fact could be anything.
func (p *Program) missed(s *schema, set *fact.Set, now time.Time) fact.Kind {
	out, err := evaluate(p.program, p.variables(s, set, now, nil))
	u, ok := out.(*types.Unknown)
	if err != nil || !ok {
		return ""
	}
	for i, k := range p.kinds {
		if slices.Contains(u.IDs(), int64(i)) && set.Statuses(k)[0].State == fact.Absent {
			return k
		}
	}
	return ""
}

// unknown says which fact kept the expression from being decided. What was not
// asked for gives way to what could not be done.
func (p *Program) unknown(set *fact.Set, u *types.Unknown) check.Answer {
	a := check.Answer{Undecided: true}
	found := false
	for i, k := range p.kinds {
		if !slices.Contains(u.IDs(), int64(i)) {
			continue
		}
		for _, st := range set.Statuses(k) {
			if st.State != fact.Unknown || found && a.Cause != fact.NotAsked {
				continue
			}
			if !found || st.Cause != fact.NotAsked {
				a.Cause, a.Why, found = st.Cause, st.Why, true
			}
			if a.Why == "" {
				a.Why = string(k) + " is not known"
			}
		}
	}
	return a
}

// variable wraps the fact k: what is Unknown is unknown to CEL, the parts of a
// list one by one. none stands for an Absent value; nil makes it unknown.
func (s *schema) variable(set *fact.Set, k fact.Kind, id int64, none ref.Val) ref.Val {
	index, _, list := factField(k)
	unknown := types.NewUnknown(id, nil)
	if none == nil {
		none = unknown
	}
	field := reflect.ValueOf(set).Elem().Field(index)
	if !list {
		return s.part(field, none, unknown)
	}
	if stateOf(field) == fact.Unknown {
		return unknown
	}
	parts := field.FieldByName("Parts")
	var vals []ref.Val
	for i := range parts.Len() {
		if stateOf(parts.Index(i)) != fact.Absent {
			vals = append(vals, s.part(parts.Index(i), none, unknown))
		}
	}
	return types.NewRefValList(s, vals)
}

func (s *schema) part(value reflect.Value, none, unknown ref.Val) ref.Val {
	switch stateOf(value) {
	case fact.Known:
		return s.value(value.FieldByName("V"))
	case fact.Absent:
		return none
	}
	return unknown
}

func stateOf(value reflect.Value) fact.State { return fact.State(value.FieldByName("State").Uint()) }

var ruleEnv = sync.OnceValues(func() (*cel.Env, error) {
	s, err := factSchema()
	if err != nil {
		return nil, err
	}
	options := []cel.EnvOption{cel.Variable("now", cel.TimestampType)}
	for _, k := range fact.Kinds() {
		_, t, list := factField(k)
		typ := s.typeOf(t)
		if list {
			typ = cel.ListType(typ)
		}
		options = append(options, cel.Variable(string(k), typ))
	}
	return newEnv(s, options...)
})
