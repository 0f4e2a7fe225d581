package twosum

import (
	"bytes"
	"crypto/sha256"
	"crypto/sha512"
	"encoding"
	"encoding/binary"
	"fmt"
	"hash"
	"math/rand/v2"
	"testing"
)

func noise(n int) []byte {
	r := rand.New(rand.NewPCG(7, uint64(n)))
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(r.Uint32())
	}
	return b
}

// check writes b to two hashes that have had other bytes before, in pieces that
// end at the cuts, and compares what they say after each piece with what
// crypto/sha256 says of the same bytes.
func check(t *testing.T, beforeA, beforeB, b []byte, cuts ...int) {
	t.Helper()
	var w Writer
	sumA, sumB := sha256.New(), sha256.New()
	sumA.Write(beforeA)
	sumB.Write(beforeB)
	at := 0
	for _, cut := range append(cuts, len(b)) {
		cut = min(max(cut, at), len(b))
		piece := bytes.Clone(b[at:cut])
		at = cut
		w.Write(sumA, sumB, piece)
		if !bytes.Equal(piece, b[at-len(piece):at]) {
			t.Fatal("the bytes were changed")
		}
		for i, sum := range []hash.Hash{sumA, sumB} {
			want := sha256.Sum256(append(bytes.Clone([][]byte{beforeA, beforeB}[i]), b[:at]...))
			if got := sum.Sum(nil); !bytes.Equal(got, want[:]) {
				t.Fatalf("%d and %d bytes, then %d of %d: sum %d is %x, want %x", len(beforeA), len(beforeB), at, len(b), i+1, got, want)
			}
		}
	}
}

func TestWrite(t *testing.T) {
	t.Parallel()
	b := noise(200_000)
	for _, before := range [][2]int{{0, 0}, {512, 0}, {0, 1024}, {64, 128}, {5, 5}, {5, 69}, {63, 127}, {5, 6}, {1, 0}, {0, 63}, {100_000, 36}} {
		a, o := noise(before[0]), noise(before[1])
		for _, n := range []int{0, 1, 63, 64, worthwhile - 1, worthwhile, worthwhile + 1, worthwhile + 63, worthwhile + 64, 10_000, 128 << 10} {
			check(t, a, o, b[:n])
			check(t, a, o, b[3:3+n], n/2, n/2+7)
		}
		check(t, a, o, b, 2048, 2049, 5000, 5064, 70_000, 70_001, 190_000)
	}
}

// TestTogether: what must be fast is.
func TestTogether(t *testing.T) {
	t.Parallel()
	if !available {
		t.Skip("this processor or build has no SHA instructions for two sums at once")
	}
	var w Writer
	b := noise(10_000)
	for _, phase := range []int{0, 1, 63} {
		x, y := sha256.New(), sha256.New()
		x.Write(b[:phase])
		y.Write(b[:phase+640])
		if got := w.together(x, y, b); got < len(b)-2*blockSize {
			t.Errorf("%d bytes of an unfinished block: %d of %d bytes were written together", phase, got, len(b))
		}
	}
}

// TestOtherHashes: what is no SHA-256 is hashed all the same.
func TestOtherHashes(t *testing.T) {
	t.Parallel()
	b := noise(10_000)
	var w Writer
	for _, make := range []func() hash.Hash{sha512.New, sha256.New224, func() hash.Hash { return plain{sha256.New()} }} {
		x, y, want := make(), sha256.New(), make()
		w.Write(x, y, b)
		want.Write(b)
		if sum := sha256.Sum256(b); !bytes.Equal(y.Sum(nil), sum[:]) || !bytes.Equal(x.Sum(nil), want.Sum(nil)) {
			t.Errorf("%T: wrong sums", x)
		}
		x.Reset()
		y.Reset()
		w.Write(y, x, b)
		if sum := sha256.Sum256(b); !bytes.Equal(y.Sum(nil), sum[:]) || !bytes.Equal(x.Sum(nil), want.Sum(nil)) {
			t.Errorf("%T as the second: wrong sums", x)
		}
	}
}

// plain hides all of a hash but hashing.
type plain struct{ hash.Hash }

// TestBlocks compares the states after every number of blocks: what the sums
// above cannot tell from each other.
func TestBlocks(t *testing.T) {
	t.Parallel()
	if !available {
		t.Skip("this processor or build has no SHA instructions for two sums at once")
	}
	for n := range 40 {
		b := noise(n*blockSize + blockSize)
		x, y := words(t, b[:blockSize]), words(t, nil)
		twoBlocks(&x, &y, b[blockSize:])
		if x != words(t, b) || y != words(t, b[blockSize:]) {
			t.Errorf("%d blocks: %x and %x, want %x and %x", n, x, y, words(t, b), words(t, b[blockSize:]))
		}
	}
}

// words is the state of crypto/sha256 after b, whole blocks.
func words(t *testing.T, b []byte) (x [8]uint32) {
	t.Helper()
	h := sha256.New()
	h.Write(b)
	state, err := h.(encoding.BinaryMarshaler).MarshalBinary()
	if err != nil || len(state) != stateSize {
		t.Fatal("no state: ", err)
	}
	for i := range x {
		x[i] = binary.BigEndian.Uint32(state[wordsAt+4*i:])
	}
	return x
}

func FuzzWrite(f *testing.F) {
	for _, n := range []int{0, 100, worthwhile, 3000, 8192} {
		f.Add(noise(n), uint16(0), uint16(0), uint16(n/2))
		f.Add(noise(n), uint16(5), uint16(69), uint16(n-1))
		f.Add(noise(n), uint16(1), uint16(2), uint16(64))
	}
	f.Fuzz(func(t *testing.T, b []byte, beforeA, beforeB, cut uint16) {
		check(t, noise(int(beforeA%300)), noise(int(beforeB%300)), b, int(cut))
		// Inputs of the fuzzer are short; the same bytes again are long enough.
		if len(b) > 0 {
			check(t, noise(int(beforeA%300)), noise(int(beforeB%300)), bytes.Repeat(b, 1+2*worthwhile/len(b)), int(cut))
		}
	})
}

// BenchmarkWrite counts bytes, each of which goes into two sums.
func BenchmarkWrite(b *testing.B) {
	for _, size := range []int{worthwhile, 16 << 10, 128 << 10} {
		p := noise(size)
		x, y := sha256.New(), sha256.New()
		b.Run(fmt.Sprintf("together/%d", size), func(b *testing.B) {
			var w Writer
			b.SetBytes(int64(size))
			b.ReportAllocs()
			for b.Loop() {
				w.Write(x, y, p)
			}
		})
		b.Run(fmt.Sprintf("apart/%d", size), func(b *testing.B) {
			b.SetBytes(int64(size))
			for b.Loop() {
				x.Write(p)
				y.Write(p)
			}
		})
	}
}
