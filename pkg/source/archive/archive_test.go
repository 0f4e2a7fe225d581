package archive_test

import (
	"bytes"
	"compress/gzip"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/intact-dev/intact/pkg/fact"
	"github.com/intact-dev/intact/pkg/image"
	"github.com/intact-dev/intact/pkg/internal/testimage"
	"github.com/intact-dev/intact/pkg/ref"
	"github.com/intact-dev/intact/pkg/source/archive"
	"github.com/intact-dev/intact/pkg/source/sourcetest"
)

func TestConformance(t *testing.T) {
	t.Parallel()
	for name, pack := range packings {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			sourcetest.Run(t, func(t *testing.T, c *sourcetest.Contents) image.Source {
				files, err := c.LayoutFiles()
				if err != nil {
					t.Fatal(err)
				}
				return open(t, pack(t, files))
			})
		})
	}
}

// packings are the ways in which an archive is stored.
var packings = map[string]func(testing.TB, []testimage.NamedFile) []byte{"plain": tarOf, "gzip": gzipped}

func TestLayoutArchive(t *testing.T) {
	t.Parallel()
	b := build(t, "one")
	files, err := testimage.LayoutFiles(testimage.Entry{Built: b, Name: "1.4.2"})
	if err != nil {
		t.Fatal(err)
	}
	for i := range files {
		files[i].Name = "./" + files[i].Name
	}
	src := open(t, tarOf(t, files))
	want := image.Claims{Place: "archive", Manifest: true, Signatures: true}
	if diff := cmp.Diff(want, src.Proves()); diff != "" {
		t.Errorf("claims (-want +got):\n%s", diff)
	}
	a, err := src.Manifest(t.Context(), ref.Ref{Tag: "1.4.2"})
	if err != nil || !bytes.Equal(a.Body, b.Root.Body) {
		t.Errorf("manifest %+v, %v", a, err)
	}
}

func TestDockerSave(t *testing.T) {
	t.Parallel()
	b := build(t, "one", "two", "one") // a layer twice, as saved by old engines
	for name, pack := range packings {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			src := open(t, pack(t, saveFiles(t, b, "acme/api:1.4.2", "acme/api:latest")))
			wantClaims := image.Claims{Place: "archive", NoSignatures: "an archive of docker save carries no signatures"}
			if diff := cmp.Diff(wantClaims, src.Proves()); diff != "" {
				t.Errorf("claims (-want +got):\n%s", diff)
			}
			for _, r := range []ref.Ref{{}, {Tag: "latest"}, {Name: "docker.io/acme/api", Tag: "1.4.2"}} {
				a, err := src.Manifest(t.Context(), r)
				if err != nil {
					t.Fatalf("%q: %v", r, err)
				}
				if err := whole(t, src, a, b); err != nil {
					t.Errorf("%q: %v", r, err)
				}
			}
			_, _, err := src.Referrers(t.Context(), ref.Ref{}, b.Root.Descriptor.Digest)
			wantError(t, err, fact.Unsupported, "carries no signatures")
		})
	}
}

// The manifest made from one archive is always the same, so that it can be
// asked for by the digest of an earlier scan.
func TestDockerSaveDigest(t *testing.T) {
	t.Parallel()
	files := saveFiles(t, build(t, "one"), "x:1")
	a, err := open(t, tarOf(t, files)).Manifest(t.Context(), ref.Ref{})
	if err != nil {
		t.Fatal(err)
	}
	d := ref.DigestOf(a.Body, "")
	if _, err := open(t, gzipped(t, files)).Manifest(t.Context(), ref.Ref{Digest: d}); err != nil {
		t.Error(err)
	}
}

