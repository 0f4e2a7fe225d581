package layer

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"runtime"
	"strings"
	"testing"
	"testing/iotest"
	"testing/synctest"
	"time"

	"github.com/klauspost/compress/zstd"

	"github.com/intact-dev/intact/pkg/fact"
	"github.com/intact-dev/intact/pkg/image"
	"github.com/intact-dev/intact/pkg/internal/limits"
	"github.com/intact-dev/intact/pkg/ref"
)

func TestReadErrors(t *testing.T) {
	t.Parallel()
	blob := gz(t, archive(t, file("a", strings.Repeat("x", 1<<20), 0o644)))
	refused := &image.Error{Op: "get blob", Object: "x", Cause: fact.Forbidden}
	expired, cancel := context.WithDeadline(t.Context(), time.Unix(1, 0))
	defer cancel()
	cancelled, cancel2 := context.WithCancel(t.Context())
	cancel2()
	panics := readerFunc(func([]byte) (int, error) { panic("boom") })
	for _, tt := range []struct {
		name  string
		ctx   context.Context
		r     io.Reader
		cause fact.Cause
	}{
		{"reset", t.Context(), io.MultiReader(bytes.NewReader(blob[:100]), iotest.ErrReader(errors.New("connection reset"))), fact.Network},
		{"reset at once", t.Context(), iotest.ErrReader(errors.New("connection reset")), fact.Network},
		{"reset after the last byte", t.Context(), io.MultiReader(bytes.NewReader(blob), iotest.ErrReader(errors.New("connection reset"))), fact.Network},
		{"cut short", t.Context(), io.MultiReader(bytes.NewReader(blob[:100]), iotest.ErrReader(io.ErrUnexpectedEOF)), fact.CutShort},
		{"with a cause", t.Context(), iotest.ErrReader(refused), fact.Forbidden},
		{"deadline", expired, bytes.NewReader(blob), fact.Deadline},
		{"cancelled", cancelled, bytes.NewReader(blob), fact.Cancelled},
		{"panic", t.Context(), panics, fact.Internal},
		{"no progress", t.Context(), readerFunc(func([]byte) (int, error) { return 0, nil }), fact.Network},
		{"impossible count", t.Context(), readerFunc(func(p []byte) (int, error) { return len(p) + 1, nil }), fact.Network},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			c, err := Read(tt.ctx, tt.r, describe(blob, gzipType), Options{})
			var e *image.Error
			if c != nil || !errors.As(err, &e) || e.Cause != tt.cause {
				t.Errorf("Read = %v, %v, want cause %q", c, err, tt.cause)
			}
		})
	}
}

type readerFunc func([]byte) (int, error)

func (f readerFunc) Read(p []byte) (int, error) { return f(p) }

func TestReadSizes(t *testing.T) {
	t.Parallel()
	blob := gz(t, archive(t, file("a", "x", 0o644)))
	for _, tt := range []struct {
		name string
		r    io.Reader
		size int64
		want string
		read int64
	}{
		{"exact", bytes.NewReader(blob), int64(len(blob)), "", int64(len(blob))},
		{"byte by byte", iotest.OneByteReader(bytes.NewReader(blob)), int64(len(blob)), "", int64(len(blob))},
		{"end with the data", iotest.DataErrReader(bytes.NewReader(blob)), int64(len(blob)), "", int64(len(blob))},
		{"short", bytes.NewReader(blob[:50]), int64(len(blob)), "50 bytes came", 50},
		{"long", io.MultiReader(bytes.NewReader(blob), strings.NewReader("more")), int64(len(blob)), "the descriptor says", int64(len(blob)) + 4},
		{"endless", io.MultiReader(bytes.NewReader(blob), zeros{}), int64(len(blob)), "reading stopped", int64(len(blob)) + overrun},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			d := describe(blob, gzipType)
			d.Size = tt.size
			var told int64
			c, err := Read(t.Context(), tt.r, d, Options{Progress: func(n int64) { told += n }})
			if err != nil {
				t.Fatal(err)
			}
			if c.Fact.Size != tt.read || told != tt.read {
				t.Errorf("read %d, told %d, want %d", c.Fact.Size, told, tt.read)
			}
			got := ""
			for _, p := range c.Fact.Problems {
				if p.Kind == fact.ProblemSize {
					got = p.Detail
				}
			}
			if (tt.want == "") != (got == "") || !strings.Contains(got, tt.want) {
				t.Errorf("problem %q, want %q", got, tt.want)
			}
			if (c.Fact.Digest == d.Digest) != (tt.want == "") {
				t.Errorf("digest %s", c.Fact.Digest)
			}
		})
	}
}

