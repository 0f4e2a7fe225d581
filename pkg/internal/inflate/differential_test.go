package inflate

import (
	"bytes"
	"compress/flate"
	"compress/gzip"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
)

// sizes of pieces that streams are read in; 0 is random ones.
var pieceSizes = []int{1, 2, 7, 63, 64, 65, 511, 4096, inSize - 1, inSize, 1 << 20, 0}

// checkGzip compares with compress/gzip; whole streams in every kind of pieces.
func checkGzip(t *testing.T, d *Decoder, name string, b []byte, sizes ...int) {
	t.Helper()
	want := gzipReference(b)
	for _, n := range sizes {
		if got := gzipOurs(t, d, b, n); got != want {
			t.Errorf("%s in pieces of %d:\n got %s\nwant %s", name, n, short(got), short(want))
		}
	}
}

func checkRaw(t *testing.T, d *Decoder, name string, b []byte, sizes ...int) {
	t.Helper()
	want := rawReference(b)
	for _, n := range sizes {
		if got := rawOurs(t, d, b, n); got != want {
			t.Errorf("%s in pieces of %d:\n got %s\nwant %s", name, n, short(got), short(want))
		}
	}
}

var levels = []int{flate.HuffmanOnly, flate.NoCompression, 1, 4, 6, 9}

func TestValid(t *testing.T) {
	t.Parallel()
	contents := map[string][]byte{
		"empty": nil, "one byte": {7}, "text": text(1200 << 10), "noise": noise(300 << 10),
		"zeros": make([]byte, 2<<20), "short text": text(900), "window": text(window + 1),
		"period 2": bytes.Repeat([]byte{1, 2}, 70_000), "period 7": bytes.Repeat([]byte("abcdefg"), 30_000),
		"period 9": bytes.Repeat([]byte("abcdefghi"), 30_000), "period 33": bytes.Repeat(noise(33), 9_000),
		"far": slices.Concat(noise(window), noise(window), text(1000)), "limit": text(outLimit), "block": text(outSize),
		"literals": skewed(400 << 10), "few literals": skewed(9000), "literals and text": slices.Concat(skewed(60_000), text(60_000), skewed(60_000)),
	}
	for name, b := range contents {
		for _, level := range levels {
			z := gz(t, b, level)
			name := fmt.Sprintf("%s at level %d", name, level)
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				d := Get()
				defer d.Put()
				if want := gzipReference(z); want.Out != string(b) {
					t.Fatalf("compress/gzip returns %s", short(want))
				}
				sizes := pieceSizes
				if len(b) > 500_000 {
					sizes = []int{65, inSize, 0}
				}
				checkGzip(t, d, name, z, sizes...)
				checkRaw(t, d, name, raw(t, b, level), 1<<20)
			})
		}
	}
}

func TestMembers(t *testing.T) {
	t.Parallel()
	d := new(Decoder)
	var many []byte
	all := text(2000)
	for i := range 1500 {
		many = append(many, gz(t, all[i:i+i%500], levels[i%len(levels)])...)
	}
	checkGzip(t, d, "many members", many, pieceSizes...)

	// A member's distances must not reach the one before.
	first := gz(t, text(50_000), 6)
	reach := []byte{0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255}
	reach = append(reach, fixedCodes(t, 0, 0, 0)...)
	checkGzip(t, d, "distance into the member before", slices.Concat(first, reach), pieceSizes...)

	for name, tail := range map[string][]byte{
		"zeros": make([]byte, 10_240), "text": []byte("text after it"), "half a magic": {0x1f}, "magic": {0x1f, 0x8b},
		"magic and zeros": append([]byte{0x1f, 0x8b}, make([]byte, 40)...), "wrong method": {0x1f, 0x8b, 7, 0, 0, 0, 0, 0, 0, 0, 0},
		"a member cut short": first[:1000], "zeros and a member": append(make([]byte, 512), first...), "one zero": {0},
		"much": noise(3 * inSize),
	} {
		checkGzip(t, d, "followed by "+name, slices.Concat(first, first, tail), pieceSizes...)
	}
}

// fixedCodes is a final block of fixed codes: a match of length 3 at distance
// 1, then the end. It reaches before its own begin.
func fixedCodes(t *testing.T, extra ...byte) []byte {
	t.Helper()
	var w bitWriter
	w.bits(1, 1)
	w.bits(1, 2)
	w.code(1, 7) // length 3
	w.code(0, 5) // distance 1
	w.code(0, 7) // end
	return append(w.bytes(), extra...)
}

