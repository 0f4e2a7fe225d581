package layer

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/intact-dev/intact/pkg/fact"
	"github.com/intact-dev/intact/pkg/internal/limits"
	"github.com/intact-dev/intact/pkg/ref"
)

// An expansion turns the compressed bytes of a layer into blocks. It runs in a
// goroutine of its own; its fields are read after the pipe was closed.
type expansion struct {
	src     *source
	in      *ahead // of src
	out     *pipe
	cancel  context.CancelCauseFunc // ends the context of src and out
	windows *Windows
	diffID  ref.Digest // its algorithm; "" is sha256
	// reference says to expand gzip with another decoder than ours.
	reference bool

	codec    codec
	problems []fact.Problem
	corrupt  error // received in full and undecodable
	fatal    error // not obtained
}

// run expands everything, and has all of the source read even if the decoder
// does not want it, so that the hash covers every byte whatever they are.
func (x *expansion) run() {
	defer x.out.close()
	err := guard(func() error { return x.expand(bufio.NewReaderSize(x.in, pieceSize)) })
	if isFatal(err) {
		x.cancel(err) // what is left is not wanted
	}
	readErr := x.in.finish()
	switch {
	case isFatal(err):
		x.fatal = err
	case readErr != nil:
		x.fatal = readErr
	case x.src.ctx.Err() != nil:
		x.fatal = errors.Join(err, x.src.ctx.Err())
	default:
		x.corrupt = err
	}
}

// isFatal tells the errors of our own (limits, the end of ctx) from those that
// say that the bytes are wrong.
func isFatal(err error) bool {
	var exceeded *limits.ExceededError
	var panicked *panicError
	return errors.As(err, &exceeded) || errors.As(err, &panicked)
}

func (x *expansion) expand(br *bufio.Reader) error {
	head, err := br.Peek(sniffLength)
	if err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	x.codec = sniff(head)
	switch x.codec {
	case codecNone:
		x.out.same = x.diffID.Algorithm() == x.src.like.Algorithm()
		return x.copy(br)
	case codecGzip:
		if x.reference {
			return x.gunzipReference(br)
		}
		return x.gunzip(br)
	case codecZstd:
		return x.unzstd(br)
	}
	return fmt.Errorf("compression %s is not one that image layers have", x.codec)
}

// copy sends all of r.
func (x *expansion) copy(r io.Reader) error {
	for {
		b, err := x.out.next()
		if err != nil {
			return err
		}
		n, err := fill(r, b)
		if n == 0 {
			x.out.release(b)
		} else if sendErr := x.out.send(b[:n]); sendErr != nil {
			return sendErr
		}
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
	}
}

// fill reads until b is full or r has ended, and keeps the error as it is.
func fill(r io.Reader, b []byte) (n int, err error) {
	for idle := 0; n < len(b) && err == nil; {
		var m int
		m, err = r.Read(b[n:])
		n += m
		if m > 0 {
			idle = 0
		} else if idle++; err == nil && idle > 100 {
			err = io.ErrNoProgress
		}
	}
	return n, err
}

// trailing reports the bytes after the end of the stream. They are part of the
// blob's hash and of nothing else.
func (x *expansion) trailing(r io.Reader) error {
	var n int64
	zero := true
	b := make([]byte, 32<<10)
	for {
		m, err := fill(r, b)
		n += int64(m)
		zero = zero && allZero(b[:m])
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return err
		}
	}
	if n == 0 {
		return nil
	}
	p := fact.Problem{Kind: fact.ProblemTrailing, Detail: fmt.Sprintf("%d bytes after the end of the %s stream", n, x.codec)}
	if zero {
		p.Detail = fmt.Sprintf("%d zero bytes after the end of the %s stream", n, x.codec)
		p.Note = true
	}
	x.problems = append(x.problems, p)
	return nil
}

func allZero(b []byte) bool {
	for len(b) >= 8 {
		if b[0]|b[1]|b[2]|b[3]|b[4]|b[5]|b[6]|b[7] != 0 {
			return false
		}
		b = b[8:]
	}
	for _, c := range b {
		if c != 0 {
			return false
		}
	}
	return true
}
