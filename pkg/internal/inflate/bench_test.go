package inflate

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"testing"

	"github.com/klauspost/compress/gzip"
)

// A contestant expands all of z and returns how many bytes there were.
type contestant func(ctx context.Context, z []byte) (int64, error)

func contestants() map[string]contestant {
	d := new(Decoder)
	var r gzip.Reader
	return map[string]contestant{
		"inflate": func(ctx context.Context, z []byte) (int64, error) {
			res, err := d.Gzip(ctx, bytes.NewReader(z), func([]byte) error { return nil }, Options{})
			return res.Written, err
		},
		"klauspost": func(_ context.Context, z []byte) (int64, error) {
			if err := r.Reset(bytes.NewReader(z)); err != nil {
				return 0, err
			}
			return io.Copy(io.Discard, &r)
		},
	}
}

func (c contestant) run(tb testing.TB, s sample) {
	if n, err := c(tb.Context(), s.gzip); err != nil || n != s.size {
		tb.Fatalf("%s: %d bytes of %d: %v", s.name, n, s.size, err)
	}
}

// BenchmarkGzip counts expanded bytes.
func BenchmarkGzip(b *testing.B) {
	for _, s := range corpus(b) {
		for name, c := range contestants() {
			b.Run(fmt.Sprintf("%s/%s", s.name, name), func(b *testing.B) {
				b.SetBytes(s.size)
				b.ReportAllocs()
				for b.Loop() {
					c.run(b, s)
				}
			})
		}
	}
}
