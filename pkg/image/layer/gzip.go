package layer

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"

	"github.com/klauspost/compress/gzip"

	"github.com/intact-dev/intact/pkg/internal/inflate"
	"github.com/intact-dev/intact/pkg/internal/limits"
)

// gunzip expands all members of a gzip stream (RFC 1952). What stands after
// the last is known exactly.
func (x *expansion) gunzip(br *bufio.Reader) error {
	d := inflate.Get()
	defer d.Put()
	defer x.out.await(0) // the blocks are the decoder's
	res, err := d.Gzip(x.src.ctx, br, x.out.lend, inflate.Options{MaxMembers: limits.GzipMembers})
	if errors.Is(err, inflate.ErrMembers) {
		return tooManyMembers()
	}
	if err != nil {
		return err
	}
	return x.trailing(io.MultiReader(bytes.NewReader(res.Rest), br))
}

// gunzipReference does what gunzip does with another decoder. Members are
// followed one by one; br is a byte reader, so the decoder takes no byte too
// many.
func (x *expansion) gunzipReference(br *bufio.Reader) error {
	var z gzip.Reader
	for member := 1; ; member++ {
		if member > limits.GzipMembers {
			return tooManyMembers()
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

func tooManyMembers() error {
	return &limits.ExceededError{What: "number of gzip members of the layer", Limit: limits.GzipMembers}
}

func noEOF(err error) error {
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}
