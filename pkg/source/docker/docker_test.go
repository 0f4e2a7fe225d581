package docker_test

import (
	"bytes"
	"context"
	"errors"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	dockerimage "github.com/moby/moby/api/types/image"

	"github.com/intact-dev/intact/pkg/fact"
	"github.com/intact-dev/intact/pkg/image"
	"github.com/intact-dev/intact/pkg/internal/dockerengine"
	"github.com/intact-dev/intact/pkg/internal/dockerengine/dockertest"
	"github.com/intact-dev/intact/pkg/internal/testimage"
	"github.com/intact-dev/intact/pkg/ref"
	"github.com/intact-dev/intact/pkg/source/archive"
	"github.com/intact-dev/intact/pkg/source/docker"
	"github.com/intact-dev/intact/pkg/source/sourcetest"
)

// The image of an engine with containerd's store, which hands out what it was
// given. Referrers are no part of that.
func TestConformance(t *testing.T) {
	t.Parallel()
	sourcetest.Run(t, func(t *testing.T, c *sourcetest.Contents) image.Source {
		files, err := c.LayoutFiles()
		if err != nil {
			t.Fatal(err)
		}
		root, name := c.Tags["1.4.2"].Descriptor.Digest, c.Name+":1.4.2"
		e := containerd()
		e.Images = []dockerimage.InspectResponse{{ID: string(root), RepoTags: []string{name}}}
		e.Archives = map[string][]byte{string(root): tarOf(t, files)}
		return open(t, e, name)
	})
}

func containerd() *dockertest.Engine {
	e := dockertest.Docker()
	e.API = "1.48"
	e.Info.DriverStatus = [][2]string{dockertest.ContainerdStatus}
	return e
}

func podman() *dockertest.Engine {
	e := dockertest.Docker()
	e.Podman, e.Info.ServerVersion = true, "4.3.1"
	return e
}

