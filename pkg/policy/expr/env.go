// Package expr compiles and judges the expressions of a policy, in CEL: own
// rules over facts, and the conditions that signatures must meet. It is pure.
//
// https://github.com/google/cel-spec/blob/v0.25.1/doc/langdef.md
package expr

import (
	"errors"
	"fmt"
	"strings"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/common/types/ref"
)

// Limits of one expression. Expressions come from the policy, but what they are
// judged on comes from outside, so that time is bounded by cost, not by a clock:
// the same input always ends the same way.
const (
	maxText = 4096
	// maxCost is about 4 s of evaluation at worst, since CEL's counting of costs
	// is quadratic in the length of a list; 10,000 packages of an SBOM with one
	// comparison each cost 60,000.
	maxCost        = 100_000
	maxNodes       = 10_000
	maxDepth       = 100
	maxRegexp      = 10_000
	maxMacroNested = 3
)

// errCost is an evaluation that was ended by maxCost.
var errCost = fmt.Errorf("the expression costs more than the limit of %d steps on this input", maxCost)

func newEnv(s *schema, options ...cel.EnvOption) (*cel.Env, error) {
	env, err := cel.NewCustomEnv(append([]cel.EnvOption{
		standard(),
		cel.CustomTypeProvider(s),
		cel.CustomTypeAdapter(s),
		cel.CrossTypeNumericComparisons(true),
		cel.DefaultUTCTimeZone(true),
		cel.EagerlyValidateDeclarations(true),
		cel.ParserExpressionSizeLimit(maxText),
		cel.ExpressionNodeLimit(maxNodes),
		cel.ExpressionNestingDepthLimit(maxDepth),
		cel.ParserRecursionLimit(maxDepth),
		cel.RegexProgramSizeLimit(maxRegexp),
		cel.ASTValidators(
			cel.ValidateDurationLiterals(), cel.ValidateTimestampLiterals(), cel.ValidateRegexLiterals(),
			cel.ValidateComprehensionNestingLimit(maxMacroNested),
		),
	}, options...)...)
	if err != nil {
		return nil, fmt.Errorf("build expression environment: %w", err)
	}
	return env, nil
}

// compileBool compiles text to an expression that is true or false.
func compileBool(env *cel.Env, text string) (*cel.Ast, error) {
	if strings.TrimSpace(text) == "" {
		return nil, errors.New("compile expression: it is empty")
	}
	checked, issues := env.Compile(text)
	if issues.Err() != nil {
		first := issues.Errors()[0]
		return nil, fmt.Errorf("compile expression: column %d: %s", column(text, first.Location.Line(), first.Location.Column()), first.Message)
	}
	// Fields of JSON are of any type until they are read.
	if t := checked.OutputType(); !t.IsExactType(cel.BoolType) && !t.IsExactType(cel.DynType) {
		return nil, fmt.Errorf("compile expression: it is of type %s; expected true or false", t)
	}
	return checked, nil
}

// column counts from 1 in the whole text: an expression is one scalar of YAML.
func column(text string, line, col int) int {
	for range line - 1 {
		i := strings.IndexByte(text, '\n')
		if i < 0 {
			break
		}
		col += i + 1
		text = text[i+1:]
	}
	return col + 1
}

func newProgram(env *cel.Env, checked *cel.Ast) (cel.Program, error) {
	p, err := env.Program(checked, cel.CostTracking(costs{}), cel.CostLimit(maxCost), cel.EvalOptions(cel.OptOptimize))
	if err != nil {
		return nil, fmt.Errorf("compile expression: %w", err)
	}
	return p, nil
}

// evaluate runs a program. A panic of a library over hostile input is an error.
func evaluate(p cel.Program, vars map[string]any) (out ref.Val, err error) {
	defer func() {
		if r := recover(); r != nil {
			out, err = nil, fmt.Errorf("evaluate expression: %v", r)
		}
	}()
	out, _, err = p.Eval(vars)
	if err != nil && (errors.Is(err, errCost) || strings.Contains(err.Error(), "actual cost limit exceeded")) {
		return nil, errCost
	}
	return out, err
}

// variablesOf returns the names of variables that an expression reads.
func variablesOf(checked *cel.Ast) map[string]bool {
	out := map[string]bool{}
	ast.PreOrderVisit(checked.NativeRep().Expr(), ast.NewExprVisitor(func(e ast.Expr) {
		if e.Kind() == ast.IdentKind {
			out[e.AsIdent()] = true
		}
	}))
	return out
}
