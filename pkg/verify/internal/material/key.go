// Package material holds what the forms of signatures have in common: the keys
// and roots under which they are verified, the identity of a certificate, the
// reading of statements, and what a log entry must agree with.
package material

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"fmt"

	"github.com/sigstore/sigstore/pkg/signature"
)

// A Key is a public key that the user trusts. It is never taken from what is
// verified.
type Key struct {
	Name      string
	Public    crypto.PublicKey
	Verifiers []signature.Verifier
}

// ParseKey reads one PEM block "PUBLIC KEY" and nothing else.
func ParseKey(name string, text []byte) (*Key, error) {
	if name == "" {
		return nil, errors.New("read key: it has no name")
	}
	block, rest := pem.Decode(text)
	switch {
	case block == nil:
		return nil, fmt.Errorf("read key %q: no PEM block", name)
	case block.Type != "PUBLIC KEY":
		return nil, fmt.Errorf("read key %q: the PEM block is %q, not \"PUBLIC KEY\"", name, block.Type)
	case len(bytes.TrimSpace(rest)) > 0:
		return nil, fmt.Errorf("read key %q: text after the first PEM block; give one key per entry", name)
	case !bytes.HasPrefix(bytes.TrimSpace(text), []byte("-----BEGIN")):
		return nil, fmt.Errorf("read key %q: text before the PEM block", name)
	}
	public, err := x509.ParsePKIXPublicKey(block.Bytes)
	if err != nil {
		return nil, fmt.Errorf("read key %q: %w", name, err)
	}
	verifiers, err := Verifiers(public)
	if err != nil {
		return nil, fmt.Errorf("read key %q: %w", name, err)
	}
	return &Key{Name: name, Public: public, Verifiers: verifiers}, nil
}

// Bounds of RSA keys: below, factoring is within reach; above, one verification
// takes long enough to be used against us.
const (
	minRSA = 2048
	maxRSA = 8192
)

// Verifiers returns the ways in which signatures of a key are made in use, the
// one that fits the key first: cosign 2 signed with SHA-256 whatever the curve,
// and logs take Ed25519 signatures in the pre-hashed form only. A key outside
// of the allow-list is an error.
func Verifiers(public crypto.PublicKey) ([]signature.Verifier, error) {
	var hashes []crypto.Hash
	switch key := public.(type) {
	case *ecdsa.PublicKey:
		switch key.Curve {
		case elliptic.P256():
			hashes = []crypto.Hash{crypto.SHA256}
		case elliptic.P384():
			hashes = []crypto.Hash{crypto.SHA384, crypto.SHA256}
		case elliptic.P521():
			hashes = []crypto.Hash{crypto.SHA512, crypto.SHA256}
		default:
			return nil, fmt.Errorf("ECDSA on curve %s is not supported (P-256, P-384, P-521 are)", key.Curve.Params().Name)
		}
	case *rsa.PublicKey:
		if n := key.N.BitLen(); n < minRSA || n > maxRSA {
			return nil, fmt.Errorf("RSA with %d bits is not supported (%d to %d are)", n, minRSA, maxRSA)
		}
		hashes = []crypto.Hash{crypto.SHA256}
	case ed25519.PublicKey:
		pure, err := signature.LoadED25519Verifier(key)
		if err != nil {
			return nil, err
		}
		prehashed, err := signature.LoadED25519phVerifier(key)
		if err != nil {
			return nil, err
		}
		return []signature.Verifier{pure, prehashed}, nil
	default:
		return nil, fmt.Errorf("keys of type %T are not supported (ECDSA, Ed25519, RSA are)", public)
	}
	verifiers := make([]signature.Verifier, 0, len(hashes))
	for _, h := range hashes {
		v, err := signature.LoadVerifier(public, h)
		if err != nil {
			return nil, err
		}
		verifiers = append(verifiers, v)
	}
	return verifiers, nil
}

// TakesDigest reports whether v can verify a signature of which only the digest
// of the message is known. Pure Ed25519 cannot: it would verify the empty
// message instead.
func TakesDigest(v signature.Verifier) bool {
	_, pure := v.(*signature.ED25519Verifier)
	return !pure
}

// Fingerprint is the SHA-256 of a public key in its PKIX form, in hex; "" for a
// key that has none. Two names of one key have one fingerprint.
func Fingerprint(public crypto.PublicKey) string {
	der, err := x509.MarshalPKIXPublicKey(public)
	if err != nil {
		return ""
	}
	sum := sha256.Sum256(der)
	return hex.EncodeToString(sum[:])
}
