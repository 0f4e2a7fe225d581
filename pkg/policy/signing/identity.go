package signing

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
	"unicode"

	"github.com/intact-dev/intact/pkg/internal/lazy"
)

// compileIdentity returns what tells whether the subject of a certificate is
// the one k names. It always matches the whole subject.
func compileIdentity(k *Keyless) (func(subject string) bool, error) {
	var re *regexp.Regexp
	var err error
	switch {
	case k.Identity != "" && k.IdentityRegexp != "":
		return nil, errors.New("identity and identityRegexp are both set; keep one")
	case k.Identity != "":
		re, err = compileGlob(k.Identity)
	case k.IdentityRegexp != "":
		re, err = compileAnchored(k.IdentityRegexp)
	default:
		return nil, errors.New("identity is empty, which would accept anyone; name one")
	}
	if err != nil {
		return nil, err
	}
	return func(subject string) bool {
		// A control character never stands in an identity, and a line break would end
		// what some pattern takes for the whole.
		return strings.IndexFunc(subject, unicode.IsControl) < 0 && re.MatchString(subject)
	}, nil
}

// compileAnchored compiles a regular expression that must match the whole text.
// It is compiled alone first: "a)|(?:b" would break out of the group.
func compileAnchored(text string) (*regexp.Regexp, error) {
	if _, err := regexp.Compile(text); err != nil {
		return nil, fmt.Errorf("identityRegexp %q: %w", text, err)
	}
	re, err := regexp.Compile(`^(?:` + text + `)$`)
	if err != nil {
		return nil, fmt.Errorf("identityRegexp %q: %w", text, err)
	}
	return re, nil
}

// compileGlob compiles a pattern in which * stops at /, ** does not, and \
// takes the star, backslash or brace after it literally.
func compileGlob(text string) (*regexp.Regexp, error) {
	var out strings.Builder
	out.WriteString(`(?s)\A`)
	for i := 0; i < len(text); {
		switch {
		case text[i] == '\\':
			if i+1 == len(text) || !strings.ContainsRune(`*\{}`, rune(text[i+1])) {
				return nil, fmt.Errorf(`identity %q: a backslash only stands before *, {, } or \; is it a regular expression for identityRegexp?`, text)
			}
			out.WriteString(regexp.QuoteMeta(text[i+1 : i+2]))
			i += 2
		case strings.HasPrefix(text[i:], "**"):
			out.WriteString(`.*`)
			i += 2
		case text[i] == '*':
			out.WriteString(`[^/]*`)
			i++
		default:
			// Bytes outside of ASCII are quoted as they stand.
			out.WriteString(regexp.QuoteMeta(text[i : i+1]))
			i++
		}
	}
	out.WriteString(`\z`)
	re, err := regexp.Compile(out.String())
	if err != nil {
		return nil, fmt.Errorf("identity %q: %w", text, err)
	}
	return re, nil
}

// escapeGlob makes a pattern that matches text alone.
func escapeGlob(text string) string {
	return strings.NewReplacer(`*`, `\*`, `\`, `\\`, `{`, `\{`, `}`, `\}`).Replace(text)
}

var capture = lazy.Regexp(`\{([A-Za-z_][A-Za-z0-9_]*)\}`)

// For returns the rule with the captured values of its pattern put, literally,
// in place of {name} in identities. The rule itself is not changed.
func (r *Rule) For(captures map[string]string) *Rule {
	out := *r
	out.AnyOf = substituted(r.AnyOf, captures)
	out.Attestations = append([]AttestationRule(nil), r.Attestations...)
	for i := range out.Attestations {
		out.Attestations[i].AnyOf = substituted(out.Attestations[i].AnyOf, captures)
	}
	return &out
}

func substituted(in []Authority, captures map[string]string) []Authority {
	out := append([]Authority(nil), in...)
	for i := range out {
		if out[i].Keyless == nil {
			continue
		}
		k := *out[i].Keyless
		k.Identity = substitute(k.Identity, captures, escapeGlob)
		k.IdentityRegexp = substitute(k.IdentityRegexp, captures, regexp.QuoteMeta)
		out[i].Keyless = &k
	}
	return out
}

// substitute leaves names alone that were not captured: in a regular expression
// they may be part of \p{…}, and a pattern with a brace in it matches nothing.
func substitute(text string, captures map[string]string, escape func(string) string) string {
	return capture().ReplaceAllStringFunc(text, func(m string) string {
		if v, ok := captures[m[1:len(m)-1]]; ok {
			return escape(v)
		}
		return m
	})
}