// TestReadLongPlain: the hash of an uncompressed layer is its diffID only if
// nothing more came.
func TestReadLongPlain(t *testing.T) {
	t.Parallel()
	a := archive(t, file("a", "x", 0o644))
	c, err := Read(t.Context(), io.MultiReader(bytes.NewReader(a), strings.NewReader("more")), describe(a, plainType), Options{})
	if err != nil || c.Fact.DiffID != "" || len(c.Fact.Problems) < 2 {
		t.Errorf("%+v, %v", c.Fact, err)
	}
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) { clear(p); return len(p), nil }

func TestReadEncryptedAndAlgorithms(t *testing.T) {
	t.Parallel()
	blob := []byte("not to be read by us")
	d := describe(blob, gzipType+"+encrypted")
	c, err := Read(t.Context(), bytes.NewReader(blob), d, Options{})
	if err != nil || !c.Fact.Encrypted || c.Readable() || c.Fact.Digest != d.Digest || c.Fact.DiffID != "" || len(c.Fact.Problems) > 0 {
		t.Errorf("encrypted: %+v, %v", c, err)
	}
	a := archive(t, file("a", "x", 0o644))
	sha512 := ref.Digest("sha512:" + strings.Repeat("0", 128))
	d = ref.Descriptor{MediaType: plainType, Size: int64(len(a)), Digest: sha512}
	c, err = Read(t.Context(), bytes.NewReader(a), d, Options{DiffID: sha512})
	if want := ref.DigestOf(a, sha512); err != nil || c.Fact.Digest != want || c.Fact.DiffID != want {
		t.Errorf("sha512: %+v, %v", c.Fact, err)
	}
	foreign := describe(a, "application/vnd.oci.image.layer.nondistributable.v1.tar")
	if c := read(t, a, foreign.MediaType); !c.Fact.Foreign {
		t.Error("a non-distributable layer is not foreign")
	}
}

