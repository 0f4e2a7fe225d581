package judge_test

import (
	"crypto/ed25519"
	"crypto/x509"
	"encoding/pem"
	"strings"
	"testing"
	"time"

	"github.com/intact-dev/intact/pkg/internal/testimage"
	"github.com/intact-dev/intact/pkg/policy"
)

// signed is a policy by which every image is signed, and the key.
func signed(t *testing.T) (string, []byte, ed25519.PrivateKey) {
	t.Helper()
	key := ed25519.NewKeyFromSeed(make([]byte, ed25519.SeedSize))
	der, err := x509.MarshalPKIXPublicKey(key.Public())
	if err != nil {
		t.Fatal(err)
	}
	return "schema: intact.policy/v1\nname: signed\nextends: baseline@1\nchecks: {SIG: deny}\nsignatures:\n" +
			"  - {images: [\"**\"], anyOf: [{name: k, key: cosign.pub, transparencyLog: not-required}]}\n",
		pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}), key
}

func TestSigningFollowsPushing(t *testing.T) {
	t.Parallel()
	text, public, key := signed(t)
	s := newService(t, text, 10*time.Minute, public)
	digest := s.push("1.0.0", "one")
	v := s.judged("1.0.0")
	if len(v) != 1 || !summary(t, v[0]).Awaiting {
		t.Fatalf("just pushed: %+v", v)
	}
	if v = s.judged("1.0.0"); len(v) != 1 || len(s.happenings()) != 0 {
		t.Fatalf("it still awaits its signature: %+v, told %+v", v, s.happenings())
	}
	signature, err := testimage.CosignSignature(key, s.registry.Host+"/acme/app", digest)
	if err != nil {
		t.Fatal(err)
	}
	s.put(testimage.SigTag(digest), signature)
	if v = s.judged("1.0.0"); len(v) != 2 || summary(t, v[0]).Awaiting || v[0].Decision == "deny" {
		t.Fatalf("signed: %+v", v)
	}
	if h := s.happenings(); len(h) != 1 || h[0].Alarming() {
		t.Errorf("told: %+v", h)
	}
	if n := s.waits.Load(); n < 2 {
		t.Errorf("%d verdicts were none yet", n)
	}
}

func TestASignatureThatNeverComes(t *testing.T) {
	t.Parallel()
	text, public, _ := signed(t)
	s := newService(t, text, 10*time.Minute, public)
	s.push("1.0.0", "one")
	s.judged("1.0.0")
	s.clock.Add(11 * 60)
	if v := s.judged("1.0.0"); len(v) != 2 || summary(t, v[0]).Awaiting || v[0].Decision != "deny" {
		t.Fatalf("the time is over: %+v", v)
	}
	if h := s.happenings(); len(h) != 1 || h[0].Verdict != policy.Deny {
		t.Errorf("told: %+v", h)
	}
}

// What is wrong beside the signature does not wait for it.
func TestGraceIsForSignaturesOnly(t *testing.T) {
	t.Parallel()
	text, public, _ := signed(t)
	s := newService(t, text+"  - {images: [\"example.com/none\"], none: true}\nrules:\n  - {id: ACMEUSER001, title: never, decision: deny, fail: 'config.user == \"65532\"'}\n", 10*time.Minute, public)
	s.push("1.0.0", "one")
	if v := s.judged("1.0.0"); len(v) != 1 || summary(t, v[0]).Awaiting || v[0].Decision != "deny" {
		t.Fatalf("denied for another reason: %+v", v)
	}
}

// The newest verdict of a tag is about what it is, also if it went back to what
// was judged before another image that awaited its signature.
func TestATagThatGoesBackDoesNotWait(t *testing.T) {
	t.Parallel()
	text, public, key := signed(t)
	s := newService(t, text, 10*time.Minute, public)
	one := s.push("main", "one")
	signature, err := testimage.CosignSignature(key, s.registry.Host+"/acme/app", one)
	if err != nil {
		t.Fatal(err)
	}
	s.put(testimage.SigTag(one), signature)
	s.judged("main")
	s.push("main", "two")
	if v := s.judged("main"); len(v) != 2 || !summary(t, v[0]).Awaiting {
		t.Fatalf("not signed: %+v", v)
	}
	s.push("main", "one")
	if v := s.judged("main"); v[0].Digest != one || summary(t, v[0]).Awaiting {
		t.Errorf("back again: %+v", v[0])
	}
}

