package material

import (
	"crypto/x509"
	"encoding/hex"
	"errors"
	"fmt"
	"time"

	"github.com/sigstore/sigstore-go/pkg/root"
	"github.com/sigstore/sigstore-go/pkg/verify"

	"github.com/intact-dev/intact/pkg/fact"
)

// A Root is a trusted_root.json: certificate authorities, certificate
// transparency logs, transparency logs and timestamp authorities, each with the
// time for which it is valid. It is used concurrently.
type Root struct {
	Name    string
	Trusted *root.TrustedRoot
}

// ParseRoot reads a trusted_root.json.
func ParseRoot(name string, text []byte) (*Root, error) {
	if name == "" {
		return nil, errors.New("read trust root: it has no name")
	}
	trusted, err := root.NewTrustedRootFromJSON(text)
	if err != nil {
		return nil, fmt.Errorf("read trust root %q: %w", name, err)
	}
	return &Root{Name: name, Trusted: trusted}, nil
}

// Log returns the log with that key ID (raw, not hex), and whether this root
// has one.
func (r *Root) Log(keyID string) (*root.TransparencyLog, bool) {
	log, ok := r.Trusted.RekorLogs()[hex.EncodeToString([]byte(keyID))]
	return log, ok
}

// Timestamps returns the authorities of this root that stamped signature, each
// once however many stamps it gave. A stamp that verifies under none of them
// proves nothing and is left out.
func (r *Root) Timestamps(stamps [][]byte, signature []byte) []fact.Witness {
	var out []fact.Witness
	for _, stamp := range stamps {
		for _, authority := range r.Trusted.TimestampingAuthorities() {
			verified, err := authority.Verify(stamp, signature)
			if err != nil {
				continue
			}
			out = AddWitness(out, fact.Witness{ID: authorityID(authority), At: verified.Time.UTC()})
			break
		}
	}
	return out
}

// authorityID is that of the signing certificate; where the stamp brings its
// own, that of the authority's root.
func authorityID(a root.TimestampingAuthority) string {
	sigstore, ok := a.(*root.SigstoreTimestampingAuthority)
	switch {
	case !ok:
		return ""
	case sigstore.Leaf != nil:
		return Fingerprint(sigstore.Leaf.PublicKey)
	case sigstore.Root != nil:
		return Fingerprint(sigstore.Root.PublicKey)
	}
	return ""
}

// AddWitness adds w unless its ID is there, which then takes w's time if it had
// none: a log or an authority counts once.
func AddWitness(all []fact.Witness, w fact.Witness) []fact.Witness {
	for i := range all {
		if all[i].ID == w.ID {
			if all[i].At.IsZero() {
				all[i].At = w.At
			}
			return all
		}
	}
	return append(all, w)
}

// CheckChain checks that certificate was issued under this root and that it and
// each certificate above it were valid at all of times. Checking the issuers at
// the time at which the certificate begins is not enough (CVE-2026-24122).
func (r *Root) CheckChain(certificate *x509.Certificate, times []time.Time) error {
	// The library removes the extension that it has read itself from the
	// certificate; ours stays as it came.
	leaf, err := x509.ParseCertificate(certificate.Raw)
	if err != nil {
		return err
	}
	leaf.UnhandledCriticalExtensions = withoutSAN(leaf.UnhandledCriticalExtensions)
	switch {
	case len(times) == 0:
		return errors.New("no proven time")
	case leaf.IsCA:
		return errors.New("the certificate is that of an authority, not of a signer")
	}
	for _, at := range times {
		if _, err := verify.VerifyLeafCertificate(at, leaf, r.Trusted); err == nil {
			continue
		}
		if _, err := verify.VerifyLeafCertificate(leaf.NotBefore, leaf, r.Trusted); err == nil {
			return fmt.Errorf("the certificate or one of its issuers was not valid at the proven time %s", at.UTC().Format(time.RFC3339))
		}
		return fmt.Errorf("the certificate was not issued under root %q", r.Name)
	}
	return nil
}
