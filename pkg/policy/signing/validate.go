package signing

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode"

	"github.com/intact-dev/intact/pkg/internal/lazy"
	"github.com/intact-dev/intact/pkg/policy/expr"
)

// A FieldError is something wrong with a rule.
type FieldError struct {
	Path string // within the rule: "anyOf[0].keyless.identity"
	Err  error
}

// Error returns path and cause.
func (e *FieldError) Error() string {
	if e.Path == "" {
		return e.Err.Error()
	}
	return e.Path + ": " + e.Err.Error()
}

// Unwrap returns the cause.
func (e *FieldError) Unwrap() error { return e.Err }

// Validate returns all that is wrong with the rule, in its order; nil if it can
// be used.
func (r *Rule) Validate() []*FieldError {
	v := &validator{}
	switch r.Level {
	case "", IndexOrChild, Index, Child, Both:
	default:
		v.addf("level", "%q; expected index-or-child, index, child or both", r.Level)
	}
	switch {
	case r.None && (len(r.AnyOf) > 0 || len(r.Attestations) > 0 || r.Level != ""):
		v.addf("none", "a rule that asks for no signature asks for nothing else; leave out anyOf, attestations and level")
	case !r.None && len(r.AnyOf) == 0 && len(r.Attestations) == 0:
		v.addf("", "the rule asks for nothing; give anyOf or attestations, or none: true")
	}
	captures := v.captures(r.Images)
	v.authorities("anyOf", r.AnyOf, captures)
	for i, a := range r.Attestations {
		path := fmt.Sprintf("attestations[%d]", i)
		if a.PredicateType == "" {
			v.addf(path+".predicateType", "empty")
		}
		if len(a.AnyOf) == 0 && len(r.AnyOf) == 0 {
			v.addf(path, "neither it nor the rule says who may sign; give anyOf")
		}
		if a.Where != "" {
			_, err := expr.CompileAttestationWhere(a.Where)
			v.add(path+".where", err)
		}
		v.authorities(path+".anyOf", a.AnyOf, captures)
	}
	return v.errs
}

type validator struct{ errs []*FieldError }

func (v *validator) add(path string, err error) {
	if err != nil {
		v.errs = append(v.errs, &FieldError{path, err})
	}
}

func (v *validator) addf(path, format string, args ...any) { v.add(path, fmt.Errorf(format, args...)) }

// captures returns the names that every pattern captures.
func (v *validator) captures(images []string) []string {
	var common []string
	for i, image := range images {
		var names []string
		for _, m := range capture().FindAllStringSubmatch(image, -1) {
			names = append(names, m[1])
		}
		if i == 0 {
			common = names
		}
		common = slices.DeleteFunc(common, func(n string) bool { return !slices.Contains(names, n) })
	}
	return common
}

func (v *validator) authorities(path string, all []Authority, captures []string) {
	for i, a := range all {
		p := fmt.Sprintf("%s[%d]", path, i)
		if a.Name != "" && slices.ContainsFunc(all[:i], func(b Authority) bool { return a.Name == b.Name }) {
			v.addf(p+".name", "another authority is called %q", a.Name)
		}
		v.requirement(p+".transparencyLog", a.TransparencyLog)
		v.requirement(p+".sct", a.SCT)
		switch {
		case a.Keyless != nil && a.Key != "":
			v.addf(p, "key and keyless are both set; write two authorities")
		case a.Keyless != nil:
			v.keyless(p+".keyless", a.Keyless, captures)
		case a.Key == "":
			v.addf(p, "neither key nor keyless is set")
		case a.SCT != "":
			v.addf(p+".sct", "a key has no certificate; leave it out")
		}
	}
}

func (v *validator) requirement(path string, r Requirement) {
	if r != "" && r != Required && r != NotRequired {
		v.addf(path, "%q; expected required or not-required", r)
	}
}

func (v *validator) keyless(path string, k *Keyless, captures []string) {
	switch {
	case k.Issuer == "":
		v.addf(path+".issuer", "empty; an identity means nothing without the issuer that vouches for it")
	case strings.ContainsAny(k.Issuer, "*{}\\") || strings.IndexFunc(k.Issuer, func(r rune) bool { return unicode.IsSpace(r) || unicode.IsControl(r) }) >= 0:
		v.addf(path+".issuer", "%q; it is compared exactly and takes no pattern", k.Issuer)
	}
	if k.Where != "" {
		_, err := expr.CompileWhere(k.Where)
		v.add(path+".where", err)
	}
	if _, err := compileIdentity(k); err != nil {
		v.add(path, err)
		return
	}
	if k.Identity != "" {
		v.add(path+".identity", globPitfall(k.Identity, captures))
	} else {
		v.add(path+".identityRegexp", regexpPitfall(k.IdentityRegexp))
	}
}

// globPitfall says what a pattern accepts that nobody meant.
func globPitfall(text string, captures []string) error {
	for _, m := range capture().FindAllStringSubmatch(text, -1) {
		if !slices.Contains(captures, m[1]) {
			return fmt.Errorf("%q: {%s} is not captured by every pattern of images", text, m[1])
		}
	}
	if strings.Contains(text, ".*") || strings.HasPrefix(text, "^") || strings.HasSuffix(text, "$") || strings.Contains(text, "(?") {
		return fmt.Errorf("%q looks like a regular expression; use identityRegexp", text)
	}
	if strings.Trim(text, "*/:@.") == "" {
		return fmt.Errorf("%q accepts anyone", text)
	}
	if scheme, rest, ok := strings.Cut(text, "://"); ok {
		host, path, _ := strings.Cut(rest, "/")
		if strings.Contains(scheme+host, "*") {
			return fmt.Errorf("%q: a pattern in the host accepts look-alikes; write it out", text)
		}
		first, _, more := strings.Cut(path, "/")
		if strings.HasSuffix(first, "*") && strings.Trim(first, "*") != "" && !strings.HasSuffix(first, `\*`) {
			return fmt.Errorf("%q: %q accepts %q too; end the name with /", text, first, strings.TrimRight(first, "*")+"-evil")
		}
		if strings.Trim(first, "*") == "" && (more || first != "") {
			return fmt.Errorf("%q accepts every owner at %s", text, host)
		}
		return nil
	}
	if _, domain, ok := strings.Cut(text, "@"); ok && strings.Contains(domain, "*") {
		return fmt.Errorf("%q: a pattern in the domain accepts look-alikes; write it out", text)
	}
	return nil
}

var (
	bareDot = lazy.Regexp(`^\^?https?://[^/]*[^\\\]]\.[^*+?/]`)
	// probes are identities of nobody. An expression that accepts one of them
	// accepts anyone.
	probes = []string{"https://evil.example/x", "x@evil.example", "evil"}
)

func regexpPitfall(text string) error {
	re, err := compileAnchored(text)
	if err != nil {
		return err
	}
	if slices.ContainsFunc(probes, re.MatchString) {
		return fmt.Errorf("%q accepts anyone", text)
	}
	if bareDot().MatchString(text) {
		return fmt.Errorf(`%q: in the host write \. in place of ., which matches any character`, text)
	}
	if re.MatchString("") {
		return errors.New("it accepts an empty identity")
	}
	return nil
}
