package testimage

import (
	"archive/tar"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"
)

// AnnotationRefName names an entry of a layout.
const AnnotationRefName = "org.opencontainers.image.ref.name"

// An Entry is one root of a layout. Name becomes the annotation
// org.opencontainers.image.ref.name; "" gives none.
type Entry struct {
	Built       *Built
	Name        string
	Annotations map[string]string // in index.json
}

// A NamedFile is a file of a layout or an archive.
type NamedFile struct {
	Name string
	Body []byte
	Link string // a symbolic link to it
	Hard string // a hard link to it
}

// LayoutFiles returns the files of an OCI layout that holds entries.
func LayoutFiles(entries ...Entry) ([]NamedFile, error) {
	files := []NamedFile{{Name: "oci-layout", Body: []byte(`{"imageLayoutVersion":"1.0.0"}`)}}
	roots := []any{}
	for _, e := range entries {
		d := e.Built.Root.Descriptor
		d.Annotations = map[string]string{}
		for k, v := range e.Annotations {
			d.Annotations[k] = v
		}
		if e.Name != "" {
			d.Annotations[AnnotationRefName] = e.Name
		}
		if len(d.Annotations) == 0 {
			d.Annotations = nil
		}
		roots = append(roots, descriptorFields(d))
	}
	index, err := json.Marshal(object{"schemaVersion": 2, "mediaType": TypeIndex, "manifests": roots})
	if err != nil {
		return nil, err
	}
	files = append(files, NamedFile{Name: "index.json", Body: index})
	seen := map[string]bool{}
	for _, e := range entries {
		for _, o := range append(append([]Object(nil), e.Built.Blobs...), e.Built.Manifests...) {
			name := "blobs/" + o.Descriptor.Digest.Algorithm() + "/" + o.Descriptor.Digest.Hex()
			if !seen[name] {
				seen[name] = true
				files = append(files, NamedFile{Name: name, Body: o.Body})
			}
		}
	}
	return files, nil
}

// WriteLayout writes an OCI layout that holds entries to dir.
func WriteLayout(dir string, entries ...Entry) error {
	files, err := LayoutFiles(entries...)
	if err != nil {
		return err
	}
	for _, f := range files {
		name := filepath.Join(dir, filepath.FromSlash(f.Name))
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			return err
		}
		if err := os.WriteFile(name, f.Body, 0o644); err != nil {
			return err
		}
	}
	return nil
}

// DockerSaveFiles returns the files that "docker save" of an engine before
// version 25 writes for an image: manifest.json, the config, the layers expanded.
func DockerSaveFiles(img BuiltImage, tags ...string) ([]NamedFile, error) {
	var files []NamedFile
	layers := []string{}
	for i, t := range img.Tars {
		name := fmt.Sprintf("%064x/layer.tar", i+1)
		layers = append(layers, name)
		files = append(files, NamedFile{Name: name, Body: t})
	}
	config := img.Config.Descriptor.Digest.Hex() + ".json"
	manifest, err := json.Marshal([]any{object{"Config": config, "RepoTags": tags, "Layers": layers}})
	if err != nil {
		return nil, err
	}
	return append(files, NamedFile{Name: config, Body: img.Config.Body}, NamedFile{Name: "manifest.json", Body: manifest}), nil
}

// WriteTar writes files as an archive.
func WriteTar(w io.Writer, files []NamedFile) error {
	tw := tar.NewWriter(w)
	for _, f := range files {
		h := &tar.Header{Name: f.Name, Mode: 0o644, Size: int64(len(f.Body)), Typeflag: tar.TypeReg,
			ModTime: time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)}
		switch {
		case f.Link != "":
			h.Typeflag, h.Linkname = tar.TypeSymlink, f.Link
		case f.Hard != "":
			h.Typeflag, h.Linkname = tar.TypeLink, f.Hard
		}
		if err := tw.WriteHeader(h); err != nil {
			return fmt.Errorf("write %q: %w", f.Name, err)
		}
		if _, err := tw.Write(f.Body); err != nil {
			return fmt.Errorf("write %q: %w", f.Name, err)
		}
	}
	return tw.Close()
}
