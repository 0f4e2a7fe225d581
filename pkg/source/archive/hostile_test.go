package archive_test

import (
	"archive/tar"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"strings"
	"testing"

	"github.com/intact-dev/intact/pkg/fact"
	"github.com/intact-dev/intact/pkg/image"
	"github.com/intact-dev/intact/pkg/internal/testimage"
	"github.com/intact-dev/intact/pkg/ref"
	"github.com/intact-dev/intact/pkg/source/archive"
)

func TestOpenErrors(t *testing.T) {
	t.Parallel()
	good := saveFiles(t, build(t, "one"), "x:1")
	plain, packed := tarOf(t, good), gzipped(t, good)
	config := good[1].Name
	manifest := func(format string, args ...any) []byte {
		files := append([]testimage.NamedFile(nil), good[:2]...)
		return tarOf(t, append(files, testimage.NamedFile{Name: "manifest.json", Body: fmt.Appendf(nil, format, args...)}))
	}
	damagedSum := bytes.Clone(packed)
	damagedSum[len(damagedSum)-6] ^= 1
	many := bytes.Repeat(tarOf(t, []testimage.NamedFile{{Name: "f"}})[:512], 100_001)
	tests := []struct {
		name  string
		b     []byte
		cause fact.Cause
		err   string
		hint  string
	}{
		{"empty", nil, fact.Unsupported, "the file is empty", ""},
		{"no_tar", []byte(strings.Repeat("<html>", 500)), fact.Unsupported, "malformed archive", ""},
		{"zstd", []byte{0x28, 0xb5, 0x2f, 0xfd, 0}, fact.Unsupported, "zstd -d", ""},
		{"only_the_end", make([]byte, 1024), fact.Unsupported, "no entries", ""},
		{"files_of_a_container", tarOf(t, []testimage.NamedFile{{Name: "etc/passwd"}}), fact.Unsupported, "no image archive", "docker save"},
		{"cut_in_a_layer", plain[:2000], fact.CutShort, "cut short", ""},
		{"gzip_cut", packed[:len(packed)/2], fact.CutShort, "cut short", ""},
		{"gzip_without_its_end", packed[:len(packed)-4], fact.CutShort, "cut short", ""},
		{"gzip_damaged", damagedSum, fact.Unsupported, "checksum", ""},
		{"too_many_files", many, fact.Limit, "100000", ""},
		{"manifest_twice", tarOf(t, append(append([]testimage.NamedFile(nil), good...), good[2])), fact.Unsupported, "two files of this name", ""},
		{"manifest_null", manifest("null"), fact.Unsupported, "lists no image", ""},
		{"manifest_no_json", manifest("x"), fact.Unsupported, "manifest.json", ""},
		{"manifest_two_readings", manifest(`[{"Config":%q,"config":"x"}]`, config), fact.Unsupported, "differ only by case", ""},
		{"manifest_huge", tarOf(t, []testimage.NamedFile{{Name: "manifest.json", Body: make([]byte, 4<<20+1)}}), fact.Limit, "4194305", ""},
		{"config_missing", manifest(`[{"Config":"x.json"}]`), fact.NotFound, `no file "x.json"`, ""},
		{"config_unnamed", manifest(`[{"Layers":[]}]`), fact.Unsupported, "outside of the archive", ""},
		{"config_outside", manifest(`[{"Config":"../../../../etc/passwd"}]`), fact.Unsupported, "outside of the archive", ""},
		{"layer_missing", manifest(`[{"Config":%q,"Layers":["no.tar"]}]`, config), fact.NotFound, "layer 1", ""},
		{"layer_absolute", manifest(`[{"Config":%q,"Layers":["/etc/passwd"]}]`, config), fact.Unsupported, "outside of the archive", ""},
		{"too_many_layers", manifest(`[{"Config":%q,"Layers":[%s"x"]}]`, config, strings.Repeat(`"x",`, 512)), fact.Limit, "513", ""},
		{"bad_layout", tarOf(t, []testimage.NamedFile{{Name: "oci-layout", Body: []byte("{}")}, {Name: "index.json", Body: []byte("{}")}}), fact.Unsupported, "imageLayoutVersion", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			_, err := archive.Open(t.Context(), store(t, tt.b))
			wantError(t, err, tt.cause, tt.err)
			if !strings.Contains(image.HintOf(err), tt.hint) {
				t.Errorf("hint %q, want one with %q", image.HintOf(err), tt.hint)
			}
		})
	}
}

