package scan_test

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/intact-dev/intact/pkg/check"
	"github.com/intact-dev/intact/pkg/fact"
	"github.com/intact-dev/intact/pkg/image"
	"github.com/intact-dev/intact/pkg/internal/testimage"
	"github.com/intact-dev/intact/pkg/internal/testregistry"
	"github.com/intact-dev/intact/pkg/internal/testtrust"
	"github.com/intact-dev/intact/pkg/policy"
	"github.com/intact-dev/intact/pkg/ref"
	"github.com/intact-dev/intact/pkg/scan"
)

func TestSignerAsksForChildrenOnlyWhereTheyCount(t *testing.T) {
	t.Parallel()
	key := ed25519.NewKeyFromSeed(bytes.Repeat([]byte{9}, ed25519.SeedSize))
	der, err := x509.MarshalPKIXPublicKey(key.Public())
	if err != nil {
		t.Fatal(err)
	}
	files := map[string][]byte{"cosign.pub": pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der})}
	built := build(t, testimage.Spec{Images: []testimage.Image{appOn("linux/amd64"), appOn("linux/arm64")}})
	root := built.Root.Descriptor.Digest
	amd, arm := built.Images[0].Manifest.Descriptor.Digest, built.Images[1].Manifest.Descriptor.Digest
	for name, tt := range map[string]struct {
		level  string
		signed []ref.Digest
		only   []ref.Platform
		mode   string
		asked  []ref.Digest // children whose signatures were asked for
		want   check.Outcome
	}{
		"root_settles":          {level: "index-or-child", signed: []ref.Digest{root}, want: check.Pass},
		"root_does_not":         {level: "index-or-child", signed: []ref.Digest{amd, arm}, asked: []ref.Digest{amd, arm}, want: check.Pass},
		"level_child":           {level: "child", signed: []ref.Digest{root, amd, arm}, asked: []ref.Digest{amd, arm}, want: check.Pass},
		"one_child_unsigned":    {level: "child", signed: []ref.Digest{amd}, asked: []ref.Digest{amd, arm}, want: check.Fail},
		"one_child_chosen":      {level: "child", signed: []ref.Digest{amd}, only: []ref.Platform{{OS: "linux", Architecture: "amd64"}}, asked: []ref.Digest{amd}, want: check.Pass},
		"nothing_signed":        {level: "index-or-child", asked: []ref.Digest{amd, arm}, want: check.Fail},
		"signatures_not_listed": {level: "index-or-child", signed: []ref.Digest{root}, mode: "rate-limited-tag", asked: []ref.Digest{amd, arm}, want: check.Undecided},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			e := newEngine(t, "")
			e.put(t, "acme/app", "1.0.0", built)
			for _, d := range tt.signed {
				s, err := testimage.CosignSignature(key, e.server.Host+"/acme/app", d)
				if err != nil {
					t.Fatal(err)
				}
				e.put(t, "acme/app", testimage.SigTag(d), s)
			}
			e.server.MustMode(t, "acme/app", tt.mode)
			o := optionsFor(t, fmt.Sprintf("schema: intact.policy/v1\nname: test\nextends: baseline@1\nsignatures:\n"+
				"  - {images: [%q], level: %s, anyOf: [{name: k, key: cosign.pub, transparencyLog: not-required}]}\n", e.server.Host+"/acme/app", tt.level), files)
			if tt.only != nil {
				o.Select = image.Selection{Only: tt.only}
				o.Signatures = scan.NewSigner(o.Policy, scan.SignerOptions{Platforms: tt.only, Clock: testClock})
			}
			r := scan.Run(t.Context(), []scan.Target{e.target(t, "acme/app:1.0.0")}, o)
			if got := outcomes(r, "SIG001")[""]; got != tt.want && !(tt.want == check.Fail && outcomes(r, "SIG006")[""] == check.Fail) {
				t.Errorf("SIG001 is %s, want %s: %+v", got, tt.want, r.Targets[0].Verdict.Reasons)
			}
			if allowed := !r.Verdict.Refuses(); allowed != (tt.want == check.Pass) {
				t.Errorf("%s although SIG001 should be %s", r.Verdict, tt.want)
			}
			var asked []ref.Digest
			for _, d := range []ref.Digest{amd, arm} {
				if slices.ContainsFunc(e.server.Requests(), func(q testregistry.Request) bool {
					return q.Kind != testregistry.ManifestDigest && strings.Contains(q.Reference, d.Hex())
				}) {
					asked = append(asked, d)
				}
			}
			if !slices.Equal(asked, tt.asked) {
				t.Errorf("asked for signatures of %v, want %v", asked, tt.asked)
			}
		})
	}
}

func TestPublicRootThatCannotBeHadIsSaid(t *testing.T) {
	t.Parallel()
	s := newSignedImage(t)
	s.attach(s.root(), s.signature(s.sigstore.Keyless(testtrust.Holder{}), s.root().Digest))
	e := &engine{server: s.server, source: s.registry}
	const rule = "schema: intact.policy/v1\nname: test\nextends: baseline@1\nsignatures:\n" +
		"  - images: [%q]\n    anyOf: [{name: k, keyless: {issuer: https://issuer.example, identity: https://example.com/x}}]\n"
	for name, tt := range map[string]struct {
		image string // that the rule is for
		asked int
		want  policy.Decision
	}{
		"needed":     {"/acme/app", 1, policy.Undecided},
		"not_needed": {"/acme/other", 0, policy.Allow},
	} {
		o := optionsFor(t, fmt.Sprintf(rule, e.server.Host+tt.image), nil)
		asked := 0
		o.Signatures = scan.NewSigner(o.Policy, scan.SignerOptions{Clock: testClock, PublicRoot: func(context.Context) ([]byte, error) {
			asked++
			return nil, &image.Error{Op: "fetch trust root", Cause: fact.Network, Err: context.DeadlineExceeded}
		}})
		r := scan.Run(t.Context(), []scan.Target{e.target(t, "acme/app:1.0.0")}, o)
		if asked != tt.asked {
			t.Errorf("%s: the root was asked for %d times, want %d", name, asked, tt.asked)
		}
		if r.Verdict != tt.want {
			t.Errorf("%s: %s, want %s: %+v", name, r.Verdict, tt.want, r.Targets[0].Verdict.Reasons)
		}
		said := false
		for _, res := range allResults(r) {
			said = said || res.Check == "SIG001" && res.Outcome == check.Undecided && res.Cause == fact.Network && strings.Contains(res.Why, "trust root cannot be built")
		}
		if said != (tt.asked > 0) {
			t.Errorf("%s: the cause is said: %v: %s", name, said, asJSON(t, r))
		}
	}
}
