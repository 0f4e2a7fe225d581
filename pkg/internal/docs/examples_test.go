package docs

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"math/big"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/intact-dev/intact/pkg/check"
	"github.com/intact-dev/intact/pkg/checks"
	"github.com/intact-dev/intact/pkg/config"
	"github.com/intact-dev/intact/pkg/policy"
	"github.com/intact-dev/intact/pkg/policy/policytest"
	"github.com/intact-dev/intact/pkg/policy/signing"
)

// page reads a file of docs.
func page(t *testing.T, name string) string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(root, "docs", name))
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// examples returns the code blocks of a page in one language.
func examples(text, language string) []string {
	var out []string
	for _, m := range regexp.MustCompile("(?ms)^```"+language+"\n(.*?)^```$").FindAllStringSubmatch(text, -1) {
		out = append(out, m[1])
	}
	return out
}

// examplePolicy loads an example; one without a head is a part of a policy.
func examplePolicy(t *testing.T, text string) (*policy.Policy, error) {
	t.Helper()
	if !strings.HasPrefix(text, "schema:") {
		text = "schema: intact.policy/v1\nname: example\nextends: baseline\n" + text
	}
	files := map[string]string{
		"cosign.pub":        "testdata/layouts/demo.pub",
		"trusted_root.json": "pkg/verify/trustroot/trusted_root.json",
	}
	l := loader()
	l.ReadFile = func(name string) ([]byte, error) {
		if name == "example.yaml" {
			return []byte(text), nil
		}
		if file, ok := files[name]; ok {
			return os.ReadFile(filepath.Join(root, file))
		}
		return nil, os.ErrNotExist
	}
	return policy.Load(l, "example.yaml")
}

func TestPolicyExamples(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 23, 0, 0, 0, 0, time.UTC)
	for _, name := range []string{"policy.md", "signatures.md", "threat-model.md", "content.md"} {
		all := examples(page(t, name), "yaml")
		if name == "policy.md" && len(all) < 5 {
			t.Errorf("%s: %d examples", name, len(all))
		}
		for _, text := range all {
			p, err := examplePolicy(t, text)
			if err != nil {
				t.Errorf("%s: %v\n%s", name, err, text)
				continue
			}
			// A whole policy must be one that lint has nothing to say about.
			if problems := p.Lint(now); strings.HasPrefix(text, "schema:") && len(problems) > 0 {
				t.Errorf("%s: %v\n%s", name, problems, text)
			}
		}
	}
}

func TestConfigExamples(t *testing.T) {
	t.Parallel()
	ca := certificate(t)
	all := examples(page(t, "config.md"), "yaml")
	if len(all) == 0 {
		t.Error("config.md holds no example")
	}
	for _, text := range all {
		c, err := config.Load("config.yaml", func(name string) ([]byte, error) {
			switch name {
			case "config.yaml":
				return []byte(text), nil
			case "acme-ca.pem":
				return ca, nil
			}
			return nil, os.ErrNotExist
		})
		if err != nil {
			t.Errorf("config.md: %v\n%s", err, text)
			continue
		}
		if problems := c.Lint(time.Date(2026, 11, 23, 0, 0, 0, 0, time.UTC)); len(problems) > 0 {
			t.Errorf("config.md: %v\n%s", problems, text)
		}
	}
}

func certificate(t *testing.T) []byte {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), IsCA: true, BasicConstraintsValid: true,
		NotBefore: time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC), NotAfter: time.Date(2036, 1, 1, 0, 0, 0, 0, time.UTC),
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
}

// The case in policy-test.md holds under the policy beside it.
func TestPolicyTestExample(t *testing.T) {
	t.Parallel()
	text := page(t, "policy-test.md")
	cases, policies := examples(text, "text"), examples(text, "yaml")
	if len(cases) != 1 || len(policies) != 1 {
		t.Fatalf("%d cases and %d policies, want one of each", len(cases), len(policies))
	}
	p, err := examplePolicy(t, policies[0])
	if err != nil {
		t.Fatal(err)
	}
	all := func(s policy.Subject, now time.Time) []check.Check {
		return slices.Concat(checks.All(), p.SignatureChecks(s.Image, signing.Options{}), p.Checks(now))
	}
	results, err := policytest.Run(fstest.MapFS{"example.txtar": {Data: []byte(cases[0])}}, policytest.Options{Policy: p, Checks: all})
	if err != nil || len(results) != 1 {
		t.Fatalf("%d results, %v", len(results), err)
	}
	if r := results[0]; !r.OK() {
		t.Errorf("%v %q", r.Err, r.Problems)
	}
}

var decisions = regexp.MustCompile(`(?s)(<!-- decisions: generated -->\n).*?(<!-- end -->)`)

// The table of what the embedded policies make of each check is true.
func TestPolicyTable(t *testing.T) {
	t.Parallel()
	var b strings.Builder
	b.WriteString("| check | baseline | strict | audit | complains about |\n| --- | --- | --- | --- | --- |\n")
	var named []*policy.Policy
	for _, name := range []string{"baseline", "strict", "audit"} {
		p, err := policy.Load(loader(), name)
		if err != nil {
			t.Fatal(err)
		}
		named = append(named, p)
	}
	all := allChecks()
	slices.SortFunc(all, func(a, b check.Check) int { return strings.Compare(a.ID, b.ID) })
	for _, c := range all {
		b.WriteString("| [" + c.ID + "](checks/" + c.ID + ".md)")
		for _, p := range named {
			level, _ := p.Level(c.ID, policy.Subject{})
			b.WriteString(" | " + level.String())
		}
		b.WriteString(" | " + c.Title + " |\n")
	}
	text := page(t, "policy.md")
	if !decisions.MatchString(text) {
		t.Fatal("policy.md has no place for the table")
	}
	want := decisions.ReplaceAllString(text, "${1}"+b.String()+"${2}")
	if *update {
		if err := os.WriteFile(filepath.Join(root, "docs", "policy.md"), []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
	} else if want != text {
		t.Error("the table of policy.md is stale; run go generate ./pkg/internal/docs")
	}
}