func TestLimits(t *testing.T) {
	t.Parallel()
	deep := strings.Repeat("d/", limits.PathDepth) + "f"
	wide := zst(t, bytes.Repeat([]byte{1}, 1<<20), zstd.WithWindowSize(512<<20), zstd.WithSingleSegment(false))
	huge := flip(wide, 5)
	huge[5] = 0xff // an exponent of 31: the header alone claims 3.75 TiB
	for _, tt := range []struct {
		name, mediaType, what string
		blob                  []byte
		budget                func(*Budget)
	}{
		{"entries", plainType, "number of archive entries", archive(t, file("a", "", 0o644), file("b", "", 0o644)), func(b *Budget) { b.maxEntries = 1 }},
		{"path bytes", plainType, "bytes of paths", archive(t, file("aaaa", "", 0o644), file("bbbb", "", 0o644)), func(b *Budget) { b.maxPathBytes = 7 }},
		{"expanded layer", gzipType, "expanded size of the layer", gz(t, make([]byte, 1<<20)), func(b *Budget) { b.maxLayer = 1<<20 - 1 }},
		{"expanded image", gzipType, "expanded size of the image", gz(t, make([]byte, 1<<20)), func(b *Budget) { b.maxExpanded = 1<<20 - 1 }},
		{"name", plainType, "length of a path", archive(t, file(strings.Repeat("n", limits.PathName+1), "", 0o644)), nil},
		{"link", plainType, "length of a link", archive(t, link("l", strings.Repeat("n", limits.PathName+1))), nil},
		{"depth", plainType, "depth of a path", archive(t, file(deep, "", 0o644)), nil},
		{"window", zstdType, "window of the zstd frame", huge, nil},
		{"sparse file", plainType, "expanded size of the layer", rawArchive(rawEntry("x", 'x',
			paxRecord("GNU.sparse.major", "0")+paxRecord("GNU.sparse.minor", "1")+paxRecord("GNU.sparse.size", "9000000000000")+paxRecord("GNU.sparse.numblocks", "1")+paxRecord("GNU.sparse.map", "0,1")), rawEntry("a", '0', "h")), nil},
		{"extended headers", plainType, "size of the extended headers", rawArchive(bytes.Repeat(rawEntry("x", 'x', paxRecord("comment", strings.Repeat("c", 1<<20-100))), 6), rawEntry("a", '0', "h")), nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			budget := NewBudget()
			if tt.budget != nil {
				tt.budget(budget)
			}
			c, err := Read(t.Context(), bytes.NewReader(tt.blob), describe(tt.blob, tt.mediaType), Options{Budget: budget})
			var e *limits.ExceededError
			if c != nil || image.CauseOf(err) != fact.Limit || !errors.As(err, &e) || !strings.Contains(e.What, tt.what) {
				t.Errorf("Read = %v, %v, want the limit of %s", c, err, tt.what)
			}
		})
	}
}

func TestZstdRatio(t *testing.T) {
	t.Parallel()
	var buf bytes.Buffer
	w, err := zstd.NewWriter(&buf)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.CopyN(w, zeros{}, limits.ZstdRatioMin+8<<20); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	_, err = Read(t.Context(), &buf, describe(buf.Bytes(), zstdType), Options{})
	if image.CauseOf(err) != fact.Limit || !strings.Contains(fmt.Sprint(err), "ratio") {
		t.Errorf("bomb of %d bytes: %v", buf.Len(), err)
	}
}

func TestGzipMembers(t *testing.T) {
	t.Parallel()
	var empty bytes.Buffer
	if err := gzip.NewWriter(&empty).Close(); err != nil {
		t.Fatal(err)
	}
	many := bytes.Repeat(empty.Bytes(), limits.GzipMembers+1)
	_, err := Read(t.Context(), bytes.NewReader(many), describe(many, gzipType), Options{})
	if image.CauseOf(err) != fact.Limit {
		t.Errorf("%d members: %v", limits.GzipMembers+1, err)
	}
	some := append(bytes.Repeat(empty.Bytes(), 10_000), gz(t, archive(t, file("a", "x", 0o644)))...)
	if c := read(t, some, gzipType); !c.Readable() || c.Entries.Len() != 1 {
		t.Errorf("10,000 empty members: %+v", c.Fact)
	}
}

