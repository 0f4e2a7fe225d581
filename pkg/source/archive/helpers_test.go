package archive_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/intact-dev/intact/pkg/fact"
	"github.com/intact-dev/intact/pkg/image"
	"github.com/intact-dev/intact/pkg/internal/testimage"
	"github.com/intact-dev/intact/pkg/ref"
	"github.com/intact-dev/intact/pkg/source/archive"
)

type manifest struct {
	Config ref.Descriptor
	Layers []ref.Descriptor
}

func decode(t *testing.T, b []byte) manifest {
	t.Helper()
	var m manifest
	if err := json.Unmarshal(b, &m); err != nil {
		t.Fatal(err)
	}
	return m
}

func blob(t *testing.T, src *archive.Source, d ref.Descriptor) ([]byte, error) {
	t.Helper()
	rc, err := src.Blob(t.Context(), ref.Ref{}, d)
	if err != nil {
		return nil, err
	}
	defer func() { _ = rc.Close() }()
	return io.ReadAll(rc)
}

// whole checks that a manifest made from an archive of b leads to b's config and
// expanded layers, each under its right digest and size.
func whole(t *testing.T, src *archive.Source, a *image.Answer, b *testimage.Built) error {
	t.Helper()
	m := decode(t, a.Body)
	want := append([][]byte{b.Images[0].Config.Body}, b.Images[0].Tars...)
	got := append([]ref.Descriptor{m.Config}, m.Layers...)
	if len(got) != len(want) {
		return fmt.Errorf("%d blobs, want %d", len(got), len(want))
	}
	for i, d := range got {
		body, err := blob(t, src, d)
		switch {
		case err != nil:
			return err
		case !bytes.Equal(body, want[i]):
			return fmt.Errorf("blob %d has other bytes", i)
		case ref.DigestOf(body, "") != d.Digest || int64(len(body)) != d.Size:
			return fmt.Errorf("blob %d is not what its descriptor says: %+v", i, d)
		}
	}
	return nil
}

// join writes the manifest.json of archives whose files were moved to a/, b/, …
func join(t *testing.T, archives ...[]testimage.NamedFile) []byte {
	t.Helper()
	type saved struct {
		Config           string
		RepoTags, Layers []string
	}
	var all []saved
	for i, files := range archives {
		var images []saved
		if err := json.Unmarshal(files[len(files)-1].Body, &images); err != nil {
			t.Fatal(err)
		}
		dir := string(rune('a'+i)) + "/"
		for _, img := range images {
			img.Config = dir + img.Config
			for j := range img.Layers {
				img.Layers[j] = dir + img.Layers[j]
			}
			all = append(all, img)
		}
	}
	b, err := json.Marshal(all)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func rename(files []testimage.NamedFile, dir string) []testimage.NamedFile {
	var out []testimage.NamedFile
	for _, f := range files[:len(files)-1] { // without manifest.json
		f.Name = dir + f.Name
		out = append(out, f)
	}
	return out
}

func wantError(t *testing.T, err error, cause fact.Cause, text string) {
	t.Helper()
	if err == nil || image.CauseOf(err) != cause || !strings.Contains(err.Error(), text) {
		t.Errorf("error %v with cause %q, want %q with %q", err, image.CauseOf(err), text, cause)
	}
}