// What a tag was in between is told, also if it went back before the time to sign
// it was over.
func TestATagThatWasSomethingElseForAWhile(t *testing.T) {
	t.Parallel()
	text, public, key := signed(t)
	s := newService(t, strings.Replace(text, "{SIG: deny}", "{SIG: deny, TAG: off}", 1), 10*time.Minute, public)
	one := s.push("main", "one")
	signature, err := testimage.CosignSignature(key, s.registry.Host+"/acme/app", one)
	if err != nil {
		t.Fatal(err)
	}
	s.put(testimage.SigTag(one), signature)
	s.judged("main")
	two := s.push("main", "two")
	s.judged("main")
	s.push("main", "one")
	for range 2 { // and once
		s.judged("main")
		if h := s.happenings(); len(h) != 2 || h[1].Digest != one || h[1].Before != two {
			t.Fatalf("told: %+v", h)
		}
	}
}

// Who moves a tag again and again does not keep people from hearing of it.
func TestGraceIsForTheTag(t *testing.T) {
	t.Parallel()
	text, public, _ := signed(t)
	s := newService(t, text, 10*time.Minute, public)
	for i := range 5 {
		s.push("main", []string{"one", "two"}[i%2])
		s.judged("main")
		s.clock.Add(4 * 60)
	}
	if h := s.happenings(); len(h) == 0 || h[0].Verdict != policy.Deny {
		t.Errorf("unsigned for 16 minutes, and told: %+v", h)
	}
}

// What was called unsigned stays so when the clock is put back, and what waits then
// does not wait for as long on top.
func TestAClockThatIsPutBackGivesNoMoreGrace(t *testing.T) {
	t.Parallel()
	text, public, _ := signed(t)
	none := newService(t, text, 0, public)
	none.push("main", "one")
	none.clock.Add(-3600)
	if v := none.judged("main"); len(v) != 1 || summary(t, v[0]).Awaiting {
		t.Errorf("no grace: %+v", v)
	}
	none.clock.Add(-3600)
	if v := none.judged("main"); len(v) != 1 {
		t.Errorf("no grace, again: %+v", v)
	}
	s := newService(t, text, 10*time.Minute, public)
	s.push("main", "one")
	if v := s.judged("main"); len(v) != 1 || !summary(t, v[0]).Awaiting {
		t.Fatalf("at first: %+v", v)
	}
	s.clock.Add(11 * 60)
	if v := s.judged("main"); len(v) != 2 || summary(t, v[0]).Awaiting || v[0].Decision != "deny" {
		t.Fatalf("after its time: %+v", v)
	}
	s.clock.Add(-3600)
	if v := s.judged("main"); len(v) != 2 {
		t.Errorf("after the clock was put back: %+v", v)
	}
	waits := newService(t, text, 10*time.Minute, public)
	waits.push("main", "one")
	if v := waits.judged("main"); len(v) != 1 || !summary(t, v[0]).Awaiting {
		t.Fatalf("at first: %+v", v)
	}
	waits.clock.Add(-3600)
	if v := waits.judged("main"); !summary(t, v[0]).Awaiting {
		t.Fatalf("the clock was put back while it waits: %+v", v)
	}
	waits.clock.Add(9 * 60)
	if v := waits.judged("main"); !summary(t, v[0]).Awaiting {
		t.Fatalf("within its time: %+v", v)
	}
	waits.clock.Add(2 * 60)
	if v := waits.judged("main"); summary(t, v[0]).Awaiting || v[0].Decision != "deny" {
		t.Errorf("after its time by the clock that was put back: %+v", v)
	}
}
