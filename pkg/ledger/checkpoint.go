package ledger

import (
	"bytes"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

// A Checkpoint says what a log was at some time: whoever keeps one elsewhere can
// prove later that the log only grew.
//
// https://github.com/C2SP/C2SP/blob/main/tlog-checkpoint.md
type Checkpoint struct {
	Origin string // which log: intact.ledger/v1/ and a random number
	tlog.Tree
}

// OriginPrefix begins the origin of every log.
const OriginPrefix = "intact.ledger/v1/"

// Text is the form that is signed: origin, size and root, one in a line.
func (c Checkpoint) Text() string {
	return fmt.Sprintf("%s\n%d\n%s\n", c.Origin, c.N, c.Hash)
}

// Sign returns the checkpoint as a signed note; without a key only its text,
// which proves nothing about who wrote it.
func (c Checkpoint) Sign(k *Key) ([]byte, error) {
	if k == nil {
		return []byte(c.Text()), nil
	}
	if k.signer == nil {
		return nil, errors.New("sign checkpoint: the key is a public one; sign with the private one")
	}
	b, err := note.Sign(&note.Note{Text: c.Text()}, k.signer)
	if err != nil {
		return nil, fmt.Errorf("sign checkpoint: %w", err)
	}
	return b, nil
}

// maxCheckpoint bounds a checkpoint with all of its signatures.
const maxCheckpoint = 64 << 10

// ErrUnsigned is that a checkpoint has no signature by the key given.
var ErrUnsigned = errors.New("it is not signed by the key given")

// ParseCheckpoint reads a kept checkpoint, signed or not. With a key it must be
// signed by it; without one, signatures are not looked at, and signed says whether
// there are any.
func ParseCheckpoint(b []byte, k *Key) (c Checkpoint, signed bool, err error) {
	c, signed, err = parseCheckpoint(b)
	if err != nil {
		return Checkpoint{}, false, fmt.Errorf("read checkpoint: %w", err)
	}
	if k == nil {
		return c, signed, nil
	}
	if !signed {
		return Checkpoint{}, false, fmt.Errorf("read checkpoint: %w: it has no signature", ErrUnsigned)
	}
	// What was parsed above is the text that the note signs: note.Open finds its end
	// at the same place, or the texts differ.
	n, err := note.Open(b, note.VerifierList(k.verifier))
	if err != nil {
		return Checkpoint{}, false, fmt.Errorf("read checkpoint: %w: %w", ErrUnsigned, err)
	}
	if n.Text != c.Text() {
		return Checkpoint{}, false, errors.New("read checkpoint: what is signed is more than a checkpoint")
	}
	return c, true, nil
}

func parseCheckpoint(b []byte) (c Checkpoint, signed bool, err error) {
	if len(b) > maxCheckpoint {
		return c, false, fmt.Errorf("%d bytes are more than any has", len(b))
	}
	text, signatures, signed := bytes.Cut(b, []byte("\n\n"))
	if signed {
		text = append(bytes.Clone(text), '\n')
		if !bytes.HasPrefix(signatures, []byte("— ")) {
			return c, false, errors.New("no signature follows its empty line")
		}
	}
	lines := strings.Split(string(text), "\n")
	if len(lines) != 4 || lines[3] != "" {
		return c, false, errors.New("expected three lines: origin, size and root hash")
	}
	if c.Origin = lines[0]; !strings.HasPrefix(c.Origin, OriginPrefix) {
		return c, false, fmt.Errorf("%.80q is no ledger's origin, such as %s…", c.Origin, OriginPrefix)
	}
	if c.N, err = strconv.ParseInt(lines[1], 10, 64); err != nil || c.N < 0 {
		return c, false, fmt.Errorf("%.80q is no number of leaves", lines[1])
	}
	if c.Hash, err = tlog.ParseHash(lines[2]); err != nil {
		return c, false, fmt.Errorf("%.80q is no root hash", lines[2])
	}
	if c.Text() != string(text) {
		return c, false, errors.New("not in the canonical form")
	}
	return c, signed, nil
}

// What a kept checkpoint can show about a log.
var (
	ErrOtherLog  = errors.New("the checkpoint is of another log")
	ErrTruncated = errors.New("the log is shorter than the checkpoint: leaves are missing")
	ErrRewritten = errors.New("the log was rewritten: it does not begin with the leaves of the checkpoint")
)

// Extends returns nil if the log of now has all leaves of the kept checkpoint,
// unchanged and first. Else the error wraps [ErrOtherLog], [ErrTruncated] or
// [ErrRewritten]; any other is of r. It trusts the hashes of r as far as they lead
// to the root of now: a [Verifier] tells whether the leaves do.
func Extends(kept, now Checkpoint, r tlog.HashReader) error {
	switch {
	case kept.Origin != now.Origin:
		return fmt.Errorf("%w: it is of %s, this is %s", ErrOtherLog, kept.Origin, now.Origin)
	case kept.N > now.N:
		return fmt.Errorf("%w: %d of %d", ErrTruncated, kept.N-now.N, kept.N)
	case kept.N == now.N && kept.Hash != now.Hash:
		return fmt.Errorf("%w: its root is %s, with %d leaves, not %s", ErrRewritten, now.Hash, now.N, kept.Hash)
	case kept.N == now.N:
		return nil
	case kept.N == 0: // every log begins with nothing
		if empty, err := tlog.TreeHash(0, r); err != nil || empty != kept.Hash {
			return fmt.Errorf("%w: %s is not the root of an empty log", ErrRewritten, kept.Hash)
		}
		return nil
	}
	proof, err := tlog.ProveTree(now.N, kept.N, r)
	if err != nil {
		return fmt.Errorf("compare with checkpoint: %w", err)
	}
	if err := tlog.CheckTree(proof, now.N, now.Hash, kept.N, kept.Hash); err != nil {
		return fmt.Errorf("%w: its first %d leaves are not those of the root %s", ErrRewritten, kept.N, kept.Hash)
	}
	return nil
}
