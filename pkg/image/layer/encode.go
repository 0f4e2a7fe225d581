package layer

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"path"

	"github.com/intact-dev/intact/pkg/fact"
	"github.com/intact-dev/intact/pkg/internal/limits"
)

// The encoded form: the magic, the version, the fact as JSON with its length,
// whether it is readable, the number of entries and of whiteouts, then the
// chunks of the log, each with its length, and a zero. All numbers are uvarints.
const magic = "intact layer\n"

// Bounds of what Decode takes. The JSON holds a descriptor and some problems; a
// record cannot be longer than the budget of an image.
const (
	maxFactJSON = limits.Manifest
	maxChunk    = limits.PathBytes
	maxLog      = limits.PathBytes + 100*limits.Entries
)

// Encode writes c to w in a form that [Decode] reads. It is not signed: whoever
// stores it must see to it that it comes back unchanged.
func (c *Contents) Encode(w io.Writer) error {
	data, err := json.Marshal(c.Fact)
	if err != nil {
		return fmt.Errorf("encode layer: %w", err)
	}
	readable := uint64(0)
	if c.readable {
		readable = 1
	}
	b := binary.AppendUvarint([]byte(magic), Version)
	b = appendBytes(b, data)
	for _, n := range []uint64{readable, uint64(c.Entries.n), uint64(c.whiteouts)} {
		b = binary.AppendUvarint(b, n)
	}
	if _, err := w.Write(b); err != nil {
		return fmt.Errorf("encode layer: %w", err)
	}
	for _, chunk := range c.Entries.chunks {
		if _, err := w.Write(binary.AppendUvarint(nil, uint64(len(chunk)))); err != nil {
			return fmt.Errorf("encode layer: %w", err)
		}
		if _, err := w.Write(chunk); err != nil {
			return fmt.Errorf("encode layer: %w", err)
		}
	}
	if _, err := w.Write([]byte{0}); err != nil {
		return fmt.Errorf("encode layer: %w", err)
	}
	return nil
}

// ErrVersion reports an encoded layer of another analyser version.
var ErrVersion = errors.New("encoded by another version")

// Decode reads what [Contents.Encode] wrote and charges its entries to budget,
// if that is not nil. Malformed input is an error, never a panic and never
// memory beyond package limits. It does not read past the end of the form.
func Decode(r io.Reader, budget *Budget) (*Contents, error) {
	c, err := decode(r, budget)
	if err != nil {
		return nil, fmt.Errorf("decode layer: %w", noEOF(err))
	}
	return c, nil
}

func decode(r io.Reader, budget *Budget) (*Contents, error) {
	br := bufio.NewReader(r)
	head := make([]byte, len(magic))
	if _, err := io.ReadFull(br, head); err != nil {
		return nil, err
	}
	if string(head) != magic {
		return nil, errors.New("not an encoded layer")
	}
	if v, err := binary.ReadUvarint(br); err != nil {
		return nil, err
	} else if v != Version {
		return nil, ErrVersion
	}
	data, err := readBytes(br, maxFactJSON)
	if err != nil {
		return nil, err
	}
	c := &Contents{Entries: &Entries{}}
	if err := json.Unmarshal(data, &c.Fact); err != nil {
		return nil, err
	}
	var numbers [3]uint64
	for i, limit := range []uint64{1, limits.Entries, limits.Entries} {
		if numbers[i], err = binary.ReadUvarint(br); err != nil {
			return nil, err
		}
		if numbers[i] > limit {
			return nil, fmt.Errorf("count %d exceeds %d", numbers[i], limit)
		}
	}
	c.readable, c.whiteouts = numbers[0] == 1, int(numbers[2])
	if err := c.Entries.decode(br, budget); err != nil {
		return nil, err
	}
	if c.Entries.n != int(numbers[1]) || c.readable && c.Fact.Entries != c.Entries.n {
		return nil, fmt.Errorf("%d entries where %d were announced", c.Entries.n, numbers[1])
	}
	return c, nil
}

// decode reads the chunks and checks every record, so that nothing has to be
// checked later.
func (l *Entries) decode(br *bufio.Reader, budget *Budget) error {
	var e Entry
	var total int
	for {
		chunk, err := readBytes(br, maxChunk)
		if err != nil {
			return err
		}
		if len(chunk) == 0 {
			return nil
		}
		if total += len(chunk); total > maxLog || len(l.chunks) >= 1<<(32-chunkShift) {
			return &limits.ExceededError{What: "size of the encoded entries", Limit: maxLog}
		}
		for off := 0; off < len(chunk); {
			if off >= chunkSize {
				return errRecord
			}
			n, err := parseRecord(chunk[off:], &e, true)
			if err != nil {
				return err
			}
			if err := l.accept(&e, budget); err != nil {
				return err
			}
			off += n
		}
		l.chunks = append(l.chunks, chunk)
	}
}

// accept checks what a record says, beyond its form.
func (l *Entries) accept(e *Entry, budget *Budget) error {
	if l.n++; l.n > limits.Entries {
		return &limits.ExceededError{What: "number of archive entries of the image", Limit: limits.Entries}
	}
	if len(e.Path) > limits.PathName || path.Clean("/" + string(e.Path))[1:] != string(e.Path) ||
		bytes.Count(e.Path, []byte("/")) >= limits.PathDepth {
		return errRecord
	}
	if budget == nil {
		return nil
	}
	return budget.entry(e.charge())
}

// readBytes reads a length and that many bytes; what is allocated grows with
// what came, not with what was announced.
func readBytes(br *bufio.Reader, limit uint64) ([]byte, error) {
	n, err := binary.ReadUvarint(br)
	if err != nil {
		return nil, err
	}
	if n > limit {
		return nil, fmt.Errorf("part of %d bytes exceeds %d", n, limit)
	}
	if n <= chunkSize {
		b := make([]byte, n)
		_, err := io.ReadFull(br, b)
		return b, err
	}
	var buf bytes.Buffer
	if _, err := io.CopyN(&buf, br, int64(n)); err != nil {
		return nil, err
	}
	return bytes.Clone(buf.Bytes()), nil
}

// WithFact returns a copy of c that shares its entries and whose fact is f.
func (c *Contents) WithFact(f fact.Layer) *Contents {
	cp := *c
	cp.Fact = f
	return &cp
}
