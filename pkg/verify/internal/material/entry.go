package material

import (
	"bytes"
	"crypto"
	"crypto/x509"
	"errors"

	"github.com/sigstore/sigstore-go/pkg/tlog"
)

// Agree checks that a log entry is about this signature, made with this
// certificate (nil for a key) over this content. It proves nothing, but an entry
// that belongs to something else is wrong under any root (CVE-2026-22703).
//
// An entry of a log of the second version is compared through its hash, with the
// log's key, when the root is known.
func Agree(entry *tlog.Entry, signature []byte, certificate *x509.Certificate, contentHash, payloadHash []byte) error {
	// What the library cannot validate it cannot take apart either; whether it
	// is accepted is up to the one that verifies it.
	if entry.IsRekorV2() || tlog.ValidateEntry(entry) != nil {
		return nil
	}
	// The first form of in-toto entries holds no signature; the log's own
	// promise over the entry covers what it does hold.
	if got := entry.Signature(); len(got) > 0 && !bytes.Equal(got, signature) {
		return errors.New("the log entry is of another signature")
	}
	switch holder := entry.PublicKey().(type) {
	case *x509.Certificate:
		if certificate == nil || !certificate.Equal(holder) {
			return errors.New("the log entry is of another certificate")
		}
	case crypto.PublicKey:
		if certificate != nil {
			return errors.New("the log entry is of a key, the signature of a certificate")
		}
	}
	if got, _, ok := entry.GetHashedRekordDigest(); ok && !bytes.Equal(got, contentHash) {
		return errors.New("the log entry is of other content")
	}
	if got, ok := entry.GetDssePayloadHash(); ok && payloadHash != nil && !bytes.Equal(got, payloadHash) {
		return errors.New("the log entry is of another statement")
	}
	return nil
}