func build(t *testing.T) *testimage.Built {
	t.Helper()
	b, err := testimage.Build(testimage.Spec{Images: []testimage.Image{{Layers: []testimage.Layer{{Files: []testimage.File{{Path: "bin/app", Content: "x"}}}}}}})
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func tarOf(t *testing.T, files []testimage.NamedFile) []byte {
	t.Helper()
	var out bytes.Buffer
	if err := testimage.WriteTar(&out, files); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// dockerSave is what a graph driver saves by ID, without names.
func dockerSave(t *testing.T, b *testimage.Built) []byte {
	t.Helper()
	files, err := testimage.DockerSaveFiles(b.Images[0])
	if err != nil {
		t.Fatal(err)
	}
	return tarOf(t, files)
}

func layout(t *testing.T, b *testimage.Built) []byte {
	t.Helper()
	files, err := testimage.LayoutFiles(testimage.Entry{Built: b})
	if err != nil {
		t.Fatal(err)
	}
	return tarOf(t, files)
}

func try(t *testing.T, e *dockertest.Engine, name, tempDir string) (*docker.Source, error) {
	t.Helper()
	return docker.Open(t.Context(), name, docker.Options{
		Engine:  dockerengine.Options{Host: e.Serve(t), Getenv: func(string) string { return "" }},
		Open:    func(ctx context.Context, file string) (docker.Opened, error) { return archive.Open(ctx, file) },
		TempDir: tempDir,
		Timeout: 10 * time.Minute, // a busy machine is slow
	})
}

func open(t *testing.T, e *dockertest.Engine, name string) *docker.Source {
	t.Helper()
	s, err := try(t, e, name, t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

const name = "ghcr.io/acme/api:1.4.2"

// What a store's export proves, and what the engine says of the image beside it.
func TestStores(t *testing.T) {
	t.Parallel()
	b := build(t)
	config, manifest := b.Images[0].Config.Descriptor.Digest, b.Root.Descriptor.Digest
	digests := []string{"ghcr.io/acme/api@" + string(manifest)}
	other := ref.DigestOf([]byte("another"), "")
	tests := []struct {
		name    string
		engine  func() *dockertest.Engine
		id      ref.Digest
		archive []byte
		claims  image.Claims
		known   docker.Known
	}{
		{"graph_driver", dockertest.Docker, config, dockerSave(t, b), image.Claims{Manifest: false},
			docker.Known{Engine: "20.10.24", ID: config, Kind: fact.DigestConfig, Digests: digests}},
		{"containerd", containerd, manifest, layout(t, b), image.Claims{Manifest: true},
			docker.Known{Engine: "20.10.24", ID: manifest, Kind: fact.DigestManifest, Digests: digests, DigestsLocal: true}},
		{"podman", podman, config, dockerSave(t, b), image.Claims{Manifest: false},
			docker.Known{Engine: "Podman 4.3.1", ID: config, Kind: fact.DigestConfig, Digests: digests, DigestsLocal: true}},
		{"podman_with_an_id_of_its_own", podman, other, dockerSave(t, b), image.Claims{Manifest: false},
			docker.Known{Engine: "Podman 4.3.1", ID: other, Digests: digests, DigestsLocal: true}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			e := tt.engine()
			e.Images = []dockerimage.InspectResponse{{ID: string(tt.id), RepoTags: []string{name}, RepoDigests: digests, Os: "linux", Architecture: "amd64"}}
			e.Archives = map[string][]byte{string(tt.id): tt.archive}
			src := open(t, e, name)
			tt.claims.Place, tt.claims.NoSignatures = "Docker engine", "what a Docker engine saves carries no signatures"
			if diff := cmp.Diff(tt.claims, src.Proves()); diff != "" {
				t.Errorf("claims (-want +got):\n%s", diff)
			}
			known := src.Known()
			tt.known.Host, tt.known.Given, tt.known.Tags, tt.known.Platform = known.Host, name, []string{name}, ref.Platform{OS: "linux", Architecture: "amd64"}
			if diff := cmp.Diff(tt.known, known); diff != "" {
				t.Errorf("known (-want +got):\n%s", diff)
			}
			for _, r := range []ref.Ref{{}, {Name: "ghcr.io/acme/api", Tag: "1.4.2"}} {
				a, err := src.Manifest(t.Context(), r)
				if err != nil || !strings.Contains(string(a.Body), string(config)) {
					t.Errorf("manifest of %q: %+v, %v", r, a, err)
				}
			}
			for _, r := range []ref.Ref{{Name: "ghcr.io/acme/api", Tag: "2"}, {Name: "acme/api", Tag: "1.4.2"}} {
				_, err := src.Manifest(t.Context(), r)
				wantError(t, err, fact.NotFound, "what was saved is image")
			}
			_, _, err := src.Referrers(t.Context(), ref.Ref{}, manifest)
			wantError(t, err, fact.Unsupported, "carries no signatures")
		})
	}
}

// Nothing is left behind, whatever goes wrong, and nobody else reads it meanwhile.
func TestFaults(t *testing.T) {
	t.Parallel()
	b, another := build(t), ref.DigestOf([]byte("another"), "")
	config := b.Images[0].Config.Descriptor.Digest
	saved := dockerSave(t, b)
	tests := []struct {
		name   string
		given  string
		change func(e *dockertest.Engine)
		cause  fact.Cause
		text   string
	}{
		{"not_there", "acme/nowhere:1", nil, fact.NotFound, "acme/nowhere"},
		{"no_name", "", nil, fact.Unsupported, "it has no name"},
		{"a_path", "../../containers/x", nil, fact.Unsupported, "parse reference"},
		{"gone_since", name, func(e *dockertest.Engine) { e.Archives = nil }, fact.NotFound, "No such image"},
		{"another_image", name, func(e *dockertest.Engine) {
			e.Images[0].ID = string(another)
			e.Archives = map[string][]byte{string(another): saved}
		}, fact.ServerError, "it has the ID " + string(another)},
		{"another_image_of_containerd", name, func(e *dockertest.Engine) {
			e.Info.DriverStatus = [][2]string{dockertest.ContainerdStatus}
			e.Images[0].ID = string(another)
			e.Archives = map[string][]byte{string(another): layout(t, b)}
		}, fact.ServerError, "it has the ID " + string(another)},
		{"no_digest", name, func(e *dockertest.Engine) { e.Images[0].ID = "sha256:short" }, fact.ServerError, "parse digest"},
		{"no_archive", name, func(e *dockertest.Engine) { e.Archives[string(config)] = []byte("no tar") }, fact.CutShort, "cut short"},
		{"half_an_archive", name, func(e *dockertest.Engine) { e.Archives[string(config)] = saved[:len(saved)/2] }, fact.CutShort, "cut short"},
		{"cut", name, func(e *dockertest.Engine) {
			e.Fault = func(w http.ResponseWriter, _ *http.Request, path string) bool {
				if path == "/images/get" {
					dockertest.Cut(w, string(saved[:1024]))
				}
				return false
			}
		}, fact.CutShort, "cut in the middle"},
		{"refused", name, func(e *dockertest.Engine) {
			e.Fault = func(w http.ResponseWriter, _ *http.Request, path string) bool {
				if path == "/images/get" {
					dockertest.Fail(w, http.StatusForbidden, "no saving")
				}
				return path == "/images/get"
			}
		}, fact.Forbidden, "no saving"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			e := dockertest.Docker()
			e.Images = []dockerimage.InspectResponse{{ID: string(config), RepoTags: []string{name}}}
			e.Archives = map[string][]byte{string(config): saved}
			if tt.change != nil {
				tt.change(e)
			}
			dir := t.TempDir()
			_, err := try(t, e, tt.given, dir)
			wantError(t, err, tt.cause, tt.text)
			wantEmpty(t, dir)
		})
	}
}

func TestFileIsPrivate(t *testing.T) {
	t.Parallel()
	b := build(t)
	config := b.Images[0].Config.Descriptor.Digest
	e := dockertest.Docker()
	e.Images = []dockerimage.InspectResponse{{ID: string(config), RepoTags: []string{name}}}
	e.Archives = map[string][]byte{string(config): dockerSave(t, b)}
	dir := t.TempDir()
	src, err := try(t, e, name, dir)
	if err != nil {
		t.Fatal(err)
	}
	files, err := filepath.Glob(filepath.Join(dir, "*", "image.tar"))
	if err != nil || len(files) != 1 {
		t.Fatalf("files %q, %v", files, err)
	}
	for path, want := range map[string]os.FileMode{files[0]: 0o600, filepath.Dir(files[0]): 0o700} {
		if info, err := os.Stat(path); err != nil || info.Mode().Perm()&^want != 0 {
			t.Errorf("%s: %v, %v; want no more than %v", path, info.Mode(), err, want)
		}
	}
	if err := src.Close(); err != nil {
		t.Error(err)
	}
	wantEmpty(t, dir)
}

// A tag that moves after it was asked about leads to the image that it named.
func TestTagThatMoves(t *testing.T) {
	t.Parallel()
	b := build(t)
	config := b.Images[0].Config.Descriptor.Digest
	e := dockertest.Docker()
	e.Images = []dockerimage.InspectResponse{{ID: string(config), RepoTags: []string{name}}}
	e.Archives = map[string][]byte{string(config): dockerSave(t, b), name: []byte("another image")}
	if got := open(t, e, name).Known().ID; got != config {
		t.Errorf("opened %q, want %q", got, config)
	}
}

func TestArchiveThatDoesNotOpen(t *testing.T) {
	t.Parallel()
	b, no := build(t), errors.New("no")
	config := string(b.Images[0].Config.Descriptor.Digest)
	e := dockertest.Docker()
	e.Images = []dockerimage.InspectResponse{{ID: config}}
	e.Archives = map[string][]byte{config: dockerSave(t, b)}
	dir := t.TempDir()
	_, err := docker.Open(t.Context(), config, docker.Options{Engine: dockerengine.Options{Host: e.Serve(t)}, TempDir: dir,
		Open: func(context.Context, string) (docker.Opened, error) { return (*archive.Source)(nil), no }})
	if !errors.Is(err, no) {
		t.Errorf("error %v, want %v", err, no)
	}
	wantEmpty(t, dir)
}

func wantEmpty(t *testing.T, dir string) {
	t.Helper()
	left, err := os.ReadDir(dir)
	if err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}

func wantError(t *testing.T, err error, cause fact.Cause, text string) {
	t.Helper()
	if err == nil || image.CauseOf(err) != cause || !strings.Contains(err.Error(), text) {
		t.Errorf("error %v with cause %q, want %q with cause %q", err, image.CauseOf(err), text, cause)
	}
}
