package testimage

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/intact-dev/intact/pkg/ref"
)

// Media types of what is built.
const (
	TypeIndex    = "application/vnd.oci.image.index.v1+json"
	TypeManifest = "application/vnd.oci.image.manifest.v1+json"
	TypeConfig   = "application/vnd.oci.image.config.v1+json"
	TypeLayer    = "application/vnd.oci.image.layer.v1.tar"
	TypeEmpty    = "application/vnd.oci.empty.v1+json"
)

// created is when everything was made.
const created = "2026-01-01T00:00:00Z"

type object = map[string]any

// Build builds s.
func Build(s Spec) (*Built, error) {
	b := &Built{}
	var entries []any
	for i, img := range s.Images {
		entry, err := b.image(img)
		if err != nil {
			return nil, fmt.Errorf("build images[%d]: %w", i, err)
		}
		entries = append(entries, entry)
	}
	if len(b.Manifests) > 0 {
		b.Root = b.Manifests[len(b.Manifests)-1]
	}
	if len(s.Images) == 1 && !s.Index && s.RawIndex == "" {
		return b, nil
	}
	doc := object{"schemaVersion": 2, "mediaType": TypeIndex, "manifests": entries}
	root, err := document(TypeIndex, doc, s.IndexFields, s.RawIndex)
	if err != nil {
		return nil, fmt.Errorf("build index: %w", err)
	}
	b.Manifests = append(b.Manifests, root)
	b.Root = root
	return b, nil
}

// image builds one image and returns its entry for an index.
func (b *Built) image(img Image) (object, error) {
	platform := img.Platform
	if platform == "" {
		platform = "linux/amd64"
	}
	p, err := ref.ParsePlatform(platform)
	if err != nil {
		return nil, err
	}
	var out BuiltImage
	layers, diffIDs, history := []any{}, []string{}, []any{}
	for i, l := range img.Layers {
		o, tar, err := l.build()
		if err != nil {
			return nil, fmt.Errorf("layers[%d]: %w", i, err)
		}
		diffID := l.DiffID
		if diffID == "" {
			diffID = string(ref.DigestOf(tar, ""))
		}
		diffIDs = append(diffIDs, diffID)
		history = append(history, object{"created": created, "created_by": l.CreatedBy})
		layers = append(layers, override(descriptorFields(o.Descriptor), l.DescriptorFields))
		out.Layers, out.Tars = append(out.Layers, o), append(out.Tars, tar)
		b.addBlob(o)
	}
	config := object{
		"created": created, "os": p.OS, "architecture": p.Architecture,
		"config": img.Config, "rootfs": object{"type": "layers", "diff_ids": diffIDs}, "history": history,
	}
	if p.Variant != "" {
		config["variant"] = p.Variant
	}
	if out.Config, err = document(TypeConfig, config, img.ConfigFields, img.RawConfig); err != nil {
		return nil, err
	}
	b.addBlob(out.Config)
	manifest := object{
		"schemaVersion": 2, "mediaType": TypeManifest,
		"config": descriptorFields(out.Config.Descriptor), "layers": layers,
	}
	if out.Manifest, err = document(TypeManifest, manifest, img.ManifestFields, img.RawManifest); err != nil {
		return nil, err
	}
	b.Manifests = append(b.Manifests, out.Manifest)
	b.Images = append(b.Images, out)
	entry := descriptorFields(out.Manifest.Descriptor)
	entry["platform"] = platformFields(p)
	return override(entry, img.DescriptorFields), nil
}

func (b *Built) addBlob(o Object) {
	for _, have := range b.Blobs {
		if have.Descriptor.Digest == o.Descriptor.Digest {
			return
		}
	}
	b.Blobs = append(b.Blobs, o)
}

// document writes a JSON document: raw if given, else fields with its overrides.
func document(mediaType string, fields, overrides object, raw string) (Object, error) {
	body := []byte(raw)
	if raw == "" {
		var err error
		if body, err = json.Marshal(override(fields, overrides)); err != nil {
			return Object{}, err
		}
	}
	if t, ok := overrides["mediaType"].(string); ok && strings.HasPrefix(t, "application/") {
		mediaType = t
	}
	return content(mediaType, body), nil
}

// content describes b.
func content(mediaType string, b []byte) Object {
	return Object{Body: b, Descriptor: ref.Descriptor{MediaType: mediaType, Digest: ref.DigestOf(b, ""), Size: int64(len(b))}}
}

// descriptorFields writes d as the specification does, which names some
// properties of platforms otherwise than ref does.
func descriptorFields(d ref.Descriptor) object {
	o := object{"mediaType": d.MediaType, "digest": d.Digest, "size": d.Size}
	if d.ArtifactType != "" {
		o["artifactType"] = d.ArtifactType
	}
	if d.Annotations != nil {
		o["annotations"] = d.Annotations
	}
	if d.Platform != nil {
		o["platform"] = platformFields(*d.Platform)
	}
	return o
}

func platformFields(p ref.Platform) object {
	o := object{"os": p.OS, "architecture": p.Architecture}
	if p.Variant != "" {
		o["variant"] = p.Variant
	}
	if p.OSVersion != "" {
		o["os.version"] = p.OSVersion
	}
	return o
}

func override(fields, over object) object {
	for k, v := range over {
		if v == nil {
			delete(fields, k)
			continue
		}
		fields[k] = v
	}
	return fields
}
