package signing_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/intact-dev/intact/pkg/check"
	"github.com/intact-dev/intact/pkg/fact"
	"github.com/intact-dev/intact/pkg/policy/signing"
	"github.com/intact-dev/intact/pkg/ref"
)

const (
	issuer = "https://token.actions.githubusercontent.com"
	digest = ref.Digest("sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa")
)

// accepts asks SIG001 to SIG006 about an image signed by subject.
func accepts(t *testing.T, k signing.Keyless, captures map[string]string, by fact.Identity) bool {
	t.Helper()
	rule := &signing.Rule{Images: []string{"ghcr.io/acme/{repo}"}, AnyOf: []signing.Authority{{Keyless: &k}}}
	facts := &fact.Set{
		Image:    fact.Of(fact.Image{Class: fact.ClassImage, Root: ref.Descriptor{Digest: digest}}),
		Listings: fact.ListOf(fact.Of(fact.Listing{Subject: digest})),
		Signatures: fact.ListOf(fact.Of(fact.Signature{
			Kind: fact.KindSignature, State: fact.SignatureVerified, Subject: digest, Claims: []ref.Digest{digest},
			Proofs: []fact.Proof{{Root: signing.DefaultRoot, Identity: &by, Logs: []fact.Witness{{ID: "log"}}, SCT: true}},
		})),
	}
	pass := true
	for _, c := range signing.Checks(rule.For(captures), signing.Options{}) {
		if o := check.Evaluate(c, facts).Outcome; o == check.Fail || o == check.Undecided {
			pass = false
		}
	}
	return pass
}

func TestIdentity(t *testing.T) {
	t.Parallel()
	glob := func(s string) signing.Keyless { return signing.Keyless{Issuer: issuer, Identity: s} }
	re := func(s string) signing.Keyless { return signing.Keyless{Issuer: issuer, IdentityRegexp: s} }
	const release = "https://github.com/acme/api/.github/workflows/release.yml@refs/tags/"
	for name, tt := range map[string]struct {
		keyless signing.Keyless
		subject string
		want    bool
	}{
		"exact":                     {glob(release + "v1"), release + "v1", true},
		"star":                      {glob(release + "*"), release + "v1", true},
		"star_stops_at_slash":       {glob(release + "*"), release + "v1/x", false},
		"two_stars_do_not":          {glob(release + "**"), release + "v1/x", true},
		"star_may_be_empty":         {glob(release + "*"), release, true},
		"prefix_is_not_enough":      {glob("https://github.com/acme"), "https://github.com/acme-evil/x", false},
		"suffix_is_not_enough":      {glob("acme.com"), "evil@acme.com", false},
		"dot_is_a_dot":              {glob("https://github.com/acme/api"), "https://githubxcom/acme/api", false},
		"case_counts":               {glob("https://github.com/acme/api"), "https://github.com/Acme/api", false},
		"capture":                   {glob("https://github.com/acme/{repo}/x"), "https://github.com/acme/a.p*i/x", true},
		"capture_is_literal":        {glob("https://github.com/acme/{repo}/x"), "https://github.com/acme/a.pxi/x", false},
		"capture_in_regexp":         {re(`https://github\.com/acme/{repo}/.+`), "https://github.com/acme/a.p*i/x", true},
		"capture_in_regexp_literal": {re(`https://github\.com/acme/{repo}/.+`), "https://github.com/acme/axpppi/x", false},
		"escaped_star":              {glob(`https://github.com/acme/\*`), "https://github.com/acme/*", true},
		"escaped_star_is_literal":   {glob(`https://github.com/acme/\*`), "https://github.com/acme/api", false},
		"line_break_in_glob":        {glob("https://github.com/acme/**"), "https://github.com/acme/\nx", false},
		"line_break_at_end":         {re(`https://github\.com/acme/api`), "https://github.com/acme/api\n", false},
		"multi_line_flag":           {re(`(?m)^https://github\.com/acme/api$`), "evil\nhttps://github.com/acme/api", false},
		"regexp_is_anchored":        {re(`https://github\.com/acme/api`), "https://evil.example/?https://github.com/acme/api", false},
		"regexp_is_anchored_at_end": {re(`https://github\.com/acme/api`), "https://github.com/acme/api-evil", false},
		"alternation_is_anchored":   {re(`https://github\.com/acme/a|https://github\.com/acme/b`), "https://github.com/acme/a-evil", false},
		"alternation":               {re(`https://github\.com/acme/a|https://github\.com/acme/b`), "https://github.com/acme/b", true},
		"unbalanced_group":          {re(`x)|(?:.*`), "evil", false},
		"empty_identity":            {glob(""), "evil", false},
		"empty_identity_and_cert":   {glob(""), "", false},
		"unicode_look_alike":        {glob("https://github.com/acme/*"), "https://github.com/асme/api", false},
		"uncaptured_name":           {glob("https://github.com/{other}/x"), "https://github.com/acme/x", false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			captures := map[string]string{"repo": "a.p*i"}
			if got := accepts(t, tt.keyless, captures, fact.Identity{Issuer: issuer, Subject: tt.subject}); got != tt.want {
				t.Errorf("accepted = %t, want %t", got, tt.want)
			}
			for _, other := range []string{issuer + "/", issuer + ".evil.example", "", strings.ToUpper(issuer)} {
				if accepts(t, tt.keyless, captures, fact.Identity{Issuer: other, Subject: tt.subject}) {
					t.Errorf("accepted with the issuer %q", other)
				}
			}
		})
	}
}

