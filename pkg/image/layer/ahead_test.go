package layer

import (
	"bytes"
	"errors"
	"io"
	"math/rand/v2"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/intact-dev/intact/pkg/fact"
	"github.com/intact-dev/intact/pkg/image"
	"github.com/intact-dev/intact/pkg/internal/inflate"
	"github.com/intact-dev/intact/pkg/ref"
)

// noise is n bytes that no compression makes smaller.
func noise(n int) string {
	r := rand.New(rand.NewPCG(1, uint64(n)))
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(r.Uint32())
	}
	return string(b)
}

// TestReadsAhead: bytes are fetched while nobody has taken those before them,
// but not without end.
func TestReadsAhead(t *testing.T) {
	t.Parallel()
	body := []byte(noise((pieceCount + 3) * pieceSize))
	fetched := make(chan int, len(body))
	src := bytes.NewReader(body)
	r := readerFunc(func(p []byte) (int, error) {
		n, err := src.Read(p)
		fetched <- n
		return n, err
	})
	a := readAhead(newSource(t.Context(), r, describe(body, plainType), nil))
	total := 0
	for total < pieceCount*pieceSize {
		total += <-fetched
	}
	if total > pieceCount*pieceSize {
		t.Errorf("%d bytes were fetched ahead, want %d", total, pieceCount*pieceSize)
	}
	got, err := io.ReadAll(a)
	if err := errors.Join(err, a.finish()); err != nil || !bytes.Equal(got, body) || a.n != int64(len(body)) {
		t.Errorf("%d bytes came, %d are counted: %v", len(got), a.n, err)
	}
}

// TestLimitEndsTheReading: nothing more is fetched of a layer that has hit a
// limit, however long it is.
func TestLimitEndsTheReading(t *testing.T) {
	t.Parallel()
	start := gz(t, []byte(noise(1<<20)))
	for name, budget := range map[string]func(*Budget){
		"expanded": func(b *Budget) { b.maxLayer = 100_000 },
		"entries":  func(b *Budget) { b.maxEntries = 0 },
	} {
		for mediaType, r := range map[string]io.Reader{
			gzipType:  io.MultiReader(bytes.NewReader(start), zeros{}),
			plainType: io.MultiReader(bytes.NewReader(archive(t, file("a", "x", 0o644))), zeros{}),
		} {
			if mediaType == gzipType && name == "entries" {
				r = io.MultiReader(bytes.NewReader(gz(t, archive(t, file("a", noise(5<<20), 0o644)))), zeros{})
			}
			b := NewBudget()
			budget(b)
			d := ref.Descriptor{MediaType: mediaType, Digest: describe(nil, "").Digest, Size: 1 << 60}
			if _, err := Read(t.Context(), r, d, Options{Budget: b}); image.CauseOf(err) != fact.Limit {
				t.Errorf("%s, %s: %v", name, mediaType, err)
			}
		}
	}
}

// TestErrorAfterCorruption: a layer that was not received in full is not wrong,
// it is unknown, also where its begin cannot be expanded.
func TestErrorAfterCorruption(t *testing.T) {
	t.Parallel()
	blob := append(flip(gz(t, []byte("x")), -1), noise(1<<20)...)
	for name, tt := range map[string]struct {
		r     io.Reader
		cause fact.Cause
	}{
		"reset": {iotest.ErrReader(errors.New("connection reset")), fact.Network},
		"cut":   {iotest.ErrReader(io.ErrUnexpectedEOF), fact.CutShort},
		"panic": {readerFunc(func([]byte) (int, error) { panic("boom") }), fact.Internal},
	} {
		d := describe(blob, gzipType)
		if c, err := Read(t.Context(), io.MultiReader(bytes.NewReader(blob[:len(blob)/2]), tt.r), d, Options{}); c != nil || image.CauseOf(err) != tt.cause {
			t.Errorf("%s: %+v, %v", name, c, err)
		}
	}
	c := read(t, blob, gzipType)
	if c.Readable() || c.Fact.Digest != describe(blob, gzipType).Digest {
		t.Errorf("received in full: %+v", c.Fact)
	}
}

// TestSlowWalk: the decoder never overwrites what is still being hashed.
func TestSlowWalk(t *testing.T) {
	t.Parallel()
	var members []member
	for i := range 40 {
		members = append(members, file(strings.Repeat("d/", i)+"f", noise(300_000+i), 0o644))
	}
	a := archive(t, members...)
	blob := gz(t, a)
	p := newPipe(t.Context(), NewBudget(), readAhead(newSource(t.Context(), bytes.NewReader(blob), describe(blob, gzipType), nil)))
	x := &expansion{src: p.in.src, in: p.in, out: p, windows: NewWindows(), diffID: "sha256:", cancel: func(error) {}}
	go x.run()
	// Take as many blocks as can be had without giving one back, and only then look.
	var got, held [][]byte
	received := 0
	for b, ok := p.receive(); ok; b, ok = p.receive() {
		held = append(held, b)
		if received += len(b); len(held) <= inflate.Kept && received < len(a) {
			continue
		}
		for _, b := range held {
			got = append(got, bytes.Clone(b))
			p.release(b)
		}
		held = nil
	}
	if p.lent != 0 {
		t.Errorf("the decoder was given back while %d of its blocks were in use", p.lent)
	}
	if x.fatal != nil || x.corrupt != nil || !bytes.Equal(bytes.Join(got, nil), a) {
		t.Errorf("%d bytes of %d came: %v, %v", len(bytes.Join(got, nil)), len(a), x.fatal, x.corrupt)
	}
}
