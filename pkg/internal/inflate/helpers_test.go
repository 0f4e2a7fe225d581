package inflate

import (
	"bufio"
	"bytes"
	"compress/flate"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"testing"
)

// An outcome is what became of a stream.
type outcome struct {
	Out, Rest string
	Members   int64
	Err       string // its kind
}

// kind says what an error says about the stream, however it says it.
func kind(err error) string {
	var corrupt *CorruptError
	var theirs flate.CorruptInputError
	switch {
	case err == nil:
		return ""
	case errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, io.EOF):
		return "cut short"
	case errors.Is(err, ErrHeader), errors.Is(err, gzip.ErrHeader):
		return "header"
	case errors.Is(err, ErrChecksum), errors.Is(err, gzip.ErrChecksum):
		return "checksum"
	case errors.As(err, &corrupt), errors.As(err, &theirs):
		return "corrupt"
	}
	return err.Error()
}

// gzipReference follows the members of b with compress/gzip.
func gzipReference(b []byte) (o outcome) {
	br := bufio.NewReader(bytes.NewReader(b))
	var out bytes.Buffer
	defer func() { o.Out = out.String() }()
	var z gzip.Reader
	for {
		if err := z.Reset(br); err != nil {
			o.Err = kind(err)
			return o
		}
		z.Multistream(false)
		if _, err := io.Copy(&out, &z); err != nil {
			o.Err = kind(err)
			return o
		}
		o.Members++
		if next, _ := br.Peek(2); string(next) != "\x1f\x8b" {
			rest, _ := io.ReadAll(br)
			o.Rest = string(rest)
			return o
		}
	}
}

// rawReference expands b with compress/flate.
func rawReference(b []byte) outcome {
	br := bufio.NewReader(bytes.NewReader(b))
	out, err := io.ReadAll(flate.NewReader(br))
	o := outcome{Out: string(out), Err: kind(err)}
	if err == nil {
		rest, _ := io.ReadAll(br)
		o.Rest = string(rest)
	}
	return o
}

// pieces reads b in pieces of n bytes; 0 is pieces of random sizes.
type pieces struct {
	b    []byte
	n    int
	rand *rand.Rand
	err  error // at the end, io.EOF if nil; with the last bytes if eager
	last bool
}

func (p *pieces) Read(b []byte) (int, error) {
	end := p.err
	if end == nil {
		end = io.EOF
	}
	if len(p.b) == 0 {
		return 0, end
	}
	n := p.n
	if n == 0 {
		n = p.rand.IntN(2000)
	}
	n = copy(b, p.b[:min(n, len(p.b))])
	p.b = p.b[n:]
	if len(p.b) == 0 && p.last {
		return n, end
	}
	return n, nil
}

func inPieces(b []byte, n int) *pieces {
	return &pieces{b: b, n: n, rand: rand.New(rand.NewPCG(1, uint64(len(b)))), last: n%2 == 0}
}

// gzipOurs expands b, read in pieces of n bytes, with d.
func gzipOurs(t testing.TB, d *Decoder, b []byte, n int) outcome {
	t.Helper()
	return ours(t, b, n, func(r io.Reader, emit func([]byte) error) (Result, error) {
		return d.Gzip(t.Context(), r, emit, Options{})
	})
}

func rawOurs(t testing.TB, d *Decoder, b []byte, n int) outcome {
	t.Helper()
	return ours(t, b, n, func(r io.Reader, emit func([]byte) error) (Result, error) {
		return d.Raw(t.Context(), r, emit)
	})
}

func ours(t testing.TB, b []byte, n int, run func(io.Reader, func([]byte) error) (Result, error)) outcome {
	t.Helper()
	var out bytes.Buffer
	r := inPieces(b, n)
	res, err := run(r, func(p []byte) error {
		if len(p) == 0 || len(p) > blockSize+maxRunOver {
			return fmt.Errorf("a block of %d bytes", len(p))
		}
		out.Write(p)
		return nil
	})
	o := outcome{Out: out.String(), Members: res.Members, Err: kind(err)}
	if res.Written != int64(out.Len()) {
		t.Errorf("Written is %d, but %d bytes came", res.Written, out.Len())
	}
	if err != nil {
		if len(res.Rest) != 0 {
			t.Errorf("%d bytes are left after an error", len(res.Rest))
		}
		return o
	}
	o.Rest = string(res.Rest) + string(r.b)
	if want := int64(len(b) - len(o.Rest)); res.Read != want {
		t.Errorf("Read is %d, want %d", res.Read, want)
	}
	if res.RestErr != nil && len(r.b) > 0 {
		t.Errorf("RestErr is %v before the reader's end", res.RestErr)
	}
	return o
}

// short makes an outcome fit to be printed.
func short(o outcome) string {
	cut := func(s string) string {
		if len(s) > 40 {
			return fmt.Sprintf("%q... (%d bytes)", s[:40], len(s))
		}
		return fmt.Sprintf("%q", s)
	}
	return fmt.Sprintf("out %s rest %s members %d error %q", cut(o.Out), cut(o.Rest), o.Members, o.Err)
}

// text is n bytes that compress as programs do: words of a small dictionary,
// runs and noise.
func text(n int) []byte {
	r := rand.New(rand.NewPCG(7, uint64(n)))
	words := make([][]byte, 1500)
	for i := range words {
		words[i] = make([]byte, 2+r.IntN(14))
		for j := range words[i] {
			words[i][j] = byte(r.IntN(1 + r.IntN(256)))
		}
	}
	var b []byte
	for len(b) < n {
		switch r.IntN(40) {
		case 0:
			b = append(b, bytes.Repeat([]byte{byte(r.IntN(256))}, r.IntN(900))...)
		case 1:
			for range r.IntN(60) {
				b = append(b, byte(r.IntN(256)))
			}
		case 2:
			b = append(b, bytes.Repeat(words[r.IntN(len(words))], r.IntN(70))...)
		default:
			b = append(b, words[r.IntN(1+r.IntN(len(words)))]...)
		}
	}
	return b[:n]
}

func noise(n int) []byte {
	r := rand.New(rand.NewPCG(3, uint64(n)))
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(r.Uint32())
	}
	return b
}

// skewed is n bytes that hardly repeat and of which some are much more frequent
// than others: literals alone, with codes of many lengths.
func skewed(n int) []byte {
	r := rand.New(rand.NewPCG(4, uint64(n)))
	b := make([]byte, n)
	for i := range b {
		if i>>15&1 == 0 { // all but even
			b[i] = byte(r.IntN(192))
		} else {
			b[i] = byte(r.ExpFloat64() * float64(4+i>>16%40))
		}
	}
	return b
}

func gz(tb testing.TB, b []byte, level int) []byte {
	tb.Helper()
	var out bytes.Buffer
	w, err := gzip.NewWriterLevel(&out, level)
	if err != nil {
		tb.Fatal(err)
	}
	if _, err := w.Write(b); err != nil {
		tb.Fatal(err)
	}
	if err := w.Close(); err != nil {
		tb.Fatal(err)
	}
	return out.Bytes()
}

func raw(tb testing.TB, b []byte, level int) []byte {
	tb.Helper()
	z := gz(tb, b, level)
	return z[10 : len(z)-8]
}