func TestOpenPath(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	_, err := archive.Open(t.Context(), filepath.Join(dir, "nowhere.tar"))
	wantError(t, err, fact.NotFound, "nowhere.tar")
	_, err = archive.Open(t.Context(), dir)
	wantError(t, err, fact.Unsupported, "a directory")
	if !strings.Contains(image.HintOf(err), "oci:") {
		t.Errorf("hint %q does not name oci:", image.HintOf(err))
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err = archive.Open(ctx, store(t, gzipped(t, saveFiles(t, build(t, "one")))))
	wantError(t, err, fact.Cancelled, "")
}

// Layers that are links to other files of the archive, as Docker writes layers
// that occur twice, are read; links that lead elsewhere are not.
func TestLinkedLayers(t *testing.T) {
	t.Parallel()
	b := build(t, "one")
	tests := []struct {
		name string
		file testimage.NamedFile
		err  string
	}{
		{"symbolic", testimage.NamedFile{Link: "../real/layer.tar"}, ""},
		{"hard", testimage.NamedFile{Hard: "real/layer.tar"}, ""},
		{"absolute", testimage.NamedFile{Link: "/etc/passwd"}, "outside of the archive"},
		{"outside", testimage.NamedFile{Link: "../../etc/passwd"}, "outside of the archive"},
		{"missing", testimage.NamedFile{Link: "no.tar"}, "no file"},
		{"itself", testimage.NamedFile{Link: "layer.tar"}, "loop"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			files := saveFiles(t, b)
			real := testimage.NamedFile{Name: "real/layer.tar", Body: files[0].Body}
			tt.file.Name = files[0].Name
			files[0] = tt.file
			src, err := archive.Open(t.Context(), store(t, tarOf(t, append(files, real))))
			if tt.err != "" {
				if err == nil || !strings.Contains(err.Error(), tt.err) {
					t.Errorf("error %v, want one with %q", err, tt.err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = src.Close() }()
			a, err := src.Manifest(t.Context(), ref.Ref{})
			if err != nil {
				t.Fatal(err)
			}
			if err := whole(t, src, a, b); err != nil {
				t.Error(err)
			}
		})
	}
}

// What the config says and what the archive holds is handed out so that those
// who hash it see the difference.
func TestLies(t *testing.T) {
	t.Parallel()
	b := build(t, "one", "two")
	files := saveFiles(t, b)
	files[1].Body = bytes.Replace(files[1].Body, []byte("two"), []byte("TWO"), 1)       // a changed layer
	files[2].Body = bytes.Replace(files[2].Body, []byte("layers"), []byte("LAYERS"), 1) // a changed config
	src := open(t, tarOf(t, files))
	a, err := src.Manifest(t.Context(), ref.Ref{})
	if err != nil {
		t.Fatal(err)
	}
	m := decode(t, a.Body)
	if m.Config.Digest != b.Images[0].Config.Descriptor.Digest {
		t.Errorf("config goes by %s, want the digest of its name", m.Config.Digest)
	}
	for what, d := range map[string]ref.Descriptor{"config": m.Config, "layer": m.Layers[1]} {
		got, err := blob(t, src, d)
		if err != nil || len(got) == 0 || ref.DigestOf(got, "") == d.Digest {
			t.Errorf("%s: %d bytes, %v; want wrong ones", what, len(got), err)
		}
	}
}

// Two files for one diffID: each is read under a digest of its own.
func TestTwoFilesForOneDiffID(t *testing.T) {
	t.Parallel()
	b := build(t, "one", "one")
	files := saveFiles(t, b)
	files[1].Body = build(t, "two").Images[0].Tars[0]
	src := open(t, tarOf(t, files))
	a, err := src.Manifest(t.Context(), ref.Ref{})
	if err != nil {
		t.Fatal(err)
	}
	for i, d := range decode(t, a.Body).Layers {
		got, err := blob(t, src, d)
		if err != nil || !bytes.Equal(got, files[i].Body) {
			t.Errorf("layer %d is not the file that manifest.json names: %v", i+1, err)
		}
	}
}

// The data of a sparse file is not where its header is: it is not read at all.
func TestSparseFile(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	w := tar.NewWriter(&out)
	h := &tar.Header{Name: "manifest.json", Typeflag: tar.TypeReg, Format: tar.FormatGNU}
	if err := errors.Join(w.WriteHeader(h), w.Close()); err != nil {
		t.Fatal(err)
	}
	b := out.Bytes()
	b[156] = tar.TypeGNUSparse
	copy(b[148:156], "        ") // the checksum counts as spaces in its own sum
	sum := 0
	for _, c := range b[:512] {
		sum += int(c)
	}
	copy(b[148:156], fmt.Sprintf("%06o\x00 ", sum))
	_, err := archive.Open(t.Context(), store(t, b))
	wantError(t, err, fact.Unsupported, "sparse")
}

func FuzzOpen(f *testing.F) {
	b, err := testimage.Build(testimage.Spec{Images: []testimage.Image{{Layers: []testimage.Layer{{Files: []testimage.File{{Path: "f"}}}}}}})
	if err != nil {
		f.Fatal(err)
	}
	save, err := testimage.DockerSaveFiles(b.Images[0], "x:1")
	if err != nil {
		f.Fatal(err)
	}
	oci, err := testimage.LayoutFiles(testimage.Entry{Built: b, Name: "1"})
	if err != nil {
		f.Fatal(err)
	}
	for _, files := range [][]testimage.NamedFile{save, oci, append(save, oci...)} {
		var out bytes.Buffer
		if err := testimage.WriteTar(&out, files); err != nil {
			f.Fatal(err)
		}
		f.Add(out.Bytes())
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		src, err := archive.Open(t.Context(), store(t, b))
		if err != nil {
			if image.CauseOf(err) == fact.Internal {
				t.Fatalf("a fault of the archive counts as ours: %v", err)
			}
			return
		}
		defer func() { _ = src.Close() }()
		for _, e := range src.Entries() {
			a, err := src.Manifest(t.Context(), ref.Ref{Digest: e.Digest})
			if err != nil {
				continue
			}
			var m manifest
			if json.Unmarshal(a.Body, &m) != nil {
				continue
			}
			for _, d := range m.Layers {
				if rc, err := src.Blob(t.Context(), ref.Ref{}, d); err == nil {
					if n, err := io.Copy(io.Discard, rc); err == nil && n > int64(len(b)) {
						t.Fatalf("%d bytes out of an archive of %d", n, len(b))
					}
					_ = rc.Close()
				}
			}
		}
	})
}