func TestSeveralImages(t *testing.T) {
	t.Parallel()
	one, two := saveFiles(t, build(t, "one"), "acme/one:1"), saveFiles(t, build(t, "two"), "acme/two:1")
	files := []testimage.NamedFile{{Name: "manifest.json", Body: join(t, one, two)}}
	files = append(files, rename(one, "a/")...)
	files = append(files, rename(two, "b/")...)
	src := open(t, tarOf(t, files))
	_, err := src.Manifest(t.Context(), ref.Ref{})
	wantError(t, err, fact.Unsupported, `there are 2 images; choose one by its tag or digest (there: "acme/one:1", "acme/two:1")`)
	for _, name := range []string{"acme/one", "acme/two"} {
		a, err := src.Manifest(t.Context(), ref.Ref{Name: name, Tag: "1"})
		if err != nil {
			t.Fatal(err)
		}
		if err := whole(t, src, a, build(t, strings.TrimPrefix(name, "acme/"))); err != nil {
			t.Error(err)
		}
	}
}

// Layers that tools compress within an archive are read as they are; the diffID
// of the config is compared after they were expanded.
func TestCompressedLayers(t *testing.T) {
	t.Parallel()
	b := build(t, "one")
	files := saveFiles(t, b, "x:1")
	layer := b.Images[0].Layers[0]
	for i := range files {
		if strings.HasSuffix(files[i].Name, "layer.tar") {
			files[i].Body = layer.Body
		}
	}
	src := open(t, tarOf(t, files))
	a, err := src.Manifest(t.Context(), ref.Ref{})
	if err != nil {
		t.Fatal(err)
	}
	got := decode(t, a.Body).Layers[0]
	if diff := cmp.Diff(layer.Descriptor, got); diff != "" {
		t.Errorf("layer (-want +got):\n%s", diff)
	}
}

// A tar of Docker 25 and newer holds both forms. Its index may be empty, and
// may list a manifest that the engine made for the archive.
func TestBothForms(t *testing.T) {
	t.Parallel()
	pushed := build(t, "one")
	expanded, err := testimage.Build(testimage.Spec{Images: []testimage.Image{{Layers: []testimage.Layer{
		{Compression: "none", Files: []testimage.File{{Path: "f", Content: "one"}}}}}}})
	if err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		name    string
		entries []testimage.Entry
		saved   *testimage.Built
		proves  bool
	}{
		{"manifest_as_pushed", []testimage.Entry{{Built: pushed, Name: "1"}}, pushed, true},
		{"manifest_made_by_the_engine", []testimage.Entry{{Built: expanded, Name: "1"}}, expanded, false},
		{"empty_index", nil, pushed, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			files, err := testimage.LayoutFiles(tt.entries...)
			if err != nil {
				t.Fatal(err)
			}
			src := open(t, tarOf(t, append(files, saveFiles(t, tt.saved, "x:1")...)))
			if got := src.Proves().Manifest; got != tt.proves {
				t.Errorf("proves the manifest: %v, want %v", got, tt.proves)
			}
			if _, err := src.Manifest(t.Context(), ref.Ref{Tag: "1"}); err != nil {
				t.Error(err)
			}
		})
	}
}

// An engine may load the other form than the one that is read here: an archive
// in which they are of different images is refused.
func TestFormsOfDifferentImages(t *testing.T) {
	t.Parallel()
	one, two := build(t, "one"), build(t, "two")
	named := func(name string) map[string]string {
		return map[string]string{"io.containerd.image.name": name}
	}
	layout := func(entries ...testimage.Entry) []testimage.NamedFile {
		files, err := testimage.LayoutFiles(entries...)
		if err != nil {
			t.Fatal(err)
		}
		return files
	}
	onlyOne := layout(testimage.Entry{Built: one, Name: "1"})
	both := layout(testimage.Entry{Built: one, Annotations: named("docker.io/acme/one:1")}, testimage.Entry{Built: two, Annotations: named("docker.io/acme/two:1")})
	saved := saveFiles(t, two, "acme/api:1")
	under := func(name string) []testimage.NamedFile {
		files := slices.Clone(saved)
		files[len(files)-1].Name = name
		return files
	}
	broken := under("manifest.json")
	broken[len(broken)-1].Body = []byte("[")
	for _, tt := range []struct {
		name          string
		layout, saved []testimage.NamedFile
		want          string
	}{
		{"another image", onlyOne, saved, "index.json lists no image with the config"},
		{"an absolute name", onlyOne, under("/manifest.json"), "index.json lists no image with the config"},
		{"a long name", onlyOne, under(strings.Repeat("./", 300) + "manifest.json"), "index.json lists no image with the config"},
		{"below a link", onlyOne, append(under("x/manifest.json"), testimage.NamedFile{Name: "x", Link: "."}), "below the link"},
		{"one more", onlyOne, append(saveFiles(t, one, "x:1"), under("./manifest.json")...), "two files of this name"},
		{"no reading", onlyOne, broken, "manifest.json"},
		{"the oldest form", onlyOne, []testimage.NamedFile{{Name: "repositories", Body: []byte(`{"acme/api":{"1":"blobs"}}`)}}, "repositories"},
		{"names exchanged", both, saveFiles(t, two, "acme/one:1"), `"acme/one:1" is another image in index.json`},
		{"names as they are", both, saveFiles(t, two, "acme/two:1"), ""},
		{"further names", both, saveFiles(t, two, "acme/three:1"), ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			for name, pack := range packings {
				src, err := archive.Open(t.Context(), store(t, pack(t, slices.Concat(tt.layout, tt.saved))))
				if err == nil {
					_ = src.Close()
				}
				if tt.want == "" && err != nil {
					t.Errorf("%s: %v", name, err)
				}
				if tt.want != "" {
					wantError(t, err, fact.Unsupported, tt.want)
				}
			}
		})
	}
}

