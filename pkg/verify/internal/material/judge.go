package material

import (
	"bytes"
	"crypto"
	"errors"
	"fmt"
	"strings"

	"github.com/intact-dev/intact/pkg/fact"
	"github.com/intact-dev/intact/pkg/internal/limits"
)

// A ContradictionError says that a signature is wrong under its own claim:
// what it brings along to support it speaks against it.
type ContradictionError struct{ Err error }

// Error returns the cause.
func (e *ContradictionError) Error() string { return e.Err.Error() }

// Unwrap returns the cause.
func (e *ContradictionError) Unwrap() error { return e.Err }

// Fail records on out why it could not be verified at all: unsupported where err
// says so, broken otherwise.
func Fail(out fact.Signature, err error) fact.Signature {
	out.Proofs, out.Why = nil, oneLine(err.Error())
	out.State = fact.SignatureBroken
	var limit *limits.ExceededError
	if errors.Is(err, ErrUnsupported) || errors.As(err, &limit) {
		out.State = fact.SignatureUnsupported
	}
	return out
}

// Judge records on out what was proved, or why nothing was.
func Judge(out fact.Signature, proofs []fact.Proof, reasons []string, err error) fact.Signature {
	switch {
	case err != nil:
		return Fail(out, err)
	case len(proofs) > 0:
		out.State, out.Proofs = fact.SignatureVerified, proofs
	default:
		out.State, out.Why = fact.SignatureUnverifiable, oneLine(strings.Join(reasons, "; "))
	}
	return out
}

// maxReason bounds a reason: libraries quote what they were given.
const maxReason = 512

func oneLine(s string) string {
	if s = strings.Join(strings.Fields(s), " "); len(s) > maxReason {
		s = strings.ToValidUTF8(s[:maxReason], "") + "…"
	}
	return s
}

// UnderKeys says that none of n keys verifies a signature.
func UnderKeys(n int) string {
	switch n {
	case 0:
		return "it was made with a key and no key was given"
	case 1:
		return "the key given does not verify it"
	}
	return fmt.Sprintf("none of the %d keys given verifies it", n)
}

// CheckSignature verifies signature over message with the key of an embedded
// certificate. It proves nothing about who holds the key.
func CheckSignature(public crypto.PublicKey, signature, message []byte) error {
	verifiers, err := Verifiers(public)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrUnsupported, err)
	}
	for _, v := range verifiers {
		if err = v.VerifySignature(bytes.NewReader(signature), bytes.NewReader(message)); err == nil {
			return nil
		}
	}
	return err
}

// Fill records what the statement says on out.
func (s *Statement) Fill(out *fact.Signature) {
	out.Kind, out.Claims = s.Kind, s.Claims
	out.PredicateType, out.Predicate = s.PredicateType, s.Predicate
}
