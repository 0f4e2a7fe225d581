package archive

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"path"
	"strings"

	"github.com/intact-dev/intact/pkg/image"
	"github.com/intact-dev/intact/pkg/internal/lazy"
	"github.com/intact-dev/intact/pkg/internal/limits"
	"github.com/intact-dev/intact/pkg/internal/ocilayout"
	"github.com/intact-dev/intact/pkg/internal/strictjson"
	"github.com/intact-dev/intact/pkg/ref"
)

const dockerManifest = "manifest.json"

const (
	typeManifest = "application/vnd.oci.image.manifest.v1+json"
	typeConfig   = "application/vnd.oci.image.config.v1+json"
	typeLayer    = "application/vnd.oci.image.layer.v1.tar"
)

// savedImage is one entry of manifest.json.
//
// https://github.com/moby/docker-image-spec/blob/v1.3.1/spec.md#combined-image-json--filesystem-changeset-format
type savedImage struct {
	Config   string
	RepoTags []string
	Layers   []string
}

// A descriptor is written as in the documents that are made here.
type descriptor struct {
	MediaType   string            `json:"mediaType"`
	Digest      ref.Digest        `json:"digest"`
	Size        int64             `json:"size"`
	Annotations map[string]string `json:"annotations,omitempty"`
}

// saved presents an archive of docker save as a layout: documents are made,
// blobs are files of the archive under the digests that its config gives them.
type saved struct {
	tree  *tree
	made  map[string][]byte // by name in the layout
	blobs map[string]*entry // by name in the layout
}

func dockerFiles(ctx context.Context, t *tree) (*saved, error) {
	images, err := savedImages(ctx, t)
	if err != nil {
		return nil, err
	}
	s := &saved{tree: t, made: map[string][]byte{}, blobs: map[string]*entry{}}
	index := struct {
		SchemaVersion int          `json:"schemaVersion"`
		Manifests     []descriptor `json:"manifests"`
	}{2, []descriptor{}}
	for i, img := range images {
		d, err := s.manifest(ctx, img)
		if err != nil {
			return nil, fmt.Errorf("%s: image %d: %w", dockerManifest, i+1, err)
		}
		if len(img.RepoTags) == 0 {
			index.Manifests = append(index.Manifests, d)
		}
		for _, tag := range img.RepoTags {
			d.Annotations = map[string]string{"org.opencontainers.image.ref.name": tag}
			index.Manifests = append(index.Manifests, d)
		}
	}
	b, err := json.Marshal(index)
	if err != nil {
		return nil, err
	}
	s.made["index.json"] = b
	s.made["oci-layout"] = []byte(`{"imageLayoutVersion":"1.0.0"}`)
	return s, nil
}

func savedImages(ctx context.Context, t *tree) ([]savedImage, error) {
	b, err := t.read(ctx, dockerManifest, limits.Manifest)
	if err != nil {
		return nil, err
	}
	_, ambiguities, err := strictjson.Parse(b, limits.JSONDepth)
	if err != nil {
		return nil, malformed("%s: %v", dockerManifest, err)
	}
	if len(ambiguities) > 0 {
		return nil, malformed("%s: %s", dockerManifest, ambiguities[0].Detail)
	}
	var images []savedImage
	if err := json.Unmarshal(b, &images); err != nil {
		return nil, malformed("%s: %v", dockerManifest, err)
	}
	if len(images) == 0 {
		return nil, malformed("%s lists no image", dockerManifest)
	}
	if len(images) > limits.IndexChildren {
		return nil, &limits.ExceededError{What: "number of images in the archive", Limit: limits.IndexChildren, Got: int64(len(images))}
	}
	return images, nil
}

// manifest makes the manifest of one image and describes it.
func (s *saved) manifest(ctx context.Context, img savedImage) (descriptor, error) {
	b, err := s.tree.read(ctx, clean(img.Config), limits.Config)
	if err != nil {
		return descriptor{}, fmt.Errorf("config: %w", err)
	}
	e, err := s.tree.find(clean(img.Config))
	if err != nil {
		return descriptor{}, fmt.Errorf("config: %w", err)
	}
	config := descriptor{MediaType: typeConfig, Digest: imageID(img.Config, b), Size: int64(len(b))}
	s.blobs[blobName(config.Digest)] = e
	var c struct {
		RootFS struct {
			DiffIDs []string `json:"diff_ids"`
		} `json:"rootfs"`
	}
	// What is wrong with the config is told by those who examine it.
	_ = json.Unmarshal(b, &c)
	if n := len(img.Layers); n > limits.Layers {
		return descriptor{}, &limits.ExceededError{What: "number of layers", Limit: limits.Layers, Got: int64(n)}
	}
	layers := []descriptor{}
	for i, name := range img.Layers {
		diffID := ""
		if i < len(c.RootFS.DiffIDs) {
			diffID = c.RootFS.DiffIDs[i]
		}
		d, err := s.layer(ctx, clean(name), diffID)
		if err != nil {
			return descriptor{}, fmt.Errorf("layer %d: %w", i+1, err)
		}
		layers = append(layers, d)
	}
	m, err := json.Marshal(struct {
		SchemaVersion int          `json:"schemaVersion"`
		MediaType     string       `json:"mediaType"`
		Config        descriptor   `json:"config"`
		Layers        []descriptor `json:"layers"`
	}{2, typeManifest, config, layers})
	if err != nil {
		return descriptor{}, err
	}
	d := descriptor{MediaType: typeManifest, Digest: ref.DigestOf(m, ""), Size: int64(len(m))}
	s.made[blobName(d.Digest)] = m
	return d, nil
}