func TestHeaders(t *testing.T) {
	t.Parallel()
	d := new(Decoder)
	body := gz(t, []byte("content"), 6)[10:]
	head := func(flags byte, fields ...[]byte) []byte {
		h := []byte{0x1f, 0x8b, 8, flags, 1, 2, 3, 4, 5, 6}
		return slices.Concat(h, slices.Concat(fields...), body)
	}
	nul := func(n int) []byte { return append(bytes.Repeat([]byte{'x'}, n), 0) }
	var whole bytes.Buffer
	w := gzip.NewWriter(&whole)
	w.Name, w.Comment, w.Extra = "name", "comment", noise(60_000)
	if _, err := w.Write(text(3000)); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	cases := map[string][]byte{
		"none": nil, "all by compress/gzip": whole.Bytes(),
		"text flag": head(1), "reserved flags": head(0xe0), "no extra": head(4, []byte{0, 0}),
		"extra": head(4, []byte{5, 0}, noise(5)), "largest extra": head(4, []byte{255, 255}, noise(65_535)),
		"name": head(8, nul(5)), "empty name": head(8, nul(0)), "latin name": head(8, []byte{0xe9, 0xff, 0}),
		"longest name": head(8, nul(511)), "name too long": head(8, nul(512)), "name much too long": head(8, nul(5000)),
		"comment": head(16, nul(5)), "comment too long": head(16, nul(512)), "both": head(24, nul(3), nul(4)),
		"wrong header checksum": head(2, []byte{1, 2}), "all, wrong checksum": head(30, []byte{1, 0, 9}, nul(3), nul(4), []byte{0, 0}),
		"wrong magic": append([]byte{0x1f, 0x8c}, head(0)[2:]...), "wrong method": append([]byte{0x1f, 0x8b, 9}, head(0)[3:]...),
	}
	for sum := range 3 { // a right header checksum, and wrong ones
		h := []byte{0x1f, 0x8b, 8, 30, 0, 0, 0, 0, 0, 0, 3, 0, 'a', 'b', 'c', 'n', 0, 'c', 0}
		c := headerSum(h) ^ uint16(sum<<(8*(sum-1)&15))
		cases[fmt.Sprintf("header checksum %d", sum)] = slices.Concat(h, []byte{byte(c), byte(c >> 8)}, body)
	}
	for name, b := range cases {
		checkGzip(t, d, name, b, pieceSizes...)
		for n := range min(len(b), 700) {
			checkGzip(t, d, fmt.Sprintf("%s, first %d bytes", name, n), b[:n], 1, 1<<20)
		}
	}
}

func TestTruncated(t *testing.T) {
	t.Parallel()
	d := new(Decoder)
	for _, level := range levels {
		z := gz(t, text(3000), level)
		for n := range z {
			checkGzip(t, d, fmt.Sprintf("level %d, first %d bytes", level, n), z[:n], 0, 1<<20)
			if n > 10 {
				checkRaw(t, d, fmt.Sprintf("raw, level %d, first %d bytes", level, n), z[10:n], 0, 1<<20)
			}
		}
	}
}

func TestMutated(t *testing.T) {
	t.Parallel()
	d := new(Decoder)
	r := rand.New(rand.NewPCG(11, 12))
	rounds := 2500
	if testing.Short() {
		rounds = 400
	}
	all := text(60_000)
	for i := range rounds {
		level := levels[i%len(levels)]
		n := 1 + r.IntN(30_000)
		b := all[n : n+1+r.IntN(n)]
		z := gz(t, b, level)
		if i%5 == 0 {
			z = append(z, gz(t, b, 6)...)
		}
		for range 1 + r.IntN(3) {
			z[r.IntN(min(len(z), 1+r.IntN(len(z))))] ^= byte(1 << r.IntN(8))
		}
		checkGzip(t, d, fmt.Sprintf("mutation %d", i), z, 0, 1<<20)
		if len(z) > 10 {
			checkRaw(t, d, fmt.Sprintf("raw mutation %d", i), z[10:], 0, 1<<20)
		}
	}
}

// TestNoise expands what never was DEFLATE.
func TestNoise(t *testing.T) {
	t.Parallel()
	d := new(Decoder)
	r := rand.New(rand.NewPCG(5, 6))
	for i := range 20_000 {
		b := make([]byte, r.IntN(300))
		for j := range b {
			b[j] = byte(r.Uint32())
		}
		if len(b) > 0 && i%2 == 0 {
			b[0] = b[0]&^7 | 4 // a block with codes of its own
		}
		checkRaw(t, d, fmt.Sprintf("noise %x", b), b, 1<<20)
	}
}