func TestRule_For_leaves_the_rule_alone(t *testing.T) {
	t.Parallel()
	rule := func() *signing.Rule {
		return &signing.Rule{AnyOf: []signing.Authority{{Keyless: &signing.Keyless{Identity: "{repo}"}}},
			Attestations: []signing.AttestationRule{{AnyOf: []signing.Authority{{Keyless: &signing.Keyless{IdentityRegexp: "{repo}"}}}}}}
	}
	r := rule()
	got := r.For(map[string]string{"repo": "a.b"})
	if d := cmp.Diff(rule(), r); d != "" {
		t.Errorf("For changed the rule (-before +after):\n%s", d)
	}
	if id := got.AnyOf[0].Keyless.Identity; id != "a.b" {
		t.Errorf("identity = %q", id)
	}
	if id := got.Attestations[0].AnyOf[0].Keyless.IdentityRegexp; id != `a\.b` {
		t.Errorf("identityRegexp = %q", id)
	}
}

func TestRule_Validate(t *testing.T) {
	t.Parallel()
	keyless := func(k signing.Keyless) signing.Rule {
		if k.Issuer == "" {
			k.Issuer = issuer
		}
		return signing.Rule{Images: []string{"ghcr.io/acme/{repo}"}, AnyOf: []signing.Authority{{Keyless: &k}}}
	}
	glob := func(s string) signing.Rule { return keyless(signing.Keyless{Identity: s}) }
	re := func(s string) signing.Rule { return keyless(signing.Keyless{IdentityRegexp: s}) }
	key := signing.Authority{Key: "cosign.pub"}
	for name, tt := range map[string]struct {
		rule signing.Rule
		want string // "" = valid
	}{
		"glob":                  {glob("https://github.com/acme/{repo}/**"), ""},
		"e-mail":                {glob("*@acme.com"), ""},
		"regexp":                {re(`https://github\.com/acme/{repo}/.+`), ""},
		"key":                   {signing.Rule{AnyOf: []signing.Authority{key}}, ""},
		"none":                  {signing.Rule{None: true}, ""},
		"empty":                 {signing.Rule{}, "the rule asks for nothing"},
		"none_and_more":         {signing.Rule{None: true, AnyOf: []signing.Authority{key}}, "none: a rule that asks for no signature"},
		"level":                 {signing.Rule{Level: "all", AnyOf: []signing.Authority{key}}, "level: \"all\""},
		"no_identity":           {keyless(signing.Keyless{}), "identity is empty"},
		"both_identities":       {keyless(signing.Keyless{Identity: "a", IdentityRegexp: "b"}), "both set"},
		"no_issuer":             {signing.Rule{AnyOf: []signing.Authority{{Keyless: &signing.Keyless{Identity: "a@b.c"}}}}, "anyOf[0].keyless.issuer: empty"},
		"issuer_pattern":        {keyless(signing.Keyless{Issuer: "https://*.example.com", Identity: "a@b.c"}), "takes no pattern"},
		"anyone":                {glob("**"), "accepts anyone"},
		"anyone_with_mail":      {glob("*@*"), "accepts anyone"},
		"anyone_by_regexp":      {re(".*"), "accepts anyone"},
		"host":                  {glob("https://*/acme/api"), "pattern in the host"},
		"host_suffix":           {glob("https://github.com**"), "pattern in the host"},
		"owner_prefix":          {glob("https://github.com/acme*/api"), `accepts "acme-evil" too`},
		"owner_prefix_open":     {glob("https://github.com/acme**"), `accepts "acme-evil" too`},
		"every_owner":           {glob("https://github.com/**"), "accepts every owner"},
		"mail_domain":           {glob("bob@acme*"), "pattern in the domain"},
		"regexp_as_glob":        {glob(`https://github.com/acme/.*`), "looks like a regular expression"},
		"backslash_in_glob":     {glob(`https://github\.com/acme/x`), "for identityRegexp"},
		"uncaptured":            {glob("https://github.com/{owner}/x"), "{owner} is not captured"},
		"bare_dot":              {re(`https://github.com/acme/.+`), `in the host write`},
		"bad_regexp":            {re(`(`), "missing closing"},
		"unbalanced_regexp":     {re(`x)|(?:.*`), "unexpected )"},
		"where":                 {keyless(signing.Keyless{Identity: "a@b.c", Where: "certificate.x"}), "anyOf[0].keyless.where: compile expression: column 12"},
		"key_and_keyless":       {signing.Rule{AnyOf: []signing.Authority{{Key: "a", Keyless: &signing.Keyless{}}}}, "both set"},
		"nobody":                {signing.Rule{AnyOf: []signing.Authority{{Name: "x"}}}, "neither key nor keyless"},
		"sct_of_key":            {signing.Rule{AnyOf: []signing.Authority{{Key: "a", SCT: signing.Required}}}, "has no certificate"},
		"log":                   {signing.Rule{AnyOf: []signing.Authority{{Key: "a", TransparencyLog: "no"}}}, "transparencyLog: \"no\""},
		"same_name":             {signing.Rule{AnyOf: []signing.Authority{{Name: "x", Key: "a"}, {Name: "x", Key: "b"}}}, "anyOf[1].name"},
		"attestation_no_type":   {signing.Rule{AnyOf: []signing.Authority{key}, Attestations: []signing.AttestationRule{{}}}, "attestations[0].predicateType"},
		"attestation_of_nobody": {signing.Rule{Attestations: []signing.AttestationRule{{PredicateType: "x"}}}, "neither it nor the rule"},
		"attestation_where":     {signing.Rule{AnyOf: []signing.Authority{key}, Attestations: []signing.AttestationRule{{PredicateType: "x", Where: "predicat.x"}}}, "attestations[0].where"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var text []string
			for _, err := range tt.rule.Validate() {
				text = append(text, err.Error())
			}
			got := strings.Join(text, "\n")
			if tt.want == "" && got != "" || !strings.Contains(got, tt.want) {
				t.Errorf("Validate = %q, want %q", got, tt.want)
			}
		})
	}
}

// A captured value is taken literally, whatever stands in it.
func FuzzCapture(f *testing.F) {
	for _, v := range []string{"api", "*", "**", `\`, `\*`, "{repo}", "a.b", "(", "é", "\xff", "a\nb"} {
		f.Add(v, "api")
	}
	f.Fuzz(func(t *testing.T, value, subject string) {
		for _, k := range []signing.Keyless{
			{Issuer: issuer, Identity: "https://github.com/acme/{repo}/x"},
			{Issuer: issuer, IdentityRegexp: "https://github.com/acme/{repo}/x"},
		} {
			for _, s := range []string{subject, value} {
				by := fact.Identity{Issuer: issuer, Subject: "https://github.com/acme/" + s + "/x"}
				if accepts(t, k, map[string]string{"repo": value}, by) && s != value {
					t.Errorf("capture %q accepts %q", value, s)
				}
			}
		}
	})
}
