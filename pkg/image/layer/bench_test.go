package layer

import (
	"archive/tar"
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"testing"
)

// sample is an archive of 64 MiB that compresses about 3:1, as programs do, in
// files of the sizes that images have.
func sample(tb testing.TB) []byte {
	tb.Helper()
	r := rand.New(rand.NewPCG(1, 2))
	words := make([][]byte, 4096)
	for i := range words {
		words[i] = make([]byte, 3+r.IntN(12))
		for j := range words[i] {
			words[i][j] = byte(r.UintN(256))
		}
	}
	var out bytes.Buffer
	w := tar.NewWriter(&out)
	for i := 0; out.Len() < 64<<20; i++ {
		var body bytes.Buffer
		for n := 1 << (6 + r.IntN(14)); body.Len() < n; {
			body.Write(words[r.IntN(len(words))])
		}
		name := fmt.Sprintf("usr/lib/package%d/file%d.so", i/40, i)
		if err := w.WriteHeader(&tar.Header{Name: name, Typeflag: tar.TypeReg, Mode: 0o644, Size: int64(body.Len())}); err != nil {
			tb.Fatal(err)
		}
		if _, err := w.Write(body.Bytes()); err != nil {
			tb.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		tb.Fatal(err)
	}
	return out.Bytes()
}

// BenchmarkRead counts expanded bytes.
func BenchmarkRead(b *testing.B) {
	a := sample(b)
	for _, bb := range []struct {
		name, mediaType string
		blob            []byte
	}{{"plain", plainType, a}, {"gzip", gzipType, gz(b, a)}, {"zstd", zstdType, zst(b, a)}} {
		b.Run(bb.name, func(b *testing.B) {
			d := describe(bb.blob, bb.mediaType)
			b.SetBytes(int64(len(a)))
			b.ReportAllocs()
			for b.Loop() {
				c, err := Read(b.Context(), bytes.NewReader(bb.blob), d, Options{})
				if err != nil || !c.Readable() {
					b.Fatal(err)
				}
			}
		})
	}
}

// manyEntries reads a layer of n empty files.
func manyEntries(tb testing.TB, n int) *Contents {
	tb.Helper()
	r, w := io.Pipe()
	go func() {
		bw := bufio.NewWriterSize(w, 1<<18)
		tw := tar.NewWriter(bw)
		for i := range n {
			if err := tw.WriteHeader(&tar.Header{Name: fmt.Sprintf("d/%04d/file%08d", i/1000, i), Typeflag: tar.TypeReg, Mode: 0o644}); err != nil {
				w.CloseWithError(err)
				return
			}
		}
		w.CloseWithError(errors.Join(tw.Close(), bw.Flush()))
	}()
	d := describe(nil, plainType)
	d.Size = int64(n+2) * tarBlock
	c, err := Read(tb.Context(), r, d, Options{})
	if err != nil || !c.Readable() {
		tb.Fatalf("read %d entries: %v", n, err)
	}
	return c
}

// BenchmarkMerge stacks two layers of 40,000 entries.
func BenchmarkMerge(b *testing.B) {
	c := manyEntries(b, 40_000)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Merge([]*Contents{c, c}); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkEncode(b *testing.B) {
	c := manyEntries(b, 40_000)
	var buf bytes.Buffer
	for b.Loop() {
		buf.Reset()
		if err := c.Encode(&buf); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(buf.Len()), "bytes")
}

func BenchmarkDecode(b *testing.B) {
	var buf bytes.Buffer
	if err := manyEntries(b, 40_000).Encode(&buf); err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Decode(bytes.NewReader(buf.Bytes()), nil); err != nil {
			b.Fatal(err)
		}
	}
}
