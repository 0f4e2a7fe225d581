package material

import (
	"crypto/x509"
	"encoding/asn1"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/sigstore/sigstore-go/pkg/fulcio/certificate"
	"github.com/sigstore/sigstore/pkg/cryptoutils"

	"github.com/intact-dev/intact/pkg/fact"
	"github.com/intact-dev/intact/pkg/internal/limits"
)

// ParseCertificate parses one DER certificate of bounded size.
func ParseCertificate(der []byte) (*x509.Certificate, error) {
	if len(der) > limits.Certificate {
		return nil, &limits.ExceededError{What: "size of the signing certificate", Limit: limits.Certificate, Got: int64(len(der))}
	}
	return x509.ParseCertificate(der)
}

// IdentityOf reads the holder and Fulcio's extensions out of a certificate. A
// certificate with several alternative names has no single holder and is
// refused: which one is compared would be up to the reader.
func IdentityOf(cert *x509.Certificate) (*fact.Identity, error) {
	if n := len(cert.URIs) + len(cert.EmailAddresses) + len(cert.DNSNames) + len(cert.IPAddresses); n > 1 {
		return nil, fmt.Errorf("the certificate names %d holders", n)
	}
	summary, err := certificate.SummarizeCertificate(cert)
	if err != nil {
		return nil, err
	}
	text, err := json.Marshal(summary.Extensions)
	if err != nil {
		return nil, err
	}
	extensions := map[string]string{}
	if err := json.Unmarshal(text, &extensions); err != nil {
		return nil, err
	}
	issuer := extensions["issuer"]
	delete(extensions, "issuer")
	if len(extensions) == 0 {
		extensions = nil
	}
	if summary.SubjectAlternativeName == "" {
		return nil, errors.New("the certificate names no holder")
	}
	return &fact.Identity{Issuer: issuer, Subject: summary.SubjectAlternativeName, Extensions: extensions}, nil
}

// withoutSAN leaves out the subject alternative name: Fulcio issues names of a
// kind that crypto/x509 does not read, and SummarizeCertificate does.
func withoutSAN(unhandled []asn1.ObjectIdentifier) []asn1.ObjectIdentifier {
	var rest []asn1.ObjectIdentifier
	for _, id := range unhandled {
		if !id.Equal(cryptoutils.SANOID) {
			rest = append(rest, id)
		}
	}
	return rest
}
