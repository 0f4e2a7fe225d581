package inflate

import (
	"math/rand/v2"
	"slices"
	"testing"
)

// maxFuzzed keeps bombs from taking the time of many inputs.
const maxFuzzed = 64 << 10

func gzipSeeds(tb testing.TB) [][]byte {
	first := gz(tb, text(3000), 6)
	return [][]byte{
		nil, first, first[:200], gz(tb, nil, 0), gz(tb, text(3000), -2), gz(tb, noise(500), 0),
		gz(tb, skewed(9000), 6), slices.Concat(first, gz(tb, text(200), 1)), slices.Concat(first, make([]byte, 20)), gz(tb, make([]byte, 100_000), 9),
		{0x1f, 0x8b, 8, 30, 0, 0, 0, 0, 0, 0, 3, 0, 'a', 'b', 'c', 'n', 0, 'c', 0, 0, 0, 3, 0, 0, 0, 0, 0, 0, 0, 0, 0},
	}
}

func rawSeeds(tb testing.TB) [][]byte {
	r := rand.New(rand.NewPCG(1, 9))
	seeds := [][]byte{nil, {3, 0}, raw(tb, text(3000), 6), raw(tb, text(3000), 1), raw(tb, noise(500), 0), raw(tb, text(600), -2),
		raw(tb, skewed(9000), 6), raw(tb, skewed(9000), -2), raw(tb, skewed(40_000)[33_000:], -2)}
	for range 6 {
		var w bitWriter
		w.header(randomLengths(r, 286), randomLengths(r, 30))
		for range 40 {
			w.bits(r.Uint64(), 64)
		}
		seeds = append(seeds, w.bytes())
	}
	return seeds
}

// FuzzGzip compares with compress/gzip, members and what follows them included.
func FuzzGzip(f *testing.F) {
	for _, b := range gzipSeeds(f) {
		f.Add(b, uint16(0))
		f.Add(b, uint16(1))
	}
	d := new(Decoder)
	f.Fuzz(func(t *testing.T, b []byte, n uint16) {
		if len(b) > maxFuzzed {
			return
		}
		checkGzip(t, d, "input", b, int(n), 1<<20)
	})
}

// FuzzRaw compares with compress/flate.
func FuzzRaw(f *testing.F) {
	for _, b := range rawSeeds(f) {
		f.Add(b, uint16(0))
		f.Add(b, uint16(70))
	}
	d := new(Decoder)
	f.Fuzz(func(t *testing.T, b []byte, n uint16) {
		if len(b) > maxFuzzed {
			return
		}
		checkRaw(t, d, "input", b, int(n), 1<<20)
	})
}

// FuzzReuse gives one decoder two streams, after which it must treat each as a
// new one does, whatever state the one before left.
func FuzzReuse(f *testing.F) {
	seeds := rawSeeds(f)
	fixed := []byte{0x4b, 0x4c, 0x4a, 0x06, 0x00} // a block of fixed codes
	f.Add(fixed, fixed)
	for i, b := range seeds {
		next := seeds[(i+1)%len(seeds)]
		f.Add(b, next)
		f.Add(slices.Concat(b, []byte{0xff}), fixed)
		f.Add(b[:len(b)/2], fixed)
	}
	d := new(Decoder)
	f.Fuzz(func(t *testing.T, first, second []byte) {
		if len(first)+len(second) > maxFuzzed {
			return
		}
		d.fixed = false
		for _, b := range [][]byte{first, second, first} {
			if got, want := rawOurs(t, d, b, 1<<20), rawReference(b); got != want {
				t.Errorf("raw %x:\n got %s\nwant %s", b, short(got), short(want))
			}
			if got, want := gzipOurs(t, d, b, 1<<20), gzipReference(b); got != want {
				t.Errorf("gzip %x:\n got %s\nwant %s", b, short(got), short(want))
			}
		}
	})
}