// layer describes a layer's file. A plain one goes by the diffID that the
// config claims, so that reading it proves the claim. One that is compressed, or
// has no diffID to itself, goes by the digest of its bytes: the diffID is
// compared after expansion, and there a lie is seen as well.
func (s *saved) layer(ctx context.Context, name, diffID string) (descriptor, error) {
	e, err := s.tree.find(name)
	if err != nil {
		return descriptor{}, err
	}
	out := descriptor{MediaType: typeLayer, Size: e.size}
	switch {
	case isGzip(e.magic):
		out.MediaType += "+gzip"
	case isZstd(e.magic):
		out.MediaType += "+zstd"
	default:
		out.Digest, _ = ref.ParseDigest(diffID)
	}
	if have := s.blobs[blobName(out.Digest)]; out.Digest == "" || have != nil && have != e {
		if out.Digest, err = s.tree.hash(ctx, e); err != nil {
			return descriptor{}, err
		}
	}
	s.blobs[blobName(out.Digest)] = e
	return out, nil
}

var configHex = lazy.Regexp(`(?:^|[/:])([0-9a-f]{64})(?:\.json)?$`)

// imageID is the digest that the config's name claims, so that wrong bytes are
// found where all bytes are checked; that of the bytes if the name has none.
func imageID(name string, b []byte) ref.Digest {
	if m := configHex().FindStringSubmatch(name); m != nil {
		return ref.Digest("sha256:" + m[1])
	}
	return ref.DigestOf(b, "")
}

func clean(name string) string {
	if name == "" {
		return ".." // nothing of the archive
	}
	return path.Clean(name)
}

func blobName(d ref.Digest) string { return "blobs/" + d.Algorithm() + "/" + d.Hex() }

func (t *tree) read(ctx context.Context, name string, limit int64) ([]byte, error) {
	rc, size, err := t.Open(ctx, name)
	if err != nil {
		return nil, err
	}
	defer func() { _ = rc.Close() }()
	if size > limit {
		return nil, &limits.ExceededError{What: fmt.Sprintf("size of %.200q", name), Limit: limit, Got: size}
	}
	return io.ReadAll(rc)
}

func (t *tree) hash(ctx context.Context, e *entry) (ref.Digest, error) {
	rc, err := t.openEntry(ctx, e)
	if err != nil {
		return "", err
	}
	defer func() { _ = rc.Close() }()
	h := sha256.New()
	if _, err := io.Copy(h, &counter{ctx: ctx, r: rc, max: e.size}); err != nil {
		return "", damaged(err)
	}
	return ref.Digest("sha256:" + hex.EncodeToString(h.Sum(nil))), nil
}

// Size implements ocilayout.Files.
func (s *saved) Size(ctx context.Context, name string) (int64, error) {
	if err := ctx.Err(); err != nil {
		return 0, err
	}
	if b, ok := s.made[name]; ok {
		return int64(len(b)), nil
	}
	if e, ok := s.blobs[name]; ok {
		return e.size, nil
	}
	return s.tree.Size(ctx, "") // says that it is missing
}

// Open implements ocilayout.Files.
func (s *saved) Open(ctx context.Context, name string) (io.ReadCloser, int64, error) {
	size, err := s.Size(ctx, name)
	if err != nil {
		return nil, 0, err
	}
	if b, ok := s.made[name]; ok {
		return io.NopCloser(bytes.NewReader(b)), size, nil
	}
	rc, err := s.tree.openEntry(ctx, s.blobs[name])
	return rc, size, err
}

// remade reports whether an engine wrote manifests of its own: Docker without
// containerd's image store keeps layers expanded and makes a manifest for the
// archive, whose digest no registry knows. A pushed image's layers are compressed.
func remade(ctx context.Context, l *ocilayout.Layout) bool {
	for _, e := range l.Entries() {
		a, err := l.Manifest(ctx, ref.Ref{Digest: e.Digest})
		if err != nil {
			continue
		}
		var m struct {
			Layers []struct {
				MediaType string `json:"mediaType"`
			} `json:"layers"`
		}
		_ = json.Unmarshal(a.Body, &m)
		for _, layer := range m.Layers {
			if strings.HasSuffix(layer.MediaType, ".tar") {
				return true
			}
		}
	}
	return false
}

var (
	_ ocilayout.Files = (*saved)(nil)
	_ image.Referrer  = (*Source)(nil)
	_ image.Prober    = (*Source)(nil)
)
