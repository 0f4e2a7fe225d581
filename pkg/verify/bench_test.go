package verify_test

import (
	"testing"

	"github.com/intact-dev/intact/pkg/fact"
	"github.com/intact-dev/intact/pkg/internal/testtrust"
)

func BenchmarkVerify(b *testing.B) {
	w := newWorld(b)
	evidence := testtrust.Evidence{Log: testtrust.Time, Stamp: testtrust.Time}
	payload := testtrust.Payload(b, subject.Digest, nil)
	keyed := w.s.Layer(b, w.held, payload, testtrust.Evidence{})
	keyless := w.s.Layer(b, w.keyless, payload, evidence)
	bundle := w.s.MessageBundle(b, w.keyless, manifest, evidence)
	for _, c := range []struct {
		name string
		run  func() fact.Signature
	}{
		{"keyed layer", func() fact.Signature { return w.v.SimpleSigning(b.Context(), keyed.Bytes, keyed.Annotations) }},
		{"keyless layer", func() fact.Signature { return w.v.SimpleSigning(b.Context(), keyless.Bytes, keyless.Annotations) }},
		{"keyless bundle", func() fact.Signature { return w.v.Bundle(bundle, subject) }},
	} {
		b.Run(c.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if got := c.run(); got.State != fact.SignatureVerified {
					b.Fatalf("%q: %s", got.State, got.Why)
				}
			}
		})
	}
}
