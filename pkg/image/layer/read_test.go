package layer

import (
	"bytes"
	"crypto/sha256"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/intact-dev/intact/pkg/fact"
	"github.com/intact-dev/intact/pkg/ref"
)

func TestRead(t *testing.T) {
	t.Parallel()
	body := bytes.Repeat([]byte("0123456789abcdef"), 100_000)
	a := archive(t, dir("app/", 0o755), file("app/main.sh", "#!/bin/sh -e\necho", 0o755), file("empty", "", 0o644),
		file("big", string(body), 0o600), link("l", "/big"), hard("h", "big"))
	for _, tt := range []struct {
		name, mediaType, compression string
		blob                         []byte
	}{
		{"plain", plainType, "none", a},
		{"gzip", gzipType, "gzip", gz(t, a)},
		{"gzip of two members", gzipType, "gzip", append(gz(t, a[:1000]), gz(t, a[1000:])...)},
		{"zstd", zstdType, "zstd", zst(t, a)},
		{"zstd of two frames", zstdType, "zstd", append(zst(t, a[:1000]), zst(t, a[1000:])...)},
		{"zstd with skippable frames", zstdType, "zstd", bytes.Join([][]byte{
			skippable("first"), zst(t, a[:1000]), skippable("middle"), zst(t, a[1000:]), skippable("")}, nil)},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			c := read(t, tt.blob, tt.mediaType)
			want := fact.Layer{
				Descriptor: describe(tt.blob, tt.mediaType), Digest: ref.DigestOf(tt.blob, ""), Size: int64(len(tt.blob)),
				Compression: tt.compression, DiffID: ref.DigestOf(a, ""), Expanded: int64(len(a)), Entries: 6,
			}
			if diff := cmp.Diff(want, c.Fact); diff != "" {
				t.Errorf("Fact (-want +got):\n%s", diff)
			}
			if !c.Readable() {
				t.Fatal("not readable")
			}
			var got []string
			for e := range c.Entries.All() {
				got = append(got, string(e.Path)+" "+e.Type.String())
				switch string(e.Path) {
				case "big":
					if e.Sum != sha256.Sum256(body) || e.Size != int64(len(body)) {
						t.Errorf("big: size %d, sum %x", e.Size, e.Sum)
					}
				case "empty":
					if e.Sum != sha256.Sum256(nil) {
						t.Errorf("empty: sum %x", e.Sum)
					}
				case "app/main.sh":
					if string(e.Head) != "#!/bin/sh -e" {
						t.Errorf("main.sh: head %q", e.Head)
					}
				}
			}
			want2 := []string{"app directory", "app/main.sh file", "empty file", "big file", "l symbolic link", "h hard link"}
			if diff := cmp.Diff(want2, got); diff != "" {
				t.Errorf("entries (-want +got):\n%s", diff)
			}
		})
	}
}

func skippable(s string) []byte {
	return append([]byte{0x53, 0x2a, 0x4d, 0x18, byte(len(s)), 0, 0, 0}, s...)
}

func TestReadProblems(t *testing.T) {
	t.Parallel()
	a := archive(t, file("a", "content", 0o644))
	none := describe(nil, "").Digest
	for _, tt := range []struct {
		name, mediaType string
		blob            []byte
		kind            fact.ProblemKind
		note            bool
		diffID          ref.Digest
	}{
		{"plain under a gzip type", gzipType, a, fact.ProblemMediaType, false, ref.DigestOf(a, "")},
		{"zstd under a gzip type", gzipType, zst(t, a), fact.ProblemMediaType, false, ref.DigestOf(a, "")},
		{"gzip under a plain type", plainType, gz(t, a), fact.ProblemMediaType, false, ref.DigestOf(a, "")},
		{"empty", gzipType, nil, fact.ProblemMediaType, false, none},
		{"truncated gzip", gzipType, gz(t, a)[:40], fact.ProblemUnverifiable, false, ""},
		{"gzip with a wrong sum", gzipType, flip(gz(t, a), -8), fact.ProblemUnverifiable, false, ""},
		{"gzip with a wrong size", gzipType, flip(gz(t, a), -1), fact.ProblemUnverifiable, false, ""},
		{"gzip with reserved flags", gzipType, flip(gz(t, a), 3), fact.ProblemUnverifiable, false, ""},
		{"truncated zstd", zstdType, zst(t, a)[:30], fact.ProblemUnverifiable, false, ""},
		{"zstd with a wrong sum", zstdType, flip(zst(t, a), -1), fact.ProblemUnverifiable, false, ""},
		{"text after gzip", gzipType, append(gz(t, a), "text"...), fact.ProblemTrailing, false, ref.DigestOf(a, "")},
		{"zeros after gzip", gzipType, append(gz(t, a), 0, 0, 0), fact.ProblemTrailing, true, ref.DigestOf(a, "")},
		{"text after zstd", zstdType, append(zst(t, a), "text"...), fact.ProblemTrailing, false, ref.DigestOf(a, "")},
		{"one byte after zstd", zstdType, append(zst(t, a), 'x'), fact.ProblemTrailing, false, ref.DigestOf(a, "")},
		{"archive after the archive", plainType, append(bytes.Clone(a), a...), fact.ProblemTrailing, false, ref.DigestOf(append(bytes.Clone(a), a...), "")},
		{"archive after the archive, in gzip", gzipType, gz(t, append(bytes.Clone(a), a...)), fact.ProblemTrailing, false, ref.DigestOf(append(bytes.Clone(a), a...), "")},
		{"much after the archive, in gzip", gzipType, gz(t, append(bytes.Clone(a), noise(500_000)...)), fact.ProblemTrailing, false, ref.DigestOf(append(bytes.Clone(a), noise(500_000)...), "")},
		{"xz", plainType, []byte("\xfd7zXZ\x00\x00\x04\xe6\xd6\xb4\x46"), fact.ProblemUnverifiable, false, ""},
		{"bzip2", plainType, []byte("BZh91AY&SY"), fact.ProblemUnverifiable, false, ""},
		{"gzip in gzip", gzipType, gz(t, gz(t, a)), fact.ProblemUnverifiable, false, ref.DigestOf(gz(t, a), "")},
		{"no archive", plainType, bytes.Repeat([]byte("ELF"), 1000), fact.ProblemUnverifiable, false, ref.DigestOf(bytes.Repeat([]byte("ELF"), 1000), "")},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			c := read(t, tt.blob, tt.mediaType)
			found := false
			for _, p := range c.Fact.Problems {
				found = found || p.Kind == tt.kind && p.Note == tt.note
			}
			if !found {
				t.Errorf("problems %v hold none of kind %s", c.Fact.Problems, tt.kind)
			}
			if c.Fact.Digest != ref.DigestOf(tt.blob, "") || c.Fact.Size != int64(len(tt.blob)) {
				t.Errorf("digest %s of %d bytes", c.Fact.Digest, c.Fact.Size)
			}
			if c.Fact.DiffID != tt.diffID {
				t.Errorf("diffID %q, want %q", c.Fact.DiffID, tt.diffID)
			}
			if c.Readable() == (tt.kind == fact.ProblemUnverifiable) {
				t.Errorf("readable: %v", c.Readable())
			}
		})
	}
}

// flip changes one byte, counted from the end if i is negative.
func flip(b []byte, i int) []byte {
	b = bytes.Clone(b)
	if i < 0 {
		i += len(b)
	}
	b[i] ^= 0xff
	return b
}
