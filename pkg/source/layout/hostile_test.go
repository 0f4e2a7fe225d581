//go:build unix

package layout_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/intact-dev/intact/pkg/fact"
	"github.com/intact-dev/intact/pkg/image"
	"github.com/intact-dev/intact/pkg/internal/limits"
	"github.com/intact-dev/intact/pkg/internal/testimage"
	"github.com/intact-dev/intact/pkg/ref"
	"github.com/intact-dev/intact/pkg/source/layout"
)

func TestOpenNoLayout(t *testing.T) {
	t.Parallel()
	const version = `{"imageLayoutVersion":"1.0.0"}`
	digest := strings.Repeat("a", 64)
	tests := []struct {
		name  string
		files map[string]string
		cause fact.Cause
		err   string
		hint  string
	}{
		{"empty", nil, fact.NotFound, "no OCI image layout: it has no oci-layout file", "name the folder"},
		{"only_an_index", map[string]string{"index.json": `{}`}, fact.NotFound, "no oci-layout file", "index.json is there"},
		{"no_index", map[string]string{"oci-layout": version}, fact.NotFound, "index.json", ""},
		{"other_version", map[string]string{"oci-layout": `{"imageLayoutVersion":"2.0.0"}`}, fact.Unsupported, `"2.0.0"`, ""},
		{"version_no_json", map[string]string{"oci-layout": `1.0.0`}, fact.Unsupported, "oci-layout", ""},
		{"version_huge", map[string]string{"oci-layout": strings.Repeat(" ", 5000)}, fact.Limit, "5000", ""},
		{"index_no_json", map[string]string{"oci-layout": version, "index.json": "<html>"}, fact.Unsupported, "malformed layout", ""},
		{"index_without_manifests", map[string]string{"oci-layout": version, "index.json": `{"Manifests":[]}`}, fact.Unsupported, "manifests", ""},
		{"index_twice", map[string]string{"oci-layout": version, "index.json": `{"manifests":[],"manifests":[]}`}, fact.Unsupported, "twice", ""},
		{"index_and_more", map[string]string{"oci-layout": version, "index.json": `{"manifests":[]}{}`}, fact.Unsupported, "after the end", ""},
		{"index_deep", map[string]string{"oci-layout": version, "index.json": strings.Repeat("[", 1000)}, fact.Unsupported, "nested deeper", ""},
		{"digest_traversal", map[string]string{"oci-layout": version,
			"index.json": `{"manifests":[{"digest":"sha256:../../../../etc/passwd","size":1}]}`}, fact.Unsupported, "manifests[0]", ""},
		{"too_many", map[string]string{"oci-layout": version,
			"index.json": `{"manifests":[` + strings.Repeat(`{"digest":"sha256:`+digest+`"},`, limits.LayoutManifests) + `{"digest":"sha256:` + digest + `"}]}`}, fact.Limit, "10001", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			for name, body := range tt.files {
				write(t, filepath.Join(dir, name), []byte(body))
			}
			_, err := layout.Open(dir)
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
	_, err := layout.Open(filepath.Join(dir, "nowhere"))
	wantError(t, err, fact.NotFound, "nowhere")
	file := filepath.Join(dir, "image.tar")
	write(t, file, []byte("x"))
	_, err = layout.Open(file)
	wantError(t, err, fact.Unsupported, "a file, not a directory")
	if !strings.Contains(image.HintOf(err), "archive:") {
		t.Errorf("hint %q does not name archive:", image.HintOf(err))
	}
}

// An index.json of 1 GiB costs nothing but a look at its size.
func TestHugeIndex(t *testing.T) {
	t.Parallel()
	dir := withEntries(t)
	if err := os.Truncate(filepath.Join(dir, "index.json"), 1<<30); err != nil {
		t.Fatal(err)
	}
	_, err := layout.Open(dir)
	wantLimit(t, err)
}

// What is no regular file is refused, within the layout and outside of it, and
// a pipe does not block.
func TestIrregularBlobs(t *testing.T) {
	t.Parallel()
	e := entry(t, "x", "content")
	layer := e.Built.Images[0].Layers[0].Descriptor
	tests := []struct {
		name    string
		replace func(name, secret string) error
		err     string
	}{
		{"link_outside", func(name, secret string) error { return os.Symlink(secret, name) }, "symbolic link"},
		{"link_inside", func(name, _ string) error { return os.Symlink("../../index.json", name) }, "symbolic link"},
		{"pipe", func(name, _ string) error { return syscall.Mkfifo(name, 0o644) }, "special file"},
		{"directory", func(name, _ string) error { return os.Mkdir(name, 0o755) }, "a directory"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			dir := withEntries(t, e)
			secret := filepath.Join(t.TempDir(), "secret")
			write(t, secret, []byte("secret"))
			for _, d := range []ref.Digest{layer.Digest, e.Built.Root.Descriptor.Digest} {
				name := filepath.Join(dir, "blobs", "sha256", d.Hex())
				if err := os.Remove(name); err != nil {
					t.Fatal(err)
				}
				if err := tt.replace(name, secret); err != nil {
					t.Fatal(err)
				}
			}
			src := open(t, dir)
			_, err := readAll(t, src, layer)
			wantError(t, err, fact.Unsupported, tt.err)
			_, err = src.Manifest(t.Context(), ref.Ref{Tag: "x"})
			wantError(t, err, fact.Unsupported, tt.err)
			_, err = src.Head(t.Context(), ref.Ref{Tag: "x"})
			wantError(t, err, fact.Unsupported, tt.err)
			if _, err = src.HasBlob(t.Context(), ref.Ref{}, layer); err == nil {
				t.Error("a blob that is no file counts as there or missing")
			}
			_, _, err = src.Referrers(t.Context(), ref.Ref{}, layer.Digest)
			wantError(t, err, fact.Unsupported, tt.err)
		})
	}
}

// A link in the place of a directory of the layout does not lead outside.
func TestLinkedDirectory(t *testing.T) {
	t.Parallel()
	e := entry(t, "x", "content")
	dir, elsewhere := withEntries(t, e), withEntries(t, e)
	if err := os.RemoveAll(filepath.Join(dir, "blobs")); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(filepath.Join(elsewhere, "blobs"), filepath.Join(dir, "blobs")); err != nil {
		t.Fatal(err)
	}
	if b, err := readAll(t, open(t, dir), e.Built.Root.Descriptor); err == nil {
		t.Errorf("read %d bytes from outside the layout", len(b))
	}
}

// Indexes that list each other end; a chain that is too deep is an error, not
// an empty list.
func TestNestedIndexes(t *testing.T) {
	t.Parallel()
	nest := func(depth int) *testimage.Built {
		b := entry(t, "", "x").Built
		for range depth {
			raw := fmt.Sprintf(`{"schemaVersion":2,"manifests":[{"digest":%q,"size":%d},{"digest":%q,"size":1}]}`,
				b.Root.Descriptor.Digest, b.Root.Descriptor.Size, b.Root.Descriptor.Digest)
			o := testimage.Blob(testimage.TypeIndex, []byte(raw))
			b.Manifests, b.Root = append(b.Manifests, o), o
		}
		return b
	}
	some := ref.DigestOf(nil, "")
	src := open(t, withEntries(t, testimage.Entry{Built: nest(limits.IndexDepth)}))
	if got, form, err := src.Referrers(t.Context(), ref.Ref{}, some); err != nil || len(got) != 0 || form != fact.FormLayout {
		t.Errorf("at the limit: %v, %q, %v", got, form, err)
	}
	src = open(t, withEntries(t, testimage.Entry{Built: nest(limits.IndexDepth + 1)}))
	_, _, err := src.Referrers(t.Context(), ref.Ref{}, some)
	wantLimit(t, err)
}

// A referrer below an index (the fallback that clients write) is found.
func TestNestedReferrer(t *testing.T) {
	t.Parallel()
	e := entry(t, "x", "content")
	statement, err := testimage.Artifact("application/example", e.Built.Root.Descriptor)
	if err != nil {
		t.Fatal(err)
	}
	raw, err := json.Marshal(map[string]any{"schemaVersion": 2, "manifests": []any{
		map[string]any{"digest": statement.Root.Descriptor.Digest, "size": 1, "mediaType": testimage.TypeManifest},
		map[string]any{"digest": ref.DigestOf([]byte("not there"), ""), "size": 1}}})
	if err != nil {
		t.Fatal(err)
	}
	index := testimage.Blob(testimage.TypeIndex, raw)
	statement.Manifests, statement.Root = append(statement.Manifests, index), index
	src := open(t, withEntries(t, e, testimage.Entry{Built: statement, Name: "sha256-" + e.Built.Root.Descriptor.Digest.Hex()}))
	got, _, err := src.Referrers(t.Context(), ref.Ref{}, e.Built.Root.Descriptor.Digest)
	if err != nil || len(got) != 1 || got[0].ArtifactType != "application/example" {
		t.Errorf("referrers: %+v, %v", got, err)
	}
}

func FuzzIndex(f *testing.F) {
	f.Add([]byte(`{"schemaVersion":2,"manifests":[]}`))
	f.Add([]byte(`{"manifests":[{"mediaType":"x","digest":"sha256:` + strings.Repeat("0", 64) + `","size":-1,"annotations":{"kind":"dev.cosignproject.cosign/sigs"}}]}`))
	f.Add([]byte(`{"manifests":[{"digest":"sha256:/../"}],"manifests":null}`))
	f.Fuzz(func(t *testing.T, index []byte) {
		dir := t.TempDir()
		write(t, filepath.Join(dir, "oci-layout"), []byte(`{"imageLayoutVersion":"1.0.0"}`))
		write(t, filepath.Join(dir, "index.json"), index)
		src, err := layout.Open(dir)
		if err != nil {
			if image.CauseOf(err) == fact.Internal {
				t.Fatalf("a fault of the layout counts as ours: %v", err)
			}
			return
		}
		defer func() { _ = src.Close() }()
		for _, d := range src.Entries() {
			if _, err := ref.ParseDigest(string(d.Digest)); err != nil {
				t.Fatal(err)
			}
		}
		if a, err := src.Manifest(t.Context(), ref.Ref{Tag: "x"}); err == nil && !bytes.Equal(a.Body, nil) {
			t.Fatalf("got %q out of a layout without blobs", a.Body)
		}
	})
}

func wantError(t *testing.T, err error, cause fact.Cause, text string) {
	t.Helper()
	if err == nil || image.CauseOf(err) != cause || !strings.Contains(err.Error(), text) {
		t.Errorf("error %v with cause %q, want %q with %q", err, image.CauseOf(err), text, cause)
	}
}
