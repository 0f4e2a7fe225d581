package ledger

import (
	"crypto/ed25519"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"strings"

	"golang.org/x/mod/sumdb/note"
)

// A Key signs checkpoints, or only verifies them.
type Key struct {
	signer   note.Signer // nil of a public key
	verifier note.Verifier
}

// Name is the name of the key, as signatures show it.
func (k *Key) Name() string { return k.verifier.Name() }

// Private reports whether k can sign.
func (k *Key) Private() bool { return k.signer != nil }

// NewKey makes an Ed25519 key from random and returns the texts of its private
// and its public part, each for a file of its own.
func NewKey(random io.Reader, name string) (private, public string, err error) {
	if name == "" || strings.ContainsAny(name, "+ \t\r\n") {
		return "", "", fmt.Errorf("make checkpoint key: name %q: expected one without spaces and +, such as a host and path", name)
	}
	if private, public, err = note.GenerateKey(random, name); err != nil {
		return "", "", fmt.Errorf("make checkpoint key: %w", err)
	}
	return private + "\n", public + "\n", nil
}

// ParseKey reads either part of a key. Errors do not quote it.
func ParseKey(text string) (*Key, error) {
	text = strings.TrimSuffix(strings.TrimSuffix(text, "\n"), "\r")
	if !strings.HasPrefix(text, "PRIVATE+KEY+") {
		v, err := note.NewVerifier(text)
		if err != nil {
			return nil, errors.New("read checkpoint key: neither a private nor a public note key; intact store key makes them")
		}
		return &Key{verifier: v}, nil
	}
	s, err := note.NewSigner(text)
	if err != nil {
		return nil, errors.New("read checkpoint key: a damaged private note key")
	}
	v, err := publicOf(text)
	if err != nil {
		return nil, err
	}
	return &Key{s, v}, nil
}

// publicOf derives the public part of a private key: PRIVATE+KEY+name+hash+ and,
// in base64, the algorithm and the seed.
func publicOf(private string) (note.Verifier, error) {
	bad := errors.New("read checkpoint key: a damaged private note key")
	fields := strings.SplitN(private, "+", 5)
	if len(fields) != 5 {
		return nil, bad
	}
	b, err := base64.StdEncoding.DecodeString(fields[4])
	if err != nil || len(b) != 1+ed25519.SeedSize {
		return nil, bad
	}
	public, ok := ed25519.NewKeyFromSeed(b[1:]).Public().(ed25519.PublicKey)
	if !ok {
		return nil, bad
	}
	text, err := note.NewEd25519VerifierKey(fields[2], public)
	if err != nil {
		return nil, bad
	}
	v, err := note.NewVerifier(text)
	if err != nil {
		return nil, bad
	}
	return v, nil
}