// Layers are read in the order of the archive, backwards and again, which takes
// a gzip stream back and forth.
func TestOrderOfReads(t *testing.T) {
	t.Parallel()
	b := build(t, "one", "two", "three", "four", "five", "six")
	files, err := testimage.LayoutFiles(testimage.Entry{Built: b})
	if err != nil {
		t.Fatal(err)
	}
	src := open(t, gzipped(t, files))
	for _, i := range []int{0, 2, 1, 5, 3, 0, 4, 4, 5} {
		layer := b.Images[0].Layers[i]
		rc, err := src.Blob(t.Context(), ref.Ref{}, layer.Descriptor)
		if err != nil {
			t.Fatal(err)
		}
		half := make([]byte, len(layer.Body)/2)
		if i == 2 { // left in the middle
			if _, err := io.ReadFull(rc, half); err != nil || !bytes.Equal(half, layer.Body[:len(half)]) {
				t.Errorf("layer %d: half of it is wrong: %v", i, err)
			}
		} else if got, err := io.ReadAll(rc); err != nil || !bytes.Equal(got, layer.Body) {
			t.Errorf("layer %d: %d bytes, %v", i, len(got), err)
		}
		if err := rc.Close(); err != nil {
			t.Error(err)
		}
		if n, err := rc.Read(half); n != 0 || err == nil {
			t.Errorf("layer %d can be read after it was closed", i)
		}
	}
}

func build(t *testing.T, contents ...string) *testimage.Built {
	t.Helper()
	var layers []testimage.Layer
	for _, c := range contents {
		layers = append(layers, testimage.Layer{Files: []testimage.File{{Path: c, Content: c}, {Path: "data", Size: 5000}}})
	}
	b, err := testimage.Build(testimage.Spec{Images: []testimage.Image{{Layers: layers}}})
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func saveFiles(t *testing.T, b *testimage.Built, tags ...string) []testimage.NamedFile {
	t.Helper()
	files, err := testimage.DockerSaveFiles(b.Images[0], tags...)
	if err != nil {
		t.Fatal(err)
	}
	return files
}

func tarOf(t testing.TB, files []testimage.NamedFile) []byte {
	t.Helper()
	var out bytes.Buffer
	if err := testimage.WriteTar(&out, files); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func gzipped(t testing.TB, files []testimage.NamedFile) []byte {
	t.Helper()
	var out bytes.Buffer
	w := gzip.NewWriter(&out)
	if _, err := w.Write(tarOf(t, files)); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func store(t testing.TB, b []byte) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "image.tar")
	if err := os.WriteFile(name, b, 0o644); err != nil {
		t.Fatal(err)
	}
	return name
}

func open(t *testing.T, b []byte) *archive.Source {
	t.Helper()
	s, err := archive.Open(t.Context(), store(t, b))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}
