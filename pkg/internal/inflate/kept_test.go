package inflate

import (
	"bytes"
	"slices"
	"testing"
)

// TestBlocksAreKept: a block stays as it is until emit returns from the call
// Kept blocks later, so that another goroutine may read it.
func TestBlocksAreKept(t *testing.T) {
	t.Parallel()
	far := noise(window)
	for name, b := range map[string][]byte{
		"text": text(5 << 20), "noise": noise(5 << 20), "zeros": make([]byte, 20<<20), "literals": skewed(5 << 20),
		"far": bytes.Repeat(far, 150), "period 7": bytes.Repeat([]byte("abcdefg"), 700_000),
	} {
		for _, level := range levels {
			z := gz(t, b, level)
			d := Get()
			var blocks, copies [][]byte
			check := func() {
				for i := max(0, len(blocks)-Kept); i < len(blocks); i++ {
					if !bytes.Equal(blocks[i], copies[i]) {
						t.Errorf("%s at level %d: block %d of %d has changed", name, level, i, len(blocks))
					}
				}
			}
			largest := 0
			res, err := d.Gzip(t.Context(), bytes.NewReader(z), func(b []byte) error {
				check() // before this call returns
				blocks, copies = append(blocks, b), append(copies, slices.Clone(b))
				largest = max(largest, len(b))
				return nil
			}, Options{})
			if err != nil || res.Written != int64(len(b)) {
				t.Fatalf("%s at level %d: %d bytes: %v", name, level, res.Written, err)
			}
			check()
			d.Put()
			if got := bytes.Join(copies, nil); !bytes.Equal(got, b) {
				t.Errorf("%s at level %d: the blocks are not what was compressed", name, level)
			}
			if largest > blockSize+maxRunOver || len(blocks) < len(b)/(blockSize+maxRunOver) {
				t.Errorf("%s at level %d: %d blocks, the largest of %d bytes", name, level, len(blocks), largest)
			}
		}
	}
}

// maxRunOver is how far a block may run into the place of the next: one turn of
// the fast loop.
const maxRunOver = 4 + 258
