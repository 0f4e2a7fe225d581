package inflate

import (
	"bytes"
	"compress/flate"
	"context"
	"errors"
	"io"
	"os"
	"os/exec"
	"reflect"
	"strings"
	"testing"
)

var errTest = errors.New("test")

// TestFailedHeaderLeavesNothing: codes that break off must not be taken for
// the fixed ones by the next stream.
func TestFailedHeaderLeavesNothing(t *testing.T) {
	t.Parallel()
	fixed := []byte{0x4b, 0x4c, 0x4a, 0x06, 0x00}
	d := new(Decoder)
	broken := [][]byte{fixed}
	z := raw(t, text(4000), 6)
	for n := range min(300, len(z)) {
		broken = append(broken, z[:n])
	}
	z = raw(t, skewed(9000), flate.HuffmanOnly) // tables with pairs, from firstRun on
	for n := firstRun; n <= len(z); n += 97 {
		broken = append(broken, z[:n])
	}
	broken = append(broken, z, raw(t, text(4000), 6))
	var w bitWriter
	lit := make([]uint8, 286)
	lit[0], lit[1], lit[endOfBlock] = 1, 1, 1 // too many
	w.header(lit, []uint8{1})
	broken = append(broken, w.bytes())
	for _, b := range broken {
		for _, next := range [][]byte{fixed, z, fixed} {
			rawOurs(t, d, b, 1<<20)
			if got, want := rawOurs(t, d, next, 1<<20), rawReference(next); got != want {
				t.Fatalf("after %x:\n got %s\nwant %s", b, short(got), short(want))
			}
		}
	}
}

func TestReaderError(t *testing.T) {
	t.Parallel()
	z := gz(t, text(400_000), 6)
	for _, n := range []int{0, 5, 10, 11, 300, len(z) / 2, len(z) - 9, len(z) - 8, len(z) - 1, len(z)} {
		for _, last := range []bool{false, true} {
			d := Get()
			var out bytes.Buffer
			r := &pieces{b: z[:n], n: 1000, err: errTest, last: last}
			_, err := d.Gzip(t.Context(), r, func(b []byte) error { out.Write(b); return nil }, Options{})
			if !errors.Is(err, errTest) {
				t.Errorf("after %d bytes, with the last of them: %v: error %v", n, last, err)
			}
			if want := gzipReference(z[:n]); out.String() != want.Out {
				t.Errorf("after %d bytes: %d bytes came, want %d", n, out.Len(), len(want.Out))
			}
			d.Put()
		}
	}
	d := Get()
	defer d.Put()
	res, err := d.Gzip(t.Context(), &pieces{b: append(z[:len(z):len(z)], "after"...), n: 1 << 20, err: errTest, last: true},
		func([]byte) error { return nil }, Options{})
	if err != nil || string(res.Rest) != "after" || !errors.Is(res.RestErr, errTest) {
		t.Errorf("rest %q, %v, error %v; want the reader's error after the rest", res.Rest, res.RestErr, err)
	}
}

// stuck returns neither bytes nor errors.
type stuck struct{ n int }

func (s *stuck) Read([]byte) (int, error) { return s.n, nil }

func TestImpossibleReaders(t *testing.T) {
	t.Parallel()
	d := Get()
	defer d.Put()
	none := func([]byte) error { return nil }
	if _, err := d.Gzip(t.Context(), &stuck{}, none, Options{}); !errors.Is(err, io.ErrNoProgress) {
		t.Errorf("a reader that returns nothing: error %v", err)
	}
	for _, n := range []int{-1, inSize + 1} {
		if _, err := d.Gzip(t.Context(), &stuck{n}, none, Options{}); !errors.Is(err, errInvalidRead) {
			t.Errorf("a reader that returns %d: error %v", n, err)
		}
	}
}

