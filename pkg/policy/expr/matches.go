package expr

import (
	"fmt"
	"regexp"
	"regexp/syntax"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/env"
	"cel.dev/cel-go/common/overloads"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"
)

// RE2 is linear, but in the text times the pattern's program: 10 MB of text under
// a{1000} take a minute. CEL's own cost does not know the program and is counted
// only afterwards, so that matches is ours.
const (
	maxMatchSteps = 4_000_000 // of one call
	stepsPerCost  = 500
)

// standard is CEL's standard library with our matches.
func standard() cel.EnvOption {
	subset := env.NewLibrarySubset().AddExcludedFunctions(env.NewFunction(overloads.Matches))
	return func(e *cel.Env) (*cel.Env, error) {
		e, err := cel.StdLib(cel.StdLibSubset(subset))(e)
		if err != nil {
			return nil, err
		}
		two := []*cel.Type{cel.StringType, cel.StringType}
		return cel.Function(overloads.Matches,
			cel.Overload(overloads.Matches, two, cel.BoolType),
			cel.MemberOverload(overloads.MatchesString, two, cel.BoolType),
			cel.SingletonBinaryBinding(matches))(e)
	}
}

func matches(text, pattern ref.Val) ref.Val {
	t, ok1 := text.(types.String)
	p, ok2 := pattern.(types.String)
	if !ok1 || !ok2 {
		return types.MaybeNoSuchOverloadErr(text)
	}
	size, err := programSize(string(p))
	if err != nil {
		return types.WrapErr(err)
	}
	if len(t)*size > maxMatchSteps {
		return types.WrapErr(errCost)
	}
	re, err := regexp.Compile(string(p))
	if err != nil {
		return types.WrapErr(err)
	}
	return types.Bool(re.MatchString(string(t)))
}

// programSize is the number of instructions that a pattern compiles to.
func programSize(pattern string) (int, error) {
	if len(pattern) > maxText {
		return 0, fmt.Errorf("regular expression: %d characters are more than the limit of %d", len(pattern), maxText)
	}
	parsed, err := syntax.Parse(pattern, syntax.Perl)
	if err != nil {
		return 0, err
	}
	program, err := syntax.Compile(parsed.Simplify())
	if err != nil {
		return 0, err
	}
	return len(program.Inst), nil
}

// costs tells what a call of matches costs.
type costs struct{}

// CallCost returns nil for all other functions, which CEL knows.
func (costs) CallCost(function, _ string, args []ref.Val, _ ref.Val) *uint64 {
	if function != overloads.Matches || len(args) != 2 {
		return nil
	}
	t, ok1 := args[0].(types.String)
	p, ok2 := args[1].(types.String)
	if !ok1 || !ok2 {
		return nil
	}
	size, err := programSize(string(p))
	if err != nil {
		size = 1
	}
	cost := uint64(1 + size + len(t)*size/stepsPerCost)
	return &cost
}
