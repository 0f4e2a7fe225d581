package material

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/intact-dev/intact/pkg/fact"
	"github.com/intact-dev/intact/pkg/ref"
)

// PayloadType is the one type of DSSE payload that is read.
const PayloadType = "application/vnd.in-toto+json"

// SignaturePredicate is the predicate under which cosign 3 signs images.
const SignaturePredicate = "https://sigstore.dev/cosign/sign/v1"

// Limits of sigstore-go, so that both read the same statements.
const (
	maxSubjects       = 1024
	maxSubjectDigests = 32
)

// ErrUnsupported marks what is well formed but cannot be examined.
var ErrUnsupported = errors.New("not supported")

// A Statement is what an in-toto statement says, unverified.
//
// https://github.com/in-toto/attestation/blob/main/spec/v1/statement.md
type Statement struct {
	Kind          fact.SignatureKind
	Claims        []ref.Digest // of all subjects, sha256 and sha512 only
	PredicateType string
	Predicate     json.RawMessage // only if its type was asked for
}

// ParseStatement reads payload; predicates are the types to keep. An error that
// wraps ErrUnsupported says that the statement may be right but cannot be used.
func ParseStatement(payload []byte, predicates []string) (*Statement, error) {
	if err := CheckJSON(payload, false); err != nil {
		return nil, fmt.Errorf("the statement %w", err)
	}
	// Keys are taken as they are written; encoding/json would take "Subject" for
	// "subject" in a struct.
	var members map[string]json.RawMessage
	if err := json.Unmarshal(payload, &members); err != nil {
		return nil, fmt.Errorf("the statement is no object: %w", err)
	}
	kind, err := text(members, "_type")
	if err != nil {
		return nil, err
	}
	if !strings.HasPrefix(kind, "https://in-toto.io/Statement/v") {
		return nil, fmt.Errorf("statements of type %q are %w", shorten(kind), ErrUnsupported)
	}
	s := &Statement{Kind: fact.KindAttestation}
	if s.PredicateType, err = text(members, "predicateType"); err != nil {
		return nil, err
	}
	if s.PredicateType == "" {
		return nil, errors.New("the statement has no predicateType")
	}
	if s.PredicateType == SignaturePredicate {
		s.Kind = fact.KindSignature
	}
	if s.Claims, err = subjects(members["subject"]); err != nil {
		return nil, err
	}
	if slices.Contains(predicates, s.PredicateType) {
		s.Predicate = slices.Clone(members["predicate"])
	}
	return s, nil
}

func text(members map[string]json.RawMessage, key string) (string, error) {
	var s string
	if raw, ok := members[key]; ok {
		if err := json.Unmarshal(raw, &s); err != nil {
			return "", fmt.Errorf("the statement's %s is no string", key)
		}
	}
	return s, nil
}

// subjects reads the digests. A statement that speaks of nothing that we can
// compare (a git commit, say) is of no use, which must not look like a claim.
func subjects(raw json.RawMessage) ([]ref.Digest, error) {
	var list []map[string]json.RawMessage
	if err := json.Unmarshal(raw, &list); err != nil {
		return nil, errors.New("the statement has no list of subjects")
	}
	if len(list) > maxSubjects {
		return nil, fmt.Errorf("statements with %d subjects (more than %d) are %w", len(list), maxSubjects, ErrUnsupported)
	}
	var out []ref.Digest
	for _, subject := range list {
		var digests map[string]string
		if raw, ok := subject["digest"]; ok {
			if err := json.Unmarshal(raw, &digests); err != nil {
				return nil, errors.New("a subject's digest is no map of strings")
			}
		}
		if len(digests) > maxSubjectDigests {
			return nil, fmt.Errorf("subjects with %d digests (more than %d) are %w", len(digests), maxSubjectDigests, ErrUnsupported)
		}
		for _, algorithm := range []string{"sha256", "sha512"} {
			hex, ok := digests[algorithm]
			if !ok {
				continue
			}
			d, err := ref.ParseDigest(algorithm + ":" + hex)
			if err != nil {
				return nil, fmt.Errorf("a subject has no right digest: %w", err)
			}
			if !slices.Contains(out, d) {
				out = append(out, d)
			}
		}
	}
	if len(out) == 0 {
		return nil, fmt.Errorf("statements whose subjects carry neither sha256 nor sha512 are %w", ErrUnsupported)
	}
	return out, nil
}