func TestConsumerError(t *testing.T) {
	t.Parallel()
	z := gz(t, text(5<<20), 6)
	for stop := 1; stop < 5; stop++ {
		d := Get()
		n := 0
		_, err := d.Gzip(t.Context(), bytes.NewReader(z), func([]byte) error {
			if n++; n == stop {
				return errTest
			}
			return nil
		}, Options{})
		if !errors.Is(err, errTest) || n != stop {
			t.Errorf("the consumer was called %d times and failed at %d: error %v", n, stop, err)
		}
		d.Put()
	}
}

func TestCancel(t *testing.T) {
	t.Parallel()
	z := gz(t, make([]byte, 50<<20), 6) // 50 KiB, so that no read comes between
	ctx, cancel := context.WithCancel(t.Context())
	d := Get()
	defer d.Put()
	n := 0
	_, err := d.Gzip(ctx, bytes.NewReader(z), func([]byte) error { n++; cancel(); return nil }, Options{})
	if !errors.Is(err, context.Canceled) || n != 1 {
		t.Errorf("%d blocks came, error %v; want one and the end of ctx", n, err)
	}
	n = 0
	if _, err = d.Gzip(ctx, bytes.NewReader(z), func([]byte) error { n++; return nil }, Options{}); !errors.Is(err, context.Canceled) || n != 0 {
		t.Errorf("%d blocks came, error %v; want none of a context that has ended", n, err)
	}
}

func TestMaxMembers(t *testing.T) {
	t.Parallel()
	z := bytes.Repeat(gz(t, []byte("x"), 6), 10)
	d := Get()
	defer d.Put()
	for _, limit := range []int64{0, 1, 9, 10, 11} {
		n := 0
		res, err := d.Gzip(t.Context(), bytes.NewReader(z), func(b []byte) error { n += len(b); return nil }, Options{MaxMembers: limit})
		want := limit
		if limit == 0 || limit > 10 {
			want = 10
		}
		if res.Members != want || int64(n) != want || errors.Is(err, ErrMembers) != (limit != 0 && limit < 10) {
			t.Errorf("limit %d: %d members, %d bytes, error %v", limit, res.Members, n, err)
		}
	}
}

func TestAllocations(t *testing.T) {
	z := gz(t, text(1<<20), 6)
	ctx := t.Context()
	d := new(Decoder)
	r := bytes.NewReader(z)
	none := func([]byte) error { return nil }
	if got := testing.AllocsPerRun(10, func() {
		r.Reset(z)
		if _, err := d.Gzip(ctx, r, none, Options{}); err != nil {
			t.Fatal(err)
		}
	}); got != 0 {
		t.Errorf("a stream costs %v allocations, want none", got)
	}
}

// TestSize: what a decoder holds is all it ever needs, see TestAllocations.
func TestSize(t *testing.T) {
	t.Parallel()
	if n := reflect.TypeFor[Decoder]().Size(); n > 1300<<10 {
		t.Errorf("a decoder has %d bytes, want 1.3 MiB at most", n)
	}
}

// TestNoBoundsChecks asks the compiler: the fast loop must not have any.
func TestNoBoundsChecks(t *testing.T) {
	t.Parallel()
	if _, err := os.Stat("fast.go"); err != nil {
		t.Skip("no source here: ", err)
	}
	goTool, err := exec.LookPath("go")
	if err != nil {
		t.Skip("no go command: ", err)
	}
	cmd := exec.CommandContext(t.Context(), goTool, "build", "-gcflags=-d=ssa/check_bce/debug=1", ".")
	cmd.Env = append(os.Environ(), "GOFLAGS=") // without the tag inflatecheck
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	if !strings.Contains(string(out), "careful.go") {
		t.Fatalf("the compiler reports no bounds check in careful.go, which has some: it was not asked\n%s", out)
	}
	for line := range strings.Lines(string(out)) {
		if strings.HasPrefix(line, "./fast.go:") {
			t.Errorf("a bounds check in the fast loop: %s", strings.TrimSpace(line))
		}
	}
}
