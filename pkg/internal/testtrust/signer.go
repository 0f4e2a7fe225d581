package testtrust

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/pem"
	"math/big"
	"net/url"
	"testing"
	"time"

	ct "github.com/google/certificate-transparency-go"
	"github.com/google/certificate-transparency-go/tls"
)

// A Signer signs with its key; with a Certificate it is keyless.
type Signer struct {
	Key         crypto.Signer
	Certificate *x509.Certificate
}

// Sign signs message as cosign does.
func (s Signer) Sign(t testing.TB, message []byte) []byte {
	t.Helper()
	digest, hash := message, crypto.Hash(0)
	if _, ok := s.Key.Public().(*ecdsa.PublicKey); ok {
		sum := sha256.Sum256(message)
		digest, hash = sum[:], crypto.SHA256
	}
	sig, err := s.Key.Sign(rand.Reader, digest, hash)
	if err != nil {
		t.Fatal(err)
	}
	return sig
}

// VerifierPEM is what a log entry holds of the signer.
func (s Signer) VerifierPEM(t testing.TB) []byte {
	t.Helper()
	if s.Certificate == nil {
		return PublicPEM(t, s.Key.Public())
	}
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: s.Certificate.Raw})
}

// A Holder says what is in a signing certificate. The zero value of a member is
// a good one.
type Holder struct {
	Subject string // a URI
	Issuer  string
	// Extensions are further ones of Fulcio, by the last number of their OID.
	Extensions map[int]string
	From, To   time.Time
	NoSCT      bool
	CA         bool               // an authority, where a signer is expected
	Uses       []x509.ExtKeyUsage // instead of code signing
	Change     func(*x509.Certificate)
}

// Defaults of a Holder.
const (
	Subject = "https://github.com/acme/app/.github/workflows/release.yml@refs/heads/main"
	Issuer  = "https://token.actions.githubusercontent.com"
)

// Keyless issues a certificate for a fresh key.
func (s *Sigstore) Keyless(h Holder) Signer {
	s.t.Helper()
	key := NewKey(s.t)
	return Signer{Key: key, Certificate: s.Issue(h, key.Public())}
}

// Issue issues a certificate for the holder of a key.
func (s *Sigstore) Issue(h Holder, public crypto.PublicKey) *x509.Certificate {
	s.t.Helper()
	if h.Subject == "" {
		h.Subject = Subject
	}
	if h.Issuer == "" {
		h.Issuer = Issuer
	}
	if h.From.IsZero() {
		h.From, h.To = Time.Add(-time.Minute), Time.Add(9*time.Minute)
	}
	if h.Uses == nil {
		h.Uses = []x509.ExtKeyUsage{x509.ExtKeyUsageCodeSigning}
	}
	uri, err := url.Parse(h.Subject)
	s.check(err)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(42), NotBefore: h.From, NotAfter: h.To, URIs: []*url.URL{uri},
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: h.Uses,
		IsCA: h.CA, BasicConstraintsValid: h.CA,
	}
	template.ExtraExtensions = append(template.ExtraExtensions, s.extension(8, h.Issuer))
	for id, text := range h.Extensions {
		template.ExtraExtensions = append(template.ExtraExtensions, s.extension(id, text))
	}
	if h.Change != nil {
		h.Change(template)
	}
	cert := s.create(template, s.issuer, public, s.issuerKey)
	if !h.NoSCT {
		template.ExtraExtensions = append(template.ExtraExtensions, s.sct(cert))
		cert = s.create(template, s.issuer, public, s.issuerKey)
	}
	return cert
}

func (s *Sigstore) extension(id int, text string) pkix.Extension {
	s.t.Helper()
	value, err := asn1.MarshalWithParams(text, "utf8")
	s.check(err)
	return pkix.Extension{Id: asn1.ObjectIdentifier{1, 3, 6, 1, 4, 1, 57264, 1, id}, Value: value}
}

// sct is the log's promise for the certificate as it is without the promise,
// which is what RFC 6962 has it sign.
func (s *Sigstore) sct(without *x509.Certificate) pkix.Extension {
	s.t.Helper()
	at := uint64(without.NotBefore.UnixMilli())
	entry := ct.CertificateTimestamp{
		SCTVersion: ct.V1, SignatureType: ct.CertificateTimestampSignatureType, Timestamp: at,
		EntryType: ct.PrecertLogEntryType,
		PrecertEntry: &ct.PreCert{
			IssuerKeyHash:  sha256.Sum256(s.issuer.RawSubjectPublicKeyInfo),
			TBSCertificate: without.RawTBSCertificate,
		},
	}
	signed, err := tls.Marshal(entry)
	s.check(err)
	sig, err := tls.CreateSignature(*s.ctKey, tls.SHA256, signed)
	s.check(err)
	promise, err := tls.Marshal(ct.SignedCertificateTimestamp{
		SCTVersion: ct.V1, LogID: ct.LogID{KeyID: [32]byte(keyID(s.t, s.ctKey.Public()))},
		Timestamp: at, Signature: ct.DigitallySigned(sig),
	})
	s.check(err)
	// A list of one, each with its length.
	list := append([]byte{byte(len(promise) >> 8), byte(len(promise))}, promise...)
	list = append([]byte{byte(len(list) >> 8), byte(len(list))}, list...)
	value, err := asn1.Marshal(list)
	s.check(err)
	return pkix.Extension{Id: asn1.ObjectIdentifier{1, 3, 6, 1, 4, 1, 11129, 2, 4, 2}, Value: value}
}
