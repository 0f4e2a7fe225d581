package inflate

import (
	"bytes"
	"compress/flate"
	"slices"
	"testing"
)

// TestBlocksAreKept: a block stays as it is until emit returns from the call
// Kept blocks later, so that another goroutine may read it.
func TestBlocksAreKept(t *testing.T) {
	t.Parallel()
	contents := map[string][]byte{"text": text(3 << 20), "literals": skewed(3 << 20)}
	if !testing.Short() {
		contents["noise"], contents["zeros"] = noise(3<<20), make([]byte, 6<<20)
		contents["far"], contents["period 7"] = bytes.Repeat(noise(window), 90), bytes.Repeat([]byte("abcdefg"), 400_000)
	}
	for name, b := range contents {
		for _, level := range []int{flate.HuffmanOnly, flate.NoCompression, 1, 6} {
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
