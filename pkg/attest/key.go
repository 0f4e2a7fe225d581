package attest

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"fmt"

	"github.com/secure-systems-lab/go-securesystemslib/encrypted"
	protocommon "github.com/sigstore/protobuf-specs/gen/pb-go/common/v1"
	"github.com/sigstore/sigstore-go/pkg/sign"
)

// maxKey bounds the file of a key; one has some hundred bytes.
const maxKey = 64 << 10

// A Key is a private key that signs: ECDSA P-256 or Ed25519.
type Key struct {
	private crypto.Signer
	public  []byte // DER
}

// ReadKey reads a private key: cosign's own form, which needs its password
// ("" = the empty one), or PKCS #8 without one. Errors show nothing of the key.
//
// https://github.com/sigstore/cosign/blob/main/specs/SIGNATURE_SPEC.md
func ReadKey(text []byte, password string) (*Key, error) {
	if len(text) > maxKey {
		return nil, fmt.Errorf("it has %d bytes, more than the limit of %d", len(text), maxKey)
	}
	block, rest := pem.Decode(text)
	if block == nil {
		return nil, errors.New("it holds no PEM block: give cosign.key, or a private key as PKCS #8")
	}
	if next, _ := pem.Decode(rest); next != nil {
		return nil, errors.New("it holds more than one PEM block")
	}
	der := block.Bytes
	switch block.Type {
	case "ENCRYPTED SIGSTORE PRIVATE KEY", "ENCRYPTED COSIGN PRIVATE KEY":
		var err error
		if der, err = decrypt(block.Bytes, password); err != nil {
			return nil, err
		}
	case "PRIVATE KEY":
	case "PUBLIC KEY":
		return nil, errors.New("it is a public key, and a private one signs")
	default:
		return nil, fmt.Errorf("it is a PEM block %q: give cosign.key, or a private key as PKCS #8 (openssl pkcs8 -topk8 -nocrypt)", block.Type)
	}
	private, err := x509.ParsePKCS8PrivateKey(der)
	if err != nil {
		return nil, errors.New("it is no PKCS #8 private key")
	}
	switch k := private.(type) {
	case *ecdsa.PrivateKey:
		if k.Curve != elliptic.P256() {
			return nil, fmt.Errorf("it is an ECDSA key on %s: P-256 and Ed25519 sign", k.Curve.Params().Name)
		}
		return newKey(k)
	case ed25519.PrivateKey:
		return newKey(k)
	}
	return nil, fmt.Errorf("it is a key of type %T: ECDSA P-256 and Ed25519 sign", private)
}

func newKey(private crypto.Signer) (*Key, error) {
	public, err := x509.MarshalPKIXPublicKey(private.Public())
	if err != nil {
		return nil, err
	}
	return &Key{private: private, public: public}, nil
}

// Public is the public key in PEM form.
func (k *Key) Public() []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: k.public})
}

// Hint names the key in bundles as cosign does.
func (k *Key) Hint() string {
	sum := sha256.Sum256(k.public)
	return base64.StdEncoding.EncodeToString(sum[:])
}

// A keypair is a Key for sigstore-go.
type keypair struct{ *Key }

var _ sign.Keypair = keypair{}

func (k keypair) ed25519() bool {
	_, ok := k.private.(ed25519.PrivateKey)
	return ok
}

// GetHashAlgorithm is what the message is hashed by: SHA-256, or for Ed25519 what
// its signature does itself.
func (k keypair) GetHashAlgorithm() protocommon.HashAlgorithm {
	if k.ed25519() {
		return protocommon.HashAlgorithm_SHA2_512
	}
	return protocommon.HashAlgorithm_SHA2_256
}

// GetSigningAlgorithm names the algorithm.
func (k keypair) GetSigningAlgorithm() protocommon.PublicKeyDetails {
	if k.ed25519() {
		return protocommon.PublicKeyDetails_PKIX_ED25519
	}
	return protocommon.PublicKeyDetails_PKIX_ECDSA_P256_SHA_256
}

// GetHint names the key.
func (k keypair) GetHint() []byte { return []byte(k.Hint()) }

// GetKeyAlgorithm names the algorithm for Fulcio.
func (k keypair) GetKeyAlgorithm() string {
	if k.ed25519() {
		return "ED25519"
	}
	return "ECDSA"
}

// GetPublicKey returns the public key.
func (k keypair) GetPublicKey() crypto.PublicKey { return k.private.Public() }

// GetPublicKeyPem returns the public key in PEM form.
func (k keypair) GetPublicKeyPem() (string, error) { return string(k.Public()), nil }

// SignData signs data and returns the signature and what was signed.
func (k keypair) SignData(_ context.Context, data []byte) (signature, digest []byte, err error) {
	hash := crypto.Hash(0)
	if !k.ed25519() {
		sum := sha256.Sum256(data)
		data, hash = sum[:], crypto.SHA256
	}
	signature, err = k.private.Sign(rand.Reader, data, hash)
	return signature, data, err
}

// ErrPassword is that a key is there, and stays closed.
var ErrPassword = errors.New("it is not decrypted by this password")

func decrypt(data []byte, password string) ([]byte, error) {
	der, err := encrypted.Decrypt(data, []byte(password))
	if err != nil {
		return nil, ErrPassword
	}
	return der, nil
}
