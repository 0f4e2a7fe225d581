package layer

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"errors"
	"strings"
	"testing"

	"github.com/klauspost/compress/zstd"

	"github.com/intact-dev/intact/pkg/fact"
	"github.com/intact-dev/intact/pkg/image"
	"github.com/intact-dev/intact/pkg/internal/limits"
)

// smallArchive has a header, an extended header with its records, content,
// padding and the blocks at the end.
func smallArchive(t *testing.T) []byte {
	t.Helper()
	return archive(t, member{tar.Header{Name: "f", Typeflag: tar.TypeReg, Mode: 0o644, Size: 5, PAXRecords: map[string]string{"SCHILY.xattr.user.x": "y"}}, "12345"})
}

// splitters compress two pieces, each on its own.
func splitters(t *testing.T) map[string]func(a, b []byte) []byte {
	t.Helper()
	fast, err := zstd.NewWriter(nil, zstd.WithEncoderLevel(zstd.SpeedFastest), zstd.WithEncoderConcurrency(1), zstd.WithWindowSize(zstd.MinWindowSize))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = fast.Close() })
	var buf bytes.Buffer
	w, err := gzip.NewWriterLevel(&buf, gzip.NoCompression)
	if err != nil {
		t.Fatal(err)
	}
	members := func(pieces ...[]byte) []byte {
		buf.Reset()
		for _, p := range pieces {
			w.Reset(&buf)
			if _, err := w.Write(p); err != nil {
				t.Fatal(err)
			}
			if err := w.Close(); err != nil {
				t.Fatal(err)
			}
		}
		return bytes.Clone(buf.Bytes())
	}
	return map[string]func(a, b []byte) []byte{
		plainType: func(a, b []byte) []byte { return append(bytes.Clone(a), b...) },
		gzipType:  func(a, b []byte) []byte { return members(a, b) },
		zstdType:  func(a, b []byte) []byte { return fast.EncodeAll(b, fast.EncodeAll(a, nil)) },
	}
}

// TestLimitAtEveryOffset: wherever in the archive the expanded bytes reach a
// limit, it is that limit that is told, not an archive that is cut short or
// wrong; at the end it is reached and not exceeded. CMP-9.
func TestLimitAtEveryOffset(t *testing.T) {
	t.Parallel()
	a := smallArchive(t)
	// Two of the decoders hand out the first piece before they come to the second,
	// so that the walker stands where it ends: with one of them every offset is
	// tried. The others hand out all of so little at once.
	for _, tt := range []struct {
		name, mediaType, what string
		reference             bool
		step                  int
		limit                 func(*Budget, int64)
	}{
		{"plain", plainType, "expanded size of the layer", false, 61, func(b *Budget, n int64) { b.maxLayer = n }},
		{"gzip", gzipType, "expanded size of the layer", false, 61, func(b *Budget, n int64) { b.maxLayer = n }},
		{"gzip of the other decoder", gzipType, "expanded size of the layer", true, 1, func(b *Budget, n int64) { b.maxLayer = n }},
		{"zstd", zstdType, "expanded size of the layer", false, 7, func(b *Budget, n int64) { b.maxLayer = n }},
		{"image", plainType, "expanded size of the image", false, 61, func(b *Budget, n int64) { b.maxExpanded = n }},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			split := splitters(t)[tt.mediaType]
			for i := 0; i <= len(a)+1; i += step(i, len(a), tt.step) {
				at := min(i, len(a))
				blob := split(a[:at], a[at:])
				budget := NewBudget()
				tt.limit(budget, int64(i))
				c, err := Read(t.Context(), bytes.NewReader(blob), describe(blob, tt.mediaType), Options{Budget: budget, Reference: tt.reference})
				if i >= len(a) {
					if err != nil || !c.Readable() || len(c.Fact.Problems) > 0 || c.Entries.Len() != 1 {
						t.Errorf("a limit of %d for %d bytes: %+v, %v", i, len(a), c, err)
					}
					continue
				}
				var e *limits.ExceededError
				if c != nil || image.CauseOf(err) != fact.Limit || !errors.As(err, &e) || !strings.Contains(e.What, tt.what) || e.Limit != int64(i) {
					t.Fatalf("a limit of %d for %d bytes: %+v, %v", i, len(a), c, err)
				}
			}
		})
	}
}

// step is by, and one from shortly before the end.
func step(i, end, by int) int {
	if i+by >= end-2 {
		return 1
	}
	return by
}
