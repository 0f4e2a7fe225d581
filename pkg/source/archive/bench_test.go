package archive_test

import (
	"fmt"
	"io"
	"testing"

	"github.com/intact-dev/intact/pkg/internal/testimage"
	"github.com/intact-dev/intact/pkg/ref"
	"github.com/intact-dev/intact/pkg/source/archive"
)

// BenchmarkRead opens an archive of eight layers of 4 MiB and reads them in
// order. A gzip stream is expanded twice for it.
func BenchmarkRead(b *testing.B) {
	var layers []testimage.Layer
	for i := range 8 {
		layers = append(layers, testimage.Layer{Compression: "none", Files: []testimage.File{{Path: fmt.Sprint(i), Size: 4 << 20}}})
	}
	built, err := testimage.Build(testimage.Spec{Images: []testimage.Image{{Layers: layers}}})
	if err != nil {
		b.Fatal(err)
	}
	files, err := testimage.LayoutFiles(testimage.Entry{Built: built})
	if err != nil {
		b.Fatal(err)
	}
	for _, name := range []string{"plain", "gzip"} {
		b.Run(name, func(b *testing.B) {
			file := store(b, packings[name](b, files))
			b.SetBytes(8 * 4 << 20)
			b.ReportAllocs()
			for b.Loop() {
				src, err := archive.Open(b.Context(), file)
				if err != nil {
					b.Fatal(err)
				}
				for _, l := range built.Images[0].Layers {
					rc, err := src.Blob(b.Context(), ref.Ref{}, l.Descriptor)
					if err != nil {
						b.Fatal(err)
					}
					if _, err := io.Copy(io.Discard, rc); err != nil {
						b.Fatal(err)
					}
					_ = rc.Close()
				}
				if err := src.Close(); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
