package pin_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/intact-dev/intact/pkg/image"
	"github.com/intact-dev/intact/pkg/internal/testimage"
	"github.com/intact-dev/intact/pkg/pin"
	"github.com/intact-dev/intact/pkg/ref"
	"github.com/intact-dev/intact/pkg/source/layout"
)

func opened(t *testing.T, s testimage.Spec) *image.Image {
	t.Helper()
	b, err := testimage.Build(s)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	if err := testimage.WriteLayout(dir, testimage.Entry{Built: b, Name: "x"}); err != nil {
		t.Fatal(err)
	}
	src, err := layout.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = src.Close() })
	img, err := image.Open(t.Context(), src, ref.Ref{Digest: b.Root.Descriptor.Digest}, image.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return img
}

func on(platform string, c testimage.Config, layers ...string) testimage.Image {
	img := testimage.Image{Platform: platform, Config: c}
	for _, l := range layers {
		img.Layers = append(img.Layers, testimage.Layer{Compression: "none", Files: []testimage.File{{Path: "f", Content: l}}})
	}
	return img
}

func with(img testimage.Image, name, digest string) testimage.Image {
	img.ManifestFields = map[string]any{"annotations": map[string]string{"org.opencontainers.image.base.name": name, "org.opencontainers.image.base.digest": digest}}
	return img
}

func TestDifferencesBetweenTwoImages(t *testing.T) {
	t.Parallel()
	plain := testimage.Config{User: "app", Entrypoint: []string{"/bin/app"}, Env: []string{"A=1", "B=2", "C=3"}}
	changed := testimage.Config{Entrypoint: []string{"/bin/sh", "-c"}, Cmd: []string{"x \u001b[31m"}, Env: []string{"A=1", "B=4", "D=5"}, WorkingDir: "/srv", Volumes: map[string]struct{}{"/data": {}}}
	for name, row := range map[string]struct {
		from, to testimage.Spec
		want     string
	}{
		"a_new_layer": {
			testimage.Spec{Images: []testimage.Image{on("", plain, "1", "2")}}, testimage.Spec{Images: []testimage.Image{on("", plain, "1", "3", "4")}},
			"linux/amd64\n layers: 1 shared, 2 added (4.0 KiB), 1 removed\n",
		},
		"everything": {
			testimage.Spec{Images: []testimage.Image{with(on("", plain, "1"), "debian:12", "sha256:a")}}, testimage.Spec{Images: []testimage.Image{with(on("", changed, "1"), "debian:13", "")}},
			"\n base image: \"debian:13\", was \"debian:12@sha256:a\"\n" +
				"linux/amd64\n user: none (root), was \"app\"\n entrypoint: [\"/bin/sh\" \"-c\"], was [\"/bin/app\"]\n command: [\"x \\x1b[31m\"], was none\n" +
				" working directory: \"/srv\", was none\n environment: B=\"4\", was \"2\"\n environment: C=\"3\" is gone\n environment: D=\"5\" is new\n volumes: [\"/data\"], was none\n" +
				" layers: 1 shared, 0 added (0 bytes), 0 removed\n",
		},
		"platforms": {
			testimage.Spec{Index: true, Images: []testimage.Image{on("linux/amd64", plain, "1"), on("linux/arm64", plain, "2")}},
			testimage.Spec{Index: true, Images: []testimage.Image{on("linux/amd64", plain, "1"), on("linux/riscv64", plain, "2")}},
			"\n without the platform linux/arm64\n with the platform linux/riscv64\n",
		},
		"base_of_one_platform": {
			testimage.Spec{Index: true, Images: []testimage.Image{with(on("linux/amd64", plain, "1"), "a", ""), on("linux/arm64", plain, "2")}},
			testimage.Spec{Index: true, Images: []testimage.Image{with(on("linux/amd64", plain, "1"), "b", ""), on("linux/arm64", plain, "2")}},
			"linux/amd64\n base image: \"b\", was \"a\"\n layers: 1 shared, 0 added (0 bytes), 0 removed\n",
		},
		"the_index_alone": {
			testimage.Spec{Index: true, Images: []testimage.Image{on("linux/amd64", plain, "1")}},
			testimage.Spec{Index: true, Images: []testimage.Image{on("linux/amd64", plain, "1")}, IndexFields: map[string]any{"annotations": map[string]string{"x": "y"}}},
			"\n the images of all platforms are the same ones; only the index around them is new\n",
		},
		"a_config_that_is_none": {
			testimage.Spec{Images: []testimage.Image{on("", plain, "1")}}, testimage.Spec{Images: []testimage.Image{{RawConfig: "no JSON", Layers: on("", plain, "1").Layers}}},
			"what changed",
		},
		"a_manifest_that_is_none": {
			testimage.Spec{Images: []testimage.Image{on("", plain, "1")}}, testimage.Spec{Images: []testimage.Image{{RawManifest: "no JSON"}}},
			"cannot be told",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var b strings.Builder
			for _, d := range pin.Differences(opened(t, row.from), opened(t, row.to)) {
				b.WriteString(d.Platform + "\n " + strings.Join(d.Lines, "\n ") + "\n")
			}
			if !strings.Contains(row.want, "\n") {
				if !strings.Contains(b.String(), row.want) {
					t.Errorf("%s\nis without %q", b.String(), row.want)
				}
				return
			}
			if d := cmp.Diff(row.want, b.String()); d != "" {
				t.Error(d)
			}
		})
	}
}