// TestWindowsAreShared: four layers with windows of 64 MiB never hold more than
// the budget.
func TestWindowsAreShared(t *testing.T) {
	t.Parallel()
	blob := zst(t, archive(t, file("a", "x", 0o644)), zstd.WithWindowSize(64<<20), zstd.WithSingleSegment(false))
	windows := NewWindows()
	errs := make(chan error)
	for range 4 {
		go func() {
			_, err := Read(t.Context(), bytes.NewReader(blob), describe(blob, zstdType), Options{Windows: windows})
			errs <- err
		}()
	}
	for range 4 {
		if err := <-errs; err != nil {
			t.Error(err)
		}
	}
	if !windows.sem.TryAcquire(limits.ZstdWindows) {
		t.Error("a window was not given back")
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := Read(ctx, bytes.NewReader(blob), describe(blob, zstdType), Options{Windows: windows}); image.CauseOf(err) != fact.Cancelled {
		t.Errorf("waiting for a window: %v", err)
	}
}

// TestReadLeavesNoGoroutine: what was begun for a layer ends when the layer is
// refused, at whatever byte that is. A bubble whose goroutines do not all end
// fails.
func TestReadLeavesNoGoroutine(t *testing.T) {
	tarball := archive(t, file("a", strings.Repeat("x", 8<<20), 0o644), file("b", "", 0o644))
	for _, kind := range []struct {
		mediaType string
		blob      []byte
	}{{gzipType, gz(t, tarball)}, {zstdType, zst(t, tarball)}} {
		synctest.Test(t, func(t *testing.T) {
			for range 5 {
				budget := NewBudget()
				budget.maxEntries = 1
				_, err := Read(t.Context(), bytes.NewReader(kind.blob), describe(kind.blob, kind.mediaType), Options{Budget: budget})
				if image.CauseOf(err) != fact.Limit {
					t.Fatalf("%s: no limit: %v", kind.mediaType, err)
				}
			}
		})
	}
}

// TestManyEntries: memory grows with entries, some 20 bytes each in a layer
// and 40 in the tree.
func TestManyEntries(t *testing.T) {
	const n = 100_000
	live := func() uint64 {
		runtime.GC()
		runtime.GC() // pools keep what they hold for one more
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return m.HeapAlloc
	}
	before := live()
	c := manyEntries(t, n)
	layer := live() - before
	tree, err := Merge([]*Contents{c})
	if err != nil {
		t.Fatal(err)
	}
	all := live() - before
	if entries, _ := tree.Len(); entries != n+n/1000+1 {
		t.Errorf("%d entries", entries)
	}
	if layer > 30*n || all > 80*n {
		t.Errorf("%d bytes an entry in the layer, %d with the tree", layer/n, all/n)
	}
	t.Logf("%d bytes an entry in the layer, %d with the tree", layer/n, all/n)
	runtime.KeepAlive(tree)
}

// TestHostileMerge: names that would make millions of directories, and links
// that would be walked for hours, end at a limit.
func TestHostileMerge(t *testing.T) {
	t.Parallel()
	parents := &Entries{}
	for i := range 2_000 {
		path := fmt.Sprintf("%d/", i) + strings.Repeat("a/", 200) + "f"
		parents.add(&Entry{Path: []byte(path), Type: TypeFile})
	}
	links := &Entries{}
	for i := range 40 {
		links.add(&Entry{Path: fmt.Appendf(nil, "l%d", i), Type: TypeSymlink, Link: []byte(strings.Repeat("./", 2000) + fmt.Sprintf("l%d", i+1))})
	}
	for i := range 20_000 {
		links.add(&Entry{Path: fmt.Appendf(nil, "l1/%d", i), Type: TypeFile})
	}
	deeper := &Entries{}
	for i := range 100 {
		deeper.add(&Entry{Path: fmt.Appendf(nil, "l%d/%sd", i, strings.Repeat("a/", 200)), Type: TypeDir})
		deeper.add(&Entry{Path: fmt.Appendf(nil, "l%d", i+1), Type: TypeSymlink, Link: fmt.Appendf(nil, "l%d/%sd", i, strings.Repeat("a/", 200))})
	}
	for name, entries := range map[string]*Entries{"parents": parents, "links": links, "deeper": deeper} {
		m := newMerger([]*Contents{{Entries: entries, readable: true}})
		m.maxNodes, m.maxWork = m.maxNodes/10, m.maxWork/40
		err := m.layer(0)
		var e *limits.ExceededError
		if !errors.As(err, &e) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestTruncated(t *testing.T) {
	t.Parallel()
	a := archive(t, file("a", strings.Repeat("0123456789", 500), 0o644), file("b", "x", 0o644))
	for _, bb := range []struct {
		mediaType string
		blob      []byte
	}{{gzipType, gz(t, a)}, {zstdType, zst(t, a)}} {
		for i := range bb.blob {
			c := read(t, bb.blob[:i], bb.mediaType)
			if c.Readable() && i > 0 {
				t.Errorf("%s: readable after %d of %d bytes", bb.mediaType, i, len(bb.blob))
			}
		}
	}
}
