package terraform

import (
	"bytes"
	"fmt"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"

	"github.com/intact-dev/intact/pkg/internal/limits"
)

const (
	// maxNesting is how deep brackets and operators may go. Go ends a process
	// whose stack is full, and HCL's parser takes up to 10 KB of it for each.
	maxNesting = 2000
	// Below that many of them nothing need be counted exactly.
	fewBrackets = 5000
)

// nesting refuses text that would fill the stack of HCL's parser.
func nesting(data []byte, path string) error {
	n := 0
	for _, b := range []byte("([{!?-+*/&|=<>%$") {
		n += bytes.Count(data, []byte{b})
	}
	if n < fewBrackets {
		return nil
	}
	tokens, _ := hclsyntax.LexConfig(data, path, hcl.InitialPos)
	return tooDeep(tokens, path)
}

// tooDeep counts open brackets, and operators of one expression.
func tooDeep(tokens hclsyntax.Tokens, path string) error {
	open, flat, operators := 0, 0, 0 // flat are the open ones in which a line end means nothing
	for _, t := range tokens {
		switch t.Type {
		case hclsyntax.TokenOParen, hclsyntax.TokenOBrack, hclsyntax.TokenTemplateInterp, hclsyntax.TokenTemplateControl:
			open, flat = open+1, flat+1
		case hclsyntax.TokenCParen, hclsyntax.TokenCBrack, hclsyntax.TokenTemplateSeqEnd:
			open, flat = max(0, open-1), max(0, flat-1)
		case hclsyntax.TokenOBrace, hclsyntax.TokenOQuote, hclsyntax.TokenOHeredoc:
			open++
		case hclsyntax.TokenCBrace, hclsyntax.TokenCQuote, hclsyntax.TokenCHeredoc:
			open = max(0, open-1)
		case hclsyntax.TokenNewline, hclsyntax.TokenComma:
			if flat == 0 {
				operators = 0
			}
		case hclsyntax.TokenBang, hclsyntax.TokenQuestion, hclsyntax.TokenMinus, hclsyntax.TokenPlus, hclsyntax.TokenStar, hclsyntax.TokenSlash,
			hclsyntax.TokenPercent, hclsyntax.TokenAnd, hclsyntax.TokenOr, hclsyntax.TokenEqualOp, hclsyntax.TokenNotEqual:
			operators++
		}
		if open+operators > maxNesting {
			return fmt.Errorf("read %q: line %d: %w", path, t.Range.Start.Line, &limits.ExceededError{What: "depth of an expression of HCL", Limit: maxNesting})
		}
	}
	return nil
}
