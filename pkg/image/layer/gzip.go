package layer

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"

	"github.com/klauspost/compress/gzip"

	"github.com/intact-dev/intact/pkg/internal/limits"
)

// gunzip expands all members of a gzip stream (RFC 1952). Members are followed
// one by one so that what stands after the last is known exactly; br is a byte
// reader, so the decoder takes no byte too many.
func (x *expansion) gunzip(br *bufio.Reader) error {
	var z gzip.Reader
	for member := 1; ; member++ {
		if member > limits.GzipMembers {
			return &limits.ExceededError{What: "number of gzip members of the layer", Limit: limits.GzipMembers}
		}
		if err := z.Reset(br); err != nil {
			return fmt.Errorf("gzip member %d: %w", member, noEOF(err))
		}
		z.Multistream(false)
		if err := x.copy(&z); err != nil {
			return fmt.Errorf("gzip member %d: %w", member, err)
		}
		next, err := br.Peek(2)
		if err != nil && !errors.Is(err, io.EOF) {
			return err
		}
		if !bytes.Equal(next, []byte{0x1f, 0x8b}) {
			return x.trailing(br)
		}
	}
}

func noEOF(err error) error {
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}
