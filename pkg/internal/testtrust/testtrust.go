// Package testtrust is a Sigstore for one test: a certificate authority, a
// certificate transparency log, a transparency log and a timestamp authority,
// with fresh keys and fixed times, and the signatures that are made with them.
// Nothing in it reads a clock or a network.
package testtrust

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/pem"
	"math/big"
	"testing"
	"time"

	"github.com/sigstore/sigstore-go/pkg/root"
)

// Time is when things are signed. Certificates of signers begin a minute before
// and last ten; authorities last from a month before to a month after.
var Time = time.Date(2026, time.January, 15, 12, 0, 0, 0, time.UTC)

const month = 30 * 24 * time.Hour

// A Sigstore signs for one test.
type Sigstore struct {
	t testing.TB

	rootCert, issuer *x509.Certificate
	issuerKey        crypto.Signer
	ctKey, logKey    *ecdsa.PrivateKey
	stampCert        *x509.Certificate
	stampIssuer      *x509.Certificate
	stampKey         *ecdsa.PrivateKey

	logName string
}

// Options change a Sigstore. The zero value is a good one.
type Options struct {
	// IssuerEnds is when the certificate of the intermediate authority ends.
	IssuerEnds time.Time
}

// New returns a Sigstore with fresh keys.
func New(t testing.TB, opts Options) *Sigstore {
	t.Helper()
	s := &Sigstore{t: t, ctKey: NewKey(t), logKey: NewKey(t), stampKey: NewKey(t), logName: "rekor.example.test"}
	rootKey, issuerKey, stampIssuerKey := NewKey(t), NewKey(t), NewKey(t)
	s.issuerKey = issuerKey
	from, to := Time.Add(-month), Time.Add(month)
	// The library that stamps adds the time by its own clock, beside the one that
	// counts, and both must be within the certificate.
	far := Time.AddDate(100, 0, 0)
	s.rootCert = s.create(authority("root", from, far, 0), nil, rootKey.Public(), rootKey)
	if opts.IssuerEnds.IsZero() {
		opts.IssuerEnds = to
	}
	s.issuer = s.create(authority("issuer", from, opts.IssuerEnds, x509.ExtKeyUsageCodeSigning), s.rootCert, issuerKey.Public(), rootKey)
	s.stampIssuer = s.create(authority("stamp issuer", from, far, x509.ExtKeyUsageTimeStamping), s.rootCert, stampIssuerKey.Public(), rootKey)
	stamping, err := asn1.Marshal([]asn1.ObjectIdentifier{{1, 3, 6, 1, 5, 5, 7, 3, 8}})
	s.check(err)
	s.stampCert = s.create(&x509.Certificate{
		SerialNumber: big.NewInt(4), Subject: pkix.Name{CommonName: "stamps"}, NotBefore: from, NotAfter: far,
		KeyUsage: x509.KeyUsageDigitalSignature,
		// RFC 3161 wants this use to be critical, which the template cannot say.
		ExtraExtensions: []pkix.Extension{{Id: asn1.ObjectIdentifier{2, 5, 29, 37}, Critical: true, Value: stamping}},
	}, s.stampIssuer, s.stampKey.Public(), stampIssuerKey)
	return s
}

func authority(name string, from, to time.Time, use x509.ExtKeyUsage) *x509.Certificate {
	c := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name, Organization: []string{"example.test"}},
		NotBefore: from, NotAfter: to, IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	if use != 0 {
		c.ExtKeyUsage = []x509.ExtKeyUsage{use}
	}
	return c
}

func (s *Sigstore) create(template, parent *x509.Certificate, public crypto.PublicKey, key crypto.Signer) *x509.Certificate {
	s.t.Helper()
	if parent == nil {
		parent = template
	}
	der, err := x509.CreateCertificate(rand.Reader, template, parent, public, key)
	s.check(err)
	c, err := x509.ParseCertificate(der)
	s.check(err)
	return c
}

func (s *Sigstore) check(err error) {
	s.t.Helper()
	if err != nil {
		s.t.Fatal(err)
	}
}

// RootJSON is the trusted_root.json of s.
func (s *Sigstore) RootJSON() []byte {
	s.t.Helper()
	from, to := Time.Add(-month), Time.Add(month)
	log := func(key *ecdsa.PrivateKey, url string) map[string]*root.TransparencyLog {
		id := keyID(s.t, key.Public())
		return map[string]*root.TransparencyLog{string(id): {
			BaseURL: url, ID: id, ValidityPeriodStart: from, ValidityPeriodEnd: to,
			HashFunc: crypto.SHA256, PublicKey: key.Public(), SignatureHashFunc: crypto.SHA256,
		}}
	}
	trusted, err := root.NewTrustedRoot(root.TrustedRootMediaType01,
		[]root.CertificateAuthority{&root.FulcioCertificateAuthority{
			Root: s.rootCert, Intermediates: []*x509.Certificate{s.issuer}, URI: "https://fulcio.example.test",
			ValidityPeriodStart: from, ValidityPeriodEnd: to,
		}},
		log(s.ctKey, "https://ct.example.test"),
		[]root.TimestampingAuthority{&root.SigstoreTimestampingAuthority{
			Root: s.rootCert, Intermediates: []*x509.Certificate{s.stampIssuer}, Leaf: s.stampCert, URI: "https://tsa.example.test",
			ValidityPeriodStart: from, ValidityPeriodEnd: to,
		}},
		log(s.logKey, "https://"+s.logName))
	s.check(err)
	b, err := trusted.MarshalJSON()
	s.check(err)
	return b
}

// NewKey returns a fresh P-256 key.
func NewKey(t testing.TB) *ecdsa.PrivateKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// FixedKey returns the Ed25519 key of a seed: its signatures are the same each
// time.
func FixedKey(seed byte) ed25519.PrivateKey {
	b := make([]byte, ed25519.SeedSize)
	for i := range b {
		b[i] = seed
	}
	return ed25519.NewKeyFromSeed(b)
}

// PublicPEM is the public key as a PEM block "PUBLIC KEY".
func PublicPEM(t testing.TB, public crypto.PublicKey) []byte {
	t.Helper()
	der, err := x509.MarshalPKIXPublicKey(public)
	if err != nil {
		t.Fatal(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der})
}

func keyID(t testing.TB, public crypto.PublicKey) []byte {
	t.Helper()
	der, err := x509.MarshalPKIXPublicKey(public)
	if err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256(der)
	return sum[:]
}
