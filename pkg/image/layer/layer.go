// Package layer reads image layers: one streaming pass that hashes the
// compressed and the expanded bytes and every regular file, the merge of
// layers as a runtime's overlay makes it, and what the merged tree says about
// change. Nothing is ever unpacked; memory grows with the number of entries,
// never with bytes.
package layer

import (
	"context"
	"errors"
	"fmt"
	"io"
	"runtime/debug"

	"github.com/intact-dev/intact/pkg/fact"
	"github.com/intact-dev/intact/pkg/image"
	"github.com/intact-dev/intact/pkg/internal/limits"
	"github.com/intact-dev/intact/pkg/ref"
)

// Version is that of the analyser and of its encoded form. It changes whenever
// the same bytes would yield other facts, so that cached facts are not used.
const Version = 4

// Options say how to read a layer. The zero value reads one layer on its own.
type Options struct {
	// Budget is shared by the layers of one image; nil is a budget for this layer
	// alone.
	Budget *Budget
	// Windows is shared by all layers of the process; nil is a budget for this
	// layer alone.
	Windows *Windows
	// DiffID is the declared digest of the expanded bytes; only its algorithm is
	// used. "" means sha256.
	DiffID ref.Digest
	// Reference expands gzip with another decoder (klauspost/compress) than ours
	// (pkg/internal/inflate), and hashes with crypto/sha256 alone, at less than half
	// the speed. Where ours say that a layer is wrong, this tells whether it is the
	// layer or our code.
	Reference bool
	// Progress, if set, is told the number of compressed bytes read since its
	// last call. It is called from another goroutine than Read's.
	Progress func(n int64)
}

// Contents is what one pass over a layer found. It is never changed after
// [Read] or [Decode] and may be used concurrently.
type Contents struct {
	// Fact holds what follows from the bytes. Index, CreatedBy, DeclaredDiffID
	// and SeenAt are the caller's to fill, in a copy.
	Fact fact.Layer
	// Entries are the archive's entries in their order. They are complete only if
	// Readable.
	Entries *Entries

	readable  bool
	whiteouts int
}

// Readable reports whether the layer was expanded and its archive read to the
// end, so that Entries holds all of it.
func (c *Contents) Readable() bool { return c.readable }

// Read reads a layer to its end in one pass. d has been validated. Bytes that
// were received in full and are wrong are no error: they are Problems of the
// Fact, and so is a digest that is not d's, which the caller compares. Bytes
// that were not obtained (an error of r, the end of ctx, a limit) are an
// error that carries its cause, see [image.CauseOf].
//
// Read returns only after all it started has ended, so a read of r must end when
// ctx does. It does not close r.
func Read(ctx context.Context, r io.Reader, d ref.Descriptor, opts Options) (_ *Contents, err error) {
	if d.Size < 0 {
		return nil, fail(d, fact.Unsupported, fmt.Errorf("the descriptor's size is %d", d.Size))
	}
	if opts.Budget == nil {
		opts.Budget = NewBudget()
	}
	if opts.DiffID == "" {
		opts.DiffID = "sha256:"
	}
	if opts.Windows == nil {
		opts.Windows = NewWindows()
	}
	c := &Contents{Entries: &Entries{}}
	c.Fact = fact.Layer{Descriptor: d, Foreign: isForeign(d)}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	src := newSource(ctx, r, d, opts.Progress)
	if isEncrypted(d.MediaType) {
		c.Fact.Encrypted = true
		if err := guard(func() error { return src.finish() }); err != nil {
			return nil, asError(ctx, d, err)
		}
		src.report(&c.Fact)
		return c, nil
	}

	in := readAhead(src)
	p := newPipe(ctx, opts.Budget, in)
	defer p.recycle()
	x := &expansion{src: src, in: in, out: p, cancel: cancel, windows: opts.Windows, diffID: opts.DiffID, reference: opts.Reference}
	go x.run()
	w := newWalker(p, c, opts)
	walkErr := guard(w.run)
	if walkErr != nil {
		cancel(walkErr)
	}
	w.s.release() // the other goroutine may be waiting for it
	p.drain()     // ends only when the other goroutine has ended
	for _, err := range []error{x.fatal, walkErr} {
		if err != nil && !errors.Is(err, context.Canceled) {
			return nil, asError(ctx, d, err)
		}
	}
	if err := errors.Join(x.fatal, walkErr); err != nil {
		return nil, asError(ctx, d, err)
	}
	src.report(&c.Fact)
	c.Fact.Compression = x.codec.String()
	c.Fact.Problems = append(c.Fact.Problems, x.problems...)
	if problem, ok := compareMediaType(d.MediaType, x.codec); ok {
		c.Fact.Problems = append(c.Fact.Problems, problem)
	}
	if err := guard(func() error { return w.finish(x.corrupt) }); err != nil {
		return nil, asError(ctx, d, err)
	}
	return c, nil
}

// guard turns a panic in a decoder into an error: one hostile layer must not
// end the process.
func guard(f func() error) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = &panicError{value: r, stack: debug.Stack()}
		}
	}()
	return f()
}

type panicError struct {
	value any
	stack []byte
}

func (e *panicError) Error() string { return fmt.Sprintf("panic: %v\n%s", e.value, e.stack) }

func fail(d ref.Descriptor, c fact.Cause, err error) error {
	return &image.Error{Op: "read layer", Object: string(d.Digest), Cause: c, Err: err}
}

// asError gives err its cause. What the reader reported stays as it is.
func asError(ctx context.Context, d ref.Descriptor, err error) error {
	var exceeded *limits.ExceededError
	var panicked *panicError
	var known *image.Error
	switch {
	case errors.As(err, &exceeded):
		return fail(d, fact.Limit, err)
	case errors.As(err, &panicked):
		return fail(d, fact.Internal, err)
	case errors.As(err, &known):
		return fail(d, known.Cause, err)
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		if cause := context.Cause(ctx); errors.Is(cause, context.DeadlineExceeded) {
			return fail(d, fact.Deadline, cause)
		}
		return fail(d, image.CauseOf(err), err)
	case errors.Is(err, io.ErrUnexpectedEOF):
		return fail(d, fact.CutShort, err)
	}
	return fail(d, fact.Network, err)
}
